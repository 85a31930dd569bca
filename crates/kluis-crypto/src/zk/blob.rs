//! One sealed blob of the zero-knowledge vault: AES-256-GCM with the nonce in the middle (Inkbox contract §6.3).
//!
//! ```text
//! ciphertext (as long as the plaintext) ‖ nonce (12) ‖ tag (16)
//! ```
//!
//! Nonces are random: one payload key may seal 2³² payloads (NIST SP 800-38D §8.3), far more than a vault sees.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::ZkError;
use crate::envelope::KeyBytes;
use crate::{Error, Secret, random};

/// The length of the shortest blob: nonce and tag of an empty plaintext.
pub const MIN_BLOB: usize = NONCE_LENGTH + TAG_LENGTH;
/// The length of a wrapped key.
pub const WRAPPED_LENGTH: usize = 32 + MIN_BLOB;

/// Seals `plaintext`, bound to `id`.
pub(super) fn seal(key: &KeyBytes, id: &str, plaintext: &[u8]) -> Result<Vec<u8>, ZkError> {
    let nonce = random::array().map_err(ZkError::System)?;
    seal_with_nonce(key, nonce, id, plaintext)
}

/// Opens what [`seal`] made for the same `id`.
pub(super) fn open(key: &KeyBytes, id: &str, blob: &[u8]) -> Result<Secret, ZkError> {
    let too_short = ZkError::BlobTooShort(blob.len());
    let (rest, tag) = blob.split_last_chunk::<TAG_LENGTH>().ok_or(too_short)?;
    let (ciphertext, nonce) = rest.split_last_chunk::<NONCE_LENGTH>().ok_or(too_short)?;
    let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
    prepared(key)?
        .open_separate_gather(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(id.as_bytes()),
            ciphertext,
            tag,
            &mut plaintext,
        )
        .map_err(|_| ZkError::Open)?;
    Ok(plaintext.into())
}

/// The deterministic half of [`seal`], apart so that tests can compare it with published blobs.
pub(super) fn seal_with_nonce(
    key: &KeyBytes,
    nonce: [u8; NONCE_LENGTH],
    id: &str,
    plaintext: &[u8],
) -> Result<Vec<u8>, ZkError> {
    let mut blob = Vec::with_capacity(plaintext.len() + MIN_BLOB);
    blob.resize(plaintext.len(), 0);
    let mut tag = [0; TAG_LENGTH];
    prepared(key)?
        .seal_out_of_place_scatter(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(id.as_bytes()),
            plaintext,
            &mut blob,
            &[],
            &mut tag,
        )
        // Refused for more than 64 GiB of plaintext.
        .map_err(|_| ZkError::System(Error::Encoding))?;
    blob.extend_from_slice(&nonce);
    blob.extend_from_slice(&tag);
    Ok(blob)
}

fn prepared(key: &KeyBytes) -> Result<LessSafeKey, ZkError> {
    // Refused for a wrong length only, and the length is in the type.
    let key = UnboundKey::new(&AES_256_GCM, key.expose())
        .map_err(|_| ZkError::System(Error::Encoding))?;
    Ok(LessSafeKey::new(key))
}

const NONCE_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;
