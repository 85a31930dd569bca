//! A variable as it is stored, and which of several is meant.

use kluis_crypto::Secret;

use super::types::{
    CheckedEnvVar, EnvVar, EnvVarAt, EnvironmentName, PREVIEW, env_var_path, require_fitting,
};
use crate::act::Act;
use crate::clock::Timestamp;
use crate::error::{Conflict, Error};
use crate::ids::{EnvVarId, VaultId};
use crate::keys::OrganizationKeys;
use crate::policy::PolicyPrincipal;
use crate::store::sql::env_vars as sql;
use crate::store::{Conn, Failure, Param, Row, params};

/// The value of a variable, as it is sealed.
pub(crate) const ENV_VAR: &str = "env-var";

/// A variable as it is stored.
pub(super) struct EnvVarRow {
    pub(super) id: EnvVarId,
    pub(super) key: String,
    pub(super) environments: Vec<String>,
    pub(super) git_branch: Option<String>,
    pub(super) sensitive: bool,
    pub(super) comment: String,
    /// Version of the organization's key that seals the value.
    pub(super) key_version: u32,
    sealed: Vec<u8>,
    pub(super) version: u32,
    created_by: PolicyPrincipal,
    created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// Variables as a statement finds them: by key, those for every branch first, then oldest first.
pub(super) async fn rows(
    conn: &mut Conn,
    statement: &'static str,
    of: &[Param<'_>],
) -> Result<Vec<EnvVarRow>, Error> {
    let rows = conn.query(statement, of).await?;
    let rows = rows.into_iter().map(EnvVarRow::from_row);
    let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
    // Here rather than in the databases, which sort text differently.
    rows.sort_by(|one, other| {
        let order = |row: &EnvVarRow| (row.git_branch.is_some(), row.created_at, row.id);
        (&one.key, order(one)).cmp(&(&other.key, order(other)))
    });
    Ok(rows)
}

impl EnvVarRow {
    /// The first version of a variable.
    pub(super) fn new(
        act: &Act,
        keys: &OrganizationKeys,
        new: &CheckedEnvVar,
    ) -> Result<Self, Error> {
        let id = EnvVarId::generate(act.now)?;
        let (key_version, sealed) = keys.seal_field(ENV_VAR, id.bytes(), new.value.expose())?;
        Ok(Self {
            id,
            key: new.key.as_str().to_owned(),
            environments: each_once(&new.environments),
            git_branch: new.git_branch.clone(),
            sensitive: new.sensitive,
            comment: new.comment.clone(),
            key_version,
            sealed,
            version: 1,
            created_by: PolicyPrincipal::of(&act.caller),
            created_at: act.now,
            updated_at: act.now,
        })
    }

    /// Another variable with the same value, made now and in this environment alone.
    pub(super) fn copy(
        &self,
        act: &Act,
        keys: &OrganizationKeys,
        environment: &EnvironmentName,
    ) -> Result<Self, Error> {
        let id = EnvVarId::generate(act.now)?;
        let value = self.open(keys)?;
        let (key_version, sealed) = keys.seal_field(ENV_VAR, id.bytes(), value.expose())?;
        Ok(Self {
            id,
            key: self.key.clone(),
            environments: vec![environment.as_str().to_owned()],
            git_branch: None,
            sensitive: self.sensitive,
            comment: self.comment.clone(),
            key_version,
            sealed,
            version: 1,
            created_by: PolicyPrincipal::of(&act.caller),
            created_at: act.now,
            updated_at: act.now,
        })
    }

    fn from_row(mut row: Row) -> Result<Self, Failure> {
        Ok(Self {
            id: EnvVarId::from_bytes(row.array()?),
            key: row.text()?,
            environments: row.json()?,
            git_branch: row.optional_text()?,
            sensitive: row.flag()?,
            comment: row.text()?,
            key_version: row.number()?,
            sealed: row.blob()?,
            version: row.number()?,
            created_by: PolicyPrincipal::from_columns(&mut row)?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }

    pub(super) async fn insert(&self, conn: &mut Conn, vault: VaultId) -> Result<(), Error> {
        conn.execute(
            sql::INSERT,
            params![
                self.id.bytes(),
                vault.bytes(),
                &self.key,
                &json(&self.environments)?,
                self.git_branch.as_ref(),
                self.sensitive,
                &self.comment,
                self.key_version,
                &self.sealed,
                self.version,
                self.created_by.kind(),
                self.created_by.id_bytes(),
                self.created_at,
                self.updated_at
            ],
        )
        .await?;
        Ok(())
    }

    pub(super) async fn update(&self, conn: &mut Conn) -> Result<(), Error> {
        conn.execute(
            sql::UPDATE,
            params![
                self.id.bytes(),
                &json(&self.environments)?,
                self.sensitive,
                &self.comment,
                self.key_version,
                &self.sealed,
                self.version,
                self.updated_at
            ],
        )
        .await?;
        Ok(())
    }

    /// Take it out of an environment; where that was its only one, it goes.
    pub(super) async fn leave(
        &mut self,
        conn: &mut Conn,
        environment: &EnvironmentName,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.environments
            .retain(|name| name != environment.as_str());
        if self.environments.is_empty() {
            conn.execute(sql::DELETE, params![self.id.bytes()]).await?;
        } else {
            let left = json(&self.environments)?;
            let left = params![self.id.bytes(), &left, now];
            conn.execute(sql::SET_ENVIRONMENTS, left).await?;
        }
        Ok(())
    }

    /// Give it another value: its next version.
    pub(super) fn reseal(&mut self, keys: &OrganizationKeys, value: &Secret) -> Result<(), Error> {
        (self.key_version, self.sealed) =
            keys.seal_field(ENV_VAR, self.id.bytes(), value.expose())?;
        self.version += 1;
        Ok(())
    }

    pub(super) fn open(&self, keys: &OrganizationKeys) -> Result<Secret, Error> {
        keys.open_field(ENV_VAR, self.id.bytes(), self.key_version, &self.sealed)
    }

    /// Whether it is in this environment; in any, when none is given.
    pub(super) fn is_in(&self, environment: Option<&EnvironmentName>) -> bool {
        environment.is_none_or(|environment| {
            self.environments
                .iter()
                .any(|name| name == environment.as_str())
        })
    }

    /// Whether a process on this branch in this environment gets it.
    pub(super) fn serves(&self, environment: &EnvironmentName, branch: Option<&str>) -> bool {
        self.is_in(Some(environment))
            && match &self.git_branch {
                None => true,
                Some(own) => environment.as_str() == PREVIEW && Some(own.as_str()) == branch,
            }
    }

    /// The path at which decisions about it are made.
    pub(super) fn path(&self) -> String {
        env_var_path(&self.key)
    }

    pub(super) fn moves_to(&mut self, environments: &[EnvironmentName]) -> Result<(), Error> {
        self.environments = each_once(environments);
        self.require_fitting()
    }

    /// Whether environments, branch and sensitivity fit each other.
    pub(super) fn require_fitting(&self) -> Result<(), Error> {
        let names: Vec<&str> = self.environments.iter().map(String::as_str).collect();
        require_fitting(&names, self.git_branch.as_deref(), self.sensitive)
    }

    /// `Conflict` when another one of this key and branch is in one of its environments. The vault's row must be taken.
    pub(super) async fn require_alone(&self, conn: &mut Conn, vault: VaultId) -> Result<(), Error> {
        let of = params![vault.bytes(), &self.key];
        let overlaps = rows(conn, sql::BY_KEY, of).await?.iter().any(|other| {
            let shares = |name: &String| self.environments.contains(name);
            other.id != self.id
                && other.git_branch == self.git_branch
                && other.environments.iter().any(shares)
        });
        if overlaps {
            return Err(Error::Conflict(Conflict::Exists));
        }
        Ok(())
    }

    pub(super) fn shown(self, value: Option<Secret>) -> EnvVar {
        EnvVar {
            id: self.id,
            key: self.key,
            environments: self.environments,
            git_branch: self.git_branch,
            sensitive: self.sensitive,
            comment: self.comment,
            value,
            version: self.version,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl EnvVarAt {
    /// Which of the variables with this key is meant. `NotFound` when none is, `Invalid` when it could be several.
    ///
    /// Whoever names an environment and no branch means the variable for every branch, if there is one: without that,
    /// none that stands beside one for a branch could be named.
    pub(super) fn choose(&self, rows: Vec<EnvVarRow>) -> Result<EnvVarRow, Error> {
        let branch = self.git_branch.as_deref();
        let mut fitting: Vec<_> = rows
            .into_iter()
            .filter(|row| row.is_in(self.environment.as_ref()))
            .filter(|row| branch.is_none() || row.git_branch.as_deref() == branch)
            .collect();
        let everywhere = |row: &EnvVarRow| row.git_branch.is_none();
        if fitting.len() > 1 && fitting.iter().any(everywhere) {
            if self.environment.is_none() {
                return Err(several("environment"));
            }
            fitting.retain(everywhere);
        }
        match (fitting.pop(), fitting.is_empty()) {
            (None, _) => Err(Error::NotFound),
            (Some(row), true) => Ok(row),
            (Some(_), false) => Err(several("git_branch")),
        }
    }
}

fn several(parameter: &'static str) -> Error {
    Error::invalid(parameter, "is needed: there are several of this key")
}

/// The names, each of them once.
fn each_once(environments: &[EnvironmentName]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(environments.len());
    for environment in environments {
        if !names.iter().any(|name| name == environment.as_str()) {
            names.push(environment.as_str().to_owned());
        }
    }
    names
}

fn json(names: &[String]) -> Result<String, Failure> {
    serde_json::to_string(names).map_err(|cause| Failure::Other(cause.to_string()))
}
