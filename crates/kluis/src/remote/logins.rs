//! The log-ins of this user on this machine: one token per server, in a file that nobody else can read or lead elsewhere.
//!
//! `credentials.json` in `kluis` below the configuration directory (`XDG_CONFIG_HOME`, else `~/.config`). The directory is
//! opened once, without following a link, and everything else happens relative to it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use kluis_client::SecretText;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use super::find::Surroundings;
use crate::failure::{Code, Failure};

/// Where log-ins are kept.
#[derive(Debug)]
pub(crate) struct Store {
    directory: PathBuf,
}

/// All log-ins.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Logins {
    /// The server that commands use which name none: that of the latest log-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    /// By base URL.
    #[serde(default)]
    servers: BTreeMap<String, Login>,
}

/// A log-in at one server.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    /// The access token.
    #[serde(serialize_with = "revealed")]
    pub(crate) token: SecretText,
    /// Its end, RFC 3339.
    pub(crate) expires_at: String,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    /// Certificates to trust there, where the log-in needed some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// The one place where a token is written down.
fn revealed<S: Serializer>(token: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

impl Store {
    /// The store of whoever runs this; none where the environment names no home.
    pub(super) fn of(surroundings: &Surroundings<'_>) -> Option<Self> {
        // The specification of these directories has relative ones ignored.
        let absolute = |name: &str| {
            surroundings
                .text(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let configuration = absolute("XDG_CONFIG_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
        Some(Self {
            directory: configuration.join("kluis"),
        })
    }

    /// The file, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// What is kept; nothing where there is no file.
    pub(crate) fn read(&self) -> Result<Logins, Failure> {
        match open_directory(&self.directory) {
            Ok(directory) => self.read_in(&directory),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Logins::default()),
            Err(error) => Err(self.untrusted(&error.to_string())),
        }
    }

    /// Changes what is kept. Others who change it wait; whoever reads it finds the old or the new.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Logins) -> T) -> Result<T, Failure> {
        let failed = |error: io::Error| {
            Failure::new(
                Code::Failed,
                "the log-in cannot be kept",
                format!("{}: {error}", self.path().display()),
                "make room, or correct the directory's permissions",
            )
        };
        if let Some(parent) = self.directory.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        match fs::DirBuilder::new().mode(0o700).create(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(error));
            }
            _ => {}
        }
        let directory =
            open_directory(&self.directory).map_err(|error| self.untrusted(&error.to_string()))?;
        rustix::fs::fchmod(&directory, Mode::RWXU).map_err(|error| failed(error.into()))?;
        rustix::fs::flock(&directory, FlockOperation::LockExclusive)
            .map_err(|error| failed(error.into()))?;
        let mut logins = self.read_in(&directory)?;
        let outcome = change(&mut logins);
        replace(&directory, &logins).map_err(failed)?;
        Ok(outcome)
    }

    fn read_in(&self, directory: &File) -> Result<Logins, Failure> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(directory, FILE, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(Logins::default()),
            Err(rustix::io::Errno::LOOP) => return Err(self.untrusted("it is a symbolic link")),
            Err(error) => return Err(self.untrusted(&io::Error::from(error).to_string())),
        };
        let unreadable = |error: io::Error| self.untrusted(&error.to_string());
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(self.untrusted("it is no file"));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(self.untrusted("it belongs to another user"));
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(self.untrusted("others may read or write it"));
        }
        let mut text = Zeroizing::new(Vec::with_capacity(FIRST_BUFFER));
        file.take(LONGEST)
            .read_to_end(&mut text)
            .map_err(unreadable)?;
        serde_json::from_slice(&text).map_err(|error| {
            // serde's own sentence may quote what it found.
            let line = error.line();
            self.untrusted(&format!("line {line} is not as kluis login writes it"))
        })
    }

    fn untrusted(&self, why: &str) -> Failure {
        let path = self.path();
        Failure::usage(
            "the log-ins of this machine cannot be used",
            format!("{}: {why}", path.display()),
            format!(
                "chmod 600 it if it is yours, or remove it and say kluis login: {}",
                path.display()
            ),
        )
    }
}

impl Logins {
    /// The log-in at this server.
    pub(crate) fn at(&self, url: &str) -> Option<&Login> {
        self.servers.get(without_slash(url))
    }

    /// The server to use where none is named: the latest, or the only one.
    pub(crate) fn server(&self) -> Option<&str> {
        match &self.current {
            Some(current) if self.servers.contains_key(current) => Some(current),
            _ if self.servers.len() == 1 => self.servers.keys().next().map(String::as_str),
            _ => None,
        }
    }

    /// Keeps a log-in in place of any other at the same server.
    pub(crate) fn put(&mut self, url: &str, login: Login) {
        let url = without_slash(url).to_owned();
        self.servers.insert(url.clone(), login);
        self.current = Some(url);
    }

    /// Forgets the log-in at this server if it is still the one with this token.
    pub(crate) fn remove(&mut self, url: &str, token: &SecretText) {
        let url = without_slash(url);
        if self
            .servers
            .get(url)
            .is_some_and(|login| login.token.expose() == token.expose())
        {
            self.servers.remove(url);
        }
        if self
            .current
            .as_ref()
            .is_some_and(|current| !self.servers.contains_key(current))
        {
            self.current = None;
        }
    }
}

/// Both spellings of a base URL are one server.
pub(super) fn without_slash(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// The directory itself, which has to be the caller's own and nobody else's to write in.
fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(directory) => File::from(directory),
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) => {
            return Err(io::Error::other("its directory is no directory of its own"));
        }
        Err(error) => return Err(error.into()),
    };
    let metadata = directory.metadata()?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("its directory belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others may write in its directory"));
    }
    Ok(directory)
}

/// Writes a new file beside the old one, and puts it in its place when it is safe on the disk.
fn replace(directory: &File, logins: &Logins) -> io::Result<()> {
    let text = Zeroizing::new(serde_json::to_vec_pretty(logins).map_err(io::Error::other)?);
    // What a run that was killed has left; the lock says that nobody else is at it.
    match rustix::fs::unlinkat(directory, TEMPORARY, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(
        directory,
        TEMPORARY,
        flags,
        Mode::RUSR | Mode::WUSR,
    )?);
    file.write_all(&text)?;
    file.sync_all()?;
    rustix::fs::renameat(directory, TEMPORARY, directory, FILE)?;
    directory.sync_all()
}

const FILE: &str = "credentials.json";
const TEMPORARY: &str = ".credentials.json.new";
const LONGEST: u64 = 1 << 20;
/// Large enough that no token is copied while the buffer grows.
const FIRST_BUFFER: usize = 16 << 10;

#[cfg(test)]
mod tests;
