//! Secrets of the vault, and who may have their ciphertext.

use serde::{Deserialize, Serialize};

use super::{Inkbox, small};
use crate::Error;
use crate::http::Call;

impl Inkbox<'_> {
    /// The secrets that the caller may read, newest first, without payloads (Inkbox contract §4.7).
    pub async fn secrets(self, secret_type: Option<&str>) -> Result<Vec<Secret>, Error> {
        let segments = ["api", "v1", "vault", "secrets"];
        let query: Vec<(&str, &str)> = secret_type
            .map(|word| ("secret_type", word))
            .into_iter()
            .collect();
        self.0.call(small(Call::get(&segments).query(&query))).await
    }

    /// Keeps a new secret (Inkbox contract §4.6).
    pub async fn secret_create(self, secret: &NewSecret<'_>) -> Result<Secret, Error> {
        let segments = ["api", "v1", "vault", "secrets"];
        self.0
            .call(small(Call::post(&segments).json(secret)?))
            .await
    }

    /// One secret with its payload (Inkbox contract §4.8).
    pub async fn secret(self, id: &str) -> Result<SecretDetail, Error> {
        let segments = ["api", "v1", "vault", "secrets", id];
        self.0.call(small(Call::get(&segments))).await
    }

    /// Changes what is not `None` (Inkbox contract §4.9).
    pub async fn secret_update(self, id: &str, change: &SecretChange<'_>) -> Result<Secret, Error> {
        let segments = ["api", "v1", "vault", "secrets", id];
        self.0
            .call(small(Call::patch(&segments).json(change)?))
            .await
    }

    /// Deletes a secret with its access rules (Inkbox contract §4.10).
    pub async fn secret_delete(self, id: &str) -> Result<(), Error> {
        let segments = ["api", "v1", "vault", "secrets", id];
        self.0.call_unit(small(Call::delete(&segments))).await
    }

    /// Lets an agent identity have a secret's ciphertext (Inkbox contract §4.14); 409 when it may already.
    pub async fn access_grant(self, secret: &str, identity: &str) -> Result<AccessRule, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            identity_id: &'b str,
        }
        let body = Body {
            identity_id: identity,
        };
        let segments = ["api", "v1", "vault", "secrets", secret, "access"];
        self.0.call(small(Call::post(&segments).json(&body)?)).await
    }

    /// Who may have a secret's ciphertext (Inkbox contract §4.15).
    pub async fn access_rules(self, secret: &str) -> Result<Vec<AccessRule>, Error> {
        let segments = ["api", "v1", "vault", "secrets", secret, "access"];
        self.0.call(small(Call::get(&segments))).await
    }

    /// Takes an access rule back (Inkbox contract §4.16).
    pub async fn access_revoke(self, secret: &str, identity: &str) -> Result<(), Error> {
        let segments = ["api", "v1", "vault", "secrets", secret, "access", identity];
        self.0.call_unit(small(Call::delete(&segments))).await
    }
}

/// A secret without its payload. All of it is what the server says, and nothing of it is sealed.
#[derive(Debug, Clone, Deserialize)]
pub struct Secret {
    /// UUID, chosen by whoever made it.
    pub id: String,
    /// Not unique.
    pub name: String,
    /// What somebody noted.
    #[serde(default)]
    pub description: Option<String>,
    /// One of five words.
    pub secret_type: String,
    /// Who may have its ciphertext.
    #[serde(default)]
    pub access: Vec<AccessRule>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: String,
}

/// A secret with its sealed payload.
#[derive(Debug, Clone, Deserialize)]
pub struct SecretDetail {
    /// The rest.
    #[serde(flatten)]
    pub secret: Secret,
    /// Base-64.
    pub encrypted_payload: String,
}

/// An agent identity may have a secret's ciphertext.
#[derive(Debug, Clone, Deserialize)]
pub struct AccessRule {
    /// UUID.
    pub id: String,
    /// The secret.
    pub vault_secret_id: String,
    /// The agent identity.
    pub identity_id: String,
    /// RFC 3339.
    pub created_at: String,
}

/// What a new secret is made of.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NewSecret<'a> {
    /// UUID, in lower case: the payload is bound to it.
    pub id: &'a str,
    /// 1 to 255 characters.
    pub name: &'a str,
    /// Seen by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// One of five words.
    pub secret_type: &'a str,
    /// Base-64.
    pub encrypted_payload: &'a str,
}

/// What changes about a secret; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct SecretChange<'a> {
    /// 1 to 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// `Some(None)` clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<&'a str>>,
    /// Base-64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted_payload: Option<&'a str>,
}
