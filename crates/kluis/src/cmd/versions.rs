//! The versions of a secret: `kluis secret versions`, `rotate`, `rollback`, `disable`, `close`, `restore`, `purge`

use clap::Args;
use kluis_client::cloudkeep::SecretChange;
use kluis_client::{Error, oneclaw};

use super::secret::{self, is_path};
use super::{Context, input};
use crate::failure::Failure;
use crate::output::{Cell, LISTING, Records};
use crate::remote::{Remote, VaultAt, VaultFlag};
use crate::terminal::say;

/// Which secret.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Key of the secret
    key: String,
    #[command(flatten)]
    vault: VaultFlag,
}

/// Which version of a secret.
#[derive(Debug, Args)]
pub(crate) struct AtVersion {
    /// Key of the secret
    key: String,
    /// Number of the version
    version: u64,
    #[command(flatten)]
    vault: VaultFlag,
}

/// Have the server make a new value, which nobody is shown
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    at: At,
    /// Characters of the new value, 8 to 1024; 32 unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=1024))]
    length: Option<u32>,
    /// What it is made of; hex unless given
    #[arg(long, value_parser = ["hex", "base64", "alphanumeric", "ascii"])]
    charset: Option<String>,
}

/// A secret that was named, in the vault where it is.
struct Place<'a> {
    server: Remote,
    vault: VaultAt,
    key: &'a str,
    /// What cannot be done when something fails.
    what: String,
}

impl At {
    pub(super) async fn versions(&self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let place = self.place(context, "list the versions of").await?;
        let oneclaw = place.server.client.oneclaw();
        let versions = oneclaw.secret_versions(&place.vault.id, &self.key).await;
        let rows = place.done(versions)?.into_iter().map(|version| {
            vec![
                Cell::Number(version.version),
                version.kind.into(),
                version.created_at.into(),
                version.expires_at.into(),
                Cell::Flag(version.is_disabled),
            ]
        });
        let columns = &["version", "type", "created_at", "expires_at", "disabled"];
        Records::list(columns, rows.collect()).print(format)
    }

    pub(super) async fn close(&self, context: &Context) -> Result<(), Failure> {
        let place = self.place(context, "close").await?;
        let oneclaw = place.server.client.oneclaw();
        place.done(oneclaw.secret_close(&place.vault.id, &self.key).await)?;
        place.tell("closed; for 30 days kluis secret restore opens it again");
        Ok(())
    }

    pub(super) async fn restore(&self, context: &Context) -> Result<(), Failure> {
        let place = self.place(context, "restore").await?;
        let oneclaw = place.server.client.oneclaw();
        let restored = place.done(oneclaw.secret_restore(&place.vault.id, &self.key).await)?;
        place.tell(&format!(
            "restored; version {} is current",
            restored.version
        ));
        Ok(())
    }

    pub(super) async fn purge(&self, context: &Context, yes: bool) -> Result<(), Failure> {
        let place = self.place(context, "purge").await?;
        let what = format!("what is closed of '{}'", self.key);
        input::make_sure(yes, &what, &self.key)?;
        let oneclaw = place.server.client.oneclaw();
        place.done(oneclaw.secret_purge(&place.vault.id, &self.key).await)?;
        place.tell("purged");
        Ok(())
    }

    async fn place(&self, context: &Context, verb: &str) -> Result<Place<'_>, Failure> {
        Place::find(context, &self.vault, &self.key, verb).await
    }
}

impl AtVersion {
    pub(super) async fn disable(&self, context: &Context) -> Result<(), Failure> {
        let verb = format!("disable version {} of", self.version);
        let place = Place::find(context, &self.vault, &self.key, &verb).await?;
        let oneclaw = place.server.client.oneclaw();
        let disabled = oneclaw
            .secret_version_disable(&place.vault.id, &self.key, self.version)
            .await;
        place.done(disabled)?;
        place.tell(&format!("has version {} disabled", self.version));
        Ok(())
    }

    pub(super) async fn rollback(&self, context: &Context) -> Result<(), Failure> {
        let verb = format!("go back to version {} of", self.version);
        let place = Place::find(context, &self.vault, &self.key, &verb).await?;
        let client = &place.server.client;
        let id = secret::id(&place.server, &place.vault, &self.key, || {
            place.what.clone()
        })
        .await?;
        let older = client
            .oneclaw()
            .secret_version(&place.vault.id, &self.key, self.version)
            .await;
        let older = place.done(older)?;
        let change = SecretChange {
            value: Some(older.value.expose()),
            ..SecretChange::default()
        };
        let changed = client
            .cloudkeep()
            .secret_update(&place.vault.id, &id, change)
            .await;
        place.done(changed)?;
        place.tell(&format!("has the value of version {} again", self.version));
        Ok(())
    }
}

impl Rotate {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let place = self.at.place(context, "rotate").await?;
        let rotate = oneclaw::Rotate {
            length: self.length,
            charset: self.charset.as_deref(),
        };
        let oneclaw = place.server.client.oneclaw();
        let made = oneclaw
            .secret_rotate(&place.vault.id, &self.at.key, &rotate)
            .await;
        let made = place.done(made)?;
        place.tell(&format!("rotated to version {}", made.version));
        Ok(())
    }
}

impl<'a> Place<'a> {
    /// Finds the vault. `verb` says what is to be done with the secret.
    async fn find(
        context: &Context,
        vault: &VaultFlag,
        key: &'a str,
        verb: &str,
    ) -> Result<Self, Failure> {
        let what = format!("cannot {verb} '{key}'");
        if !is_path(key) {
            return Err(Failure::usage(
                what,
                "versions go by path, and a path holds only letters, digits, - and _, with single slashes between",
                "the current version is there with kluis get; keep what needs its versions under such a path",
            ));
        }
        let server = context.server()?;
        let vault = server.vault(vault, what.as_str()).await?;
        let what = format!("{what} in vault '{}'", vault.name);
        Ok(Self {
            server,
            vault,
            key,
            what,
        })
    }

    fn done<T>(&self, outcome: Result<T, Error>) -> Result<T, Failure> {
        outcome.map_err(|error| self.server.secret_failure(self.what.as_str(), &error))
    }

    fn tell(&self, what: &str) {
        say(&format!(
            "'{}' in vault '{}' {what}",
            self.key, self.vault.name
        ));
    }
}
