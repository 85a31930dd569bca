//! `kluis get`

use clap::Args;

use super::{Context, secret};
use crate::failure::{Code, Failure};
use crate::output::{Cell, Records, SECRET};
use crate::remote::VaultFlag;

/// Print one secret's value
///
/// Exactly the stored bytes go to stdout; on a terminal a line end follows.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Key of the secret
    key: String,

    #[command(flatten)]
    vault: VaultFlag,
}

impl Get {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(SECRET)?;
        let server = context.server()?;
        let vault = server.vault(&self.vault).await?;
        let what = || format!("cannot read '{}' in vault '{}'", self.key, vault.name);
        let id = secret::id(&server, &vault, &self.key, what).await?;
        let secret = server.client.cloudkeep().secret(&vault.id, &id).await;
        let secret = secret.map_err(|error| server.failure(what(), &error))?;
        let Some(value) = secret.value else {
            return Err(Failure::new(
                Code::NotFound,
                what(),
                "the server sent no value",
                "see its versions with kluis secret versions",
            ));
        };
        let row = vec![
            secret.key.into(),
            Cell::Secret(value),
            secret.kind.into(),
            secret.updated_at.into(),
        ];
        Records::one(&["key", "value", "type", "updated_at"], row)
            .main(1)
            .print(format)
    }
}
