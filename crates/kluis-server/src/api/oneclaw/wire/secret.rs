//! Secrets and versions, without values.

use kluis_engine::{Error, Path, SecretInfo, Timestamp, VersionInfo};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::object;

/// A secret without its value.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Secret {
    /// The same for all versions.
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("db/main/password"))]
    path: String,
    #[serde(rename = "type")]
    #[schema(examples("password"))]
    kind: String,
    version: u32,
    metadata: Map<String, Value>,
    #[schema(examples("2026-03-01T09:31:00Z"))]
    created_at: String,
    /// Left out when it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// The versions of a secret, newest first.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Versions {
    versions: Vec<Version>,
}

/// One version of a secret, without its value.
#[derive(Serialize, ToSchema)]
struct Version {
    #[serde(flatten)]
    secret: Secret,
    is_disabled: bool,
}

impl Secret {
    /// One version of it.
    fn version(info: &SecretInfo, version: &VersionInfo) -> Result<Self, Error> {
        Ok(Self {
            id: info.id.to_string(),
            path: info.path.clone(),
            kind: info.kind.clone(),
            version: version.number,
            metadata: object(&version.metadata)?,
            created_at: version.created_at.rfc3339(),
            expires_at: version.expires_at.map(Timestamp::rfc3339),
        })
    }
}

impl TryFrom<SecretInfo> for Secret {
    type Error = Error;

    fn try_from(info: SecretInfo) -> Result<Self, Error> {
        match &info.version {
            Some(version) => Self::version(&info, version),
            // Every version is disabled: what is known is the newest one's number.
            None => Ok(Self {
                id: info.id.to_string(),
                version: info.newest_version,
                metadata: Map::new(),
                created_at: info.updated_at.rfc3339(),
                expires_at: None,
                path: info.path,
                kind: info.kind,
            }),
        }
    }
}

impl TryFrom<(SecretInfo, Vec<VersionInfo>)> for Versions {
    type Error = Error;

    fn try_from((info, versions): (SecretInfo, Vec<VersionInfo>)) -> Result<Self, Error> {
        let versions = versions.iter().map(|version| {
            let secret = Secret::version(&info, version)?;
            // A closed version cannot be read, for as long as it is not restored.
            Ok(Version {
                secret,
                is_disabled: version.disabled || version.closed_at.is_some(),
            })
        });
        Ok(Self {
            versions: versions.collect::<Result<_, Error>>()?,
        })
    }
}

/// A path by the grammar of this API (contract §6.1): segments of letters, digits, `-` and `_`, joined by single slashes.
pub(in super::super) fn secret_path(text: String) -> Result<Path, Error> {
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if text.split('/').all(is_segment) {
        Path::parse(text, "path")
    } else {
        Err(Error::invalid(
            "path",
            "must be of letters, digits, - and _, with single slashes between",
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// NT-18
    #[test]
    fn the_grammar_is_the_contracts() {
        for legal in [
            "passwords/one",
            "api-keys/stripe",
            "OPENAI_KEY",
            "config/prod/db",
            "a",
            "A9",
            "-key",
            "key_",
            "_/-/0",
            "agents/5b0c7a52-1f0e-4c0b-9a35-0d9d3f0f3c11/ssh/private_key",
        ] {
            assert_eq!(
                secret_path(legal.to_owned())
                    .map(|path| path.as_str().to_owned())
                    .unwrap(),
                legal
            );
        }
        for illegal in [
            "",
            "/",
            "/lead",
            "trail/",
            "a//b",
            "has space",
            "dot.ted",
            "a/../b",
            ".",
            "a\\b",
            "colon:x",
            "at@x",
            "été",
            "a\0",
            "a%2Fb",
            "a\n",
        ] {
            assert!(secret_path(illegal.to_owned()).is_err(), "{illegal:?}");
        }
        assert!(secret_path("a".repeat(1024)).is_ok());
        assert!(secret_path("a".repeat(1025)).is_err());
        assert!(secret_path("a".repeat(1 << 16)).is_err());
    }

    proptest! {
        #[test]
        fn what_passes_has_no_empty_segment_and_no_other_character(text in "[a-z_/. -]{0,12}") {
            let passes = secret_path(text.clone()).is_ok();
            let legal = !text.is_empty()
                && !text.contains([' ', '.'])
                && !format!("/{text}/").contains("//");
            prop_assert_eq!(passes, legal);
        }
    }
}
