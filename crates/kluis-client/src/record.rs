//! Checking an export of the audit record offline: no server, no database, only the lines and a key that is trusted.
//!
//! An export is lines of JSON: `export` first, then every `key`, then each `event` in the order of the chain with its
//! `checkpoint` right behind it, `end` last. The engine's export describes each line.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

use kluis_crypto::hash::unhex;
use kluis_crypto::record::{Break, ChainCheck, Checkpoint, Entry};
use serde::{Deserialize, Deserializer};

/// What an export that holds has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportReport {
    /// The organization whose record it is, as 16 bytes.
    pub organization: [u8; 16],
    /// The number of the event that it follows; 0 is the beginning of the record.
    pub after: i64,
    /// The hash there. To be compared with the end of the export before it, unless `after` is 0.
    pub after_hash: [u8; 32],
    /// The number of its last event.
    pub through: i64,
    /// The hash there.
    pub hash: [u8; 32],
    /// How many events it holds.
    pub events: u64,
    /// The last event that is covered by a checkpoint; behind it, events could have been left out.
    pub signed_through: Option<i64>,
}

/// Why an export does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It cannot be read.
    #[error("the export cannot be read: {0}")]
    Read(#[from] io::Error),
    /// A line is not what an export holds at its place.
    #[error("line {line} {what}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The chain is broken.
    #[error("event {} of the record {}", .0.seq, .0.fault.as_str())]
    Broken(Break),
}

/// One line; wide enough for an event that lists the secrets of a very large vault.
const LONGEST_LINE: u64 = 256 << 20;

/// Check an export to its last line. A checkpoint counts only if it is signed with one of the `trusted` public keys:
/// the keys inside an export prove nothing by themselves.
pub fn verify_export(
    mut input: impl BufRead,
    trusted: &[[u8; 32]],
) -> Result<ExportReport, ExportError> {
    let mut lines = Lines {
        number: 0,
        text: String::new(),
    };
    let Some(Line::Export(start)) = lines.next(&mut input)? else {
        return Err(lines.wrong("is not the beginning of an export"));
    };
    if start.format != FORMAT {
        return Err(lines.wrong("names a format that this release does not know"));
    }
    let (organization, after_hash) = (start.organization_id.0, start.hash.0);
    let mut check = ChainCheck::after(organization, start.after, after_hash);
    let mut keys = BTreeMap::new();
    let mut events = 0;
    let mut signed_through = None;
    loop {
        match lines.next(&mut input)? {
            Some(Line::Key(key)) => {
                if events > 0 {
                    return Err(lines.wrong("holds a key behind an event"));
                }
                if !trusted.contains(&key.public_key.0) {
                    return Err(lines.wrong("holds a key that is not trusted"));
                }
                keys.insert(key.version, key.public_key.0);
            }
            Some(Line::Event(event)) => {
                let entry = event.entry();
                check
                    .entry(event.seq, &entry, &event.hash.0)
                    .map_err(ExportError::Broken)?;
                events += 1;
            }
            Some(Line::Checkpoint(signed)) => {
                let checkpoint = Checkpoint {
                    organization,
                    seq: signed.seq,
                    hash: signed.hash.0,
                    at_millis: signed.at,
                };
                let public = keys.get(&signed.key_version);
                check
                    .checkpoint(&checkpoint, public, &signed.signature.0)
                    .map_err(ExportError::Broken)?;
                signed_through = Some(signed.seq);
            }
            Some(Line::End(end)) => {
                if (end.seq, &end.hash.0) != (check.seq(), check.hash()) {
                    return Err(lines.wrong("ends another chain than the one before it"));
                }
                break;
            }
            Some(Line::Export(_)) => return Err(lines.wrong("begins a second export")),
            None => return Err(lines.wrong("is missing: the export is cut off")),
        }
    }
    if lines.next(&mut input)?.is_some() {
        return Err(lines.wrong("stands behind the end"));
    }
    Ok(ExportReport {
        organization,
        after: start.after,
        after_hash,
        through: check.seq(),
        hash: *check.hash(),
        events,
        signed_through,
    })
}

/// The public key that this hexadecimal text spells.
#[must_use]
pub fn public_key(text: &str) -> Option<[u8; 32]> {
    unhex(text)
}

struct Lines {
    number: u64,
    text: String,
}

impl Lines {
    fn next(&mut self, input: &mut impl BufRead) -> Result<Option<Line>, ExportError> {
        self.number += 1;
        self.text.clear();
        if input.take(LONGEST_LINE).read_line(&mut self.text)? == 0 {
            return Ok(None);
        }
        match serde_json::from_str(&self.text) {
            Ok(line) => Ok(Some(line)),
            Err(_) => Err(self.wrong("is not a line of an export")),
        }
    }

    fn wrong(&self, what: &'static str) -> ExportError {
        ExportError::Line {
            line: self.number,
            what,
        }
    }
}

const FORMAT: u32 = 1;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Export(ExportLine),
    Key(KeyLine),
    Event(Box<EventLine>),
    Checkpoint(CheckpointLine),
    End(EndLine),
}

#[derive(Deserialize)]
struct ExportLine {
    format: u32,
    organization_id: Id,
    after: i64,
    hash: Hex<32>,
}

#[derive(Deserialize)]
struct KeyLine {
    version: u32,
    public_key: Hex<32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventLine {
    seq: i64,
    id: Id,
    organization_id: Id,
    at: i64,
    actor_type: String,
    actor_id: Option<Id>,
    credential_id: Option<Id>,
    action: String,
    resource_type: String,
    resource_id: Option<Id>,
    outcome: String,
    details: String,
    address: String,
    count: i64,
    hash: Hex<32>,
}

#[derive(Deserialize)]
struct CheckpointLine {
    seq: i64,
    hash: Hex<32>,
    at: i64,
    key_version: u32,
    signature: Hex<64>,
}

#[derive(Deserialize)]
struct EndLine {
    seq: i64,
    hash: Hex<32>,
}

impl EventLine {
    fn entry(&self) -> Entry<'_> {
        Entry {
            id: &self.id.0,
            organization: &self.organization_id.0,
            at_millis: self.at,
            actor_type: &self.actor_type,
            actor: self.actor_id.as_ref().map(|id| &id.0),
            credential: self.credential_id.as_ref().map(|id| &id.0),
            action: &self.action,
            resource_type: &self.resource_type,
            resource: self.resource_id.as_ref().map(|id| &id.0),
            outcome: &self.outcome,
            details: &self.details,
            address: &self.address,
            count: self.count,
        }
    }
}

/// A UUID with its hyphens.
struct Id([u8; 16]);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unhex(&text.replace('-', ""))
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not an id"))
    }
}

/// Bytes in hexadecimal.
struct Hex<const N: usize>([u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unhex(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not hexadecimal of this length"))
    }
}
