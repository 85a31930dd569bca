//! Secrets and versions, without values.

use kluis_engine::{Error, SecretInfo, Timestamp, VersionInfo};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

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
    /// Left out unless every version is.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_disabled: Option<bool>,
}

/// Which secrets to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct SecretsQuery {
    /// What their paths begin with.
    #[param(example = "db/")]
    prefix: Option<String>,
}

/// Secrets, by path.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Secrets {
    secrets: Vec<Secret>,
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
}

impl Secret {
    /// One version of it.
    pub(super) fn version(info: &SecretInfo, version: &VersionInfo) -> Result<Self, Error> {
        Ok(Self {
            id: info.id.to_string(),
            path: info.path.clone(),
            kind: shown_type(&info.kind).to_owned(),
            version: version.number,
            metadata: object(&version.metadata)?,
            created_at: version.created_at.rfc3339(),
            expires_at: version.expires_at.map(Timestamp::rfc3339),
            is_disabled: None,
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
                is_disabled: Some(true),
                path: info.path,
                kind: shown_type(&info.kind).to_owned(),
            }),
        }
    }
}

impl Secrets {
    /// Those whose paths begin as the query says.
    pub(in super::super) fn under(
        query: &SecretsQuery,
        mut secrets: Vec<SecretInfo>,
    ) -> Result<Self, Error> {
        let prefix = query.prefix.as_deref().unwrap_or_default();
        secrets.retain(|info| info.path.starts_with(prefix));
        secrets.sort_by(|one, other| one.path.cmp(&other.path));
        let secrets = secrets.into_iter().map(Secret::try_from);
        Ok(Self {
            secrets: secrets.collect::<Result<_, _>>()?,
        })
    }
}

/// The types of this API (contract §6.2).
pub(super) const TYPES: [&str; 10] = [
    "api_key",
    "certificate",
    "env",
    "env_bundle",
    "file",
    DEFAULT_TYPE,
    "note",
    "password",
    "private_key",
    "ssh_key",
];
/// What a secret without a type of this API reads as.
pub(super) const DEFAULT_TYPE: &str = "generic";

/// A word that this API does not list reads as its default (RULES §4).
pub(super) fn shown_type(kind: &str) -> &str {
    if TYPES.contains(&kind) {
        kind
    } else {
        DEFAULT_TYPE
    }
}

impl TryFrom<(SecretInfo, Vec<VersionInfo>)> for Versions {
    type Error = Error;

    fn try_from((info, versions): (SecretInfo, Vec<VersionInfo>)) -> Result<Self, Error> {
        let versions = versions.iter().map(|version| {
            // A closed version cannot be read, for as long as it is not restored.
            let is_disabled = Some(version.disabled || version.closed_at.is_some());
            let secret = Secret::version(&info, version)?;
            Ok(Version {
                secret: Secret {
                    is_disabled,
                    ..secret
                },
            })
        });
        Ok(Self {
            versions: versions.collect::<Result<_, Error>>()?,
        })
    }
}
