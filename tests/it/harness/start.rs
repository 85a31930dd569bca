//! How a server is started: flags, place, and what stands between.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Kluis;

/// How a server is to be started.
#[derive(Default)]
pub struct Start {
    pub(super) arguments: Vec<String>,
    directory: Option<PathBuf>,
    listen: Option<String>,
    wrapper: Vec<String>,
    program: Option<PathBuf>,
}

/// How a server ended that was not to start.
pub struct Ended {
    pub code: Option<i32>,
    pub stderr: String,
}

/// The binary under test: `KLUIS_BIN`, or the debug build.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("KLUIS_BIN") {
        return path.into();
    }
    let mut directory = std::env::current_exe().unwrap();
    directory.pop();
    if directory.ends_with("deps") {
        directory.pop();
    }
    directory.join("kluis")
}

impl Start {
    /// With these flags of `kluis dev`.
    pub fn new(arguments: &[&str]) -> Self {
        Self {
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
            ..Self::default()
        }
    }

    /// In a directory that the test keeps.
    pub fn directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// Through another program, which gets the command at the end of its arguments.
    pub fn through(mut self, program: &[&str]) -> Self {
        self.wrapper = program.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// On this address instead of a free port.
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = Some(address.to_owned());
        self
    }

    /// Another copy of the binary.
    pub fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    /// Start, and wait until it is ready.
    pub async fn start(self) -> Kluis {
        let temporary = match self.directory {
            Some(_) => None,
            None => Some(tempfile::tempdir().unwrap()),
        };
        let directory = match (&self.directory, &temporary) {
            (Some(directory), _) => directory.clone(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => unreachable!(),
        };
        Kluis::begun(self, directory, temporary).await
    }

    /// Start what cannot run, and wait for its end. It is a failure of the test when it has not ended in 20 seconds.
    pub async fn fails(self) -> Ended {
        let directory = self.directory.clone().unwrap();
        let mut child = self
            .command(&directory, Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("the server runs: {}", child.wait().unwrap());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(super) fn command(&self, directory: &Path, stdout: impl Into<Stdio>) -> Command {
        let words: Vec<PathBuf> = self
            .wrapper
            .iter()
            .map(PathBuf::from)
            .chain([self.program.clone().unwrap_or_else(binary)])
            .collect();
        let mut command = Command::new(&words[0]);
        without_settings(&mut command)
            .args(&words[1..])
            .args(["dev", "--listen"])
            .arg(self.listen.as_deref().unwrap_or("127.0.0.1:0"))
            .arg("--data-dir")
            .arg(directory.join("data"))
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(
                std::fs::File::options()
                    .create(true)
                    .append(true)
                    .open(directory.join("stderr"))
                    .unwrap(),
            );
        command
    }
}

/// Without what this test run, or whoever runs it, has in the environment for Kluis.
pub fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KLUIS_") {
            command.env_remove(name);
        }
    }
    // Where nothing is, so that no log-in of that person's is used either, and nothing is remembered among theirs.
    command
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("XDG_STATE_HOME", "/nonexistent")
}
