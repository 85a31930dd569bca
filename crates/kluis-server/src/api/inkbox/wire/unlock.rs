//! Unlocking.

use kluis_engine::{Error, ZkHold, ZkProof, ZkUnlocked, ZkUnlockedKey};
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

impl Unlocked {
    /// The answer, and what is to be kept until it has gone out.
    pub(in super::super) fn of(unlocked: ZkUnlocked) -> (Self, Option<ZkHold>) {
        let (wrapped, keys, items, hold) = match unlocked {
            ZkUnlocked::Nothing => (None, None, Vec::new(), None),
            ZkUnlocked::With {
                wrapped,
                items,
                hold,
            } => (Some(wrapped.into_text()), None, items, hold),
            ZkUnlocked::Choice { keys, items, hold } => {
                let keys = keys.into_iter().map(UnlockedKey::from).collect();
                (None, Some(keys), items, hold)
            }
        };
        let answer = Self {
            wrapped_org_encryption_key: wrapped,
            wrapped_org_encryption_keys: keys,
            encrypted_secrets: items.into_iter().map(Secret::from).collect(),
        };
        (answer, hold)
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
