//! Operator commands: one JSON object a line over a Unix socket in the data directory, never over TCP (RULES §8).
//!
//! | line | answer, beside `"ok": true` |
//! |---|---|
//! | `{"command":"status"}` | `status` |
//! | `{"command":"unseal","share":"…"}`, `…"passphrase":"…"`, or neither for a key file | `status` |
//! | `{"command":"seal"}` | `status` |
//! | `{"command":"rotate-keys","keys":"root"}`, `"organizations"`, `"sealing"` | `rotated` |
//! | `{"command":"clear-ip-rules"}` | `cleared` |
//! | `{"command":"advance-clock","seconds":60}` | – |
//!
//! A refusal is `{"ok":false,"error":"…"}`.

mod socket;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use kluis_engine::Secret;
use serde::{Deserialize, Serialize};

use crate::api::revealed::Revealed;

pub(crate) use socket::Socket;

/// What an operator asks for.
pub enum Command {
    /// Move the server's clock forward; refused unless the server was started for tests.
    AdvanceClock(Duration),
    /// Remove the rules about addresses of all organizations.
    ClearIpRules,
    /// Replace keys; the seal stays as it is.
    RotateKeys(Keys),
    /// Forget every key.
    Seal,
    /// How the server is.
    Status,
    /// Unseal, with the configured key file when nothing is brought.
    Unseal(Option<Brought>),
}

/// What an operator brings to unseal.
pub enum Brought {
    /// The passphrase.
    Passphrase(Secret),
    /// One share.
    Share(Secret),
}

/// Keys that can be replaced.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Keys {
    /// The key of every organization.
    Organizations,
    /// The root key.
    Root,
    /// The key pair of every organization that has one, which values are sealed for.
    Sealing,
}

/// What came of it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Whether it was done.
    pub ok: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How the server is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The new version of the root key, or how many organizations have a new key or key pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<u64>,
    /// How many rules about addresses were removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared: Option<u64>,
}

/// How a server is.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Whether there are keys at all.
    pub initialized: bool,
    /// Whether they are out of memory.
    pub sealed: bool,
    /// `key_file`, `passphrase` or `shamir`; empty when not initialized.
    pub seal: String,
    /// Shares given so far.
    pub given: u8,
    /// Shares needed; 0 when the seal has none.
    pub needed: u8,
}

/// Ask the server behind `socket`, and wait for its answer.
pub fn ask(socket: &Path, command: Command) -> io::Result<Reply> {
    let mut stream = UnixStream::connect(socket)?;
    let patience = match command {
        Command::RotateKeys(Keys::Sealing) => LONG_PATIENCE,
        _ => PATIENCE,
    };
    stream.set_read_timeout(Some(patience))?;
    // The line may hold a share: it is built in a buffer that is wiped.
    let mut line = serde_json::to_vec(&Line::from(command))?;
    line.push(b'\n');
    stream.write_all(Secret::new(line).expose())?;
    let mut answer = String::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}

/// A command as it is written; `S` is the type that holds secrets on its side of the socket.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line<S> {
    command: Word,
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Keys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    AdvanceClock,
    ClearIpRules,
    RotateKeys,
    Seal,
    Status,
    Unseal,
}

impl From<Command> for Line<Revealed> {
    fn from(command: Command) -> Self {
        let word = |command| Self {
            command,
            passphrase: None,
            share: None,
            keys: None,
            seconds: None,
        };
        match command {
            Command::AdvanceClock(by) => Self {
                seconds: Some(by.as_secs()),
                ..word(Word::AdvanceClock)
            },
            Command::ClearIpRules => word(Word::ClearIpRules),
            Command::RotateKeys(keys) => Self {
                keys: Some(keys),
                ..word(Word::RotateKeys)
            },
            Command::Seal => word(Word::Seal),
            Command::Status => word(Word::Status),
            Command::Unseal(None) => word(Word::Unseal),
            Command::Unseal(Some(Brought::Passphrase(passphrase))) => Self {
                passphrase: Some(passphrase.into()),
                ..word(Word::Unseal)
            },
            Command::Unseal(Some(Brought::Share(share))) => Self {
                share: Some(share.into()),
                ..word(Word::Unseal)
            },
        }
    }
}

/// Bytes of the longest line, in either direction.
const LONGEST_LINE: u64 = 64 << 10;
/// How long an answer may take; a passphrase is hashed slowly on purpose.
const PATIENCE: Duration = Duration::from_mins(1);
/// The same where each organization waits for a key pair.
const LONG_PATIENCE: Duration = Duration::from_mins(30);
