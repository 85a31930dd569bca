//! The one way out for plaintext: a search for `Revealed` finds every answer that can hold a secret.

use kluis_engine::{Secret, Token, Value};
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Plaintext on its way to a caller who may have it.
pub(crate) struct Revealed(Secret);

impl From<Secret> for Revealed {
    fn from(secret: Secret) -> Self {
        Self(secret)
    }
}

impl From<Token> for Revealed {
    fn from(token: Token) -> Self {
        Self(Secret::from_text(token.expose().to_owned()))
    }
}

impl From<Value> for Revealed {
    /// A value in an API that knows only text: named fields are their compact JSON (RULES §4).
    fn from(value: Value) -> Self {
        Self(value.text)
    }
}

impl Serialize for Revealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self
            .0
            .expose_text()
            .ok_or_else(|| serde::ser::Error::custom("a stored value is not UTF-8"))?;
        serializer.serialize_str(text)
    }
}

impl PartialSchema for Revealed {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).into()
    }
}

impl ToSchema for Revealed {}

/// Plaintext by name.
pub(crate) struct RevealedFields(Vec<(String, Revealed)>);

impl From<Vec<(String, Secret)>> for RevealedFields {
    fn from(members: Vec<(String, Secret)>) -> Self {
        let members = members.into_iter();
        Self(members.map(|(name, text)| (name, Revealed(text))).collect())
    }
}

impl Serialize for RevealedFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, text)| (name, text)))
    }
}
