//! Environment variables of a vault, each in some of its environments (1claw contract §14.1).
//!
//! They are no secrets: they stand in a table of their own and in no list of secrets. What a caller may do with one is
//! decided as for a secret at the path `env-vars/KEY` (RULES §2).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | `env_var_list`, `env_var_read`, `env_var_create`, `env_var_update`, `env_var_delete` |
//! | `resolve.rs` | `env_var_resolve` |
//! | `environments.rs` | `environment_list`, `environment_create`, `environment_delete` |
//! | `types.rs` | a variable as it is asked for and shown |
//! | `row.rs` | a variable as it is stored; which of several is meant |

mod environments;
mod resolve;
mod row;
mod types;

pub use environments::{Environment, NewEnvironment};
pub use resolve::{ResolvedVars, VarSource};
pub(crate) use row::ENV_VAR;
pub(crate) use types::plain_text;
pub use types::{EnvKey, EnvVar, EnvVarAt, EnvVarChange, EnvironmentName, NewEnvVar};

use self::environments::require_known;
use self::row::{EnvVarRow, rows};
use self::types::{checked_value, comment_text};
use crate::access::Access;
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::VaultId;
use crate::policy::{Permission, Subject, Verdict};
use crate::store::sql::env_vars as sql;
use crate::store::{Conn, params};

/// How many variables a vault has at most, those of all environments and branches together.
const MOST_VARS: i64 = 1_000;

impl Engine {
    /// The variables of a vault whose names the caller sees, of one environment or of all, by key. With the values that the
    /// caller may read, but for sensitive ones.
    pub async fn env_var_list(
        &self,
        caller: &Caller,
        vault: VaultId,
        environment: Option<EnvironmentName>,
    ) -> Result<Vec<EnvVar>, Error> {
        self.look(caller, Action::EnvVarList, async |conn, act| {
            let access = self.access(conn, act, vault).await?;
            require_known(conn, vault, environment.as_slice(), "environment").await?;
            let mut rows = rows(conn, sql::OF_VAULT, params![vault.bytes()]).await?;
            rows.retain(|row| {
                row.is_in(environment.as_ref()) && {
                    let path = row.path();
                    access.standing(&act.caller).sees(&subject(&path))
                }
            });
            let reads = act.caller.within_scopes(Action::EnvVarRead.rule().scopes);
            let mut told = Vec::new();
            let mut vars = Vec::with_capacity(rows.len());
            for row in rows {
                let readable = reads && !row.sensitive && may_read(&access, act, &row);
                if readable {
                    told.push(row.key.clone());
                }
                vars.push(self.env_var_shown(conn, act, row, readable).await?);
            }
            act.tells_keys(told);
            Ok(vars)
        })
        .await
    }

    /// One variable, with its value unless it is sensitive. `Invalid` when `at` leaves open which of several it is.
    pub async fn env_var_read(
        &self,
        caller: &Caller,
        vault: VaultId,
        at: &EnvVarAt,
    ) -> Result<EnvVar, Error> {
        self.look(caller, Action::EnvVarRead, async |conn, act| {
            at.key.named(act, vault);
            let access = self.access(conn, act, vault).await?;
            let row = permitted(conn, act, &access, at, &[Permission::Read]).await?;
            let readable = !row.sensitive;
            self.env_var_shown(conn, act, row, readable).await
        })
        .await
    }

    /// Make a variable. `Conflict` when there is one of this key and branch in one of these environments, and when the vault
    /// has as many as it can.
    pub async fn env_var_create(
        &self,
        caller: &Caller,
        vault: VaultId,
        new: NewEnvVar,
    ) -> Result<EnvVar, Error> {
        let new = new.checked()?;
        let engine = self.clone();
        self.change_secrets(caller, Action::EnvVarWrite, vault, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                new.key.named(act, vault);
                let access = engine.access_to_change(conn, act, vault).await?;
                let path = new.key.path();
                access.require(act, &[Permission::Write], &subject(&path))?;
                require_known(conn, vault, &new.environments, "environments").await?;
                require_room(conn, vault, 1).await?;
                let keys = engine.keys()?;
                let keys = keys.organization(conn, act.caller.organization).await?;
                let row = EnvVarRow::new(act, &keys, &new)?;
                act.finds_env_var(row.id, row.version);
                row.require_alone(conn, vault).await?;
                row.insert(conn, vault).await?;
                let value = new.value;
                Ok(row.shown((!new.sensitive).then_some(value)))
            })
        })
        .await
    }

    /// Change a variable; a new value makes its next version. A value that was sensitive is never told: without a new one
    /// it stays so (`Invalid`).
    pub async fn env_var_update(
        &self,
        caller: &Caller,
        vault: VaultId,
        at: EnvVarAt,
        change: EnvVarChange,
    ) -> Result<EnvVar, Error> {
        if let Some(value) = &change.value {
            checked_value(value)?;
        }
        let comment = change.comment.map(comment_text).transpose()?;
        let (environments, value, sensitive) =
            (change.environments, change.value, change.sensitive);
        let engine = self.clone();
        self.change_secrets(caller, Action::EnvVarWrite, vault, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                at.key.named(act, vault);
                let access = engine.access_to_change(conn, act, vault).await?;
                let mut row = permitted(conn, act, &access, &at, &[Permission::Write]).await?;
                if row.sensitive && sensitive == Some(false) && value.is_none() {
                    return Err(Error::missing("value"));
                }
                row.sensitive = sensitive.unwrap_or(row.sensitive);
                row.comment = comment.unwrap_or(row.comment);
                row.updated_at = act.now;
                if let Some(environments) = &environments {
                    require_known(conn, vault, environments, "environments").await?;
                    row.moves_to(environments)?;
                    row.require_alone(conn, vault).await?;
                }
                row.require_fitting()?;
                if let Some(value) = &value {
                    let keys = engine.keys()?;
                    let keys = keys.organization(conn, act.caller.organization).await?;
                    row.reseal(&keys, value)?;
                }
                act.finds_env_var(row.id, row.version);
                row.update(conn).await?;
                // Writing back is not reading (RULES §4): what this request did not set leaves as a read does.
                if row.sensitive || value.is_some() {
                    let value = value.filter(|_| !row.sensitive);
                    return Ok(row.shown(value));
                }
                let reads = act.caller.within_scopes(Action::EnvVarRead.rule().scopes)
                    && may_read(&access, act, &row);
                let shown = engine.env_var_shown(conn, act, row, reads).await?;
                if reads {
                    tx.record(act.also(Action::EnvVarRead)?);
                }
                Ok(shown)
            })
        })
        .await
    }

    /// Delete a variable, at once and for good.
    pub async fn env_var_delete(
        &self,
        caller: &Caller,
        vault: VaultId,
        at: EnvVarAt,
    ) -> Result<(), Error> {
        let engine = self.clone();
        self.change_secrets(caller, Action::EnvVarDelete, vault, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                at.key.named(act, vault);
                let access = engine.access_to_change(conn, act, vault).await?;
                let either = [Permission::Delete, Permission::Write];
                let row = permitted(conn, act, &access, &at, &either).await?;
                conn.execute(sql::DELETE, params![row.id.bytes()]).await?;
                Ok(())
            })
        })
        .await
    }

    /// A variable as it is shown, its value opened if it may be told.
    async fn env_var_shown(
        &self,
        conn: &mut Conn,
        act: &Act,
        row: EnvVarRow,
        tells: bool,
    ) -> Result<EnvVar, Error> {
        let value = if tells {
            let keys = self.keys()?;
            let keys = keys
                .organization_at(conn, act.caller.organization, row.key_version)
                .await?;
            Some(row.open(&keys)?)
        } else {
            None
        };
        Ok(row.shown(value))
    }
}

/// The variable, if the caller may do one of `permissions` at its path.
async fn permitted(
    conn: &mut Conn,
    act: &mut Act,
    access: &Access,
    at: &EnvVarAt,
    permissions: &[Permission],
) -> Result<EnvVarRow, Error> {
    let (vault, path) = (access.vault.facts.id, at.key.path());
    access.require(act, permissions, &subject(&path))?;
    require_known(conn, vault, at.environment.as_slice(), "environment").await?;
    let of = params![vault.bytes(), at.key.as_str()];
    let row = at.choose(rows(conn, sql::BY_KEY, of).await?)?;
    act.finds_env_var(row.id, row.version);
    Ok(row)
}

/// Whether the caller may read the variable; on what ground is told to the record.
fn may_read(access: &Access, act: &mut Act, row: &EnvVarRow) -> bool {
    let path = row.path();
    let standing = access.standing(&act.caller);
    match standing.decide(Permission::Read, &subject(&path)) {
        Verdict::Allow(basis) => {
            act.rests_on(basis);
            true
        }
        Verdict::Deny => false,
    }
}

/// Whether the vault has room for so many more.
async fn require_room(conn: &mut Conn, vault: VaultId, more: usize) -> Result<(), Error> {
    let row = conn.query_one(sql::COUNT, params![vault.bytes()]).await?;
    let count = row.map_or(Ok(0), |mut row| row.int())?;
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    if count.saturating_add(more) > MOST_VARS {
        return Err(Error::Conflict(Conflict::Full));
    }
    Ok(())
}

/// What decisions are made on.
fn subject(path: &str) -> Subject<'_> {
    Subject {
        path,
        kind: None,
        tags: &[],
    }
}
