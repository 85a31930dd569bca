//! Checking an export: no server, only the file and, better, a key that is known from elsewhere.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use kluis_client::oneclaw::Verification;
use kluis_client::record::{
    Break, ExportError, ExportReport, Fault, SignedPlace, Trust, Unverified, hex, public_key,
    verify_export,
};
use kluis_server::engine::{EventId, OrganizationId, Timestamp};
use serde_json::{Map, Value, json};

use super::row;
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, Records};
use crate::terminal::say;

/// An export to check.
pub(super) struct Offline {
    input: Box<dyn BufRead>,
    /// What to call it.
    name: String,
    /// The keys whose signatures count; none are those that the export names.
    pinned: Vec<[u8; 32]>,
}

/// Those of a check by the server, and what the export holds.
const COLUMNS: &[&str] = &[
    "chain_valid",
    "events_verified",
    "events_checked",
    "sealed_through",
    "open_tail",
    "checkpoint",
    "scheme",
    "export",
];

impl Offline {
    pub(super) fn of(
        file: &Path,
        keys: &[String],
        key_file: Option<&Path>,
    ) -> Result<Self, Failure> {
        let mut pinned = Vec::new();
        for key in keys {
            pinned.push(parsed(key, "--public-key")?);
        }
        if let Some(path) = key_file {
            pinned.extend(keys_in(path)?);
        }
        let name = file.display().to_string();
        let (input, name): (Box<dyn BufRead>, _) = if file.as_os_str() == "-" {
            (Box::new(BufReader::new(io::stdin())), "stdin".to_owned())
        } else {
            let file = File::open(file).map_err(|error| unreadable(&name, &error))?;
            (Box::new(BufReader::new(file)), name)
        };
        Ok(Self {
            input,
            name,
            pinned,
        })
    }

    pub(super) fn run(self, format: Format) -> Result<(), Failure> {
        let is_pinned = !self.pinned.is_empty();
        let trust = if is_pinned {
            Trust::Keys(&self.pinned)
        } else {
            Trust::Export
        };
        let report = verify_export(self.input, trust);
        let report = report.map_err(|unverified| failed(&self.name, &unverified))?;
        warn(&report, is_pinned);
        let mut row = row(&verification(&report), format);
        row.push(match format {
            Format::Table => span(&report).into(),
            _ => Cell::Json(export(&report, is_pinned)),
        });
        Records::one(COLUMNS, row).print(format)
    }
}

/// The report as a server would have given it.
fn verification(report: &ExportReport) -> Verification {
    let more = [
        ("open_tail", report.open_tail.into()),
        (
            "checkpoint",
            report.checkpoint.map_or(Value::Null, |signed| {
                let SignedPlace { seq, at, .. } = signed;
                json!({
                    "seq": seq,
                    "hash": hex(&signed.hash),
                    "at": Timestamp::from_millis(at).rfc3339(),
                    "key_version": signed.key_version,
                    "public_key": hex(&signed.public_key),
                    "signature": hex(&signed.signature),
                })
            }),
        ),
        (
            "scheme",
            json!({"algorithm": "SHA-256", "signature": "Ed25519"}),
        ),
    ];
    Verification {
        chain_valid: true,
        events_verified: report.events,
        events_checked: report.events,
        broken_at_event_id: None,
        checked_through: Some(report.through),
        sealed_through: Some(report.sealed_through),
        more: more
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect::<Map<_, _>>(),
    }
}

/// What the export is and where it stands in the record: with it, several that follow each other can be put together.
fn export(report: &ExportReport, is_pinned: bool) -> Value {
    json!({
        "organization_id": OrganizationId::from_bytes(report.organization).to_string(),
        "exported_at": Timestamp::from_millis(report.exported_at).rfc3339(),
        "after": report.after,
        "after_hash": hex(&report.after_hash),
        "through": report.through,
        "hash": hex(&report.hash),
        "key_pinned": is_pinned,
    })
}

fn span(report: &ExportReport) -> String {
    if report.events == 0 {
        return "no events".to_owned();
    }
    format!("events {} to {}", report.after + 1, report.through)
}

/// Say what an export that holds does not prove.
fn warn(report: &ExportReport, is_pinned: bool) {
    if !is_pinned {
        let keys: Vec<String> = report.keys.iter().map(|key| hex(key)).collect();
        say(&format!(
            "warning: its signatures were checked only against the key that the file itself names ({}); pin the \
             server's with --public-key",
            keys.join(", ")
        ));
    }
    let signed = report.checkpoint.map_or(report.after, |signed| signed.seq);
    if signed < report.through {
        say(&format!(
            "warning: no signature covers events {} to {}: nothing shows whether some were taken off the end or \
             written anew",
            signed + 1,
            report.through
        ));
    }
    if report.after > 0 {
        say(&format!(
            "warning: it begins behind event {}: what was before is not in it",
            report.after
        ));
    }
    if report.sealed_through > report.through {
        say(&format!(
            "warning: it ends with event {}, and the record went on to {}",
            report.through, report.sealed_through
        ));
    }
}

fn failed(name: &str, unverified: &Unverified) -> Failure {
    const KEEP: &str =
        "keep the file as it is, and compare it with other exports and with the record itself";
    let held = format!("events before it that hold: {}", unverified.held.events);
    let (what, why, fix) = match &unverified.error {
        ExportError::Read(error) => return unreadable(name, error),
        ExportError::NotAnExport => (
            "this is no export of the audit record",
            format!("{name} does not begin as an export does"),
            "name a file that kluis audit export wrote",
        ),
        ExportError::UnknownFormat(format) => (
            "the export cannot be checked",
            format!("{name} is of format {format}, which this release does not know"),
            "check it with the release that wrote it, or a newer one",
        ),
        ExportError::CutOff { line } => (
            "the export is cut off",
            format!("{name} ends in line {line}, before its closing line; {held}"),
            "export again; what is missing cannot be told from this file",
        ),
        ExportError::Line { line, what } => (
            "the export was altered",
            format!("line {line} of {name} {what}; {held}"),
            KEEP,
        ),
        ExportError::Broken(broken) => (
            "the audit record was altered",
            format!(
                "in {name}, {}; {held}",
                place(broken, unverified.held.through)
            ),
            KEEP,
        ),
        ExportError::ForeignKey(key) => (
            "the export is not signed with a key that was named",
            format!("{name} is signed with {}", hex(key)),
            "if that is your server's, name it: kluis audit verify -o json shows it, in a checkpoint",
        ),
        ExportError::Unsigned => (
            "nothing in the export is signed",
            format!("no checkpoint in {name} covers its events, so it could be anyone's"),
            "export again later: a server signs within a minute of an event",
        ),
    };
    Failure::new(Code::Integrity, what, why, fix)
}

/// Where and how a chain is broken that holds up to event `through`.
fn place(broken: &Break, through: i64) -> String {
    let Break { seq, entry, fault } = *broken;
    let next = through.saturating_add(1);
    // An event that is not the next one shows that others are missing, as does a signature behind the last.
    let last_missing = match entry {
        Some(_) => seq.saturating_sub(1),
        None => seq,
    };
    if fault == Fault::Missing && last_missing > next {
        return format!("events {next} to {last_missing} are missing");
    }
    if fault == Fault::Missing && last_missing == next {
        return format!("event {next} is missing");
    }
    let id = entry.map(|id| format!(" ({})", EventId::from_bytes(id)));
    format!("event {seq}{} {}", id.unwrap_or_default(), fault.as_str())
}

/// The keys in a file, one a line; what follows a number sign is for people.
fn keys_in(path: &Path) -> Result<Vec<[u8; 32]>, Failure> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::usage(
            "cannot read the keys",
            format!("{name}: {error}"),
            "name a readable file with --key-file",
        )
    })?;
    let words = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|word| !word.is_empty());
    let keys: Vec<[u8; 32]> = words
        .map(|word| parsed(word, &name))
        .collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(Failure::usage(
            "there is no key to check with",
            format!("{name} holds none"),
            "write the server's public key into it, one a line",
        ));
    }
    Ok(keys)
}

fn parsed(key: &str, from: &str) -> Result<[u8; 32], Failure> {
    public_key(key).ok_or_else(|| {
        Failure::usage(
            "this is no public key",
            format!("'{key}' (from {from}) is not 32 bytes in hexadecimal or base64"),
            "take it from a checkpoint: kluis audit verify -o json shows the newest",
        )
    })
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::usage(
        "cannot read the export",
        format!("{name}: {error}"),
        "name a readable file with --file, or pipe it into stdin and name -",
    )
}
