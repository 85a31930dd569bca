//! `kluis zk`

use clap::{Args, Subcommand};

use super::Context;
use crate::failure::Failure;

mod access;
mod add;
mod change;
mod fields;
mod get;
mod keys;
mod list;
mod session;

use keys::KeyFlags;
use session::{Session, TrustFlags};

/// Keep secrets that the server cannot read
///
/// What is kept here is sealed on this machine, with a vault key that the server never sees. Names, descriptions and types
/// are not sealed. Whoever loses the vault key and all recovery codes has lost the secrets.
///
/// The vault key is asked for without echo, or comes from --vault-key-file, KLUIS_VAULT_KEY or KLUIS_VAULT_KEY_FILE; never
/// from an argument. Each command derives its key anew, which takes up to a second and 64 MiB, and wipes it: nothing
/// unlocked stays anywhere. list, delete, grant, revoke, and edit of name or description need no vault key.
///
/// What the server was seen to have is remembered, without any secret, in ~/.local/state/kluis/zero-knowledge.json, so that
/// a server that gives back something old is found out (exit code 10). Each user and machine remembers for itself.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Zk {
    #[command(flatten)]
    keys: KeyFlags,
    #[command(flatten)]
    trust: TrustFlags,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  kluis zk init                            make the vault; prints four recovery codes, once
  kluis zk add github --type login --username me --site https://github.com
  kluis zk get github                      print its password
  kluis zk totp github                     print its one-time code
  kluis zk grant github build-agent        let an agent have it, which needs the vault key, too
  kluis zk rekey                           choose another vault key";

#[derive(Debug, Subcommand)]
enum Command {
    Init(keys::Init),
    Unlock(list::Unlock),
    Add(add::Add),
    Get(get::Get),
    List(list::List),
    Edit(change::Edit),
    Delete(change::Delete),
    Grant(access::Grant),
    Revoke(access::Revoke),
    Rekey(keys::Rekey),
    Totp(get::Totp),
}

impl Zk {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let at = At {
            context,
            keys: &self.keys,
            trust: &self.trust,
        };
        match self.command {
            Command::Init(init) => init.run(&at).await,
            Command::Unlock(unlock) => unlock.run(&at).await,
            Command::Add(add) => add.run(&at).await,
            Command::Get(get) => get.run(&at).await,
            Command::List(list) => list.run(&at).await,
            Command::Edit(edit) => edit.run(&at).await,
            Command::Delete(delete) => delete.run(&at).await,
            Command::Grant(grant) => grant.run(&at).await,
            Command::Revoke(revoke) => revoke.run(&at).await,
            Command::Rekey(rekey) => rekey.run(&at).await,
            Command::Totp(totp) => totp.run(&at).await,
        }
    }
}

/// What the flags say that all of these commands take.
struct At<'a> {
    context: &'a Context,
    keys: &'a KeyFlags,
    trust: &'a TrustFlags,
}
