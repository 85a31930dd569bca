//! `/v1/agents` and `/v1/auth/agent-token`: contract §4.2–4.4, §9.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{problem, vault};
use crate::harness::{Api, Kluis, on_both};

/// An agent as it is registered: its id, and a caller with its key.
pub struct Agent {
    pub id: String,
    pub key: String,
    pub api: Api,
}

/// Register an agent with these members.
pub async fn register(kluis: &Kluis, by: &Api, mut members: Value) -> Agent {
    if members.get("name").is_none() {
        members["name"] = "bot".into();
    }
    let made = by.post("/v1/agents", members).await.expect(201);
    let key = made.text("/api_key");
    Agent {
        id: made.text("/agent/id"),
        api: Api::bearer(kluis.base(), &key),
        key,
    }
}

/// Let an agent do something in a vault.
pub async fn allow(by: &Api, vault: &str, agent: &Agent, pattern: &str, permissions: &[&str]) {
    let policy = json!({
        "secret_path_pattern": pattern, "principal_type": "agent",
        "principal_id": agent.id, "permissions": permissions,
    });
    by.post(&format!("/v1/vaults/{vault}/policies"), policy)
        .await
        .expect(201);
}

on_both! {
    async fn an_agent_is_registered_and_may_nothing_until_a_policy_names_it(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "prod").await;
        let path = format!("/v1/vaults/{id}/secrets/db/password");
        owner.put(&path, json!({"value": "s3"})).await.expect(201);

        let made = owner
            .post("/v1/agents", json!({"name": "nightly-report"}))
            .await
            .expect(201);
        assert_eq!(made.members(""), ["agent", "api_key"]);
        assert_eq!(
            made.members("/agent"),
            [
                "auth_method",
                "created_at",
                "description",
                "ecdh_public_key",
                "id",
                "intents_api_enabled",
                "is_active",
                "name",
                "scopes",
                "shroud_enabled",
                "ssh_public_key",
                "vault_ids"
            ]
        );
        let key = made.text("/api_key");
        assert!(key.starts_with("ocv_") && key.len() == 47, "{key}");
        let agent = Agent {
            id: made.text("/agent/id"),
            api: Api::bearer(kluis.base(), &key),
            key,
        };

        problem(&agent.api.get(&path).await, 403);
        assert_eq!(
            agent.api.get("/v1/vaults").await.expect(200).at("/vaults"),
            json!([])
        );
        allow(&owner, &id, &agent, "db/**", &["read"]).await;
        assert_eq!(
            agent.api.get(&path).await.expect(200).text("/value"),
            "s3"
        );
        problem(&agent.api.put(&path, json!({"value": "x"})).await, 403);

        let token = kluis
            .anonymous()
            .post("/v1/auth/agent-token", json!({"api_key": agent.key}))
            .await
            .expect(200);
        assert_eq!(
            token.members(""),
            ["access_token", "agent_id", "expires_in", "token_type", "vault_ids"]
        );
        assert_eq!(token.at("/vault_ids"), json!([id]));
        assert_eq!(token.at("/expires_in"), 3600);
        let holder = Api::bearer(kluis.base(), token.text("/access_token"));
        assert_eq!(holder.get(&path).await.expect(200).text("/value"), "s3");
        let own = holder.get("/v1/agents/me").await.expect(200);
        assert_eq!(own.text("/id"), agent.id);
        assert_eq!(own.text("/created_by"), kluis.dev("/owner/id"));

        let rotated = owner
            .send(
                reqwest::Method::POST,
                &format!("/v1/agents/{}/rotate-key", agent.id),
                None,
            )
            .await
            .expect(200);
        assert_eq!(rotated.members(""), ["api_key"]);
        problem(&agent.api.get(&path).await, 401);
        problem(&holder.get(&path).await, 401);
        let fresh = Api::bearer(kluis.base(), rotated.text("/api_key"));
        fresh.get(&path).await.expect(200);

        let at = format!("/v1/agents/{}", agent.id);
        owner
            .patch(&at, json!({"is_active": false}))
            .await
            .expect(200);
        problem(&fresh.get(&path).await, 401);
        owner
            .patch(&at, json!({"is_active": true}))
            .await
            .expect(200);
        fresh.get(&path).await.expect(200);
        owner.delete(&at).await.expect(204);
        problem(&fresh.get(&path).await, 401);
        problem(&owner.get(&at).await, 404);
    }

    async fn who_is_responsible_for_an_agent_sees_and_changes_it(kluis: Kluis) {
        let owner = kluis.owner();
        let (member, other) = (kluis.user("member").await.api(), kluis.user("member").await.api());
        let agent = register(&kluis, &member, json!({"name": "mine", "description": "d"})).await;
        let at = format!("/v1/agents/{}", agent.id);
        for api in [&owner, &member, &agent.api, &kluis.user("admin").await.api()] {
            assert_eq!(api.get(&at).await.expect(200).text("/name"), "mine");
            let listed = api.get("/v1/agents").await.expect(200);
            assert_eq!(listed.at("/agents/0/id"), agent.id);
        }
        for api in [&other, &kluis.stranger().await.api(), &kluis.user("viewer").await.api()] {
            problem(&api.get(&at).await, 404);
            assert_eq!(api.get("/v1/agents").await.expect(200).json(), json!({"agents": []}));
        }
        problem(&other.patch(&at, json!({"name": "theirs"})).await, 404);
        problem(&other.delete(&at).await, 404);
        problem(&other.post(&format!("{at}/rotate-key"), json!({})).await, 404);
        problem(&kluis.user("viewer").await.api().post("/v1/agents", json!({"name": "n"})).await, 403);
        // Agents register and change none, themselves neither.
        problem(&agent.api.post("/v1/agents", json!({"name": "n"})).await, 403);
        problem(&agent.api.patch(&at, json!({"scopes": []})).await, 403);
        problem(&agent.api.delete(&at).await, 403);
        problem(&agent.api.post(&format!("{at}/rotate-key"), json!({})).await, 403);
        problem(&owner.get("/v1/agents/me").await, 403);
        for absent in ["00000000-0000-4000-8000-000000000000", "nothing"] {
            problem(&owner.get(&format!("/v1/agents/{absent}")).await, 404);
            problem(&owner.delete(&format!("/v1/agents/{absent}")).await, 404);
        }
        // Only what is named changes; null is as good as absent.
        let changed = member
            .patch(&at, json!({"name": "still mine", "description": null, "environment": "dev"}))
            .await
            .expect(200);
        assert_eq!(changed.text("/name"), "still mine");
        assert_eq!(changed.text("/description"), "d");
        member.patch(&at, json!({"environment": ""})).await.expect(200);
    }

    async fn what_an_agent_may_be_is_checked(kluis: Kluis) {
        let owner = kluis.owner();
        let nobody = "00000000-0000-4000-8000-000000000000";
        let wrong = [
            (json!({}), "name"),
            (json!({"name": " "}), "name"),
            (json!({"name": "n".repeat(256)}), "name"),
            (json!({"name": "a\u{0}b"}), "name"),
            (json!({"auth_method": "mtls"}), "auth_method"),
            (json!({"scopes": ["db:"]}), "scopes"),
            (json!({"scopes": ["a//b"]}), "scopes"),
            (json!({"scopes": "db/**"}), "scopes"),
            (json!({"vault_ids": [nobody]}), "vault_ids"),
            (json!({"vault_ids": ["x"]}), "vault_ids"),
            (json!({"token_ttl_seconds": 59}), "token_ttl_seconds"),
            (json!({"token_ttl_seconds": 86401}), "token_ttl_seconds"),
            (json!({"expires_at": "2001-01-01T00:00:00Z"}), "expires_at"),
            (json!({"expires_at": "later"}), "expires_at"),
            (json!({"api_key_expires_at": "2001-01-01T00:00:00Z"}), "api_key_expires_at"),
            (json!({"environment": "e".repeat(65)}), "environment"),
            (json!({"description": "d".repeat(4001)}), "description"),
        ];
        for (mut members, field) in wrong {
            if field != "name" {
                members["name"] = "n".into();
            }
            let refused = owner.post("/v1/agents", members.clone()).await;
            problem(&refused, 400);
            let told = refused.members("/fields");
            assert!(told.len() == 1 && told[0].starts_with(field), "{members} {told:?}");
        }
        // A vault that the caller does not know is no vault to bind to.
        let hidden = vault(&owner, "hidden").await;
        let member = kluis.user("member").await.api();
        problem(&member.post("/v1/agents", json!({"name": "n", "vault_ids": [hidden]})).await, 400);
        // C4: what a client of the vendor sends on top of it.
        let more = json!({
            "name": "n", "shroud_enabled": false, "skip_default_policy": true, "guardrails": {"x": 1},
            "auth_method": "api_key", "description": null, "scopes": null, "vault_ids": null,
        });
        owner.post("/v1/agents", more).await.expect(201);
    }

    /// The private halves are where only owners and admins reach, and are what they say.
    async fn an_agent_has_key_pairs_of_its_own(kluis: Kluis) {
        let (owner, member) = (kluis.owner(), kluis.user("member").await.api());
        let at = "/v1/org/agent-keys-vault";
        problem(&owner.get(at).await, 404);
        let agent = register(&kluis, &member, json!({})).await;
        let other = register(&kluis, &member, json!({})).await;
        let id = owner.get(at).await.expect(200).text("/vault_id");
        problem(&member.get(at).await, 404);
        problem(&agent.api.get(at).await, 404);
        assert!(!owner.get("/v1/vaults").await.expect(200).string().contains(&id));
        let shown = owner.get(&format!("/v1/agents/{}", agent.id)).await.expect(200);
        for (kind, algorithm, member_name) in [
            ("ssh", "ssh_key", "ssh_public_key"),
            ("ecdh", "private_key", "ecdh_public_key"),
        ] {
            let path = format!("/v1/vaults/{id}/secrets/agents/{}/{kind}/private_key", agent.id);
            let key = owner.get(&path).await.expect(200);
            assert_eq!(key.text("/type"), algorithm);
            let public = openssl_public(&key.text("/value"));
            let told = STANDARD.decode(shown.text(&format!("/{member_name}"))).unwrap();
            // A public key in DER ends with the key itself.
            assert!(public.ends_with(&told), "{kind}");
            assert_eq!(told.len(), if kind == "ssh" { 32 } else { 65 });
            problem(&member.get(&path).await, 403);
            problem(&agent.api.get(&path).await, 403);
        }
        owner.delete(&format!("/v1/agents/{}", agent.id)).await.expect(204);
        let left = owner.get(&format!("/v1/vaults/{id}/secrets")).await.expect(200);
        assert!(!left.string().contains(&agent.id) && left.string().contains(&other.id));
    }
}

/// The public key in DER that an independent program derives from a private one in PEM.
fn openssl_public(pem: &str) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(["pkey", "-pubout", "-outform", "DER"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(pem.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}
