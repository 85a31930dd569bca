//! Rows of secrets and versions, and how a value is sealed into one and opened from it.

use kluis_crypto::{DataKey, Secret};

use super::{Availability, Form, SecretInfo, Value, VersionInfo};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{ClusterId, SecretId, VaultId};
use crate::keys::OrganizationKeys;
use crate::policy::{PolicyPrincipal, Subject};
use crate::rotation::NOTES;
use crate::store::{Failure, Row, unexpected};

/// A secret as it is stored.
#[derive(Clone)]
pub(crate) struct SecretRow {
    pub(super) id: SecretId,
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) tags: Vec<String>,
    pub(super) fields: String,
    pub(super) notes: Option<SealedField>,
    pub(super) disabled: bool,
    pub(super) newest_version: u32,
    pub(super) current_version: Option<u32>,
    pub(super) closed_at: Option<Timestamp>,
    /// The database cluster that it is bound to.
    pub(super) cluster: Option<ClusterId>,
    /// Whether its password is being changed on a server, so that the value may not be good at this moment.
    pub(super) switching: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A version as it is stored.
#[derive(Clone)]
pub(crate) struct VersionRow {
    pub(super) info: VersionInfo,
    pub(super) sealed: SealedValue,
}

/// A value as it is stored: its ciphertext, and its data key wrapped with a version of the organization's key.
#[derive(Clone)]
pub(super) struct SealedValue {
    pub(super) form: Form,
    pub(super) key_version: u32,
    pub(super) data_key: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

/// A field sealed beside a secret.
#[derive(Clone)]
pub(super) struct SealedField {
    pub(super) key_version: u32,
    pub(super) sealed: Vec<u8>,
}

impl SecretRow {
    /// From the columns `s.*` of the statements; `None` where the join found no secret.
    pub(super) fn from_columns(row: &mut Row) -> Result<Option<Self>, Failure> {
        let Some(id) = row.optional_array()? else {
            return Ok(None);
        };
        let (path, kind) = (row.text()?, row.text()?);
        let (tags, fields) = (row.json()?, row.text()?);
        let notes = match (row.optional_blob()?, row.optional_number()?) {
            (Some(sealed), Some(key_version)) => Some(SealedField {
                key_version,
                sealed,
            }),
            _ => None,
        };
        Ok(Some(Self {
            id: SecretId::from_bytes(id),
            path,
            kind,
            tags,
            fields,
            notes,
            disabled: row.flag()?,
            newest_version: row.number()?,
            current_version: row.optional_number()?,
            closed_at: row.optional_time()?,
            cluster: row.optional_array()?.map(ClusterId::from_bytes),
            switching: row.flag()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        }))
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            path: &self.path,
            kind: Some(&self.kind),
            tags: &self.tags,
        }
    }

    /// Whether the value of `version` can be had at `now`.
    pub(super) fn availability(
        &self,
        version: Option<&VersionInfo>,
        now: Timestamp,
    ) -> Availability {
        if self.closed_at.is_some() {
            return Availability::Closed;
        }
        if self.disabled {
            return Availability::Disabled;
        }
        match version {
            Some(version) => version.availability(now),
            None if self.newest_version == 0 => Availability::Empty,
            None => Availability::Disabled,
        }
    }

    pub(super) fn info(
        self,
        vault: VaultId,
        version: Option<VersionInfo>,
        now: Timestamp,
    ) -> SecretInfo {
        let availability = self.availability(version.as_ref(), now);
        SecretInfo {
            id: self.id,
            vault,
            path: self.path,
            kind: self.kind,
            tags: self.tags,
            fields: self.fields,
            newest_version: self.newest_version,
            version,
            cluster: self.cluster,
            switching: self.switching,
            disabled: self.disabled,
            availability,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    pub(super) fn open_notes(&self, keys: &OrganizationKeys) -> Result<Option<Secret>, Error> {
        self.notes
            .as_ref()
            .map(|notes| keys.open_field(NOTES, self.id.bytes(), notes.key_version, &notes.sealed))
            .transpose()
    }

    /// Bytes that it takes in memory beside those of its own fields, about.
    pub(super) fn bytes(&self, version: Option<&VersionRow>) -> usize {
        let notes = self.notes.as_ref().map_or(0, |notes| notes.sealed.len());
        let tags: usize = self.tags.iter().map(String::len).sum();
        let version = version.map_or(0, |row| {
            row.sealed.ciphertext.len() + row.info.metadata.len()
        });
        self.path.len() + self.fields.len() + notes + tags + version
    }

    /// The highest version of the organization's key that opening this secret needs.
    pub(super) fn key_version(&self, version: Option<&VersionRow>) -> u32 {
        let notes = self.notes.as_ref().map_or(0, |notes| notes.key_version);
        version
            .map_or(0, |version| version.sealed.key_version)
            .max(notes)
    }
}

impl VersionRow {
    /// From the columns `d.*` of the statements; `None` where the join found no version.
    pub(super) fn from_columns(row: &mut Row) -> Result<Option<Self>, Failure> {
        let Some(number) = row.optional_number()? else {
            return Ok(None);
        };
        let form = Form::from_stored(&row.text()?).ok_or_else(unexpected)?;
        let key_version = row.number()?;
        let data_key = row.optional_blob()?.unwrap_or_default();
        let ciphertext = row.optional_blob()?.unwrap_or_default();
        Ok(Some(Self {
            info: VersionInfo {
                number,
                metadata: row.text()?,
                expires_at: row.optional_time()?,
                max_access_count: row.optional_number()?,
                access_count: row.number()?,
                disabled: row.flag()?,
                closed_at: row.optional_time()?,
                created_by: PolicyPrincipal::from_columns(row)?,
                created_at: row.time()?,
            },
            sealed: SealedValue {
                form,
                key_version,
                data_key,
                ciphertext,
            },
        }))
    }
}

impl SealedValue {
    /// Seal `value` under a data key of its own.
    pub(super) fn seal(
        keys: &OrganizationKeys,
        vault: VaultId,
        secret: SecretId,
        version: u32,
        value: &Value,
    ) -> Result<Self, Error> {
        let (key_version, key) = keys.newest()?;
        let address = keys.address(vault.bytes(), secret.bytes(), version);
        let data = DataKey::generate()?;
        Ok(Self {
            form: value.form,
            key_version,
            data_key: key.wrap_data(&address, &data)?,
            ciphertext: data.seal(&address, value.text.expose())?,
        })
    }

    /// Open it; a value that was moved, altered or cut does not open.
    pub(super) fn open(
        &self,
        keys: &OrganizationKeys,
        vault: VaultId,
        secret: SecretId,
        version: u32,
    ) -> Result<Value, Error> {
        let address = keys.address(vault.bytes(), secret.bytes(), version);
        let data = keys
            .version(self.key_version)?
            .unwrap_data(&address, &self.data_key)?;
        Ok(Value {
            text: data.open(&address, &self.ciphertext)?,
            form: self.form,
        })
    }
}

impl Form {
    /// The word it is stored as.
    pub(super) const fn as_stored(self) -> &'static str {
        match self {
            Self::Fields => "fields",
            Self::Text => "text",
        }
    }

    fn from_stored(word: &str) -> Option<Self> {
        match word {
            "fields" => Some(Self::Fields),
            "text" => Some(Self::Text),
            _ => None,
        }
    }
}
