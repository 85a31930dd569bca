//! Which secrets of a vault are handed on, and as which variables: what `run` and `export` have in common.

use std::collections::BTreeSet;

use clap::Args;
use kluis_client::SecretText;
use kluis_server::engine::runs_code;

use super::sealed::Environment;
use super::secret;
use crate::environment::is_name;
use crate::failure::{ASK_FOR_POLICY, Code, Failure};
use crate::remote::{Remote, VaultAt, VaultFlag};
use crate::terminal::say;

/// What the arguments choose.
#[derive(Debug, Default, Args)]
pub(super) struct Selection {
    #[command(flatten)]
    vault: VaultFlag,

    /// Only these secrets; each must be there
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    only: Vec<String>,

    /// Allow a secret of this name although it changes which code runs
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_name: Vec<String>,

    /// Fetch the values under a key pair made for this one time, so that no proxy on the way sees them
    ///
    /// For owners and admins. It keeps values from a proxy or load balancer that ends TLS and looks, and from its log; not
    /// from one that attacks, nor from the server itself. Each value that is fetched so uses up one read of a secret with
    /// limited reads.
    #[arg(long)]
    sealed: bool,
}

/// What a secret brings: its key, and its value where that may be read now.
pub(super) type Found = (String, Option<SecretText>);

/// What becomes of an environment.
#[derive(Default)]
pub(super) struct Variables {
    /// Names with their values.
    pub(super) set: Vec<(String, SecretText)>,
    /// Names of secrets that have no value to give. What was inherited under such a name would pass for the secret.
    pub(super) removed: Vec<String>,
}

impl Selection {
    /// Reads what is chosen, in no order. `undone` is what has not happened when that fails.
    pub(super) async fn read(&self, server: &Remote, undone: &str) -> Result<Vec<Found>, Failure> {
        let vault = server.vault(&self.vault, undone).await?;
        if self.only.is_empty() {
            return self.all(server, &vault, undone).await;
        }
        // Read by name: nothing else stands in the record as read.
        let only: BTreeSet<&str> = self.only.iter().map(String::as_str).collect();
        if self.sealed {
            let environment = Environment::of(server, &vault, undone).await?;
            return environment.named(&Vec::from_iter(only)).await;
        }
        let mut found = Vec::with_capacity(only.len());
        for key in only {
            let (secret, value) = secret::read(server, &vault, key).await?;
            found.push((secret.key, Some(value)));
        }
        Ok(found)
    }

    /// Refuses what `--only` names and no variable can be, before anything is read.
    pub(super) fn check_only(&self, undone: &str) -> Result<(), Failure> {
        if let Some(key) = self.only.iter().find(|key| !is_name(key)) {
            return Err(Failure::usage(
                undone,
                format!("'{key}' cannot be the name of a variable"),
                "leave it out of --only, and read it with kluis get",
            ));
        }
        let only = self.only.iter();
        let refused: Vec<&String> = only.filter(|key| self.is_refused(key)).collect();
        refuse_code(&refused, undone)
    }

    /// What was found, as variables. A secret that no variable can be is left out with a word.
    pub(super) fn variables(&self, found: Vec<Found>, undone: &str) -> Result<Variables, Failure> {
        let mut variables = Variables::default();
        let mut refused_names = Vec::new();
        for (key, value) in found {
            if !is_name(&key) {
                say(&format!(
                    "left out: '{key}' cannot be the name of a variable"
                ));
                variables.removed.push(key);
                continue;
            }
            if self.is_refused(&key) {
                refused_names.push(key);
                continue;
            }
            match value {
                Some(value) if value.expose().contains('\0') => {
                    return Err(Failure::usage(
                        undone,
                        format!("the value of '{key}' holds a NUL byte, which no variable can"),
                        "name the others with --only, and read this one with kluis get",
                    ));
                }
                Some(value) => variables.set.push((key, value)),
                None => {
                    say_valueless(&key);
                    variables.removed.push(key);
                }
            }
        }
        refuse_code(&refused_names.iter().collect::<Vec<_>>(), undone)?;
        Ok(variables)
    }

    /// All secrets of the vault. If it holds some and gives not one value, it would only seem to have given them.
    async fn all(
        &self,
        server: &Remote,
        vault: &VaultAt,
        undone: &str,
    ) -> Result<Vec<Found>, Failure> {
        let found = if self.sealed {
            let environment = Environment::of(server, vault, undone).await?;
            environment.all().await?
        } else {
            plain(server, vault).await?
        };
        if !found.is_empty() && found.iter().all(|(_, value)| value.is_none()) {
            let (name, count) = (&vault.name, found.len());
            return Err(Failure::new(
                Code::Forbidden,
                undone,
                format!(
                    "of the {count} secrets in vault '{name}', none has a value that you may read now"
                ),
                ASK_FOR_POLICY,
            ));
        }
        Ok(found)
    }

    fn is_refused(&self, key: &String) -> bool {
        runs_code(key) && !self.allow_name.contains(key)
    }
}

/// Says that a secret is left out since there is no value to give.
pub(super) fn say_valueless(key: &str) {
    say(&format!(
        "left out: '{key}' has no value that may be read now"
    ));
}

async fn plain(server: &Remote, vault: &VaultAt) -> Result<Vec<Found>, Failure> {
    let secrets = server.client.cloudkeep().secrets(&vault.id).await;
    let secrets = secrets.map_err(|error| {
        let what = format!("cannot read the secrets of vault '{}'", vault.name);
        server.secret_failure(what, &error)
    })?;
    let found = secrets.into_iter();
    Ok(found.map(|secret| (secret.key, secret.value)).collect())
}

fn refuse_code(names: &[&String], undone: &str) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let names = names.join(",");
    Err(Failure::usage(
        undone,
        format!("as a variable, {names} would change which code runs"),
        format!(
            "rename it, name the others with --only, or say --allow-name {names} if it is meant"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNDONE: &str = "nothing was done";

    fn selection(only: &[&str], allow_name: &[&str]) -> Selection {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Selection {
            only: words(only),
            allow_name: words(allow_name),
            ..Selection::default()
        }
    }

    fn secret(key: &str, value: Option<&str>) -> Found {
        (
            key.to_owned(),
            value.map(|value| SecretText::from(value.to_owned())),
        )
    }

    fn set(variables: Result<Variables, Failure>) -> Result<Vec<String>, String> {
        let variables = variables.map_err(|failure| failure.to_string())?;
        let set = variables.set.into_iter();
        Ok(set
            .map(|(name, value)| format!("{name}={}", value.expose()))
            .collect())
    }

    fn only_refused(only: &[&str], allow_name: &[&str]) -> String {
        let checked = selection(only, allow_name).check_only(UNDONE);
        checked
            .err()
            .map(|failure| failure.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn a_key_that_is_no_name_is_left_out_or_refused() {
        let secrets = vec![
            secret("A", Some("1")),
            secret("db/pw", Some("2")),
            secret("USED_UP", None),
        ];
        let Ok(variables) = selection(&[], &[]).variables(secrets, UNDONE) else {
            panic!("refused");
        };
        assert_eq!(variables.removed, ["db/pw", "USED_UP"]);
        assert_eq!(set(Ok(variables)), Ok(vec!["A=1".to_owned()]));
        let refused = only_refused(&["A", "db/pw"], &[]);
        assert!(
            refused.contains("db/pw") && refused.contains("KLUIS-USAGE"),
            "{refused}"
        );
    }

    #[test]
    fn a_name_that_runs_code_needs_leave() {
        let secrets = || {
            vec![
                secret("A", Some("1")),
                secret("LD_PRELOAD", Some("canary")),
                secret("PATH", Some("/x")),
            ]
        };
        let variables =
            |allow_name: &[&str]| set(selection(&[], allow_name).variables(secrets(), UNDONE));
        let refused = variables(&[]).unwrap_err();
        assert!(
            refused.contains("--allow-name LD_PRELOAD,PATH") && !refused.contains("canary"),
            "{refused}"
        );
        let refused = variables(&["PATH"]).unwrap_err();
        assert!(refused.contains("LD_PRELOAD"), "{refused}");
        let allowed = variables(&["LD_PRELOAD", "PATH"]).unwrap();
        assert_eq!(allowed, ["A=1", "LD_PRELOAD=canary", "PATH=/x"]);
        assert!(only_refused(&["A", "PATH"], &[]).contains("--allow-name PATH"));
        assert_eq!(only_refused(&["A", "PATH"], &["PATH"]), "");
    }

    #[test]
    fn a_nul_byte_is_refused_without_the_value() {
        let secrets = vec![secret("A", Some("canary\0"))];
        let refused = set(selection(&[], &[]).variables(secrets, UNDONE)).unwrap_err();
        assert!(
            refused.contains("'A'") && !refused.contains("canary"),
            "{refused}"
        );
    }
}
