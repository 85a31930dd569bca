//! `kluis set`

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use kluis_client::SecretText;
use kluis_client::cloudkeep::{NewSecret, SecretChange};

use super::sealed::{self, Environment};
use super::{Context, input, secret};
use crate::failure::Failure;
use crate::remote::{Remote, VaultAt, VaultFlag};
use crate::terminal::say;

/// Keep a secret: make it, or give it a new value
///
/// The value is asked for without echo, or read from stdin when that is not a terminal. From stdin, the line end of a
/// single line is left out; several lines, such as a key in PEM, are kept exactly. --value-file is always exact.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Set {
    /// Key of the secret
    key: String,

    /// Caught so that a value here is refused without being repeated.
    #[arg(hide = true, allow_hyphen_values = false)]
    value: Vec<OsString>,

    /// Read the value from this file, byte for byte; `-` is stdin
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,

    /// Type of the secret, such as text, credential or api_key
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,

    /// Keep an empty value; refused otherwise, since it is mostly a failed command in a pipe
    #[arg(long)]
    allow_empty: bool,

    /// Seal the value for the server, so that no proxy on the way sees it
    ///
    /// For owners and admins. It keeps the value from a proxy or load balancer that ends TLS and looks, and from its log; not
    /// from one that attacks, nor from the server itself. RSA-OAEP carries 318 bytes; a longer value, up to 1 MiB, goes in an
    /// extension that only Kluis has.
    #[arg(long, conflicts_with = "kind")]
    sealed: bool,

    #[command(flatten)]
    vault: VaultFlag,
}

const EXAMPLES: &str = "\
Examples:
  kluis set API_KEY
  openssl rand -hex 32 | kluis set SESSION_KEY --vault prod
  kluis set TLS_KEY --value-file key.pem
  kluis set API_KEY --sealed --vault prod          no proxy on the way sees the value";

impl Set {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        self.refuse_value_in_arguments()?;
        if self.sealed {
            sealed::check_key(&self.key)?;
        }
        let server = context.server()?;
        let value = input::value(
            self.value_file.as_deref(),
            &format!("Value of {} (not shown): ", self.key),
        )?;
        if value.expose().is_empty() && !self.allow_empty {
            return Err(Failure::usage(
                format!("'{}' was not changed", self.key),
                "the value is empty",
                "give a value, or say --allow-empty if an empty one is meant",
            ));
        }
        let what = format!("cannot set '{}'", self.key);
        let vault = server.vault(&self.vault, what.as_str()).await?;
        let done = if self.sealed {
            let environment = Environment::of(&server, &vault, &what).await?;
            let version = environment.store(&self.key, &value).await?;
            let done = if version == 1 { "made" } else { "changed" };
            format!("{done} in vault '{}', version {version}", vault.name)
        } else {
            let done = self.store(&server, &vault, &value).await?;
            format!("{done} in vault '{}'", vault.name)
        };
        say(&format!("'{}' {done}", self.key));
        Ok(())
    }

    /// Makes the secret, or changes the one that is there; says which.
    async fn store(
        &self,
        server: &Remote,
        vault: &VaultAt,
        value: &SecretText,
    ) -> Result<&'static str, Failure> {
        let what = || format!("cannot set '{}' in vault '{}'", self.key, vault.name);
        let cloudkeep = server.client.cloudkeep();
        let new = NewSecret {
            key: &self.key,
            value: value.expose(),
            kind: self.kind.as_deref(),
            notes: None,
        };
        match cloudkeep.secret_create(&vault.id, new).await {
            Ok(_) => Ok("made"),
            Err(error) if error.status() == Some(409) => {
                let id = secret::id(server, vault, &self.key, what).await?;
                let change = SecretChange {
                    value: Some(value.expose()),
                    kind: self.kind.as_deref(),
                    notes: None,
                };
                let changed = cloudkeep.secret_update(&vault.id, &id, change).await;
                changed.map_err(|error| server.secret_failure(what(), &error))?;
                Ok("changed")
            }
            Err(error) => Err(server.secret_failure(what(), &error)),
        }
    }

    /// Says nothing of what stood there: it is the secret.
    fn refuse_value_in_arguments(&self) -> Result<(), Failure> {
        let (why, key) = match self.key.split_once('=') {
            Some((key, _)) => ("the key holds '=', so a value seems to stand after it", key),
            None if !self.value.is_empty() => ("a value stands after the key", self.key.as_str()),
            None => return Ok(()),
        };
        Err(Failure::usage(
            "a value on the command line is not taken",
            format!(
                "{why}; arguments are seen by every user of this machine and kept in the shell's history"
            ),
            format!(
                "kluis set {key} asks for it, or reads it from stdin; consider the value known and change it"
            ),
        ))
    }
}
