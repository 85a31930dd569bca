//! The server's side of the operator's socket.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use kluis_engine::{Engine, Error, SealStatus, UnsealInput};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Keys, LONGEST_LINE, Line, PATIENCE, Reply, Status, Word};
use crate::api::given::Given;
use crate::config::OperatorSocket;
use crate::server::Stopping;

/// The socket, listening.
pub(crate) struct Socket {
    listener: UnixListener,
    office: Office,
    /// The user who may connect.
    owner: u32,
}

/// What carries commands out.
#[derive(Clone)]
struct Office {
    config: OperatorSocket,
    engine: Engine,
}

/// Operators at once.
const MOST: usize = 8;

impl Socket {
    /// Make the socket; one that an earlier process left behind gives way. The data directory is this process's alone by
    /// then.
    pub(crate) fn open(config: OperatorSocket, engine: Engine) -> io::Result<Self> {
        let unfinished = config.path.with_extension("new");
        for path in [&unfinished, &config.path] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // Under its name there is never a socket with other rights than these.
        let listener = UnixListener::bind(&unfinished)?;
        fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o600))?;
        let owner = fs::metadata(&unfinished)?.uid();
        fs::rename(&unfinished, &config.path)?;
        Ok(Self {
            listener,
            office: Office { config, engine },
            owner,
        })
    }

    /// Serve operators until it is time to stop.
    pub(crate) async fn run(self, mut stopping: Stopping) {
        let mut visits = JoinSet::new();
        loop {
            tokio::select! {
                Ok((stream, _)) = self.listener.accept(), if visits.len() < MOST => {
                    if self.admits(&stream) {
                        visits.spawn(self.office.clone().serve(stream));
                    }
                }
                Some(_) = visits.join_next() => {}
                () = stopping.wait() => break,
            }
        }
        // A command that has begun is finished: a rotation is never cut short.
        let _ = timeout(PATIENCE, async {
            while visits.join_next().await.is_some() {}
        })
        .await;
        let _ = fs::remove_file(&self.office.config.path);
    }

    fn admits(&self, stream: &UnixStream) -> bool {
        stream
            .peer_cred()
            .is_ok_and(|peer| peer.uid() == self.owner || peer.uid() == 0)
    }
}

impl Office {
    async fn serve(self, stream: UnixStream) {
        if let Err(error) = self.visit(stream).await {
            tracing::debug!(%error, "an operator's connection broke off");
        }
    }

    async fn visit(&self, stream: UnixStream) -> io::Result<()> {
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        loop {
            let mut line = Vec::new();
            let mut bounded = (&mut reader).take(LONGEST_LINE);
            let reading = timeout(PATIENCE, bounded.read_until(b'\n', &mut line));
            let read = reading.await.map_err(|_| io::ErrorKind::TimedOut)??;
            let line = kluis_engine::Secret::new(line);
            if read == 0 {
                return Ok(());
            }
            let reply = match serde_json::from_slice::<Line<Given>>(line.expose()) {
                Ok(line) => self
                    .carry_out(line)
                    .await
                    .unwrap_or_else(|error| refused(&error)),
                Err(_) => Reply {
                    error: Some("not a command".to_owned()),
                    ..Reply::default()
                },
            };
            let mut answer = serde_json::to_vec(&reply)?;
            answer.push(b'\n');
            writer.write_all(&answer).await?;
            if !line.expose().ends_with(b"\n") {
                return Ok(());
            }
        }
    }

    async fn carry_out(&self, line: Line<Given>) -> Result<Reply, Error> {
        let done = Reply {
            ok: true,
            ..Reply::default()
        };
        match line.command {
            Word::Status => Ok(Reply {
                status: Some(self.status().await?),
                ..done
            }),
            Word::Seal => {
                self.engine.seal();
                tracing::warn!("sealed by an operator");
                Ok(Reply {
                    status: Some(self.status().await?),
                    ..done
                })
            }
            Word::Unseal => {
                let input = match (line.passphrase, line.share) {
                    (Some(passphrase), None) => UnsealInput::Passphrase(passphrase.into_secret()),
                    (None, Some(share)) => UnsealInput::Share(share.into_secret()),
                    (None, None) => UnsealInput::KeyFile(self.config.key_file.clone()),
                    (Some(_), Some(_)) => {
                        return Err(Error::invalid("command", "brings a passphrase and a share"));
                    }
                };
                let status = self.engine.unseal(input).await?;
                tracing::info!(sealed = status.sealed, "an operator unseals");
                Ok(Reply {
                    status: Some(status.into()),
                    ..done
                })
            }
            Word::RotateKeys => {
                let rotated = match line.keys.ok_or_else(|| Error::missing("keys"))? {
                    Keys::Organizations => self
                        .engine
                        .organization_keys_rotate()
                        .await?
                        .try_into()
                        .ok(),
                    Keys::Root => Some(self.engine.root_key_rotate().await?.into()),
                    Keys::Sealing => self.engine.transport_keys_rotate().await?.try_into().ok(),
                };
                Ok(Reply { rotated, ..done })
            }
            Word::ClearIpRules => {
                let cleared = self.engine.ip_rules_clear().await?;
                tracing::info!(cleared, "an operator removes the rules about addresses");
                Ok(Reply {
                    cleared: cleared.try_into().ok(),
                    ..done
                })
            }
            Word::AdvanceClock if self.config.test_clock => {
                let seconds = line.seconds.ok_or_else(|| Error::missing("seconds"))?;
                self.engine.clock().advance(Duration::from_secs(seconds));
                Ok(done)
            }
            Word::AdvanceClock => Err(Error::Forbidden),
        }
    }

    async fn status(&self) -> Result<Status, Error> {
        Ok(self.engine.seal_status().await?.into())
    }
}

impl From<SealStatus> for Status {
    fn from(status: SealStatus) -> Self {
        Self {
            initialized: status.initialized,
            sealed: status.sealed,
            seal: status.kind.to_owned(),
            given: status.given,
            needed: status.needed,
        }
    }
}

/// An operator runs this machine, so is told the cause too.
fn refused(error: &Error) -> Reply {
    let text = match error.cause() {
        Some(cause) => format!("{error} ({cause})"),
        None => error.to_string(),
    };
    Reply {
        error: Some(text),
        ..Reply::default()
    }
}
