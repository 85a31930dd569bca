//! What the database holds at a place, asked once for as long as nothing changes ([`crate::remembered`]).

use std::sync::Arc;

use super::row::{SecretRow, VersionRow};
use super::{Path, SecretAt, Which};
use crate::access::VaultRow;
use crate::act::Act;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::VaultId;
use crate::store::sql::secrets as sql;
use crate::store::{Conn, params};

/// What a look for a secret asks for.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    vault: VaultId,
    at: SecretAt,
    which: Which,
}

/// What the database holds there.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(super) vault: VaultRow,
    pub(super) secret: Option<SecretRow>,
    pub(super) version: Option<VersionRow>,
}

/// A live secret with its current version.
pub(crate) type Listed = (SecretRow, Option<VersionRow>);

impl Engine {
    /// What the database holds there; remembered in a look.
    pub(super) async fn secret_stored(
        &self,
        conn: &mut Conn,
        act: &Act,
        vault: VaultId,
        at: &SecretAt,
        which: Which,
    ) -> Result<Arc<Stored>, Error> {
        let known = &self.remembered().secrets;
        let asked = Asked {
            vault,
            at: at.clone(),
            which,
        };
        let generation = self.generation_of(act, vault);
        if let Some(generation) = generation
            && let Some(stored) = known.answer(&asked, generation)
        {
            return Ok(stored);
        }
        let number = match which {
            Which::Current => None,
            Which::Number(number) => Some(number),
        };
        let row = match at {
            SecretAt::Id(id) => {
                let at = params![vault.bytes(), id.bytes(), number];
                conn.query_one(sql::READ_BY_ID, at).await?
            }
            SecretAt::Path(path) => {
                let at = params![vault.bytes(), path.as_str(), number];
                conn.query_one(sql::READ_BY_PATH, at).await?
            }
        };
        let mut row = row.ok_or(Error::NotFound)?;
        let vault = VaultRow::from_columns(&mut row)?;
        let secret = SecretRow::from_columns(&mut row)?;
        let version = match secret {
            Some(_) => VersionRow::from_columns(&mut row)?,
            None => None,
        };
        let bytes = secret
            .as_ref()
            .map_or(0, |secret| secret.bytes(version.as_ref()));
        let stored = Arc::new(Stored {
            vault,
            secret,
            version,
        });
        if let Some(generation) = generation {
            known.keep(asked, generation, Arc::clone(&stored), bytes);
        }
        Ok(stored)
    }

    /// Type and tags of the live secret at `path`.
    pub(crate) async fn secret_subject(
        &self,
        conn: &mut Conn,
        act: &Act,
        vault: VaultId,
        path: &Path,
    ) -> Result<Option<(String, Vec<String>)>, Error> {
        let at = SecretAt::Path(path.clone());
        let stored = self
            .secret_stored(conn, act, vault, &at, Which::Current)
            .await?;
        let live = stored.secret.as_ref();
        let live = live.filter(|secret| secret.closed_at.is_none());
        Ok(live.map(|secret| (secret.kind.clone(), secret.tags.clone())))
    }

    /// The generation of what a look is told of `vault`, from before it asks; none where nothing is remembered.
    fn generation_of(&self, act: &Act, vault: VaultId) -> Option<u64> {
        let generations = self.store().generations().filter(|_| act.looks);
        generations.map(|generations| generations.of_vault(vault))
    }

    /// The live secrets of a vault with their sealed values; remembered in a look.
    pub(super) async fn secret_values(
        &self,
        conn: &mut Conn,
        act: &Act,
        vault: VaultId,
    ) -> Result<Arc<Vec<Listed>>, Error> {
        let known = &self.remembered().lists;
        let generation = self.generation_of(act, vault);
        if let Some(generation) = generation
            && let Some(listed) = known.answer(&vault, generation)
        {
            return Ok(listed);
        }
        let listed = Arc::new(rows(conn, sql::VALUES, vault).await?);
        if let Some(generation) = generation {
            let each = std::mem::size_of::<Listed>();
            let bytes = listed
                .iter()
                .map(|(secret, version)| each + secret.bytes(version.as_ref()));
            known.keep(vault, generation, Arc::clone(&listed), bytes.sum());
        }
        Ok(listed)
    }
}

/// Live secrets, oldest first.
pub(super) async fn rows(
    conn: &mut Conn,
    statement: &'static str,
    vault: VaultId,
) -> Result<Vec<Listed>, Error> {
    let mut all: Vec<Listed> = Vec::new();
    for mut row in conn.query(statement, params![vault.bytes()]).await? {
        if let Some(secret) = SecretRow::from_columns(&mut row)? {
            all.push((secret, VersionRow::from_columns(&mut row)?));
        }
    }
    // Here rather than in the database, where it would take an index that every new secret pays for.
    all.sort_by_key(|(secret, _)| (secret.created_at, secret.id));
    Ok(all)
}
