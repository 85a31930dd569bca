//! The public key that an agent brings when it asks to be registered, and its fingerprint.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use kluis_crypto::hash::sha256;

use crate::error::Error;

/// A public key of Ed25519, 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityKey([u8; 32]);

const ALGORITHM: &[u8] = b"ssh-ed25519";

impl IdentityKey {
    /// Read a key as OpenSSH writes it (`ssh-ed25519 AAAA… comment`), or its 32 bytes in base64.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || {
            let why = "must be an ssh-ed25519 key, or 32 bytes of Ed25519 in base64";
            Error::invalid("public_key", why)
        };
        let mut words = text.split_ascii_whitespace();
        let key = match (words.next(), words.next()) {
            (Some("ssh-ed25519"), Some(blob)) => {
                let blob = STANDARD.decode(blob).map_err(|_| wrong())?;
                let fields = fields(&blob).ok_or_else(wrong)?;
                <[u8; 32]>::try_from(fields).ok()
            }
            (Some(bytes), None) => STANDARD
                .decode(bytes)
                .ok()
                .and_then(|bytes| bytes.try_into().ok()),
            _ => None,
        };
        key.map(Self).ok_or_else(wrong)
    }

    /// The key that these bytes are.
    pub(super) fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As `ssh-keygen -l` shows it: `SHA256:` and base64 without padding, of the key as it goes over the wire (RFC 4253 §6.6).
    pub fn fingerprint(&self) -> String {
        let digest = sha256(&[
            &length(ALGORITHM.len()),
            ALGORITHM,
            &length(self.0.len()),
            &self.0,
        ]);
        format!("SHA256:{}", STANDARD_NO_PAD.encode(digest))
    }
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

/// The key in an `ssh-ed25519` blob: two fields, each behind its length.
fn fields(blob: &[u8]) -> Option<&[u8]> {
    let (algorithm, rest) = field(blob)?;
    let (key, rest) = field(rest)?;
    (algorithm == ALGORITHM && rest.is_empty()).then_some(key)
}

fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `ssh-keygen -t ed25519`, its fingerprint with `ssh-keygen -l`.
    const OPENSSH: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@here";

    #[test]
    fn both_spellings_are_the_same_key() {
        let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        let key = IdentityKey::parse(OPENSSH).unwrap();
        assert_eq!(key.bytes(), &bytes);
        assert_eq!(IdentityKey::parse(&STANDARD.encode(bytes)).unwrap(), key);
        assert_eq!(
            key.fingerprint(),
            "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"
        );
    }

    #[test]
    fn what_is_no_such_key_is_refused() {
        for text in [
            "",
            "AAAA",
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==",
            "ssh-ed25519",
            "ssh-ed25519 !",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAB",
            "ssh-ed25519 /////3NzaC1lZDI1NTE5AAAAIAAB",
        ] {
            assert!(IdentityKey::parse(text).is_err(), "{text}");
        }
    }
}
