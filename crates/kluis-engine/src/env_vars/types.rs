//! A variable as it is asked for and shown.

use kluis_crypto::Secret;

use crate::act::Act;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{EnvVarId, VaultId};
use crate::policy::PolicyPrincipal;

/// An environment variable.
pub struct EnvVar {
    /// Its id.
    pub id: EnvVarId,
    /// Its name in an environment.
    pub key: String,
    /// The environments that it is in.
    pub environments: Vec<String>,
    /// The branch that it is for; for every one when `None`.
    pub git_branch: Option<String>,
    /// Whether only resolving tells its value.
    pub sensitive: bool,
    /// What it is for; may be empty.
    pub comment: String,
    /// Its value, where it is told.
    pub value: Option<Secret>,
    /// How many values it has had.
    pub version: u32,
    /// Who made it.
    pub created_by: PolicyPrincipal,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// The name of a variable: 1–256 upper-case letters, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvKey(String);

/// The name of an environment: 2–30 lower-case letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentName(String);

/// Which variable: of several with one key, the one in this environment and for this branch.
#[derive(Clone, Debug)]
pub struct EnvVarAt {
    /// Its key.
    pub key: EnvKey,
    /// An environment that it is in.
    pub environment: Option<EnvironmentName>,
    /// The branch that it is for.
    pub git_branch: Option<String>,
}

/// A variable to make.
pub struct NewEnvVar {
    /// Its key.
    pub key: EnvKey,
    /// Its value, at most 65,536 bytes.
    pub value: Secret,
    /// Its environments; the three built-in ones when `None`.
    pub environments: Option<Vec<EnvironmentName>>,
    /// The branch that it is for: 1–255 characters, and only in `preview` alone.
    pub git_branch: Option<String>,
    /// Whether only resolving tells its value; not in `development` alone.
    pub sensitive: bool,
    /// What it is for; at most 4,000 characters.
    pub comment: String,
}

/// What to change of a variable; `None` leaves it alone.
#[derive(Default)]
pub struct EnvVarChange {
    /// A new value, at most 65,536 bytes.
    pub value: Option<Secret>,
    /// Other environments.
    pub environments: Option<Vec<EnvironmentName>>,
    /// Whether only resolving tells its value.
    pub sensitive: Option<bool>,
    /// Another comment.
    pub comment: Option<String>,
}

/// A variable to make that is right in itself.
pub(super) struct CheckedEnvVar {
    pub(super) key: EnvKey,
    pub(super) value: Secret,
    pub(super) environments: Vec<EnvironmentName>,
    pub(super) git_branch: Option<String>,
    pub(super) sensitive: bool,
    pub(super) comment: String,
}

const LARGEST_VALUE: usize = 65_536;
const LONGEST_COMMENT: usize = 4_000;
const LONGEST_BRANCH: usize = 255;

/// The environments that every vault has.
pub(super) const BUILT_IN: [&str; 3] = ["production", PREVIEW, DEVELOPMENT];
pub(super) const PREVIEW: &str = "preview";
const DEVELOPMENT: &str = "development";

impl EnvKey {
    /// Check a key.
    pub fn parse(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=256).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text))
        } else {
            let why = "must be 1 to 256 upper-case letters, digits and underscores";
            Err(Error::invalid("key", why))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path at which decisions about it are made.
    pub(super) fn path(&self) -> String {
        env_var_path(&self.0)
    }

    /// The request names it.
    pub(super) fn named(&self, act: &mut Act, vault: VaultId) {
        act.names_vault(vault);
        act.names_path(&self.path());
    }
}

impl EnvironmentName {
    /// Check a name; errors name `field`.
    pub fn parse(text: impl Into<String>, field: &'static str) -> Result<Self, Error> {
        let text = text.into();
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (2..=30).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text))
        } else {
            let why = "must be 2 to 30 lower-case letters, digits and hyphens";
            Err(Error::invalid(field, why))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_built_in(&self) -> bool {
        BUILT_IN.contains(&self.as_str())
    }
}

impl NewEnvVar {
    /// Whether it can be made, as far as the request alone tells.
    pub(super) fn checked(self) -> Result<CheckedEnvVar, Error> {
        checked_value(&self.value)?;
        let environments = match self.environments {
            Some(environments) => environments,
            None => BUILT_IN
                .iter()
                .map(|name| EnvironmentName((*name).to_owned()))
                .collect(),
        };
        let branch = self.git_branch.as_deref();
        if branch.is_some_and(|branch| !is_branch(branch)) {
            let why = "must have 1 to 255 characters, none of them a control character";
            return Err(Error::invalid("git_branch", why));
        }
        let names: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
        require_fitting(&names, branch, self.sensitive)?;
        Ok(CheckedEnvVar {
            comment: comment_text(self.comment)?,
            key: self.key,
            value: self.value,
            environments,
            git_branch: self.git_branch,
            sensitive: self.sensitive,
        })
    }
}

/// Whether environments, branch and sensitivity fit each other.
pub(super) fn require_fitting(
    environments: &[&str],
    branch: Option<&str>,
    sensitive: bool,
) -> Result<(), Error> {
    if environments.is_empty() {
        return Err(Error::invalid("environments", "must name at least one"));
    }
    if branch.is_some() && environments.iter().any(|name| *name != PREVIEW) {
        let why = "is for variables that are in preview alone";
        return Err(Error::invalid("git_branch", why));
    }
    if sensitive && environments.iter().all(|name| *name == DEVELOPMENT) {
        let why = "is not for variables that are in development alone";
        return Err(Error::invalid("sensitive", why));
    }
    Ok(())
}

/// `TooLarge` for a value that is not kept.
pub(super) fn checked_value(value: &Secret) -> Result<(), Error> {
    if value.len() > LARGEST_VALUE {
        return Err(Error::TooLarge);
    }
    Ok(())
}

pub(super) fn comment_text(text: String) -> Result<String, Error> {
    plain_text(text, "comment")
}

/// Text in clear beside a thing, at most 4,000 characters.
pub(crate) fn plain_text(text: String, field: &'static str) -> Result<String, Error> {
    if text.chars().count() > LONGEST_COMMENT {
        return Err(Error::invalid(field, "must have at most 4000 characters"));
    }
    if text.contains('\0') {
        return Err(Error::invalid(field, "must not hold NUL"));
    }
    Ok(text)
}

pub(super) fn env_var_path(key: &str) -> String {
    format!("env-vars/{key}")
}

fn is_branch(text: &str) -> bool {
    (1..=LONGEST_BRANCH).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
