//! The log-ins of this user on this machine: one token per server, in a file that nobody else can read or lead elsewhere.
//!
//! `credentials.json` in `kluis` below the configuration directory (`XDG_CONFIG_HOME`, else `~/.config`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use kluis_client::SecretText;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use super::find::Surroundings;
use crate::failure::{Code, Failure};
use crate::private_file::{Fault, PrivateFile};

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
        let directory = surroundings.own_directory("XDG_CONFIG_HOME", ".config")?;
        Some(Self { directory })
    }

    /// The file, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// What is kept; nothing where there is no file.
    pub(crate) fn read(&self) -> Result<Logins, Failure> {
        let text = self.file().read().map_err(|fault| self.failed(&fault))?;
        self.parsed(text)
    }

    /// Changes what is kept. Others who change it wait; whoever reads it finds the old or the new.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Logins) -> T) -> Result<T, Failure> {
        let failed = |fault: Fault| self.failed(&fault);
        let held = self.file().hold().map_err(failed)?;
        let mut logins = self.parsed(held.read().map_err(failed)?)?;
        let outcome = change(&mut logins);
        let text = Zeroizing::new(
            serde_json::to_vec_pretty(&logins)
                .map_err(|error| self.failed(&Fault::Failed(error.to_string())))?,
        );
        held.replace(&text).map_err(failed)?;
        Ok(outcome)
    }

    fn file(&self) -> PrivateFile {
        PrivateFile::new(self.directory.clone(), FILE)
    }

    fn parsed(&self, text: Option<Zeroizing<Vec<u8>>>) -> Result<Logins, Failure> {
        let Some(text) = text else {
            return Ok(Logins::default());
        };
        serde_json::from_slice(&text).map_err(|error| {
            // serde's own sentence may quote what it found.
            let line = error.line();
            self.untrusted(&format!("line {line} is not as kluis login writes it"))
        })
    }

    fn failed(&self, fault: &Fault) -> Failure {
        match fault {
            Fault::Untrusted(why) => self.untrusted(why),
            Fault::Failed(why) => Failure::new(
                Code::Failed,
                "the log-in cannot be kept",
                format!("{}: {why}", self.path().display()),
                "make room, or correct the directory's permissions",
            ),
        }
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

const FILE: &str = "credentials.json";

#[cfg(test)]
mod tests;
