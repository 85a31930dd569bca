//! `kluis operator`

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use kluis_server::engine::{Bootstrapped, NewSeal, PasswordCost, Secret};
use kluis_server::operator::{self, Brought, Command, Reply, Status};
use zeroize::Zeroizing;

use super::Context;
use super::config::ServerFlags;
use crate::config::{self, Seal};
use crate::failure::{Code, Failure};
use crate::output::{Cell, LISTING, Records};
use crate::serve::{self, of_engine};
use crate::terminal::{ask_hidden, is_interactive, say};

/// Look after a server: its seal and its keys. A running one is reached through kluis.sock in its data directory
#[derive(Debug, Subcommand)]
pub(crate) enum Operator {
    /// Make the keys of a new server, its first organization and owner; prints them once
    Init(Init),
    /// Give the passphrase or one share, typed at the terminal or read from stdin
    Unseal(ServerFlags),
    /// Take the keys out of the server's memory
    Seal(ServerFlags),
    /// Say whether the server is initialized and sealed
    Status(ServerFlags),
    /// Remove the rules about addresses of all organizations, when nobody gets in any more
    ClearIpRules(ServerFlags),
    /// Make new keys; what old ones wrap is wrapped anew in the background
    RotateKeys(RotateKeys),
}

/// What a new server is to be.
#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    flags: ServerFlags,
    /// Name of the first organization
    #[arg(long, value_name = "NAME", default_value = "Kluis")]
    organization: String,
    /// E-mail address of its owner
    #[arg(long, value_name = "ADDRESS")]
    owner: String,
    /// Shares of a shamir seal
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    shares: u8,
    /// How many shares are enough
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    threshold: u8,
}

/// Which keys are to be new.
#[derive(Debug, Args)]
pub(crate) struct RotateKeys {
    /// The root key, or the key of every organization
    #[arg(required_unless_present = "sealing", conflicts_with = "sealing")]
    keys: Option<Keys>,
    /// The key pairs that values are sealed for; the old ones open what comes for transport.retired_key_days
    #[arg(long)]
    sealing: bool,
    #[command(flatten)]
    flags: ServerFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Keys {
    Root,
    Organizations,
}

impl Operator {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Init(init) => init.run(context),
            Self::Unseal(flags) => {
                let socket = socket(&flags, context)?;
                let seal = ask(&socket, Command::Status)?
                    .status
                    .map(|status| status.seal);
                let brought = match seal.as_deref() {
                    Some("passphrase") => Some(Brought::Passphrase(secret_line("Passphrase: ")?)),
                    Some("shamir") => Some(Brought::Share(secret_line("Share: ")?)),
                    _ => None,
                };
                print_status(context, ask(&socket, Command::Unseal(brought))?.status)
            }
            Self::Seal(flags) => print_status(
                context,
                ask(&socket(&flags, context)?, Command::Seal)?.status,
            ),
            Self::Status(flags) => print_status(
                context,
                ask(&socket(&flags, context)?, Command::Status)?.status,
            ),
            Self::ClearIpRules(flags) => {
                let reply = ask(&socket(&flags, context)?, Command::ClearIpRules)?;
                say(&format!(
                    "rules removed: {}",
                    reply.cleared.unwrap_or_default()
                ));
                Ok(())
            }
            Self::RotateKeys(RotateKeys { keys, flags, .. }) => {
                let socket = socket(&flags, context)?;
                let (keys, done) = match keys {
                    Some(Keys::Root) => (operator::Keys::Root, "version of the root key"),
                    Some(Keys::Organizations) => (
                        operator::Keys::Organizations,
                        "organizations with a new key",
                    ),
                    None => (
                        operator::Keys::Sealing,
                        "organizations with a new key pair for sealing",
                    ),
                };
                let rotated = ask(&socket, Command::RotateKeys(keys))?.rotated;
                say(&format!("{done}: {}", rotated.unwrap_or_default()));
                Ok(())
            }
        }
    }
}

impl Init {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let (config, _) = config::load(&self.flags.sources(context)?)?;
        let seal = match config.seal {
            Seal::KeyFile(_) => NewSeal::KeyFile(serve::key_file(&config)),
            Seal::Passphrase => {
                NewSeal::Passphrase(secret_line("New passphrase: ")?, PasswordCost::default())
            }
            Seal::Shamir => NewSeal::Shamir {
                threshold: self.threshold,
                shares: self.shares,
            },
        };
        let (shares, made) = serve::block_on(async {
            let engine = serve::open(serve::engine_settings(&config)).await?;
            let failed = |error| of_engine("the server cannot be set up", &error);
            let shares = engine.initialize(seal).await.map_err(failed)?;
            let made = engine.bootstrap(&self.organization, &self.owner).await;
            let made = made.map_err(failed)?;
            engine.close().await.map_err(failed)?;
            Ok((shares, made))
        })?;
        Records::list(&["what", "value"], rows(&shares, &made)).print(format)?;
        say("This is shown once. Give each share to another person.");
        Ok(())
    }
}

fn rows(shares: &[Zeroizing<String>], made: &Bootstrapped) -> Vec<Vec<Cell>> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (number, share) in shares.iter().enumerate() {
        rows.push(vec![
            format!("share {}", number + 1).into(),
            share.as_str().into(),
        ]);
    }
    rows.push(vec![
        "organization".into(),
        made.organization.to_string().into(),
    ]);
    rows.push(vec!["owner".into(), made.email.as_str().into()]);
    rows.push(vec![
        "password".into(),
        made.password.expose_text().unwrap_or_default().into(),
    ]);
    for (style, token) in &made.tokens {
        rows.push(vec![
            format!("{} key", style.as_str()).into(),
            token.expose().into(),
        ]);
    }
    rows
}

/// The operator's socket of the server that is started with these flags.
fn socket(flags: &ServerFlags, context: &Context) -> Result<PathBuf, Failure> {
    let (config, _) = config::load(&flags.sources(context)?)?;
    Ok(serve::socket(&config.data_dir))
}

/// A line that is not echoed, or the first line of stdin where there is no terminal.
fn secret_line(prompt: &str) -> Result<Secret, Failure> {
    let line = if is_interactive() {
        ask_hidden(prompt).map(|text| Zeroizing::new(text.expose().to_owned()))
    } else {
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().read_line(&mut line).map(|_| line)
    };
    let line = line.map_err(|cause| {
        let fix = "type it at a terminal, or give it on stdin";
        Failure::new(
            Code::Failed,
            "nothing could be read",
            cause.to_string(),
            fix,
        )
    })?;
    Ok(Secret::from_text(
        line.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

fn ask(socket: &Path, command: Command) -> Result<Reply, Failure> {
    let reply = operator::ask(socket, command).map_err(|cause| {
        Failure::new(
            Code::Unreachable,
            "the server cannot be reached",
            format!("{}: {cause}", socket.display()),
            "start it, or name its data directory with --data-dir, as the server's own user",
        )
    })?;
    if reply.ok {
        return Ok(reply);
    }
    let why = reply
        .error
        .unwrap_or_else(|| "it gives no reason".to_owned());
    let fix = "see kluis operator status";
    Err(Failure::new(
        Code::Failed,
        "the server did not do it",
        why,
        fix,
    ))
}

fn print_status(context: &Context, status: Option<Status>) -> Result<(), Failure> {
    let Some(status) = status else { return Ok(()) };
    let row = vec![
        Cell::Flag(status.initialized),
        Cell::Flag(status.sealed),
        status.seal.into(),
        Cell::Number(status.given.into()),
        Cell::Number(status.needed.into()),
    ];
    let columns = &["initialized", "sealed", "seal", "given", "needed"];
    Records::one(columns, row).print(context.format(LISTING)?)
}
