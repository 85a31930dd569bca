//! API keys (contract §12).

use kluis_engine::{ApiKeyStatus, Error, KeyStyle, NewApiKey, Scope, ScopeSet, Timestamp, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::revealed::Revealed;

/// An API key, without the key itself.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnApiKey)]
pub(in super::super) struct ApiKey {
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("ci"))]
    name: String,
    /// Its first characters.
    #[schema(examples("1ck_3aUlTJC7"))]
    key_prefix: String,
    /// Its ceiling; left out when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<&'static str>>,
    is_active: bool,
    #[schema(examples("2026-03-01T09:30:00Z"))]
    created_at: String,
    /// Left out when it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// To the hour; left out until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
}

/// API keys, oldest first.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct ApiKeys {
    keys: Vec<ApiKey>,
}

/// An API key with the key itself.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnApiKeyShown)]
pub(in super::super) struct ApiKeyShown {
    key: ApiKey,
    /// Shown once.
    #[serde(rename = "api_key")]
    token: Revealed,
}

/// An API key to create.
#[derive(Deserialize, ToSchema)]
#[schema(as = OwnApiKeyCreate)]
pub(in super::super) struct ApiKeyCreate {
    #[schema(min_length = 1, max_length = 255, examples("ci"))]
    name: String,
    /// Left out, the key opens all that its user may; an empty list opens nothing.
    #[schema(examples(json!(["database:read"])))]
    scopes: Option<Vec<String>>,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

impl TryFrom<ApiKeyCreate> for NewApiKey {
    type Error = Error;

    fn try_from(body: ApiKeyCreate) -> Result<Self, Error> {
        let scopes = |words: Vec<String>| {
            let scopes: Option<ScopeSet> = words.iter().map(|word| Scope::parse(word)).collect();
            scopes.ok_or_else(|| Error::invalid("scopes", "must hold names of scopes"))
        };
        let instant = |text: String| {
            Timestamp::parse(&text).ok_or_else(|| {
                Error::invalid("expires_at", "must be an ISO 8601 time with an offset")
            })
        };
        Ok(Self {
            name: body.name,
            style: KeyStyle::Oneclaw,
            scopes: body.scopes.map(scopes).transpose()?,
            user: None,
            expires_at: body.expires_at.map(instant).transpose()?,
        })
    }
}

impl From<kluis_engine::ApiKey> for ApiKey {
    fn from(key: kluis_engine::ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            key_prefix: key.prefix,
            scopes: key
                .scopes
                .map(|scopes| scopes.iter().map(Scope::as_str).collect()),
            is_active: key.status == ApiKeyStatus::Active,
            created_at: key.created_at.rfc3339(),
            expires_at: key.expires_at.map(Timestamp::rfc3339),
            last_used_at: key.last_used_at.map(Timestamp::rfc3339),
        }
    }
}

impl From<Vec<kluis_engine::ApiKey>> for ApiKeys {
    fn from(keys: Vec<kluis_engine::ApiKey>) -> Self {
        Self {
            keys: keys.into_iter().map(ApiKey::from).collect(),
        }
    }
}

impl From<(kluis_engine::ApiKey, Token)> for ApiKeyShown {
    fn from((key, token): (kluis_engine::ApiKey, Token)) -> Self {
        Self {
            key: key.into(),
            token: token.into(),
        }
    }
}
