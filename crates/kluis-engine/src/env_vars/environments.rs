//! Environments: the three that every vault has, and those that are made for one (1claw contract §14.1).

use kluis_crypto::hash::sha256;

use super::require_room;
use super::row::rows;
use super::types::{BUILT_IN, EnvironmentName, plain_text};
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{EnvironmentId, VaultId};
use crate::store::sql::env_vars as sql;
use crate::store::{Conn, Failure, Row, params};

/// An environment of a vault.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Its id; that of a built-in one follows from the vault's.
    pub id: EnvironmentId,
    /// Its name.
    pub slug: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Whether every vault has it.
    pub built_in: bool,
    /// The environment that its first variables were copied from.
    pub copied_from: Option<String>,
    /// When it was made; a built-in one with its vault.
    pub created_at: Timestamp,
}

/// An environment to make.
#[derive(Clone, Debug)]
pub struct NewEnvironment {
    /// Its name.
    pub slug: EnvironmentName,
    /// What it is for; at most 4,000 characters.
    pub description: String,
    /// The environment whose variables are copied; they are independent afterwards.
    pub copy_from: Option<EnvironmentName>,
}

/// How many environments a vault has at most, beside the built-in ones.
const MOST_ENVIRONMENTS: usize = 100;

impl Engine {
    /// The environments of a vault, for whoever may know of it: the built-in ones, then the others, oldest first.
    pub async fn environment_list(
        &self,
        caller: &Caller,
        vault: VaultId,
    ) -> Result<Vec<Environment>, Error> {
        self.look(caller, Action::EnvironmentList, async |conn, act| {
            let access = self.access(conn, act, vault).await?;
            let created_at = access.vault.created_at;
            let built_in = BUILT_IN.map(|slug| Environment::built_in(vault, slug, created_at));
            let mut all = built_in.to_vec();
            all.extend(made(conn, vault).await?);
            Ok(all)
        })
        .await
    }

    /// Make an environment; for whoever administers the vault. `Conflict` when the vault has one of this name, as many as it
    /// can, or no room for the copies.
    ///
    /// Variables for one branch are in `preview` alone, so they are not copied.
    pub async fn environment_create(
        &self,
        caller: &Caller,
        vault: VaultId,
        new: NewEnvironment,
    ) -> Result<Environment, Error> {
        let description = plain_text(new.description, "description")?;
        let (slug, copy_from) = (new.slug, new.copy_from);
        let engine = self.clone();
        self.change_secrets(caller, Action::EnvironmentCreate, vault, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let access = engine.access_to_change(conn, act, vault).await?;
                access.require_administration(act)?;
                require_known(conn, vault, copy_from.as_slice(), "copy_from").await?;
                let id = EnvironmentId::generate(act.now)?;
                act.finds("environment", *id.bytes());
                act.calls_it(slug.as_str());
                let made = made(conn, vault).await?;
                if slug.is_built_in() || made.iter().any(|one| one.slug == slug.as_str()) {
                    return Err(Error::Conflict(Conflict::Exists));
                }
                if made.len() >= MOST_ENVIRONMENTS {
                    return Err(Error::Conflict(Conflict::Full));
                }
                let environment = Environment {
                    id,
                    slug: slug.as_str().to_owned(),
                    description,
                    built_in: false,
                    copied_from: copy_from.as_ref().map(|from| from.as_str().to_owned()),
                    created_at: act.now,
                };
                environment.insert(conn, vault).await?;
                if let Some(from) = &copy_from {
                    let mut copied = rows(conn, sql::OF_VAULT, params![vault.bytes()]).await?;
                    copied.retain(|row| row.serves(from, None));
                    require_room(conn, vault, copied.len()).await?;
                    let newest = copied.iter().map(|row| row.key_version).max();
                    let keys = engine.keys()?;
                    let keys = keys
                        .organization_at(conn, act.caller.organization, newest.unwrap_or(0))
                        .await?;
                    for row in copied {
                        row.copy(act, &keys, &slug)?.insert(conn, vault).await?;
                    }
                }
                Ok(environment)
            })
        })
        .await
    }

    /// Delete an environment; for whoever administers the vault. Variables that are in no other one go with it. `Conflict`
    /// for a built-in one.
    pub async fn environment_delete(
        &self,
        caller: &Caller,
        vault: VaultId,
        slug: EnvironmentName,
    ) -> Result<(), Error> {
        let engine = self.clone();
        self.change_secrets(caller, Action::EnvironmentDelete, vault, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let access = engine.access_to_change(conn, act, vault).await?;
                access.require_administration(act)?;
                act.calls_it(slug.as_str());
                if slug.is_built_in() {
                    return Err(Error::Conflict(Conflict::Protected));
                }
                let of = params![vault.bytes(), slug.as_str()];
                let deleted = conn.query_one(sql::DELETE_ENVIRONMENT, of).await?;
                let id = deleted.ok_or(Error::NotFound)?.array()?;
                act.finds("environment", id);
                for mut row in rows(conn, sql::OF_VAULT, params![vault.bytes()]).await? {
                    if row.is_in(Some(&slug)) {
                        row.leave(conn, &slug, act.now).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }
}

/// `Invalid` when the vault has not each of these environments.
pub(super) async fn require_known(
    conn: &mut Conn,
    vault: VaultId,
    environments: &[EnvironmentName],
    field: &'static str,
) -> Result<(), Error> {
    if environments.iter().all(EnvironmentName::is_built_in) {
        return Ok(());
    }
    let made = made(conn, vault).await?;
    let known = |name: &EnvironmentName| {
        name.is_built_in() || made.iter().any(|one| one.slug == name.as_str())
    };
    if environments.iter().all(known) {
        Ok(())
    } else {
        Err(Error::invalid(field, "is none that the vault has"))
    }
}

/// The environments that were made for a vault, oldest first.
async fn made(conn: &mut Conn, vault: VaultId) -> Result<Vec<Environment>, Error> {
    let rows = conn
        .query(sql::ENVIRONMENTS, params![vault.bytes()])
        .await?;
    let made = rows.into_iter().map(Environment::from_row);
    Ok(made.collect::<Result<_, _>>()?)
}

impl Environment {
    fn built_in(vault: VaultId, slug: &str, created_at: Timestamp) -> Self {
        let digest = sha256(&[b"kluis environment", vault.bytes(), slug.as_bytes()]);
        let id = digest.first_chunk().copied().unwrap_or_default();
        let id = uuid::Builder::from_custom_bytes(id).into_uuid();
        Self {
            id: EnvironmentId::from_bytes(id.into_bytes()),
            slug: slug.to_owned(),
            description: String::new(),
            built_in: true,
            copied_from: None,
            created_at,
        }
    }

    fn from_row(mut row: Row) -> Result<Self, Failure> {
        Ok(Self {
            id: EnvironmentId::from_bytes(row.array()?),
            slug: row.text()?,
            description: row.text()?,
            built_in: false,
            copied_from: row.optional_text()?,
            created_at: row.time()?,
        })
    }

    async fn insert(&self, conn: &mut Conn, vault: VaultId) -> Result<(), Error> {
        conn.execute(
            sql::INSERT_ENVIRONMENT,
            params![
                self.id.bytes(),
                vault.bytes(),
                &self.slug,
                &self.description,
                self.copied_from.as_ref(),
                self.created_at
            ],
        )
        .await?;
        Ok(())
    }
}
