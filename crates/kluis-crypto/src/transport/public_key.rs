//! The public half: what a sender seals with.

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};

use super::{der, pem};
use crate::Error;

/// A public RSA key of 2048 to 8192 bits, for sealing.
pub struct TransportPublicKey {
    key: OaepPublicEncryptingKey,
    spki: Vec<u8>,
}

impl TransportPublicKey {
    /// The key in this `SubjectPublicKeyInfo`, in DER.
    ///
    /// # Errors
    /// [`Error::Encoding`] if it is no RSA key, has another size, or an exponent that is even, below 3 or above 2³³.
    pub fn from_spki(spki: &[u8]) -> Result<Self, Error> {
        let (modulus, exponent) = der::of_spki(spki)?;
        let is_accepted = MODULUS_BITS.contains(&bits(modulus))
            && is_odd(modulus)
            && EXPONENT_BITS.contains(&bits(exponent))
            && is_odd(exponent);
        if !is_accepted {
            return Err(Error::Encoding);
        }
        let key = PublicEncryptingKey::from_der(spki).map_err(|_| Error::Encoding)?;
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| Error::Encoding)?;
        let spki = spki.to_vec();
        Ok(Self { key, spki })
    }

    /// The key in this PEM: `PUBLIC KEY` (RFC 7468 §13) or `RSA PUBLIC KEY` (RFC 8017), in any line length, with white space
    /// around it.
    ///
    /// # Errors
    /// As [`TransportPublicKey::from_spki`]; also for other labels, and for more than one section.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        // A key of 8192 bits is 1400 bytes long.
        if text.len() > LONGEST_PEM {
            return Err(Error::Encoding);
        }
        match pem::decode(text)? {
            (SPKI_LABEL, der) => Self::from_spki(&der),
            (PKCS1_LABEL, der) => {
                der::of_pkcs1(&der)?;
                Self::from_spki(&der::spki_of(&der))
            }
            _ => Err(Error::Encoding),
        }
    }

    /// The key as PEM, with the label `PUBLIC KEY` and a final newline.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode(SPKI_LABEL, &self.spki)
    }

    /// The key as a `SubjectPublicKeyInfo`, in DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Bytes that fit into one sealed text: the modulus' length less 66.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.key.max_plaintext_size(&OAEP_SHA256_MGF1SHA256)
    }

    /// Seals at most [`TransportPublicKey::capacity`] bytes.
    ///
    /// # Errors
    /// [`Error::Encoding`] for more, or if the key is none that encrypts.
    pub fn seal(&self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let mut sealed = vec![0; self.key.ciphertext_size()];
        let length = self
            .key
            .encrypt(&OAEP_SHA256_MGF1SHA256, plaintext, &mut sealed, None)
            .map_err(|_| Error::Encoding)?
            .len();
        sealed.truncate(length);
        Ok(sealed)
    }

    /// The modulus, big-endian.
    pub(super) fn modulus(&self) -> &[u8] {
        // It was read when the key was made.
        der::of_spki(&self.spki).map_or(&[], |(modulus, _)| modulus)
    }
}

/// Bits of a number that begins with a byte above 0.
fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |first| first.leading_zeros());
    number.len() * 8 - zeros as usize
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last & 1 == 1)
}

const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// 3 is the smallest; what the library takes.
const EXPONENT_BITS: std::ops::RangeInclusive<usize> = 2..=33;
const LONGEST_PEM: usize = 8 << 10;
const SPKI_LABEL: &str = "PUBLIC KEY";
const PKCS1_LABEL: &str = "RSA PUBLIC KEY";
