//! Reading: one value, versions.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::row::{SecretRow, VersionRow};
use super::stored::Stored;
use super::{Availability, Path, SecretAt, SecretInfo, SecretRead, VersionInfo, Which};
use crate::access::Access;
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::{Error, Unavailable};
use crate::ids::VaultId;
use crate::policy::{Permission, Subject};
use crate::store::sql::secrets as sql;
use crate::store::{Conn, params};

/// A secret that was found, with what is needed to open it.
pub(super) struct Found {
    pub(super) access: Access,
    pub(super) secret: SecretRow,
    pub(super) version: Option<VersionRow>,
}

impl Engine {
    /// Read one secret with its value and notes. `Gone` when the version is closed, expired, used up or disabled.
    ///
    /// A read of a limited version uses up one of its reads, exactly; such a read is a change and goes through the
    /// writer.
    pub async fn secret_read(
        &self,
        caller: &Caller,
        vault: VaultId,
        at: &SecretAt,
        which: Which,
    ) -> Result<SecretRead, Error> {
        loop {
            let read = self
                .look(caller, Action::SecretRead, async |conn, act| {
                    let found = self.secret_readable(conn, act, vault, at, which).await?;
                    if found.is_limited() {
                        act.defer();
                        return Ok(None);
                    }
                    self.secret_open(conn, act, found).await.map(Some)
                })
                .await;
            let read = match read {
                Ok(None) => {
                    self.secret_read_limited(caller, vault, at.clone(), which)
                        .await
                }
                Ok(Some(read)) => Ok(read),
                Err(error) => Err(error),
            };
            if let Some(read) = self.settled(read).await? {
                return Ok(read);
            }
        }
    }

    /// The versions of a secret, newest first, without values. `Gone` when the path is closed.
    pub async fn secret_version_list(
        &self,
        caller: &Caller,
        vault: VaultId,
        at: &SecretAt,
    ) -> Result<(SecretInfo, Vec<VersionInfo>), Error> {
        self.look(caller, Action::SecretVersionList, async |conn, act| {
            let sought = self
                .secret_find(conn, act, vault, at, Which::Current)
                .await?;
            let (secret, version) = sought.seen(act, at)?;
            if secret.closed_at.is_some() {
                return Err(Error::Gone);
            }
            let mut versions = Vec::new();
            for mut row in conn
                .query(sql::VERSIONS, params![secret.id.bytes()])
                .await?
            {
                if let Some(row) = VersionRow::from_columns(&mut row)? {
                    versions.push(row.info);
                }
            }
            Ok((
                secret.info(vault, version.map(|row| row.info), act.now),
                versions,
            ))
        })
        .await
    }

    async fn secret_read_limited(
        &self,
        caller: &Caller,
        vault: VaultId,
        at: SecretAt,
        which: Which,
    ) -> Result<SecretRead, Error> {
        let engine = self.clone();
        self.change_secrets(caller, Action::SecretRead, vault, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let found = engine.secret_readable(conn, act, vault, &at, which).await?;
                engine.secret_use(conn, act, found).await
            })
        })
        .await
    }

    /// Open a secret inside a transaction, which uses up one of its reads where they are limited.
    pub(super) async fn secret_use(
        &self,
        conn: &mut Conn,
        act: &Act,
        mut found: Found,
    ) -> Result<SecretRead, Error> {
        if let Some(version) = &mut found.version
            && found.secret.closed_at.is_none()
            && version.info.max_access_count.is_some()
        {
            let used = params![found.secret.id.bytes(), version.info.number];
            let used = conn.query_one(sql::USE_READ, used).await?;
            version.info.access_count = used.ok_or(Error::Gone)?.number()?;
        }
        self.secret_open(conn, act, found).await
    }

    /// That the password of `secret` is not being changed on a server at this moment, or was waited for in vain.
    pub(super) fn require_settled(&self, act: &Act, secret: &SecretRow) -> Result<(), Error> {
        if secret.switching && self.barrier().is_waited_for(secret.id, act.now) {
            return Err(Error::Unavailable(Unavailable::Switching(secret.id)));
        }
        Ok(())
    }

    /// What was read; none after a password was being changed and was waited for: then it is to be read again.
    pub(crate) async fn settled<T>(&self, read: Result<T, Error>) -> Result<Option<T>, Error> {
        let secret = match read {
            Err(Error::Unavailable(Unavailable::Switching(secret))) => secret,
            read => return read.map(Some),
        };
        let settled: Pin<Box<dyn Future<Output = Result<(), Error>> + Send + '_>> =
            Box::pin(self.password_settled(secret));
        settled.await?;
        Ok(None)
    }

    /// The secret, if the caller may read it and its value can be had.
    async fn secret_readable(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
        at: &SecretAt,
        which: Which,
    ) -> Result<Found, Error> {
        let sought = self.secret_find(conn, act, vault, at, which).await?;
        let found = sought.readable(act, at, which)?;
        if which == Which::Current {
            self.require_settled(act, &found.secret)?;
        }
        Ok(found)
    }

    /// The vault as the caller may know it, and the secret in it if there is one.
    pub(super) async fn secret_find(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
        at: &SecretAt,
        which: Which,
    ) -> Result<Sought, Error> {
        at.named(act, vault);
        self.secret_sought(conn, act, vault, at, which).await
    }

    /// The same where the request does not name the vault.
    pub(super) async fn secret_sought(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
        at: &SecretAt,
        which: Which,
    ) -> Result<Sought, Error> {
        let stored = self.secret_stored(conn, act, vault, at, which).await?;
        let Stored {
            vault,
            secret,
            version,
        } = Arc::unwrap_or_clone(stored);
        act.looks_into(&vault);
        let access = self.access_of(conn, act, vault).await?;
        Ok(Sought {
            access,
            secret,
            version,
        })
    }

    /// The same as [`Engine::secret_find`], to change the secret: nobody else does until the transaction ends.
    pub(super) async fn secret_find_to_change(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
        at: &SecretAt,
    ) -> Result<Sought, Error> {
        at.named(act, vault);
        let is_taken = match at {
            SecretAt::Id(id) => {
                conn.lock(sql::LOCK_BY_ID, params![vault.bytes(), id.bytes()])
                    .await?
            }
            SecretAt::Path(path) => {
                conn.lock(sql::LOCK_BY_PATH, params![vault.bytes(), path.as_str()])
                    .await?
            }
        };
        let sought = self
            .secret_find(conn, act, vault, at, Which::Current)
            .await?;
        if sought.secret.is_some() && !is_taken {
            // It came between the two statements: now it can be taken.
            return Box::pin(self.secret_find_to_change(conn, act, vault, at)).await;
        }
        Ok(sought)
    }

    async fn secret_open(
        &self,
        conn: &mut Conn,
        act: &Act,
        found: Found,
    ) -> Result<SecretRead, Error> {
        let Found {
            access,
            secret,
            version,
        } = found;
        let version = version.ok_or(Error::Gone)?;
        let vault = access.vault.facts.id;
        let newest = secret.key_version(Some(&version));
        let keys = self
            .keys()?
            .organization_at(conn, access.vault.organization, newest)
            .await?;
        let value = version
            .sealed
            .open(&keys, vault, secret.id, version.info.number)?;
        let notes = secret.open_notes(&keys)?;
        Ok(SecretRead {
            info: secret.info(vault, Some(version.info), act.now),
            value,
            notes,
        })
    }
}

/// What a vault holds at a place.
pub(super) struct Sought {
    pub(super) access: Access,
    pub(super) secret: Option<SecretRow>,
    pub(super) version: Option<VersionRow>,
}

impl SecretAt {
    /// The request names it.
    fn named(&self, act: &mut Act, vault: VaultId) {
        match self {
            Self::Id(id) => {
                act.names("secret", *id.bytes());
                act.names_vault(vault);
            }
            Self::Path(path) => {
                act.names_vault(vault);
                act.names_path(path.as_str());
            }
        }
    }
}

impl Sought {
    /// The secret with its current version, if the caller sees its name; closed ones are found too.
    pub(super) fn seen(
        self,
        act: &mut Act,
        at: &SecretAt,
    ) -> Result<(SecretRow, Option<VersionRow>), Error> {
        let Self {
            access,
            secret,
            version,
        } = self;
        let subject = match (&secret, at) {
            (Some(secret), _) => secret.subject(),
            (None, SecretAt::Path(path)) => subject_of(None, path),
            (None, SecretAt::Id(_)) => return Err(access.absent(act)),
        };
        if !access.standing(&act.caller).sees(&subject) {
            return Err(Error::Hidden);
        }
        let secret = secret.ok_or(Error::NotFound)?;
        act.finds_secret(secret.id, &secret.path, None);
        Ok((secret, version))
    }

    /// The secret, if the caller may do one of `permissions`; closed ones are found too.
    pub(super) fn permitted(
        self,
        act: &mut Act,
        at: &SecretAt,
        permissions: &[Permission],
    ) -> Result<Found, Error> {
        let Self {
            access,
            secret,
            version,
        } = self;
        match (secret, at) {
            (Some(secret), _) => {
                access
                    .require(act, permissions, &secret.subject())
                    .inspect_err(|error| {
                        if matches!(error, Error::Forbidden) {
                            act.finds_secret(secret.id, &secret.path, None);
                        }
                    })?;
                let number = version.as_ref().map(|row| row.info.number);
                act.finds_secret(secret.id, &secret.path, number);
                Ok(Found {
                    access,
                    secret,
                    version,
                })
            }
            (None, SecretAt::Path(path)) => {
                access.require(act, permissions, &subject_of(None, path))?;
                Err(Error::NotFound)
            }
            (None, SecretAt::Id(_)) => Err(access.absent(act)),
        }
    }
}

impl Sought {
    /// The secret, if the caller may read it and its value can be had.
    pub(super) fn readable(
        self,
        act: &mut Act,
        at: &SecretAt,
        which: Which,
    ) -> Result<Found, Error> {
        let found = self.permitted(act, at, &[Permission::Read])?;
        let info = found.version.as_ref().map(|row| &row.info);
        if which != Which::Current && info.is_none() && found.secret.closed_at.is_none() {
            return Err(Error::NotFound);
        }
        match found.secret.availability(info, act.now) {
            Availability::Available => Ok(found),
            Availability::Empty => Err(Error::NotFound),
            Availability::Closed
            | Availability::Disabled
            | Availability::Expired
            | Availability::UsedUp => Err(Error::Gone),
        }
    }
}

impl Found {
    fn is_limited(&self) -> bool {
        self.version
            .as_ref()
            .is_some_and(|row| row.info.max_access_count.is_some())
    }
}

/// What decisions are made on: the secret, or the bare path where there is none.
pub(super) fn subject_of<'a>(secret: Option<&'a SecretRow>, path: &'a Path) -> Subject<'a> {
    match secret {
        Some(secret) => secret.subject(),
        None => Subject {
            path: path.as_str(),
            kind: None,
            tags: &[],
        },
    }
}
