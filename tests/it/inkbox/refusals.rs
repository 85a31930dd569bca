//! Who may do what, and how the rest is told: Inkbox contract §2.1, §2.2; RULES §1, §2.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    API_KEYS, IDENTITIES, VAULT, Vault, agent, at, grant, initialization, initialize, invalid,
    item, owner, refused, replacement_by, secret, uuid, with_key,
};
use crate::harness::{Answer, Api, Kluis, on_both};

/// One call: its name, method, path and body.
type Call = (&'static str, &'static str, String, Option<Value>);

/// What everything is asked about.
struct Scene {
    vault: Vault,
    secret: String,
    /// A secret that the agent has a rule for.
    given: String,
    identity: String,
    /// An identity without a rule.
    second: String,
}

impl Scene {
    async fn new(kluis: &Kluis, api: &Api) -> (Self, Api) {
        let vault = initialize(api).await;
        let (first, second) = (
            agent(kluis, api, "first").await,
            agent(kluis, api, "second").await,
        );
        let scene = Self {
            vault,
            secret: secret(api, "kept").await,
            given: secret(api, "given").await,
            identity: first.id,
            second: second.id,
        };
        grant(api, &scene.given, &scene.identity).await.expect(201);
        (scene, first.api)
    }

    /// What needs an admin key; none of it is done to a caller without.
    fn administration(&self) -> Vec<Call> {
        let access = format!("{}/access", at(&self.secret));
        vec![
            (
                "initialize",
                "POST",
                format!("{VAULT}/initialize"),
                Some(initialization(4)),
            ),
            (
                "replace",
                "PUT",
                format!("{VAULT}/keys/primary"),
                Some(replacement_by("current_auth_hash", &self.vault.hash())),
            ),
            (
                "revoke key",
                "DELETE",
                format!("{VAULT}/keys/{}", self.vault.recovery_hash(0)),
                None,
            ),
            (
                "create secret",
                "POST",
                format!("{VAULT}/secrets"),
                Some(item("new")),
            ),
            (
                "update secret",
                "PATCH",
                at(&self.secret),
                Some(json!({"name": "changed"})),
            ),
            ("delete secret", "DELETE", at(&self.secret), None),
            (
                "update given",
                "PATCH",
                at(&self.given),
                Some(json!({"name": "changed"})),
            ),
            ("delete given", "DELETE", at(&self.given), None),
            (
                "grant",
                "POST",
                access.clone(),
                Some(json!({"identity_id": self.second})),
            ),
            (
                "revoke access",
                "DELETE",
                format!("{}/access/{}", at(&self.given), self.identity),
                None,
            ),
            ("delete vault", "DELETE", VAULT.to_owned(), None),
            (
                "create identity",
                "POST",
                format!("{IDENTITIES}/"),
                Some(json!({"agent_handle": "new"})),
            ),
            (
                "mint key",
                "POST",
                API_KEYS.to_owned(),
                Some(json!({"label": "l", "scoped_identity_id": self.identity})),
            ),
        ]
    }

    /// What reads.
    fn reading(&self) -> Vec<Call> {
        vec![
            (
                "unlock",
                "GET",
                format!("{VAULT}/unlock?auth_hash={}", self.vault.hash()),
                None,
            ),
            ("list secrets", "GET", format!("{VAULT}/secrets"), None),
            ("get secret", "GET", at(&self.given), None),
            ("list keys", "GET", format!("{VAULT}/keys"), None),
            (
                "list access",
                "GET",
                format!("{}/access", at(&self.given)),
                None,
            ),
            ("list identities", "GET", format!("{IDENTITIES}/"), None),
            ("get identity", "GET", format!("{IDENTITIES}/first"), None),
            ("own key", "GET", format!("{API_KEYS}/self"), None),
        ]
    }
}

async fn ask(api: &Api, call: &Call) -> Answer {
    let (_, method, path, body) = call;
    api.send(method.parse::<Method>().unwrap(), path, body.clone())
        .await
}

on_both! {
    async fn what_needs_an_admin_is_refused_to_agents_members_and_viewers(kluis: Kluis) {
        let api = owner(&kluis);
        let (scene, bot) = Scene::new(&kluis, &api).await;
        let told = api.get(&format!("{VAULT}/unlock")).await.expect(200).json();
        let member = with_key(&kluis, kluis.user("member").await.token());
        let viewer = with_key(&kluis, kluis.user("viewer").await.token());
        for (caller, reads) in [(&bot, true), (&member, false), (&viewer, false)] {
            for call in scene.administration() {
                let answer = ask(caller, &call).await;
                assert_eq!(answer.status, 403, "{}: {answer}", call.0);
                refused(&answer, 403);
            }
            for call in scene.reading() {
                let answer = ask(caller, &call).await;
                assert_eq!(answer.status, if reads { 200 } else { 403 }, "{}: {answer}", call.0);
                if !reads {
                    refused(&answer, 403);
                }
            }
            caller.get("/api/whoami").await.expect(200);
            caller.get(&format!("{VAULT}/info")).await.expect(200);
        }
        assert_eq!(api.get(&format!("{VAULT}/unlock")).await.expect(200).json(), told, "nothing has changed");
    }

    /// NT-10
    async fn nothing_of_another_organization_is_there(kluis: Kluis) {
        let api = owner(&kluis);
        let (scene, _) = Scene::new(&kluis, &api).await;
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        initialize(&stranger).await;
        for call in scene.administration().into_iter().chain(scene.reading()) {
            let expected = match call.0 {
                "initialize" => 409,
                "replace" => 403,
                "create secret" | "create identity" => 201,
                "delete vault" | "unlock" | "list secrets" | "list keys" | "list identities" | "own key" => continue,
                _ => 404,
            };
            let answer = ask(&stranger, &call).await;
            assert_eq!(answer.status, expected, "{}: {answer}", call.0);
        }
        assert_eq!(api.get(&format!("{VAULT}/secrets")).await.expect(200).json().as_array().unwrap().len(), 2);
    }

    async fn scopes_of_a_key_are_a_ceiling(kluis: Kluis) {
        let api = owner(&kluis);
        let (scene, _) = Scene::new(&kluis, &api).await;
        // What each call needs; identities and keys for agents take a key without scopes.
        let needs = |name: &str| match name {
            "unlock" | "get secret" | "list keys" | "list access" => Some("database:read"),
            // Names are seen with either of the two.
            "list secrets" => Some("metadata:read"),
            "create secret" | "update secret" | "delete secret" | "update given" | "delete given" => Some("database:write"),
            "initialize" | "replace" | "revoke key" | "delete vault" | "grant" | "revoke access" => Some("settings:modify"),
            "create identity" | "mint key" => Some("none of them"),
            _ => None,
        };
        let mut passed = Vec::new();
        for scopes in [vec![], vec!["metadata:read"], vec!["database:read"], vec!["database:write"], vec!["settings:modify"], vec!["logs:read", "team:manage"]] {
            let body = json!({"name": "scoped", "scopes": scopes});
            let key = kluis.admin_api().post("/v1/api-keys", body).await.expect(201).text("/data/key");
            let caller = with_key(&kluis, &key);
            caller.get("/api/whoami").await.expect(200);
            for call in scene.administration().into_iter().chain(scene.reading()) {
                let Some(need) = needs(call.0) else { continue };
                if scopes.contains(&need) || need == "metadata:read" && scopes.contains(&"database:read") {
                    continue;
                }
                let status = ask(&caller, &call).await.status;
                if status != 403 {
                    passed.push(format!("{scopes:?} {}: {status}", call.0));
                }
            }
        }
        assert!(passed.is_empty(), "{passed:?}");
        // And each opens what it is for.
        for (scope, names) in [
            ("database:read", vec!["unlock", "list secrets", "get secret", "list keys", "list access"]), ("settings:modify", vec!["grant", "revoke access"]),
            ("database:write", vec!["create secret", "update secret", "delete secret"]),
            ("settings:modify", vec!["replace", "revoke key", "delete vault", "initialize"]),
        ] {
            let body = json!({"name": "scoped", "scopes": [scope]});
            let key = kluis.admin_api().post("/v1/api-keys", body).await.expect(201).text("/data/key");
            let caller = with_key(&kluis, &key);
            let calls: Vec<_> = scene.administration().into_iter().chain(scene.reading()).collect();
            for name in names {
                let call = calls.iter().find(|call| call.0 == name).unwrap();
                let answer = ask(&caller, call).await;
                assert!([200, 201, 204].contains(&answer.status), "{scope}, {name}: {answer}");
            }
        }
    }

    async fn what_is_not_served_has_the_same_shape(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        for path in ["/api/v1/vault/nothing", "/vault/nothing", "/api/v1/vault/secrets/a/b/c", "/api/v1/identities/a/b", "/api/v1/api-keys/nothing", "/vault"] {
            let answer = api.get(path).await;
            assert!([404, 405].contains(&answer.status), "{answer}");
            refused(&answer, answer.status);
        }
        for (method, path) in [
            (Method::PUT, format!("{VAULT}/info")), (Method::DELETE, format!("{VAULT}/unlock")), (Method::POST, "/api/whoami".to_owned()),
            (Method::PATCH, format!("{VAULT}/secrets")), (Method::POST, format!("{VAULT}/keys")), (Method::PUT, format!("{IDENTITIES}/x")), (Method::GET, API_KEYS.to_owned()),
        ] {
            let answer = api.send(method.clone(), &path, None).await;
            assert_eq!(answer.status, 405, "{answer}");
            refused(&answer, 405);
        }
    }

    async fn a_body_that_is_no_json_is_invalid(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let json = &[("content-type", "application/json")][..];
        let path = format!("{VAULT}/secrets");
        for (headers, body) in [
            (json, "{"), (json, "\u{0}"), (json, "[1,2"), (json, "{\"name\": \"n\","), (json, "[]"), (json, "null"), (json, "\"text\""), (json, "7"),
        ] {
            let places = invalid(&api.raw(Method::POST, &path, headers, body.into()).await);
            assert!(places[0].starts_with("body"), "{body}: {places:?}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        invalid(&api.raw(Method::POST, &path, json, deep.into_bytes()).await);
        invalid(&api.raw(Method::POST, &path, json, vec![0xff, 0xfe]).await);
        let whole = serde_json::to_vec(&item("with a charset")).unwrap();
        let charset = &[("content-type", "application/json; charset=utf-8")];
        api.raw(Method::POST, &path, charset, whole).await.expect(201);
    }

    async fn what_is_too_large_is_invalid(kluis: Kluis) {
        let mut kluis = kluis;
        initialize(&owner(&kluis)).await;
        kluis.serve(&[("KLUIS_LIMITS_MAX_BODY_BYTES", "65536")]).await;
        let mut body = item("large");
        body["encrypted_payload"] = "A".repeat(70_000).into();
        invalid(&super::store(&owner(&kluis), body).await);
        // A refusal says nothing of what was sent.
        let mut canary = item("small");
        canary["encrypted_payload"] = json!({"c4nary": "c4nary"});
        canary["name"] = format!("c4nary{}", "n".repeat(256)).into();
        canary["secret_type"] = "c4nary".into();
        canary["id"] = "c4nary".into();
        let answer = super::store(&owner(&kluis), canary).await;
        invalid(&answer);
        assert!(!answer.string().contains("c4nary"), "{answer}");
        assert_eq!(owner(&kluis).get(&at(&uuid())).await.status, 404);
    }
}
