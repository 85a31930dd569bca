//! `kluis agent enroll`: on the agent's own machine, without a credential.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use kluis_client::SecretText;
use kluis_client::oneclaw::Enrollment;
use kluis_server::engine::Timestamp;

use super::KEY;
use crate::cmd::Context;
use crate::cmd::poll::{Asked, Poll};
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, LISTING, Records};
use crate::remote::{Remote, now};
use crate::terminal::say;

/// Ask that an agent be registered; needs no credential
///
/// Somebody approves it with kluis agent approve. With a public key this waits for that and prints the agent's key;
/// without one, the key is shown to whoever approves.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis agent enroll nightly-report --human ann@example.org --public-key ~/.ssh/id_ed25519.pub"
)]
pub(crate) struct Enroll {
    /// What it is to be called
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// E-mail address of whom to ask
    #[arg(long, value_name = "EMAIL")]
    human: Option<String>,
    /// File with its public key as OpenSSH writes it; whoever approves compares the fingerprint
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
}

const ASKED: &[&str] = &["approval_url", "expires_at", "message"];
/// A server that takes no enrolments does not know the path, which whoever has no credential is not told.
const CLOSED: &str = "have an owner or admin register it with kluis agent create, or turn agents.enrollment on in the server's configuration";

/// How a request is asked after.
struct Pairing<'a> {
    id: &'a str,
    poll: &'a SecretText,
    until: Timestamp,
}

impl Enroll {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let formats = if self.public_key.is_some() {
            KEY
        } else {
            LISTING
        };
        let format = context.format(formats)?;
        let server = context.server_as_nobody()?;
        let what = format!("cannot enroll agent '{}'", self.name);
        let public_key = self.public_key.as_deref().map(read_key).transpose()?;
        let ask = Enrollment {
            name: &self.name,
            description: self.description.as_deref(),
            human_email: self.human.as_deref(),
            public_key: public_key.as_deref().map(str::trim),
        };
        let told = server.client.oneclaw().agent_enroll(&ask).await;
        let told = told.map_err(|error| {
            server
                .failure(what.as_str(), &error)
                .advise(Code::NotFound, CLOSED)
                .advise(Code::NotAuthenticated, CLOSED)
        })?;
        if let Some(url) = &told.approval_url {
            say(&format!("to approve it: kluis agent approve {url}"));
        }
        if let (Some(pairing), Some(poll)) = (&told.pairing_id, &told.poll_token) {
            if let Some(fingerprint) = &told.fingerprint {
                say(&format!("fingerprint of the public key: {fingerprint}"));
            }
            let until = told.expires_at.as_deref();
            say(&format!(
                "waiting until {}",
                until.unwrap_or("somebody has decided")
            ));
            let until = until.and_then(Timestamp::parse);
            let pairing = Pairing {
                id: pairing,
                poll,
                until: until.unwrap_or_else(|| now().after(PATIENCE)),
            };
            self.wait(&server, &what, &pairing, format).await
        } else {
            let row = vec![
                told.approval_url.into(),
                told.expires_at.into(),
                told.message.into(),
            ];
            Records::one(ASKED, row).print(format)
        }
    }

    async fn wait(
        &self,
        server: &Remote,
        what: &str,
        pairing: &Pairing<'_>,
        format: Format,
    ) -> Result<(), Failure> {
        let mut poll = Poll::every(INTERVAL);
        let refused = |why: &str, fix: &str| Failure::new(Code::Forbidden, what, why, fix);
        let again = "enroll it again";
        let status = loop {
            poll.wait().await;
            let status = server
                .client
                .oneclaw()
                .agent_enrollment(pairing.id, pairing.poll)
                .await;
            match poll.outcome(status) {
                Asked::Answer(status) if status.status == "pending" => {}
                Asked::Answer(status) => break status,
                Asked::Again if pairing.until < now() => {
                    return Err(refused("the server gave no answer in time", again));
                }
                Asked::Again => {}
                Asked::Failed(error) => return Err(server.failure(what, &error)),
            }
        };
        match (status.status.as_str(), status.api_key) {
            ("approved", Some(key)) => {
                say(&format!(
                    "agent '{}' approved; its key is shown this once",
                    self.name
                ));
                let row = vec![
                    self.name.as_str().into(),
                    status.agent_id.into(),
                    Cell::Secret(key),
                ];
                Records::one(&["name", "id", "key"], row)
                    .main(2)
                    .print(format)
            }
            ("approved", None) => Err(refused(
                "it was approved, and its key was fetched before",
                "have the key replaced with kluis agent rotate-key",
            )),
            ("denied", _) => Err(refused(
                "somebody denied it",
                "ask whoever was to approve it",
            )),
            ("expired", _) => Err(refused("nobody approved it in time", again)),
            (other, _) => Err(Failure::new(
                Code::Unreachable,
                what,
                format!("the server calls it '{other}'"),
                "use a release of kluis that fits the server's",
            )),
        }
    }
}

/// The text of a file with a public key; what is plainly a private one is not sent.
fn read_key(path: &Path) -> Result<String, Failure> {
    let refused = |why: String| {
        Failure::usage(
            "the public key cannot be used",
            format!("{}: {why}", path.display()),
            "name a file such as ~/.ssh/id_ed25519.pub",
        )
    };
    let file = fs::File::open(path).map_err(|error| refused(error.to_string()))?;
    let mut text = String::new();
    file.take(LONGEST_KEY)
        .read_to_string(&mut text)
        .map_err(|error| refused(error.to_string()))?;
    if !text.trim_start().starts_with("ssh-") {
        return Err(refused(
            "it is no public key as OpenSSH writes it".to_owned(),
        ));
    }
    Ok(text)
}

const INTERVAL: Duration = Duration::from_secs(5);
/// Where the server does not say how long.
const PATIENCE: Duration = Duration::from_mins(15);
const LONGEST_KEY: u64 = 16 << 10;
