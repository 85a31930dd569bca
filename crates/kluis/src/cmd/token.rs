//! `kluis token`

use clap::{Args, Subcommand, ValueEnum};
use kluis_client::Error;
use kluis_client::credvault::{self, NewApiKey};

use super::Context;
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, LISTING, Records};
use crate::remote::Remote;
use crate::terminal::say;

/// Make, list, replace and revoke API keys
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    Create(Create),
    /// List API keys, without the keys themselves
    List,
    /// Show an API key, without the key itself
    Show {
        /// Id of the key
        id: String,
    },
    /// Replace an API key by another with the same rights; the old one is dead at once
    Rotate {
        /// Id of the key
        id: String,
    },
    /// Revoke an API key, effective at once
    Revoke {
        /// Id of the key
        id: String,
    },
}

/// Make an API key, which is printed once
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis token create ci --scope database:read --expires-in 90d > token"
)]
pub(crate) struct Create {
    /// What to call it
    name: String,
    /// What it may at most do, such as database:read; all that its user may unless given
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Option<Vec<String>>,
    /// Whose API's prefix it carries; every key opens every API
    #[arg(long, value_enum)]
    style: Option<Style>,
    /// Id or e-mail address of the user whose key it is; yours unless given
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// never, 30d, 90d or 1y
    #[arg(long, value_name = "SPAN", conflicts_with = "expires_at")]
    expires_in: Option<String>,
    /// End of its life, RFC 3339
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Style {
    Cloudkeep,
    Crate,
    Credvault,
    Oneclaw,
    Inkbox,
}

impl Style {
    fn word(self) -> &'static str {
        match self {
            Self::Cloudkeep => "cloudkeep",
            Self::Crate => "crate",
            Self::Credvault => "credvault",
            Self::Oneclaw => "oneclaw",
            Self::Inkbox => "inkbox",
        }
    }
}

const COLUMNS: &[&str] = &[
    "id",
    "name",
    "prefix",
    "status",
    "scopes",
    "expires_at",
    "last_used_at",
    "created_at",
];
/// Formats of a key that is shown once.
const KEY: &[Format] = &[Format::Value, Format::Json, Format::Yaml, Format::Table];
const SEE_KEYS: &str = "see the keys with kluis token list";

impl Token {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let keys = server.client.credvault().api_keys().await;
                let keys =
                    keys.map_err(|error| server.failure("cannot list the API keys", &error))?;
                Records::list(COLUMNS, keys.into_iter().map(row).collect()).print(format)
            }
            Self::Show { id } => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let key = server.client.credvault().api_key(&id).await;
                let key = key.map_err(|error| {
                    refused(&server, format!("cannot show API key '{id}'"), &error)
                })?;
                Records::one(COLUMNS, row(key)).print(format)
            }
            Self::Rotate { id } => rotate(context, &id).await,
            Self::Revoke { id } => {
                let server = context.server()?;
                let revoked = server.client.credvault().api_key_revoke(&id).await;
                revoked.map_err(|error| {
                    refused(&server, format!("cannot revoke API key '{id}'"), &error)
                })?;
                say(&format!("API key '{id}' revoked"));
                Ok(())
            }
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(KEY)?;
        let server = context.server()?;
        let user = match &self.user {
            Some(user) => Some(server.user_id(user).await?),
            None => None,
        };
        let key = NewApiKey {
            name: &self.name,
            scopes: self.scopes.as_deref(),
            style: self.style.map(Style::word),
            user_id: user.as_deref(),
            expires_in: self.expires_in.as_deref(),
            expires_at: self.expires_at.as_deref(),
        };
        let made = server.client.credvault().api_key_create(key).await;
        let made = made.map_err(|error| {
            server.failure(format!("cannot make API key '{}'", self.name), &error)
        })?;
        say(&format!(
            "API key '{}' made; it is shown this once",
            self.name
        ));
        Records::one(COLUMNS, row(made.api_key))
            .and("key", Cell::Secret(made.key))
            .print(format)
    }
}

async fn rotate(context: &Context, id: &str) -> Result<(), Failure> {
    let format = context.format(KEY)?;
    let server = context.server()?;
    let made = server.client.credvault().api_key_rotate(id).await;
    let made =
        made.map_err(|error| refused(&server, format!("cannot replace API key '{id}'"), &error))?;
    say(&format!(
        "API key '{}' replaced; the new one is shown this once, the old one is dead",
        made.api_key.name
    ));
    Records::one(COLUMNS, row(made.api_key))
        .and("key", Cell::Secret(made.key))
        .print(format)
}

/// A call about an API key that failed.
fn refused(server: &Remote, what: String, error: &Error) -> Failure {
    server.failure(what, error).advise(Code::NotFound, SEE_KEYS)
}

fn row(key: credvault::ApiKey) -> Vec<Cell> {
    vec![
        key.id.into(),
        key.name.into(),
        key.prefix.into(),
        key.status.into(),
        key.scopes.map_or(Cell::None, Cell::List),
        key.expires_at.into(),
        key.last_used_at.into(),
        key.created_at.into(),
    ]
}
