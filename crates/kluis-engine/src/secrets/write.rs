//! Writing: a new secret, a new version, or what is kept beside the value.

use super::read::{Sought, subject_of};
use super::row::SecretRow;
use super::shown::Shown;
use super::writing::{Writing, insert};
use super::{Expect, LARGEST_VALUE, Path, SecretAt, SecretWrite, SecretWritten, Value};
use crate::access::Access;
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::clusters::administers_clusters;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::VaultId;
use crate::keys::OrganizationKeys;
use crate::policy::{Permission, PolicyPrincipal, Subject};
use crate::store::{Conn, Tx};

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
        if let (Some(path), Some(secret)) = (&write.renamed, &secret)
            && path.as_str() != secret.path
        {
            permit_rename(act, &access, secret, path, permissions)?;
        }
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
            now: act.now,
            by: PolicyPrincipal::of(&act.caller),
            keys,
            vault,
            secret,
            version: carried,
        };
        let (notes_set, shows_value) = (write.notes.is_some(), write.shows_value);
        let cluster = write.cluster;
        let written = writing
            .apply(tx.conn(), write, live, self.settings().keep_versions)
            .await?;
        if let Some(cluster) = cluster
            && (cluster != writing.secret.cluster
                || cluster.is_some() && administers_clusters(&act.caller))
        {
            let (id, fields) = (writing.secret.id, &writing.secret.fields);
            self.secret_bind(tx.conn(), act, id, fields, cluster)
                .await?;
            writing.secret.cluster = cluster;
        }
        let Writing {
            secret,
            version,
            keys,
            ..
        } = writing;
        let number = version.as_ref().map(|row| row.info.number);
        act.finds_secret(secret.id, &secret.path, number);
        if !live {
            act.creates();
        }
        let stored = Shown {
            access: &access,
            secret: &secret,
            version: version.as_ref(),
            keys: &keys,
        };
        let (value, notes) = if shows_value {
            stored.after(tx, act, written, notes_set)?
        } else {
            (None, None)
        };
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

/// May the caller move `secret` to `path`? What it may read there it has to be allowed to read here, and nobody gets to read
/// what a policy keeps from them by moving it out of that policy's reach.
fn permit_rename(
    act: &mut Act,
    access: &Access,
    secret: &SecretRow,
    path: &Path,
    permissions: &[Permission],
) -> Result<(), Error> {
    let there = Subject {
        path: path.as_str(),
        ..secret.subject()
    };
    access.require(act, permissions, &there)?;
    access.require(act, &[Permission::Read], &secret.subject())?;
    if act.caller.within_scopes(Action::SecretRead.rule().scopes) {
        Ok(())
    } else {
        Err(Error::Forbidden)
    }
}

fn expected(
    write: &SecretWrite,
    secret: Option<&SecretRow>,
    live: bool,
    at: &SecretAt,
) -> Result<(), Error> {
    let has_value = write.value.is_some() || write.value_change.is_some();
    if !has_value && !live {
        return match (write.expect, secret) {
            // It gets its value later.
            (Expect::Absent, None) => Ok(()),
            // What a closed path begins anew with is a value.
            (Expect::Absent, Some(_)) => Err(Error::Conflict(Conflict::State)),
            (Expect::Either | Expect::Present | Expect::Version(_), _) => Err(Error::NotFound),
        };
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
        now: act.now,
        by: PolicyPrincipal::of(&act.caller),
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
