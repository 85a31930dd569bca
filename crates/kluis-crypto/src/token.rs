//! Bearer tokens: API keys, sessions, refresh tokens (RULES §1).

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::{Error, base62, random};

/// A bearer token: a prefix, then 43 characters of base-62 that are 32 random bytes. Wiped when dropped.
///
/// It is shown once, when made; only its digest is kept.
pub struct Token(Zeroizing<String>);

impl Token {
    /// A new token with this prefix.
    ///
    /// # Errors
    /// [`Error::Random`] if there are no random bytes.
    pub fn generate(prefix: &str) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        random::fill(&mut *bytes)?;
        // The full capacity at once: growing would leave a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + base62::LENGTH_32));
        text.push_str(prefix);
        base62::push_32(&bytes, &mut text);
        Ok(Self(text))
    }

    /// The whole token, as its owner sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Digests tokens with HMAC-SHA256 under the server's key, so that the store, or a copy of it, holds nothing that can be
/// tried against guesses. The key is prepared once.
pub struct TokenDigester(hmac::Key);

impl TokenDigester {
    /// A digester under `key`, which is 32 random bytes.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The digest of a token as it was sent, by which it is looked up.
    #[must_use]
    pub fn digest(&self, token: &str) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(hmac::sign(&self.0, token.as_bytes()).as_ref());
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hex;

    /// RFC 4231 §4.2 and §4.3.
    #[test]
    fn published_digests() {
        let digester = TokenDigester::new(&[0x0b; 20]);
        assert_eq!(
            hex(&digester.digest("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        let digester = TokenDigester::new(b"Jefe");
        assert_eq!(
            hex(&digester.digest("what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    /// Computed with another implementation: were it to change, no token in use would be found any more.
    #[test]
    fn the_digest_of_a_token_stays() {
        let token = "ck_live_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf";
        assert_eq!(
            hex(&TokenDigester::new(&[9; 32]).digest(token)),
            "bdc16cbdaeda05ad76f1ca694f696e32aaac05ba7bc9ee686b9f5795d07b9505"
        );
    }

    #[test]
    fn a_token_is_its_prefix_and_43_characters() {
        let token = Token::generate("ck_live_").unwrap();
        let random = token.expose().strip_prefix("ck_live_").unwrap();
        assert_eq!(random.len(), 43);
        assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(Token::generate("").unwrap().expose().len(), 43);
    }

    #[test]
    fn tokens_and_their_digests_differ() {
        let digester = TokenDigester::new(&[1; 32]);
        let [a, b] = [(); 2].map(|()| Token::generate("cvk_").unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_ne!(digester.digest(a.expose()), digester.digest(b.expose()));
        let other = TokenDigester::new(&[2; 32]);
        assert_ne!(digester.digest(a.expose()), other.digest(a.expose()));
    }

    /// The buffer never grew, so no second copy of the token was left behind.
    #[test]
    fn a_token_fills_its_buffer() {
        let token = Token::generate("1ck_").unwrap();
        assert_eq!(token.0.capacity(), token.0.len());
    }
}
