//! The cryptography of one request: a keyed digest of the token, AES-256-GCM with associated data.

use anyhow::{Result, anyhow};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hmac, rand};

/// A nonce as it stands beside its ciphertext.
pub(super) type NonceBytes = [u8; NONCE_LEN];

/// The keyed digest of a token.
pub(super) struct Digest(hmac::Tag);

impl Digest {
    /// Compares in constant time.
    pub(super) fn equals(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_ref(), other.0.as_ref()).is_ok()
    }
}

/// Fresh keys, gone with the process.
pub(super) struct Keys {
    token: hmac::Key,
    value: LessSafeKey,
}

impl Keys {
    /// Draws both keys.
    pub(super) fn generate() -> Result<Self> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(failed)?;
        let token = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        rand::fill(&mut bytes).map_err(failed)?;
        let value = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).map_err(failed)?);
        Ok(Self { token, value })
    }

    /// HMAC-SHA256 of a token.
    pub(super) fn digest(&self, token: &str) -> Digest {
        Digest(hmac::sign(&self.token, token.as_bytes()))
    }

    /// Encrypts the value of row `id` under a fresh nonce.
    pub(super) fn seal(&self, id: u32, value: &[u8]) -> Result<(NonceBytes, Vec<u8>)> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(failed)?;
        let mut sealed = value.to_vec();
        self.value
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                associated_data(id),
                &mut sealed,
            )
            .map_err(failed)?;
        Ok((nonce, sealed))
    }

    /// Decrypts the value of row `id`.
    pub(super) fn open(&self, id: u32, nonce: NonceBytes, mut sealed: Vec<u8>) -> Result<Vec<u8>> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = self
            .value
            .open_in_place(nonce, associated_data(id), &mut sealed)
            .map_err(failed)?
            .len();
        sealed.truncate(length);
        Ok(sealed)
    }
}

fn associated_data(id: u32) -> Aad<[u8; 4]> {
    Aad::from(id.to_be_bytes())
}

fn failed(_: aws_lc_rs::error::Unspecified) -> anyhow::Error {
    anyhow!("the cryptographic library refused")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_in_its_own_row_only() {
        let keys = Keys::generate().expect("randomness");
        let (nonce, sealed) = keys.seal(7, b"value").expect("seals");
        assert_eq!(
            keys.open(7, nonce, sealed.clone()).expect("opens"),
            b"value"
        );
        assert!(keys.open(8, nonce, sealed).is_err());
    }

    #[test]
    fn digests_of_different_tokens_differ() {
        let keys = Keys::generate().expect("randomness");
        assert!(keys.digest("a").equals(&keys.digest("a")));
        assert!(!keys.digest("a").equals(&keys.digest("b")));
    }
}
