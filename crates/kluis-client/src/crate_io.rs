//! The Crate API: secrets of an organization's environments, sealed on their way in and out, under `/organization`.
//!
//! An environment is the organization's vault of that name. Every call wants an owner or admin of the organization.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::http::Call;
use crate::sealed::{OneTimeKey, SealedAnswer, SealedValue, SealingKey};
use crate::{Client, Error, SecretText};

impl Client {
    /// The calls of the Crate API.
    #[must_use]
    pub fn crate_io(&self) -> CrateIo<'_> {
        CrateIo(self)
    }
}

/// The calls of the Crate API.
#[derive(Clone, Copy)]
pub struct CrateIo<'a>(&'a Client);

impl CrateIo<'_> {
    /// Keeps a sealed value: as a new secret, or as the next version of the one with this name.
    pub async fn secret_store(
        self,
        organization: &str,
        place: &Place<'_>,
        value: &SealedValue,
    ) -> Result<SecretMetadata, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            #[serde(flatten)]
            place: &'b Place<'b>,
            #[serde(flatten)]
            value: &'b SealedValue,
            sealed: bool,
        }
        let body = Body {
            place,
            value,
            sealed: true,
        };
        let segments = ["organization", organization, "secrets"];
        self.0.call(Call::put(&segments).json(&body)?).await
    }

    /// The secrets of an environment that carry these tags, by name, without values. No tags: all of them.
    pub async fn secrets(
        self,
        organization: &str,
        environment: &str,
        tags: Tags<'_>,
    ) -> Result<Vec<SecretMetadata>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            secrets: Vec<SecretMetadata>,
        }
        let segments = ["organization", organization, "secrets"];
        let names = tags.names.join(",");
        let mut query = vec![("env", environment)];
        if !names.is_empty() {
            query.push(("tags", &names));
        }
        query.extend(tags.tag_match.map(|word| ("tag_match", word)));
        let answer: Answer = self.0.call(Call::get(&segments).query(&query)).await?;
        Ok(answer.secrets)
    }

    /// The organization's public key.
    ///
    /// # Errors
    /// [`Error::Integrity`] if it is too weak or no key at all.
    pub async fn public_key(self, organization: &str) -> Result<SealingKey, Error> {
        #[derive(Deserialize)]
        struct Answer {
            public_key_pem: String,
        }
        let segments = ["organization", organization, "secrets", "public-key"];
        let answer: Answer = self.0.call(Call::get(&segments)).await?;
        SealingKey::from_pem(&answer.public_key_pem).map_err(|why| self.0.integrity(why))
    }

    /// Values by name, sealed for `key`. A name that is not there, or whose value cannot be read now, is left out. Each
    /// value uses up one read of a limited secret.
    ///
    /// # Errors
    /// [`Error::Integrity`] if the answer does not open, is no object of texts, or holds what was not asked for.
    pub async fn secrets_retrieve(
        self,
        organization: &str,
        wanted: &Wanted<'_>,
        key: &OneTimeKey,
    ) -> Result<BTreeMap<String, SecretText>, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            environment: &'b str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            names: &'b [&'b str],
            #[serde(flatten)]
            tags: Tags<'b>,
            public_key_pem: String,
        }
        let body = Body {
            environment: wanted.environment,
            names: wanted.names,
            tags: wanted.tags,
            public_key_pem: key.public_pem(),
        };
        let segments = ["organization", organization, "secrets", "retrieve"];
        let answer: SealedAnswer = self.0.call(Call::post(&segments).json(&body)?).await?;
        let opened = key.open(&answer, wanted.names);
        opened.map_err(|why| self.0.integrity(why))
    }

    /// Deletes a secret of one environment with all its versions, for good.
    pub async fn secret_delete(
        self,
        organization: &str,
        environment: &str,
        name: &str,
    ) -> Result<(), Error> {
        let segments = ["organization", organization, "secrets", name];
        let query = [("env", environment)];
        self.0
            .call_unit(Call::delete(&segments).query(&query))
            .await
    }

    /// The tags that the organization's secrets carry, by name.
    pub async fn tags(self, organization: &str) -> Result<Vec<Tag>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            tags: Vec<Tag>,
        }
        let segments = ["organization", organization, "tags"];
        let answer: Answer = self.0.call(Call::get(&segments)).await?;
        Ok(answer.tags)
    }
}

/// Where a sealed value goes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Place<'a> {
    /// What [`is_name`] takes.
    pub name: &'a str,
    /// What [`is_environment`] takes; a vault of that name is made if there is none.
    pub environment: &'a str,
    /// Replaces its tags; `None` leaves them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<&'a [&'a str]>,
}

/// Which values are wanted: those with one of the names, and of these those with the tags.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The environment.
    pub environment: &'a str,
    /// Any name if empty.
    pub names: &'a [&'a str],
    /// Whatever its tags, if it names none.
    pub tags: Tags<'a>,
}

/// Tags that a secret must carry: all of them, or with [`Tags::any`] one of them.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Tags<'a> {
    #[serde(rename = "tags", skip_serializing_if = "<[_]>::is_empty")]
    names: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_match: Option<&'static str>,
}

impl<'a> Tags<'a> {
    /// All of these.
    #[must_use]
    pub fn all(names: &'a [&'a str]) -> Self {
        Self {
            names,
            tag_match: None,
        }
    }

    /// At least one of these. Kluis only.
    #[must_use]
    pub fn any(names: &'a [&'a str]) -> Self {
        Self {
            names,
            tag_match: Some("any"),
        }
    }
}

/// A secret without its value.
#[derive(Debug, Clone, Deserialize)]
pub struct SecretMetadata {
    /// Unique in its environment.
    pub name: String,
    /// The environment, which is a vault's name.
    pub environment: String,
    /// From 1, rising by 1.
    pub version: u64,
    /// Words to choose secrets by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// RFC 3339, UTC.
    pub updated_at: String,
}

/// A tag, and what was noted about it.
#[derive(Debug, Clone, Deserialize)]
pub struct Tag {
    /// The tag.
    pub name: String,
    /// Empty texts when nobody set them.
    #[serde(default)]
    pub metadata: TagMetadata,
}

/// What was noted about a tag.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TagMetadata {
    /// Such as `#00aa88`.
    pub color: String,
    /// What it is for.
    pub description: String,
}

/// Whether the API takes this as the name of an environment (Crate contract §2).
#[must_use]
pub fn is_environment(name: &str) -> bool {
    let begins = |byte: u8| byte.is_ascii_alphanumeric();
    is_word(name, 64, begins, |byte| {
        begins(byte) || b"_-".contains(&byte)
    })
}

/// Whether the API takes this as the name of a secret (Crate contract §2).
#[must_use]
pub fn is_name(name: &str) -> bool {
    let begins = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    is_word(name, 255, begins, |byte| {
        byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
    })
}

fn is_word(
    word: &str,
    longest: usize,
    begins: impl Fn(u8) -> bool,
    goes_on: impl Fn(u8) -> bool,
) -> bool {
    word.len() <= longest && word.bytes().next().is_some_and(begins) && word.bytes().all(goes_on)
}

#[cfg(test)]
mod tests;
