//! What calls of the Inkbox API are about, for whoever walks all routes.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::harness::{Api, unique};

/// A vault that was just initialized, with a secret in it that an identity may read.
pub(super) struct Keeping {
    primary: String,
    recovery: String,
    secret: String,
    identity: String,
    handle: String,
}

/// Whether a path is one of the Inkbox API.
pub(super) fn is_inkbox(path: &str) -> bool {
    let mounts = [
        "/api/v1/vault/",
        "/api/v1/identities",
        "/api/v1/api-keys",
        "/api/whoami",
    ];
    path == "/api/v1/vault" || mounts.iter().any(|mount| path.starts_with(mount))
}

impl Keeping {
    /// Made by the owner anew; without a vault where that is what is asked for.
    pub(super) async fn make(owner: &Api, path: &str) -> Self {
        let owner = owner.inkbox();
        let gone = owner.delete("/vault").await;
        assert!([204, 404].contains(&gone.status), "{gone}");
        let handle = format!("scene-{}", unique());
        let identity = owner.post("/api/v1/identities", json!({"agent_handle": handle}));
        let mut keeping = Self {
            primary: hash(),
            recovery: hash(),
            secret: String::new(),
            identity: identity.await.expect(201).text("/id"),
            handle,
        };
        if path.ends_with("/initialize") {
            return keeping;
        }
        let initialized = owner.post("/vault/initialize", keeping.keys()).await;
        initialized.expect(201);
        let body = json!({"name": "scene", "secret_type": "other", "encrypted_payload": "AAAA"});
        let secret = owner.post("/vault/secrets", body).await.expect(201);
        keeping.secret = secret.text("/id");
        // Where access is to be granted, there is none yet.
        if !path.ends_with("/access") {
            let access = format!("/vault/secrets/{}/access", keeping.secret);
            let body = json!({"identity_id": keeping.identity});
            owner.post(&access, body).await.expect(201);
        }
        keeping
    }

    /// The path with what is meant in it.
    pub(super) fn filled(&self, path: &str) -> String {
        let mut filled: Vec<&str> = Vec::new();
        for segment in path.split('/') {
            let before = filled.last().copied().unwrap_or_default();
            filled.push(match (segment, before) {
                ("{}", "keys") => &self.recovery,
                ("{}", "secrets") => &self.secret,
                ("{}", "access") => &self.identity,
                ("{}", "identities") => &self.handle,
                _ => segment,
            });
        }
        let filled = filled.join("/");
        if path.ends_with("/unlock") {
            format!("{filled}?auth_hash={}", self.primary)
        } else {
            filled
        }
    }

    /// What a call is sent.
    pub(super) fn body(&self, name: &str) -> Value {
        match name {
            "POST /api/v1/vault/initialize" => self.keys(),
            "PUT /api/v1/vault/keys/primary" => {
                let mut body = key("primary", &hash());
                body["current_auth_hash"] = json!(self.primary);
                body
            }
            "POST /api/v1/vault/secrets" => {
                json!({"name": "made", "secret_type": "login", "encrypted_payload": "AAAA"})
            }
            "PATCH /api/v1/vault/secrets/{}" => json!({"name": "changed"}),
            "POST /api/v1/vault/secrets/{}/access" => json!({"identity_id": self.identity}),
            "POST /api/v1/identities" => json!({"agent_handle": format!("made-{}", unique())}),
            "PATCH /api/v1/identities/{}" => json!({"description": "changed"}),
            "POST /api/v1/api-keys" => {
                json!({"label": "made", "scoped_identity_id": self.identity})
            }
            _ => panic!("{name} is new: say what it is to be sent"),
        }
    }

    fn keys(&self) -> Value {
        json!({
            "vault_key": key("primary", &self.primary),
            "recovery_keys": [key("recovery", &self.recovery)],
        })
    }
}

fn key(kind: &str, hash: &str) -> Value {
    let id = format!("00000000-0000-4000-8000-{:012x}", number());
    json!({
        "id": id, "key_type": kind, "auth_hash": hash,
        "wrapped_org_encryption_key": "A".repeat(80),
    })
}

fn hash() -> String {
    format!("{:064x}", number())
}

/// A number that no other call gives.
fn number() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}
