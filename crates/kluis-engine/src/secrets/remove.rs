//! Removing: at once, or so that it can be undone for 30 days (RULES §5).

use super::read::Found;
use super::{Path, SecretAt, SecretInfo, Which};
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::VaultId;
use crate::policy::Permission;
use crate::store::sql::secrets as sql;
use crate::store::{Conn, Tx, params};

/// 1claw's `delete` is allowed by either permission (1claw contract §6.6).
const MAY_DELETE: &[Permission] = &[Permission::Delete, Permission::Write];

impl Engine {
    /// Destroy a secret with all its versions, at once. A closed one is not found; `Conflict` when its newest version is not
    /// the one that is expected.
    pub async fn secret_delete(
        &self,
        caller: &Caller,
        vault: VaultId,
        at: SecretAt,
        expected: Option<u32>,
    ) -> Result<(), Error> {
        let engine = self.clone();
        self.change_secrets(caller, Action::SecretDelete, vault, move |tx, act| {
            Box::pin(async move { engine.secret_delete_in(tx, act, vault, &at, expected).await })
        })
        .await
    }

    /// The same inside its transaction.
    pub(super) async fn secret_delete_in(
        &self,
        tx: &mut Tx,
        act: &mut Act,
        vault: VaultId,
        at: &SecretAt,
        expected: Option<u32>,
    ) -> Result<(), Error> {
        let found = self.live(tx.conn(), act, vault, at).await?;
        if expected.is_some_and(|version| version != found.secret.newest_version) {
            return Err(Error::Conflict(Conflict::Version));
        }
        tx.conn()
            .execute(sql::DELETE, params![found.secret.id.bytes()])
            .await?;
        Ok(())
    }

    /// Close every version of a secret: it is `Gone` from now on, and can be restored.
    pub async fn secret_close(
        &self,
        caller: &Caller,
        vault: VaultId,
        path: &Path,
    ) -> Result<(), Error> {
        let (engine, at) = (self.clone(), SecretAt::Path(path.clone()));
        self.change_secrets(caller, Action::SecretDelete, vault, move |tx, act| {
            Box::pin(async move {
                let found = engine.live(tx.conn(), act, vault, &at).await?;
                let closing = params![found.secret.id.bytes(), act.now];
                tx.conn().execute(sql::CLOSE, closing).await?;
                tx.conn().execute(sql::CLOSE_VERSIONS, closing).await?;
                Ok(())
            })
        })
        .await
    }

    /// Open the closed versions of a secret again. `Conflict` when none is closed.
    pub async fn secret_restore(
        &self,
        caller: &Caller,
        vault: VaultId,
        path: &Path,
    ) -> Result<SecretInfo, Error> {
        let (engine, path) = (self.clone(), path.clone());
        self.change_secrets(caller, Action::SecretRestore, vault, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let closed = engine.administered(conn, act, vault, &path).await?.secret;
                let id = closed.id;
                if closed.closed_at.is_some() {
                    act.creates();
                }
                if conn
                    .execute(sql::REOPEN_VERSIONS, params![id.bytes()])
                    .await?
                    == 0
                {
                    return Err(Error::Conflict(Conflict::State));
                }
                conn.execute(sql::REOPEN, params![id.bytes(), act.now])
                    .await?;
                let at = SecretAt::Path(path);
                let found = engine
                    .secret_find(conn, act, vault, &at, Which::Current)
                    .await?;
                let version = found.version.map(|row| row.info);
                let secret = found.secret.ok_or(Error::NotFound)?;
                Ok(secret.info(vault, version, act.now))
            })
        })
        .await
    }

    /// Destroy the closed versions of a secret, and the secret when nothing else is left. `Conflict` when none is
    /// closed.
    pub async fn secret_purge(
        &self,
        caller: &Caller,
        vault: VaultId,
        path: &Path,
    ) -> Result<(), Error> {
        let (engine, path) = (self.clone(), path.clone());
        self.change_secrets(caller, Action::SecretPurge, vault, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let secret = engine.administered(conn, act, vault, &path).await?.secret;
                let id = params![secret.id.bytes()];
                let purged = if secret.closed_at.is_some() {
                    conn.execute(sql::DELETE, id).await?
                } else {
                    conn.execute(sql::PURGE_VERSIONS, id).await?
                };
                if purged == 0 {
                    Err(Error::Conflict(Conflict::State))
                } else {
                    Ok(())
                }
            })
        })
        .await
    }

    async fn live(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
        at: &SecretAt,
    ) -> Result<Found, Error> {
        let sought = self.secret_find_to_change(conn, act, vault, at).await?;
        let found = sought.permitted(act, at, MAY_DELETE)?;
        if found.secret.closed_at.is_some() {
            Err(Error::NotFound)
        } else {
            Ok(found)
        }
    }

    /// The secret, open or closed, for whoever administers its vault.
    async fn administered(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
        path: &Path,
    ) -> Result<Found, Error> {
        let at = SecretAt::Path(path.clone());
        let sought = self.secret_find_to_change(conn, act, vault, &at).await?;
        sought
            .access
            .require_administration_at(act, path.as_str())?;
        let secret = sought.secret.ok_or(Error::NotFound)?;
        act.finds_secret(secret.id, &secret.path, None);
        Ok(Found {
            access: sought.access,
            secret,
            version: sought.version,
        })
    }
}
