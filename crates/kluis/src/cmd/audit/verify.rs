//! `kluis audit verify`: by the server, or offline in an export.

mod offline;

use std::path::PathBuf;

use clap::Args;
use kluis_client::oneclaw::{Verification, VerifySpan};
use serde_json::{Map, Value};

use self::offline::Offline;
use super::super::Context;
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, LISTING, Records};
use crate::remote::Remote;

/// Check the record's hash chain, on the server or in an export; exit code 10 when it does not hold
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Not before, RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "file")]
    from: Option<String>,
    /// Not after, RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "file")]
    to: Option<String>,
    /// Check this export, without any server; - is stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Take no signatures but those of this public key, in hexadecimal or base64; can be repeated
    #[arg(long, value_name = "KEY", requires = "file")]
    public_key: Vec<String>,
    /// The same of the public keys in this file, one a line
    #[arg(long, value_name = "FILE", requires = "file")]
    key_file: Option<PathBuf>,
}

const COLUMNS: &[&str] = &[
    "chain_valid",
    "events_verified",
    "events_checked",
    "sealed_through",
    "open_tail",
    "checkpoint",
    "scheme",
];

impl Verify {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        if let Some(file) = &self.file {
            let offline = Offline::of(file, &self.public_key, self.key_file.as_deref())?;
            return offline.run(format);
        }
        let server = context.server()?;
        let found = self.whole(&server).await?;
        Records::one(COLUMNS, row(&found, format)).print(format)
    }

    /// Goes through all of the chain that is asked for, a part at a time.
    async fn whole(&self, server: &Remote) -> Result<Verification, Failure> {
        let (mut checked, mut verified) = (0, 0);
        let mut after = self.from.is_none().then_some(0);
        loop {
            let span = VerifySpan {
                from: self.from.as_deref().filter(|_| after.is_none()),
                to: self.to.as_deref(),
                after,
                limit: Some(PART),
            };
            let part = server.client.oneclaw().audit_verify(&span).await;
            let mut part =
                part.map_err(|error| server.failure("cannot verify the audit record", &error))?;
            checked += part.events_checked;
            verified += part.events_verified;
            (part.events_checked, part.events_verified) = (checked, verified);
            if !part.chain_valid {
                return Err(broken(&part));
            }
            match part.checked_through {
                Some(through) if after.is_none_or(|after| through > after) && checked > 0 => {
                    if part.sealed_through.is_some_and(|last| through >= last) {
                        return Ok(part);
                    }
                    after = Some(through);
                }
                _ => return Ok(part),
            }
        }
    }
}

/// What was found, as [`COLUMNS`] name it.
fn row(found: &Verification, format: Format) -> Vec<Cell> {
    let more = |name: &str| found.more.get(name).cloned().map_or(Cell::None, Cell::Json);
    vec![
        Cell::Flag(found.chain_valid),
        Cell::Number(found.events_verified),
        Cell::Number(found.events_checked),
        found
            .sealed_through
            .map_or(Cell::None, |last| Cell::Json(last.into())),
        more("open_tail"),
        match (format, found.more.get("checkpoint")) {
            (Format::Table, Some(Value::Object(checkpoint))) => number(checkpoint),
            _ => more("checkpoint"),
        },
        match (format, found.more.get("scheme")) {
            (Format::Table, Some(Value::Object(scheme))) => words(scheme),
            _ => more("scheme"),
        },
    ]
}

fn broken(found: &Verification) -> Failure {
    let at = found
        .broken_at_event_id
        .as_deref()
        .unwrap_or("an event that the server does not name");
    Failure::new(
        Code::Integrity,
        "the audit record was altered",
        format!(
            "the hash chain breaks at event {at}, after {} events that hold",
            found.events_verified
        ),
        "keep a copy of the database as it is, and compare it with back-ups and exports",
    )
}

/// The number of a checkpoint's event, for a table.
fn number(checkpoint: &Map<String, Value>) -> Cell {
    let seq = checkpoint.get("seq").cloned();
    seq.map_or(Cell::None, Cell::Json)
}

/// The texts among an object's members, for a table.
fn words(members: &Map<String, Value>) -> Cell {
    let texts: Vec<&str> = members.values().filter_map(Value::as_str).collect();
    texts.join(", ").into()
}

/// Events that the server checks at once, at most.
const PART: u32 = 10_000;
