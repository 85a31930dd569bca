//! The zero-knowledge vault: what its client computes, and its server never sees (Inkbox contract §6).
//!
//! ```text
//! vault key or recovery code ─Argon2id─► MasterKey ─wraps─► PayloadKey ─seals─► payloads
//!                                           └─SHA-256─► AuthHash, which the server is told
//! ```
//!
//! One suite with fixed costs: nothing that comes from a server chooses anything here, and nothing is tried a second time in
//! another way. What the contract calls the organization key is a [`PayloadKey`] here, since it is made and kept by clients
//! and has nothing to do with the server's [`OrganizationKey`](crate::OrganizationKey).
//!
//! Ids are bound as they are spelled: whoever calls passes them in lower case with hyphens.

mod blob;
mod recovery;
mod rules;

pub use blob::{MIN_BLOB, WRAPPED_LENGTH};
pub use recovery::{CODES, recovery_code};
pub use rules::{Fault, MIN_CHARACTERS, check};

use argon2::{Algorithm, Argon2, Block, Version};
use thiserror::Error as ThisError;
use zeroize::{Zeroize, Zeroizing};

use crate::envelope::KeyBytes;
use crate::{Error, MacKey, Secret, hash, random};
use blob::{open, seal};

/// Why the zero-knowledge vault's client goes no further. No variant carries anything derived from a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ThisError)]
pub enum ZkError {
    /// The organization id is the salt of the derivation, and has fewer than [`MIN_SALT`] bytes. No honest server has such.
    #[error("the organization id has {0} bytes, and at least 8 are needed as a salt")]
    SaltTooShort(usize),

    /// A sealed text is too short to hold nonce and tag: it was cut, or is something else.
    #[error("a sealed text has {0} bytes, and the shortest has 28")]
    BlobTooShort(usize),

    /// A wrapped key does not have the one length that wrapped keys have.
    #[error("a wrapped key has {0} bytes instead of 60")]
    WrappedLength(usize),

    /// It does not open: another key, another id, or altered. Which of these it was cannot be known.
    #[error("it does not open with this key under this id")]
    Open,

    /// The system gives no random bytes, or no memory for the derivation.
    #[error("{0}")]
    System(Error),
}

/// The fewest bytes that a salt has (Inkbox contract §6.2).
pub const MIN_SALT: usize = 8;

/// A key derived from a vault key or recovery code (Inkbox contract §6.2). It wraps payload keys, and leaves the client never.
pub struct MasterKey(KeyBytes);

/// What the server looks a key up by, and takes as proof that its owner is there: 64 lower-case hexadecimal digits.
///
/// Whoever has it can replace the primary key on the server, so it is kept like a password.
pub struct AuthHash(Zeroizing<String>);

/// The key of all payloads of one vault: what the contract calls the organization key (Inkbox contract §6.1).
pub struct PayloadKey(KeyBytes);

impl MasterKey {
    /// Derives the key of a vault key or a recovery code. Takes 64 MiB and a part of a second.
    ///
    /// The text is taken byte for byte: nothing is trimmed, folded or normalized.
    ///
    /// # Errors
    /// [`ZkError::SaltTooShort`] for a short organization id, [`ZkError::System`] if there is not enough memory.
    pub fn derive(passphrase: &Secret, organization_id: &str) -> Result<Self, ZkError> {
        let salt = organization_id.as_bytes();
        if salt.len() < MIN_SALT {
            return Err(ZkError::SaltTooShort(salt.len()));
        }
        let failed = |_| ZkError::System(Error::Password);
        let params = argon2::Params::new(MEMORY_KIB, ITERATIONS, LANES, Some(KEY_LENGTH));
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.map_err(failed)?);
        let count = argon2.params().block_count();
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(count)
            .map_err(|_| ZkError::System(Error::Password))?;
        memory.resize(count, Block::new());
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        let derived = argon2.hash_password_into_with_memory(
            passphrase.expose(),
            salt,
            &mut *key,
            memory.as_mut_slice(),
        );
        // From its last blocks the key can be had without the passphrase.
        memory.zeroize();
        derived.map_err(failed)?;
        Ok(Self(KeyBytes::copy_of(&key)))
    }

    /// What the server is told instead of the key.
    #[must_use]
    pub fn auth_hash(&self) -> AuthHash {
        let digest = Zeroizing::new(hash::sha256(&[self.0.expose()]));
        let mut text = Zeroizing::new(String::with_capacity(2 * digest.len()));
        hash::push_hex(&*digest, &mut text);
        AuthHash(text)
    }

    /// Wraps the payload key, bound to the id of the vault key that this master key belongs to.
    ///
    /// # Errors
    /// [`ZkError::System`] if there are no random bytes.
    pub fn wrap(&self, key_id: &str, key: &PayloadKey) -> Result<Vec<u8>, ZkError> {
        seal(&self.0, key_id, key.0.expose())
    }

    /// Unwraps what [`MasterKey::wrap`] made for this id.
    ///
    /// # Errors
    /// [`ZkError::WrappedLength`] if it is no wrapped key, [`ZkError::Open`] if it does not open.
    pub fn unwrap(&self, key_id: &str, wrapped: &[u8]) -> Result<PayloadKey, ZkError> {
        if wrapped.len() != WRAPPED_LENGTH {
            return Err(ZkError::WrappedLength(wrapped.len()));
        }
        let opened = open(&self.0, key_id, wrapped)?;
        let bytes = opened.expose().try_into().map_err(|_| ZkError::Open)?;
        Ok(PayloadKey(KeyBytes::copy_of(bytes)))
    }
}

impl AuthHash {
    /// The 64 digits, for the one request that they go into.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PayloadKey {
    /// A new random key, made once for each vault.
    ///
    /// # Errors
    /// [`ZkError::System`] if there are no random bytes.
    pub fn generate() -> Result<Self, ZkError> {
        KeyBytes::generate().map(Self).map_err(ZkError::System)
    }

    /// Seals a payload, bound to the id of its secret.
    ///
    /// # Errors
    /// [`ZkError::System`] if there are no random bytes, or for more than 64 GiB.
    pub fn seal(&self, secret_id: &str, payload: &[u8]) -> Result<Vec<u8>, ZkError> {
        seal(&self.0, secret_id, payload)
    }

    /// Opens what [`PayloadKey::seal`] made for this id.
    ///
    /// # Errors
    /// [`ZkError::BlobTooShort`] if it was cut, [`ZkError::Open`] if it does not open.
    pub fn open(&self, secret_id: &str, sealed: &[u8]) -> Result<Secret, ZkError> {
        open(&self.0, secret_id, sealed)
    }

    /// A text by which the same key is known again. It tells nothing about the key, which is 256 random bits, and nothing by
    /// which a passphrase could be tried.
    #[must_use]
    pub fn check_value(&self) -> String {
        let key = MacKey::derive(self.0.expose(), "kluis zero-knowledge vault: check value");
        hash::hex(&key.tag(&[]))
    }
}

/// A new random id (UUID version 4) in the spelling that ids are bound in.
///
/// # Errors
/// [`ZkError::System`] if there are no random bytes.
pub fn new_id() -> Result<String, ZkError> {
    let mut bytes: [u8; 16] = random::array().map_err(ZkError::System)?;
    bytes = (u128::from_be_bytes(bytes) & UUID_RANDOM | UUID_4).to_be_bytes();
    let mut id = String::with_capacity(36);
    for (position, byte) in bytes.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        hash::push_hex(&[*byte], &mut id);
    }
    Ok(id)
}

/// Which bits of a UUID of version 4 are random, and what the others are.
const UUID_RANDOM: u128 = 0xffff_ffff_ffff_0fff_3fff_ffff_ffff_ffff;
const UUID_4: u128 = 0x0000_0000_0000_4000_8000_0000_0000_0000;

/// The cost of the derivation: part of the format, like the algorithm.
const MEMORY_KIB: u32 = 65_536;
const ITERATIONS: u32 = 3;
const LANES: u32 = 1;
const KEY_LENGTH: usize = 32;

#[cfg(test)]
mod tests;
