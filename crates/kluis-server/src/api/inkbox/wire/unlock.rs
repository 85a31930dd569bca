//! Unlocking.

use kluis_engine::{Error, ZkItemWithPayload, ZkProof, ZkUnlocked, ZkUnlockedKey};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Secret, proof};

/// What proves a key.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct UnlockQuery {
    /// 64 hexadecimal digits. Without it every key is handed out to choose from, to administrators alone.
    #[param(min_length = 64, max_length = 64)]
    auth_hash: Option<String>,
}

/// What unlocking hands out.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Unlocked {
    /// What the proven key opens; null when the hash proves no key, and without a hash.
    wrapped_org_encryption_key: Option<String>,
    /// What every key opens, without a hash.
    wrapped_org_encryption_keys: Option<Vec<UnlockedKey>>,
    /// Newest first; none when the hash proves no key.
    encrypted_secrets: Vec<Secret>,
}

/// A key to choose.
#[derive(Serialize, ToSchema)]
struct UnlockedKey {
    #[schema(format = "uuid")]
    id: String,
    auth_hash: String,
    wrapped_org_encryption_key: String,
}

impl UnlockQuery {
    pub(in super::super) fn proof(&self) -> Result<Option<ZkProof>, Error> {
        let hash = self.auth_hash.as_deref();
        hash.map(|hash| proof("auth_hash", &hash.to_ascii_lowercase()))
            .transpose()
    }
}

impl From<ZkUnlocked> for Unlocked {
    fn from(unlocked: ZkUnlocked) -> Self {
        let secrets = |items: Vec<ZkItemWithPayload>| items.into_iter().map(Secret::from).collect();
        match unlocked {
            ZkUnlocked::Nothing => Self {
                wrapped_org_encryption_key: None,
                wrapped_org_encryption_keys: None,
                encrypted_secrets: Vec::new(),
            },
            ZkUnlocked::With { wrapped, items } => Self {
                wrapped_org_encryption_key: Some(wrapped.into_text()),
                wrapped_org_encryption_keys: None,
                encrypted_secrets: secrets(items),
            },
            ZkUnlocked::Choice { keys, items } => Self {
                wrapped_org_encryption_key: None,
                wrapped_org_encryption_keys: Some(keys.into_iter().map(Into::into).collect()),
                encrypted_secrets: secrets(items),
            },
        }
    }
}

impl From<ZkUnlockedKey> for UnlockedKey {
    fn from(key: ZkUnlockedKey) -> Self {
        Self {
            id: key.id.to_string(),
            auth_hash: key.proof.to_text(),
            wrapped_org_encryption_key: key.wrapped.into_text(),
        }
    }
}
