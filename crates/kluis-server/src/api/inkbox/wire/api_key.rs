//! API keys, and who holds one.

use kluis_engine::{ApiKeyStatus, DisplayName, NewAgentKey, OwnKey, Remark, Timestamp, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::error::Failure;
use super::agent;
use super::members::{Member, Wrong};
use crate::api::revealed::Revealed;

/// An API key, without the key itself.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyRecord)]
pub(in super::super) struct ApiKey {
    #[schema(examples("ApiKey_0195f1a2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"))]
    id: String,
    #[schema(format = "uuid")]
    organization_id: String,
    /// Id of the user who made it.
    #[schema(format = "uuid")]
    created_by: Option<String>,
    /// Always `human`.
    #[schema(examples("human"))]
    creator_type: &'static str,
    /// The identity that it acts as; null for a user's.
    #[schema(format = "uuid")]
    scoped_identity_id: Option<String>,
    #[schema(examples("ci"))]
    label: String,
    description: Option<String>,
    /// `active` or `revoked`.
    #[schema(examples("active"))]
    status: &'static str,
    /// Its last characters; empty when they were not kept.
    #[schema(examples("x7Qb"))]
    last4: String,
    /// Its first characters.
    #[schema(examples("ibk_3aUlTJC7"))]
    display_prefix: String,
    /// To the hour.
    last_used_at: Option<String>,
    /// Null when it never does.
    expires_at: Option<String>,
    revoked_at: Option<String>,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    created_at: String,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    updated_at: String,
}

/// An API key with the key itself.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct ApiKeyShown {
    /// Shown once.
    api_key: Revealed,
    record: ApiKey,
}

/// An API key to create.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct ApiKeyCreate {
    #[schema(value_type = String, required, min_length = 1, max_length = 255, examples("ci"))]
    #[serde(default)]
    label: Member<String>,
    #[schema(value_type = Option<String>, max_length = 1000)]
    #[serde(default)]
    description: Member<String>,
    /// The identity that it is to act as.
    #[schema(value_type = Option<String>, format = "uuid")]
    #[serde(default)]
    scoped_identity_id: Member<String>,
}

/// Who one is.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Whoami {
    /// Always `api_key`.
    #[schema(examples("api_key"))]
    auth_type: &'static str,
    /// `api_key.admin_scoped` or `api_key.agent_scoped.claimed`.
    #[schema(examples("api_key.admin_scoped"))]
    auth_subtype: &'static str,
    #[schema(format = "uuid")]
    organization_id: String,
    /// Id of the user who made the key.
    #[schema(format = "uuid")]
    created_by: Option<String>,
    /// Always `human`.
    #[schema(examples("human"))]
    creator_type: &'static str,
    #[schema(examples("ApiKey_0195f1a2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"))]
    key_id: String,
    #[schema(examples("ci"))]
    label: String,
    description: Option<String>,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    created_at: String,
    /// To the hour.
    last_used_at: Option<String>,
    /// Null when it never does.
    expires_at: Option<String>,
}

impl ApiKeyCreate {
    pub(in super::super) fn parse(self) -> Result<NewAgentKey, Failure> {
        let mut wrong = Wrong::default();
        let label = wrong
            .required("label", self.label)
            .and_then(|text| wrong.fit(DisplayName::parse("label", &text)));
        let description = wrong.optional("description", self.description);
        let description = description.map(|text| text.map(|text| Remark::parse(text, 1_000)));
        let description = wrong.fit_some(description);
        let identity = wrong.optional(IDENTITY, self.scoped_identity_id);
        let identity = wrong.fit_some(identity.map(|id| id.map(|id| agent(IDENTITY, &id))));
        let made = || {
            Some(NewAgentKey {
                agent: identity?,
                label: label?,
                description: description?,
            })
        };
        wrong.end(made())
    }
}

impl From<OwnKey> for ApiKey {
    fn from(key: OwnKey) -> Self {
        Self {
            id: key_id(&key),
            organization_id: key.organization.to_string(),
            created_by: key.created_by.map(|user| user.to_string()),
            creator_type: HUMAN,
            scoped_identity_id: key.agent.map(|agent| agent.to_string()),
            label: key.label,
            description: key.description,
            status: match key.status {
                ApiKeyStatus::Active => "active",
                ApiKeyStatus::Expired | ApiKeyStatus::Revoked => "revoked",
            },
            last4: key.last4,
            display_prefix: key.prefix,
            last_used_at: told(key.last_used_at),
            expires_at: told(key.expires_at),
            // Whoever is told asks with the key, and so it works.
            revoked_at: None,
            created_at: key.created_at.rfc3339(),
            updated_at: key.updated_at.rfc3339(),
        }
    }
}

impl From<(OwnKey, Token)> for ApiKeyShown {
    fn from((key, token): (OwnKey, Token)) -> Self {
        Self {
            api_key: token.into(),
            record: key.into(),
        }
    }
}

impl From<OwnKey> for Whoami {
    fn from(key: OwnKey) -> Self {
        Self {
            auth_type: "api_key",
            auth_subtype: match key.agent {
                Some(_) => "api_key.agent_scoped.claimed",
                None => "api_key.admin_scoped",
            },
            organization_id: key.organization.to_string(),
            created_by: key.created_by.map(|user| user.to_string()),
            creator_type: HUMAN,
            key_id: key_id(&key),
            label: key.label,
            description: key.description,
            created_at: key.created_at.rfc3339(),
            last_used_at: told(key.last_used_at),
            expires_at: told(key.expires_at),
        }
    }
}

fn key_id(key: &OwnKey) -> String {
    format!("ApiKey_{}", key.id)
}

fn told(at: Option<Timestamp>) -> Option<String> {
    at.map(Timestamp::rfc3339)
}

const IDENTITY: &str = "scoped_identity_id";

/// Whoever makes keys is a person.
const HUMAN: &str = "human";
