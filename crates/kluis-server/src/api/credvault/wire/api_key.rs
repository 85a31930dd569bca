//! API keys.

use std::time::Duration;

use kluis_engine::{ApiKeyChange, Error, NewApiKey, Scope, ScopeSet, Timestamp, Token, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::filled;
use crate::api::extract::stated;
use crate::api::ids::{Id, prefixed};
use crate::api::revealed::Revealed;

/// An API key, without the key itself.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct ApiKey {
    #[schema(examples("key_01JQ1xA2bC3dE4fG5hI6jK"))]
    id: String,
    #[schema(examples("ci"))]
    name: String,
    /// Its first characters.
    #[schema(examples("cvk_3aUlTJC7"))]
    prefix: String,
    /// `active`, `expired` or `revoked`.
    #[schema(examples("active"))]
    status: &'static str,
    /// Its ceiling; null when there is none, and it opens what its user may.
    scopes: Option<Vec<&'static str>>,
    /// Null when it never does.
    expires_at: Option<String>,
    /// To the hour.
    last_used_at: Option<String>,
    last_rotated_at: Option<String>,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    created_at: String,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    updated_at: String,
}

/// An API key with the key itself.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct ApiKeyShown {
    #[serde(flatten)]
    api_key: ApiKey,
    /// Shown once.
    key: Revealed,
}

/// An API key to create.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct ApiKeyCreate {
    #[schema(min_length = 1, max_length = 255, examples("ci"))]
    name: String,
    /// Left out, the key opens all that its user may; an empty list opens nothing.
    #[schema(examples(json!(["database:read", "metadata:read"])))]
    scopes: Option<Vec<String>>,
    /// Whose API it is for; `credvault` unless given. Every API takes it.
    style: Option<KeyStyle>,
    /// Whose key; the caller's own unless given. Keys for others are for owners.
    #[schema(value_type = Option<String>)]
    user_id: Option<Id<UserId>>,
    /// Instead of `expires_at`.
    expires_in: Option<ExpiresIn>,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// What to change of an API key.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct ApiKeyUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    name: Option<Option<String>>,
    /// Null takes the ceiling away.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Option<Vec<String>>>,
    /// Instead of `expires_at`.
    expires_in: Option<ExpiresIn>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<String>>,
}

/// Whose API a key is for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum KeyStyle {
    Cloudkeep,
    Crate,
    Credvault,
    Inkbox,
    Oneclaw,
}

/// How long a key lives from now on.
#[derive(Clone, Copy, Deserialize, ToSchema)]
enum ExpiresIn {
    #[serde(rename = "never")]
    Never,
    #[serde(rename = "30d")]
    Days30,
    #[serde(rename = "90d")]
    Days90,
    #[serde(rename = "1y")]
    Year,
}

impl ApiKeyCreate {
    /// The key to make at `now`.
    pub(in super::super) fn parse(self, now: Timestamp) -> Result<NewApiKey, Error> {
        let expires_at = expiry(self.expires_in, self.expires_at.map(Some), now)?;
        Ok(NewApiKey {
            name: self.name,
            style: self.style.unwrap_or(KeyStyle::Credvault).into(),
            scopes: self.scopes.as_deref().map(scopes).transpose()?,
            user: self.user_id.map(|Id(user)| user),
            expires_at: expires_at.flatten(),
        })
    }
}

impl ApiKeyUpdate {
    /// The change to make at `now`.
    pub(in super::super) fn parse(self, now: Timestamp) -> Result<ApiKeyChange, Error> {
        let ceiling = self
            .scopes
            .map(|ceiling| ceiling.as_deref().map(scopes).transpose());
        Ok(ApiKeyChange {
            name: filled("name", self.name)?,
            scopes: ceiling.transpose()?,
            expires_at: expiry(self.expires_in, self.expires_at, now)?,
        })
    }
}

impl From<KeyStyle> for kluis_engine::KeyStyle {
    fn from(style: KeyStyle) -> Self {
        match style {
            KeyStyle::Cloudkeep => Self::Cloudkeep,
            KeyStyle::Crate => Self::Crate,
            KeyStyle::Credvault => Self::Credvault,
            KeyStyle::Inkbox => Self::Inkbox,
            KeyStyle::Oneclaw => Self::Oneclaw,
        }
    }
}

impl ExpiresIn {
    fn after(self, now: Timestamp) -> Option<Timestamp> {
        let days = match self {
            Self::Never => return None,
            Self::Days30 => 30,
            Self::Days90 => 90,
            Self::Year => 365,
        };
        Some(now.after(Duration::from_secs(days * 24 * 60 * 60)))
    }
}

impl From<kluis_engine::ApiKey> for ApiKey {
    fn from(key: kluis_engine::ApiKey) -> Self {
        let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339_seconds);
        Self {
            id: prefixed("key_", key.id.bytes()),
            name: key.name,
            prefix: key.prefix,
            status: key.status.as_str(),
            scopes: key
                .scopes
                .map(|scopes| scopes.iter().map(Scope::as_str).collect()),
            expires_at: time(key.expires_at),
            last_used_at: time(key.last_used_at),
            last_rotated_at: time(key.last_rotated_at),
            created_at: key.created_at.rfc3339_seconds(),
            updated_at: key.updated_at.rfc3339_seconds(),
        }
    }
}

impl From<(kluis_engine::ApiKey, Token)> for ApiKeyShown {
    fn from((api_key, key): (kluis_engine::ApiKey, Token)) -> Self {
        Self {
            api_key: api_key.into(),
            key: key.into(),
        }
    }
}

fn scopes(words: &[String]) -> Result<ScopeSet, Error> {
    let scopes: Option<ScopeSet> = words.iter().map(|word| Scope::parse(word)).collect();
    scopes.ok_or_else(|| Error::invalid("scopes", "must hold names of scopes"))
}

/// The end of a key: unsaid, none, or this.
fn expiry(
    expires_in: Option<ExpiresIn>,
    expires_at: Option<Option<String>>,
    now: Timestamp,
) -> Result<Option<Option<Timestamp>>, Error> {
    match (expires_in, expires_at) {
        (Some(_), Some(_)) => Err(Error::invalid(
            "expires_in",
            "cannot be combined with expires_at",
        )),
        (Some(expires_in), None) => Ok(Some(expires_in.after(now))),
        (None, Some(Some(text))) => match Timestamp::parse(&text) {
            Some(at) => Ok(Some(Some(at))),
            None => Err(Error::invalid(
                "expires_at",
                "must be RFC 3339 in UTC or with an offset",
            )),
        },
        (None, stated) => Ok(stated.map(|_| None)),
    }
}
