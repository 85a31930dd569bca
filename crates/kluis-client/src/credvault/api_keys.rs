//! API keys (contract B1).

use serde::{Deserialize, Serialize};

use super::CredVault;
use crate::http::Call;
use crate::{Error, SecretText};

impl CredVault<'_> {
    /// The API keys that the caller may see, never the keys themselves.
    pub async fn api_keys(self) -> Result<Vec<ApiKey>, Error> {
        self.list(&["v1", "api-keys"], &[]).await
    }

    /// Makes an API key. The answer is the only place where the key itself is shown.
    pub async fn api_key_create(self, key: NewApiKey<'_>) -> Result<CreatedApiKey, Error> {
        self.one(Call::post(&["v1", "api-keys"]).json(&key)?).await
    }

    /// Revokes an API key, effective at once.
    pub async fn api_key_revoke(self, key: &str) -> Result<(), Error> {
        self.0
            .call_unit(Call::delete(&["v1", "api-keys", key]))
            .await
    }

    /// One API key.
    pub async fn api_key(self, key: &str) -> Result<ApiKey, Error> {
        self.one(Call::get(&["v1", "api-keys", key])).await
    }

    /// Replaces the key itself; the old one is dead at once.
    pub async fn api_key_rotate(self, key: &str) -> Result<CreatedApiKey, Error> {
        self.one(Call::post(&["v1", "api-keys", key, "rotate"]))
            .await
    }
}

/// An API key as lists show it.
#[derive(Debug, Clone, Deserialize)]
pub struct ApiKey {
    /// `key_` and 22 characters.
    pub id: String,
    /// What its maker called it.
    pub name: String,
    /// Its first characters, to tell keys apart.
    pub prefix: String,
    /// `active`, `expired` or `revoked`.
    pub status: String,
    /// Its ceiling; absent or empty as the server sends it.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// RFC 3339, UTC; absent when it never expires.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub last_used_at: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// What a new API key is made of.
#[derive(Clone, Copy, Default, Serialize)]
pub struct NewApiKey<'a> {
    /// What to call it.
    pub name: &'a str,
    /// Its ceiling: all that the user may when `None`, nothing when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<&'a [String]>,
    /// `cloudkeep`, `crate`, `credvault`, `oneclaw` or `inkbox`: decides the prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<&'a str>,
    /// Whose key it is; the caller's unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    /// `never`, `30d`, `90d` or `1y`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<&'a str>,
    /// RFC 3339; instead of `expires_in`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<&'a str>,
}

/// A new API key with the key itself.
#[derive(Deserialize)]
pub struct CreatedApiKey {
    /// How lists show it from now on.
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// Shown once.
    pub key: SecretText,
}
