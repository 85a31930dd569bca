//! `kluis token`

use clap::{Args, Subcommand, ValueEnum};
use kluis_client::credvault::{self, NewApiKey};

use super::Context;
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, LISTING, Records};
use crate::terminal::say;

/// Make, list and revoke API keys
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    Create(Create),
    /// List API keys, without the keys themselves
    List,
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
const CREATED: &[&str] = &[
    "id",
    "name",
    "prefix",
    "status",
    "scopes",
    "expires_at",
    "last_used_at",
    "created_at",
    "key",
];

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
            Self::Revoke { id } => {
                let server = context.server()?;
                let revoked = server.client.credvault().api_key_revoke(&id).await;
                revoked.map_err(|error| {
                    let failure = server.failure(format!("cannot revoke API key '{id}'"), &error);
                    failure.advise(Code::NotFound, "see the keys with kluis token list")
                })?;
                say(&format!("API key '{id}' revoked"));
                Ok(())
            }
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(&[Format::Value, Format::Json, Format::Yaml, Format::Table])?;
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
        let mut row = row(made.api_key);
        row.push(Cell::Secret(made.key));
        Records::one(CREATED, row)
            .main(CREATED.len() - 1)
            .print(format)
    }
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
