//! Secret text as a request gives it: taken at once into the type that has no `Debug` and is wiped on drop.

use std::fmt;

use kluis_engine::{Secret, Value};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Secret text out of a request.
pub(crate) struct Given(Secret);

impl Given {
    /// The number of bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    /// The number of characters.
    pub(crate) fn characters(&self) -> usize {
        self.expose().chars().count()
    }

    /// The text.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_text().unwrap_or_default()
    }

    /// The text as bytes of a secret.
    pub(crate) fn into_secret(self) -> Secret {
        self.0
    }

    /// The text as a value.
    pub(crate) fn into_value(self) -> Value {
        Value {
            text: self.0,
            form: kluis_engine::Form::Text,
        }
    }
}

impl Default for Given {
    fn default() -> Self {
        Self(Secret::new(Vec::new()))
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Given, E> {
                Ok(Given(Secret::from_text(text.to_owned())))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Given, E> {
                Ok(Given(Secret::from_text(text)))
            }
        }

        deserializer.deserialize_string(Text)
    }
}
