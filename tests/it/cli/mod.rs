//! The command line, run as a user runs it, against a real server.

mod secrets;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::harness::{Kluis, binary};

/// How a command ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs `kluis` with these arguments against `kluis`, with nothing of this process's own configuration.
fn run(kluis: &Kluis, arguments: &[&str]) -> Ended {
    run_with(kluis, arguments, "", &[])
}

/// The same with something on stdin and in the environment.
fn run_with(kluis: &Kluis, arguments: &[&str], stdin: &str, environment: &[(&str, &str)]) -> Ended {
    let mut command = command(&kluis.data_dir());
    command.args(arguments).envs(environment.iter().copied());
    let mut child = command.spawn().unwrap();
    // A command that fails early need not read what it is given.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    ended(&child.wait_with_output().unwrap())
}

fn command(data_dir: &Path) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars() {
        if name.starts_with("KLUIS_") {
            command.env_remove(name);
        }
    }
    command
        .arg("--data-dir")
        .arg(data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
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
    fn well(self) -> Self {
        assert_eq!(
            self.code, 0,
            "stdout {:?}, stderr {}",
            self.stdout, self.stderr
        );
        self
    }

    /// Checks a failure: this exit code, four lines on stderr, nothing on stdout (NT-69).
    #[track_caller]
    fn failed(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout {:?}, stderr {}",
            self.stdout, self.stderr
        );
        assert_eq!(self.stdout, "", "{}", self.stderr);
        assert_eq!(self.stderr.trim_end().lines().count(), 4, "{}", self.stderr);
        self
    }
}
