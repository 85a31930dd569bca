//! Agent identities, and the keys that act as them (Inkbox contract §5).

use serde::{Deserialize, Serialize};

use super::{Inkbox, small};
use crate::http::Call;
use crate::{Error, SecretText};

impl Inkbox<'_> {
    /// The agent identities that the caller sees, newest first (Inkbox contract §5.1).
    pub async fn identities(self) -> Result<Vec<Identity>, Error> {
        let segments = ["api", "v1", "identities"];
        self.0.call(small(Call::get(&segments))).await
    }

    /// Makes an agent identity; 409 when its handle is taken.
    pub async fn identity_create(self, identity: &NewIdentity<'_>) -> Result<Identity, Error> {
        let segments = ["api", "v1", "identities"];
        self.0
            .call(small(Call::post(&segments).json(identity)?))
            .await
    }

    /// One agent identity, by its handle.
    pub async fn identity(self, handle: &str) -> Result<Identity, Error> {
        let segments = ["api", "v1", "identities", handle];
        self.0.call(small(Call::get(&segments))).await
    }

    /// Changes what is not `None`.
    pub async fn identity_update(
        self,
        handle: &str,
        change: &IdentityChange<'_>,
    ) -> Result<Identity, Error> {
        let segments = ["api", "v1", "identities", handle];
        self.0
            .call(small(Call::patch(&segments).json(change)?))
            .await
    }

    /// Deletes an agent identity with its keys and access rules.
    pub async fn identity_delete(self, handle: &str) -> Result<(), Error> {
        let segments = ["api", "v1", "identities", handle];
        self.0.call_unit(small(Call::delete(&segments))).await
    }

    /// Makes an API key that acts as an agent identity (Inkbox contract §5.2).
    pub async fn agent_key_create(self, key: &NewAgentKey<'_>) -> Result<AgentKey, Error> {
        let segments = ["api", "v1", "api-keys"];
        self.0.call(small(Call::post(&segments).json(key)?)).await
    }

    /// What is known about the calling key.
    pub async fn api_key_self(self) -> Result<ApiKey, Error> {
        let segments = ["api", "v1", "api-keys", "self"];
        self.0.call(small(Call::get(&segments))).await
    }
}

/// An agent identity.
#[derive(Debug, Clone, Deserialize)]
pub struct Identity {
    /// UUID.
    pub id: String,
    /// Unique in its organization.
    pub agent_handle: String,
    /// What to call it.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// RFC 3339.
    pub created_at: String,
}

/// What a new agent identity is made of.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct NewIdentity<'a> {
    /// 1 to 255 characters.
    pub agent_handle: &'a str,
    /// The handle unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<&'a str>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// Secrets that it may have at once.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub vault_secret_ids: &'a [&'a str],
}

/// What changes about an agent identity; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct IdentityChange<'a> {
    /// What to call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<&'a str>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
}

/// What a new API key is made of.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NewAgentKey<'a> {
    /// 1 to 255 characters.
    pub label: &'a str,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// Whom it acts as; an API key may make no other keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scoped_identity_id: Option<&'a str>,
}

/// A new API key, shown once. Has no `Debug`.
#[derive(Deserialize)]
pub struct AgentKey {
    /// The key.
    pub api_key: SecretText,
    /// The rest.
    pub record: ApiKey,
}

/// An API key without the key itself.
#[derive(Debug, Clone, Deserialize)]
pub struct ApiKey {
    /// `ApiKey_` and a UUID.
    pub id: String,
    /// The salt of every derivation, unchecked.
    pub organization_id: String,
    /// What to call it.
    pub label: String,
    /// `active` or `revoked`.
    pub status: String,
    /// Whom it acts as.
    #[serde(default)]
    pub scoped_identity_id: Option<String>,
    /// RFC 3339.
    pub created_at: String,
}
