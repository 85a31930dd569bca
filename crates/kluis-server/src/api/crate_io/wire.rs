//! What goes over the wire of this API, in JSON; RPC's messages are turned into these and back in `rpc.rs`.

use std::collections::BTreeSet;

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine as _};
use kluis_engine::{
    Error, InVault, OrganizationId, Path, Reader, Retrieved, Sealed, SealedPut, SecretInfo,
    Selection, TransportPublicKey,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::ids::Kind;

/// An organization in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OrganizationAt {
    /// Id of the organization
    pub(super) id: String,
}

/// A secret in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SecretAt {
    /// Id of the organization
    pub(super) id: String,
    /// Name of the secret
    pub(super) name: String,
}

/// What can be said of a list.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Environment; `dev` when absent
    pub(super) env: Option<String>,
    /// Only secrets with these tags, separated by commas
    pub(super) tags: Option<String>,
    /// Whether a secret needs `all` of them (also when absent) or `any`
    pub(super) tag_match: Option<String>,
}

/// The same, from whichever door.
pub(super) struct Listing {
    /// With the word that the door has for it.
    pub(super) environment: (&'static str, Option<String>),
    pub(super) tags: Vec<String>,
    pub(super) tag_match: Option<String>,
}

/// The environment of a deletion.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteQuery {
    /// Environment; `dev` when absent
    pub(super) env: Option<String>,
}

/// A secret to store.
#[derive(Deserialize, ToSchema)]
pub(super) struct SecretPut {
    /// Its name
    #[schema(examples("QUEUE_URL"))]
    pub(super) name: String,
    /// Its environment; `dev` when absent
    pub(super) environment: Option<String>,
    /// Base64 of the value, sealed with the organization's public key: RSA-OAEP with SHA-256, and MGF1 with SHA-256
    pub(super) encrypted_value: String,
    /// Has to be true
    #[serde(default)]
    #[schema(value_type = bool, required)]
    pub(super) sealed: IsTrue,
    /// Its tags; absent keeps those that it has
    pub(super) tags: Option<Vec<String>>,
    /// For a value that is too long for RSA: base64 of 32 random bytes, sealed as above. `encrypted_value` is then nonce (12
    /// bytes), ciphertext and tag (16 bytes) of AES-256-GCM under them
    pub(super) encrypted_key: Option<String>,
}

/// Whether a member is `true`, whatever else it may be.
#[derive(Clone, Copy, Default)]
pub(super) struct IsTrue(pub(super) bool);

/// What to retrieve, and for whom.
#[derive(Deserialize, ToSchema)]
pub(super) struct Retrieval {
    /// Environment; `dev` when absent
    pub(super) environment: Option<String>,
    /// Only secrets of these names; all when absent or empty
    pub(super) names: Option<Vec<String>>,
    /// Only secrets with these tags; with names, both have to hold
    pub(super) tags: Option<Vec<String>>,
    /// Whether a secret needs `all` of the tags (also when absent) or `any`
    pub(super) tag_match: Option<String>,
    /// The caller's temporary RSA key of 2048 to 8192 bits, as `PUBLIC KEY` or `RSA PUBLIC KEY`
    #[schema(examples("-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n"))]
    pub(super) public_key_pem: String,
}

/// A secret without its value.
#[derive(Serialize, ToSchema)]
pub(super) struct SecretMetadata {
    /// Its name
    pub(super) name: String,
    /// Its environment
    pub(super) environment: String,
    /// From 1; each store adds 1
    pub(super) version: u32,
    /// Its tags, in the order given
    pub(super) tags: Vec<String>,
    /// When it last changed
    #[schema(examples("2026-01-02T03:04:05Z"))]
    pub(super) updated_at: String,
    #[serde(skip)]
    pub(super) updated_millis: i64,
}

/// The secrets of an environment.
#[derive(Serialize, ToSchema)]
pub(super) struct Secrets {
    /// By name, in byte order
    pub(super) secrets: Vec<SecretMetadata>,
}

/// The organization's public key.
#[derive(Serialize, ToSchema)]
pub(super) struct PublicKey {
    /// The key in PEM, as `PUBLIC KEY`
    pub(super) public_key_pem: String,
}

/// Values that only the holder of the caller's private key can read.
#[derive(Serialize, ToSchema)]
pub(super) struct SealedSecrets {
    /// Base64 of nonce (12 bytes), ciphertext and tag (16 bytes) of AES-256-GCM; the plaintext is a JSON object from names to
    /// values
    pub(super) encrypted_secrets: String,
    /// Base64 of the key (32 bytes), sealed for the caller: RSA-OAEP with SHA-256, and MGF1 with SHA-256
    pub(super) encrypted_key: String,
}

/// The tags of an organization.
#[derive(Serialize, ToSchema)]
pub(super) struct Tags {
    /// By name, in byte order
    pub(super) tags: Vec<Tag>,
}

/// A tag.
#[derive(Serialize, ToSchema)]
pub(super) struct Tag {
    /// Its name
    pub(super) name: String,
    /// What is said of it
    pub(super) metadata: TagMetadata,
}

/// What is said of a tag: nothing, since no call sets it.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct TagMetadata {
    /// Empty
    pub(super) color: String,
    /// Empty
    pub(super) description: String,
}

impl<'de> Deserialize<'de> for IsTrue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Flag(bool),
            Other(IgnoredAny),
        }
        Given::deserialize(deserializer).map(|given| Self(matches!(given, Given::Flag(true))))
    }
}

impl SecretPut {
    /// What the engine is to write.
    pub(super) fn parse(self, organization: &str) -> Result<SealedPut, Error> {
        if !self.sealed.0 {
            return Err(Error::invalid("sealed", "must be true"));
        }
        let at = environment(organization, "environment", self.environment)?;
        let path = name(&self.name)?;
        let tags = self.tags.map(tags).transpose()?;
        let value = Sealed {
            body: decoded("encrypted_value", &self.encrypted_value)?,
            key: self
                .encrypted_key
                .map(|key| decoded("encrypted_key", &key))
                .transpose()?,
            field: "encrypted_value",
        };
        if value.body.len() > LONGEST_BODY {
            return Err(Error::invalid("encrypted_value", "must hold at most 1 MiB"));
        }
        Ok(SealedPut {
            at,
            path,
            value,
            tags,
        })
    }
}

impl Retrieval {
    /// What the engine is to retrieve, and for whom.
    pub(super) fn parse(self, organization: &str) -> Result<(InVault, Selection, Reader), Error> {
        let at = environment(organization, "environment", self.environment)?;
        if self
            .names
            .as_ref()
            .is_some_and(|names| names.len() > MOST_NAMES)
        {
            return Err(Error::invalid("names", "must be at most 1000"));
        }
        let selection = Selection {
            paths: self.names.into_iter().flatten().collect(),
            tags: self.tags.into_iter().flatten().collect(),
            any_tag: any_tag(self.tag_match.as_deref())?,
        };
        let (field, wants) = (
            "public_key_pem",
            "must be an RSA public key in PEM, of 2048 to 8192 bits, with an odd exponent of 3 or more",
        );
        if self.public_key_pem.is_empty() {
            return Err(Error::missing(field));
        }
        let key = TransportPublicKey::from_pem(&self.public_key_pem)
            .map_err(|_| Error::invalid(field, wants))?;
        Ok((at, selection, Reader { key, field }))
    }
}

impl Listing {
    /// Which secrets are meant.
    pub(super) fn parse(self, organization: &str) -> Result<(InVault, Selection), Error> {
        let (field, name) = self.environment;
        let at = environment(organization, field, name)?;
        let selection = Selection {
            paths: BTreeSet::new(),
            tags: self.tags.into_iter().collect(),
            any_tag: any_tag(self.tag_match.as_deref())?,
        };
        Ok((at, selection))
    }
}

impl From<ListQuery> for Listing {
    fn from(query: ListQuery) -> Self {
        let tags = query.tags.unwrap_or_default();
        let tags = tags
            .split(',')
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned);
        Self {
            environment: ("env", query.env),
            tags: tags.collect(),
            tag_match: query.tag_match,
        }
    }
}

impl SecretMetadata {
    /// How `secret` of this environment is shown.
    pub(super) fn of(environment: &str, secret: SecretInfo) -> Self {
        let current = secret.version.as_ref().map(|version| version.number);
        Self {
            name: secret.path,
            environment: environment.to_owned(),
            version: current.unwrap_or(secret.newest_version),
            tags: secret.tags,
            updated_at: secret.updated_at.rfc3339_seconds(),
            updated_millis: secret.updated_at.millis(),
        }
    }
}

impl From<Retrieved> for SealedSecrets {
    fn from(retrieved: Retrieved) -> Self {
        Self {
            encrypted_secrets: STANDARD.encode(&retrieved.body),
            encrypted_key: STANDARD.encode(&retrieved.key),
        }
    }
}

impl From<BTreeSet<String>> for Tags {
    fn from(names: BTreeSet<String>) -> Self {
        let tag = |name| Tag {
            name,
            metadata: TagMetadata::default(),
        };
        Self {
            tags: names.into_iter().map(tag).collect(),
        }
    }
}

/// The organization of this id. A text that is none names nothing, and is refused like an unknown one.
pub(super) fn organization(id: &str) -> OrganizationId {
    OrganizationId::named(id)
}

/// The vault of an environment; `dev` when none is named (contract §2).
pub(super) fn environment(
    id: &str,
    field: &'static str,
    name: Option<String>,
) -> Result<InVault, Error> {
    let vault = name.unwrap_or_else(|| DEFAULT_ENVIRONMENT.to_owned());
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !is_spelled(&vault, 64, |byte| byte.is_ascii_alphanumeric(), rest) {
        return Err(Error::invalid(
            field,
            "must be 1 to 64 letters, digits, '_' or '-', the first a letter or digit",
        ));
    }
    Ok(InVault {
        organization: organization(id),
        vault,
    })
}

/// The path of a secret of this name (contract §2).
pub(super) fn name(name: &str) -> Result<Path, Error> {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if !is_spelled(name, 255, first, rest) {
        return Err(Error::invalid(
            "name",
            "must be 1 to 255 letters, digits, '_', '.' or '-', the first a letter or '_'",
        ));
    }
    Path::parse(name, "name")
}

/// Tags as they are kept: each once, in the order given (contract §2).
fn tags(given: Vec<String>) -> Result<Vec<String>, Error> {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for tag in given {
        if !is_spelled(&tag, 64, |byte| byte.is_ascii_alphanumeric(), rest) {
            return Err(Error::invalid(
                "tags",
                "must each be 1 to 64 letters, digits, '_', '.', ':' or '-', the first a letter or digit",
            ));
        }
        if seen.insert(tag.clone()) {
            kept.push(tag);
        }
        if kept.len() > MOST_TAGS {
            return Err(Error::invalid("tags", "must be at most 32"));
        }
    }
    Ok(kept)
}

fn is_spelled(
    text: &str,
    most: usize,
    first: impl Fn(u8) -> bool,
    rest: impl Fn(u8) -> bool,
) -> bool {
    let (head, tail) = text.as_bytes().split_at(text.len().min(1));
    head.iter().any(|byte| first(*byte))
        && text.len() <= most
        && tail.iter().all(|byte| rest(*byte))
}

/// Whether one of several tags is enough (contract §5).
fn any_tag(word: Option<&str>) -> Result<bool, Error> {
    match word {
        None | Some("all") => Ok(false),
        Some("any") => Ok(true),
        Some(_) => Err(Error::invalid("tag_match", "must be 'all' or 'any'")),
    }
}

/// Base64 in the standard or the URL-safe alphabet, padded or not, without line breaks (contract §4.1).
fn decoded(field: &'static str, text: &str) -> Result<Vec<u8>, Error> {
    let url_safe = text.bytes().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = if url_safe { URL_SAFE } else { PLAIN };
    engine
        .decode(text)
        .map_err(|_| Error::invalid(field, "must be base64"))
}

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);
/// Where secrets are when nobody says where.
const DEFAULT_ENVIRONMENT: &str = "dev";
/// Nonce and tag around a value of 1 MiB.
const LONGEST_BODY: usize = (1 << 20) + 28;
const MOST_TAGS: usize = 32;
/// Each that is not given leaves an event.
const MOST_NAMES: usize = 1_000;
