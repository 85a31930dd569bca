//! `kluis run`: a command with secrets in its environment.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use clap::Args;
use kluis_client::SecretText;
use tokio::process::Command;

use super::{Context, secret};
use crate::environment::{is_name, is_own, runs_code};
use crate::failure::{ASK_FOR_POLICY, Code, Failure};
use crate::remote::{Remote, VaultAt, VaultFlag};
use crate::terminal::say;

mod signals;

use signals::Signals;

/// Run a command with the secrets of a vault in its environment
///
/// The command is started as given, without a shell. Its exit code becomes ours, 128 and the number of a signal that ended
/// it; signals that we get are passed on. Variables whose names begin with KLUIS_ are kept from it, since one may hold our
/// token, and so are those of secrets whose values you may not read. A secret whose name would change which code runs, such
/// as LD_PRELOAD or PATH, is refused.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Run {
    #[command(flatten)]
    vault: VaultFlag,

    /// Only these secrets; each must be there
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    only: Vec<String>,

    /// Allow a secret of this name although it changes which code runs
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_name: Vec<String>,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  kluis run -- ./deploy.sh --fast
  kluis run --vault prod --only DB_URL,DB_PASSWORD -- psql
  kluis run -- sh -c 'echo \"$API_KEY\" | wc -c'";

/// What a secret brings: its key, and its value where that may be read now.
type Found = (String, Option<SecretText>);

/// What the child's environment gets and what it loses.
#[derive(Default)]
struct Variables {
    set: Vec<(String, SecretText)>,
    /// Names of secrets that have no value to give. What was inherited under such a name would pass for the secret.
    removed: Vec<String>,
}

impl Run {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        self.check_only()?;
        let variables = {
            let server = context.server()?;
            let vault = server.vault(&self.vault, NOT_STARTED).await?;
            let found = if self.only.is_empty() {
                all(&server, &vault).await?
            } else {
                self.named(&server, &vault).await?
            };
            self.variables(found)?
        };
        let (program, arguments) = self.command.split_first().ok_or_else(|| {
            Failure::usage(
                "nothing to run",
                "no command stands after --",
                "kluis run -- COMMAND",
            )
        })?;
        let mut command = Command::new(program);
        command.args(arguments);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_own)) {
            command.env_remove(name);
        }
        for name in &variables.removed {
            command.env_remove(name);
        }
        let set = variables.set.iter();
        command.envs(set.map(|(name, value)| (name, value.expose())));
        // Watched from before the start: a signal that comes in between is for the child too.
        let signals = Signals::watch()?;
        let child = command
            .spawn()
            .map_err(|error| not_started(program, &error))?;
        drop((command, variables));
        signals.forward_until_end(child).await.map(exit_code)
    }

    /// Refuses what `--only` names and no variable can be, before anything is read.
    fn check_only(&self) -> Result<(), Failure> {
        if let Some(key) = self.only.iter().find(|key| !is_name(key)) {
            return Err(refused(
                format!("'{key}' cannot be the name of a variable"),
                "leave it out of --only, and read it with kluis get",
            ));
        }
        let only = self.only.iter();
        refuse_code(&only.filter(|key| self.is_refused(key)).collect::<Vec<_>>())
    }

    /// The secrets of `--only`, read one by one: nothing else stands in the record as read.
    async fn named(&self, server: &Remote, vault: &VaultAt) -> Result<Vec<Found>, Failure> {
        let mut found = Vec::with_capacity(self.only.len());
        for key in self.only.iter().collect::<BTreeSet<_>>() {
            let (secret, value) = secret::read(server, vault, key).await?;
            found.push((secret.key, Some(value)));
        }
        Ok(found)
    }

    /// What becomes of the environment. A secret that no variable can be is left out with a word.
    fn variables(&self, found: Vec<Found>) -> Result<Variables, Failure> {
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
                    return Err(refused(
                        format!("the value of '{key}' holds a NUL byte, which no variable can"),
                        "name the others with --only, and read this one with kluis get",
                    ));
                }
                Some(value) => variables.set.push((key, value)),
                None => {
                    say(&format!(
                        "left out: '{key}' has no value that may be read now"
                    ));
                    variables.removed.push(key);
                }
            }
        }
        refuse_code(&refused_names.iter().collect::<Vec<_>>())?;
        Ok(variables)
    }

    fn is_refused(&self, key: &String) -> bool {
        runs_code(key) && !self.allow_name.contains(key)
    }
}

/// All secrets of the vault. If it holds some and gives not one value, a command would only seem to have got them.
async fn all(server: &Remote, vault: &VaultAt) -> Result<Vec<Found>, Failure> {
    let secrets = server.client.cloudkeep().secrets(&vault.id).await;
    let secrets = secrets.map_err(|error| {
        let what = format!("cannot read the secrets of vault '{}'", vault.name);
        server.secret_failure(what, &error)
    })?;
    if !secrets.is_empty() && secrets.iter().all(|secret| secret.value.is_none()) {
        let (name, count) = (&vault.name, secrets.len());
        return Err(Failure::new(
            Code::Forbidden,
            NOT_STARTED,
            format!(
                "of the {count} secrets in vault '{name}', none has a value that you may read now"
            ),
            ASK_FOR_POLICY,
        ));
    }
    let found = secrets.into_iter();
    Ok(found.map(|secret| (secret.key, secret.value)).collect())
}

fn refuse_code(names: &[&String]) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let names = names.join(",");
    Err(refused(
        format!("as a variable, {names} would change which code runs"),
        format!(
            "rename it, name the others with --only, or say --allow-name {names} if it is meant"
        ),
    ))
}

fn refused(why: String, fix: impl Into<String>) -> Failure {
    Failure::usage(NOT_STARTED, why, fix)
}

fn not_started(program: &OsStr, error: &io::Error) -> Failure {
    let program = program.to_string_lossy();
    let (code, fix) = match error.kind() {
        io::ErrorKind::NotFound => (Code::NoSuchCommand, "check the name and PATH"),
        io::ErrorKind::ArgumentListTooLong => {
            (Code::NotRunnable, "inject fewer secrets with --only")
        }
        _ => (Code::NotRunnable, "check that it is an executable file"),
    };
    Failure::new(
        code,
        format!("cannot run '{program}'"),
        error.to_string(),
        fix,
    )
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(
        code.and_then(|code| u8::try_from(code).ok())
            .unwrap_or(u8::MAX),
    )
}

const NOT_STARTED: &str = "the command was not started";

#[cfg(test)]
mod tests {
    use super::*;

    fn run(only: &[&str], allow_name: &[&str]) -> Run {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Run {
            vault: VaultFlag::default(),
            only: words(only),
            allow_name: words(allow_name),
            command: vec!["true".into()],
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
        let checked = run(only, allow_name).check_only();
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
        let Ok(variables) = run(&[], &[]).variables(secrets) else {
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
        let refused = set(run(&[], &[]).variables(secrets())).unwrap_err();
        assert!(
            refused.contains("--allow-name LD_PRELOAD,PATH") && !refused.contains("canary"),
            "{refused}"
        );
        let refused = set(run(&[], &["PATH"]).variables(secrets())).unwrap_err();
        assert!(refused.contains("LD_PRELOAD"), "{refused}");
        let allowed = set(run(&[], &["LD_PRELOAD", "PATH"]).variables(secrets())).unwrap();
        assert_eq!(allowed, ["A=1", "LD_PRELOAD=canary", "PATH=/x"]);
        assert!(only_refused(&["A", "PATH"], &[]).contains("--allow-name PATH"));
        assert_eq!(only_refused(&["A", "PATH"], &["PATH"]), "");
    }

    #[test]
    fn a_nul_byte_is_refused_without_the_value() {
        let secrets = vec![secret("A", Some("canary\0"))];
        let refused = set(run(&[], &[]).variables(secrets)).unwrap_err();
        assert!(
            refused.contains("'A'") && !refused.contains("canary"),
            "{refused}"
        );
    }

    #[test]
    fn an_end_becomes_a_shells_exit_code() {
        let code = |raw| format!("{:?}", exit_code(ExitStatus::from_raw(raw)));
        let plain = |code: u8| format!("{:?}", ExitCode::from(code));
        assert_eq!(code(0), plain(0));
        assert_eq!(code(255 << 8), plain(255));
        assert_eq!(code(9), plain(137));
        assert_eq!(code(15), plain(143));
    }
}
