//! Every route of the server, from the document that it serves, and what to ask each of them for.

use serde_json::{Value, json};

use super::keeping::{Keeping, is_inkbox};
use super::sealing::Sealing;
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Answer, Api, Kluis};

/// One method of one path, such as `GET /api/v1/vaults/{}`; parameters have lost their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) path: String,
    pub(super) method: String,
}

/// Things that routes are asked for, made when they are first needed.
pub(super) struct Scene<'a> {
    /// Makes what callers cannot make.
    pub(super) owner: &'a Api,
    /// Makes the vault.
    pub(super) maker: &'a Api,
    /// Has read on every path of the vault by a policy.
    pub(super) reader: &'a str,
    vault: Option<String>,
    secret: Option<String>,
    policy: Option<String>,
    /// Another user than the one that asks, or that one itself.
    pub(super) user: Option<String>,
    /// A key of another user, or of the one that asks.
    pub(super) key: Option<String>,
    /// An agent that the owner is responsible for.
    agent: Option<String>,
    /// A share of the secret, for whoever has the link.
    share: Option<String>,
    /// A variable of the vault.
    env_var: Option<String>,
    /// An environment of the vault.
    environment: Option<String>,
    /// A honeytoken in the vault.
    honeytoken: Option<String>,
    /// What calls of the Crate API are about.
    sealing: Option<Sealing>,
    /// What calls of the Inkbox API are about.
    keeping: Option<Keeping>,
}

/// The path of every scene's secret.
pub(super) const SECRET_PATH: &str = "db/password";

/// Every route of the document, and those that stand outside of all APIs.
pub(super) async fn all(kluis: &Kluis) -> Vec<Route> {
    let document = kluis
        .anonymous()
        .get("/api-docs/openapi.json")
        .await
        .expect(200)
        .json();
    let mut routes: Vec<Route> = OUTSIDE.iter().map(|path| Route::new("GET", path)).collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                routes.push(Route::new(&method.to_uppercase(), path));
            }
        }
    }
    routes.sort();
    routes.dedup();
    assert!(routes.len() > 30, "the document has lost its routes");
    routes
}

/// What stands outside of all APIs.
const OUTSIDE: [&str; 5] = [
    "/api-docs",
    "/api-docs/openapi.json",
    "/healthz",
    "/metrics",
    "/readyz",
];

impl Route {
    fn new(method: &str, path: &str) -> Self {
        let segments = path.split('/').map(|segment| match segment {
            parameter if parameter.starts_with('{') => "{}",
            literal => literal,
        });
        Self {
            path: segments.collect::<Vec<_>>().join("/"),
            method: method.to_owned(),
        }
    }

    /// The route as it is written in tables.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Ask for it, about the things of `scene`.
    pub(super) async fn ask(&self, api: &Api, scene: &mut Scene<'_>) -> Answer {
        let path = self.filled(scene).await;
        let body = self.body(scene);
        let api = self.spoken_by(api);
        api.send(self.method.parse().unwrap(), &path, body).await
    }

    /// The caller with its credential in the header that the route's API reads.
    pub(super) fn spoken_by(&self, api: &Api) -> Api {
        if is_inkbox(&self.path) {
            api.inkbox()
        } else {
            api.clone()
        }
    }

    /// The path with ids of the scene in it.
    pub(super) async fn filled(&self, scene: &mut Scene<'_>) -> String {
        if ["/v1/policies/explain", "/v1/risk/honeytokens"].contains(&self.path.as_str()) {
            scene.vault().await;
        }
        // Its head and its end: all of it, many times over, would take longer than all the other routes.
        if self.path == "/v1/audit/export" {
            return format!("{}?to=2001-01-01T00:00:00Z", self.path);
        }
        if self.path.starts_with("/crate.v1.") || self.path.starts_with("/organization/") {
            let deletes = self.method == "DELETE" || self.path.ends_with("/DeleteSecret");
            let organization = scene.sealing(deletes).await;
            let query = if deletes && self.method == "DELETE" {
                "?env=scene"
            } else {
                ""
            };
            let path = self
                .path
                .replacen("{}", &organization, 1)
                .replace("{}", "SCENE");
            return path + query;
        }
        if is_inkbox(&self.path) {
            let keeping = Keeping::make(scene.owner, &self.path).await;
            return scene.keeping.insert(keeping).filled(&self.path);
        }
        let is_cloudkeep = self.path.starts_with("/api/v1/");
        let mut filled: Vec<String> = Vec::new();
        for segment in self.path.split('/') {
            if segment != "{}" {
                filled.push(segment.to_owned());
                continue;
            }
            let before = filled.last().unwrap().as_str();
            let id = match before {
                "vaults" if is_cloudkeep => scene.vault().await,
                "vaults" => uuid_of(&scene.vault().await),
                "secrets" if is_cloudkeep => scene.secret().await,
                "secrets" if self.path == "/v1/secrets/{}/share" => uuid_of(&scene.secret().await),
                "enroll" => "00000000-0000-4000-8000-000000000000".to_owned(),
                "share" | "shares" => scene.share().await,
                "secrets" => {
                    scene.secret().await;
                    let rotates = self.method == "POST";
                    format!("{SECRET_PATH}{}", if rotates { "/rotate" } else { "" })
                }
                "secret-version" | "secret-version-disable" => {
                    scene.secret().await;
                    let older = before == "secret-version" && self.method == "POST";
                    format!("{SECRET_PATH}/1{}", if older { "/disable" } else { "" })
                }
                word if word.starts_with("secret-") => {
                    scene.secret().await;
                    SECRET_PATH.to_owned()
                }
                "policies" => scene.policy().await,
                "users" => scene.user().await,
                "api-keys" => scene.key().await,
                "agents" => scene.agent().await,
                "ip-rules" => scene.ip_rule().await,
                "honeytokens" => scene.honeytoken().await,
                "env-vars" => scene.env_var().await,
                "environments" => scene.environment().await,
                "api-docs" => "swagger-ui.css".to_owned(),
                _ => panic!("{}: say what stands behind {before}", self.name()),
            };
            filled.push(id);
        }
        let query = if self.path.ends_with("/env-vars/resolve") {
            "?environment=production"
        } else {
            ""
        };
        filled.join("/") + query
    }

    /// A body that is right for the route.
    pub(super) fn body(&self, scene: &Scene<'_>) -> Option<Value> {
        let name = self.name();
        if self.method == "GET" || self.method == "DELETE" {
            return None;
        }
        let unique = crate::harness::unique();
        if let Some(keeping) = &scene.keeping {
            return Some(keeping.body(&name));
        }
        if let Some(sealing) = &scene.sealing {
            return Some(sealing.body(&self.path));
        }
        Some(match name.as_str() {
            "POST /api/v1/vaults" => json!({"name": format!("made {unique}")}),
            "PATCH /api/v1/vaults/{}" => json!({"description": "changed"}),
            "POST /api/v1/vaults/{}/secrets" => {
                json!({"key": format!("made/{unique}"), "value": "v", "notes": "n"})
            }
            "PATCH /api/v1/vaults/{}/secrets/{}" => json!({"value": "changed", "notes": "n"}),
            "POST /v1/auth/login" => json!({"email": "nobody@example.test", "password": "wrong"}),
            "POST /v1/auth/signup" => {
                json!({"email": format!("new-{unique}@example.test"), "password": "Signs-Up-123!"})
            }
            "POST /v1/auth/token" => json!({"email": "nobody@example.test", "password": "wrong"}),
            "POST /v1/auth/api-key-token" => json!({"api_key": "1ck_unknown"}),
            "POST /v1/auth/agent-token" => json!({"api_key": "ocv_unknown"}),
            "POST /v1/agents" => json!({"name": format!("made {unique}")}),
            "POST /v1/secrets/{}/share" => {
                json!({"recipient_type": "anyone_with_link", "expires_at": "2099-01-01T00:00:00Z"})
            }
            "PATCH /v1/agents/{}" => json!({"description": "changed"}),
            "POST /v1/auth/mfa/verify" => json!({"mfa_token": "unknown", "code": "000000"}),
            "POST /v1/auth/device/code" => json!({"client_id": "a test"}),
            "POST /v1/auth/device/token" => json!({"device_code": "kdc_unknown"}),
            "POST /v1/auth/device/approve" | "POST /v1/auth/device/deny" => {
                json!({"user_code": "BCDF-GHJK"})
            }
            "POST /v1/agents/enroll" => json!({"name": "asks"}),
            "POST /v1/agents/enroll/approve" | "POST /v1/agents/enroll/deny" => {
                json!({"token": "kea_unknown"})
            }
            "POST /v1/auth/mfa" => json!({"mfa_token": "unknown", "code": "000000"}),
            "POST /v1/auth/refresh" => json!({"refresh_token": "cvr_unknown"}),
            "POST /v1/auth/change-password" => {
                json!({"current_password": "not Mine 123!", "new_password": "Quite New 123!"})
            }
            "POST /v1/auth/totp/confirm"
            | "POST /v1/auth/totp/disable"
            | "POST /v1/auth/mfa/verify-setup" => {
                json!({"code": "000000"})
            }
            "POST /v1/users" => json!({"email": format!("made-{unique}@example.test")}),
            "PATCH /v1/users/{}" => json!({"name": "Changed"}),
            "POST /v1/auth/api-keys" | "POST /v1/api-keys" => json!({"name": "made", "scopes": []}),
            "PATCH /v1/api-keys/{}" => json!({"name": "changed"}),
            "POST /v1/organizations" => json!({"name": format!("made {unique}")}),
            "POST /v1/policies/explain" => json!({
                "vault_id": scene.vault_now(), "path": SECRET_PATH, "permission": "read",
            }),
            "POST /v1/vaults" => json!({"name": format!("made {unique}")}),
            "PUT /v1/vaults/{}/secrets/{}" => {
                json!({"value": "written"})
            }
            "POST /v1/vaults/{}/policies" => json!({
                "secret_path_pattern": "**", "principal_type": "user",
                "principal_id": scene.reader, "permissions": ["read"],
            }),
            "POST /v1/security/ip-rules" => json!({"rule_type": "deny", "cidr": "192.0.2.0/24"}),
            "POST /v1/risk/honeytokens" => {
                json!({"vault_id": scene.vault_now(), "secret_path": "bait/made"})
            }
            "POST /v1/vaults/{}/env-vars" => json!({"key": "MADE", "value": "v"}),
            "PATCH /v1/vaults/{}/env-vars/{}" => json!({"value": "changed"}),
            "POST /v1/vaults/{}/environments" => json!({"slug": "made"}),
            "PUT /v1/vaults/{}/policies/{}" => json!({"permissions": ["read"]}),
            "POST /grpc.health.v1.Health/Check" | "POST /grpc.health.v1.Health/Watch" => json!({}),
            "POST /grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
            | "POST /grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
            | "POST /v1/auth/logout"
            | "POST /v1/auth/totp/enroll"
            | "POST /v1/auth/mfa/setup"
            | "POST /v1/users/{}/reset-password"
            | "POST /v1/api-keys/{}/rotate"
            | "POST /v1/vaults/{}/take-over"
            | "POST /v1/agents/{}/rotate-key"
            | "POST /v1/agents/{}/take-over"
            | "POST /v1/shares/{}/accept"
            | "POST /v1/shares/{}/decline"
            | "POST /v1/vaults/{}/secrets/{}"
            | "POST /v1/vaults/{}/secret-rotate/{}"
            | "POST /v1/vaults/{}/secret-version/{}"
            | "POST /v1/vaults/{}/secret-version-disable/{}"
            | "POST /v1/vaults/{}/secret-restore/{}"
            | "POST /v1/vaults/{}/secret-purge/{}" => return None,
            _ => panic!("{name} is new: say what it is to be sent"),
        })
    }
}

impl<'a> Scene<'a> {
    pub(super) fn new(owner: &'a Api, maker: &'a Api, reader: &'a str) -> Self {
        Self {
            owner,
            maker,
            reader,
            vault: None,
            secret: None,
            policy: None,
            user: None,
            key: None,
            agent: None,
            share: None,
            env_var: None,
            environment: None,
            honeytoken: None,
            sealing: None,
            keeping: None,
        }
    }

    /// A vault, with a policy that lets the reader read.
    async fn vault(&mut self) -> String {
        if let Some(vault) = &self.vault {
            return vault.clone();
        }
        let body = json!({"name": format!("scene {}", crate::harness::unique())});
        let made = self.maker.post("/api/v1/vaults", body).await.expect(201);
        let vault = made.text("/data/id");
        let body = json!({
            "secret_path_pattern": "**", "principal_type": "user",
            "principal_id": self.reader, "permissions": ["read"],
        });
        let policies = format!("/v1/vaults/{}/policies", uuid_of(&vault));
        let policy = self.owner.post(&policies, body).await.expect(201);
        self.policy = Some(policy.text("/id"));
        self.vault = Some(vault.clone());
        vault
    }

    /// The vault, if it is made.
    fn vault_now(&self) -> String {
        self.vault.as_deref().map(uuid_of).unwrap_or_default()
    }

    async fn policy(&mut self) -> String {
        self.vault().await;
        self.policy.clone().unwrap()
    }

    async fn secret(&mut self) -> String {
        if let Some(secret) = &self.secret {
            return secret.clone();
        }
        let path = format!("/api/v1/vaults/{}/secrets", self.vault().await);
        let body = json!({"key": SECRET_PATH, "value": "stored", "notes": "note"});
        let made = self.maker.post(&path, body).await.expect(201);
        let secret = made.text("/data/id");
        self.secret = Some(secret.clone());
        secret
    }

    async fn share(&mut self) -> String {
        if let Some(share) = &self.share {
            return share.clone();
        }
        let path = format!("/v1/secrets/{}/share", uuid_of(&self.secret().await));
        let body =
            json!({"recipient_type": "anyone_with_link", "expires_at": "2099-01-01T00:00:00Z"});
        let share = self.owner.post(&path, body).await.expect(201).text("/id");
        self.share = Some(share.clone());
        share
    }

    async fn env_var(&mut self) -> String {
        if let Some(key) = &self.env_var {
            return key.clone();
        }
        let path = format!("/v1/vaults/{}/env-vars", uuid_of(&self.vault().await));
        let body = json!({"key": "SCENE", "value": "stored"});
        self.maker.post(&path, body).await.expect(201);
        self.env_var.insert("SCENE".to_owned()).clone()
    }

    /// A rule about addresses that nobody has.
    async fn ip_rule(&mut self) -> String {
        let body = json!({"rule_type": "deny", "cidr": "192.0.2.0/24"});
        let made = self.owner.post("/v1/security/ip-rules", body).await;
        made.expect(201).text("/id")
    }

    async fn honeytoken(&mut self) -> String {
        if let Some(honeytoken) = &self.honeytoken {
            return honeytoken.clone();
        }
        let vault = uuid_of(&self.vault().await);
        let body = json!({"vault_id": vault, "secret_path": "bait/scene"});
        let made = self.maker.post("/v1/risk/honeytokens", body).await;
        let honeytoken = made.expect(201).text("/id");
        self.honeytoken.insert(honeytoken).clone()
    }

    /// The organization that calls of the Crate API are about, with secrets to delete where one is to be deleted.
    async fn sealing(&mut self, deletes: bool) -> String {
        let sealing = Sealing::make(self.owner, deletes).await;
        self.sealing.insert(sealing).organization.clone()
    }

    async fn environment(&mut self) -> String {
        if let Some(slug) = &self.environment {
            return slug.clone();
        }
        let path = format!("/v1/vaults/{}/environments", uuid_of(&self.vault().await));
        let body = json!({"slug": "scene"});
        self.maker.post(&path, body).await.expect(201);
        self.environment.insert("scene".to_owned()).clone()
    }

    async fn user(&mut self) -> String {
        if let Some(user) = &self.user {
            return user.clone();
        }
        let body = json!({"email": format!("scene-{}@example.test", crate::harness::unique())});
        let made = self.owner.post("/v1/users", body).await.expect(201);
        let user = made.text("/data/id");
        self.user = Some(user.clone());
        user
    }

    async fn agent(&mut self) -> String {
        if let Some(agent) = &self.agent {
            return agent.clone();
        }
        let body = json!({"name": "scene"});
        let made = self.owner.post("/v1/agents", body).await.expect(201);
        let agent = made.text("/agent/id");
        self.agent = Some(agent.clone());
        agent
    }

    async fn key(&mut self) -> String {
        if let Some(key) = &self.key {
            return key.clone();
        }
        let body = json!({"name": "scene", "user_id": self.reader});
        let made = self.owner.post("/v1/api-keys", body).await.expect(201);
        let key = made.text("/data/id");
        self.key = Some(key.clone());
        key
    }
}
