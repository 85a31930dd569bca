//! The cryptography of Kluis: keys, sealed values, tokens, passwords and shares (DESIGN §4).
//!
//! | module | what it holds |
//! |---|---|
//! | [`keyring`] | the chain sealing key → root key → organization key → data key, and what each one seals |
//! | [`secret`] | the one type for secret bytes |
//! | [`token`] | bearer tokens and their keyed digests |
//! | [`password`] | Argon2id for passwords and the passphrase seal |
//! | [`shamir`] | the sealing key as 2–255 printed shares |
//! | [`totp`] | one-time codes, the second factor |
//! | [`mac`] | HMAC-SHA256 |
//! | [`signing`] | Ed25519 |
//! | [`key_pair`] | key pairs for agents |
//! | [`transport`] | sealed transport: RSA-OAEP, and AES-256-GCM for what is too long for it |
//! | [`zk`] | the zero-knowledge vault, at its client's end |
//! | [`database`] | what database servers want a password proved with |
//! | [`record`] | the audit record: canonical bytes, hash chain, checkpoints |
//! | [`base62`], [`hash`], [`random`] | encodings, SHA-256, the random source |
//!
//! **Invariant:** no input or output, no clock, no threads, no serialization framework. What depends on the time takes it as
//! an argument; the only thing taken from outside is random bytes.
//!
//! **Invariant:** nothing here is negotiated. A format byte stands for one suite, and an unknown one is refused
//! ([`Error::UnknownFormat`]).
//!
//! **Invariant:** no type that holds a secret can be printed, compared with `==`, or cloned by accident.

mod associated;
mod base32;
mod envelope;
mod error;
#[cfg(test)]
mod opaque;

pub mod base62;
pub mod database;
pub mod hash;
pub mod key_pair;
pub mod keyring;
pub mod mac;
pub mod password;
pub mod random;
pub mod record;
pub mod secret;
pub mod shamir;
pub mod signing;
pub mod token;
pub mod totp;
pub mod transport;
pub mod zk;

pub use associated::{Address, FieldAddress};
pub use error::Error;
pub use key_pair::KeyPair;
pub use keyring::{DataKey, OrganizationKey, RootKey, SealingKey};
pub use mac::MacKey;
pub use secret::Secret;
pub use token::{Token, TokenDigester};
pub use transport::{ModulusBits, TransientKey, TransportKey, TransportPublicKey};
