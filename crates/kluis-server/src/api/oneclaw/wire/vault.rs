//! Vaults.

use kluis_engine::{Error, NewVault};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::uuid;

/// A vault.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Vault {
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("staging"))]
    name: String,
    description: String,
    #[schema(format = "uuid")]
    created_by: String,
    /// `user` or `agent`.
    #[schema(examples("user"))]
    created_by_type: &'static str,
    #[schema(examples("2026-03-01T09:30:00Z"))]
    created_at: String,
}

/// Vaults.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Vaults {
    vaults: Vec<Vault>,
}

/// A vault to create.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct VaultCreate {
    /// Unique in the organization.
    #[schema(min_length = 1, max_length = 255, examples("staging"))]
    name: String,
    description: Option<String>,
}

impl TryFrom<VaultCreate> for NewVault {
    type Error = Error;

    fn try_from(body: VaultCreate) -> Result<Self, Error> {
        Ok(Self {
            name: body.name,
            description: body.description.unwrap_or_default(),
        })
    }
}

impl From<Vec<kluis_engine::Vault>> for Vaults {
    fn from(vaults: Vec<kluis_engine::Vault>) -> Self {
        Self {
            vaults: vaults.into_iter().map(Vault::from).collect(),
        }
    }
}

impl From<kluis_engine::Vault> for Vault {
    fn from(vault: kluis_engine::Vault) -> Self {
        Self {
            id: vault.id.to_string(),
            name: vault.name,
            description: vault.description,
            created_by: uuid(*vault.created_by.id_bytes()),
            created_by_type: vault.created_by.kind(),
            created_at: vault.created_at.rfc3339(),
        }
    }
}
