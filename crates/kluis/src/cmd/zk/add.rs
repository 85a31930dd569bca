//! `kluis zk add`

use std::ffi::OsString;

use clap::Args;
use kluis_client::zk::NewItem;

use super::fields::FieldFlags;
use super::list::Kind;
use super::{At, Session};
use crate::failure::Failure;
use crate::output::{Format, Records};
use crate::terminal::say;

/// Seal a new secret and keep it; prints its id
///
/// Its main field (password, api_key, secret_key, private_key or data) is asked for without echo, or read from stdin when
/// that is not a terminal, unless a flag says where it is. Of stdin, the line end of a single line is left out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kluis zk add github --type login --username me --site https://github.com --totp
  openssl rand -hex 32 | kluis zk add billing --type api_key --endpoint https://api.example.org
  kluis zk add deploy --type ssh_key --field private_key=@id_ed25519 --field public_key=@id_ed25519.pub
  kluis zk add bucket --type key_pair --access-key AKIA123
  kluis zk add note --type other --field data=@note.txt")]
pub(super) struct Add {
    /// What to call it; the server sees it
    name: String,
    /// Caught so that a value here is refused without being repeated.
    #[arg(hide = true, allow_hyphen_values = false)]
    value: Vec<OsString>,
    /// What it is, which never changes
    #[arg(
        long = "type",
        value_enum,
        value_name = "TYPE",
        default_value = "other"
    )]
    kind: Kind,
    /// What it is for; the server sees it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    fields: FieldFlags,
}

impl Add {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = format!("'{}' was not kept", self.name);
        refuse_values(&what, &self.value)?;
        let known = &[Format::Value, Format::Json, Format::Yaml, Format::Table];
        let format = at.context.format(known)?;
        let server = at.context.server()?;
        server.require_api_key(&what)?;
        let payload = self.fields.read_new(&what, self.kind.of_client())?;
        let (mut session, vault) = Session::unlock(at, server, &what).await?;
        let same = vault
            .secrets
            .iter()
            .filter(|secret| secret.meta.name == self.name);
        if 0 < same.count() {
            say(&format!(
                "warning: another secret is called '{}', too; from now on name it by its id",
                self.name
            ));
        }
        let new = NewItem {
            name: &self.name,
            description: self.description.as_deref(),
            payload: &payload,
        };
        let made = session.zk().create(&vault, new).await;
        let unknown = format!("'{}' was kept", self.name);
        let made = session.sent(&what, &unknown, made)?;
        say(&format!("'{}' sealed and kept", self.name));
        let meta = made.meta;
        let row = vec![meta.id.into(), meta.name.into(), meta.secret_type.into()];
        Records::one(&["id", "name", "secret_type"], row).print(format)
    }
}

/// Says nothing of what stands there: it is the secret.
pub(super) fn refuse_values(what: &str, values: &[OsString]) -> Result<(), Failure> {
    if values.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(
        what,
        "a value stands after the name; arguments are seen by every user of this machine and kept in the shell's history",
        "leave it out: it is asked for, or read from stdin; consider the value known and change it",
    ))
}
