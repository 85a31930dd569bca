//! `kluis run`: a command with secrets in its environment.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use clap::Args;
use tokio::process::Command;

use super::Context;
use super::selection::Selection;
use crate::environment::is_own;
use crate::failure::{Code, Failure};

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
    selection: Selection,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  kluis run -- ./deploy.sh --fast
  kluis run --vault prod --only DB_URL,DB_PASSWORD -- psql
  kluis run --vault prod --sealed -- ./server      no proxy on the way sees a value
  kluis run -- sh -c 'echo \"$API_KEY\" | wc -c'";

impl Run {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        self.selection.check_only(NOT_STARTED)?;
        let variables = {
            let server = context.server()?;
            let found = self.selection.read(&server, NOT_STARTED).await?;
            self.selection.variables(found, NOT_STARTED)?
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
