//! The record's canonical bytes, its hash chain and its signed checkpoints (RULES §7), apart from any storage.
//!
//! Whoever keeps the record and whoever checks an export of it offline use the same three definitions:
//!
//! * an [`Entry`]'s canonical bytes: a format byte, then every field in order, each variable one behind its length;
//! * [`link`]: SHA-256 over the previous hash and those bytes, the first behind 32 zero bytes;
//! * a [`Checkpoint`]: an Ed25519 signature of the hash at one place of one organization's chain.
//!
//! [`ChainCheck`] walks along a chain and says where it breaks first.

use crate::hash::sha256;
use crate::signing::{self, SigningKey};

mod check;
mod entry;

pub use check::{Break, ChainCheck, Fault};
pub use entry::Entry;

/// The hash before the first entry of a chain.
pub const START: [u8; 32] = [0; 32];

/// The hash of the entry with these canonical bytes, behind the one whose hash is `previous`.
#[must_use]
pub fn link(previous: &[u8; 32], canonical: &[u8]) -> [u8; 32] {
    sha256(&[previous, canonical])
}

/// A place in a chain that was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The organization whose chain it is.
    pub organization: [u8; 16],
    /// The number of the entry, from 1.
    pub seq: i64,
    /// The hash at that entry.
    pub hash: [u8; 32],
    /// When it was signed, in milliseconds since the epoch.
    pub at_millis: i64,
}

impl Checkpoint {
    /// The signature of this checkpoint.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> [u8; 64] {
        key.sign(&self.bytes())
    }

    /// Whether `signature` is one of this checkpoint by the holder of the key to `public`.
    #[must_use]
    pub fn is_signed(&self, public: &[u8; 32], signature: &[u8]) -> bool {
        signing::verify(public, &self.bytes(), signature)
    }

    fn bytes(&self) -> Vec<u8> {
        [
            PURPOSE,
            &self.organization,
            &self.seq.to_be_bytes(),
            &self.hash,
            &self.at_millis.to_be_bytes(),
        ]
        .concat()
    }
}

/// Keeps these signatures apart from whatever else a key may ever sign.
const PURPOSE: &[u8] = b"kluis audit checkpoint 1";

#[cfg(test)]
mod tests;
