//! What is sealed: the fields of each type, as JSON (Inkbox contract §6.7).

use std::collections::BTreeMap;
use std::fmt;

use kluis_crypto::Secret;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use zeroize::Zeroizing;

use super::Totp;
use crate::{Error, SecretText};

/// The type of a secret. It is chosen once and stands outside of what is sealed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A key of some API.
    ApiKey,
    /// An access key with its secret key.
    KeyPair,
    /// A password, and whose.
    Login,
    /// Any text.
    Other,
    /// A private key of SSH.
    SshKey,
}

/// A member of a payload: a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Whether there is no payload without it.
    pub is_required: bool,
    /// Whether it is as good as public, and may stand where others can read it.
    pub is_open: bool,
}

/// What a secret holds: texts by name, and for a login possibly a seed of one-time codes. Has no `Debug`.
#[derive(Clone)]
pub struct Payload {
    kind: Kind,
    texts: BTreeMap<&'static str, SecretText>,
    totp: Option<Totp>,
}

/// Why something is no payload. Holds nothing of its texts.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PayloadFault {
    /// A member that no payload of this type has.
    #[error("a secret of type '{kind}' has no field '{field}'; it has {}", names(*.kind))]
    NoSuchField {
        /// The type.
        kind: Kind,
        /// The name that was given.
        field: String,
    },
    /// A member without which there is no payload of this type.
    #[error("a secret of type '{kind}' needs the field '{field}'")]
    Missing {
        /// The type.
        kind: Kind,
        /// What is missing.
        field: &'static str,
    },
    /// Something else than an object with the members of this type.
    #[error("it is not the JSON of type '{kind}' (line {line}, column {column})")]
    Form {
        /// The type.
        kind: Kind,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Login,
        Self::ApiKey,
        Self::KeyPair,
        Self::SshKey,
        Self::Other,
    ];

    /// The type of this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Its name, as the server knows it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::KeyPair => "key_pair",
            Self::Login => "login",
            Self::Other => "other",
            Self::SshKey => "ssh_key",
        }
    }

    /// Its texts, the main one first.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::ApiKey => const { &[secret("api_key"), open("endpoint"), NOTES] },
            Self::KeyPair => {
                const {
                    &[
                        secret("secret_key"),
                        Field {
                            is_open: true,
                            ..secret("access_key")
                        },
                        open("endpoint"),
                        NOTES,
                    ]
                }
            }
            Self::Login => {
                const {
                    &[
                        secret("password"),
                        open("username"),
                        open("email"),
                        open("url"),
                        NOTES,
                    ]
                }
            }
            Self::Other => const { &[secret("data"), NOTES] },
            Self::SshKey => {
                const {
                    &[
                        secret("private_key"),
                        open("public_key"),
                        open("fingerprint"),
                        Field {
                            is_required: false,
                            ..secret("passphrase")
                        },
                        NOTES,
                    ]
                }
            }
        }
    }

    /// The field that a secret of this type is kept for.
    #[must_use]
    pub fn main(self) -> &'static str {
        self.fields().first().map_or("data", |field| field.name)
    }

    /// The field of this name.
    #[must_use]
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Payload {
    /// An empty one, which lacks what is required.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            texts: BTreeMap::new(),
            totp: None,
        }
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The text of this name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&SecretText> {
        self.texts.get(name)
    }

    /// Puts a text in, or with `None` takes it out.
    ///
    /// # Errors
    /// [`PayloadFault::NoSuchField`]
    pub fn set(&mut self, name: &str, text: Option<SecretText>) -> Result<(), PayloadFault> {
        let field = self.kind.field(name).ok_or_else(|| self.no_field(name))?;
        match text {
            Some(text) => self.texts.insert(field.name, text),
            None => self.texts.remove(field.name),
        };
        Ok(())
    }

    /// The seed of its one-time codes.
    #[must_use]
    pub fn totp(&self) -> Option<&Totp> {
        self.totp.as_ref()
    }

    /// Puts a seed in, or with `None` takes it out.
    ///
    /// # Errors
    /// [`PayloadFault::NoSuchField`] unless this is a login.
    pub fn set_totp(&mut self, totp: Option<Totp>) -> Result<(), PayloadFault> {
        if self.kind != Kind::Login {
            return Err(self.no_field(TOTP));
        }
        self.totp = totp;
        Ok(())
    }

    /// Whether all is there that has to be.
    ///
    /// # Errors
    /// [`PayloadFault::Missing`]
    pub fn check(&self) -> Result<(), PayloadFault> {
        let kind = self.kind;
        let is_missing = |field: &&Field| field.is_required && !self.texts.contains_key(field.name);
        match kind.fields().iter().find(is_missing) {
            Some(field) => Err(PayloadFault::Missing {
                kind,
                field: field.name,
            }),
            None => Ok(()),
        }
    }

    /// Reads a payload. A member that is null counts as absent, one that the type does not have is passed over.
    ///
    /// # Errors
    /// [`PayloadFault::Form`] and [`PayloadFault::Missing`]
    pub fn from_json(kind: Kind, json: &[u8]) -> Result<Self, PayloadFault> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let read = Members(kind).deserialize(&mut deserializer);
        let payload = read.and_then(|payload| deserializer.end().map(|()| payload));
        // serde's own sentence may quote what it found.
        let payload = payload.map_err(|error| PayloadFault::Form {
            kind,
            line: error.line(),
            column: error.column(),
        })?;
        payload.check()?;
        Ok(payload)
    }

    /// The text that is sealed.
    pub(super) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let length: usize = self.texts.values().map(|text| text.expose().len()).sum();
        // Room for nearly every payload, so that none is copied while the buffer grows: most characters need no escape.
        let mut json = Zeroizing::new(Vec::with_capacity(2 * length + 1024));
        serde_json::to_writer(&mut *json, &Revealed(self))
            .map_err(|_| Error::Request("the payload cannot be written as JSON".to_owned()))?;
        Ok(json)
    }

    /// The payload as JSON, for whoever wants to read all of it.
    ///
    /// # Errors
    /// [`Error::Request`] if it cannot be written, which no payload is known to cause.
    pub fn json(&self) -> Result<Secret, Error> {
        self.to_json().map(Secret::from)
    }

    fn no_field(&self, field: &str) -> PayloadFault {
        PayloadFault::NoSuchField {
            kind: self.kind,
            field: field.to_owned(),
        }
    }
}

/// The one place where a payload is written down.
struct Revealed<'a>(&'a Payload);

impl Serialize for Revealed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, text) in &self.0.texts {
            map.serialize_entry(name, text.expose())?;
        }
        if let Some(totp) = &self.0.totp {
            map.serialize_entry(TOTP, &totp.revealed())?;
        }
        map.end()
    }
}

/// Reads the members that this type has.
struct Members(Kind);

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Payload;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Payload, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Payload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload, A::Error> {
        let mut payload = Payload::new(self.0);
        while let Some(name) = map.next_key::<String>()? {
            if self.0 == Kind::Login && name == TOTP {
                payload.totp = map.next_value()?;
            } else if let Some(field) = self.0.field(&name) {
                if let Some(text) = map.next_value::<Option<SecretText>>()? {
                    payload.texts.insert(field.name, text);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(payload)
    }
}

const fn secret(name: &'static str) -> Field {
    Field {
        name,
        is_required: true,
        is_open: false,
    }
}

const fn open(name: &'static str) -> Field {
    Field {
        name,
        is_required: false,
        is_open: true,
    }
}

const NOTES: Field = Field {
    name: "notes",
    is_required: false,
    is_open: false,
};

fn names(kind: Kind) -> String {
    let names: Vec<&str> = kind.fields().iter().map(|field| field.name).collect();
    names.join(", ")
}

const TOTP: &str = "totp";

#[cfg(test)]
mod tests;
