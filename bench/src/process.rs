//! Servers as child processes: started, waited for, ended by their id.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::redact::redact;

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    child: Child,
    /// The process id.
    pub(crate) pid: u32,
    /// What it writes to standard error.
    log: PathBuf,
}

impl Server {
    /// Starts a program whose standard error goes to `log`. Its standard input and output are as the command says.
    pub(crate) fn spawn(command: &mut Command, log: &Path) -> Result<Self> {
        let program = command.as_std().get_program().to_owned();
        let child = command
            .stderr(File::create(log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let pid = child.id().context("the process ended at once")?;
        Ok(Self {
            child,
            pid,
            log: log.to_owned(),
        })
    }

    /// Fails, with the end of what the server wrote to standard error, if it has exited.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended with {status}{}", self.last_words()),
        }
    }

    /// Asks the server to stop (SIGTERM) and waits for its end; after ten seconds it is killed, which is an error.
    pub(crate) async fn stop(mut self) -> Result<ExitStatus> {
        let pid = i32::try_from(self.pid)
            .ok()
            .and_then(Pid::from_raw)
            .context("not a process id")?;
        // Not reaped yet, so the id is still the child's.
        kill_process(pid, Signal::TERM).context("sending SIGTERM")?;
        let Ok(status) = timeout(STOP_TIMEOUT, self.child.wait()).await else {
            self.child.kill().await?;
            let seconds = STOP_TIMEOUT.as_secs();
            bail!(
                "the server did not stop within {seconds} s of SIGTERM{}",
                self.last_words()
            );
        };
        Ok(status?)
    }

    fn last_words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let tail = log
            .get(log.len().saturating_sub(SHOWN_LOG)..)
            .unwrap_or_default();
        format!(
            "; the end of its standard error: {}",
            redact(&String::from_utf8_lossy(tail))
        )
    }
}

/// The reference server, this same program.
pub(crate) struct Reference {
    /// The process.
    pub(crate) server: Server,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Reference {
    /// Starts it with its database in `directory`, and waits until it listens. It knows one token, `token`.
    pub(crate) async fn start(directory: &Path, token: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("reference").arg("--directory").arg(directory);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Server::spawn(&mut command, &directory.join("reference.log"))?;
        let input = server.child.stdin.as_mut().context("no standard input")?;
        input.write_all(format!("{token}\n").as_bytes()).await?;
        let mut output = BufReader::new(server.child.stdout.take().context("no standard output")?);
        let mut line = String::new();
        timeout(START_TIMEOUT, output.read_line(&mut line))
            .await
            .context("the reference server does not listen")??;
        server.check_running()?;
        let address = line.trim().parse().with_context(|| {
            format!("no address of the reference server{}", server.last_words())
        })?;
        Ok(Self { server, address })
    }
}

/// How long a server may take until it answers.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a server may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a server's log that an error shows.
const SHOWN_LOG: usize = 2000;
