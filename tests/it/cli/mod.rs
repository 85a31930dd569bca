//! The command line, run as a user runs it, against a real server.

mod agents;
mod clusters;
mod enrollments;
mod export;
mod insights;
mod integrations;
mod logins;
mod offline;
mod reading;
mod recorder;
mod sealed;
mod secrets;
mod shares;
mod standin;
mod starting;
mod users;
mod versions;
mod webhooks;
mod words;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::harness::{Kluis, binary, without_settings};

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `kluis` with these arguments against `kluis`, with nothing of this process's own configuration.
fn run(kluis: &Kluis, arguments: &[&str]) -> Ended {
    run_with(kluis, arguments, "", &[])
}

/// The same with something on stdin and in the environment.
fn run_with(kluis: &Kluis, arguments: &[&str], stdin: &str, environment: &[(&str, &str)]) -> Ended {
    let mut command = in_directory(&kluis.data_dir());
    command.args(arguments).envs(environment.iter().copied());
    wait(command, stdin)
}

/// What it prints as JSON.
fn json_of(kluis: &Kluis, arguments: &[&str]) -> Value {
    let printed = run(kluis, &[arguments, &["-o", "json"]].concat()).well();
    serde_json::from_str(&printed.stdout).unwrap()
}

/// `kluis` with this data directory.
fn in_directory(data_dir: &Path) -> Command {
    let mut command = bare();
    command.arg("--data-dir").arg(data_dir);
    command
}

/// `kluis` with no arguments yet.
pub(crate) fn bare() -> Command {
    let mut command = Command::new(binary());
    without_settings(&mut command);
    command
}

/// Runs it to its end.
pub(crate) fn wait(mut command: Command, stdin: &str) -> Ended {
    let started = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.unwrap();
    // A command that fails early need not read what it is given.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    ended(&child.wait_with_output().unwrap())
}

/// The variables of a caller other than the owner.
fn caller<'a>(url: &'a str, token: &'a str) -> [(&'a str, &'a str); 2] {
    [("KLUIS_URL", url), ("KLUIS_TOKEN", token)]
}

fn ended(output: &Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ended {
    /// The same, if it ended well.
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        assert_eq!(
            self.code, 0,
            "stdout {:?}, stderr {}",
            self.stdout, self.stderr
        );
        self
    }

    /// Checks a failure: this exit code, four lines on stderr, nothing on stdout (NT-69).
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout {:?}, stderr {}",
            self.stdout, self.stderr
        );
        assert_eq!(self.stdout, "", "{}", self.stderr);
        let lines = self.stderr.trim_end().lines();
        let lines = lines.filter(|line| !line.starts_with("warning: "));
        assert_eq!(lines.count(), 4, "{}", self.stderr);
        self
    }

    /// Checks that these words stand on stderr.
    #[track_caller]
    pub(crate) fn told(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "{word:?} is not in: {}",
                self.stderr
            );
        }
        self
    }

    /// Checks that this word stands nowhere.
    #[track_caller]
    pub(crate) fn silent(self, word: &str) -> Self {
        assert!(!self.stderr.contains(word), "{}", self.stderr);
        assert!(!self.stdout.contains(word), "{}", self.stdout);
        self
    }
}
