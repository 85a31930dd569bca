//! Checking an export of the audit record offline: no server, no database, only the lines and, better, a key that is known
//! from elsewhere.
//!
//! An export is lines of JSON: `export` first, then each `event` in the order of the chain with its `checkpoint` right
//! behind it, `end` last. The engine's export describes each line. What links and signs them is the same code that the
//! server checks its own record with.

mod line;

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use base64::prelude::{BASE64_STANDARD, Engine as _};
/// Hashes, keys and signatures as text, the way an export has them.
pub use kluis_crypto::hash::hex;
use kluis_crypto::hash::unhex;
/// Where and how a chain is broken.
pub use kluis_crypto::record::{Break, Fault};
use kluis_crypto::record::{ChainCheck, START};

use self::line::{CheckpointLine, EndLine, ExportLine, Line, Lines};

/// Whose signatures count.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'k> {
    /// Those of the keys that the export itself names. They prove that it was not changed by accident: whoever writes a
    /// whole export can name a key of their own in it.
    Export,
    /// Those of these public keys alone.
    Keys(&'k [[u8; 32]]),
}

/// What an export that holds has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportReport {
    /// The organization whose record it is, as 16 bytes.
    pub organization: [u8; 16],
    /// When it was made, in milliseconds since the epoch, as it says itself.
    pub exported_at: i64,
    /// The public keys that it names.
    pub keys: Vec<[u8; 32]>,
    /// The number of the event that it follows; 0 is the beginning of the record.
    pub after: i64,
    /// The hash there. To be compared with the end of the export before it, unless `after` is 0.
    pub after_hash: [u8; 32],
    /// The number of its last event.
    pub through: i64,
    /// The hash there.
    pub hash: [u8; 32],
    /// How many events it holds, as the chain links them: a list of values is one.
    pub events: u64,
    /// Its last checkpoint: behind it, events could have been left out or written anew.
    pub checkpoint: Option<SignedPlace>,
    /// The number of the last event that the record had, as it says itself.
    pub sealed_through: i64,
    /// Events that had no place in the chain yet, as it says itself.
    pub open_tail: u64,
}

/// A checkpoint whose signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedPlace {
    /// The number of its event.
    pub seq: i64,
    /// The hash there.
    pub hash: [u8; 32],
    /// When it was signed, in milliseconds since the epoch.
    pub at: i64,
    /// Version of the key that signed it.
    pub key_version: u32,
    /// That key's public half.
    pub public_key: [u8; 32],
    /// The signature.
    pub signature: [u8; 64],
}

/// An export that does not hold.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unverified {
    /// Why.
    pub error: ExportError,
    /// What of it holds.
    pub held: Held,
}

/// What of an export holds, before the first place that does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// How many of its events.
    pub events: u64,
    /// The number of the last of them; of the one that it follows where none holds.
    pub through: i64,
}

/// Why an export does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It begins otherwise than an export.
    #[error("it does not begin as an export does")]
    NotAnExport,
    /// It is of a format that this release does not know.
    #[error("its format is {0}, which this release does not know")]
    UnknownFormat(u64),
    /// It ends before its closing line.
    #[error("it ends in line {line}, before its closing line")]
    CutOff {
        /// The number of the line that is missing or not whole, from 1.
        line: u64,
    },
    /// A line is not what an export holds at its place.
    #[error("line {line} {what}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The chain is broken.
    #[error("event {} {}", .0.seq, .0.fault.as_str())]
    Broken(Break),
    /// It is signed with a key that is not trusted.
    #[error("it is signed with another key than those that are trusted")]
    ForeignKey([u8; 32]),
    /// Nothing in it is signed, though a key is trusted.
    #[error("none of its events is covered by a checkpoint")]
    Unsigned,
}

/// Check an export to its last line.
pub fn verify_export(input: impl BufRead, trust: Trust<'_>) -> Result<ExportReport, Unverified> {
    let mut held = Held::default();
    let mut lines = Lines::new(input);
    let checked =
        Reading::begin(&mut lines, trust).and_then(|reading| reading.finish(&mut lines, &mut held));
    checked.map_err(|error| Unverified { error, held })
}

/// The public key that this text spells, in hexadecimal or base64.
#[must_use]
pub fn public_key(text: &str) -> Option<[u8; 32]> {
    unhex(text).or_else(|| BASE64_STANDARD.decode(text).ok()?.try_into().ok())
}

/// An export that is being read.
struct Reading {
    start: ExportLine,
    check: ChainCheck,
    keys: BTreeMap<u32, [u8; 32]>,
    /// Those that count.
    trusted: Vec<[u8; 32]>,
    /// Whether they are known from elsewhere.
    is_pinned: bool,
    checkpoints: u64,
    newest: Option<SignedPlace>,
}

impl Reading {
    fn begin<R: BufRead>(lines: &mut Lines<R>, trust: Trust<'_>) -> Result<Self, ExportError> {
        let start = lines.start()?;
        if !start.scheme.is_known() {
            return Err(lines.wrong("names another scheme than its format has"));
        }
        if start.after < 0 || (start.after == 0 && start.hash.0 != START) {
            return Err(lines.wrong("does not begin where a chain can"));
        }
        let mut keys = BTreeMap::new();
        for key in &start.keys {
            if keys.insert(key.version, key.public_key.0).is_some() {
                return Err(lines.wrong("names two keys of one version"));
            }
        }
        let named: Vec<[u8; 32]> = keys.values().copied().collect();
        let (trusted, is_pinned) = match trust {
            Trust::Export => (named.clone(), false),
            Trust::Keys(pinned) => (pinned.to_vec(), true),
        };
        if let Some(foreign) = named.first()
            && !named.iter().any(|key| trusted.contains(key))
        {
            return Err(ExportError::ForeignKey(*foreign));
        }
        Ok(Self {
            check: ChainCheck::after(start.organization_id.0, start.after, start.hash.0),
            start,
            keys,
            trusted,
            is_pinned,
            checkpoints: 0,
            newest: None,
        })
    }

    fn finish<R: BufRead>(
        mut self,
        lines: &mut Lines<R>,
        held: &mut Held,
    ) -> Result<ExportReport, ExportError> {
        held.through = self.check.seq();
        loop {
            match lines.next()? {
                Line::Event(event) => {
                    let entry = event.entry();
                    let linked = self.check.entry(event.seq, &entry, &event.hash.0);
                    linked.map_err(ExportError::Broken)?;
                    held.events += 1;
                    held.through = self.check.seq();
                }
                Line::Checkpoint(line) => self.signed(&line)?,
                Line::End(end) => {
                    let counted = (end.events, end.checkpoints);
                    let head = self.check.head(end.seq, &end.hash.0);
                    head.map_err(ExportError::Broken)?;
                    if counted != (held.events, self.checkpoints) {
                        return Err(lines.wrong("counts other lines than stand before it"));
                    }
                    if end.sealed_through < end.seq {
                        return Err(lines.wrong("ends the record before its last event"));
                    }
                    if !lines.are_over()? {
                        return Err(lines.wrong("stands behind the end"));
                    }
                    return self.report(&end, held.events);
                }
                Line::Export(_) => return Err(lines.wrong("begins a second export")),
            }
        }
    }

    fn signed(&mut self, line: &CheckpointLine) -> Result<(), ExportError> {
        let checkpoint = line.of_chain(self.start.organization_id.0);
        let named = self.keys.get(&line.key_version);
        if let Some(foreign) = named.filter(|key| !self.trusted.contains(key)) {
            return Err(ExportError::ForeignKey(*foreign));
        }
        let signature = line.signature.0;
        self.check
            .checkpoint(&checkpoint, named, &signature)
            .map_err(ExportError::Broken)?;
        self.checkpoints += 1;
        if let Some(&public_key) = named {
            self.newest = Some(SignedPlace {
                seq: checkpoint.seq,
                hash: checkpoint.hash,
                at: checkpoint.at_millis,
                key_version: line.key_version,
                public_key,
                signature,
            });
        }
        Ok(())
    }

    fn report(self, end: &EndLine, events: u64) -> Result<ExportReport, ExportError> {
        if self.is_pinned && self.newest.is_none() && events > 0 {
            return Err(ExportError::Unsigned);
        }
        Ok(ExportReport {
            organization: self.start.organization_id.0,
            exported_at: self.start.exported_at,
            keys: self.keys.into_values().collect(),
            after: self.start.after,
            after_hash: self.start.hash.0,
            through: self.check.seq(),
            hash: *self.check.hash(),
            events,
            checkpoint: self.newest,
            sealed_through: end.sealed_through,
            open_tail: end.open_tail,
        })
    }
}
