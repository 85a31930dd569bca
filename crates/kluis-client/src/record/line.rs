//! The lines of an export, and the one way in which each is written.

use std::io::{BufRead, Read};

use kluis_crypto::hash::{hex, unhex};
use kluis_crypto::record::{Checkpoint, Entry};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ExportError;

/// One line. Read back and written again it is the same to the byte: nothing in it is not looked at.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    Export(ExportLine),
    Event(Box<EventLine>),
    Checkpoint(CheckpointLine),
    End(EndLine),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportLine {
    format: u64,
    version: String,
    pub(super) organization_id: Id,
    pub(super) scheme: Scheme,
    pub(super) keys: Vec<Key>,
    pub(super) after: i64,
    pub(super) hash: Hex<32>,
    pub(super) exported_at: i64,
}

#[derive(Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scheme {
    algorithm: String,
    signature: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) version: u32,
    pub(super) public_key: Hex<32>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventLine {
    pub(super) seq: i64,
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
    pub(super) hash: Hex<32>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckpointLine {
    seq: i64,
    hash: Hex<32>,
    at: i64,
    pub(super) key_version: u32,
    pub(super) signature: Hex<64>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndLine {
    pub(super) seq: i64,
    pub(super) hash: Hex<32>,
    pub(super) events: u64,
    pub(super) checkpoints: u64,
    pub(super) sealed_through: i64,
    pub(super) open_tail: u64,
}

impl Scheme {
    /// Whether it is the one that this format has.
    pub(super) fn is_known(&self) -> bool {
        (self.algorithm.as_str(), self.signature.as_str()) == ("SHA-256", "Ed25519")
    }
}

impl EventLine {
    pub(super) fn entry(&self) -> Entry<'_> {
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

impl CheckpointLine {
    pub(super) fn of_chain(&self, organization: [u8; 16]) -> Checkpoint {
        Checkpoint {
            organization,
            seq: self.seq,
            hash: self.hash.0,
            at_millis: self.at,
        }
    }
}

/// The lines of an export as they are read.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
    bytes: Vec<u8>,
}

/// One line; wide enough for an event that lists the secrets of a very large vault.
const LONGEST: u64 = 256 << 20;
/// The format that this release reads.
const FORMAT: u64 = 1;

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            number: 0,
            bytes: Vec::new(),
        }
    }

    /// The first line, if it begins an export of a format that is known.
    pub(super) fn start(&mut self) -> Result<ExportLine, ExportError> {
        #[derive(Deserialize)]
        struct Probe {
            export: Format,
        }
        #[derive(Deserialize)]
        struct Format {
            format: u64,
        }
        let is_whole = self.read()?;
        if !self.bytes.starts_with(BEGINNING) {
            return Err(ExportError::NotAnExport);
        }
        if !is_whole {
            return Err(ExportError::CutOff { line: 1 });
        }
        match serde_json::from_slice(&self.bytes) {
            Ok(Probe { export }) if export.format != FORMAT => {
                return Err(ExportError::UnknownFormat(export.format));
            }
            Ok(_) => {}
            Err(_) => return Err(ExportError::NotAnExport),
        }
        match self.parse()? {
            Line::Export(start) => Ok(start),
            _ => Err(ExportError::NotAnExport),
        }
    }

    /// The next line; there has to be one.
    pub(super) fn next(&mut self) -> Result<Line, ExportError> {
        if self.read()? {
            self.parse()
        } else {
            let line = self.number;
            Err(ExportError::CutOff { line })
        }
    }

    /// Whether nothing follows.
    pub(super) fn are_over(&mut self) -> Result<bool, ExportError> {
        self.read()?;
        Ok(self.bytes.is_empty())
    }

    /// What is wrong with the line that was read last.
    pub(super) fn wrong(&self, what: &'static str) -> ExportError {
        let line = self.number;
        ExportError::Line { line, what }
    }

    /// Read a line; whether it came to its end.
    fn read(&mut self) -> Result<bool, ExportError> {
        self.number += 1;
        self.bytes.clear();
        let read = (&mut self.input)
            .take(LONGEST)
            .read_until(b'\n', &mut self.bytes)?;
        if self.bytes.pop_if(|last| *last == b'\n').is_some() {
            return Ok(true);
        }
        if u64::try_from(read).is_ok_and(|read| read == LONGEST) {
            return Err(self.wrong("is longer than any that an export has"));
        }
        Ok(false)
    }

    fn parse(&self) -> Result<Line, ExportError> {
        let line: Line = serde_json::from_slice(&self.bytes)
            .map_err(|_| self.wrong("is not a line of an export"))?;
        let written = serde_json::to_vec(&line).unwrap_or_default();
        if written != self.bytes {
            return Err(self.wrong("is not written as in an export"));
        }
        Ok(line)
    }
}

/// What an export of whatever format begins with.
const BEGINNING: &[u8] = b"{\"export\":";

/// A UUID with its hyphens.
pub(super) struct Id(pub(super) [u8; 16]);

/// Bytes in hexadecimal.
pub(super) struct Hex<const N: usize>(pub(super) [u8; N]);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unhex(&text.replace('-', ""))
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not an id"))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = hex(&self.0);
        for hyphen in [8, 13, 18, 23] {
            text.insert(hyphen, '-');
        }
        serializer.serialize_str(&text)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unhex(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not hexadecimal of this length"))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}
