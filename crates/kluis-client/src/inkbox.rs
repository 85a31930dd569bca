//! The Inkbox API under `/api/v1`: a vault whose payloads only its clients can open (Inkbox contract §4).
//!
//! What is here speaks HTTP and nothing else: payloads and keys go as the base-64 that [`zk`](crate::zk) makes and opens.
//! Nothing that comes back has been checked. Every call wants an API key, which goes in `X-API-Key`; a session or an access
//! token is refused by the server.

use serde::{Deserialize, Serialize};

use crate::http::Call;
use crate::{Client, Error, SecretText};

mod identities;
mod secrets;

pub use identities::{AgentKey, ApiKey, Identity, IdentityChange, NewAgentKey, NewIdentity};
pub use secrets::{AccessRule, NewSecret, Secret, SecretChange, SecretDetail};

impl Client {
    /// The calls of the Inkbox API.
    #[must_use]
    pub fn inkbox(&self) -> Inkbox<'_> {
        Inkbox(self)
    }
}

/// The calls of the Inkbox API.
#[derive(Clone, Copy)]
pub struct Inkbox<'a>(&'a Client);

impl Inkbox<'_> {
    /// Whose key this is (Inkbox contract §4.1).
    pub async fn whoami(self) -> Result<Whoami, Error> {
        self.0.call(small(Call::get(&["api", "whoami"]))).await
    }

    /// The vault (Inkbox contract §4.3); 404 when there is none.
    pub async fn vault(self) -> Result<VaultInfo, Error> {
        let segments = ["api", "v1", "vault", "info"];
        self.0.call(small(Call::get(&segments))).await
    }

    /// Makes the vault (Inkbox contract §4.2); 409 when there is one.
    pub async fn vault_initialize(
        self,
        vault_key: &KeyMaterial<'_>,
        recovery_keys: &[KeyMaterial<'_>],
    ) -> Result<Initialized, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            vault_key: &'b KeyMaterial<'b>,
            recovery_keys: &'b [KeyMaterial<'b>],
        }
        let body = Body {
            vault_key,
            recovery_keys,
        };
        let segments = ["api", "v1", "vault", "initialize"];
        self.0.call(small(Call::post(&segments).json(&body)?)).await
    }

    /// The key that this auth hash stands for, and all secrets that the caller may read (Inkbox contract §4.4). A hash that
    /// fits no key is no error: there is no wrapped key then.
    pub async fn vault_unlock(self, auth_hash: &str) -> Result<Unlocked, Error> {
        let segments = ["api", "v1", "vault", "unlock"];
        let query = [("auth_hash", auth_hash)];
        self.0
            .call(Call::get(&segments).query(&query).with_api_key())
            .await
    }

    /// Deletes the vault with all that is in it (Inkbox contract §4.5).
    pub async fn vault_delete(self) -> Result<(), Error> {
        let segments = ["api", "v1", "vault"];
        self.0.call_unit(small(Call::delete(&segments))).await
    }

    /// The active keys, without what they wrap (Inkbox contract §4.11).
    pub async fn keys(self) -> Result<Vec<VaultKey>, Error> {
        let segments = ["api", "v1", "vault", "keys"];
        self.0.call(small(Call::get(&segments))).await
    }

    /// Puts a new primary key in the place of the old one (Inkbox contract §4.12).
    pub async fn key_replace_primary(self, key: &NewPrimary<'_>) -> Result<VaultKey, Error> {
        let segments = ["api", "v1", "vault", "keys", "primary"];
        self.0.call(small(Call::put(&segments).json(key)?)).await
    }

    /// Ends a key, named by its auth hash (Inkbox contract §4.13).
    pub async fn key_revoke(self, auth_hash: &str) -> Result<(), Error> {
        let segments = ["api", "v1", "vault", "keys", auth_hash];
        self.0.call_unit(small(Call::delete(&segments))).await
    }
}

/// A call of this API whose answer has no payloads.
fn small(call: Call<'_>) -> Call<'_> {
    call.with_api_key().at_most(MAX_SMALL)
}

/// What is known about the calling key.
#[derive(Debug, Clone, Deserialize)]
pub struct Whoami {
    /// `api_key`.
    pub auth_type: String,
    /// `api_key.admin_scoped` or one of the agent-scoped words.
    #[serde(default)]
    pub auth_subtype: Option<String>,
    /// The salt of every derivation, unchecked.
    pub organization_id: String,
}

/// The vault, from outside.
#[derive(Debug, Clone, Deserialize)]
pub struct VaultInfo {
    /// UUID.
    pub id: String,
    /// The salt of every derivation, unchecked.
    pub organization_id: String,
    /// Active primary keys.
    #[serde(default)]
    pub key_count: u64,
    /// Secrets.
    #[serde(default)]
    pub secret_count: u64,
    /// Recovery keys not yet used.
    #[serde(default)]
    pub recovery_key_count: u64,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: String,
}

/// A key on its way to the server. Has no `Debug`: the auth hash is a proof.
#[derive(Clone, Copy, Serialize)]
pub struct KeyMaterial<'a> {
    /// UUID, in lower case.
    pub id: &'a str,
    /// Base-64.
    pub wrapped_org_encryption_key: &'a str,
    /// 64 lower-case hexadecimal digits.
    pub auth_hash: &'a str,
    /// `primary` or `recovery`.
    pub key_type: &'a str,
}

/// A vault that was made.
#[derive(Debug, Clone, Deserialize)]
pub struct Initialized {
    /// UUID.
    pub vault_id: String,
    /// The id that was sent for the vault key.
    pub vault_key_id: String,
    /// How many recovery keys were sent.
    pub recovery_key_count: u64,
}

/// What the server sends to whoever has a key. Has no `Debug`.
#[derive(Deserialize)]
pub struct Unlocked {
    /// Base-64; null when the auth hash fits no key. An answer without it is none.
    #[serde(deserialize_with = "Option::deserialize")]
    pub wrapped_org_encryption_key: Option<SecretText>,
    /// Secrets with their payloads.
    #[serde(default)]
    pub encrypted_secrets: Vec<SecretDetail>,
}

/// A vault key or recovery key, without what it wraps.
#[derive(Debug, Clone, Deserialize)]
pub struct VaultKey {
    /// UUID, chosen by whoever made it.
    pub id: String,
    /// `primary` or `recovery`.
    pub key_type: String,
    /// RFC 3339.
    pub created_at: String,
}

/// A new primary key, with one of the two proofs. Has no `Debug`: an auth hash is a proof.
#[derive(Clone, Copy, Serialize)]
pub struct NewPrimary<'a> {
    /// UUID, in lower case.
    pub id: &'a str,
    /// Base-64.
    pub wrapped_org_encryption_key: &'a str,
    /// Of the new key.
    pub auth_hash: &'a str,
    /// Of the primary key that it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_auth_hash: Option<&'a str>,
    /// Of a recovery key, which is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_auth_hash: Option<&'a str>,
}

/// Longest answer without payloads that is read: 16 MiB, some ten thousand secrets' names.
const MAX_SMALL: usize = 16 << 20;

#[cfg(test)]
mod tests;
