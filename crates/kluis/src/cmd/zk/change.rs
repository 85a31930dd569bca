//! `kluis zk edit` and `kluis zk delete`

use std::ffi::OsString;

use clap::Args;
use kluis_client::zk::Change;

use super::add::refuse_values;
use super::fields::{FieldFlags, refusal};
use super::{At, Session};
use crate::cmd::input;
use crate::failure::Failure;
use crate::terminal::say;

/// Change a secret: its name, its description, or what is sealed
///
/// What no flag names stays as it is. Name and description alone need no vault key.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kluis zk edit github --ask password
  kluis zk edit github --name GitHub --no-description
  kluis zk edit deploy --field private_key=@new_key --unset passphrase")]
pub(super) struct Edit {
    /// Name or id of the secret
    secret: String,
    /// Caught so that a value here is refused without being repeated.
    #[arg(hide = true, allow_hyphen_values = false)]
    value: Vec<OsString>,
    /// What to call it from now on
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Take the description out
    #[arg(long, conflicts_with = "description")]
    no_description: bool,
    /// Ask for this field without echo, or read it from stdin when that is not a terminal; may be repeated
    #[arg(long, value_name = "FIELD")]
    ask: Vec<String>,
    /// Take this field out; may be repeated
    #[arg(long, value_name = "FIELD")]
    unset: Vec<String>,
    /// Take the seed of one-time codes out
    #[arg(long, conflicts_with_all = ["totp", "totp_file"])]
    no_totp: bool,
    #[command(flatten)]
    fields: FieldFlags,
}

/// Delete a secret for good
#[derive(Debug, Args)]
pub(super) struct Delete {
    /// Name or id of the secret
    secret: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Edit {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = format!("'{}' was not changed", self.secret);
        refuse_values(&what, &self.value)?;
        let description = match (&self.description, self.no_description) {
            (_, true) => Some(None),
            (Some(text), false) => Some(Some(text.as_str())),
            (None, false) => None,
        };
        let is_sealed = !self.fields.is_empty()
            || !self.ask.is_empty()
            || !self.unset.is_empty()
            || self.no_totp;
        if !is_sealed && self.name.is_none() && description.is_none() {
            return Err(Failure::usage(
                what,
                "nothing was said to change",
                "say what, such as --ask password or --name; see kluis zk edit --help",
            ));
        }
        let server = at.context.server()?;
        server.require_api_key(&what)?;
        if is_sealed {
            return self.edit_sealed(at, &what, description, server).await;
        }
        let mut session = Session::open(at, server)?;
        let meta = session.find(&what, &self.secret).await?;
        let name = self.name.as_deref();
        let changed = session.zk().describe(&meta.id, name, description).await;
        let changed = session.sent(&what, &self.changed(), changed)?;
        say(&format!("'{}' changed", changed.name));
        Ok(())
    }

    fn changed(&self) -> String {
        format!("'{}' was changed", self.secret)
    }

    async fn edit_sealed(
        &self,
        at: &At<'_>,
        what: &str,
        description: Option<Option<&str>>,
        server: crate::remote::Remote,
    ) -> Result<(), Failure> {
        let mut given = self.fields.read(what, &self.ask)?;
        for field in &self.unset {
            given.unset(field);
        }
        if self.no_totp {
            given.unset_totp();
        }
        let (mut session, vault) = Session::unlock(at, server, what).await?;
        let secret = session.found(what, &self.secret, &vault)?;
        let payload = secret.payload();
        let payload = payload.map_err(|error| session.failure(what, &error))?;
        let payload = given.into(payload).and_then(|payload| {
            payload.check()?;
            Ok(payload)
        });
        let payload = payload.map_err(|fault| refusal(what, &fault))?;
        let change = Change {
            name: self.name.as_deref(),
            description,
            payload: Some(&payload),
        };
        let changed = session.zk().update(&vault, secret, change).await;
        let changed = session.sent(what, &self.changed(), changed)?;
        say(&format!("'{}' sealed anew and kept", changed.meta.name));
        Ok(())
    }
}

impl Delete {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = format!("'{}' was not deleted", self.secret);
        let server = at.context.server()?;
        server.require_api_key(&what)?;
        let mut session = Session::open(at, server)?;
        let meta = session.find(&what, &self.secret).await?;
        let server = session.leave();
        input::make_sure(self.yes, &format!("secret '{}'", meta.name), &meta.name)?;
        let mut session = Session::open(at, server)?;
        let deleted = session.zk().delete(&meta.id).await;
        let unknown = format!("'{}' was deleted", meta.name);
        session.sent(&what, &unknown, deleted)?;
        say(&format!("'{}' deleted", meta.name));
        Ok(())
    }
}
