//! A secret on its way into the database: its row, and a new version.

use std::sync::Arc;

use super::merge::{fields_changed, value_changed};
use super::row::{SealedField, SealedValue, SecretRow, VersionRow};
use super::{Limit, Path, SecretWrite, Value, VersionInfo};
use crate::act::Act;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{SecretId, VaultId};
use crate::keys::OrganizationKeys;
use crate::policy::PolicyPrincipal;
use crate::rotation::NOTES;
use crate::store::sql::secrets as sql;
use crate::store::{Conn, Failure, params};

/// A secret being written.
pub(super) struct Writing {
    pub(super) now: Timestamp,
    /// Whose version it becomes.
    pub(super) by: PolicyPrincipal,
    pub(super) keys: Arc<OrganizationKeys>,
    pub(super) vault: VaultId,
    pub(super) secret: SecretRow,
    /// The current version: before the write the one that limits are carried from, after it the new one.
    pub(super) version: Option<VersionRow>,
}

impl Writing {
    /// Apply `write`; gives back the value that it set.
    pub(super) async fn apply(
        &mut self,
        conn: &mut Conn,
        write: SecretWrite,
        live: bool,
        keep_versions: Option<u32>,
    ) -> Result<Option<Value>, Error> {
        let now = self.now;
        if !live {
            self.reset(write.default_kind);
        }
        self.secret.updated_at = now;
        self.secret.kind = write.kind.unwrap_or(std::mem::take(&mut self.secret.kind));
        self.secret.tags = write.tags.unwrap_or(std::mem::take(&mut self.secret.tags));
        self.secret.fields = write
            .fields
            .unwrap_or(std::mem::take(&mut self.secret.fields));
        if let Some(change) = write.fields_change {
            self.secret.fields = fields_changed(&self.secret.fields, change)?;
        }
        self.secret.disabled = write.disabled.unwrap_or(self.secret.disabled);
        if let Some(notes) = write.notes {
            self.secret.notes = if notes.is_empty() {
                None
            } else {
                let (key_version, sealed) =
                    self.keys
                        .seal_field(NOTES, self.secret.id.bytes(), notes.expose())?;
                Some(SealedField {
                    key_version,
                    sealed,
                })
            };
        }
        let (value, max_access_count) = match write.value_change {
            Some(change) => {
                let version = self.version.as_ref();
                let before = version.map(|row| row.info.number);
                let (value, left) =
                    value_changed(&self.keys, self.vault, &self.secret, version, change, now)?;
                if let (Limit::Stated(Some(_)), Some(before)) = (left, before) {
                    // The reads that were left are the new version's now.
                    let used_up = params![self.secret.id.bytes(), before];
                    conn.execute(sql::USE_UP, used_up).await?;
                }
                (Some(value), left)
            }
            None => (write.value, write.max_access_count),
        };
        if let Some(value) = &value {
            let limits = Limits {
                metadata: write.metadata,
                rotation_policy: write.rotation_policy,
                expires_at: write.expires_at,
                max_access_count,
            };
            self.add_version(conn, value, limits, keep_versions).await?;
        } else if let Limit::Stated(at) = write.expires_at {
            self.set_expiry(conn, at).await?;
        }
        if let Some(path) = write.renamed
            && path.as_str() != self.secret.path
        {
            let renamed = params![self.secret.id.bytes(), path.as_str()];
            conn.execute(sql::RENAME, renamed).await?;
            path.as_str().clone_into(&mut self.secret.path);
        }
        let notes = self.secret.notes.as_ref();
        let changed = conn
            .execute(
                sql::UPDATE,
                params![
                    self.secret.id.bytes(),
                    &self.secret.kind,
                    &json(&self.secret.tags)?,
                    &self.secret.fields,
                    notes.map(|notes| &notes.sealed),
                    notes.map(|notes| notes.key_version),
                    self.secret.disabled,
                    self.secret.newest_version,
                    self.secret.current_version,
                    self.secret.created_at,
                    now
                ],
            )
            .await?;
        if changed == 1 {
            Ok(value)
        } else {
            Err(Error::NotFound)
        }
    }

    /// Another expiry, or none, for the version that is current.
    async fn set_expiry(&mut self, conn: &mut Conn, at: Option<Timestamp>) -> Result<(), Error> {
        let Some(version) = &mut self.version else {
            return match at {
                None => Ok(()),
                Some(_) => Err(Error::invalid(
                    "expires_at",
                    "needs a secret, since that is what expires",
                )),
            };
        };
        version.info.expires_at = at;
        let number = version.info.number;
        conn.execute(sql::SET_EXPIRY, params![self.secret.id.bytes(), number, at])
            .await?;
        Ok(())
    }

    /// A path that was free or closed begins anew, except for its id and its numbers.
    fn reset(&mut self, default_kind: &str) {
        default_kind.clone_into(&mut self.secret.kind);
        self.secret.tags = Vec::new();
        "{}".clone_into(&mut self.secret.fields);
        self.secret.notes = None;
        self.secret.disabled = false;
        self.secret.closed_at = None;
        self.secret.created_at = self.now;
        self.version = None;
    }

    pub(super) async fn add_version(
        &mut self,
        conn: &mut Conn,
        value: &Value,
        limits: Limits,
        keep_versions: Option<u32>,
    ) -> Result<(), Error> {
        let now = self.now;
        let id = self.secret.id;
        // Nobody else changes the secret meanwhile: its row is taken.
        let number = self.secret.newest_version + 1;
        let carried = self.version.as_ref().map(|row| &row.info);
        let expires_at = match limits.expires_at {
            Limit::Stated(at) => at,
            Limit::Carried => carried
                .and_then(|info| info.expires_at)
                .filter(|at| *at > now),
        };
        let max_access_count = match limits.max_access_count {
            Limit::Stated(most) => most,
            Limit::Carried => carried.and_then(|info| info.max_access_count),
        };
        let metadata = limits
            .metadata
            .or_else(|| carried.map(|info| info.metadata.clone()))
            .unwrap_or_else(|| "{}".to_owned());
        let sealed = SealedValue::seal(&self.keys, self.vault, id, number, value)?;
        let created_by = self.by;
        conn.execute(
            sql::INSERT_VERSION,
            params![
                id.bytes(),
                number,
                sealed.form.as_stored(),
                sealed.key_version,
                &sealed.data_key,
                &sealed.ciphertext,
                &metadata,
                limits.rotation_policy.as_ref(),
                expires_at,
                max_access_count,
                created_by.kind(),
                created_by.id_bytes(),
                now
            ],
        )
        .await?;
        if let Some(keep) = keep_versions
            && let Some(last) = number.checked_sub(keep.max(1))
            && last > 0
        {
            conn.execute(sql::DROP_OLD_VERSIONS, params![id.bytes(), last])
                .await?;
        }
        self.secret.newest_version = number;
        self.secret.current_version = Some(number);
        self.version = Some(VersionRow {
            info: VersionInfo {
                number,
                metadata,
                expires_at,
                max_access_count,
                access_count: 0,
                disabled: false,
                closed_at: None,
                created_by,
                created_at: now,
            },
            sealed,
        });
        Ok(())
    }
}

/// What goes with a new version beside its value.
pub(super) struct Limits {
    pub(super) metadata: Option<String>,
    pub(super) rotation_policy: Option<String>,
    pub(super) expires_at: Limit<Timestamp>,
    pub(super) max_access_count: Limit<u32>,
}

/// A row for a path that had none; none where another caller was faster.
pub(super) async fn insert(
    conn: &mut Conn,
    act: &Act,
    vault: VaultId,
    path: &Path,
    kind: &str,
) -> Result<Option<SecretRow>, Error> {
    let id = SecretId::generate(act.now)?;
    let none: Option<i64> = None;
    let inserted = conn
        .query_one(
            sql::INSERT,
            params![
                id.bytes(),
                vault.bytes(),
                path.as_str(),
                kind,
                "[]",
                "{}",
                none,
                none,
                false,
                act.now
            ],
        )
        .await?;
    Ok(inserted.map(|_| SecretRow {
        id,
        path: path.as_str().to_owned(),
        kind: kind.to_owned(),
        tags: Vec::new(),
        fields: "{}".to_owned(),
        notes: None,
        disabled: false,
        newest_version: 0,
        current_version: None,
        closed_at: None,
        cluster: None,
        switching: false,
        created_at: act.now,
        updated_at: act.now,
    }))
}

fn json(tags: &[String]) -> Result<String, Failure> {
    serde_json::to_string(tags).map_err(|cause| Failure::Other(cause.to_string()))
}
