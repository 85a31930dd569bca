//! Ed25519 (RFC 8032): signatures of checkpoints and access tokens.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::{Error, Secret, random};

/// A private signing key. AWS-LC wipes it when it is freed.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: [u8; 32],
}

impl SigningKey {
    /// A new random seed, to be sealed and stored.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn generate_seed() -> Result<Secret, Error> {
        let mut seed = Zeroizing::new(vec![0; SEED_LENGTH]);
        random::fill(&mut seed)?;
        Ok(seed.into())
    }

    /// The key of a seed.
    ///
    /// # Errors
    /// [`Error::Encoding`] if the seed is not 32 bytes.
    pub fn from_seed(seed: &Secret) -> Result<Self, Error> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| Error::Encoding)?;
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| Error::Encoding)?;
        Ok(Self { pair, public })
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.public
    }

    /// The signature of `message`, always the same for the same message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }
}

/// Whether `signature` is one of `message` by the holder of the key to `public`.
#[must_use]
pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public)
        .verify(message, signature)
        .is_ok()
}

const SEED_LENGTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hex;

    fn unhex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// RFC 8032 §7.1, tests 1 to 3: seed, public key, message, signature.
    const VECTORS: [[&str; 4]; 3] = [
        [
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
    ];

    #[test]
    fn published_signatures() {
        for [seed, public, message, signature] in VECTORS {
            let key = SigningKey::from_seed(&Secret::new(unhex(seed))).unwrap();
            assert_eq!(hex(&key.public_key()), public);
            assert_eq!(hex(&key.sign(&unhex(message))), signature);
            let public = key.public_key();
            assert!(verify(&public, &unhex(message), &unhex(signature)));
        }
    }

    #[test]
    fn only_the_signature_of_this_message_by_this_key_is_accepted() {
        let key = SigningKey::from_seed(&SigningKey::generate_seed().unwrap()).unwrap();
        let other = SigningKey::from_seed(&SigningKey::generate_seed().unwrap()).unwrap();
        let signature = key.sign(b"head 17");
        assert!(verify(&key.public_key(), b"head 17", &signature));
        assert!(!verify(&key.public_key(), b"head 18", &signature));
        assert!(!verify(&other.public_key(), b"head 17", &signature));
        assert!(!verify(&key.public_key(), b"head 17", &signature[..63]));
        assert!(!verify(&key.public_key(), b"head 17", &[]));
        for bit in 0..8 * signature.len() {
            let mut flipped = signature;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&key.public_key(), b"head 17", &flipped), "{bit}");
        }
    }

    #[test]
    fn a_seed_has_32_bytes() {
        assert_eq!(SigningKey::generate_seed().unwrap().len(), 32);
        for length in [0, 31, 33, 64] {
            let refused = SigningKey::from_seed(&Secret::new(vec![1; length])).err();
            assert_eq!(refused, Some(Error::Encoding));
        }
    }
}
