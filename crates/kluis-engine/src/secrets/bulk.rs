//! Many secrets of one vault in one transaction (CredVault contract B3).

use super::list::names_seen;
use super::{Filter, Path, SecretAt, SecretInfo, SecretWrite};
use crate::act::{Act, ListedSecret};
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::VaultId;
use crate::policy::Permission;
use crate::store::Conn;

/// What became of the secrets that a filter admits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// How many of those that the caller sees are admitted.
    pub matched: usize,
    /// How many of these were changed: the others may not be by this caller, or cannot be.
    pub modified: usize,
}

/// The most secrets that one change by filter is about: others wait for it.
const MOST: usize = 1_000;

impl Engine {
    /// Make several secrets, all or none; in the order given. Errors as [`Engine::secret_write`].
    pub async fn secret_insert(
        &self,
        caller: &Caller,
        vault: VaultId,
        new: Vec<(Path, SecretWrite)>,
    ) -> Result<Vec<SecretInfo>, Error> {
        let engine = self.clone();
        self.change_secrets(caller, Action::SecretWrite, vault, move |tx, act| {
            Box::pin(async move {
                act.names_vault(vault);
                let mut made = Vec::with_capacity(new.len());
                for (path, write) in new {
                    let at = SecretAt::Path(path);
                    let may = &[Permission::Write];
                    let written = engine.secret_write_in(tx, act, vault, &at, write, may);
                    made.push(written.await?.info);
                }
                act.changes_many(vault, made.iter().map(listed).collect());
                Ok(made)
            })
        })
        .await
    }

    /// Change every secret that `filter` admits as `write` says for it; what the caller may not write, and what does not
    /// fit `write`, stays as it is. `Invalid` when more than a thousand are admitted.
    pub async fn secret_update_where(
        &self,
        caller: &Caller,
        vault: VaultId,
        filter: Filter,
        write: impl Fn() -> SecretWrite + Send + Sync + 'static,
    ) -> Result<Updated, Error> {
        let engine = self.clone();
        self.change_secrets(caller, Action::SecretWrite, vault, move |tx, act| {
            Box::pin(async move {
                let admitted = engine
                    .secrets_admitted(tx.conn(), act, vault, &filter)
                    .await?;
                let mut changed = Vec::new();
                for secret in &admitted {
                    let at = SecretAt::Id(secret.id);
                    let may = &[Permission::Write];
                    let written = engine.secret_write_in(tx, act, vault, &at, write(), may);
                    match written.await {
                        Ok(written) => changed.push(listed(&written.info)),
                        Err(error) => passed_over(error)?,
                    }
                }
                let updated = Updated {
                    matched: admitted.len(),
                    modified: changed.len(),
                };
                act.changes_many(vault, changed);
                Ok(updated)
            })
        })
        .await
    }

    /// Destroy every secret that `filter` admits and the caller may delete; how many. `Invalid` when more than a thousand
    /// are admitted.
    pub async fn secret_delete_where(
        &self,
        caller: &Caller,
        vault: VaultId,
        filter: Filter,
    ) -> Result<usize, Error> {
        let engine = self.clone();
        self.change_secrets(caller, Action::SecretDelete, vault, move |tx, act| {
            Box::pin(async move {
                let admitted = engine
                    .secrets_admitted(tx.conn(), act, vault, &filter)
                    .await?;
                let mut deleted = Vec::new();
                for secret in &admitted {
                    let at = SecretAt::Id(secret.id);
                    match engine.secret_delete_in(tx, act, vault, &at, None).await {
                        Ok(()) => deleted.push(listed(secret)),
                        Err(error) => passed_over(error)?,
                    }
                }
                let count = deleted.len();
                act.changes_many(vault, deleted);
                Ok(count)
            })
        })
        .await
    }

    async fn secrets_admitted(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
        filter: &Filter,
    ) -> Result<Vec<SecretInfo>, Error> {
        let access = self.access(conn, act, vault).await?;
        let mut secrets = names_seen(conn, act, &access, |_| true).await?;
        secrets.retain(|secret| filter.admits(secret));
        if secrets.len() > MOST {
            return Err(Error::invalid(
                "filter",
                "matches more than 1000, which is too many at once",
            ));
        }
        Ok(secrets)
    }
}

/// What is refused of one of many leaves the others alone; a defect or a broken store ends it all.
fn passed_over(error: Error) -> Result<(), Error> {
    match error {
        Error::Conflict(_) | Error::Forbidden | Error::Gone | Error::Hidden | Error::NotFound => {
            Ok(())
        }
        error => Err(error),
    }
}

fn listed(secret: &SecretInfo) -> ListedSecret {
    ListedSecret::at(secret.id, &secret.path, secret.newest_version)
}
