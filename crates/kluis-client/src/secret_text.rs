//! Text that must not be printed.

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A secret value, password or token as text. It has no `Debug`, `Display` or `Serialize` and is wiped when dropped;
/// [`SecretText::expose`] is the one way to its text.
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
