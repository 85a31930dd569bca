//! Bodies for requests that are refused.

use serde_json::{Value, json};

/// Members that some route takes.
const MEMBERS: &[&str] = &[
    "name",
    "names",
    "encrypted_payload",
    "secret_type",
    "auth_hash",
    "current_auth_hash",
    "recovery_auth_hash",
    "wrapped_org_encryption_key",
    "vault_key",
    "recovery_keys",
    "identity_id",
    "agent_handle",
    "vault_secret_ids",
    "label",
    "environment",
    "encrypted_value",
    "encryptedValue",
    "publicKeyPem",
    "sealed",
    "tags",
    "key",
    "value",
    "type",
    "notes",
    "email",
    "password",
    "code",
    "otp",
    "role",
    "current_password",
    "new_password",
    "refresh_token",
    "scopes",
    "permissions",
    "conditions",
    "secret_path_pattern",
    "description",
    "plan",
    "status",
    "style",
    "expires_at",
    "expires_in",
    "url",
    "events",
    "enabled",
    "engine",
    "nodes",
    "region",
    "tls",
    "rotation",
    "lease",
    "template",
    "config",
    "selector",
    "sync",
    "credential_record_id",
    "ttl_seconds",
    "record_id",
    "admin_record_id",
    "cluster_id",
    "scope",
    "checks",
    "insight_id",
    "useful",
];

/// Bodies that no route can take, each with `secret` in it.
pub(super) fn wrong(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let with = |members: &[&str], value: &Value| {
        let members = members.iter();
        let body: serde_json::Map<String, Value> = members
            .map(|&member| (member.to_owned(), value.clone()))
            .collect();
        serde_json::to_vec(&body).unwrap()
    };
    let everywhere = |value: &Value| with(MEMBERS, value);
    // Too long for any member. A whole of more than 4 MiB is not read to its end, and its connection ends with the answer.
    let long = json!(format!("{secret}\u{0}\n{}", "x".repeat(70_000)));
    let (some, others) = MEMBERS.split_at(MEMBERS.len() / 2);
    const JSON: &str = "application/json";
    let framed = |message: &[u8]| {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0], &length[..], message].concat()
    };
    let torn = [b"\x0a\xff".as_slice(), secret.as_bytes()].concat();
    vec![
        ("application/proto", torn.clone()),
        ("application/grpc", framed(&torn)),
        ("application/grpc-web+proto", torn),
        (JSON, json!([secret, secret]).to_string().into_bytes()),
        (JSON, everywhere(&json!([secret]))),
        (JSON, everywhere(&json!({"nested": secret}))),
        (JSON, with(some, &long)),
        (JSON, with(others, &long)),
        (JSON, format!("{{\"value\": \"{secret}").into_bytes()),
        (JSON, format!("{{\"value\": {secret}}}").into_bytes()),
        (JSON, json!(secret).to_string().into_bytes()),
        (
            JSON,
            [
                b"{\"value\": \"\xff\xfe".as_slice(),
                secret.as_bytes(),
                b"\"}",
            ]
            .concat(),
        ),
        (
            "text/plain",
            json!({"key": "A", "value": secret})
                .to_string()
                .into_bytes(),
        ),
        (
            "application/x-www-form-urlencoded",
            format!("value={secret}").into_bytes(),
        ),
    ]
}
