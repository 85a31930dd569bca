//! What database servers want their users to prove a password with. None of it is ours to choose, and nothing of Kluis rests
//! on it.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use aws_lc_rs::{hmac, pbkdf2};
use zeroize::Zeroizing;

use crate::{Error, Secret, hash, random};

/// What a server keeps of a password so that its owner can prove it by SCRAM-SHA-256 (RFC 5802 §3, RFC 7677).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramVerifier {
    /// How often the hash was repeated.
    pub iterations: u32,
    /// Random bytes.
    pub salt: [u8; 16],
    /// The hash of the key that a client proves with.
    pub stored_key: [u8; 32],
    /// The key that a server proves with.
    pub server_key: [u8; 32],
}

/// As PostgreSQL repeats it.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4_096).unwrap();

/// A new verifier of an ASCII password; others would have to be normalized first (RFC 4013).
///
/// # Errors
/// [`Error::Encoding`] if the password is not ASCII, [`Error::Random`] if there are no random bytes.
pub fn scram_verifier(password: &Secret) -> Result<ScramVerifier, Error> {
    if !password.expose().is_ascii() {
        return Err(Error::Encoding);
    }
    Ok(verifier_with(password.expose(), random::array()?))
}

fn verifier_with(password: &[u8], salt: [u8; 16]) -> ScramVerifier {
    let mut salted = Zeroizing::new([0; 32]);
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(
        algorithm,
        ITERATIONS,
        &salt,
        password,
        salted.as_mut_slice(),
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, salted.as_slice());
    let mut server_key = [0; 32];
    server_key.copy_from_slice(hmac::sign(&key, b"Server Key").as_ref());
    ScramVerifier {
        iterations: ITERATIONS.get(),
        salt,
        stored_key: hash::sha256(&[hmac::sign(&key, b"Client Key").as_ref()]),
        server_key,
    }
}

/// The proof of `mysql_native_password`, for a server's `nonce` of 20 bytes. An empty password is proved by nothing.
#[must_use]
pub fn mysql_native(password: &Secret, nonce: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let once = sha1(&[password.expose()]);
    let twice = sha1(&[once.as_slice()]);
    exclusive_or(once.as_slice(), sha1(&[nonce, twice.as_slice()]).as_slice())
}

/// The proof of `caching_sha2_password`, for a server's `nonce` of 20 bytes. An empty password is proved by nothing.
#[must_use]
pub fn mysql_sha2(password: &Secret, nonce: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let once = Zeroizing::new(hash::sha256(&[password.expose()]));
    let twice = Zeroizing::new(hash::sha256(&[once.as_slice()]));
    exclusive_or(once.as_slice(), &hash::sha256(&[twice.as_slice(), nonce]))
}

fn sha1(parts: &[&[u8]]) -> Zeroizing<[u8; 20]> {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    let mut digest = Zeroizing::new([0; 20]);
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

fn exclusive_or(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter()
        .zip(other)
        .map(|(one, other)| one ^ other)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hex;

    fn secret(text: &str) -> Secret {
        Secret::from_text(text.to_owned())
    }

    /// The keys of the exchange in RFC 7677 §3.
    #[test]
    fn the_published_exchange_has_these_keys() {
        // W22ZaJ0SNY7soEsUEjb6gQ==
        let salt = hash::unhex("5b6d99689d12358eeca04b141236fa81").unwrap();
        let verifier = verifier_with(b"pencil", salt);
        assert_eq!(
            hex(&verifier.stored_key),
            "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6"
        );
        assert_eq!(
            hex(&verifier.server_key),
            "c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5"
        );
        assert_eq!(verifier.iterations, 4_096);
    }

    #[test]
    fn a_password_that_would_have_to_be_normalized_is_refused() {
        assert_eq!(
            scram_verifier(&secret("pässword")).err(),
            Some(Error::Encoding)
        );
        let [one, other] = [(); 2].map(|()| scram_verifier(&secret("same")).unwrap());
        assert_ne!(
            one.stored_key, other.stored_key,
            "the salt is new each time"
        );
    }

    /// What a server checks: the proof, undone with what it keeps, is what it keeps the hash of.
    #[test]
    fn a_server_that_keeps_the_hash_of_a_hash_accepts_the_proofs() {
        let (password, nonce) = (secret("Correct-Horse-7"), [7; 20]);
        let kept = sha1(&[sha1(&[password.expose()]).as_slice()]);
        let proof = mysql_native(&password, &nonce);
        let once = exclusive_or(&proof, sha1(&[&nonce, kept.as_slice()]).as_slice());
        assert_eq!(sha1(&[&once]), kept);

        let kept = hash::sha256(&[&hash::sha256(&[password.expose()])]);
        let proof = mysql_sha2(&password, &nonce);
        let once = exclusive_or(&proof, &hash::sha256(&[&kept, &nonce]));
        assert_eq!(hash::sha256(&[&once]), kept);

        assert!(mysql_native(&secret(""), &nonce).is_empty());
        assert!(mysql_sha2(&secret(""), &nonce).is_empty());
    }
}
