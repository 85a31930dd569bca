//! Who is calling, and with which credentials: Inkbox contract §2, §2.1, §4.1; RULES §1.

use serde_json::{Value, json};

use super::{VAULT, agent, initialize, is_time, is_uuid, owner, refused, with_key};
use crate::harness::{Answer, Api, Kluis, on_both};

const WHOAMI: &str = "/api/whoami";

/// Calls of each kind, each of which needs credentials.
async fn every_kind(api: &Api) -> Vec<(&'static str, Answer)> {
    vec![
        ("whoami", api.get(WHOAMI).await),
        ("info", api.get(&format!("{VAULT}/info")).await),
        ("bare", api.get("/vault/info").await),
        (
            "secrets",
            api.post("/api/v1/vault/secrets", json!({})).await,
        ),
        ("identities", api.get("/api/v1/identities/").await),
        ("keys", api.get("/api/v1/api-keys/self").await),
        ("unknown", api.get("/api/v1/vault/nothing").await),
    ]
}

on_both! {
    async fn an_admin_key_is_told_who_it_is(kluis: Kluis) {
        let api = owner(&kluis);
        let told = api.get(WHOAMI).await.expect(200);
        assert_eq!(told.members(""), [
            "auth_subtype", "auth_type", "created_at", "created_by", "creator_type", "description", "expires_at", "key_id", "label",
            "last_used_at", "organization_id",
        ]);
        assert_eq!(told.text("/auth_type"), "api_key");
        assert_eq!(told.text("/auth_subtype"), "api_key.admin_scoped");
        assert_eq!(told.text("/creator_type"), "human");
        assert!(!told.text("/created_by").is_empty() && !told.text("/label").is_empty());
        assert_eq!(told.at("/description"), Value::Null);
        assert_eq!(told.at("/expires_at"), Value::Null);
        is_time(&told.at("/created_at"));
        let key = told.text("/key_id");
        is_uuid(&key.strip_prefix("ApiKey_").unwrap_or_else(|| panic!("{key}")).into());
        // The salt of what clients derive: long enough, and the same wherever it is told.
        let organization = told.text("/organization_id");
        assert!(organization.len() >= 8, "{organization}");
        initialize(&api).await;
        assert_eq!(api.get(&format!("{VAULT}/info")).await.expect(200).text("/organization_id"), organization);
        let admin = with_key(&kluis, kluis.user("admin").await.token());
        let told = admin.get(WHOAMI).await.expect(200);
        assert_eq!(told.text("/organization_id"), organization);
        assert_eq!(told.text("/auth_subtype"), "api_key.admin_scoped");
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        assert_ne!(stranger.get(WHOAMI).await.expect(200).text("/organization_id"), organization);
    }

    async fn an_agents_key_is_told_that_it_is_one(kluis: Kluis) {
        let api = owner(&kluis);
        let agent = agent(&kluis, &api, "build-agent").await;
        let told = agent.api.get(WHOAMI).await.expect(200);
        assert_eq!(told.text("/auth_type"), "api_key");
        assert_eq!(told.text("/auth_subtype"), "api_key.agent_scoped.claimed");
        assert_eq!(told.text("/label"), "for a test");
        assert_eq!(told.text("/creator_type"), "human", "the owner made the key");
        let by = api.get(WHOAMI).await.expect(200);
        assert_eq!(told.at("/created_by"), by.at("/created_by"));
        assert_eq!(told.at("/organization_id"), by.at("/organization_id"));
        assert_ne!(told.at("/key_id"), by.at("/key_id"));
    }

    async fn members_and_viewers_get_this_and_the_info_alone(kluis: Kluis) {
        initialize(&owner(&kluis)).await;
        for role in ["member", "viewer"] {
            let api = with_key(&kluis, kluis.user(role).await.token());
            api.get(WHOAMI).await.expect(200);
            let info = api.get(&format!("{VAULT}/info")).await.expect(200);
            assert_eq!(info.at("/key_count"), 1);
        }
    }

    async fn keys_of_every_style_are_taken_in_either_header(kluis: Kluis) {
        for style in ["cloudkeep", "crate", "credvault", "oneclaw", "inkbox"] {
            let key = kluis.dev(&format!("/tokens/{style}"));
            with_key(&kluis, &key).get(WHOAMI).await.expect(200);
            kluis.anonymous().with("x-service-token", &key).get(WHOAMI).await.expect(200);
        }
        // When both are there, the newer one decides.
        let (right, wrong) = (kluis.dev("/tokens/inkbox"), "ibk_unknown");
        let both = |newer: &str, older: &str| kluis.anonymous().with("x-service-token", older).with("x-api-key", newer);
        both(&right, wrong).get(WHOAMI).await.expect(200);
        refused(&both(wrong, &right).get(WHOAMI).await, 401);
        // What stands in other APIs' headers is not looked at.
        let api = with_key(&kluis, &right).with("authorization", "Bearer unknown");
        api.get(WHOAMI).await.expect(200);
    }

    async fn whatever_else_is_401_in_one_shape(kluis: Kluis) {
        let key = kluis.dev("/tokens/inkbox");
        let login = json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
        let session = kluis.anonymous().post("/v1/auth/login", login.clone()).await.expect(200).text("/data/access_token");
        let token = kluis.anonymous().post("/v1/auth/token", login).await.expect(200).text("/access_token");
        let name = json!({"name": "to be revoked"});
        let revoked = kluis.admin_api().post("/v1/api-keys", name).await.expect(201);
        let id = revoked.text("/data/id");
        let revoked = revoked.text("/data/key");
        with_key(&kluis, &revoked).get(WHOAMI).await.expect(200);
        kluis.admin_api().delete(&format!("/v1/api-keys/{id}")).await.expect(200);
        let twice = with_key(&kluis, &key).with("x-api-key", &key);
        let callers = [
            ("nothing", kluis.anonymous()),
            ("unknown", with_key(&kluis, "ibk_unknown")),
            ("empty", with_key(&kluis, "")),
            ("with a scheme", with_key(&kluis, &format!("Bearer {key}"))),
            ("another API's header", Api::bearer(kluis.base(), &key)),
            ("and its scheme", Api::api_key(kluis.base(), &key)),
            ("a session", with_key(&kluis, &session)),
            ("a session in its own header", Api::bearer(kluis.base(), &session)),
            ("a JWT", with_key(&kluis, &token)),
            ("a JWT in its own header", Api::bearer(kluis.base(), &token)),
            ("a session in the older header", kluis.anonymous().with("x-service-token", &session)),
            ("revoked", with_key(&kluis, &revoked)),
            ("twice", twice),
            ("cut", with_key(&kluis, &key[..key.len() - 1])),
        ];
        let mut details = Vec::new();
        for (name, api) in callers {
            for (call, answer) in every_kind(&api).await {
                assert_eq!(answer.status, 401, "{name}, {call}: {answer}");
                details.push(refused(&answer, 401));
            }
        }
        details.dedup();
        assert_eq!(details.len(), 1, "nothing tells why: {details:?}");
    }
}
