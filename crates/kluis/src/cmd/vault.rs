//! `kluis vault`

use clap::Subcommand;
use kluis_client::cloudkeep;

use super::{Context, input};
use crate::failure::Failure;
use crate::output::{Cell, LISTING, Records};
use crate::terminal::say;

/// List, create and delete vaults
#[derive(Debug, Subcommand)]
pub(crate) enum Vault {
    /// List the vaults that you can reach
    List,
    /// Create a vault
    Create {
        /// Its name, unique in the organization
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete a vault with all its secrets, for good
    Delete {
        /// Its name or id
        vault: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: &[&str] = &["name", "secret_count", "created_at", "id", "description"];

impl Vault {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => {
                let format = context.format(LISTING)?;
                let vaults = context.server()?.vaults("cannot list the vaults").await?;
                Records::list(COLUMNS, vaults.into_iter().map(row).collect()).print(format)
            }
            Self::Create { name, description } => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let vault = server
                    .client
                    .cloudkeep()
                    .vault_create(&name, description.as_deref())
                    .await;
                let vault = vault.map_err(|error| {
                    server.failure(format!("cannot create vault '{name}'"), &error)
                })?;
                say(&format!("vault '{}' created", vault.name));
                Records::one(COLUMNS, row(vault)).main(3).print(format)
            }
            Self::Delete { vault, yes } => delete(context, &vault, yes).await,
        }
    }
}

async fn delete(context: &Context, name: &str, yes: bool) -> Result<(), Failure> {
    let server = context.server()?;
    let what = format!("cannot delete vault '{name}'");
    let at = server
        .vault_named(name, "the command line", what.as_str())
        .await?;
    let vault = server
        .client
        .cloudkeep()
        .vault(&at.id)
        .await
        .map_err(|error| server.failure(what.as_str(), &error))?;
    let size = format!(
        "vault '{}' with its {} secrets",
        vault.name, vault.secret_count
    );
    input::make_sure(yes, &size, &vault.name)?;
    let deleted = server.client.cloudkeep().vault_delete(&at.id).await;
    deleted.map_err(|error| server.failure(what, &error))?;
    say(&format!("vault '{}' deleted", vault.name));
    Ok(())
}

fn row(vault: cloudkeep::Vault) -> Vec<Cell> {
    vec![
        vault.name.into(),
        Cell::Number(vault.secret_count),
        vault.created_at.into(),
        vault.id.into(),
        vault.description.into(),
    ]
}
