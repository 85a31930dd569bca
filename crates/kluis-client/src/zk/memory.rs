//! What a client remembers of the vaults that it has met, so that nothing that was true once passes for true now.
//!
//! Pure: reading and writing the text is the caller's. It holds ids, names, types and digests; nothing in it opens anything
//! or helps to guess a key.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kluis_crypto::hash;
use kluis_crypto::zk::{PayloadKey, ZkError};
use serde::{Deserialize, Serialize};

use super::error::{check_id, short};
use super::{Accepts, Distrust, Error, UnlockedSecret, Warning};
use crate::inkbox;

/// What is remembered, of every server.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Memory {
    format: u32,
    /// By base URL.
    servers: BTreeMap<String, Vec<Known>>,
}

/// Why a text is no memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnreadableMemory {
    /// Not as [`Memory::to_json`] writes it.
    #[error("line {line} is not as kluis writes it")]
    Form {
        /// From 1.
        line: usize,
    },
    /// A newer release wrote it.
    #[error("it has format {0}, which a newer release wrote")]
    Format(u32),
}

/// What is remembered of one vault.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Known {
    pub(super) organization_id: String,
    pub(super) vault_id: String,
    /// [`PayloadKey::check_value`]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_check: Option<String>,
    /// By id.
    #[serde(default)]
    secrets: BTreeMap<String, KnownSecret>,
    /// Ids that were deleted from here, oldest first.
    #[serde(default)]
    deleted: Vec<String>,
    /// Who asks now. What one caller is shown says nothing of what another one is.
    #[serde(skip)]
    pub(super) viewer: String,
}

/// What is remembered of one secret. Digests are SHA-256 of the sealed payload, in hexadecimal.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct KnownSecret {
    /// What it was called first, or by whoever named it by its id or changed its name from here.
    name: String,
    /// Whether that name stands for another secret by now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_name_lost: bool,
    secret_type: String,
    /// Of the newest payload that has opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<String>,
    /// Of those before it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    superseded: Vec<String>,
    /// Who had it when all was listed to them last.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    seen_by: BTreeSet<String>,
    /// Who had it once, and then not any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    missed_by: BTreeSet<String>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            format: FORMAT,
            servers: BTreeMap::new(),
        }
    }
}

impl Memory {
    /// Reads what [`Memory::to_json`] wrote.
    ///
    /// # Errors
    /// [`UnreadableMemory`]
    pub fn from_json(text: &[u8]) -> Result<Self, UnreadableMemory> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let unreadable = |error: serde_json::Error| UnreadableMemory::Form { line: error.line() };
        let head: Head = serde_json::from_slice(text).map_err(unreadable)?;
        if head.format != FORMAT {
            return Err(UnreadableMemory::Format(head.format));
        }
        serde_json::from_slice(text).map_err(unreadable)
    }

    /// The text to keep.
    ///
    /// # Errors
    /// [`crate::Error::Request`] if it cannot be written, which no memory is known to cause.
    pub fn to_json(&self) -> Result<Vec<u8>, crate::Error> {
        serde_json::to_vec_pretty(self)
            .map_err(|_| crate::Error::Request("the memory cannot be written as JSON".to_owned()))
    }

    /// Whether a payload of this secret has opened, at the server at this base URL.
    #[must_use]
    pub fn has_opened(&self, base: &str, id: &str) -> bool {
        let mut all = self.servers.get(place(base)).into_iter().flatten();
        all.any(|known| {
            known
                .secrets
                .get(id)
                .is_some_and(|secret| secret.newest.is_some())
        })
    }

    /// What is known of a vault that a server names; a new one is believed if there is nothing that speaks against it.
    pub(super) fn meet(
        &self,
        base: &str,
        organization_id: &str,
        vault_id: &str,
        accepts: &Accepts,
    ) -> Result<Known, Distrust> {
        let known = self.organization(base, organization_id, accepts)?;
        match known {
            Some(known) if known.vault_id == vault_id => Ok(known.clone()),
            Some(known) if !accepts.vault => Err(Distrust::VaultReplaced {
                known: known.vault_id.clone(),
                claimed: vault_id.to_owned(),
            }),
            _ => Ok(Known::new(organization_id, vault_id)),
        }
    }

    /// What is known of an organization's vault, if its id may be used as a salt.
    pub(super) fn organization(
        &self,
        base: &str,
        organization_id: &str,
        accepts: &Accepts,
    ) -> Result<Option<&Known>, Distrust> {
        let length = organization_id.len();
        if length < kluis_crypto::zk::MIN_SALT {
            return Err(Distrust::OrganizationTooShort { length });
        }
        let all = self.servers.get(place(base)).map_or(&[][..], Vec::as_slice);
        let known = all
            .iter()
            .find(|known| known.organization_id == organization_id);
        let is_accepted = accepts.organization.as_deref() == Some(organization_id);
        if known.is_none() && !all.is_empty() && !is_accepted {
            let before: Vec<String> = all
                .iter()
                .map(|known| format!("'{}'", short(&known.organization_id)))
                .collect();
            return Err(Distrust::OrganizationChanged {
                known: before.join(" and "),
                claimed: organization_id.to_owned(),
            });
        }
        Ok(known)
    }

    /// Remembers this in the place of what was known of the same organization.
    pub(super) fn put(&mut self, base: &str, known: Known) {
        let all = self.servers.entry(place(base).to_owned()).or_default();
        all.retain(|other| other.organization_id != known.organization_id);
        all.push(known);
    }
}

impl Known {
    pub(super) fn new(organization_id: &str, vault_id: &str) -> Self {
        Self {
            organization_id: organization_id.to_owned(),
            vault_id: vault_id.to_owned(),
            key_check: None,
            secrets: BTreeMap::new(),
            deleted: Vec::new(),
            viewer: String::new(),
        }
    }

    /// Takes the payload key for the vault's, if no other was.
    pub(super) fn meet_key(&mut self, key: &PayloadKey) -> Result<(), Distrust> {
        let value = key.check_value();
        match &self.key_check {
            Some(known) if *known != value => Err(Distrust::PayloadKeyChanged),
            _ => {
                self.key_check = Some(value);
                Ok(())
            }
        }
    }

    /// Takes note of secrets as the server lists them. `is_all` says that no other is there.
    pub(super) fn review(
        &mut self,
        listed: &[&inkbox::Secret],
        is_all: bool,
    ) -> Result<Vec<Warning>, Distrust> {
        let mut warnings = Vec::new();
        let mut seen = BTreeSet::new();
        for secret in listed {
            if !seen.insert(secret.id.as_str()) {
                let id = secret.id.clone();
                return Err(Distrust::ListedTwice { id });
            }
            self.note(secret, &mut warnings)?;
        }
        if is_all {
            let missing = self
                .secrets
                .iter_mut()
                .filter(|(id, _)| !seen.contains(id.as_str()));
            for (id, known) in missing {
                if !known.seen_by.remove(&self.viewer) {
                    continue;
                }
                known.missed_by.insert(self.viewer.clone());
                warnings.push(Warning::Gone {
                    id: id.clone(),
                    name: known.name.clone(),
                });
            }
        }
        Ok(warnings)
    }

    fn note(
        &mut self,
        secret: &inkbox::Secret,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), Distrust> {
        check_id("secret", &secret.id)?;
        let id = secret.id.clone();
        if self.deleted.contains(&id) {
            return Err(Distrust::DeletedCameBack { id });
        }
        let name = secret.name.clone();
        let viewer = self.viewer.clone();
        let Some(known) = self.secrets.get_mut(&id) else {
            let mut known = KnownSecret::new(secret);
            known.seen_by.insert(viewer);
            self.secrets.insert(id, known);
            return Ok(());
        };
        if known.secret_type != secret.secret_type {
            return Err(Distrust::TypeChanged {
                id,
                known: known.secret_type.clone(),
                claimed: secret.secret_type.clone(),
            });
        }
        if known.missed_by.remove(&viewer) {
            let (id, name) = (id.clone(), name.clone());
            warnings.push(Warning::Back { id, name });
        }
        known.seen_by.insert(viewer);
        if known.name != name {
            let known = known.name.clone();
            warnings.push(Warning::Renamed { id, known, name });
        }
        Ok(())
    }

    /// Opens a payload that the server sent, and remembers that it was there. What does not open leaves no trace.
    pub(super) fn admit(
        &mut self,
        key: &PayloadKey,
        detail: inkbox::SecretDetail,
    ) -> Result<UnlockedSecret, Error> {
        self.note(&detail.secret, &mut Vec::new())?;
        let id = || detail.secret.id.clone();
        let sealed = BASE64_STANDARD
            .decode(&detail.encrypted_payload)
            .map_err(|_| Distrust::PayloadNotBase64 { id: id() })?;
        let digest = digest(&sealed);
        let known = self.secrets.get(&detail.secret.id);
        if known.is_some_and(|known| known.superseded.contains(&digest)) {
            return Err(Distrust::PayloadReplayed { id: id() }.into());
        }
        let plaintext = key
            .open(&detail.secret.id, &sealed)
            .map_err(|error| match error {
                ZkError::BlobTooShort(length) => {
                    Distrust::PayloadTruncated { id: id(), length }.into()
                }
                ZkError::Open => Distrust::PayloadDoesNotOpen { id: id() }.into(),
                other => Error::System(other),
            })?;
        self.supersede(&detail.secret.id, &digest);
        Ok(UnlockedSecret {
            meta: detail.secret,
            plaintext,
            digest,
        })
    }

    /// Remembers a payload that the server has taken from here.
    pub(super) fn sent(
        &mut self,
        secret: &inkbox::Secret,
        sealed: Option<&[u8]>,
    ) -> Result<(), Distrust> {
        self.note(secret, &mut Vec::new())?;
        if let Some(sealed) = sealed {
            self.supersede(&secret.id, &digest(sealed));
        }
        Ok(())
    }

    /// Remembers that a secret was deleted from here.
    pub(super) fn deleted(&mut self, id: &str) {
        self.secrets.remove(id);
        self.deleted.push(id.to_owned());
        let surplus = self.deleted.len().saturating_sub(MOST_DELETED);
        self.deleted.drain(..surplus);
    }

    fn supersede(&mut self, id: &str, digest: &str) {
        let Some(known) = self.secrets.get_mut(id) else {
            return;
        };
        if known.newest.as_deref() == Some(digest) {
            return;
        }
        known.superseded.extend(known.newest.take());
        known.newest = Some(digest.to_owned());
        let surplus = known.superseded.len().saturating_sub(MOST_SUPERSEDED);
        known.superseded.drain(..surplus);
    }
}

impl KnownSecret {
    fn new(secret: &inkbox::Secret) -> Self {
        Self {
            name: secret.name.clone(),
            is_name_lost: false,
            secret_type: secret.secret_type.clone(),
            newest: None,
            superseded: Vec::new(),
            seen_by: BTreeSet::new(),
            missed_by: BTreeSet::new(),
        }
    }
}

fn digest(sealed: &[u8]) -> String {
    hash::hex(&hash::sha256(&[sealed]))
}

/// Both spellings of a base URL are one server.
fn place(base: &str) -> &str {
    base.trim_end_matches('/')
}

const FORMAT: u32 = 1;
/// How many replaced payloads of one secret are remembered: the newest of them.
const MOST_SUPERSEDED: usize = 256;
/// How many deleted ids are remembered: the newest of them.
const MOST_DELETED: usize = 10_000;

#[cfg(test)]
mod tests;
