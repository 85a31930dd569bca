//! What holds an agent back, and ends it: contract §4.2–4.4, §9; RULES §1, §2, §5.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::agents::{Agent, allow, register};
use super::{problem, vault};
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Answer, Api, Backend, Kluis, on_both};

async fn exchange(kluis: &Kluis, body: Value) -> Answer {
    kluis.anonymous().post("/v1/auth/agent-token", body).await
}

async fn token(kluis: &Kluis, agent: &Agent) -> Answer {
    exchange(kluis, json!({"api_key": agent.key}))
        .await
        .expect(200)
}

fn holder(kluis: &Kluis, token: &Answer) -> Api {
    Api::bearer(kluis.base(), token.text("/access_token"))
}

fn claims(token: &Answer) -> Value {
    let token = token.text("/access_token");
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// A vault with these paths in it.
async fn filled(api: &Api, name: &str, paths: &[&str]) -> String {
    let id = vault(api, name).await;
    for path in paths {
        let at = format!("/v1/vaults/{id}/secrets/{path}");
        api.put(&at, json!({"value": "s"})).await.expect(201);
    }
    id
}

on_both! {
    async fn a_token_says_what_its_agent_is(kluis: Kluis) {
        let owner = kluis.owner();
        let id = filled(&owner, "prod", &["db/a"]).await;
        let agent = register(&kluis, &owner, json!({"environment": "production", "token_ttl_seconds": 60})).await;
        let made = token(&kluis, &agent).await;
        assert_eq!(made.at("/expires_in"), 60);
        assert_eq!(made.at("/vault_ids"), json!([]));
        let told = claims(&made);
        assert_eq!(told["sub"], format!("agent:{}", agent.id));
        assert_eq!(told["org"], kluis.dev("/organization_id"));
        assert_eq!(told["scopes"], json!([]), "no policy, no access");
        assert_eq!(told["intents_api_enabled"], false);
        assert_eq!(told["environment"], "production");
        assert_eq!(told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap(), 60);
        assert!(told["jti"].is_string());

        allow(&owner, &id, &agent, "db/**", &["read"]).await;
        let made = exchange(&kluis, json!({"api_key": agent.key, "agent_id": agent.id, "dpop_jwk": {"kty": "OKP"}}))
            .await
            .expect(200);
        assert_eq!(claims(&made)["scopes"], json!(["db/**"]));
        assert_eq!(claims(&made)["vault_ids"], json!([id]));
        assert_eq!(made.text("/agent_id"), agent.id);

        let scoped = register(&kluis, &owner, json!({"scopes": ["vaults:read", "db/*"], "vault_ids": [id]})).await;
        let told = claims(&token(&kluis, &scoped).await);
        assert_eq!(told["scopes"], json!(["vaults:read", "db/*"]));
        assert_eq!(told["vault_ids"], json!([id]));
        // It ends by its own hand.
        let holder = holder(&kluis, &made);
        holder.get("/v1/agents/me").await.expect(200);
        holder.delete("/v1/auth/token").await.expect(204);
        problem(&holder.get("/v1/agents/me").await, 401);
        agent.api.get("/v1/agents/me").await.expect(200);
        problem(&agent.api.delete("/v1/auth/token").await, 400);
    }

    async fn only_the_key_of_the_stated_agent_is_exchanged(kluis: Kluis) {
        let owner = kluis.owner();
        let (one, other) = (
            register(&kluis, &owner, json!({})).await,
            register(&kluis, &owner, json!({})).await,
        );
        for body in [
            json!({"api_key": "ocv_unknown"}),
            json!({"api_key": ""}),
            json!({"api_key": one.key, "agent_id": other.id}),
            json!({"api_key": one.key, "agent_id": "no-id"}),
            json!({"api_key": kluis.dev("/tokens/oneclaw")}),
        ] {
            problem(&exchange(&kluis, body).await, 401);
        }
        problem(&exchange(&kluis, json!({})).await, 400);
        problem(&exchange(&kluis, json!({"api_key": null})).await, 400);
        let body = json!({"api_key": one.key});
        problem(&kluis.anonymous().post("/v1/auth/api-key-token", body).await, 401);
    }

    async fn a_key_and_an_agent_end_at_their_time(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let owner = kluis.owner();
        let soon = kluis_engine::Clock::system().now().after(std::time::Duration::from_mins(10)).rfc3339();
        let by_key = register(&kluis, &owner, json!({"api_key_expires_at": soon})).await;
        let by_agent = register(&kluis, &owner, json!({"expires_at": soon})).await;
        let mut holders = Vec::new();
        for agent in [&by_key, &by_agent] {
            holders.push(holder(&kluis, &token(&kluis, agent).await));
            agent.api.get("/v1/agents/me").await.expect(200);
        }
        kluis.advance_clock(601).await;
        for (agent, holder) in [&by_key, &by_agent].into_iter().zip(&holders) {
            problem(&agent.api.get("/v1/agents/me").await, 401);
            problem(&holder.get("/v1/agents/me").await, 401);
            problem(&exchange(&kluis, json!({"api_key": agent.key})).await, 401);
        }
        // A new key lives as long as the old one was to.
        let at = format!("/v1/agents/{}/rotate-key", by_key.id);
        let fresh = owner.post(&at, json!({})).await.expect(200).text("/api_key");
        let fresh = Api::bearer(kluis.base(), fresh);
        fresh.get("/v1/agents/me").await.expect(200);
        kluis.advance_clock(601).await;
        problem(&fresh.get("/v1/agents/me").await, 401);
    }

    /// NT-09
    async fn scopes_and_bound_vaults_are_ceilings_on_policies(kluis: Kluis) {
        let owner = kluis.owner();
        let here = filled(&owner, "here", &["db/a", "web/a"]).await;
        let there = filled(&owner, "there", &["db/a"]).await;
        let agent = register(&kluis, &owner, json!({"scopes": ["db/**"], "vault_ids": [here]})).await;
        let read = |vault: &str, path: &str| format!("/v1/vaults/{vault}/secrets/{path}");
        problem(&agent.api.get(&read(&here, "db/a")).await, 403);
        for vault in [&here, &there] {
            allow(&owner, vault, &agent, "**", &["read"]).await;
        }
        let held = holder(&kluis, &token(&kluis, &agent).await);
        for api in [&agent.api, &held] {
            api.get(&read(&here, "db/a")).await.expect(200);
            problem(&api.get(&read(&here, "web/a")).await, 403);
            problem(&api.get(&read(&there, "db/a")).await, 403);
            let list = api.get(&format!("/v1/vaults/{here}/secrets")).await.expect(200);
            assert_eq!(list.at("/secrets/0/path"), "db/a");
            assert_eq!(list.at("/secrets/1"), Value::Null);
            let vaults = api.get("/v1/vaults").await.expect(200);
            assert_eq!(vaults.at("/vaults/0/id"), here);
            assert_eq!(vaults.at("/vaults/1"), Value::Null);
        }
        // Other ceilings hold for tokens that are already out.
        let at = format!("/v1/agents/{}", agent.id);
        owner.patch(&at, json!({"scopes": ["web/**"], "vault_ids": []})).await.expect(200);
        problem(&held.get(&read(&here, "db/a")).await, 403);
        held.get(&read(&here, "web/a")).await.expect(200);
        // A word like this restricts nothing.
        owner.patch(&at, json!({"scopes": ["vaults:read"]})).await.expect(200);
        held.get(&read(&there, "db/a")).await.expect(200);
    }

    /// Contract §6.4: in every API.
    async fn private_keys_are_withheld_where_the_agent_signs_elsewhere(kluis: Kluis) {
        let owner = kluis.owner();
        let id = filled(&owner, "keys", &["plain"]).await;
        for kind in ["private_key", "ssh_key"] {
            let path = format!("/v1/vaults/{id}/secrets/{kind}");
            owner.put(&path, json!({"value": "k", "type": kind})).await.expect(201);
        }
        let agent = register(&kluis, &owner, json!({"intents_api_enabled": true})).await;
        allow(&owner, &id, &agent, "**", &["read", "write"]).await;
        for (path, status) in [("plain", 200), ("private_key", 403), ("ssh_key", 403)] {
            let at = format!("/v1/vaults/{id}/secrets/{path}");
            assert_eq!(agent.api.get(&at).await.status, status, "{path}");
        }
        let listed = agent.api.get(&format!("/api/v1/vaults/{id}/secrets")).await.expect(200).json();
        for secret in listed["data"].as_array().unwrap() {
            let shown = secret["key"] == "plain";
            assert_eq!(secret["value"].is_string(), shown, "{secret}");
            let one = format!("/api/v1/vaults/{id}/secrets/{}", secret["id"].as_str().unwrap());
            assert_eq!(agent.api.get(&one).await.status, if shown { 200 } else { 403 });
        }
        // Nor does it make one readable by calling it something else.
        let path = format!("/v1/vaults/{id}/secrets/ssh_key");
        problem(&agent.api.put(&path, json!({"value": "x", "type": "note"})).await, 403);
    }

    /// NT-32, NT-35; RULES §1, §5: an agent acts for as long as somebody is responsible for it.
    async fn an_agent_waits_while_nobody_is_responsible_for_it(kluis: Kluis) {
        let (owner, admin) = (kluis.owner(), kluis.admin_api());
        let member = kluis.user("member").await;
        let agent = register(&kluis, &member.api(), json!({})).await;
        let own = agent.api.post("/v1/vaults", json!({"name": "of the agent"})).await.expect(201).text("/id");
        let held = holder(&kluis, &token(&kluis, &agent).await);
        // What an agent makes is its user's, too.
        let path = format!("/v1/vaults/{own}/secrets/a");
        member.api().put(&path, json!({"value": "s"})).await.expect(201);
        agent.api.get(&path).await.expect(200);

        let user = format!("/v1/users/{}", member.id);
        admin.patch(&user, json!({"status": "disabled"})).await.expect(200);
        for api in [&agent.api, &held] {
            problem(&api.get("/v1/agents/me").await, 401);
        }
        admin.patch(&user, json!({"status": "active"})).await.expect(200);
        held.get("/v1/agents/me").await.expect(200);
        admin.delete(&user).await.expect(200);
        for api in [&agent.api, &held] {
            problem(&api.get("/v1/agents/me").await, 401);
        }
        let over = format!("/v1/agents/{}/take-over", agent.id);
        problem(&kluis.user("member").await.api().post(&over, json!({})).await, 403);
        let second = kluis.user("admin").await;
        second.api().post(&over, json!({})).await.expect(200);
        held.get("/v1/agents/me").await.expect(200);
        // What it made has lost its maker with that user.
        problem(&agent.api.get(&path).await, 403);
        let own = agent.api.post("/v1/vaults", json!({"name": "another"})).await.expect(201).text("/id");
        let path = format!("/v1/vaults/{own}/policies");
        // It can be taken over from somebody who is there, and what it made goes along.
        let third = kluis.user("owner").await;
        third.api().post(&over, json!({})).await.expect(200);
        agent.api.get(&path).await.expect(200);
        let user = format!("/v1/users/{}", second.id);
        admin.delete(&user).await.expect(200);
        agent.api.get(&path).await.expect(200);
        owner.post(&over, json!({})).await.expect(200);
        let own = agent.api.get("/v1/agents/me").await.expect(200);
        assert_eq!(own.text("/created_by"), uuid_of(&member.id), "who registered it first stays");
    }

    /// RULES §6: agents go as fast as their user, together.
    async fn an_agent_uses_up_the_plan_of_its_user(kluis: Kluis) {
        let member = kluis.user_of(&kluis.admin_api(), "member", "standard").await;
        let agent = register(&kluis, &member.api(), json!({})).await;
        let mut passed = 0;
        for count in 0..70 {
            let api = if count % 2 == 0 { member.api() } else { agent.api.clone() };
            passed += usize::from(api.get("/v1/vaults").await.status == 200);
        }
        assert_eq!(passed, 59, "registering was the first of sixty");
    }
}
