//! Environment variables, and the environments of a vault (contract §14.1).

use std::collections::BTreeMap;

use kluis_engine::{
    EnvKey, EnvVar as Stored, EnvVarAt, EnvVarChange, Environment as StoredEnvironment,
    EnvironmentName, Error, NewEnvVar, NewEnvironment, ResolvedVars, VarSource,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::uuid;
use crate::api::given::Given;
use crate::api::revealed::Revealed;

/// An environment variable.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct EnvVar {
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("DATABASE_URL"))]
    key: String,
    #[schema(examples(json!(["production", "preview"])))]
    environments: Vec<String>,
    /// The branch that it is for; null for every one.
    git_branch: Option<String>,
    /// Whether only resolving tells its value.
    sensitive: bool,
    comment: Option<String>,
    /// Null where it is not told.
    #[schema(value_type = Option<String>)]
    value: Option<Revealed>,
    /// How many values it has had.
    version: u32,
    #[schema(format = "uuid")]
    created_by: String,
    #[schema(examples("2026-03-01T09:30:00Z"))]
    created_at: String,
    updated_at: String,
}

/// Environment variables, by key.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct EnvVars {
    env_vars: Vec<EnvVar>,
}

/// A variable to make.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct EnvVarCreate {
    /// Upper-case letters, digits and `_`.
    #[schema(min_length = 1, max_length = 256, examples("DATABASE_URL"))]
    key: String,
    /// At most 65,536 bytes.
    #[schema(value_type = String)]
    value: Given,
    /// `production`, `preview` and `development` unless given.
    environments: Option<Vec<String>>,
    /// A branch that it is for; only in `preview` alone.
    #[schema(max_length = 255)]
    git_branch: Option<String>,
    /// Whether only resolving tells its value; not in `development` alone.
    sensitive: Option<bool>,
    #[schema(max_length = 4000)]
    comment: Option<String>,
}

/// What to change of a variable; what is left out or null stays.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct EnvVarUpdate {
    /// At most 65,536 bytes; needed when the variable is to be sensitive no longer.
    #[schema(value_type = Option<String>)]
    value: Option<Given>,
    environments: Option<Vec<String>>,
    sensitive: Option<bool>,
    #[schema(max_length = 4000)]
    comment: Option<String>,
}

/// Which of several variables with one key.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct EnvVarQuery {
    /// An environment that it is in.
    #[param(example = "production")]
    environment: Option<String>,
    /// The branch that it is for.
    git_branch: Option<String>,
}

/// Which variables to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct EnvVarsQuery {
    /// An environment that they are in.
    #[param(example = "production")]
    environment: Option<String>,
}

/// What to resolve.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct ResolveQuery {
    /// Needed, except by an agent that has an environment of its own.
    #[param(example = "production")]
    environment: Option<String>,
    /// A branch, whose variables go before those for every branch; in `preview`.
    git_branch: Option<String>,
}

/// What a process in one environment gets.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct EnvVarsResolved {
    /// Values by key.
    #[schema(value_type = BTreeMap<String, String>)]
    vars: BTreeMap<String, Revealed>,
    /// `vault` or `branch_override`, by key.
    #[schema(value_type = BTreeMap<String, String>)]
    sources: BTreeMap<String, &'static str>,
    #[schema(examples("production"))]
    environment: String,
    git_branch: Option<String>,
    resolved_at: String,
}

/// An environment of a vault.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Environment {
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("staging"))]
    slug: String,
    description: Option<String>,
    /// Whether every vault has it.
    is_builtin: bool,
    /// The environment that its first variables were copied from.
    copied_from: Option<String>,
    /// Whether its variables are copies, independent of those.
    is_detached: bool,
    created_at: String,
}

/// Environments: the built-in ones, then the others, oldest first.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Environments {
    environments: Vec<Environment>,
}

/// An environment to make.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct EnvironmentCreate {
    /// Lower-case letters, digits and `-`.
    #[schema(min_length = 2, max_length = 30, examples("staging"))]
    slug: String,
    #[schema(max_length = 4000)]
    description: Option<String>,
    /// An environment whose variables are copied.
    #[schema(examples("production"))]
    copy_from: Option<String>,
}

impl TryFrom<EnvVarCreate> for NewEnvVar {
    type Error = Error;

    fn try_from(body: EnvVarCreate) -> Result<Self, Error> {
        Ok(Self {
            key: EnvKey::parse(body.key)?,
            value: body.value.into_secret(),
            environments: body.environments.map(names).transpose()?,
            git_branch: body.git_branch,
            sensitive: body.sensitive.unwrap_or_default(),
            comment: body.comment.unwrap_or_default(),
        })
    }
}

impl TryFrom<EnvVarUpdate> for EnvVarChange {
    type Error = Error;

    fn try_from(body: EnvVarUpdate) -> Result<Self, Error> {
        Ok(Self {
            value: body.value.map(Given::into_secret),
            environments: body.environments.map(names).transpose()?,
            sensitive: body.sensitive,
            comment: body.comment,
        })
    }
}

impl EnvVarQuery {
    /// The variable that it and the key in the path name.
    pub(in super::super) fn at(self, key: String) -> Result<EnvVarAt, Error> {
        Ok(EnvVarAt {
            key: EnvKey::parse(key)?,
            environment: environment(self.environment)?,
            git_branch: said(self.git_branch),
        })
    }
}

impl EnvVarsQuery {
    /// The environment, if one is named.
    pub(in super::super) fn environment(self) -> Result<Option<EnvironmentName>, Error> {
        environment(self.environment)
    }
}

impl ResolveQuery {
    /// Environment and branch, as far as they are named.
    pub(in super::super) fn parts(
        self,
    ) -> Result<(Option<EnvironmentName>, Option<String>), Error> {
        Ok((environment(self.environment)?, said(self.git_branch)))
    }
}

impl TryFrom<EnvironmentCreate> for NewEnvironment {
    type Error = Error;

    fn try_from(body: EnvironmentCreate) -> Result<Self, Error> {
        let copy_from = body
            .copy_from
            .map(|name| EnvironmentName::parse(name, "copy_from"));
        Ok(Self {
            slug: EnvironmentName::parse(body.slug, "slug")?,
            description: body.description.unwrap_or_default(),
            copy_from: copy_from.transpose()?,
        })
    }
}

impl From<Stored> for EnvVar {
    fn from(var: Stored) -> Self {
        Self {
            id: var.id.to_string(),
            key: var.key,
            environments: var.environments,
            git_branch: var.git_branch,
            sensitive: var.sensitive,
            comment: said(Some(var.comment)),
            value: var.value.map(Revealed::from),
            version: var.version,
            created_by: uuid(*var.created_by.id_bytes()),
            created_at: var.created_at.rfc3339(),
            updated_at: var.updated_at.rfc3339(),
        }
    }
}

impl From<Vec<Stored>> for EnvVars {
    fn from(vars: Vec<Stored>) -> Self {
        Self {
            env_vars: vars.into_iter().map(EnvVar::from).collect(),
        }
    }
}

impl From<ResolvedVars> for EnvVarsResolved {
    fn from(resolved: ResolvedVars) -> Self {
        let mut vars = BTreeMap::new();
        let mut sources = BTreeMap::new();
        for (key, value, source) in resolved.vars {
            let source = match source {
                VarSource::Branch => "branch_override",
                VarSource::Vault => "vault",
            };
            sources.insert(key.clone(), source);
            vars.insert(key, value.into());
        }
        Self {
            vars,
            sources,
            environment: resolved.environment,
            git_branch: resolved.git_branch,
            resolved_at: resolved.at.rfc3339(),
        }
    }
}

impl From<StoredEnvironment> for Environment {
    fn from(environment: StoredEnvironment) -> Self {
        Self {
            id: environment.id.to_string(),
            slug: environment.slug,
            description: said(Some(environment.description)),
            is_builtin: environment.built_in,
            is_detached: environment.copied_from.is_some(),
            copied_from: environment.copied_from,
            created_at: environment.created_at.rfc3339(),
        }
    }
}

impl From<Vec<StoredEnvironment>> for Environments {
    fn from(environments: Vec<StoredEnvironment>) -> Self {
        Self {
            environments: environments.into_iter().map(Environment::from).collect(),
        }
    }
}

/// The environment that a segment of a path names.
pub(in super::super) fn environment_slug(text: String) -> Result<EnvironmentName, Error> {
    EnvironmentName::parse(text, "slug")
}

fn environment(text: Option<String>) -> Result<Option<EnvironmentName>, Error> {
    let named = said(text).map(|text| EnvironmentName::parse(text, "environment"));
    named.transpose()
}

fn names(texts: Vec<String>) -> Result<Vec<EnvironmentName>, Error> {
    let names = texts
        .into_iter()
        .map(|text| EnvironmentName::parse(text, "environments"));
    names.collect()
}

/// Nothing for an empty text.
fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
