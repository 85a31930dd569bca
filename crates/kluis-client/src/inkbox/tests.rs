//! What goes over the wire to this API, and what its answers become.

use serde_json::{Value, json};

use super::*;
use crate::tests::{answer, client, ok, receiver};

const AT: &str = "2026-05-04T10:20:30.123456Z";

fn secret() -> Value {
    json!({"id": "s", "name": "n", "description": null, "secret_type": "login", "status": "active",
        "access": [], "created_at": AT, "updated_at": AT})
}

/// The requests of some calls, each as method and target, and its body.
async fn requests<F: Future<Output = ()>>(
    answers: Vec<String>,
    calls: impl FnOnce(Client) -> F,
) -> Vec<(String, Value)> {
    let (base, requests) = receiver(answers).await;
    calls(client(&base)).await;
    let parts = |request: String| {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let (target, headers) = head.split_once(" HTTP/1.1\r\n").unwrap();
        let headers = headers.to_lowercase();
        assert!(headers.contains("x-api-key: ck_live_canary"), "{headers}");
        assert!(!headers.contains("authorization"), "{headers}");
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        (target.to_owned(), body)
    };
    requests.await.unwrap().into_iter().map(parts).collect()
}

/// Inkbox contract §2
#[tokio::test]
async fn the_key_goes_in_the_header_of_this_api_alone() {
    let whoami = json!({"auth_type": "api_key", "organization_id": "org_example_01"});
    let sent = requests(vec![ok(&whoami)], async |client| {
        let whoami = client.inkbox().whoami().await.unwrap();
        assert_eq!(whoami.organization_id, "org_example_01");
    });
    assert_eq!(sent.await[0].0, "GET /api/whoami");
}

/// Inkbox contract §4.4
#[tokio::test]
async fn a_key_that_fits_nothing_is_no_error() {
    let miss = json!({"wrapped_org_encryption_key": null, "wrapped_org_encryption_keys": null,
        "encrypted_secrets": []});
    let mut detail = secret();
    detail["encrypted_payload"] = "AAAA".into();
    let hit = json!({"wrapped_org_encryption_key": "BBBB", "encrypted_secrets": [detail]});
    let sent = requests(vec![ok(&miss), ok(&hit)], async |client| {
        let missed = client.inkbox().vault_unlock("00ff").await.ok().unwrap();
        assert!(missed.wrapped_org_encryption_key.is_none());
        let opened = client.inkbox().vault_unlock("00ff").await.ok().unwrap();
        assert_eq!(opened.encrypted_secrets[0].encrypted_payload, "AAAA");
        assert_eq!(opened.encrypted_secrets[0].secret.name, "n");
    });
    let sent = sent.await;
    assert_eq!(sent[0].0, "GET /api/v1/vault/unlock?auth_hash=00ff");
}

/// Inkbox contract §4.6 and §4.9
#[tokio::test]
async fn absent_members_are_left_out_and_a_cleared_one_is_null() {
    let answers = vec![ok(&secret()), ok(&secret()), ok(&secret())];
    let sent = requests(answers, async |client| {
        let inkbox = client.inkbox();
        let new = NewSecret {
            id: "s",
            name: "n",
            description: None,
            secret_type: "login",
            encrypted_payload: "AAAA",
        };
        inkbox.secret_create(&new).await.unwrap();
        let mut change = SecretChange {
            name: Some("m"),
            ..SecretChange::default()
        };
        inkbox.secret_update("s", &change).await.unwrap();
        change.description = Some(None);
        inkbox.secret_update("s", &change).await.unwrap();
    });
    let sent = sent.await;
    let new = json!({"id": "s", "name": "n", "secret_type": "login", "encrypted_payload": "AAAA"});
    assert_eq!(sent[0], ("POST /api/v1/vault/secrets".to_owned(), new));
    assert_eq!(sent[1].0, "PATCH /api/v1/vault/secrets/s");
    assert_eq!(sent[1].1, json!({"name": "m"}));
    assert_eq!(sent[2].1, json!({"name": "m", "description": null}));
}

/// Inkbox contract §4.12
#[tokio::test]
async fn one_proof_is_sent_and_not_the_other() {
    let key = json!({"id": "k", "key_type": "primary", "created_at": AT, "updated_at": AT});
    let sent = requests(vec![ok(&key)], async |client| {
        let new = NewPrimary {
            id: "k",
            wrapped_org_encryption_key: "AAAA",
            auth_hash: "00",
            current_auth_hash: None,
            recovery_auth_hash: Some("11"),
        };
        let key = client.inkbox().key_replace_primary(&new).await.unwrap();
        assert_eq!(key.key_type, "primary");
    });
    let body = json!({"id": "k", "wrapped_org_encryption_key": "AAAA", "auth_hash": "00",
        "recovery_auth_hash": "11"});
    let target = "PUT /api/v1/vault/keys/primary".to_owned();
    assert_eq!(sent.await[0], (target, body));
}

/// Inkbox contract §4.10 and §4.14 to §4.16
#[tokio::test]
async fn the_remaining_calls_have_their_paths() {
    let rule = json!({"id": "r", "vault_secret_id": "s", "identity_id": "i", "created_at": AT});
    let identity = json!({"id": "i", "organization_id": "o", "agent_handle": "h", "created_at": AT,
        "updated_at": AT, "display_name": "h", "email_address": null});
    let record = json!({"id": "ApiKey_x", "organization_id": "o", "label": "l", "status": "active",
        "created_at": AT});
    let minted = json!({"api_key": "ibk_canary", "record": record});
    let list = |item: &Value| ok(&json!([item]));
    let none = || answer(204, "", "");
    let answers = vec![
        ok(&rule),
        list(&rule),
        none(),
        none(),
        list(&secret()),
        none(),
        none(),
        ok(&identity),
        list(&identity),
        ok(&identity),
        none(),
        ok(&minted),
        ok(&record),
    ];
    let sent = requests(answers, async |client| {
        let inkbox = client.inkbox();
        inkbox.access_grant("s", "i").await.unwrap();
        inkbox.access_rules("s").await.unwrap();
        inkbox.access_revoke("s", "i").await.unwrap();
        inkbox.secret_delete("s").await.unwrap();
        inkbox.secrets(Some("login")).await.unwrap();
        inkbox.key_revoke("00ff").await.unwrap();
        inkbox.vault_delete().await.unwrap();
        let new = NewIdentity {
            agent_handle: "h",
            ..NewIdentity::default()
        };
        inkbox.identity_create(&new).await.unwrap();
        inkbox.identities().await.unwrap();
        inkbox.identity("h").await.unwrap();
        inkbox.identity_delete("h").await.unwrap();
        let new = NewAgentKey {
            label: "l",
            description: None,
            scoped_identity_id: Some("i"),
        };
        let minted = inkbox.agent_key_create(&new).await.ok().unwrap();
        assert_eq!(minted.api_key.expose(), "ibk_canary");
        inkbox.api_key_self().await.unwrap();
    });
    let sent = sent.await;
    let targets: Vec<&str> = sent.iter().map(|(target, _)| target.as_str()).collect();
    assert_eq!(
        targets,
        [
            "POST /api/v1/vault/secrets/s/access",
            "GET /api/v1/vault/secrets/s/access",
            "DELETE /api/v1/vault/secrets/s/access/i",
            "DELETE /api/v1/vault/secrets/s",
            "GET /api/v1/vault/secrets?secret_type=login",
            "DELETE /api/v1/vault/keys/00ff",
            "DELETE /api/v1/vault",
            "POST /api/v1/identities",
            "GET /api/v1/identities",
            "GET /api/v1/identities/h",
            "DELETE /api/v1/identities/h",
            "POST /api/v1/api-keys",
            "GET /api/v1/api-keys/self",
        ]
    );
    assert_eq!(sent[0].1, json!({"identity_id": "i"}));
    assert_eq!(sent[11].1, json!({"label": "l", "scoped_identity_id": "i"}));
}

#[tokio::test]
async fn an_answer_without_payloads_is_not_read_without_end() {
    let long = format!("[{}]", " ".repeat(MAX_SMALL));
    let (base, _requests) = receiver(vec![answer(200, "", &long)]).await;
    let refused = client(&base).inkbox().keys().await.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::TooLong {
                limit: MAX_SMALL,
                ..
            }
        ),
        "{refused}"
    );
}
