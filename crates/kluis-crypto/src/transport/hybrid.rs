//! What is too long for RSA: sealed with a key of its own, which RSA carries (Crate contract §4.2, §4.3).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::{TransportKey, TransportPublicKey};
use crate::envelope::KeyBytes;
use crate::{Error, Secret, random};

/// A random key for one plaintext, beside itself wrapped for whoever is to open that.
pub struct TransientKey {
    key: KeyBytes,
    wrapped: Vec<u8>,
}

impl TransientKey {
    /// A new key, wrapped for the holder of `public`.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes, [`Error::Encoding`] if `public` cannot encrypt.
    pub fn generate(public: &TransportPublicKey) -> Result<Self, Error> {
        let key = KeyBytes::generate()?;
        let wrapped = public.seal(key.expose())?;
        Ok(Self { key, wrapped })
    }

    /// The key as it travels.
    #[must_use]
    pub fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }

    /// Seals `plaintext`; gives the body, and the wrapped key to go with it. A key seals once.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes, [`Error::Encoding`] for more than 64 GiB.
    pub fn seal(self, plaintext: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let nonce: [u8; NONCE_LEN] = random::array()?;
        let end = NONCE_LEN + plaintext.len();
        let mut body = Vec::with_capacity(end + TAG_LENGTH);
        body.extend_from_slice(&nonce);
        body.resize(end, 0);
        let mut tag = [0; TAG_LENGTH];
        cipher(&self.key)?
            .seal_out_of_place_scatter(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                plaintext,
                body.get_mut(NONCE_LEN..).unwrap_or_default(),
                &[],
                &mut tag,
            )
            .map_err(|_| Error::Encoding)?;
        body.extend_from_slice(&tag);
        Ok((body, self.wrapped))
    }
}

/// The plaintext of `body`, whose key is wrapped for one of `keys`.
///
/// # Errors
/// [`Error::Open`], always the same and after the same work: a key that does not open is replaced by one that opens nothing.
pub fn open_hybrid<'a>(
    keys: impl IntoIterator<Item = &'a TransportKey>,
    wrapped: &[u8],
    body: &[u8],
) -> Result<Secret, Error> {
    let mut key = KeyBytes::generate()?;
    if let Ok(opened) = TransportKey::open(keys, wrapped)
        && let Ok(bytes) = <&[u8; 32]>::try_from(opened.expose())
    {
        key = KeyBytes::copy_of(bytes);
    }
    let (nonce, rest) = body.split_first_chunk::<NONCE_LEN>().ok_or(Error::Open)?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_LENGTH>().ok_or(Error::Open)?;
    let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
    cipher(&key)?
        .open_separate_gather(
            Nonce::assume_unique_for_key(*nonce),
            Aad::empty(),
            ciphertext,
            tag,
            &mut plaintext,
        )
        .map_err(|_| Error::Open)?;
    Ok(plaintext.into())
}

fn cipher(key: &KeyBytes) -> Result<LessSafeKey, Error> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| Error::Encoding)?;
    Ok(LessSafeKey::new(key))
}

const TAG_LENGTH: usize = 16;
