//! Resolving: what a process in one environment gets (1claw contract §14.1).

use kluis_crypto::Secret;

use super::environments::require_known;
use super::row::{EnvVarRow, rows};
use super::types::{EnvironmentName, env_var_path};
use super::{may_read, subject};
use crate::access::Access;
use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Principal};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::VaultId;
use crate::policy::{Permission, Verdict};
use crate::store::params;
use crate::store::sql::env_vars as sql;

/// What a process in one environment gets.
pub struct ResolvedVars {
    /// Each key, its value and where that comes from; by key.
    pub vars: Vec<(String, Secret, VarSource)>,
    /// The environment.
    pub environment: String,
    /// The branch that was asked for.
    pub git_branch: Option<String>,
    /// When this held.
    pub at: Timestamp,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarSource {
    /// A variable for one branch, in place of the vault's.
    Branch,
    /// A variable of the vault, for every branch.
    Vault,
}

impl Engine {
    /// The variables of an environment, sensitive ones too, that the caller may read; the others are left out. `Hidden` or
    /// `Forbidden` when it may read none of the vault's at all.
    ///
    /// An agent that names no environment gets its own; `Invalid` when it has none.
    pub async fn env_var_resolve(
        &self,
        caller: &Caller,
        vault: VaultId,
        environment: Option<EnvironmentName>,
        git_branch: Option<String>,
    ) -> Result<ResolvedVars, Error> {
        let environment = match environment {
            Some(environment) => environment,
            None => own_environment(caller)?,
        };
        self.look(caller, Action::EnvVarResolve, async |conn, act| {
            let access = self.access(conn, act, vault).await?;
            let mut rows = rows(conn, sql::OF_VAULT, params![vault.bytes()]).await?;
            require_any(&access, act, &rows)?;
            let named = std::slice::from_ref(&environment);
            require_known(conn, vault, named, "environment").await?;
            let branch = git_branch.as_deref();
            rows.retain(|row| row.serves(&environment, branch) && may_read(&access, act, row));
            let newest = rows.iter().map(|row| row.key_version).max().unwrap_or(0);
            let keys = self.keys()?;
            let keys = keys
                .organization_at(conn, act.caller.organization, newest)
                .await?;
            let mut vars: Vec<(String, Secret, VarSource)> = Vec::with_capacity(rows.len());
            for row in rows {
                // Behind the one of the same key for every branch, if there is one.
                if vars.last().is_some_and(|(key, ..)| *key == row.key) {
                    vars.pop();
                }
                let source = match row.git_branch {
                    Some(_) => VarSource::Branch,
                    None => VarSource::Vault,
                };
                let value = row.open(&keys)?;
                vars.push((row.key, value, source));
            }
            act.tells_keys(vars.iter().map(|(key, ..)| key.clone()).collect());
            Ok(ResolvedVars {
                vars,
                environment: environment.as_str().to_owned(),
                git_branch: git_branch.clone(),
                at: act.now,
            })
        })
        .await
    }
}

/// The environment of the agent that asks.
fn own_environment(caller: &Caller) -> Result<EnvironmentName, Error> {
    let own = match &caller.principal {
        Principal::Agent(agent) => agent.environment.as_deref(),
        Principal::User(_) => None,
    };
    let own = own.ok_or_else(|| Error::missing("environment"))?;
    EnvironmentName::parse(own, "environment")
}

/// Whether the caller may read any variable that the vault has, or one that it could have: who may not is told the same,
/// whether there are some out of its reach or none at all (RULES §3).
fn require_any(access: &Access, act: &Act, rows: &[EnvVarRow]) -> Result<(), Error> {
    let standing = access.standing(&act.caller);
    let paths = rows.iter().map(EnvVarRow::path);
    let mut sees = false;
    for path in paths.chain([env_var_path(ANY)]) {
        let subject = subject(&path);
        if let Verdict::Allow(_) = standing.decide(Permission::Read, &subject) {
            return Ok(());
        }
        sees |= standing.sees(&subject);
    }
    Err(if sees {
        Error::Forbidden
    } else {
        Error::Hidden
    })
}

/// A key that nobody has in mind.
const ANY: &str = "_";
