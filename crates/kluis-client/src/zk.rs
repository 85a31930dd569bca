//! The client's end of the zero-knowledge vault (Inkbox contract §6): it makes and opens what the server only keeps, and
//! believes of the server's answers what it can check.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use kluis_client::zk::{Memory, Zk};
//! let client = kluis_client::Client::builder("http://127.0.0.1:8200")
//!     .token(std::env::var("KLUIS_TOKEN")?)
//!     .build()?;
//! let mut memory = Memory::default();
//! let vault_key = std::env::var("KLUIS_VAULT_KEY")?.into();
//! let vault = Zk::new(&client, &mut memory).unlock(&vault_key).await?;
//! for secret in &vault.secrets {
//!     println!("{} {}", secret.meta.name, secret.payload()?.kind());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **What is checked.** Sealed payloads are bound to their ids, so records cannot be swapped or altered. What a server could
//! do beyond that is give back what was true once, so a client keeps a [`Memory`]: whose vault it is, what its key is known
//! by, and of each secret its type and every payload that was replaced. Each thing that does not fit is a [`Distrust`] of
//! its own, and then nothing of the whole answer is used or remembered.
//!
//! **What cannot be checked.** The first answer is believed, since there is nothing to compare it with. Names, descriptions,
//! times and access rules are the server's word: it can change them, though a changed name is told as a [`Warning`], and
//! [`Zk::check_name`] finds a name that stands for another secret than before. A server that withholds a secret cannot be told from another client that deleted it, nor one that withholds a change from
//! a client that has not made it yet; what is missing is told as a warning. A payload that this client has never seen can be
//! old. A server that says that a vault key is wrong may lie.

mod error;
mod items;
mod keys;
mod memory;
mod payload;
mod totp;

pub use error::{Distrust, Error, Warning};
pub use items::{Change, Listed, NewItem};
pub use keys::{Proof, RecoveryKit};
pub use kluis_crypto::zk::Fault as VaultKeyFault;
pub use memory::{Memory, UnreadableMemory};
pub use payload::{Field, Kind, Payload, PayloadFault};
pub use totp::{Code, Totp};

use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kluis_crypto::Secret;
use kluis_crypto::zk::{AuthHash, MasterKey, PayloadKey, ZkError};

use crate::inkbox::{self, VaultInfo};
use crate::{Client, SecretText};
use error::{absent, check_id};
use memory::Known;

/// Checks a vault key that is to be set (Inkbox contract §6.4).
///
/// # Errors
/// The first rule that it breaks.
pub fn check_vault_key(vault_key: &SecretText) -> Result<(), VaultKeyFault> {
    kluis_crypto::zk::check(vault_key.expose())
}

/// The calls of one client that work on its zero-knowledge vault, and what it remembers.
///
/// Nothing is tried twice, but for an unlocking that somebody's replacement of the key has come in between of. What was learned is in the [`Memory`] as soon as it is certain; keeping it is up to the caller.
pub struct Zk<'a> {
    client: &'a Client,
    memory: &'a mut Memory,
    accepts: Accepts,
}

/// What somebody has said to believe although it is new.
#[derive(Debug, Clone, Default)]
pub struct Accepts {
    /// This organization id, beside those met at the same server before.
    pub organization: Option<String>,
    /// Another vault than the one that the organization had.
    pub vault: bool,
}

/// A vault whose payloads can be opened. Has no `Debug`.
pub struct UnlockedVault {
    /// The vault.
    pub info: VaultInfo,
    /// What the caller may read, as the server ordered it.
    pub secrets: Vec<UnlockedSecret>,
    /// What is odd, and no proof of anything.
    pub warnings: Vec<Warning>,
    /// Whether it was opened by a recovery code.
    pub is_by_recovery: bool,
    key: PayloadKey,
    auth_hash: AuthHash,
}

/// A secret whose payload has opened. Has no `Debug`.
pub struct UnlockedSecret {
    /// What the server says of it.
    pub meta: inkbox::Secret,
    plaintext: Secret,
    digest: String,
}

impl UnlockedSecret {
    /// What is in it.
    ///
    /// # Errors
    /// [`Error::Unfit`] if that is no payload of the type that the server names.
    pub fn payload(&self) -> Result<Payload, Error> {
        let unfit = || Error::Unfit {
            id: self.meta.id.clone(),
            secret_type: self.meta.secret_type.clone(),
        };
        let kind = Kind::from_word(&self.meta.secret_type).ok_or_else(unfit)?;
        Payload::from_json(kind, self.plaintext.expose()).map_err(|_| unfit())
    }
}

impl<'a> Zk<'a> {
    /// Works with this client and this memory.
    pub fn new(client: &'a Client, memory: &'a mut Memory) -> Self {
        Self {
            client,
            memory,
            accepts: Accepts::default(),
        }
    }

    /// The same, believing what somebody has said to believe.
    #[must_use]
    pub fn accepting(mut self, accepts: Accepts) -> Self {
        self.accepts = accepts;
        self
    }

    /// Opens the vault with its vault key or a recovery code (Inkbox contract §6.6). Computes for a part of a second on the
    /// thread that calls it, and takes 64 MiB meanwhile.
    ///
    /// # Errors
    /// [`Error::NoVault`], [`Error::WrongKey`], [`Error::Distrust`] and what any call can meet.
    pub async fn unlock(&mut self, passphrase: &SecretText) -> Result<UnlockedVault, Error> {
        let (info, mut known) = self.vault().await?;
        let master = derive(passphrase, &info.organization_id)?;
        let auth_hash = master.auth_hash();
        let opened = match self.opened(&master, &auth_hash).await {
            // The key may have been replaced between the two calls; then it is said to be wrong now.
            Err(Error::Distrust(Distrust::WrappedKeyDoesNotOpen)) => {
                self.opened(&master, &auth_hash).await
            }
            opened => opened,
        };
        let (answer, key, is_by_recovery) = opened?;
        known.meet_key(&key)?;
        let listed: Vec<&inkbox::Secret> = answer
            .encrypted_secrets
            .iter()
            .map(|detail| &detail.secret)
            .collect();
        let warnings = known.review(&listed, true)?;
        let secrets = answer
            .encrypted_secrets
            .into_iter()
            .map(|detail| known.admit(&key, detail))
            .collect::<Result<Vec<_>, _>>()?;
        self.keep(known);
        Ok(UnlockedVault {
            info,
            secrets,
            warnings,
            is_by_recovery,
            key,
            auth_hash,
        })
    }

    /// What the server hands out, the payload key in it, and whether a recovery key opened that.
    async fn opened(
        &self,
        master: &MasterKey,
        auth_hash: &AuthHash,
    ) -> Result<(inkbox::Unlocked, PayloadKey, bool), Error> {
        let inkbox = self.client.inkbox();
        let answer = inkbox.vault_unlock(auth_hash.expose()).await?;
        let wrapped = answer.wrapped_org_encryption_key.as_ref();
        let wrapped = wrapped.ok_or(Error::WrongKey)?;
        let keys = inkbox.keys().await?;
        let (key, opened_by) = unwrapped(master, wrapped, &keys)?;
        let is_by_recovery = opened_by.key_type == RECOVERY;
        Ok((answer, key, is_by_recovery))
    }

    /// The vault, and what is known of it so far.
    async fn vault(&self) -> Result<(VaultInfo, Known), Error> {
        let info = self.client.inkbox().vault().await;
        let info = info.map_err(|error| absent(error, Error::NoVault))?;
        let known = self.known(&info)?;
        Ok((info, known))
    }

    /// What is known of this vault, to whoever asks with this client.
    fn known(&self, info: &VaultInfo) -> Result<Known, Distrust> {
        let mut known = self.memory.meet(
            self.client.base(),
            &info.organization_id,
            &info.id,
            &self.accepts,
        )?;
        known.viewer = self.client.caller_mark();
        Ok(known)
    }

    fn keep(&mut self, known: Known) {
        self.memory.put(self.client.base(), known);
    }
}

/// The master key of a vault key or recovery code.
fn derive(passphrase: &SecretText, organization_id: &str) -> Result<MasterKey, Error> {
    let passphrase = Secret::from_text(passphrase.expose().to_owned());
    MasterKey::derive(&passphrase, organization_id).map_err(|error| match error {
        ZkError::SaltTooShort(length) => Distrust::OrganizationTooShort { length }.into(),
        other => Error::System(other),
    })
}

/// The payload key, and which of the listed keys it was wrapped for.
fn unwrapped<'k>(
    master: &MasterKey,
    wrapped: &SecretText,
    keys: &'k [inkbox::VaultKey],
) -> Result<(PayloadKey, &'k inkbox::VaultKey), Error> {
    if keys.is_empty() {
        return Err(Distrust::NoKeys.into());
    }
    for key in keys {
        check_id("key", &key.id)?;
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = keys.iter().find(|key| !seen.insert(&key.id)) {
        let id = twice.id.clone();
        return Err(Distrust::ListedTwice { id }.into());
    }
    let blob = BASE64_STANDARD
        .decode(wrapped.expose())
        .map_err(|_| Distrust::WrappedKeyNotBase64)?;
    for key in keys {
        match master.unwrap(&key.id, &blob) {
            Ok(opened) => return Ok((opened, key)),
            Err(ZkError::Open) => {}
            Err(ZkError::WrappedLength(length)) => {
                return Err(Distrust::WrappedKeyLength { length }.into());
            }
            Err(other) => return Err(Error::System(other)),
        }
    }
    Err(Distrust::WrappedKeyDoesNotOpen.into())
}

const RECOVERY: &str = "recovery";
const PRIMARY: &str = "primary";

#[cfg(test)]
mod tests;
