//! One sealed text: AES-256-GCM with a random nonce.
//!
//! ```text
//! format 0x01 (1) ‖ nonce (12) ‖ ciphertext (as long as the plaintext) ‖ tag (16)
//! ```
//!
//! Nonces are random, so one key may seal at most 2³² texts (NIST SP 800-38D §8.3); with that many, two nonces are equal with
//! a probability of 2⁻³³. A data key seals once. An organization key seals twice for each write, a root key once for each
//! organization; rotation replaces both long before.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::associated::AssociatedData;
use crate::{Error, Secret, random};

/// The format byte of everything sealed by this release. It is part of the associated data too, so that it cannot be changed.
pub(crate) const FORMAT: u8 = 1;

/// Thirty-two key bytes in one place on the heap, so that moving the key leaves no copy behind; wiped when dropped.
pub(crate) struct KeyBytes(Box<Zeroizing<[u8; 32]>>);

impl KeyBytes {
    pub(crate) fn generate() -> Result<Self, Error> {
        let mut key = Box::new(Zeroizing::new([0; 32]));
        random::fill(key.as_mut_slice())?;
        Ok(Self(key))
    }

    pub(crate) fn copy_of(bytes: &[u8; 32]) -> Self {
        let mut key = Box::new(Zeroizing::new([0; 32]));
        key.copy_from_slice(bytes);
        Self(key)
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A key with its prepared key schedule. AWS-LC wipes the schedule when it is freed.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    pub(crate) fn new(key: &KeyBytes) -> Result<Self, Error> {
        // Refused for a wrong length only, and the length is in the type.
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| Error::Encoding)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals `plaintext`, bound to `place`.
    pub(crate) fn seal(&self, place: &AssociatedData, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        self.seal_with_nonce(random::array()?, place, plaintext)
    }

    /// Opens what [`Cipher::seal`] made for the same `place`.
    pub(crate) fn open(&self, place: &AssociatedData, sealed: &[u8]) -> Result<Secret, Error> {
        let (&format, rest) = sealed.split_first().ok_or(Error::Open)?;
        if format != FORMAT {
            return Err(Error::UnknownFormat(format));
        }
        let (nonce, rest) = rest
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or(Error::Open)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_LENGTH>().ok_or(Error::Open)?;
        let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
        self.0
            .open_separate_gather(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(place),
                ciphertext,
                tag,
                &mut plaintext,
            )
            .map_err(|_| Error::Open)?;
        Ok(plaintext.into())
    }

    /// The deterministic half of [`Cipher::seal`], apart so that tests can freeze the format.
    fn seal_with_nonce(
        &self,
        nonce: [u8; NONCE_LENGTH],
        place: &AssociatedData,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut sealed = Vec::with_capacity(HEADER_LENGTH + plaintext.len() + TAG_LENGTH);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.resize(HEADER_LENGTH + plaintext.len(), 0);
        let mut tag = [0; TAG_LENGTH];
        self.0
            .seal_out_of_place_scatter(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place),
                plaintext,
                sealed.get_mut(HEADER_LENGTH..).unwrap_or_default(),
                &[],
                &mut tag,
            )
            // Refused for more than 64 GiB of plaintext.
            .map_err(|_| Error::Encoding)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }
}

const NONCE_LENGTH: usize = 12;
const HEADER_LENGTH: usize = 1 + NONCE_LENGTH;
const TAG_LENGTH: usize = 16;

#[cfg(test)]
mod tests;
