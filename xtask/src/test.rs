//! `cargo xtask test`: every test, with a PostgreSQL cluster of the run's own behind `KLUIS_TEST_POSTGRES`.
//!
//! The cluster belongs to a second process, `cargo xtask postgres`, which stops it and removes its directory when its
//! input ends: that happens however the run ends, killed or interrupted too. It stands in a process group of its own,
//! so that Ctrl-C ends the tests before it ends what they talk to.

use std::fs::{DirBuilder, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::root;

/// Builds, starts the cluster, hands `arguments` to nextest, and fails when a test does.
pub(crate) fn test(arguments: &[String]) -> Result<()> {
    run(Command::new("cargo")
        .args(["build", "--workspace", "--bins", "--tests"])
        .current_dir(root()))?;
    let mut keeper = Command::new(std::env::current_exe()?)
        .arg("postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("the keeper of the cluster cannot be started")?;
    let mut url = String::new();
    BufReader::new(keeper.stdout.take().context("no output")?).read_line(&mut url)?;
    let outcome = if url.is_empty() {
        Err(anyhow::anyhow!("there is no PostgreSQL cluster to test on"))
    } else {
        run(Command::new("cargo")
            .args(["nextest", "run", "--workspace"])
            .args(arguments)
            .env("KLUIS_TEST_POSTGRES", url.trim())
            .current_dir(root()))
    };
    drop(keeper.stdin.take());
    keeper.wait()?;
    outcome
}

/// Keeps a new cluster until the input ends; its URL, without a database, is the one line of output.
pub(crate) fn postgres() -> Result<()> {
    let cluster = Cluster::start()?;
    writeln!(std::io::stdout(), "{}", cluster.url)?;
    let (ended, at_the_end) = mpsc::channel();
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            // An input that cannot be read is one that has ended.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = ended.send(());
        })?;
    // A cluster that dies on a busy machine should cost the tests of that moment, and not all that follow.
    while let Err(RecvTimeoutError::Timeout) = at_the_end.recv_timeout(LOOK_EVERY) {
        if !cluster.is_running()? {
            let log = cluster.log();
            let tail = log.get(log.len().saturating_sub(LOG_TAIL)..);
            let tail = tail.unwrap_or(&log);
            writeln!(
                std::io::stderr(),
                "PostgreSQL has ended, and is started again:\n{tail}"
            )?;
            cluster.run()?;
        }
    }
    Ok(())
}

/// How often the keeper looks after its cluster.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a dead cluster's log that are shown.
const LOG_TAIL: usize = 4_000;

struct Cluster {
    directory: PathBuf,
    binaries: PathBuf,
    /// The user that it runs as; PostgreSQL refuses root.
    user: Option<(u32, u32)>,
    url: String,
}

impl Cluster {
    fn start() -> Result<Self> {
        let name = format!("kluis-test-{}", std::process::id());
        let mut cluster = Self {
            directory: std::env::temp_dir().join(name),
            binaries: binaries()?,
            user: unprivileged()?,
            url: String::new(),
        };
        DirBuilder::new()
            .mode(0o700)
            .create(&cluster.directory)
            .with_context(|| format!("{} cannot be made", cluster.directory.display()))?;
        if let Some((user, group)) = cluster.user {
            chown(&cluster.directory, Some(user), Some(group))?;
        }
        let data = cluster.data();
        run(cluster
            .command("initdb")
            .args(["-U", "postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--no-instructions", "-D"])
            .arg(&data)
            .stdout(Stdio::null()))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        cluster.configure(port)?;
        cluster.run()?;
        cluster.url = format!("postgres://postgres@127.0.0.1:{port}");
        Ok(cluster)
    }

    /// Starts the server, and waits until it answers.
    fn run(&self) -> Result<()> {
        run(self
            .command("pg_ctl")
            .args(["start", "--wait", "--silent", "-D"])
            .arg(self.data())
            .arg("--log")
            .arg(self.directory.join("log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null()))
        .with_context(|| self.log())
    }

    fn is_running(&self) -> Result<bool> {
        let mut status = self.command("pg_ctl");
        status.args(["status", "-D"]).arg(self.data());
        Ok(status.stdout(Stdio::null()).status()?.success())
    }

    /// Durable like a real one, and small.
    fn configure(&self, port: u16) -> Result<()> {
        let file = self.data().join("postgresql.auto.conf");
        let settings = format!(
            "listen_addresses = '127.0.0.1'\n\
             port = {port}\n\
             unix_socket_directories = '{}'\n\
             max_connections = 1000\n\
             shared_buffers = 64MB\n\
             wal_level = minimal\n\
             max_wal_senders = 0\n",
            self.directory.display()
        );
        std::fs::write(&file, settings)?;
        std::fs::set_permissions(&file, Permissions::from_mode(0o644))?;
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.current_dir(&self.directory);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stopped = self
            .command("pg_ctl")
            .args(["stop", "--silent", "--mode=immediate", "-D"])
            .arg(self.data())
            .stderr(Stdio::null())
            .status();
        // A cluster that never started cannot be stopped; its directory goes all the same.
        drop(stopped);
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// Where Debian keeps the newest PostgreSQL's programs, or wherever `initdb` is on the path.
fn binaries() -> Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = Vec::new();
    if let Ok(entries) = std::fs::read_dir("/usr/lib/postgresql") {
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if let Ok(version) = name.parse() {
                versions.push((version, path.join("bin")));
            }
        }
    }
    versions.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    versions
        .into_iter()
        .rev()
        .map(|(_, path)| path)
        .chain(std::env::split_paths(&on_path))
        .find(|path| path.join("initdb").is_file())
        .context("PostgreSQL is missing. Install it: apt-get install postgresql")
}

/// The user and group `postgres`, when this process is root.
fn unprivileged() -> Result<Option<(u32, u32)>> {
    if id("-u", None)? != 0 {
        return Ok(None);
    }
    Ok(Some((
        id("-u", Some("postgres"))?,
        id("-g", Some("postgres"))?,
    )))
}

fn id(which: &str, of: Option<&str>) -> Result<u32> {
    let output = Command::new("id").arg(which).args(of).output()?;
    if !output.status.success() {
        bail!("there is no user 'postgres' to run PostgreSQL as, and it refuses to run as root");
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn run(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command
        .status()
        .with_context(|| format!("{program} cannot be started"))?;
    if !status.success() {
        bail!("{program} failed: {status}");
    }
    Ok(())
}
