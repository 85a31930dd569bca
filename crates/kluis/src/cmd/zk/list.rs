//! `kluis zk list` and `kluis zk unlock`

use clap::{Args, ValueEnum};
use kluis_client::inkbox::Secret;
use kluis_client::zk::{Error, UnlockedSecret};
use serde_json::Value;

use super::session::warn;
use super::{At, Session};
use crate::failure::Failure;
use crate::output::{Cell, Format, LISTING, Records};
use crate::terminal::say;

/// The type of a secret, as people name it.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum Kind {
    Login,
    ApiKey,
    KeyPair,
    SshKey,
    Other,
}

/// List the secrets that you may read, without values; needs no vault key
#[derive(Debug, Args)]
pub(super) struct List {
    /// Those of this type
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Option<Kind>,
}

/// Open everything, and hold it against what the server is known to have
#[derive(Debug, Args)]
pub(super) struct Unlock {
    /// Print what is in them, too; with -o json or yaml
    #[arg(long)]
    reveal: bool,
}

const COLUMNS: &[&str] = &[
    "name",
    "secret_type",
    "description",
    "agents",
    "updated_at",
    "id",
];
const UNLOCKED: &[&str] = &["id", "name", "secret_type"];
const REVEALED: &[&str] = &["id", "name", "secret_type", "description", "payload"];

impl Kind {
    pub(super) fn of_client(self) -> kluis_client::zk::Kind {
        use kluis_client::zk::Kind as Client;
        match self {
            Self::Login => Client::Login,
            Self::ApiKey => Client::ApiKey,
            Self::KeyPair => Client::KeyPair,
            Self::SshKey => Client::SshKey,
            Self::Other => Client::Other,
        }
    }
}

impl List {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = "cannot list the secrets";
        let format = at.context.format(LISTING)?;
        let server = at.context.server()?;
        server.require_api_key(what)?;
        let mut session = Session::open(at, server)?;
        let listed = session.zk().secrets(self.kind.map(Kind::of_client)).await;
        let listed = session.done(what, listed)?;
        warn(&listed.warnings);
        let row = |secret: Secret| {
            let agents = u64::try_from(secret.access.len()).unwrap_or(u64::MAX);
            vec![
                secret.name.into(),
                secret.secret_type.into(),
                secret.description.into(),
                Cell::Number(agents),
                secret.updated_at.into(),
                secret.id.into(),
            ]
        };
        Records::list(COLUMNS, listed.secrets.into_iter().map(row).collect()).print(format)
    }
}

impl Unlock {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = "the vault was not opened";
        let format = at.context.format(LISTING)?;
        if self.reveal && !matches!(format, Format::Json | Format::Yaml) {
            return Err(Failure::usage(
                what,
                "--reveal prints all that is sealed, which fits no table",
                "say -o json or -o yaml, too",
            ));
        }
        let server = at.context.server()?;
        server.require_api_key(what)?;
        let (session, vault) = Session::unlock(at, server, what).await?;
        let count = vault.secrets.len();
        let rows = vault
            .secrets
            .iter()
            .map(|secret| self.row(secret))
            .collect::<Result<Vec<_>, _>>();
        let rows = rows.map_err(|error| session.failure(what, &error))?;
        let columns = if self.reveal { REVEALED } else { UNLOCKED };
        Records::list(columns, rows).print(format)?;
        let keys = vault.info.recovery_key_count;
        say(&format!(
            "secrets opened: {count}; recovery codes left: {keys}"
        ));
        Ok(())
    }

    fn row(&self, secret: &UnlockedSecret) -> Result<Vec<Cell>, Error> {
        let payload = secret.payload()?;
        let meta = &secret.meta;
        let mut row = vec![
            meta.id.as_str().into(),
            meta.name.as_str().into(),
            meta.secret_type.as_str().into(),
        ];
        if self.reveal {
            row.push(meta.description.clone().into());
            let json = payload.json()?;
            let json = serde_json::from_slice(json.expose()).unwrap_or(Value::Null);
            row.push(Cell::Json(json));
        }
        Ok(row)
    }
}
