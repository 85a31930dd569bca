//! Records: a secret of named fields, with what is kept beside it in clear (contract B2, B3).

use kluis_engine::{
    ClusterId, Error, Expect, FieldsChange, LARGEST_FIELDS, Limit, NamedFields, Path, SecretInfo,
    SecretRead, SecretWrite, State, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::{IntoParams, ToSchema};

use super::members::Members;
use super::{filled, optional_time};
use crate::api::extract::stated;
use crate::api::given::Given;
use crate::api::ids::{Id, prefixed};
use crate::api::revealed::RevealedFields;

/// A record, without its secret.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Record {
    #[schema(examples("resource_01JQ7fQ2mZ81kLp0aWcDeF"))]
    pub(in super::super) id: String,
    /// Name of the collection that it is in.
    #[schema(examples("billing"))]
    collection: String,
    #[schema(examples("billing-rw"))]
    name: String,
    /// `database`, `api_key`, `password`, `certificate`, `ssh_key` or `generic`.
    #[serde(rename = "type")]
    #[schema(examples("database"))]
    kind: &'static str,
    /// In clear and searchable: nothing secret belongs here.
    #[schema(value_type = Object, examples(json!({"engine": "postgresql", "host": "db1.internal", "port": 5432})))]
    fields: Map<String, Json>,
    /// Whether there is something to reveal.
    has_secret: bool,
    #[schema(examples(json!(["prod"])))]
    tags: Vec<String>,
    /// `active`, `expired`, `disabled` or `pending_rotation`.
    #[schema(examples("active"))]
    status: &'static str,
    /// The cluster whose user it is; null when it is of none.
    #[schema(examples("cluster_01JQ91xK2mN0pQ4rS7tUvW"))]
    cluster_id: Option<String>,
    /// Rises with every change of the secret; 0 when it never had one.
    #[schema(examples(2))]
    version: u32,
    /// When the secret expires; null when it does not.
    #[schema(examples("2027-01-02T03:04:05Z"))]
    expires_at: Option<String>,
    /// When the secret was last replaced; null as long as it is the first one.
    #[schema(examples("2026-01-01T00:00:00Z"))]
    last_rotated_at: Option<String>,
    #[schema(examples("2025-11-01T00:00:00Z"))]
    created_at: String,
    #[schema(examples("2026-01-01T00:00:00Z"))]
    updated_at: String,
}

/// A record, with its secret if that was asked for.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct RecordShown {
    #[serde(flatten)]
    record: Record,
    /// Only with `reveal=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    secret: Option<RevealedFields>,
}

/// What a record is to be: all of it. What is left out begins, or is reset to, nothing.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct RecordPut {
    /// Unique in its collection.
    #[schema(min_length = 1, max_length = 1024, examples("billing-rw"))]
    pub(in super::super) name: String,
    /// `generic` unless given.
    #[serde(rename = "type")]
    kind: Option<RecordType>,
    /// At most 64 KiB.
    #[schema(value_type = Option<Object>, examples(json!({"engine": "postgresql", "host": "db1.internal", "port": 5432})))]
    fields: Option<Map<String, Json>>,
    /// Texts by name. Never shown again but with `reveal=true`; a replacement without it keeps the one that there is.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>, examples(json!({"password": "correct-horse"})))]
    secret: Option<Members<Given>>,
    /// At most 50, of at most 128 characters.
    #[schema(max_items = 50, examples(json!(["prod"])))]
    tags: Option<Vec<String>>,
    /// `active` unless given.
    status: Option<Status>,
    /// When the secret expires.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The cluster that the user in `fields.username` is of, for owners and admins: that user's password is changed there. With
    /// `fields.alternate_username`, those two are used in turn.
    #[schema(value_type = Option<String>)]
    cluster_id: Option<Id<ClusterId>>,
    /// The collection that it is in, which cannot be changed.
    collection: Option<String>,
}

/// What to change of a record: members that are left out stay, null resets (RFC 7396).
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct RecordUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1024)]
    name: Option<Option<String>>,
    #[serde(default, rename = "type", deserialize_with = "stated")]
    #[schema(value_type = Option<RecordType>)]
    kind: Option<Option<RecordType>>,
    /// Merged into those that there are.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Object>)]
    fields: Option<Option<Map<String, Json>>>,
    /// Merged into the one that there is: a text sets a member, null removes it.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Option<String>>>)]
    secret: Option<Option<Members<Option<Given>>>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    tags: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Status>)]
    status: Option<Option<Status>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<String>>,
    /// For owners and admins: binds it to a cluster, or lets it go.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>)]
    cluster_id: Option<Option<Id<ClusterId>>>,
    collection: Option<String>,
}

/// One record to insert, or several.
#[derive(ToSchema)]
#[schema(as = RecordPuts)]
#[serde(untagged)]
#[expect(dead_code, reason = "what is taken, as documentation")]
pub(in super::super) enum RecordPuts {
    One(RecordPut),
    Many(Vec<RecordPut>),
}

/// The record that was inserted, or those that were.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(in super::super) enum Inserted {
    One(Box<Record>),
    Many(Vec<Record>),
}

impl From<Record> for Inserted {
    fn from(record: Record) -> Self {
        Self::One(Box::new(record))
    }
}

/// Whether a record is shown with its secret.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct Reveal {
    /// Whether the secret is shown too.
    #[serde(default)]
    pub(in super::super) reveal: bool,
}

/// Which version a change is made to, as documentation: `if_match.rs` reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "what is taken, as documentation")]
pub(in super::super) struct IfMatchHeader {
    /// The version that the record has to have, in quotes; 409 when it has another.
    #[param(rename = "If-Match", value_type = Option<String>, example = "\"2\"")]
    if_match: Option<String>,
}

/// What a record is for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RecordType {
    ApiKey,
    Certificate,
    Database,
    Generic,
    Password,
    SshKey,
}

/// What a record can be set to; the other words for its status are the server's.
#[derive(Clone, Copy, Deserialize, ToSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Disabled,
}

/// The words for types; any other word that is stored reads as the last.
pub(in super::super) const TYPES: [&str; 6] = [
    "api_key",
    "certificate",
    "database",
    "password",
    "ssh_key",
    GENERIC,
];
/// The type of what states none.
pub(in super::super) const GENERIC: &str = "generic";

/// How a stored type is shown.
pub(in super::super) fn shown_type(kind: &str) -> &'static str {
    TYPES
        .into_iter()
        .find(|word| *word == kind)
        .unwrap_or(GENERIC)
}

impl RecordType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Certificate => "certificate",
            Self::Database => "database",
            Self::Generic => GENERIC,
            Self::Password => "password",
            Self::SshKey => "ssh_key",
        }
    }
}

impl Record {
    /// How `secret` of this collection is shown.
    pub(in super::super) fn of(collection: &str, secret: SecretInfo) -> Self {
        let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339_seconds);
        let version = secret.version.as_ref();
        Self {
            id: prefixed("resource_", secret.id.bytes()),
            collection: collection.to_owned(),
            kind: shown_type(&secret.kind),
            has_secret: version.is_some(),
            cluster_id: secret
                .cluster
                .map(|cluster| prefixed("cluster_", cluster.bytes())),
            status: State::as_str(secret.state()),
            version: secret.newest_version,
            expires_at: time(version.and_then(|version| version.expires_at)),
            last_rotated_at: time(secret.rotated_at()),
            created_at: secret.created_at.rfc3339_seconds(),
            updated_at: secret.updated_at.rfc3339_seconds(),
            fields: serde_json::from_str(&secret.fields).unwrap_or_default(),
            name: secret.path,
            tags: secret.tags,
        }
    }
}

impl RecordShown {
    /// The record alone.
    pub(in super::super) fn of(collection: &str, secret: SecretInfo) -> Self {
        Self {
            record: Record::of(collection, secret),
            secret: None,
        }
    }

    /// The record with its secret.
    pub(in super::super) fn revealed(collection: &str, read: SecretRead) -> Result<Self, Error> {
        let members = NamedFields::of(&read.value)?.into_members();
        Ok(Self {
            record: Record::of(collection, read.info),
            secret: Some(RevealedFields::from(members)),
        })
    }
}

impl RecordPut {
    /// The record to make in `collection`, and where.
    pub(in super::super) fn insert(self, collection: &str) -> Result<(Path, SecretWrite), Error> {
        let path = Path::parse(self.name.as_str(), "name")?;
        let write = self.write(collection, Expect::Absent)?;
        Ok((path, write))
    }

    /// What takes the place of a record whose newest version is `expected`, if that is stated.
    pub(in super::super) fn replace(
        self,
        collection: &str,
        expected: Option<u32>,
    ) -> Result<SecretWrite, Error> {
        let renamed = Some(Path::parse(self.name.as_str(), "name")?);
        Ok(SecretWrite {
            renamed,
            ..self.write(collection, expect(expected))?
        })
    }

    fn write(self, collection: &str, expect: Expect) -> Result<SecretWrite, Error> {
        within(collection, self.collection.as_deref())?;
        let secret = self.secret.map(|Members(members)| {
            let members = members
                .into_iter()
                .map(|(name, text)| (name, text.into_secret()));
            NamedFields::new(members.collect(), "secret")?.into_value()
        });
        Ok(SecretWrite {
            value: secret.transpose()?,
            kind: Some(self.kind.map_or(GENERIC, RecordType::as_str).to_owned()),
            fields: Some(fields(self.fields.unwrap_or_default())?),
            tags: Some(tags(self.tags.unwrap_or_default())?),
            disabled: Some(self.status == Some(Status::Disabled)),
            cluster: Some(self.cluster_id.map(|Id(cluster)| cluster)),
            expires_at: Limit::Stated(optional_time("expires_at", self.expires_at.as_deref())?),
            shows_value: false,
            ..SecretWrite::new(GENERIC, expect)
        })
    }
}

impl RecordUpdate {
    /// What to change of a record whose newest version is `expected`, if that is stated.
    pub(in super::super) fn change(
        self,
        collection: &str,
        expected: Option<u32>,
    ) -> Result<SecretWrite, Error> {
        within(collection, self.collection.as_deref())?;
        let name = filled("name", self.name)?;
        let renamed = name.map(|name| Path::parse(name, "name")).transpose()?;
        let kind = self
            .kind
            .map(|kind| kind.map_or(GENERIC, RecordType::as_str).to_owned());
        let (cleared, merged) = match self.fields {
            Some(None) => (Some("{}".to_owned()), None),
            Some(Some(merged)) => (None, Some(merged)),
            None => (None, None),
        };
        let tags = self.tags.map(|given| tags(given.unwrap_or_default()));
        let expires_at = match self.expires_at {
            Some(at) => Limit::Stated(optional_time("expires_at", at.as_deref())?),
            None => Limit::Carried,
        };
        Ok(SecretWrite {
            value_change: filled("secret", self.secret)?.and_then(members_change),
            kind,
            fields: cleared,
            fields_change: merged,
            tags: tags.transpose()?,
            disabled: self.status.map(|status| status == Some(Status::Disabled)),
            cluster: self
                .cluster_id
                .map(|given| given.map(|Id(cluster)| cluster)),
            expires_at,
            renamed,
            shows_value: false,
            ..SecretWrite::new(GENERIC, expect(expected))
        })
    }

    /// The same for many records at once, which cannot all have one name. It is asked for once for each of them.
    pub(in super::super) fn change_of_many(
        mut self,
        collection: &str,
    ) -> Result<impl Fn() -> SecretWrite + Send + Sync + 'static, Error> {
        if self.name.take().is_some() {
            return Err(Error::invalid("changes.name", "is unique in a collection"));
        }
        if self.cluster_id.is_some() {
            let why = "is set on one record at a time";
            return Err(Error::invalid("changes.cluster_id", why));
        }
        let write = self.change(collection, None)?;
        let is_nothing = write.value_change.is_none()
            && write.kind.is_none()
            && write.fields.is_none()
            && write.fields_change.is_none()
            && write.tags.is_none()
            && write.disabled.is_none()
            && matches!(write.expires_at, Limit::Carried);
        if is_nothing {
            return Err(Error::invalid("changes", "must change something"));
        }
        Ok(move || SecretWrite {
            value_change: write.value_change.as_ref().map(FieldsChange::duplicate),
            kind: write.kind.clone(),
            fields: write.fields.clone(),
            fields_change: write.fields_change.clone(),
            tags: write.tags.clone(),
            disabled: write.disabled,
            expires_at: write.expires_at,
            shows_value: false,
            ..SecretWrite::new(GENERIC, Expect::Present)
        })
    }
}

/// No change at all where no member is named.
fn members_change(Members(members): Members<Option<Given>>) -> Option<FieldsChange> {
    let members = members
        .into_iter()
        .map(|(name, text)| (name, text.map(Given::into_secret)));
    let change = FieldsChange(members.collect());
    (!change.0.is_empty()).then_some(change)
}

fn expect(version: Option<u32>) -> Expect {
    version.map_or(Expect::Present, Expect::Version)
}

fn within(collection: &str, stated: Option<&str>) -> Result<(), Error> {
    match stated {
        Some(stated) if stated != collection => Err(Error::invalid(
            "collection",
            "cannot be another one than it is in",
        )),
        _ => Ok(()),
    }
}

fn fields(fields: Map<String, Json>) -> Result<String, Error> {
    let text = Json::Object(fields).to_string();
    if text.len() > LARGEST_FIELDS {
        return Err(Error::invalid("fields", "must have at most 65536 bytes"));
    }
    Ok(text)
}

fn tags(tags: Vec<String>) -> Result<Vec<String>, Error> {
    let fits = |tag: &String| (1..=LONGEST_TAG).contains(&tag.chars().count());
    if tags.len() <= MOST_TAGS && tags.iter().all(fits) {
        Ok(tags)
    } else {
        Err(Error::invalid(
            "tags",
            "must be at most 50 texts of 1 to 128 characters",
        ))
    }
}

const MOST_TAGS: usize = 50;
const LONGEST_TAG: usize = 128;
