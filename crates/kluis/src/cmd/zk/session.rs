//! One command's work on the vault: the server, what is remembered of it, and what a failure means.

use clap::Args;
use kluis_client::inkbox::{Secret, VaultInfo};
use kluis_client::zk::{
    Accepts, Distrust, Error, Memory, UnlockedSecret, UnlockedVault, Warning, Zk,
};
use zeroize::Zeroizing;

use super::At;
use crate::failure::{Code, Failure};
use crate::private_file::{Fault, Held, PrivateFile};
use crate::remote::{Remote, is_uuid, zk_memory};
use crate::suggest::did_you_mean;
use crate::terminal::say;

/// What somebody believes although it is new.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Trust")]
pub(super) struct TrustFlags {
    /// Believe that this organization is at the server, too, beside those seen there before
    #[arg(long, global = true, value_name = "ID")]
    accept_organization: Option<String>,
    /// Believe that the organization has another vault than before
    #[arg(long, global = true)]
    accept_vault: bool,
}

/// A server, and what is remembered of it. Other commands wait until it is dropped: what one of them changes meanwhile
/// would look like a lie to this one.
pub(super) struct Session {
    pub(super) server: Remote,
    memory: Memory,
    kept: Option<Zeroizing<Vec<u8>>>,
    held: Held,
    file: PrivateFile,
    accepts: Accepts,
}

impl Session {
    /// Calls nobody yet. Whatever is asked on a terminal has been answered by then.
    pub(super) fn open(at: &At<'_>, server: Remote) -> Result<Self, Failure> {
        let file = zk_memory()?;
        let failed = |fault: Fault| unkept(&file, fault);
        let held = file.hold().map_err(failed)?;
        let kept = held.read().map_err(failed)?;
        let memory = match &kept {
            Some(text) => Memory::from_json(text)
                .map_err(|error| failed(Fault::Untrusted(error.to_string())))?,
            None => Memory::default(),
        };
        let accepts = Accepts {
            organization: at.trust.accept_organization.clone(),
            vault: at.trust.accept_vault,
        };
        Ok(Self {
            server,
            memory,
            kept,
            held,
            file,
            accepts,
        })
    }

    /// Asks for the vault key and opens the vault with it, to do `what`; tells what is odd.
    pub(super) async fn unlock(
        at: &At<'_>,
        server: Remote,
        what: &str,
    ) -> Result<(Self, UnlockedVault), Failure> {
        let passphrase = at.keys.passphrase()?;
        let mut session = Self::open(at, server)?;
        let vault = session.zk().unlock(&passphrase.text).await;
        let vault = session.done(what, vault)?;
        warn(&vault.warnings);
        Ok((session, vault))
    }

    /// The calls, together with what they go by.
    pub(super) fn zk(&mut self) -> Zk<'_> {
        let zk = Zk::new(&self.server.client, &mut self.memory);
        zk.accepting(self.accepts.clone())
    }

    /// Keeps what was learned, and turns an error into a failure to do `what`. Of what an error left certain, all is kept.
    pub(super) fn done<T>(&mut self, what: &str, outcome: Result<T, Error>) -> Result<T, Failure> {
        let kept = self.keep();
        let outcome = outcome.map_err(|error| self.failure(what, &error))?;
        kept.map(|()| outcome)
    }

    /// The same of something that was sent: who does not know whether it happened does not say that it did not.
    pub(super) fn sent<T>(
        &mut self,
        what: &str,
        unknown: &str,
        outcome: Result<T, Error>,
    ) -> Result<T, Failure> {
        let is_unknown = matches!(outcome, Err(Error::Unknown(_)));
        self.done(what, outcome).map_err(|failure| {
            if is_unknown {
                let unknown = format!("it is not known whether {unknown}");
                return failure
                    .of_unknown(&unknown, "look with kluis zk list before you try again");
            }
            failure
        })
    }

    /// Lets other commands go on, while somebody thinks about a question.
    pub(super) fn leave(self) -> Remote {
        self.server
    }

    /// Keeps what was learned.
    pub(super) fn keep(&mut self) -> Result<(), Failure> {
        let failed = |why: String| unkept(&self.file, Fault::Failed(why));
        let json = self.memory.to_json();
        let json = Zeroizing::new(json.map_err(|error| failed(error.to_string()))?);
        if self.kept.as_ref() != Some(&json) {
            let replaced = self.held.replace(&json);
            replaced.map_err(|fault| unkept(&self.file, fault))?;
            self.kept = Some(json);
        }
        Ok(())
    }

    /// The secret of this name or id.
    pub(super) async fn find(&mut self, what: &str, secret: &str) -> Result<Secret, Failure> {
        let listed = self.zk().secrets(None).await;
        let listed = self.done(what, listed)?;
        warn(&listed.warnings);
        let metas: Vec<&Secret> = listed.secrets.iter().collect();
        self.choose(what, secret, &listed.info, &metas).cloned()
    }

    /// The same in a vault that is open.
    pub(super) fn found<'v>(
        &mut self,
        what: &str,
        secret: &str,
        vault: &'v UnlockedVault,
    ) -> Result<&'v UnlockedSecret, Failure> {
        let metas: Vec<&Secret> = vault.secrets.iter().map(|opened| &opened.meta).collect();
        let id = &self.choose(what, secret, &vault.info, &metas)?.id;
        let found = vault.secrets.iter().find(|opened| opened.meta.id == *id);
        found.ok_or_else(|| absent(what, secret, &[]))
    }

    /// The one of these that has this name or id. A name has to stand for what it stood for before; an id says that what the
    /// secret is called now is right.
    fn choose<'s>(
        &mut self,
        what: &str,
        secret: &str,
        info: &VaultInfo,
        listed: &[&'s Secret],
    ) -> Result<&'s Secret, Failure> {
        let found = chosen(what, secret, listed)?;
        let outcome = if is_uuid(secret) {
            self.zk().accept_name(info, found, listed)
        } else {
            self.zk().check_name(info, found, listed)
        };
        self.done(what, outcome).map(|()| found)
    }

    /// What a failed call means here.
    pub(super) fn failure(&self, what: &str, error: &Error) -> Failure {
        let of = |code, why: String, fix: &str| Failure::new(code, what, why, fix);
        let why = error.to_string();
        match error {
            Error::Call(
                error @ (kluis_client::Error::Malformed { .. }
                | kluis_client::Error::TooLong { .. }),
            ) => of(
                Code::Integrity,
                format!("{} cannot be believed: {error}", self.server.name()),
                "make sure of the address: another program, a proxy or an attacker answers there",
            ),
            Error::Call(error) => self
                .server
                .failure(what, error)
                .advise(Code::Forbidden, "use an API key of an owner or admin")
                .advise(Code::NotFound, "see the secrets with kluis zk list")
                .advise(Code::Conflict, "see what is there with kluis zk list"),
            Error::Distrust(distrust) => of(
                Code::Integrity,
                format!("{why} ({})", self.server.name()),
                &self.remedy(distrust),
            ),
            Error::NoVault => of(Code::NotFound, why, "make one with kluis zk init"),
            Error::Exists => of(
                Code::Conflict,
                why,
                "kluis zk unlock opens it, kluis zk rekey changes its key",
            ),
            Error::WrongKey => of(
                Code::Forbidden,
                why,
                "try again; a recovery code opens the vault, too, with --ask-recovery-code",
            ),
            Error::OtherProof => of(
                Code::Usage,
                why,
                "give a recovery code with --ask-recovery-code or --recovery-code-file, and the vault key without",
            ),
            Error::WeakKey(_) => of(Code::Usage, why, "choose another vault key"),
            Error::Payload(_) => of(Code::Usage, why, "see kluis zk add --help"),
            Error::Unfit { .. } => of(
                Code::Integrity,
                why,
                "ask who wrote it with which program; kluis zk delete takes an id",
            ),
            Error::Changed { .. } => of(Code::Conflict, why, "look at it and try again"),
            Error::Unknown(met) => self.failure(what, met),
            Error::System(_) => of(Code::Failed, why, "make room in memory and try again"),
        }
    }

    fn remedy(&self, distrust: &Distrust) -> String {
        let memory = self.file.path().display().to_string();
        match distrust {
            Distrust::OrganizationChanged { .. } => {
                "if it is another organization of yours, say --accept-organization and its id; if not, trust nothing there".to_owned()
            }
            Distrust::PayloadDoesNotOpen { id }
            | Distrust::PayloadNotBase64 { id }
            | Distrust::PayloadTruncated { id, .. }
                if !self.memory.has_opened(self.server.client.base(), id) =>
            {
                format!("if another client wrote it so, kluis zk delete {id} takes it away; if not, trust nothing there")
            }
            Distrust::MadeElsewhere { .. } => {
                "trust nothing there; delete that vault if it is of no use".to_owned()
            }
            Distrust::VaultReplaced { .. } | Distrust::VaultGone { .. } => {
                "if the vault was deleted, say --accept-vault; if not, trust nothing there".to_owned()
            }
            Distrust::PayloadReplayed { .. } | Distrust::DeletedCameBack { .. } => format!(
                "if an old back-up was restored there, remove {memory}; if not, trust nothing there"
            ),
            Distrust::NameMoved { claimed: id, .. } | Distrust::NameChanged { id, .. } => {
                format!("if that is right, say its id: {id}; if not, trust nothing there")
            }
            _ => "find out what happened to the server, and trust nothing there until then".to_owned(),
        }
    }
}

/// Tells what is odd.
pub(super) fn warn(warnings: &[Warning]) {
    for warning in warnings {
        say(&format!("warning: {warning}"));
    }
}

/// The one of the list that has this name or id.
fn chosen<'s>(what: &str, secret: &str, listed: &[&'s Secret]) -> Result<&'s Secret, Failure> {
    if is_uuid(secret) {
        let id = secret.to_ascii_lowercase();
        let found = listed.iter().find(|meta| meta.id == id);
        return found.copied().ok_or_else(|| absent(what, secret, &[]));
    }
    let mut named = listed.iter().filter(|meta| meta.name == secret);
    let (Some(first), more) = (named.next(), named) else {
        return Err(absent(what, secret, listed));
    };
    let others: Vec<&str> = more.map(|meta| meta.id.as_str()).collect();
    if others.is_empty() {
        return Ok(first);
    }
    Err(Failure::usage(
        what,
        format!("{} secrets are called '{secret}'", others.len() + 1),
        format!("say which by its id: {}, {}", first.id, others.join(", ")),
    ))
}

fn absent(what: &str, secret: &str, listed: &[&Secret]) -> Failure {
    let hint = did_you_mean(secret, listed.iter().map(|meta| meta.name.as_str()));
    Failure::new(
        Code::NotFound,
        what,
        format!("no secret that you may read is called '{secret}' or has that id{hint}"),
        "see the secrets with kluis zk list",
    )
}

fn unkept(file: &PrivateFile, fault: Fault) -> Failure {
    let path = file.path().display().to_string();
    match fault {
        Fault::Untrusted(why) => Failure::usage(
            "what is remembered of the server cannot be used",
            format!("{path}: {why}"),
            format!("chmod 600 it if it is yours, or remove it to begin anew: {path}"),
        ),
        Fault::Failed(why) => Failure::new(
            Code::Failed,
            "what the server is known to have cannot be remembered",
            format!("{path}: {why}"),
            "make room, or correct the directory's permissions",
        ),
    }
}
