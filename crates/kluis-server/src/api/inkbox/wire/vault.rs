//! The vault.

use kluis_engine::{Error, NewZkKey, NewZkVault, ZkKeyId, ZkKeyKind, ZkVaultId, ZkVaultInfo};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::error::Failure;
use super::key::wrapped;
use super::members::{Member, Object, Wrong};
use super::{proof, uuid};

/// A vault to initialize.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct VaultCreate {
    #[serde(default)]
    #[schema(value_type = KeyMaterial, required)]
    vault_key: Member<Object<KeyMaterial>>,
    /// At most 16.
    #[serde(default)]
    #[schema(value_type = Vec<KeyMaterial>, required)]
    recovery_keys: Member<Vec<Member<Object<KeyMaterial>>>>,
}

/// A key of the vault: what its client made of it.
#[derive(Deserialize, ToSchema)]
struct KeyMaterial {
    /// The client's choice; bound into the wrapped key.
    #[schema(value_type = String, required, format = "uuid")]
    #[serde(default)]
    id: Member<String>,
    /// Base-64 of 60 bytes.
    #[schema(value_type = String, required, min_length = 80, max_length = 80)]
    #[serde(default)]
    wrapped_org_encryption_key: Member<String>,
    /// 64 hexadecimal digits in lower case.
    #[schema(value_type = String, required, min_length = 64, max_length = 64)]
    #[serde(default)]
    auth_hash: Member<String>,
    /// `primary` for the vault key, `recovery` for each recovery key.
    #[schema(value_type = String, required, examples("primary"))]
    #[serde(default)]
    key_type: Member<String>,
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
    pub(in super::super) fn parse(self) -> Result<(NewZkVault, Answering), Failure> {
        let mut wrong = Wrong::default();
        let primary = wrong
            .required("vault_key", self.vault_key)
            .and_then(|Object(key)| key.parse("vault_key", ZkKeyKind::Primary, &mut wrong));
        let recovery = wrong.required("recovery_keys", self.recovery_keys);
        let recovery = recovery.and_then(|keys| {
            let mut parsed = Vec::new();
            let most = keys.len();
            for (position, key) in keys.into_iter().enumerate().take(MOST_TOLD) {
                let at = format!("recovery_keys[{position}]");
                parsed.extend(
                    wrong
                        .required(&at, key)
                        .and_then(|Object(key)| key.parse(&at, ZkKeyKind::Recovery, &mut wrong)),
                );
            }
            (parsed.len() == most.min(MOST_TOLD)).then_some(parsed)
        });
        let made = primary.zip(recovery).and_then(|(primary, recovery)| {
            let answering = Answering {
                key: primary.id,
                recovery_keys: recovery.len(),
            };
            let vault = wrong.fit(NewZkVault::new(primary, recovery))?;
            Some((vault, answering))
        });
        wrong.end(made)
    }
}

impl KeyMaterial {
    fn parse(self, at: &str, kind: ZkKeyKind, wrong: &mut Wrong) -> Option<NewZkKey> {
        let field = |member| format!("{at}.{member}");
        let id = wrong.required(&field("id"), self.id);
        let id = id.and_then(|text| wrong.fit(uuid(&field("id"), ZkKeyId::from_uuid_text(&text))));
        let material = field("wrapped_org_encryption_key");
        let material = wrong
            .required(&material, self.wrapped_org_encryption_key)
            .and_then(|text| wrong.fit(wrapped(&material, text)));
        let hash = field("auth_hash");
        let hash = wrong
            .required(&hash, self.auth_hash)
            .and_then(|text| wrong.fit(proof(&hash, &text)));
        let key_type = field("key_type");
        let stated = wrong
            .required(&key_type, self.key_type)
            .and_then(|word| wrong.fit(is_kind(key_type, &word, kind)));
        stated?;
        Some(NewZkKey {
            id: id?,
            wrapped: material?,
            proof: hash?,
        })
    }
}

fn is_kind(field: String, word: &str, kind: ZkKeyKind) -> Result<(), Error> {
    if word == kind.as_str() {
        Ok(())
    } else {
        Err(Error::invalid(field, format!("must be {}", kind.as_str())))
    }
}

/// Recovery keys that are looked at: one more than a vault can have.
const MOST_TOLD: usize = 17;

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
