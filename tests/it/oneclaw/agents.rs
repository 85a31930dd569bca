//! `/v1/agents` and `/v1/auth/agent-token`: contract §4.2–4.4, §9.

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
}
