//! Writing: a new secret, a new version, or what is kept beside the value.

use super::read::{Sought, subject_of};
use super::row::{SealedField, SealedValue, SecretRow, VersionRow};
use super::shown::Shown;
use super::{
    Expect, LARGEST_VALUE, Limit, Path, SecretAt, SecretWrite, SecretWritten, Value, VersionInfo,
};
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{SecretId, VaultId};
use crate::keys::OrganizationKeys;
use crate::policy::{Permission, PolicyPrincipal, Subject};
use crate::rotation::NOTES;
use crate::store::sql::secrets as sql;
use crate::store::{Conn, Failure, Tx, params};

impl Engine {
    /// Write a secret. `NotFound` or `Conflict` when `write.expect` does not hold; `TooLarge` over [`LARGEST_VALUE`].
    ///
    /// A write to a closed path opens it again: the same id, the next version, older versions stay closed.
    pub async fn secret_write(
        &self,
        caller: &Caller,
        vault: VaultId,
        at: SecretAt,
        write: SecretWrite,
    ) -> Result<SecretWritten, Error> {
        if write
            .value
            .as_ref()
            .is_some_and(|value| value.text.len() > LARGEST_VALUE)
        {
            return Err(Error::TooLarge);
        }
        let engine = self.clone();
        self.change_secrets(caller, Action::SecretWrite, vault, move |tx, act| {
            Box::pin(async move {
                engine
                    .secret_write_in(tx, act, vault, &at, write, &[Permission::Write])
                    .await
            })
        })
        .await
    }

    /// The same inside its transaction; one of `permissions` is enough.
    pub(super) async fn secret_write_in(
        &self,
        tx: &mut Tx,
        act: &mut Act,
        vault: VaultId,
        at: &SecretAt,
        write: SecretWrite,
        permissions: &'static [Permission],
    ) -> Result<SecretWritten, Error> {
        let sought = self
            .secret_find_to_change(tx.conn(), act, vault, at)
            .await?;
        permit(act, &sought, at, &write, permissions)?;
        let Sought {
            access,
            secret,
            version,
        } = sought;
        let live = secret
            .as_ref()
            .is_some_and(|secret| secret.closed_at.is_none());
        expected(&write, secret.as_ref(), live, at)?;
        if let (Some(stated), Some(secret)) = (&write.stated_path, &secret)
            && *stated != secret.path
        {
            return Err(Error::invalid("path", "cannot be changed"));
        }
        let keys = self
            .keys()?
            .organization(tx.conn(), access.vault.organization)
            .await?;
        let (secret, carried) = match (secret, at) {
            (Some(secret), _) => (secret, version.filter(|_| live)),
            (None, SecretAt::Path(path)) => {
                let made = insert(tx.conn(), act, vault, path, write.default_kind).await?;
                let Some(secret) = made else {
                    // Another was faster: theirs is what is written to. Only on PostgreSQL.
                    let again = self.secret_write_in(tx, act, vault, at, write, permissions);
                    return Box::pin(again).await;
                };
                (secret, None)
            }
            (None, SecretAt::Id(_)) => return Err(Error::NotFound),
        };
        let mut writing = Writing {
            act,
            keys,
            vault,
            secret,
            version: carried,
        };
        let notes_set = write.notes.is_some();
        let written = writing
            .apply(tx.conn(), write, live, self.settings().keep_versions)
            .await?;
        let Writing {
            secret,
            version,
            keys,
            ..
        } = writing;
        let number = version.as_ref().map(|row| row.info.number);
        act.finds_secret(secret.id, &secret.path, number);
        let stored = Shown {
            access: &access,
            secret: &secret,
            version: version.as_ref(),
            keys: &keys,
        };
        let (value, notes) = stored.after(tx, act, written, notes_set)?;
        Ok(SecretWritten {
            info: secret.info(vault, version.map(|row| row.info), act.now),
            value,
            notes,
            created: !live,
        })
    }
}

/// May the caller write here, what is there and what it is to become? A change of type needs both (RULES §2, step 2).
fn permit(
    act: &mut Act,
    sought: &Sought,
    at: &SecretAt,
    write: &SecretWrite,
    permissions: &[Permission],
) -> Result<(), Error> {
    let subject = match (&sought.secret, at) {
        (secret, SecretAt::Path(path)) => subject_of(secret.as_ref(), path),
        (Some(secret), SecretAt::Id(_)) => secret.subject(),
        (None, SecretAt::Id(_)) => return Err(sought.access.absent(act)),
    };
    if let Some(secret) = &sought.secret
        && sought.access.standing(&act.caller).sees(&subject)
    {
        // A refusal tells the name to whoever may see it.
        act.finds_secret(secret.id, &secret.path, None);
    }
    sought.access.require(act, permissions, &subject)?;
    let becomes = Subject {
        kind: write.kind.as_deref().or(subject.kind),
        ..subject
    };
    sought.access.require(act, permissions, &becomes)
}

fn expected(
    write: &SecretWrite,
    secret: Option<&SecretRow>,
    live: bool,
    at: &SecretAt,
) -> Result<(), Error> {
    if write.value.is_none() && (!live || secret.is_none()) {
        // Nothing to change, and a secret without a value is never made.
        return Err(if write.expect == Expect::Absent {
            Error::missing("value")
        } else {
            Error::NotFound
        });
    }
    match write.expect {
        Expect::Absent if live => Err(Error::Conflict(Conflict::Exists)),
        Expect::Present | Expect::Version(_) if !live => Err(Error::NotFound),
        Expect::Version(number) if secret.is_none_or(|secret| secret.newest_version != number) => {
            Err(Error::Conflict(Conflict::Version))
        }
        // A closed secret is only opened again through its path.
        Expect::Either if !live && matches!(at, SecretAt::Id(_)) => Err(Error::NotFound),
        Expect::Absent | Expect::Either | Expect::Present | Expect::Version(_) => Ok(()),
    }
}

/// A secret being written.
struct Writing<'a> {
    act: &'a Act,
    keys: std::sync::Arc<OrganizationKeys>,
    vault: VaultId,
    secret: SecretRow,
    /// The current version: before the write the one that limits are carried from, after it the new one.
    version: Option<VersionRow>,
}

impl Writing<'_> {
    /// Apply `write`; gives back the value that it set.
    async fn apply(
        &mut self,
        conn: &mut Conn,
        write: SecretWrite,
        live: bool,
        keep_versions: Option<u32>,
    ) -> Result<Option<Value>, Error> {
        let now = self.act.now;
        if !live {
            self.reset(write.default_kind);
        }
        self.secret.updated_at = now;
        self.secret.kind = write.kind.unwrap_or(std::mem::take(&mut self.secret.kind));
        self.secret.tags = write.tags.unwrap_or(std::mem::take(&mut self.secret.tags));
        self.secret.fields = write
            .fields
            .unwrap_or(std::mem::take(&mut self.secret.fields));
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
        if let Some(value) = &write.value {
            let limits = Limits {
                metadata: write.metadata,
                rotation_policy: write.rotation_policy,
                expires_at: write.expires_at,
                max_access_count: write.max_access_count,
            };
            self.add_version(conn, value, limits, keep_versions).await?;
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
            Ok(write.value)
        } else {
            Err(Error::NotFound)
        }
    }

    /// A path that was free or closed begins anew, except for its id and its numbers.
    fn reset(&mut self, default_kind: &str) {
        default_kind.clone_into(&mut self.secret.kind);
        self.secret.tags = Vec::new();
        "{}".clone_into(&mut self.secret.fields);
        self.secret.notes = None;
        self.secret.disabled = false;
        self.secret.closed_at = None;
        self.secret.created_at = self.act.now;
        self.version = None;
    }

    async fn add_version(
        &mut self,
        conn: &mut Conn,
        value: &Value,
        limits: Limits,
        keep_versions: Option<u32>,
    ) -> Result<(), Error> {
        let now = self.act.now;
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
        let created_by = PolicyPrincipal::of(&self.act.caller);
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

/// Keep a value of the engine's own making at a free path, whoever the caller is.
pub(crate) async fn secret_make(
    conn: &mut Conn,
    act: &Act,
    keys: &std::sync::Arc<OrganizationKeys>,
    vault: VaultId,
    path: &Path,
    kind: &'static str,
    value: Value,
) -> Result<(), Error> {
    let made = insert(conn, act, vault, path, kind).await?;
    let mut writing = Writing {
        act,
        keys: std::sync::Arc::clone(keys),
        vault,
        secret: made.ok_or(Error::Conflict(Conflict::Exists))?,
        version: None,
    };
    let write = SecretWrite {
        value: Some(value),
        ..SecretWrite::new(kind, Expect::Absent)
    };
    writing.apply(conn, write, false, None).await.map(drop)
}

struct Limits {
    metadata: Option<String>,
    rotation_policy: Option<String>,
    expires_at: Limit<crate::clock::Timestamp>,
    max_access_count: Limit<u32>,
}

/// A row for a path that had none; none where another caller was faster.
async fn insert(
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
        created_at: act.now,
        updated_at: act.now,
    }))
}

fn json(tags: &[String]) -> Result<String, Failure> {
    serde_json::to_string(tags).map_err(|cause| Failure::Other(cause.to_string()))
}
