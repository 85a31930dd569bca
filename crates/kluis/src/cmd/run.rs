//! `kluis run`: a command with secrets in its environment.

use std::ffi::{OsStr, OsString};
use std::future::poll_fn;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::task::Poll;

use clap::Args;
use kluis_client::SecretText;
use kluis_client::cloudkeep::Secret;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};

use super::Context;
use crate::environment::{is_name, is_own, runs_code};
use crate::failure::{Code, Failure};
use crate::remote::{Remote, VaultAt, VaultFlag};
use crate::suggest::did_you_mean;
use crate::terminal::say;

/// Run a command with the secrets of a vault in its environment
///
/// The command is started as given, without a shell. Its exit code becomes ours, 128 and the number of a signal that ended
/// it; signals that we get are passed on. Variables whose names begin with KLUIS_ are kept from it, since one may hold our
/// token. A secret whose name would change which code runs, such as LD_PRELOAD or PATH, is refused.
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

impl Run {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let variables = {
            let server = context.server()?;
            let vault = server.vault(&self.vault).await?;
            let secrets = self.secrets(&server, &vault).await?;
            self.variables(secrets)?
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
        command.envs(variables.iter().map(|(name, value)| (name, value.expose())));
        // Watched from before the start: a signal that comes in between is for the child too.
        let signals = Signals::watch()?;
        let child = command
            .spawn()
            .map_err(|error| not_started(program, &error))?;
        drop((command, variables));
        signals.forward_until_end(child).await.map(exit_code)
    }

    /// The vault's secrets, or those of `--only`, all of which must have a value.
    async fn secrets(&self, server: &Remote, vault: &VaultAt) -> Result<Vec<Secret>, Failure> {
        let cloudkeep = server.client.cloudkeep();
        let all = cloudkeep.secrets(&vault.id).await;
        let mut all = all.map_err(|error| {
            server.failure(
                format!("cannot read the secrets of vault '{}'", vault.name),
                &error,
            )
        })?;
        if self.only.is_empty() {
            return Ok(all);
        }
        let mut wanted = Vec::with_capacity(self.only.len());
        for key in &self.only {
            let Some(position) = all.iter().position(|secret| secret.key == *key) else {
                if wanted.iter().any(|secret: &Secret| secret.key == *key) {
                    continue;
                }
                let hint = did_you_mean(key, all.iter().map(|secret| secret.key.as_str()));
                return Err(Failure::new(
                    Code::NotFound,
                    "the command was not started",
                    format!(
                        "vault '{}' shows no secret '{key}', named by --only{hint}",
                        vault.name
                    ),
                    "see the secrets with kluis secret list",
                ));
            };
            let mut secret = all.swap_remove(position);
            if secret.value.is_none() {
                // Lists leave out what has limited reads; asked for by name, it is worth one.
                let read = cloudkeep.secret(&vault.id, &secret.id).await;
                secret =
                    read.map_err(|error| server.failure(format!("cannot read '{key}'"), &error))?;
            }
            wanted.push(secret);
        }
        Ok(wanted)
    }

    /// What goes into the environment. Names that cannot be variables are left out with a word, unless `--only` asked.
    fn variables(&self, secrets: Vec<Secret>) -> Result<Vec<(String, SecretText)>, Failure> {
        let refuse =
            |why: String, fix: &str| Failure::usage("the command was not started", why, fix);
        let mut variables = Vec::with_capacity(secrets.len());
        let mut refused = Vec::new();
        for secret in secrets {
            if !is_name(&secret.key) {
                let why = format!("'{}' cannot be the name of a variable", secret.key);
                if !self.only.is_empty() {
                    return Err(refuse(
                        why,
                        "leave it out of --only, and read it with kluis get",
                    ));
                }
                say(&format!("left out: {why}"));
                continue;
            }
            if runs_code(&secret.key) && !self.allow_name.contains(&secret.key) {
                refused.push(secret.key);
                continue;
            }
            match secret.value {
                Some(value) if value.expose().contains('\0') => {
                    let why = format!(
                        "the value of '{}' holds a NUL byte, which no variable can",
                        secret.key
                    );
                    return Err(refuse(
                        why,
                        "name the others with --only, and read this one with kluis get",
                    ));
                }
                Some(value) => variables.push((secret.key, value)),
                None => say(&format!(
                    "left out: '{}' has no value that may be read now",
                    secret.key
                )),
            }
        }
        if refused.is_empty() {
            return Ok(variables);
        }
        let names = refused.join(",");
        Err(refuse(
            format!("as a variable, {names} would change which code runs"),
            &format!(
                "rename it, name the others with --only, or say --allow-name {names} if it is meant"
            ),
        ))
    }
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

/// Signals that this process gets, to be passed on.
struct Signals {
    watched: Vec<(Signal, Arrivals)>,
}

impl Signals {
    /// Starts watching. A signal that our parent had us ignore, as `nohup` does, stays ignored, and so the child's.
    fn watch() -> Result<Self, Failure> {
        let ignored = ignored_signals();
        let mut watched = Vec::with_capacity(FORWARDED.len());
        for forwarded in FORWARDED {
            let number = forwarded.as_raw();
            if ignored >> (number - 1) & 1 == 1 {
                continue;
            }
            let arrivals = signal(SignalKind::from_raw(number)).map_err(|error| {
                Failure::new(
                    Code::Failed,
                    "the command was not started",
                    format!("signal {number} cannot be watched: {error}"),
                    "run the command by itself",
                )
            })?;
            watched.push((*forwarded, arrivals));
        }
        Ok(Self { watched })
    }

    async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            for (signal, arrivals) in &mut self.watched {
                if arrivals.poll_recv(context).is_ready() {
                    return Poll::Ready(*signal);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Waits for the child, passing on what comes meanwhile.
    async fn forward_until_end(mut self, mut child: Child) -> Result<ExitStatus, Failure> {
        let pid = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        loop {
            let signal = tokio::select! {
                // The end first: a signal must not go to a process id that may belong to another by then.
                biased;
                ended = child.wait() => return ended.map_err(|error| {
                    Failure::new(Code::Failed, "the command was lost", error.to_string(), "look whether it still runs")
                }),
                signal = self.next() => signal,
            };
            if let Some(pid) = pid
                && !(is_from_keyboard(signal) && is_in_foreground())
            {
                // It may have ended this instant; its status follows.
                let _ = kill_process(pid, signal);
            }
        }
    }
}

/// Signals that a terminal sends to all processes in its foreground, so to the child as well.
fn is_from_keyboard(signal: Signal) -> bool {
    matches!(signal, Signal::INT | Signal::QUIT)
}

/// Whether this process and its child are in the foreground of their terminal.
fn is_in_foreground() -> bool {
    std::fs::File::open("/dev/tty")
        .and_then(|terminal| Ok(rustix::termios::tcgetpgrp(&terminal)?))
        .is_ok_and(|group| group == rustix::process::getpgrp())
}

/// The set of ignored signals, bit n-1 for signal n, as the kernel tells it. None where there is no such file.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

const FORWARDED: &[Signal] = &[
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
];

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

    fn secret(key: &str, value: Option<&str>) -> Secret {
        Secret {
            id: String::new(),
            key: key.to_owned(),
            value: value.map(|value| SecretText::from(value.to_owned())),
            kind: String::new(),
            notes: None,
            created_at: String::new(),
            updated_at: String::new(),
        }
    }

    fn names(variables: Result<Vec<(String, SecretText)>, Failure>) -> Result<Vec<String>, String> {
        let variables = variables.map_err(|failure| failure.to_string())?;
        Ok(variables
            .into_iter()
            .map(|(name, value)| format!("{name}={}", value.expose()))
            .collect())
    }

    #[test]
    fn a_key_that_is_no_name_is_left_out_or_refused() {
        let secrets = || {
            vec![
                secret("A", Some("1")),
                secret("db/pw", Some("2")),
                secret("USED_UP", None),
            ]
        };
        assert_eq!(
            names(run(&[], &[]).variables(secrets())),
            Ok(vec!["A=1".to_owned()])
        );
        let refused = names(run(&["A", "db/pw"], &[]).variables(secrets())).unwrap_err();
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
        let refused = names(run(&[], &[]).variables(secrets())).unwrap_err();
        assert!(
            refused.contains("--allow-name LD_PRELOAD,PATH") && !refused.contains("canary"),
            "{refused}"
        );
        assert!(
            names(run(&[], &["PATH"]).variables(secrets()))
                .unwrap_err()
                .contains("LD_PRELOAD")
        );
        let allowed = names(run(&[], &["LD_PRELOAD", "PATH"]).variables(secrets())).unwrap();
        assert_eq!(allowed, ["A=1", "LD_PRELOAD=canary", "PATH=/x"]);
    }

    #[test]
    fn a_nul_byte_is_refused_without_the_value() {
        let refused =
            names(run(&[], &[]).variables(vec![secret("A", Some("canary\0"))])).unwrap_err();
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
