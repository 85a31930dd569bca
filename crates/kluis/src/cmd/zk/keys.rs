//! Vault keys and recovery codes: where they come from; `kluis zk init` and `kluis zk rekey`.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use clap::Args;
use kluis_client::SecretText;
use kluis_client::zk::{Distrust, Error, Proof, check_vault_key};

use super::session::warn;
use super::{At, Session};
use crate::cmd::input;
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, Reader, Records, print};
use crate::terminal::{ask_hidden, say};

/// Where the vault key comes from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Vault key")]
pub(super) struct KeyFlags {
    /// File that holds the vault key [env: KLUIS_VAULT_KEY_FILE, or the key itself in KLUIS_VAULT_KEY]
    #[arg(long, global = true, value_name = "FILE")]
    vault_key_file: Option<PathBuf>,
    /// File that holds a recovery code, to be used in the place of the vault key
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        conflicts_with = "vault_key_file"
    )]
    recovery_code_file: Option<PathBuf>,
    /// Ask for a recovery code, without echo, in the place of the vault key
    #[arg(
        long,
        global = true,
        conflicts_with_all = ["vault_key_file", "recovery_code_file"]
    )]
    ask_recovery_code: bool,
}

/// Make the organization's vault; prints four recovery codes, which are shown this once
///
/// Each recovery code opens the vault like the vault key, and can replace it once. They cannot be had again, nor can others
/// be made.
#[derive(Debug, Args)]
#[command(after_help = "\
A vault key has at least 16 characters, with an upper-case letter, a lower-case letter, a digit and another character.

Examples:
  kluis zk init
  (umask 077; kluis zk init > recovery-codes)")]
pub(super) struct Init {}

/// Put a new vault key in the place of the current one
///
/// The current one is asked for first, or with --ask-recovery-code a recovery code, which is used up. Secrets stay as they
/// are, sealed with the same inner key: what somebody has been able to open, they still can.
#[derive(Debug, Args)]
pub(super) struct Rekey {
    /// File that holds the new vault key; asked for twice unless given
    #[arg(long, value_name = "FILE")]
    new_vault_key_file: Option<PathBuf>,
}

/// A vault key or a recovery code.
pub(super) struct Passphrase {
    pub(super) text: SecretText,
    is_recovery: bool,
}

impl KeyFlags {
    /// What opens the vault: from flags, environment or a question, in this order.
    pub(super) fn passphrase(&self) -> Result<Passphrase, Failure> {
        if self.ask_recovery_code || self.recovery_code_file.is_some() {
            let text = match &self.recovery_code_file {
                Some(path) => in_file(path)?,
                None => asked("Recovery code (not shown): ")?,
            };
            return Ok(Passphrase {
                text,
                is_recovery: true,
            });
        }
        let text = match self.stored()? {
            Some(text) => text,
            None => asked("Vault key (not shown): ")?,
        };
        Ok(Passphrase {
            text,
            is_recovery: false,
        })
    }

    /// A vault key that nobody has to type.
    fn stored(&self) -> Result<Option<SecretText>, Failure> {
        if let Some(path) = &self.vault_key_file {
            return in_file(path).map(Some);
        }
        let variable = |name| {
            std::env::var(name)
                .ok()
                .filter(|text: &String| !text.is_empty())
        };
        if let Some(text) = variable("KLUIS_VAULT_KEY") {
            return Ok(Some(SecretText::from(text)));
        }
        let path = variable("KLUIS_VAULT_KEY_FILE");
        path.map(|path| in_file(Path::new(&path))).transpose()
    }
}

impl Init {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = "the vault was not made";
        let known = &[Format::Value, Format::Json, Format::Yaml, Format::Table];
        let format = at.context.format(known)?;
        let server = at.context.server()?;
        server.require_api_key(what)?;
        check_kept(what)?;
        let vault_key = match at.keys.stored()? {
            Some(text) => text,
            None => chosen(what)?,
        };
        check_vault_key(&vault_key).map_err(|fault| weak(what, fault))?;
        let mut session = Session::open(at, server)?;
        let kit = session.zk().initialize(&vault_key).await;
        let unknown = "it is not known whether the vault was made";
        let (what, is_unknown) = match &kit {
            Err(Error::Unknown(_)) => (unknown, true),
            Err(Error::Distrust(Distrust::MadeElsewhere { .. })) => {
                ("the vault was made, and is of no use", false)
            }
            _ => (what, false),
        };
        // What cannot be remembered is said when the codes are out.
        let remembered = session.keep();
        let kit = kit.map_err(|error| {
            let failure = session.failure(what, &error);
            if is_unknown {
                return failure.unreachable("kluis zk unlock with this vault key shows whether the vault is there; its recovery codes were not shown, and cannot be had any more");
            }
            failure
        })?;
        let rows = kit
            .codes
            .into_iter()
            .map(|code| vec![Cell::Secret(code)])
            .collect();
        let codes = Records::list(&["recovery_code"], rows);
        let lost = || {
            Failure::new(
                Code::Failed,
                "the vault was made, but its recovery codes were not written",
                "stdout was closed or is full",
                "delete the vault (DELETE /api/v1/vault) and make it anew, or go on without recovery codes",
            )
        };
        match print(codes.text(format).as_bytes()) {
            Ok(Reader::Listening) => {}
            Ok(Reader::Gone) | Err(_) => return Err(lost()),
        }
        let vault_id = kit.vault_id.unwrap_or_default();
        say(&format!(
            "vault {vault_id} made for organization '{}'",
            kit.organization_id
        ));
        say(
            "These are its recovery codes. They are shown this once, and no others can be made. Each opens the vault like the vault key, and replaces it once (kluis zk rekey --ask-recovery-code). Keep them apart from it.",
        );
        warn(&kit.warnings);
        remembered
    }
}

impl Rekey {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = "the vault key was not replaced";
        let server = at.context.server()?;
        server.require_api_key(what)?;
        let current = at.keys.passphrase()?;
        let new = match &self.new_vault_key_file {
            Some(path) => in_file(path)?,
            None => chosen(what)?,
        };
        check_vault_key(&new).map_err(|fault| weak(what, fault))?;
        let mut session = Session::open(at, server)?;
        let proof = if current.is_recovery {
            Proof::Recovery(&current.text)
        } else {
            Proof::Current(&current.text)
        };
        let replaced = session.zk().replace_primary(proof, &new).await;
        // Of a key that may not do it, and of a proof that held a moment ago, the server says the same.
        let is_refused =
            matches!(&replaced, Err(Error::Call(error)) if error.status() == Some(403));
        let is_unknown = matches!(&replaced, Err(Error::Unknown(_)));
        let what = if is_unknown {
            "it is not known whether the vault key was replaced"
        } else {
            what
        };
        session.done(what, replaced).map_err(|failure| {
            if is_unknown {
                return failure
                    .unreachable("keep both vault keys, and try kluis zk unlock with each");
            }
            if is_refused {
                let fix = "use an API key of an owner or admin; if it is one, somebody else has just replaced the vault key";
                return failure.advise(Code::Forbidden, fix);
            }
            failure
        })?;
        say("the vault has a new vault key; the old one opens nothing any more");
        if current.is_recovery {
            say("the recovery code is used up; the others still hold");
        }
        Ok(())
    }
}

/// A new vault key, typed twice.
fn chosen(what: &str) -> Result<SecretText, Failure> {
    let first = asked("New vault key (not shown): ")?;
    // Better said before it is typed again.
    check_vault_key(&first).map_err(|fault| weak(what, fault))?;
    let second = asked("The same again: ")?;
    if first.expose() == second.expose() {
        return Ok(first);
    }
    Err(Failure::usage(
        what,
        "the two new vault keys differ",
        "type the same one twice",
    ))
}

fn weak(what: &str, fault: kluis_client::zk::VaultKeyFault) -> Failure {
    Failure::usage(
        what,
        format!("this cannot be the vault key: {fault}"),
        "choose one of 16 or more characters, with upper and lower case, a digit and another character",
    )
}

/// Asks on the terminal, also when stdin is something else.
fn asked(prompt: &str) -> Result<SecretText, Failure> {
    let unasked = |why: String| {
        Failure::usage(
            "there is no vault key",
            why,
            "name a file with --vault-key-file or KLUIS_VAULT_KEY_FILE, for a recovery code --recovery-code-file, for a new vault key --new-vault-key-file",
        )
    };
    if !io::stderr().is_terminal() {
        return Err(unasked(
            "none was given, and there is no terminal to ask on".to_owned(),
        ));
    }
    let text = ask_hidden(prompt).map_err(|error| unasked(format!("the terminal: {error}")))?;
    if text.expose().is_empty() {
        return Err(unasked("nothing was typed".to_owned()));
    }
    Ok(text)
}

/// A key in a file: all of it but the end of its one line.
fn in_file(path: &Path) -> Result<SecretText, Failure> {
    let text = input::value(Some(path), "").map(input::without_line_end)?;
    if text.expose().is_empty() {
        return Err(Failure::usage(
            "there is no vault key",
            format!("{} is empty, or was read already", path.display()),
            "name the file that holds it; stdin can be read once",
        ));
    }
    Ok(text)
}

/// Refuses to make codes that are shown once where nobody would see them, or too many.
fn check_kept(what: &str) -> Result<(), Failure> {
    let refused = |why: &str, fix: &str| Err(Failure::usage(what, why, fix));
    let stdout = io::stdout();
    let metadata = stdout.as_fd().try_clone_to_owned();
    let metadata = metadata.and_then(|stdout| File::from(stdout).metadata());
    let Ok(metadata) = metadata else {
        return refused(
            "stdout is closed, and the recovery codes go there",
            "run it with a terminal or a file as stdout",
        );
    };
    if metadata.file_type().is_char_device() && !stdout.is_terminal() {
        return refused(
            "stdout leads nowhere, and the recovery codes go there",
            "run it with a terminal or a file as stdout",
        );
    }
    if metadata.is_file() && metadata.mode() & 0o077 != 0 {
        return refused(
            "others may read the file that the recovery codes would go to",
            "begin with umask 077, or chmod 600 the file",
        );
    }
    Ok(())
}
