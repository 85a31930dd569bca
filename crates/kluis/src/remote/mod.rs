//! Which server a command talks to, and with which token: flags, then the environment, then a running `kluis dev`, then the
//! latest log-in.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use kluis_client::cloudkeep::Vault;
use kluis_client::oneclaw::Agent;
use kluis_client::{Client, Error, SecretText};
use kluis_server::engine::{Clock, Timestamp};

use crate::failure::{Code, Failure};
use crate::private_file::PrivateFile;
use crate::suggest::did_you_mean;
use crate::terminal::say;

mod find;
mod logins;
mod named;

pub(crate) use find::Connection;
use find::{Found, Surroundings, Token, is_loopback, unreadable};
use logins::without_slash;
pub(crate) use logins::{Login, Store};

/// The vault that a command works in.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct VaultFlag {
    /// Name or id of the vault; `default` unless given [env: KLUIS_VAULT]
    #[arg(long, value_name = "VAULT")]
    vault: Option<String>,
}

/// A server that was found, and the words for where.
pub(crate) struct Remote {
    /// The client to call it with.
    pub(crate) client: Client,
    /// Its base URL as it was given.
    pub(crate) url: String,
    /// "the server at URL (from …)".
    name: String,
    /// Where the token came from.
    token_from: String,
    /// Whether that was a log-in.
    is_login: bool,
    /// Whether the token is a session's or a log-in's, and no API key.
    is_session: bool,
}

/// A vault by id, with the name to call it by.
pub(crate) struct VaultAt {
    /// The id, in either spelling.
    pub(crate) id: String,
    /// The name or id as the user gave it.
    pub(crate) name: String,
}

impl VaultAt {
    /// Whether it was named by its name.
    pub(crate) fn is_named(&self) -> bool {
        !is_vault_id(&self.name)
    }
}

impl Remote {
    /// Finds server and token in flags, environment, data directory and log-ins. Connects to nothing.
    pub(crate) fn find(connection: &Connection) -> Result<Self, Failure> {
        let found = found(connection)?;
        let token = found.token?;
        Self::connect(
            connection,
            found.certificate,
            (found.url, found.url_from),
            Some(token),
        )
    }

    /// The same server, without a token.
    pub(crate) fn as_nobody(connection: &Connection) -> Result<Self, Failure> {
        let found = found(connection)?;
        Self::connect(
            connection,
            found.certificate,
            (found.url, found.url_from),
            None,
        )
    }

    /// The same server, with a token where there is one.
    pub(crate) fn as_anyone(connection: &Connection) -> Result<Self, Failure> {
        let found = found(connection)?;
        let token = found.token.ok();
        Self::connect(
            connection,
            found.certificate,
            (found.url, found.url_from),
            token,
        )
    }

    /// The server that a link leads to. A token goes along only if it is for that very server: anybody can send a link.
    pub(crate) fn of_link(connection: &Connection, base: &str) -> Result<Self, Failure> {
        let found = found(connection).ok();
        if let Some(found) = found.filter(|found| without_slash(&found.url) == without_slash(base))
        {
            let at = (found.url, found.url_from);
            Self::connect(connection, found.certificate, at, found.token.ok())
        } else {
            let at = (base.to_owned(), "the link".to_owned());
            Self::connect(connection, None, at, None)
        }
    }

    /// The server of a log-in, with its token whether it still holds or not.
    pub(crate) fn with_token(
        connection: &Connection,
        url: &str,
        token: SecretText,
        certificate: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let from = "the log-in".to_owned();
        let token = Token {
            text: token,
            from: from.clone(),
            is_login: true,
        };
        Self::connect(connection, certificate, (url.to_owned(), from), Some(token))
    }

    fn connect(
        connection: &Connection,
        certificate: Option<PathBuf>,
        (url, url_from): (String, String),
        token: Option<Token>,
    ) -> Result<Self, Failure> {
        let mut builder = Client::builder(&url);
        let (mut token_from, mut is_login) = ("nowhere".to_owned(), false);
        let mut is_session = false;
        if url.starts_with("http://") && !is_loopback(&url) {
            let what = if token.is_some() {
                "the token"
            } else {
                "all of it"
            };
            say(&format!("warning: {what} travels unencrypted to {url}"));
        }
        if let Some(token) = token {
            (token_from, is_login) = (token.from, token.is_login);
            is_session = is_login || is_session_token(token.text.expose());
            builder = builder.token(token.text);
        }
        if let Some(path) = ca_file(connection).or(certificate) {
            let pem =
                fs::read(&path).map_err(|error| unreadable("certificate file", &path, &error))?;
            builder = builder.certificate_authorities(pem);
        }
        let client = builder.build().map_err(|error| {
            Failure::usage(
                "cannot talk to the server",
                format!("{error} (URL from {url_from}, token from {token_from})"),
                "correct the value and try again",
            )
        })?;
        Ok(Self {
            client,
            name: format!("the server at {url} (from {url_from})"),
            url,
            token_from,
            is_login,
            is_session,
        })
    }

    /// "the server at URL (from …)".
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Refuses a credential that is no API key, for an API that takes no other (RULES §1).
    pub(crate) fn require_api_key(&self, what: &str) -> Result<(), Failure> {
        if !self.is_session {
            return Ok(());
        }
        Err(Failure::new(
            Code::NotAuthenticated,
            what,
            format!(
                "the zero-knowledge vault takes API keys alone, and the credential from {} is a log-in or session",
                self.token_from
            ),
            "make an API key with kluis token create, and name its file with --token-file",
        ))
    }

    /// Where the token came from.
    pub(crate) fn token_from(&self) -> &str {
        &self.token_from
    }

    /// Turns a failed call into a failure of the command that made it.
    pub(crate) fn failure(&self, what: impl Into<String>, error: &Error) -> Failure {
        let failure = Failure::of_call(what, &self.name, &self.token_from, error);
        if self.is_login {
            let again = format!("log in again with kluis login --url {}", self.url);
            return failure.advise(Code::NotAuthenticated, again);
        }
        failure
    }

    /// The same of a call that acts on secrets.
    pub(crate) fn secret_failure(&self, what: impl Into<String>, error: &Error) -> Failure {
        self.failure(what, error).about_secrets()
    }

    /// The vault to work in. An id is taken as it is; a name costs one call. `what` is what could not be done without it.
    pub(crate) async fn vault(
        &self,
        flag: &VaultFlag,
        what: impl Into<String>,
    ) -> Result<VaultAt, Failure> {
        let from_environment = std::env::var("KLUIS_VAULT")
            .ok()
            .filter(|name| !name.is_empty());
        let (name, from) = match (&flag.vault, from_environment) {
            (Some(name), _) => (name.clone(), "--vault"),
            (None, Some(name)) => (name, "KLUIS_VAULT"),
            (None, None) => (DEFAULT_VAULT.to_owned(), "the default"),
        };
        self.vault_named(&name, from, what).await
    }

    /// The vault with this name or id; `from` says where the name came from, `what` as for [`Remote::vault`].
    pub(crate) async fn vault_named(
        &self,
        name: &str,
        from: &str,
        what: impl Into<String>,
    ) -> Result<VaultAt, Failure> {
        let name = name.trim();
        let found = |id: &str| VaultAt {
            id: id.to_owned(),
            name: name.to_owned(),
        };
        if is_vault_id(name) {
            return Ok(found(name));
        }
        let vaults = self.vaults(what).await?;
        if let Some(vault) = vaults.iter().find(|vault| vault.name == name) {
            return Ok(found(&vault.id));
        }
        let hint = did_you_mean(name, vaults.iter().map(|vault| vault.name.as_str()));
        Err(Failure::new(
            Code::NotFound,
            format!("there is no vault '{name}'"),
            format!(
                "{} shows none of that name (name from {from}){hint}",
                self.name
            ),
            "see the vaults with kluis vault list, make one with kluis vault create",
        ))
    }

    /// All vaults that the caller can reach. `what` is what could not be done without them.
    pub(crate) async fn vaults(&self, what: impl Into<String>) -> Result<Vec<Vault>, Failure> {
        self.client
            .cloudkeep()
            .vaults()
            .await
            .map_err(|error| self.failure(what, &error))
    }

    /// A user's id: as given, or looked up when an e-mail address was given.
    pub(crate) async fn user_id(&self, user: &str) -> Result<String, Failure> {
        if !user.contains('@') {
            return Ok(user.to_owned());
        }
        let users = self.client.credvault().users().await;
        let users =
            users.map_err(|error| self.failure(format!("cannot look up user '{user}'"), &error))?;
        let address = user.to_lowercase();
        users
            .into_iter()
            .find(|known| known.email == address)
            .map(|known| known.id)
            .ok_or_else(|| {
                Failure::new(
                    Code::NotFound,
                    format!("there is no user '{user}'"),
                    "no user of the organization that you may see has this e-mail address",
                    "see the users with kluis user list, or give the user's id",
                )
            })
    }

    /// The agent with this id or name, of those that the caller sees. `what` is what could not be done without it.
    pub(crate) async fn agent(&self, agent: &str, what: &str) -> Result<Agent, Failure> {
        if is_uuid(agent) {
            let found = self.client.oneclaw().agent(agent).await;
            return found.map_err(|error| {
                self.failure(what, &error)
                    .advise(Code::NotFound, SEE_AGENTS)
            });
        }
        let agents = self.client.oneclaw().agents().await;
        let mut agents = agents.map_err(|error| self.failure(what, &error))?;
        let hint = did_you_mean(agent, agents.iter().map(|known| known.name.as_str()));
        agents.retain(|known| known.name == agent);
        if 1 < agents.len() {
            let ids: Vec<&str> = agents.iter().map(|known| known.id.as_str()).collect();
            return Err(Failure::usage(
                what,
                format!("{} agents are called '{agent}'", agents.len()),
                format!("say which by its id: {}", ids.join(", ")),
            ));
        }
        agents.pop().ok_or_else(|| {
            Failure::new(
                Code::NotFound,
                format!("there is no agent '{agent}'"),
                format!("{} shows none of that name{hint}", self.name),
                SEE_AGENTS,
            )
        })
    }
}

/// Where log-ins are kept.
pub(crate) fn store() -> Result<Store, Failure> {
    surrounded(Store::of).ok_or_else(|| {
        Failure::usage(
            "there is no place to keep a log-in",
            "neither XDG_CONFIG_HOME nor HOME names a directory",
            "set HOME, or use an API key with --token-file",
        )
    })
}

/// Where it is kept what servers of zero-knowledge vaults were seen to have.
pub(crate) fn zk_memory() -> Result<PrivateFile, Failure> {
    let directory = surrounded(|around| around.own_directory("XDG_STATE_HOME", ".local/state"));
    let directory = directory.ok_or_else(|| {
        Failure::usage(
            "there is no place to remember what the server is known to have",
            "neither XDG_STATE_HOME nor HOME names a directory",
            "set HOME: without that memory, a server could give back old secrets unnoticed",
        )
    })?;
    Ok(PrivateFile::new(directory, "zero-knowledge.json"))
}

/// This instant.
pub(crate) fn now() -> Timestamp {
    Clock::system().now()
}

/// The server that commands here talk to, unless one is named.
pub(crate) fn usual_server(connection: &Connection) -> Option<String> {
    let unnamed = Connection {
        url: None,
        ..connection.clone()
    };
    found(&unnamed).ok().map(|found| found.url)
}

fn found(connection: &Connection) -> Result<Found, Failure> {
    surrounded(|surroundings| Found::find(connection, surroundings, now()))
}

/// The certificates that somebody named.
pub(crate) fn ca_file(connection: &Connection) -> Option<PathBuf> {
    let named = connection.ca_file.clone();
    named.or_else(|| surrounded(|around| around.text("KLUIS_CA_FILE")).map(PathBuf::from))
}

fn surrounded<T>(ask: impl FnOnce(&Surroundings<'_>) -> T) -> T {
    ask(&Surroundings {
        variable: &|name| std::env::var_os(name),
        directory: std::env::current_dir().unwrap_or_default(),
    })
}

/// Whether a token is a session (RULES §1), or an access token, which is a JWT.
fn is_session_token(token: &str) -> bool {
    token.starts_with("cvs_") || token.starts_with("eyJ")
}

/// A UUID, or `vlt_` and 22 base-62 characters. A vault whose name looks like one is reached by its id.
fn is_vault_id(text: &str) -> bool {
    if let Some(body) = text.strip_prefix("vlt_") {
        return body.len() == 22 && body.bytes().all(|byte| byte.is_ascii_alphanumeric());
    }
    is_uuid(text)
}

/// A UUID with its hyphens.
pub(crate) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

const DEFAULT_VAULT: &str = "default";
const SEE_AGENTS: &str = "see the agents with kluis agent list";

#[cfg(test)]
mod tests {
    use super::is_vault_id;

    #[test]
    fn vault_ids_are_told_from_names() {
        for id in [
            "vlt_0123456789abcdefABCDEF",
            "7f1c2b9e-93a4-4b43-8d0d-6b6d4c8a9e10",
        ] {
            assert!(is_vault_id(id), "{id}");
        }
        for name in [
            "default",
            "vlt_8xK2mN",
            "vlt_0123456789abcdefABCD-F",
            "7f1c2b9e93a44b438d0d6b6d4c8a9e10",
            "a-b-c-d-e",
        ] {
            assert!(!is_vault_id(name), "{name}");
        }
    }
}
