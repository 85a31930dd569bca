//! `--sealed`: values that travel as ciphertext that only the two ends open.

use std::collections::BTreeMap;

use kluis_client::crate_io::{Place, Tags, Wanted, is_environment, is_name};
use kluis_client::sealed::OneTimeKey;
use kluis_client::{Error, SecretText};

use super::selection::Found;
use crate::failure::{Code, Failure};
use crate::remote::{Remote, VaultAt};

/// A vault by what sealed transport calls it.
pub(super) struct Environment<'a> {
    server: &'a Remote,
    vault: &'a VaultAt,
    organization: String,
    name: String,
}

impl<'a> Environment<'a> {
    /// Finds out whose vault it is, and what it is called. `undone` is what has not happened when that fails.
    pub(super) async fn of(
        server: &'a Remote,
        vault: &'a VaultAt,
        undone: &str,
    ) -> Result<Self, Failure> {
        let name = if vault.is_named() {
            vault.name.clone()
        } else {
            let found = server.client.cloudkeep().vault(&vault.id).await;
            found.map_err(|error| server.failure(undone, &error))?.name
        };
        if !is_environment(&name) {
            return Err(Failure::usage(
                undone,
                format!(
                    "sealed transport cannot name vault '{name}': it takes up to 64 letters, digits, - and _, and no - or _ in front"
                ),
                "leave --sealed out, or use a vault with such a name",
            ));
        }
        let me = server.client.oneclaw().me().await;
        let me = me.map_err(|error| refused(server, undone, &error))?;
        Ok(Self {
            server,
            vault,
            organization: me.org_id,
            name,
        })
    }

    /// Keeps a value; gives its version.
    pub(super) async fn store(&self, key: &str, value: &SecretText) -> Result<u64, Failure> {
        let failure = |error: Error| {
            let what = format!("cannot set '{key}' in vault '{}'", self.vault.name);
            refused(self.server, what, &error)
        };
        let crate_io = self.server.client.crate_io();
        let sealing = crate_io.public_key(&self.organization).await;
        let sealed = sealing.and_then(|sealing| sealing.seal(value));
        let place = Place {
            name: key,
            environment: &self.name,
            tags: None,
        };
        let sealed = sealed.map_err(failure)?;
        let stored = crate_io.secret_store(&self.organization, &place, &sealed);
        stored.await.map(|stored| stored.version).map_err(failure)
    }

    /// All secrets, those without a value that may be read now among them.
    pub(super) async fn all(&self) -> Result<Vec<Found>, Failure> {
        let crate_io = self.server.client.crate_io();
        let listed = crate_io.secrets(&self.organization, &self.name, Tags::default());
        let listed = listed.await.map_err(|error| self.unread(&error))?;
        let mut values = self.retrieve(&[]).await?;
        let listed = listed.into_iter().map(|secret| {
            let value = values.remove(&secret.name);
            (secret.name, value)
        });
        let mut found: Vec<Found> = listed.collect();
        // What was made after the list.
        found.extend(valued(values));
        Ok(found)
    }

    /// The secrets of these names; each must be there.
    pub(super) async fn named(&self, names: &[&str]) -> Result<Vec<Found>, Failure> {
        let what = |name: &str| format!("cannot read '{name}' in vault '{}'", self.vault.name);
        if let Some(name) = names.iter().find(|name| !is_name(name)) {
            return Err(Failure::usage(what(name), KEYS, OTHERWISE));
        }
        let values = self.retrieve(names).await?;
        if let Some(name) = names.iter().find(|name| !values.contains_key(**name)) {
            return Err(Failure::new(
                Code::NotFound,
                what(name),
                "the server sent no value of that key: it is not there, or may not be read now",
                format!(
                    "see the secrets with kluis secret list --vault '{}'",
                    self.vault.name
                ),
            ));
        }
        Ok(valued(values).collect())
    }

    async fn retrieve(&self, names: &[&str]) -> Result<BTreeMap<String, SecretText>, Failure> {
        let wanted = Wanted {
            environment: &self.name,
            names,
            tags: Tags::default(),
        };
        let key = OneTimeKey::generate().map_err(|error| self.unread(&error))?;
        let crate_io = self.server.client.crate_io();
        let values = crate_io.secrets_retrieve(&self.organization, &wanted, &key);
        values.await.map_err(|error| self.unread(&error))
    }

    fn unread(&self, error: &Error) -> Failure {
        let what = format!("cannot read the secrets of vault '{}'", self.vault.name);
        refused(self.server, what, error)
    }
}

/// Refuses a key that sealed transport cannot say, before a value is asked for.
pub(super) fn check_key(key: &str) -> Result<(), Failure> {
    if is_name(key) {
        return Ok(());
    }
    let what = format!("'{key}' was not changed");
    Err(Failure::usage(what, KEYS, OTHERWISE))
}

fn valued(values: BTreeMap<String, SecretText>) -> impl Iterator<Item = Found> {
    values.into_iter().map(|(name, value)| (name, Some(value)))
}

fn refused(server: &Remote, what: impl Into<String>, error: &Error) -> Failure {
    let failure = server.failure(what, error);
    failure
        .advise(
            Code::Forbidden,
            "leave --sealed out, or ask an owner or admin: sealed transport is for them alone",
        )
        .advise(
            Code::Conflict,
            "see to that and try again, or leave --sealed out",
        )
}

const KEYS: &str = "sealed transport takes keys of up to 255 letters, digits, _, . and -, with a letter or _ in front";
const OTHERWISE: &str = "leave --sealed out, or choose another key";
