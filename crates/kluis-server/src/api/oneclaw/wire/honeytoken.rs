//! Honeytokens (contract §14.5).

use kluis_engine::{Error, Honeytoken as Stored, NewHoneytoken, Path, Timestamp, VaultId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::ids::Kind;

/// A path whose reading is told.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Honeytoken {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "uuid")]
    org_id: String,
    #[schema(format = "uuid")]
    vault_id: String,
    #[schema(examples("canary/aws-root"))]
    secret_path: String,
    notes: Option<String>,
    #[schema(format = "uuid")]
    created_by: String,
    #[schema(examples("2026-03-01T09:30:00Z"))]
    created_at: String,
    /// How often somebody has read there, or tried to.
    trigger_count: u64,
    last_triggered_at: Option<String>,
}

/// Honeytokens, oldest first.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Honeytokens {
    honeytokens: Vec<Honeytoken>,
}

/// A honeytoken to make.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct HoneytokenCreate {
    #[schema(format = "uuid")]
    vault_id: String,
    /// There need not be a secret.
    #[schema(examples("canary/aws-root"))]
    secret_path: String,
    #[schema(max_length = 4000)]
    notes: Option<String>,
}

impl TryFrom<HoneytokenCreate> for NewHoneytoken {
    type Error = Error;

    fn try_from(body: HoneytokenCreate) -> Result<Self, Error> {
        Ok(Self {
            vault: VaultId::named(&body.vault_id),
            // Another API may have written there, so its grammar is not this one's.
            path: Path::parse(body.secret_path, "secret_path")?,
            notes: body.notes.unwrap_or_default(),
        })
    }
}

impl From<Stored> for Honeytoken {
    fn from(honeytoken: Stored) -> Self {
        Self {
            id: honeytoken.id.to_string(),
            org_id: honeytoken.organization.to_string(),
            vault_id: honeytoken.vault.to_string(),
            secret_path: honeytoken.path,
            notes: Some(honeytoken.notes).filter(|notes| !notes.is_empty()),
            created_by: honeytoken.created_by.to_string(),
            created_at: honeytoken.created_at.rfc3339(),
            trigger_count: honeytoken.trigger_count,
            last_triggered_at: honeytoken.last_triggered_at.map(Timestamp::rfc3339),
        }
    }
}

impl From<Vec<Stored>> for Honeytokens {
    fn from(honeytokens: Vec<Stored>) -> Self {
        Self {
            honeytokens: honeytokens.into_iter().map(Honeytoken::from).collect(),
        }
    }
}
