//! Every route of the server, from the document that it serves, and what to ask each of them for.

use serde_json::{Value, json};

use super::keeping::{Keeping, is_inkbox};
use super::records;
use super::scene::{SECRET_PATH, Scene, cluster_body, integration_body};
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Answer, Api, Kluis};

/// One method of one path, such as `GET /api/v1/vaults/{}`; parameters have lost their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) path: String,
    pub(super) method: String,
}

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
        if self.path == "/v1/intelligence/feedback" {
            scene.insight().await;
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
                "collections" => scene.vault_name().await,
                "records" => scene.secret().await,
                "resources" => scene.resource().await,
                "clusters" => scene.cluster().await,
                "integrations" => scene.integration().await,
                "leases" => "lease_0000000000000000000000".to_owned(),
                "policies" => scene.policy().await,
                "users" => scene.user().await,
                "api-keys" => scene.key().await,
                "agents" => scene.agent().await,
                "ip-rules" => scene.ip_rule().await,
                "honeytokens" => scene.honeytoken().await,
                "insights" => scene.insight().await,
                "webhooks" => scene.webhook().await,
                "deliveries" => "delivery_0000000000000000000001".to_owned(),
                "jobs" => "job_0000000000000000000001".to_owned(),
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
        if let Some(body) = records::body(&name) {
            return Some(body);
        }
        Some(match name.as_str() {
            "POST /api/v1/vaults" => json!({"name": format!("made {unique}")}),
            "PATCH /api/v1/vaults/{}" => json!({"description": "changed"}),
            "POST /v1/intelligence/feedback" => {
                json!({"insight_id": scene.insight, "useful": true})
            }
            "POST /v1/clusters" | "PUT /v1/clusters/{}" => cluster_body(),
            "PATCH /v1/clusters/{}" => json!({"region": "changed"}),
            "PATCH /v1/clusters/{}/configuration" => json!({"tls": {"mode": "require"}}),
            "POST /v1/clusters/{}/leases" => json!({"template": "scene"}),
            "POST /v1/clusters/{}/test" | "POST /v1/clusters/{}/rotate" => json!({}),
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
            "POST /v1/integrations" | "PUT /v1/integrations/{}" => integration_body(),
            "PATCH /v1/integrations/{}" => json!({"enabled": true}),
            // A name that leads to where no call may go: a test of it is over at once.
            "POST /v1/webhooks" | "PUT /v1/webhooks/{}" => {
                json!({"url": "http://localhost:9/", "events": ["lease.issued"]})
            }
            "PATCH /v1/webhooks/{}" => json!({"description": "changed"}),
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
            | "POST /v1/integrations/{}/test"
            | "POST /v1/integrations/{}/sync"
            | "POST /v1/webhooks/{}/rotate-secret"
            | "POST /v1/webhooks/{}/test"
            | "POST /v1/webhooks/{}/deliveries/{}/redeliver"
            | "POST /v1/jobs/{}/cancel"
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
