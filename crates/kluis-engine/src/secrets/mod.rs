//! Secrets at paths: what they are made of (RULES §4), read, written, removed.
//!
//! | file | operations |
//! |---|---|
//! | `read.rs` | `secret_read`, `secret_version_list` |
//! | `list.rs` | `secret_list`, `secret_list_values` |
//! | `sealed.rs` | `sealed_secret_put` |
//! | `selected.rs` | `sealed_secret_list`, `sealed_secret_retrieve`, `sealed_secret_delete`, `tag_list` |
//! | `shared.rs` | reading for a share |
//! | `write.rs` | `secret_write` |
//! | `view.rs` | `secret_view`, `secret_query` |
//! | `bulk.rs` | `secret_insert`, `secret_update_where`, `secret_delete_where` |
//! | `revert.rs` | `secret_version_restore` |
//! | `remove.rs` | `secret_delete`, `secret_close`, `secret_restore`, `secret_purge` |
//! | `outgoing.rs` | what integrations send |
//! | `unattended.rs` | what the engine reads and writes by itself, for database clusters |
//! | `row.rs` | rows of the database, opened and sealed values |
//! | `fields.rs`, `merge.rs` | values of named fields; what a write changes in part |
//! | `filter.rs` | conditions on secrets |

mod bulk;
mod fields;
mod filter;
mod list;
mod merge;
mod outgoing;
mod read;
mod remove;
mod revert;
mod rotate;
mod row;
mod sealed;
mod selected;
mod shared;
mod shown;
mod stored;
mod unattended;
mod view;
mod write;
mod writing;

pub use bulk::Updated;
pub use fields::{FieldsChange, NamedFields};
pub use filter::{Filter, Place, State, Test};
pub use merge::LARGEST_FIELDS;
pub(crate) use outgoing::{Outgoing, Wanted};
pub use rotate::{Charset, Rotate};
pub use sealed::{Sealed, SealedPut};
pub use selected::{InVault, Reader, Retrieved, Selection};
pub(crate) use stored::{Asked, Listed, Stored};
pub(crate) use unattended::{
    Unattended, generated_password, password_alone, password_of, secret_of_columns, with_password,
};
pub(crate) use write::secret_make;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{ClusterId, SecretId, VaultId};
use crate::policy::PolicyPrincipal;

/// A secret without its value.
#[derive(Clone, Debug)]
pub struct SecretInfo {
    /// Its id, the same for all versions and dialects.
    pub id: SecretId,
    /// The vault it is in.
    pub vault: VaultId,
    /// Its path.
    pub path: String,
    /// Its type: a word.
    pub kind: String,
    /// Its tags, in the order given.
    pub tags: Vec<String>,
    /// Plain fields, as the text of a JSON object.
    pub fields: String,
    /// Number of the newest version.
    pub newest_version: u32,
    /// The current version, unless there is none.
    pub version: Option<VersionInfo>,
    /// The database cluster that it is bound to.
    pub cluster: Option<ClusterId>,
    /// Whether its password is being changed on a server.
    pub switching: bool,
    /// Whether the whole secret is disabled.
    pub disabled: bool,
    /// Whether and why its value cannot be had.
    pub availability: Availability,
    /// When its path was first written.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// A version without its value.
#[derive(Clone, Debug)]
pub struct VersionInfo {
    /// Its number, from 1.
    pub number: u32,
    /// Plain metadata, as the text of a JSON object.
    pub metadata: String,
    /// After this it cannot be read.
    pub expires_at: Option<Timestamp>,
    /// How often it can be read.
    pub max_access_count: Option<u32>,
    /// How often it has been read, where that is limited.
    pub access_count: u32,
    /// Whether it is disabled.
    pub disabled: bool,
    /// When it was closed by a deletion that can be undone.
    pub closed_at: Option<Timestamp>,
    /// Who wrote it.
    pub created_by: PolicyPrincipal,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Whether a version's value can be had (RULES §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Available,
    /// Closed by a deletion that can be undone.
    Closed,
    /// Disabled, or no version is enabled.
    Disabled,
    /// It has no value yet.
    Empty,
    /// Past its expiry.
    Expired,
    /// Read as often as it may be.
    UsedUp,
}

/// A secret's value.
pub struct Value {
    /// The text itself, or the fields as compact JSON with their members in order.
    pub text: kluis_crypto::Secret,
    /// Which of the two it is.
    pub form: Form,
}

/// What a value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Named fields, text to text.
    Fields,
    /// One text.
    Text,
}

/// A secret with its value and notes.
pub struct SecretRead {
    /// Everything else; its `version` is the one that was read.
    pub info: SecretInfo,
    /// The value.
    pub value: Value,
    /// The notes; `None` when there are none.
    pub notes: Option<kluis_crypto::Secret>,
}

/// Which secret of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretAt {
    /// The one with this id.
    Id(SecretId),
    /// The one at this path.
    Path(Path),
}

/// Which version of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The newest that is not disabled.
    Current,
    /// The one with this number.
    Number(u32),
}

/// A path: 1–1024 bytes of UTF-8 without control characters, compared byte by byte (DESIGN §1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(String);

/// What to write; what an API cannot say is left alone (RULES §4).
pub struct SecretWrite {
    /// A new value, and so a new version.
    pub value: Option<Value>,
    /// Fields of the value to set or to remove, instead of a whole new value; those not named stay.
    pub value_change: Option<FieldsChange>,
    /// Another type.
    pub kind: Option<String>,
    /// The type of a new secret when none is stated.
    pub default_kind: &'static str,
    /// Other notes.
    pub notes: Option<kluis_crypto::Secret>,
    /// Other tags.
    pub tags: Option<Vec<String>>,
    /// Other plain fields, as the text of a JSON object.
    pub fields: Option<String>,
    /// Plain fields to merge into those that there are: a JSON merge patch (RFC 7396).
    pub fields_change: Option<serde_json::Map<String, serde_json::Value>>,
    /// Metadata of the new version, as the text of a JSON object; those of the current one unless stated.
    pub metadata: Option<String>,
    /// Kept with the new version, and without effect: the text of a JSON object (1claw contract §6.3).
    pub rotation_policy: Option<String>,
    /// Expiry of the new version; stated without a value, of the current one.
    pub expires_at: Limit<Timestamp>,
    /// How often the new version can be read.
    pub max_access_count: Limit<u32>,
    /// Whether the secret is to be disabled or enabled.
    pub disabled: Option<bool>,
    /// The database cluster that it is to be bound to, or none. For owners and admins.
    pub cluster: Option<Option<ClusterId>>,
    /// What has to be there already.
    pub expect: Expect,
    /// The path that the secret is said to have; `Invalid` when it has another.
    pub stated_path: Option<String>,
    /// Another path. Whoever moves a secret has to be allowed to read it, since other policies apply there.
    pub renamed: Option<Path>,
    /// Whether the answer is to have value and notes; what it shows and did not set itself is recorded as read.
    pub shows_value: bool,
}

/// A limit of a new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<T> {
    /// As the current version has it: an expiry only when it is still ahead, a count afresh.
    Carried,
    /// Stated: this, or none.
    Stated(Option<T>),
}

/// What a write expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: the secret is to be created.
    Absent,
    /// Whatever there is.
    Either,
    /// The secret.
    Present,
    /// The secret, with this as its newest version.
    Version(u32),
}

/// What a write made.
pub struct SecretWritten {
    /// The secret as it is now.
    pub info: SecretInfo,
    /// The value, when the write set it, or when the caller may read it and it has no limit.
    pub value: Option<Value>,
    /// The notes, if there are any; withheld from a caller who neither set them nor may read.
    pub notes: Option<Option<kluis_crypto::Secret>>,
    /// Whether the path was free before.
    pub created: bool,
}

/// The largest value that is kept, in bytes.
pub const LARGEST_VALUE: usize = 5 << 20;

impl SecretWrite {
    /// A write that changes nothing yet, with an answer that shows what may be shown.
    pub const fn new(default_kind: &'static str, expect: Expect) -> Self {
        Self {
            value: None,
            value_change: None,
            kind: None,
            default_kind,
            notes: None,
            tags: None,
            fields: None,
            fields_change: None,
            metadata: None,
            expires_at: Limit::Carried,
            max_access_count: Limit::Carried,
            rotation_policy: None,
            disabled: None,
            cluster: None,
            expect,
            stated_path: None,
            renamed: None,
            shows_value: true,
        }
    }
}

impl Value {
    /// A text.
    pub fn from_text(text: String) -> Self {
        Self::from_secret(kluis_crypto::Secret::from_text(text))
    }

    /// A text that is a secret already.
    pub(crate) const fn from_secret(text: kluis_crypto::Secret) -> Self {
        Self {
            text,
            form: Form::Text,
        }
    }
}

impl Path {
    /// Check a path; errors name `field`, the dialect's word for it.
    pub fn parse(text: impl Into<String>, field: &'static str) -> Result<Self, Error> {
        let text = text.into();
        if text.is_empty() {
            return Err(Error::invalid(field, "must not be empty"));
        }
        if text.len() > 1024 {
            return Err(Error::invalid(field, "must have at most 1024 bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err(Error::invalid(field, "must not hold control characters"));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl VersionInfo {
    /// How often it can still be read, where that is limited.
    pub(crate) fn reads_left(&self) -> Option<u32> {
        self.max_access_count
            .map(|most| most.saturating_sub(self.access_count))
    }

    /// Whether its value can be had at `now`.
    pub fn availability(&self, now: Timestamp) -> Availability {
        if self.closed_at.is_some() {
            Availability::Closed
        } else if self.disabled {
            Availability::Disabled
        } else if self.expires_at.is_some_and(|at| at <= now) {
            Availability::Expired
        } else if self
            .max_access_count
            .is_some_and(|most| self.access_count >= most)
        {
            Availability::UsedUp
        } else {
            Availability::Available
        }
    }
}
