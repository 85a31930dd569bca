//! What CloudKeep's requests and answers look like, and the rules of its contract about them (§3, §5).

#![expect(
    clippy::option_option,
    reason = "a member that is absent and one that is null differ in a PATCH"
)]

use kluis_engine::{
    Error, Expect, NewVault, Path, Profile, SecretId, SecretInfo, SecretRead, SecretWrite,
    SecretWritten, Value, VaultChange, VaultId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::BODY;
use crate::api::extract::stated;
use crate::api::given::Given;
use crate::api::ids::{Id, prefixed};
use crate::api::revealed::Revealed;

/// Every success.
#[derive(Serialize, ToSchema)]
pub(super) struct Data<T> {
    /// One thing, or a list of them.
    pub(super) data: T,
}

/// Which vault.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct VaultAt {
    /// Id of the vault.
    #[param(value_type = String, example = "vlt_01JQ8xK2mN5pQ7rS9tU1vW")]
    pub(super) vault_id: Id<VaultId>,
}

/// Which secret of which vault.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SecretAt {
    /// Id of the vault.
    #[param(value_type = String, example = "vlt_01JQ8xK2mN5pQ7rS9tU1vW")]
    vault_id: Id<VaultId>,
    /// Id of the secret.
    #[param(value_type = String, example = "sec_01JQ4aB7cD9eF1gH3iJ5kL")]
    secret_id: Id<SecretId>,
}

/// A vault.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Vault {
    #[schema(examples("vlt_01JQ8xK2mN5pQ7rS9tU1vW"))]
    id: String,
    #[schema(examples("Production"))]
    name: String,
    /// Empty when there is none.
    description: String,
    /// How many secrets the caller sees in it.
    secret_count: u64,
    #[schema(examples("2025-02-03T04:05:06Z"))]
    created_at: String,
    /// When its own fields last changed.
    #[schema(examples("2025-02-03T04:05:06Z"))]
    updated_at: String,
}

/// A vault to create.
#[derive(Deserialize, ToSchema)]
pub(super) struct VaultCreate {
    /// Unique in the organization.
    #[schema(min_length = 1, max_length = 100, examples("Staging"))]
    name: String,
    /// At most 1000 characters.
    #[schema(max_length = 1000)]
    description: Option<String>,
}

/// What to change of a vault; at least one member.
#[derive(Deserialize, ToSchema)]
pub(super) struct VaultUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, max_length = 1000)]
    description: Option<Option<String>>,
}

/// A secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Secret {
    #[schema(examples("sec_01JQ4aB7cD9eF1gH3iJ5kL"))]
    id: String,
    #[schema(examples("DATABASE_URL"))]
    key: String,
    /// The decrypted value; null when the caller may see the key alone, or the value is not available.
    #[schema(value_type = Option<String>)]
    value: Option<Revealed>,
    #[serde(rename = "type")]
    #[schema(examples("credential"))]
    kind: String,
    /// Not in lists, and not in the answer to POST.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    notes: Option<Notes>,
    #[schema(examples("2025-02-03T04:05:06Z"))]
    created_at: String,
    #[schema(examples("2025-02-03T04:05:06Z"))]
    updated_at: String,
}

/// Notes: empty when there are none, null where the caller may not read them.
#[derive(Serialize)]
#[serde(untagged)]
enum Notes {
    Withheld,
    None(&'static str),
    Some(Revealed),
}

/// A secret to create.
#[derive(Deserialize, ToSchema)]
pub(super) struct SecretCreate {
    /// Unique in the vault; no control characters.
    #[schema(min_length = 1, max_length = 255, examples("STRIPE_SECRET_KEY"))]
    key: String,
    /// At most 64 KiB; may be empty.
    #[schema(value_type = String)]
    value: Given,
    /// `text` unless given.
    #[serde(rename = "type")]
    #[schema(pattern = "^[a-z][a-z0-9_]{0,31}$", examples("api_key"))]
    kind: Option<String>,
    /// At most 10,000 characters.
    #[schema(value_type = Option<String>, max_length = 10_000)]
    notes: Option<Given>,
}

/// What to change of a secret; at least one of value, type and notes.
#[derive(Deserialize, ToSchema)]
pub(super) struct SecretUpdate {
    /// A key cannot be changed: it may only be repeated as it is.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>)]
    key: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>)]
    value: Option<Option<Given>>,
    #[serde(rename = "type", default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, pattern = "^[a-z][a-z0-9_]{0,31}$")]
    kind: Option<Option<String>>,
    /// Null removes them.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, max_length = 10_000)]
    notes: Option<Option<Given>>,
}

/// A template: the secrets that one service's credentials are made of.
#[derive(Serialize, ToSchema)]
pub(super) struct Template {
    #[schema(examples("tpl_aws"))]
    id: &'static str,
    #[schema(examples("AWS Credentials"))]
    name: &'static str,
    fields: Vec<Field>,
}

/// One secret of a template.
#[derive(Serialize, ToSchema)]
struct Field {
    #[schema(examples("AWS_ACCESS_KEY_ID"))]
    key: &'static str,
    #[serde(rename = "type")]
    #[schema(examples("api_key"))]
    kind: &'static str,
    required: bool,
}

/// Who the caller is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Me {
    #[schema(examples("usr_01JQ1xA2bC3dE4fG5hI6jK"))]
    id: String,
    name: String,
    email: String,
    /// `standard`, `pro` or `enterprise`.
    #[schema(examples("pro"))]
    plan: &'static str,
    #[schema(examples("2025-02-03T04:05:06Z"))]
    created_at: String,
}

impl TryFrom<VaultCreate> for NewVault {
    type Error = Error;

    fn try_from(create: VaultCreate) -> Result<Self, Error> {
        Ok(Self {
            name: vault_name(create.name)?,
            description: description(create.description.unwrap_or_default())?,
        })
    }
}

impl TryFrom<VaultUpdate> for VaultChange {
    type Error = Error;

    fn try_from(update: VaultUpdate) -> Result<Self, Error> {
        let VaultUpdate {
            name,
            description: text,
        } = update;
        if name.is_none() && text.is_none() {
            return Err(Error::invalid(BODY, "must hold name or description"));
        }
        Ok(Self {
            name: name
                .map(|name| vault_name(name.unwrap_or_default()))
                .transpose()?,
            description: text
                .map(|text| description(text.unwrap_or_default()))
                .transpose()?,
        })
    }
}

impl SecretAt {
    /// The vault, and the secret in it.
    pub(super) fn parts(self) -> (VaultId, kluis_engine::SecretAt) {
        (
            self.vault_id.0,
            kluis_engine::SecretAt::Id(self.secret_id.0),
        )
    }
}

impl SecretCreate {
    /// The path to write to, and what to write.
    pub(super) fn parse(self) -> Result<(Path, SecretWrite), Error> {
        let path = key(self.key)?;
        let write = SecretWrite {
            value: Some(value(self.value)?),
            kind: self.kind.map(kind).transpose()?,
            notes: self.notes.map(notes).transpose()?,
            ..SecretWrite::new(DEFAULT_KIND, Expect::Absent)
        };
        Ok((path, write))
    }
}

impl TryFrom<SecretUpdate> for SecretWrite {
    type Error = Error;

    fn try_from(update: SecretUpdate) -> Result<Self, Error> {
        let SecretUpdate {
            key,
            value: text,
            kind: word,
            notes: remarks,
        } = update;
        if text.is_none() && word.is_none() && remarks.is_none() {
            return Err(Error::invalid(BODY, "must hold value, type or notes"));
        }
        let null = |field| move || Error::invalid(field, "must not be null");
        Ok(Self {
            value: text
                .map(|text| value(text.ok_or_else(null("value"))?))
                .transpose()?,
            kind: word
                .map(|word| kind(word.ok_or_else(null("type"))?))
                .transpose()?,
            notes: remarks
                .map(|remarks| notes(remarks.unwrap_or_default()))
                .transpose()?,
            stated_path: key.map(|key| key.ok_or_else(null("key"))).transpose()?,
            ..Self::new(DEFAULT_KIND, Expect::Present)
        })
    }
}

impl From<kluis_engine::Vault> for Vault {
    fn from(vault: kluis_engine::Vault) -> Self {
        Self {
            id: prefixed("vlt_", vault.id.bytes()),
            name: vault.name,
            description: vault.description,
            secret_count: vault.secret_count,
            created_at: vault.created_at.rfc3339_seconds(),
            updated_at: vault.updated_at.rfc3339_seconds(),
        }
    }
}

impl Secret {
    /// As lists show it.
    pub(super) fn listed((info, value): (SecretInfo, Option<Value>)) -> Self {
        Self {
            id: prefixed("sec_", info.id.bytes()),
            key: info.path,
            value: value.map(Revealed::from),
            kind: info.kind,
            notes: None,
            created_at: info.created_at.rfc3339_seconds(),
            updated_at: info.updated_at.rfc3339_seconds(),
        }
    }

    /// As the answer to its creation shows it.
    pub(super) fn created(written: SecretWritten) -> Self {
        Self::listed((written.info, written.value))
    }

    /// As the answer to a change shows it.
    pub(super) fn updated(written: SecretWritten) -> Self {
        let notes = Some(written.notes.map_or(Notes::Withheld, Notes::from));
        Self {
            notes,
            ..Self::listed((written.info, written.value))
        }
    }
}

impl From<SecretRead> for Secret {
    fn from(read: SecretRead) -> Self {
        let notes = Some(Notes::from(read.notes));
        Self {
            notes,
            ..Self::listed((read.info, Some(read.value)))
        }
    }
}

impl From<Option<kluis_engine::Secret>> for Notes {
    fn from(notes: Option<kluis_engine::Secret>) -> Self {
        notes.map_or(Self::None(""), |notes| Self::Some(notes.into()))
    }
}

impl From<&'static kluis_engine::Template> for Template {
    fn from(template: &'static kluis_engine::Template) -> Self {
        let fields = template.fields.iter().map(|field| Field {
            key: &field.key,
            kind: &field.kind,
            required: field.required,
        });
        Self {
            id: &template.id,
            name: &template.name,
            fields: fields.collect(),
        }
    }
}

impl From<Profile> for Me {
    fn from(Profile { user, .. }: Profile) -> Self {
        Self {
            id: prefixed("usr_", user.id.bytes()),
            name: user.name,
            email: user.email,
            plan: user.plan.as_str(),
            created_at: user.created_at.rfc3339_seconds(),
        }
    }
}

fn vault_name(name: String) -> Result<String, Error> {
    match name.trim().chars().count() {
        0 => Err(Error::invalid("name", "must not be empty")),
        1..=100 => Ok(name),
        _ => Err(Error::invalid("name", "must have at most 100 characters")),
    }
}

fn description(text: String) -> Result<String, Error> {
    if text.chars().count() > 1000 {
        return Err(Error::invalid(
            "description",
            "must have at most 1000 characters",
        ));
    }
    Ok(text)
}

fn key(text: String) -> Result<Path, Error> {
    if text.chars().count() > 255 {
        return Err(Error::invalid("key", "must have at most 255 characters"));
    }
    Path::parse(text, "key")
}

fn value(text: Given) -> Result<Value, Error> {
    if text.bytes() > 64 << 10 {
        return Err(Error::invalid("value", "must have at most 65536 bytes"));
    }
    Ok(text.into_value())
}

fn notes(text: Given) -> Result<kluis_engine::Secret, Error> {
    if text.characters() > 10_000 {
        return Err(Error::invalid(
            "notes",
            "must have at most 10000 characters",
        ));
    }
    Ok(text.into_secret())
}

/// A type is a word: a letter, then letters, digits and underscores, at most 32 characters.
fn kind(word: String) -> Result<String, Error> {
    let is_word = word.len() <= 32
        && word.starts_with(|first: char| first.is_ascii_lowercase())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_word {
        Ok(word)
    } else {
        Err(Error::invalid(
            "type",
            "must be a word of at most 32 lower-case letters, digits and underscores",
        ))
    }
}

const DEFAULT_KIND: &str = "text";
