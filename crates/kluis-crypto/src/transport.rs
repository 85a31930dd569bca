//! Sealed transport: values that only the two ends can read, whoever carries them (Crate contract §4).
//!
//! ```text
//! short   RSA-OAEP(SHA-256, MGF1 with SHA-256, empty label; public key, plaintext)        at most k − 66 bytes
//! hybrid  key   RSA-OAEP(the same; public key, K)                                         K: 32 random bytes
//!         body  nonce (12) ‖ AES-256-GCM(K, nonce, no associated data; plaintext) ‖ tag (16)
//! ```
//!
//! What does not open fails in one way, after the same work: which step failed, and for which reason, is told by neither the
//! error nor the time (Manger 2001).

mod der;
mod hybrid;
mod pem;
mod public_key;

pub use hybrid::{TransientKey, open_hybrid};
pub use public_key::TransportPublicKey;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use zeroize::Zeroizing;

use crate::{Error, Secret};

/// How long the modulus of a key pair is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModulusBits {
    /// 2048 bits: at most 190 bytes of plaintext.
    B2048,
    /// 3072 bits: at most 318 bytes of plaintext.
    #[default]
    B3072,
    /// 4096 bits: at most 446 bytes of plaintext.
    B4096,
}

/// A private RSA key that opens what was sealed for its public half.
pub struct TransportKey {
    key: OaepPrivateDecryptingKey,
    pkcs8: Secret,
    public: TransportPublicKey,
}

impl ModulusBits {
    /// The length with this number of bits, if it is one of ours.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        match bits {
            2048 => Some(Self::B2048),
            3072 => Some(Self::B3072),
            4096 => Some(Self::B4096),
            _ => None,
        }
    }

    const fn size(self) -> KeySize {
        match self {
            Self::B2048 => KeySize::Rsa2048,
            Self::B3072 => KeySize::Rsa3072,
            Self::B4096 => KeySize::Rsa4096,
        }
    }
}

impl TransportKey {
    /// A new random pair with the public exponent 65537. Takes a large part of a second.
    ///
    /// # Errors
    /// [`Error::Random`] if none could be made.
    pub fn generate(bits: ModulusBits) -> Result<Self, Error> {
        let key = PrivateDecryptingKey::generate(bits.size()).map_err(|_| Error::Random)?;
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| Error::Encoding)?;
        let pkcs8 = Secret::new(pkcs8.as_ref().to_vec());
        Self::prepared(key, pkcs8)
    }

    /// The pair with this private key in PKCS#8, in DER.
    ///
    /// # Errors
    /// [`Error::Encoding`] if it is not an RSA key of 2048 to 8192 bits.
    pub fn from_pkcs8(pkcs8: Secret) -> Result<Self, Error> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8.expose()).map_err(|_| Error::Encoding)?;
        Self::prepared(key, pkcs8)
    }

    /// The private key in PKCS#8, in DER.
    #[must_use]
    pub fn pkcs8(&self) -> &Secret {
        &self.pkcs8
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &TransportPublicKey {
        &self.public
    }

    /// What was sealed for one of `keys`. Each is tried, also when one has opened it: which one does is not told by the time.
    ///
    /// # Errors
    /// [`Error::Open`], always the same and after the same work.
    pub fn open<'a>(
        keys: impl IntoIterator<Item = &'a Self>,
        sealed: &[u8],
    ) -> Result<Secret, Error> {
        let mut opened = Err(Error::Open);
        for key in keys {
            let one = key.open_one(sealed);
            opened = opened.or(one);
        }
        opened
    }

    fn prepared(key: PrivateDecryptingKey, pkcs8: Secret) -> Result<Self, Error> {
        let public: PublicKeyX509Der<'_> =
            key.public_key().as_der().map_err(|_| Error::Encoding)?;
        let public = TransportPublicKey::from_spki(public.as_ref())?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| Error::Encoding)?;
        Ok(Self { key, pkcs8, public })
    }

    fn open_one(&self, sealed: &[u8]) -> Result<Secret, Error> {
        let (block, fits) = self.block(sealed);
        let mut buffer = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let opened = self
            .key
            .decrypt(&OAEP_SHA256_MGF1SHA256, &block, &mut buffer, None);
        match opened {
            Ok(plaintext) if fits => Ok(Secret::new(plaintext.to_vec())),
            _ => Err(Error::Open),
        }
    }

    /// A block that takes this key as long as any, and whether it is `sealed` itself: what has another length, is 0, or is no
    /// number below the modulus, would be refused before any arithmetic.
    fn block(&self, sealed: &[u8]) -> (Vec<u8>, bool) {
        let modulus = self.public.modulus();
        let is_zero = sealed.iter().all(|byte| *byte == 0);
        if sealed.len() == modulus.len() && sealed < modulus && !is_zero {
            return (sealed.to_vec(), true);
        }
        // Below the modulus, and as long a way from 0 and 1 as any.
        let mut block = modulus.to_vec();
        if let Some(first) = block.first_mut() {
            *first = 0;
        }
        (block, false)
    }
}

#[cfg(test)]
mod tests;
