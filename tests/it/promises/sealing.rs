//! What calls of the Crate API are about, for whoever walks all routes.

use serde_json::{Value, json};

use crate::crate_io::sealing::{Crate, READER, seal};
use crate::harness::Api;

/// The organization, and a value that is sealed for it.
pub(super) struct Sealing {
    pub(super) organization: String,
    sealed: String,
}

impl Sealing {
    /// Made by the owner; with secrets to delete, where one is to be deleted.
    pub(super) async fn make(owner: &Api, deletes: bool) -> Self {
        let organization = owner.get("/v1/auth/me").await.expect(200).text("/org_id");
        let crate_io = Crate {
            api: owner.clone(),
            organization: organization.clone(),
        };
        let sealed = seal(&crate_io.public_key().await, b"sealed");
        if deletes {
            for name in ["SCENE", "public-key", "retrieve"] {
                let more = json!({"environment": "scene"});
                crate_io.put_sealed(name, &sealed, more).await.expect(200);
            }
        }
        Self {
            organization,
            sealed,
        }
    }

    /// What a call of the Crate API at `path` is sent.
    pub(super) fn body(&self, path: &str) -> Value {
        let in_json = path.starts_with("/organization/");
        let spelled = |here: &'static str, there: &'static str| if in_json { here } else { there };
        let mut body = match path.rsplit('/').next().unwrap() {
            "secrets" | "StoreSecret" => json!({
                "name": "SCENE", "environment": "scene", "sealed": true,
                spelled("encrypted_value", "encryptedValue"): self.sealed,
            }),
            "retrieve" | "RetrieveSecrets" => json!({
                "environment": "scene", spelled("public_key_pem", "publicKeyPem"): READER.pem,
            }),
            "DeleteSecret" => json!({"name": "SCENE", "environment": "scene"}),
            _ => json!({}),
        };
        if !in_json && !path.ends_with("GetProfile") {
            body["organizationId"] = json!(self.organization);
        }
        body
    }
}
