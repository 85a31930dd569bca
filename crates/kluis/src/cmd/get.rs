//! `kluis get`

use clap::Args;

use super::{Context, secret};
use crate::failure::Failure;
use crate::output::{Cell, Format, Records, SECRET};
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
        let what = format!("cannot read '{}'", self.key);
        let vault = server.vault(&self.vault, what.as_str()).await?;
        let (secret, value) = secret::read(&server, &vault, &self.key).await?;
        if format == Format::Env && value.expose().contains('\0') {
            return Err(Failure::usage(
                format!("cannot write '{}' as a variable", self.key),
                "its value holds a NUL byte, which no environment can",
                "use -o value for its bytes, or -o json",
            ));
        }
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
