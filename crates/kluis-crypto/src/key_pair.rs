//! Key pairs that are made for somebody else: both halves are handed out, and this server uses neither.

use aws_lc_rs::encoding::{AsBigEndian, EcPublicKeyUncompressedBin};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};

use crate::{Error, Secret};

/// A private key and its public half.
pub struct KeyPair {
    /// The private key in PKCS#8 (RFC 5958), in DER.
    pub private: Secret,
    /// The public key: 32 bytes of Ed25519, or a point of P-256 in its 65 bytes (SEC 1 §2.3.3, uncompressed).
    pub public: Vec<u8>,
}

impl KeyPair {
    /// A new pair for Ed25519 (RFC 8032).
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn ed25519() -> Result<Self, Error> {
        let pair = Ed25519KeyPair::generate().map_err(|_| Error::Random)?;
        let private = pair.to_pkcs8v1().map_err(|_| Error::Encoding)?;
        Ok(Self {
            private: Secret::new(private.as_ref().to_vec()),
            public: pair.public_key().as_ref().to_vec(),
        })
    }

    /// A new pair for the curve P-256 (FIPS 186-5).
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn p256() -> Result<Self, Error> {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| Error::Random)?;
        let private = pair.to_pkcs8v1().map_err(|_| Error::Encoding)?;
        let public: EcPublicKeyUncompressedBin<'_> = pair
            .public_key()
            .as_be_bytes()
            .map_err(|_| Error::Encoding)?;
        Ok(Self {
            private: Secret::new(private.as_ref().to_vec()),
            public: public.as_ref().to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_half_belongs_to_the_private_one() {
        let made = KeyPair::ed25519().unwrap();
        assert_eq!(made.public.len(), 32);
        let again = Ed25519KeyPair::from_pkcs8_maybe_unchecked(made.private.expose()).unwrap();
        assert_eq!(again.public_key().as_ref(), made.public);
        let made = KeyPair::p256().unwrap();
        assert_eq!((made.public.len(), made.public.first()), (65, Some(&4)));
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let again = EcdsaKeyPair::from_pkcs8(algorithm, made.private.expose()).unwrap();
        assert_eq!(again.public_key().as_ref(), made.public);
    }

    #[test]
    fn no_two_pairs_are_alike() {
        for make in [KeyPair::ed25519, KeyPair::p256] {
            let [a, b] = [make().unwrap(), make().unwrap()];
            assert_ne!(a.public, b.public);
            assert!(!a.private.same_as(&b.private));
        }
    }
}
