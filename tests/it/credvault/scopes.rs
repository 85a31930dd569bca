//! The table of scopes, over every API (RULES §1, CredVault contract A2).

use serde_json::{Value, json};

use crate::cloudkeep::vaults::{uuid_of, vault};
use crate::harness::{Api, Kluis};

const SCOPES: [&str; 13] = [
    "billing:manage",
    "database:read",
    "database:write",
    "experiment:write",
    "function:invoke",
    "logs:read",
    "metadata:read",
    "notebook:create",
    "notebook:read",
    "orchestration:execute",
    "query:execute",
    "settings:modify",
    "team:manage",
];
const SEE: &[&str] = &["metadata:read", "database:read"];
const READ: &[&str] = &["database:read"];
const WRITE: &[&str] = &["database:write"];
const SETTINGS: &[&str] = &["settings:modify"];
const LOGS: &[&str] = &["logs:read"];
const TEAM: &[&str] = &["team:manage"];
const UNSCOPED: &[&str] = &[];
const ANY: &[&str] = &SCOPES;

/// Things that the owner made, for a key of its own to ask about.
struct Ground {
    vault: String,
    secret: String,
    policy: String,
    member: String,
    key: String,
    inner: Value,
}

impl Ground {
    async fn new(kluis: &Kluis, scopes: &[&str]) -> Self {
        let owner = kluis.owner();
        let vault = vault(&owner, &crate::harness::unique()).await;
        let path = format!("/api/v1/vaults/{vault}/secrets");
        let body = json!({"key": "A", "value": "1"});
        let secret = owner.post(&path, body).await.expect(201).text("/data/id");
        let member = kluis.user("member").await;
        let body = json!({
            "secret_path_pattern": "**", "principal_type": "user", "principal_id": uuid_of(&member.id),
            "permissions": ["read"],
        });
        let policies = format!("/v1/vaults/{}/policies", uuid_of(&vault));
        let policy = owner.post(&policies, body).await.expect(201).text("/id");
        let own = kluis
            .admin_api()
            .post("/v1/api-keys", json!({"name": "own", "scopes": []}))
            .await;
        Self {
            vault,
            secret,
            policy,
            member: member.id,
            key: own.expect(201).text("/data/id"),
            inner: json!(scopes),
        }
    }

    /// Every act, with the scopes that open it; what deletes stands last.
    fn acts(&self) -> Vec<(&'static str, String, Value, &'static [&'static str])> {
        let vault = format!("/api/v1/vaults/{}", self.vault);
        let secret = format!("{vault}/secrets/{}", self.secret);
        let unified = format!("/v1/vaults/{}", uuid_of(&self.vault));
        let policy = format!("{unified}/policies/{}", self.policy);
        let (user, key) = (
            format!("/v1/users/{}", self.member),
            format!("/v1/api-keys/{}", self.key),
        );
        let unique = crate::harness::unique();
        let none = Value::Null;
        let rule = json!({
            "secret_path_pattern": "**", "principal_type": "user", "principal_id": uuid_of(&self.member),
            "permissions": ["read"],
        });
        vec![
            ("GET", "/api/v1/me".to_owned(), none.clone(), ANY),
            ("GET", "/v1/me".to_owned(), none.clone(), ANY),
            ("GET", "/v1/auth/me".to_owned(), none.clone(), ANY),
            ("GET", "/api/v1/templates".to_owned(), none.clone(), ANY),
            ("GET", "/api/v1/vaults".to_owned(), none.clone(), SEE),
            ("GET", vault.clone(), none.clone(), SEE),
            (
                "GET",
                format!("{unified}/secret-versions/A"),
                none.clone(),
                SEE,
            ),
            ("GET", format!("{vault}/secrets"), none.clone(), READ),
            ("GET", secret.clone(), none.clone(), READ),
            (
                "POST",
                "/api/v1/vaults".to_owned(),
                json!({"name": unique}),
                WRITE,
            ),
            (
                "PATCH",
                vault.clone(),
                json!({"description": "changed"}),
                WRITE,
            ),
            (
                "POST",
                format!("{vault}/secrets"),
                json!({"key": unique, "value": "1"}),
                WRITE,
            ),
            ("PATCH", secret.clone(), json!({"value": "2"}), WRITE),
            (
                "POST",
                format!("{unified}/secret-restore/A"),
                json!({}),
                WRITE,
            ),
            (
                "POST",
                format!("{unified}/secret-purge/A"),
                json!({}),
                WRITE,
            ),
            ("POST", format!("{unified}/take-over"), json!({}), WRITE),
            ("GET", format!("{unified}/policies"), none.clone(), SETTINGS),
            ("POST", format!("{unified}/policies"), rule, SETTINGS),
            (
                "PUT",
                policy.clone(),
                json!({"permissions": ["write"]}),
                SETTINGS,
            ),
            ("GET", "/v1/audit/events".to_owned(), none.clone(), LOGS),
            ("GET", "/v1/audit/verify".to_owned(), none.clone(), LOGS),
            ("GET", "/v1/api-keys".to_owned(), none.clone(), TEAM),
            (
                "POST",
                "/v1/api-keys".to_owned(),
                json!({"name": "x", "scopes": self.inner}),
                TEAM,
            ),
            (
                "POST",
                "/v1/api-keys".to_owned(),
                json!({"name": "x"}),
                UNSCOPED,
            ),
            ("GET", key.clone(), none.clone(), TEAM),
            ("PATCH", key.clone(), json!({"name": "renamed"}), TEAM),
            (
                "POST",
                "/v1/api-keys".to_owned(),
                json!({"name": "x", "scopes": [], "user_id": self.member}),
                UNSCOPED,
            ),
            ("GET", "/v1/users".to_owned(), none.clone(), UNSCOPED),
            ("GET", user.clone(), none.clone(), UNSCOPED),
            (
                "POST",
                "/v1/users".to_owned(),
                json!({"email": format!("{unique}@x.test")}),
                UNSCOPED,
            ),
            ("PATCH", user.clone(), json!({"name": "n"}), UNSCOPED),
            (
                "POST",
                format!("{user}/reset-password"),
                json!({}),
                UNSCOPED,
            ),
            (
                "POST",
                "/v1/organizations".to_owned(),
                json!({"name": unique}),
                UNSCOPED,
            ),
            (
                "POST",
                "/v1/auth/totp/enroll".to_owned(),
                json!({}),
                UNSCOPED,
            ),
            (
                "POST",
                "/v1/auth/totp/confirm".to_owned(),
                json!({"code": "000000"}),
                UNSCOPED,
            ),
            (
                "POST",
                "/v1/auth/totp/disable".to_owned(),
                json!({"code": "000000"}),
                UNSCOPED,
            ),
            (
                "POST",
                "/v1/auth/change-password".to_owned(),
                json!({"current_password": "Wrong-password-1", "new_password": "A-new-Password-1"}),
                UNSCOPED,
            ),
            ("DELETE", policy, none.clone(), SETTINGS),
            ("DELETE", secret, none.clone(), WRITE),
            ("DELETE", vault, none.clone(), WRITE),
            ("POST", format!("{key}/rotate"), json!({}), TEAM),
            ("DELETE", key, none.clone(), TEAM),
            ("DELETE", user, none, UNSCOPED),
        ]
    }
}

/// A key of the owner with these scopes.
async fn key(kluis: &Kluis, scopes: &Value) -> (String, Api) {
    let body = json!({"name": "scoped", "style": "cloudkeep", "scopes": scopes});
    let made = kluis
        .admin_api()
        .post("/v1/api-keys", body)
        .await
        .expect(201);
    assert_eq!(made.at("/data/scopes"), *scopes);
    (
        made.text("/data/id"),
        Api::bearer(kluis.base(), made.text("/data/key")),
    )
}

#[tokio::test]
async fn each_scope_opens_what_its_row_says_in_every_api_and_nothing_more() {
    let kluis = Kluis::start().await;
    let mut lists: Vec<Vec<&str>> = SCOPES.iter().map(|&scope| vec![scope]).collect();
    lists.push(vec![]);
    lists.push(SCOPES.to_vec());
    for scopes in lists {
        let (_, api) = key(&kluis, &json!(scopes)).await;
        let ground = Ground::new(&kluis, &scopes).await;
        for (method, path, body, needs) in ground.acts() {
            let body = (!body.is_null()).then_some(body);
            let is_any = needs.len() == ANY.len();
            let answer = api.send(method.parse().unwrap(), &path, body).await;
            if is_any || needs.iter().any(|scope| scopes.contains(scope)) {
                // Nothing is closed, so there is nothing to restore or purge.
                assert!(
                    [200, 201, 204, 409].contains(&answer.status),
                    "{scopes:?}: {answer}"
                );
            } else {
                assert_eq!(answer.status, 403, "{scopes:?}: {answer}");
            }
        }
    }
}

/// RULES §1: a ceiling, never a grant.
#[tokio::test]
async fn a_scope_gives_nothing_that_its_user_may_not() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let hidden = vault(&owner, "hidden").await;
    let secrets = format!("/api/v1/vaults/{hidden}/secrets");
    let body = json!({"key": "A", "value": "canary"});
    let id = owner
        .post(&secrets, body.clone())
        .await
        .expect(201)
        .text("/data/id");
    let scoped = async |role: &str, scopes: &[&str]| {
        let api = kluis.user(role).await.admin_api();
        let body = json!({"name": "scoped", "scopes": scopes});
        let made = api.post("/v1/api-keys", body).await.expect(201);
        Api::bearer(kluis.base(), made.text("/data/key"))
    };
    let member = scoped("member", &["database:read", "database:write", "logs:read"]).await;
    member.get(&format!("{secrets}/{id}")).await.expect(404);
    member.post(&secrets, body).await.expect(404);
    member.get("/v1/audit/verify").await.expect(403);
    let viewer = scoped("viewer", &["database:read", "metadata:read"]).await;
    viewer.get(&format!("{secrets}/{id}")).await.expect(403);
    let list = viewer.get(&secrets).await.expect(200);
    assert_eq!(list.at("/data/0/value"), Value::Null);
}

/// RULES §1
#[tokio::test]
async fn a_changed_ceiling_counts_on_the_next_request_and_no_key_lifts_its_own() {
    let kluis = Kluis::start().await;
    let (id, api) = key(&kluis, &json!(["database:read", "team:manage"])).await;
    let path = format!("/v1/api-keys/{id}");
    api.get("/api/v1/vaults").await.expect(200);
    for wider in [
        json!(["database:read", "team:manage", "logs:read"]),
        json!(null),
    ] {
        let refused = api.patch(&path, json!({"scopes": wider})).await;
        assert!([400, 403].contains(&refused.status), "{refused}");
    }
    let admin = kluis.admin_api();
    for wrong in [json!(["everything"]), json!("database:read"), json!([1])] {
        admin
            .patch(&path, json!({"scopes": wrong}))
            .await
            .expect(400);
    }
    admin
        .patch(&path, json!({"scopes": ["logs:read"]}))
        .await
        .expect(200);
    api.get("/api/v1/vaults").await.expect(403);
    api.get("/v1/audit/events").await.expect(200);
    api.get(&path).await.expect(403);
    admin.patch(&path, json!({"scopes": []})).await.expect(200);
    api.get("/v1/audit/events").await.expect(403);
    api.get("/api/v1/me").await.expect(200);
}
