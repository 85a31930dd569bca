//! Which server a command talks to, and with which token: flags, then the environment, then a running `kluis dev`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use kluis_client::cloudkeep::Vault;
use kluis_client::{Client, Error};

use crate::failure::{Code, Failure};
use crate::suggest::did_you_mean;
use crate::terminal::say;

mod find;

pub(crate) use find::Connection;
use find::{Found, Surroundings, is_loopback, unreadable};

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
    /// "the server at URL (from …)".
    name: String,
    /// Where the token came from.
    token_from: String,
}

/// A vault by id, with the name to call it by.
pub(crate) struct VaultAt {
    /// The id, in either spelling.
    pub(crate) id: String,
    /// The name or id as the user gave it.
    pub(crate) name: String,
}

impl Remote {
    /// Finds server and token in flags, environment and data directory. Connects to nothing.
    pub(crate) fn find(connection: &Connection) -> Result<Self, Failure> {
        let surroundings = Surroundings {
            variable: &|name| std::env::var_os(name),
            directory: std::env::current_dir().unwrap_or_default(),
        };
        let found = Found::find(connection, &surroundings)?;
        let ca_file = connection
            .ca_file
            .clone()
            .or_else(|| surroundings.text("KLUIS_CA_FILE").map(PathBuf::from))
            .or_else(|| found.certificate.clone());
        Self::connect(found, ca_file.as_deref())
    }

    fn connect(found: Found, ca_file: Option<&Path>) -> Result<Self, Failure> {
        let mut builder = Client::builder(&found.url).token(found.token);
        if let Some(path) = ca_file {
            let pem =
                fs::read(path).map_err(|error| unreadable("certificate file", path, &error))?;
            builder = builder.certificate_authorities(pem);
        }
        let client = builder.build().map_err(|error| {
            Failure::usage(
                "cannot talk to the server",
                format!(
                    "{error} (URL from {}, token from {})",
                    found.url_from, found.token_from
                ),
                "correct the value and try again",
            )
        })?;
        if found.url.starts_with("http://") && !is_loopback(&found.url) {
            say(&format!(
                "warning: the token travels unencrypted to {}",
                found.url
            ));
        }
        Ok(Self {
            client,
            name: format!("the server at {} (from {})", found.url, found.url_from),
            token_from: found.token_from,
        })
    }

    /// Turns a failed call into a failure of the command that made it.
    pub(crate) fn failure(&self, what: impl Into<String>, error: &Error) -> Failure {
        Failure::of_call(what, &self.name, &self.token_from, error)
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
}

/// A UUID, or `vlt_` and 22 base-62 characters. A vault whose name looks like one is reached by its id.
fn is_vault_id(text: &str) -> bool {
    if let Some(body) = text.strip_prefix("vlt_") {
        return body.len() == 22 && body.bytes().all(|byte| byte.is_ascii_alphanumeric());
    }
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

const DEFAULT_VAULT: &str = "default";

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
