//! The seal: what keeps the root key while the server is not running (DESIGN §4).
//!
//! Every seal gives one 32-byte sealing key, which wraps the versions of the root key in the database. So the root key
//! rotates without touching the seal: old shares, passphrases and key files keep working.

mod key_file;
mod passphrase;
mod shamir;

use std::path::PathBuf;
use std::sync::Mutex;

use kluis_crypto::shamir::Share;
use kluis_crypto::{SealingKey, Secret, password};
use zeroize::Zeroizing;

use crate::error::Error;

/// How a new server is to be sealed.
pub enum NewSeal {
    /// A file that only its owner can read; made when absent. The server unseals itself.
    KeyFile(PathBuf),
    /// A passphrase, by Argon2id.
    Passphrase(Secret, password::Params),
    /// Shares, of which some are enough.
    Shamir {
        /// How many are enough.
        threshold: u8,
        /// How many there are, 2–255.
        shares: u8,
    },
}

/// What the database knows of the seal.
pub(crate) enum Seal {
    KeyFile,
    Passphrase(passphrase::Parameters),
    Shamir(shamir::Parameters),
}

/// What an operator brings to unseal.
pub enum UnsealInput {
    /// The file of a key-file seal.
    KeyFile(PathBuf),
    /// The passphrase.
    Passphrase(Secret),
    /// One share.
    Share(Secret),
}

/// Where unsealing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealStatus {
    /// Whether there is a server in this storage at all.
    pub initialized: bool,
    /// Whether the keys are out of memory.
    pub sealed: bool,
    /// `key_file`, `passphrase` or `shamir`; empty when not initialized.
    pub kind: &'static str,
    /// Shares given so far.
    pub given: u8,
    /// Shares needed; 0 when the seal has none.
    pub needed: u8,
}

/// Shares collected until there are enough.
#[derive(Default)]
pub(crate) struct Collected(Mutex<Vec<Share>>);

/// A new seal, made: what to store, the key, and the shares to hand out.
pub(crate) struct Made {
    pub(crate) seal: Seal,
    pub(crate) key: SealingKey,
    pub(crate) shares: Vec<Zeroizing<String>>,
}

impl NewSeal {
    pub(crate) fn make(&self) -> Result<Made, Error> {
        match self {
            Self::KeyFile(path) => {
                let key = key_file::make(path)?;
                Ok(Made {
                    seal: Seal::KeyFile,
                    key,
                    shares: Vec::new(),
                })
            }
            Self::Passphrase(passphrase, params) => {
                let (parameters, key) = passphrase::make(passphrase, *params)?;
                Ok(Made {
                    seal: Seal::Passphrase(parameters),
                    key,
                    shares: Vec::new(),
                })
            }
            Self::Shamir { threshold, shares } => {
                let (parameters, key, shares) = shamir::make(*threshold, *shares)?;
                Ok(Made {
                    seal: Seal::Shamir(parameters),
                    key,
                    shares,
                })
            }
        }
    }
}

impl Seal {
    /// The word for its kind.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::KeyFile => "key_file",
            Self::Passphrase(_) => "passphrase",
            Self::Shamir(_) => "shamir",
        }
    }

    /// Its parameters as JSON, for the database; nothing in them is secret.
    pub(crate) fn parameters(&self) -> Result<String, Error> {
        let text = match self {
            Self::KeyFile => Ok("{}".to_owned()),
            Self::Passphrase(parameters) => serde_json::to_string(parameters),
            Self::Shamir(parameters) => serde_json::to_string(parameters),
        };
        text.map_err(|cause| Error::internal(cause.to_string()))
    }

    /// What the database holds, read back.
    pub(crate) fn from_stored(kind: &str, parameters: &str) -> Result<Self, Error> {
        let damaged = |_| Error::internal("the stored seal is damaged");
        match kind {
            "key_file" => Ok(Self::KeyFile),
            "passphrase" => serde_json::from_str(parameters)
                .map(Self::Passphrase)
                .map_err(damaged),
            "shamir" => serde_json::from_str(parameters)
                .map(Self::Shamir)
                .map_err(damaged),
            _ => Err(Error::internal("the stored seal is of an unknown kind")),
        }
    }

    /// Shares that are needed.
    pub(crate) const fn needed(&self) -> u8 {
        match self {
            Self::KeyFile | Self::Passphrase(_) => 0,
            Self::Shamir(parameters) => parameters.threshold,
        }
    }

    /// The sealing key, when what was brought is enough; whether it is the right one shows when it opens the root key.
    pub(crate) fn key(
        &self,
        input: UnsealInput,
        collected: &Collected,
    ) -> Result<Option<SealingKey>, Error> {
        match (self, input) {
            (Self::KeyFile, UnsealInput::KeyFile(path)) => key_file::read(&path).map(Some),
            (Self::Passphrase(parameters), UnsealInput::Passphrase(passphrase)) => {
                parameters.derive(&passphrase).map(Some)
            }
            (Self::Shamir(parameters), UnsealInput::Share(share)) => {
                parameters.collect(&share, collected)
            }
            (Self::KeyFile, _) => Err(Error::invalid("seal", "is a key file; name the file")),
            (Self::Passphrase(_), _) => Err(Error::invalid(
                "seal",
                "is a passphrase; give the passphrase",
            )),
            (Self::Shamir(_), _) => Err(Error::invalid("seal", "is made of shares; give a share")),
        }
    }
}

impl Collected {
    /// How many there are.
    pub(crate) fn count(&self) -> u8 {
        let shares = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        u8::try_from(shares.len()).unwrap_or(u8::MAX)
    }

    /// Forget them.
    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clear();
    }
}
