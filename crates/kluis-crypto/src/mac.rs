//! HMAC-SHA256: for what the server hands out and wants back unchanged.

use aws_lc_rs::hmac;

/// A key that tags texts and checks tags, prepared once.
pub struct MacKey(hmac::Key);

/// How many bytes a tag has.
pub const TAG_LENGTH: usize = 32;

impl MacKey {
    /// The key for one use, derived from a key that has others: HMAC-SHA256 of the use's name under `key`.
    #[must_use]
    pub fn derive(key: &[u8], purpose: &str) -> Self {
        let parent = hmac::Key::new(hmac::HMAC_SHA256, key);
        let derived = hmac::sign(&parent, purpose.as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// A key that has no other use.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The tag of the parts, one after the other. The parts run together: where their borders matter, encode their lengths.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; TAG_LENGTH] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut tag = [0; TAG_LENGTH];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    /// Whether `tag` is the tag of the parts; takes as long for a wrong one as for the right one.
    #[must_use]
    pub fn is_tag_of(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.tag(parts), tag).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hex;

    /// Computed with another implementation, in two steps: derive, then tag.
    #[test]
    fn the_tag_of_a_text_stays() {
        let key = MacKey::derive(&[9; 32], "test");
        let tag = key.tag(&[b"Hi There"]);
        assert_eq!(
            hex(&tag),
            "0f555b58666a7fc30539ecea376bd8f935a85bcd145f9bb3d8feaeda29d81350"
        );
        assert_eq!(key.tag(&[b"Hi ", b"", b"There"]), tag);
    }

    /// RFC 4231, test case 2.
    #[test]
    fn a_key_of_its_own_tags_as_the_standard_says() {
        let tag = MacKey::new(b"Jefe").tag(&[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            hex(&tag),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn no_other_tag_text_key_or_use_passes() {
        let key = MacKey::derive(&[1; 32], "one");
        let tag = key.tag(&[b"text"]);
        assert!(key.is_tag_of(&[b"text"], &tag));
        assert!(!key.is_tag_of(&[b"texts"], &tag));
        assert!(!MacKey::derive(&[1; 32], "two").is_tag_of(&[b"text"], &tag));
        assert!(!MacKey::derive(&[2; 32], "one").is_tag_of(&[b"text"], &tag));
        for byte in 0..TAG_LENGTH {
            let mut forged = tag;
            forged[byte] ^= 1;
            assert!(!key.is_tag_of(&[b"text"], &forged), "byte {byte}");
            assert!(!key.is_tag_of(&[b"text"], &tag[..byte]), "{byte} bytes");
        }
    }
}
