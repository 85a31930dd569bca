//! Sealed transport at this end: values that whoever carries them cannot read (Crate contract §4).
//!
//! A proxy that ends TLS, and its log, see ciphertext in place of values. They still see names and the credential, and one
//! that changes what passes could put a public key of its own in the place of the organization's: this is no wall against
//! a proxy that attacks. Nor is it one against the server, which opens what it stores.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kluis_crypto::transport::open_hybrid;
use kluis_crypto::{ModulusBits, TransientKey, TransportKey, TransportPublicKey};
use serde::{Deserialize, Serialize};

use crate::{Error, SecretText};

/// The longest value that sealed transport carries, in bytes: 1 MiB.
pub const MAX_VALUE: usize = 1 << 20;

/// An organization's public key, for sealing what only the server opens.
pub struct SealingKey(TransportPublicKey);

/// A value on its way to the server, as ciphertext in base64.
#[derive(Debug, Clone, Serialize)]
pub struct SealedValue {
    pub(crate) encrypted_value: String,
    /// The key of a value that is too long for RSA alone, itself under RSA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encrypted_key: Option<String>,
}

/// A key pair for one retrieval: the server seals for it, and it is gone with the process. Has no `Debug`.
pub struct OneTimeKey(TransportKey);

/// What the server sends to a [`OneTimeKey`].
#[derive(Deserialize)]
pub(crate) struct SealedAnswer {
    encrypted_secrets: String,
    encrypted_key: String,
}

impl SealingKey {
    /// The key in this PEM, or in words why it is not used. What a server sends is not trusted to be strong.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, &'static str> {
        let key = TransportPublicKey::from_pem(pem);
        key.map(Self).map_err(|_| WEAK_KEY)
    }

    /// Seals `value`, short ones with RSA alone, as the Crate API documents it; longer ones in its extension, with a key of
    /// their own.
    ///
    /// # Errors
    /// [`Error::Request`] for more than [`MAX_VALUE`] bytes, or when the system gives no random bytes.
    pub fn seal(&self, value: &SecretText) -> Result<SealedValue, Error> {
        let value = value.expose().as_bytes();
        if value.len() > MAX_VALUE {
            return Err(Error::Request(format!(
                "the value has {} bytes; sealed transport carries at most {MAX_VALUE} (1 MiB)",
                value.len()
            )));
        }
        if value.len() <= self.0.capacity() {
            let sealed = self.0.seal(value).map_err(|_| not_sealed())?;
            return Ok(SealedValue {
                encrypted_value: BASE64_STANDARD.encode(sealed),
                encrypted_key: None,
            });
        }
        let key = TransientKey::generate(&self.0).map_err(|_| not_sealed())?;
        let (body, wrapped) = key.seal(value).map_err(|_| not_sealed())?;
        Ok(SealedValue {
            encrypted_value: BASE64_STANDARD.encode(body),
            encrypted_key: Some(BASE64_STANDARD.encode(wrapped)),
        })
    }
}

impl OneTimeKey {
    /// A new random pair. Computes for a part of a second, on the thread that calls it.
    ///
    /// # Errors
    /// [`Error::Request`] when none can be made.
    pub fn generate() -> Result<Self, Error> {
        // 3072 bits are held to be as hard as 128 of a symmetric key, 2048 are not; what a proxy recorded today should not be
        // opened years from now. Measured: a pair takes 0.2 s in the middle and 0.85 s at worst, one of 2048 bits 0.04 s, one
        // of 4096 0.45 s.
        let key = TransportKey::generate(ModulusBits::B3072);
        key.map(Self)
            .map_err(|_| Error::Request("no key pair can be made for the answer".to_owned()))
    }

    pub(crate) fn public_pem(&self) -> String {
        self.0.public().to_pem()
    }

    /// What was sealed for this key, by name, or in words why it is not believed: no answer says which names or values it
    /// held, since they may be anything. When `asked` names some, no other may come.
    pub(crate) fn open(
        &self,
        answer: &SealedAnswer,
        asked: &[&str],
    ) -> Result<BTreeMap<String, SecretText>, &'static str> {
        let decoded = |text: &str| BASE64_STANDARD.decode(text).map_err(|_| NOT_OPENED);
        let (key, body) = (
            decoded(&answer.encrypted_key)?,
            decoded(&answer.encrypted_secrets)?,
        );
        let opened = open_hybrid([&self.0], &key, &body).map_err(|_| NOT_OPENED)?;
        let secrets: BTreeMap<String, SecretText> =
            serde_json::from_slice(opened.expose()).map_err(|_| NO_TEXTS)?;
        let is_asked = |name: &String| asked.is_empty() || asked.contains(&name.as_str());
        if !secrets.keys().all(is_asked) {
            return Err(NOT_ASKED);
        }
        Ok(secrets)
    }
}

fn not_sealed() -> Error {
    Error::Request("the value cannot be sealed: the system gives no random bytes".to_owned())
}

const WEAK_KEY: &str = "the public key that it sent is no RSA key of 2048 to 8192 bits";
const NOT_OPENED: &str =
    "the sealed answer does not open with the key that was made for it, so it was altered";
const NO_TEXTS: &str = "the sealed answer opens to something else than names with texts";
const NOT_ASKED: &str = "the sealed answer holds a secret that was not asked for";

#[cfg(test)]
pub(crate) mod tests;
