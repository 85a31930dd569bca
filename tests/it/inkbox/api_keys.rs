//! `/api-keys`: Inkbox contract §5.2.

use serde_json::{Value, json};

use super::{
    API_KEYS, VAULT, agent, initialize, invalid_at, is_time, is_uuid, key_for, owner, refused,
    uuid, with_key,
};
use crate::harness::{Answer, Api, Kluis, on_both};

const RECORD: [&str; 15] = [
    "created_at",
    "created_by",
    "creator_type",
    "description",
    "display_prefix",
    "expires_at",
    "id",
    "label",
    "last4",
    "last_used_at",
    "organization_id",
    "revoked_at",
    "scoped_identity_id",
    "status",
    "updated_at",
];

async fn own(api: &Api) -> Answer {
    api.get(&format!("{API_KEYS}/self")).await
}

on_both! {
    async fn a_key_is_minted_for_an_agent_and_shown_once(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let bot = agent(&kluis, &api, "bot").await;
        let body = json!({"label": "ci", "description": "of the pipeline", "scoped_identity_id": bot.id.to_uppercase()});
        let made = api.post(API_KEYS, body).await.expect(201);
        assert_eq!(made.members(""), ["api_key", "record"]);
        assert_eq!(made.members("/record"), RECORD);
        let key = made.text("/api_key");
        assert!(key.starts_with("ibk_") && key.len() == 47, "{key}");
        let id = made.text("/record/id");
        is_uuid(&id.strip_prefix("ApiKey_").unwrap_or_else(|| panic!("{id}")).into());
        let told = api.get("/api/whoami").await.expect(200);
        assert_eq!((made.at("/record/organization_id"), made.at("/record/created_by")), (told.at("/organization_id"), told.at("/created_by")));
        assert_eq!(made.text("/record/creator_type"), "human");
        assert_eq!(made.text("/record/scoped_identity_id"), bot.id);
        assert_eq!((made.text("/record/label"), made.text("/record/description")), ("ci".to_owned(), "of the pipeline".to_owned()));
        assert_eq!(made.text("/record/status"), "active");
        assert_eq!(made.text("/record/last4"), key[43..]);
        assert!(!made.text("/record/display_prefix").is_empty() && !made.text("/record/display_prefix").contains(&key));
        for absent in ["last_used_at", "expires_at", "revoked_at"] {
            assert_eq!(made.at(&format!("/record/{absent}")), Value::Null, "{absent}");
        }
        is_time(&made.at("/record/created_at"));
        is_time(&made.at("/record/updated_at"));

        let holder = with_key(&kluis, &key);
        let whoami = holder.get("/api/whoami").await.expect(200);
        assert_eq!(whoami.text("/auth_subtype"), "api_key.agent_scoped.claimed");
        assert_eq!((whoami.text("/key_id"), whoami.text("/label"), whoami.text("/description")), (id.clone(), "ci".to_owned(), "of the pipeline".to_owned()));
        holder.get(&format!("{VAULT}/info")).await.expect(200);
        let record = own(&holder).await.expect(200);
        assert_eq!(record.members(""), RECORD);
        for same in ["id", "scoped_identity_id", "label", "description", "status", "last4", "display_prefix", "created_at", "created_by"] {
            assert_eq!(record.at(&format!("/{same}")), made.at(&format!("/record/{same}")), "{same}");
        }
        assert!(!record.string().contains(&key));
    }

    async fn each_caller_is_told_of_its_own_key(kluis: Kluis) {
        let api = owner(&kluis);
        let record = own(&api).await.expect(200);
        assert_eq!(record.members(""), RECORD);
        let told = api.get("/api/whoami").await.expect(200);
        for (member, as_told) in [("id", "key_id"), ("organization_id", "organization_id"), ("label", "label"), ("created_by", "created_by")] {
            assert_eq!(record.at(&format!("/{member}")), told.at(&format!("/{as_told}")));
        }
        assert_eq!(record.at("/scoped_identity_id"), Value::Null);
        let key = kluis.dev("/tokens/inkbox");
        assert_eq!(record.text("/last4"), key[key.len() - 4..]);
        assert_eq!(record.text("/status"), "active");
        for role in ["member", "viewer"] {
            refused(&own(&with_key(&kluis, kluis.user(role).await.token())).await, 403);
        }
        refused(&own(&kluis.anonymous()).await, 401);
    }

    async fn no_api_key_mints_an_admins(kluis: Kluis) {
        let api = owner(&kluis);
        let bot = agent(&kluis, &api, "bot").await;
        for body in [json!({"label": "admin"}), json!({"label": "admin", "scoped_identity_id": null})] {
            refused(&api.post(API_KEYS, body).await, 403);
        }
        let mut callers = vec![bot.api.clone()];
        for role in ["member", "viewer"] {
            callers.push(with_key(&kluis, kluis.user(role).await.token()));
        }
        for caller in &callers {
            for body in [json!({"label": "l"}), json!({"label": "l", "scoped_identity_id": bot.id})] {
                refused(&caller.post(API_KEYS, body).await, 403);
            }
        }
        let admin = with_key(&kluis, kluis.user("admin").await.token());
        let minted = with_key(&kluis, &key_for(&admin, &bot.id).await);
        assert_eq!(minted.get("/api/whoami").await.expect(200).text("/auth_subtype"), "api_key.agent_scoped.claimed");
    }

    async fn a_key_has_a_label_and_an_identity_of_the_organization(kluis: Kluis) {
        let api = owner(&kluis);
        let bot = agent(&kluis, &api, "bot").await;
        for (member, wrong) in [
            ("label", json!("")), ("label", json!("l".repeat(256))), ("label", json!(null)), ("label", json!(7)), ("description", json!("d".repeat(1001))),
            ("description", json!(7)), ("scoped_identity_id", json!("no-uuid")), ("scoped_identity_id", json!(7)), ("scoped_identity_id", json!("")),
        ] {
            let mut body = json!({"label": "l", "scoped_identity_id": bot.id});
            body[member] = wrong;
            invalid_at(&api.post(API_KEYS, body).await, &format!("body.{member}"));
        }
        invalid_at(&api.post(API_KEYS, json!({"scoped_identity_id": bot.id})).await, "body.label");
        let longest = json!({"label": "漢".repeat(255), "description": "é".repeat(1000), "scoped_identity_id": bot.id, "expires_at": 7, "admin": true});
        let made = api.post(API_KEYS, longest).await.expect(201);
        assert_eq!(made.text("/record/label"), "漢".repeat(255));
        let described = json!({"label": "l", "description": null, "scoped_identity_id": bot.id});
        assert_eq!(api.post(API_KEYS, described).await.expect(201).at("/record/description"), Value::Null);
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        refused(&api.post(API_KEYS, json!({"label": "l", "scoped_identity_id": uuid()})).await, 404);
        refused(&stranger.post(API_KEYS, json!({"label": "l", "scoped_identity_id": bot.id})).await, 404);
    }

    async fn a_minted_key_reaches_no_further_in_other_apis(kluis: Kluis) {
        let api = owner(&kluis);
        let bot = agent(&kluis, &api, "bot").await;
        let key = key_for(&api, &bot.id).await;
        let bearer = Api::bearer(kluis.base(), &key);
        bearer.get("/v1/users").await.expect(403);
        bearer.post("/v1/agents", json!({"name": "other"})).await.expect(403);
        assert_eq!(bearer.get("/v1/agents/me").await.expect(200).text("/id"), bot.id);
        let users = Api::api_key(kluis.base(), &key).get("/v1/users").await.status;
        assert!([401, 403].contains(&users), "{users}");
    }
}
