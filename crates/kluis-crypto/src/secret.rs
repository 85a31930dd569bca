//! The one type for secret bytes (DESIGN §4).

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::Error;

/// Secret bytes: a value, a password, a seed.
///
/// Wiped when dropped. It has no `Debug`, `Display`, `Clone` or `==`, so it cannot reach a log, an error or a copy without
/// one of the methods below, each of which can be searched for.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes `bytes` over. What an earlier growth of the buffer left behind in memory cannot be wiped from here, so build it
    /// with the capacity it needs.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Takes the bytes of `text` over, without copying them.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self::new(text.into_bytes())
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text, if they are UTF-8.
    #[must_use]
    pub fn expose_text(&self) -> Option<&str> {
        str::from_utf8(&self.0).ok()
    }

    /// The bytes as text, without copying them; still wiped when dropped.
    ///
    /// # Errors
    /// [`Error::Encoding`] if they are not UTF-8; the bytes are wiped then.
    pub fn into_text(mut self) -> Result<Zeroizing<String>, Error> {
        match String::from_utf8(std::mem::take(&mut *self.0)) {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(refused) => {
                drop(Self::new(refused.into_bytes()));
                Err(Error::Encoding)
            }
        }
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A second copy, asked for by name: each copy is one more place to wipe.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// Whether both hold the same bytes, in time that depends on the lengths alone.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_text_come_back() {
        let secret = Secret::from_text("pässword".to_owned());
        assert_eq!(secret.expose(), "pässword".as_bytes());
        assert_eq!(secret.expose_text(), Some("pässword"));
        assert_eq!((secret.len(), secret.is_empty()), (9, false));
        assert_eq!(secret.into_text().unwrap().as_str(), "pässword");
        assert!(Secret::new(Vec::new()).is_empty());
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_no_text() {
        let secret = Secret::new(vec![0xff, 0x00]);
        assert_eq!(secret.expose_text(), None);
        assert_eq!(secret.into_text().err(), Some(Error::Encoding));
    }

    #[test]
    fn text_is_taken_over_without_a_copy() {
        let text = "a text".to_owned();
        let address = text.as_ptr();
        let secret = Secret::from_text(text);
        assert_eq!(secret.expose().as_ptr(), address);
        assert_eq!(secret.into_text().unwrap().as_ptr(), address);
    }

    #[test]
    fn the_same_bytes_are_the_same() {
        let secret = Secret::new(b"value".to_vec());
        assert!(secret.same_as(&secret.duplicate()));
        for other in ["", "valu", "valuf", "Value", "value\0"] {
            assert!(!secret.same_as(&Secret::from_text(other.to_owned())));
        }
    }
}
