//! Vaults.

use serde::Serialize;
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
