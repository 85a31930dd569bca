//! The vault.

use kluis_engine::{Error, NewZkKey, NewZkVault, ZkKeyId, ZkKeyKind, ZkVaultId, ZkVaultInfo};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::key::wrapped;
use super::{proof, uuid};

/// A vault to initialize.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct VaultCreate {
    vault_key: KeyMaterial,
    /// At most 16.
    recovery_keys: Vec<KeyMaterial>,
}

/// A key of the vault: what its client made of it.
#[derive(Deserialize, ToSchema)]
struct KeyMaterial {
    /// The client's choice; bound into the wrapped key.
    #[schema(format = "uuid")]
    id: String,
    /// Base-64 of 60 bytes.
    #[schema(min_length = 80, max_length = 80)]
    wrapped_org_encryption_key: String,
    /// 64 hexadecimal digits in lower case.
    #[schema(min_length = 64, max_length = 64)]
    auth_hash: String,
    /// `primary` for the vault key, `recovery` for each recovery key.
    #[schema(examples("primary"))]
    key_type: String,
}

/// A vault that was initialized.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct VaultCreated {
    #[schema(format = "uuid")]
    vault_id: String,
    #[schema(format = "uuid")]
    vault_key_id: String,
    #[schema(examples(4))]
    recovery_key_count: usize,
}

/// The vault, and how much is in it.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct VaultInfo {
    #[schema(format = "uuid")]
    id: String,
    /// What clients derive their keys with.
    #[schema(format = "uuid")]
    organization_id: String,
    /// Always `active`.
    #[schema(examples("active"))]
    status: &'static str,
    /// Primary keys.
    #[schema(examples(1))]
    key_count: u32,
    /// Secrets; for an agent those that it may read.
    #[schema(examples(12))]
    secret_count: u32,
    /// Recovery keys that are left.
    #[schema(examples(4))]
    recovery_key_count: u32,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    created_at: String,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    updated_at: String,
}

/// What is known of the answer before the vault is made.
pub(in super::super) struct Answering {
    key: ZkKeyId,
    recovery_keys: usize,
}

impl VaultCreate {
    /// The vault to make.
    pub(in super::super) fn parse(self) -> Result<(NewZkVault, Answering), Error> {
        let primary = self.vault_key.parse("vault_key", ZkKeyKind::Primary)?;
        let recovery = self.recovery_keys.into_iter().enumerate();
        let recovery: Vec<_> = recovery
            .map(|(position, key)| {
                let at = format!("recovery_keys[{position}]");
                key.parse(&at, ZkKeyKind::Recovery)
            })
            .collect::<Result<_, _>>()?;
        let answering = Answering {
            key: primary.id,
            recovery_keys: recovery.len(),
        };
        Ok((NewZkVault::new(primary, recovery)?, answering))
    }
}

impl KeyMaterial {
    fn parse(self, at: &str, kind: ZkKeyKind) -> Result<NewZkKey, Error> {
        let key_type = format!("{at}.key_type");
        if self.key_type != kind.as_str() {
            let why = format!("must be {}", kind.as_str());
            return Err(Error::invalid(key_type, why));
        }
        Ok(NewZkKey {
            id: uuid(&format!("{at}.id"), ZkKeyId::from_uuid_text(&self.id))?,
            wrapped: wrapped(at, self.wrapped_org_encryption_key)?,
            proof: proof(&format!("{at}.auth_hash"), &self.auth_hash)?,
        })
    }
}

impl Answering {
    /// The answer about the vault that was made.
    pub(in super::super) fn of(self, vault: ZkVaultId) -> VaultCreated {
        VaultCreated {
            vault_id: vault.to_string(),
            vault_key_id: self.key.to_string(),
            recovery_key_count: self.recovery_keys,
        }
    }
}

impl From<ZkVaultInfo> for VaultInfo {
    fn from(info: ZkVaultInfo) -> Self {
        Self {
            id: info.id.to_string(),
            organization_id: info.organization.to_string(),
            status: "active",
            key_count: info.primary_keys,
            secret_count: info.items,
            recovery_key_count: info.recovery_keys,
            created_at: info.created_at.rfc3339(),
            updated_at: info.updated_at.rfc3339(),
        }
    }
}
