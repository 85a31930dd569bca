//! The audit record.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::OneClaw;
use crate::Error;
use crate::http::{Call, Stream};

impl OneClaw<'_> {
    /// Events of the audit record, newest first.
    pub async fn audit_events(self, filter: &EventFilter<'_>) -> Result<Vec<AuditEvent>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            events: Vec<AuditEvent>,
        }
        let (limit, offset) = (filter.limit.to_string(), filter.offset.to_string());
        let query = given(&[
            ("limit", Some(&limit)),
            ("offset", Some(&offset)),
            ("resource_id", filter.resource_id),
            ("actor_id", filter.actor_id),
            ("action", filter.action),
            ("from", filter.from),
            ("to", filter.to),
        ]);
        let answer: Answer = self
            .0
            .call(Call::get(&["v1", "audit", "events"]).query(&query))
            .await?;
        Ok(answer.events)
    }

    /// Has the server check the hash chain of the organization's audit record.
    pub async fn audit_verify(self, span: &VerifySpan<'_>) -> Result<Verification, Error> {
        let limit = span.limit.map(|limit| limit.to_string());
        let after = span.after.map(|after| after.to_string());
        let query = given(&[
            ("from", span.from),
            ("to", span.to),
            ("after", after.as_deref()),
            ("limit", limit.as_deref()),
        ]);
        self.0
            .call(Call::get(&["v1", "audit", "verify"]).query(&query))
            .await
    }

    /// The organization's audit record with all that is needed to check it offline, to be read as it comes. Kluis only.
    pub async fn audit_export(self, span: &ExportSpan<'_>) -> Result<AuditExport, Error> {
        let after = span.after.map(|after| after.to_string());
        let query = given(&[
            ("from", span.from),
            ("to", span.to),
            ("after", after.as_deref()),
        ]);
        let call = Call::get(&["v1", "audit", "export"]).query(&query);
        Ok(AuditExport {
            stream: self.0.stream(call).await?,
            last_line: Vec::new(),
        })
    }
}

/// Which audit events to show; `None` means any.
#[derive(Debug, Clone, Copy)]
pub struct EventFilter<'a> {
    /// A secret's or vault's id, or a path.
    pub resource_id: Option<&'a str>,
    /// A user's or agent's id.
    pub actor_id: Option<&'a str>,
    /// An action such as `secret.read`.
    pub action: Option<&'a str>,
    /// RFC 3339: not before.
    pub from: Option<&'a str>,
    /// RFC 3339: not after.
    pub to: Option<&'a str>,
    /// How many at most.
    pub limit: u32,
    /// How many of the newest to leave out.
    pub offset: u32,
}

/// One event of the audit record.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct AuditEvent {
    /// UUID.
    pub id: String,
    /// An action such as `secret.read`.
    pub action: String,
    /// `user`, `agent` or `system`.
    #[serde(default)]
    pub actor_type: Option<String>,
    /// The actor's UUID.
    #[serde(default)]
    pub actor_id: Option<String>,
    /// A word such as `secret` or `vault`.
    #[serde(default)]
    pub resource_type: Option<String>,
    /// UUID of what was acted upon.
    #[serde(default)]
    pub resource_id: Option<String>,
    /// Path, version, API, request and more; never a value.
    #[serde(default)]
    pub details: Map<String, Value>,
    /// The caller's address.
    #[serde(default)]
    pub ip_address: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// Members that the contract does not name, such as the chain's hashes.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What part of the audit record to verify; `None` means the server's default.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifySpan<'a> {
    /// RFC 3339: not before.
    pub from: Option<&'a str>,
    /// RFC 3339: not after.
    pub to: Option<&'a str>,
    /// From behind the event of this number on.
    pub after: Option<i64>,
    /// How many events at most, up to 10,000: the first of them after `from` or `after`, else the newest.
    pub limit: Option<u32>,
}

/// The outcome of a verification.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Verification {
    /// Whether every link that was checked holds.
    pub chain_valid: bool,
    /// Events whose link holds.
    pub events_verified: u64,
    /// Events looked at.
    pub events_checked: u64,
    /// The first event whose link does not hold.
    #[serde(default)]
    pub broken_at_event_id: Option<String>,
    /// Number of the last event that was to be checked; other servers do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_through: Option<i64>,
    /// Number of the last event in the chain; other servers do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_through: Option<i64>,
    /// How far the chain reaches, its open tail, the last checkpoint, and how hashes are made.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What part of the audit record to export; `None` means all of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExportSpan<'a> {
    /// RFC 3339: not before.
    pub from: Option<&'a str>,
    /// RFC 3339: not after.
    pub to: Option<&'a str>,
    /// From behind the event of this number on.
    pub after: Option<i64>,
}

/// An export on its way: lines of JSON that [`crate::record::verify_export`] checks.
pub struct AuditExport {
    stream: Stream,
    last_line: Vec<u8>,
}

impl AuditExport {
    /// The next bytes; `None` behind the closing line. An export that ends without one is [`Error::Malformed`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let Some(bytes) = self.stream.next().await? else {
            return if self.last_line.starts_with(CLOSING) && self.last_line.ends_with(b"\n") {
                Ok(None)
            } else {
                Err(self.stream.malformed("it ends before its closing line"))
            };
        };
        self.keep_last_line(&bytes);
        Ok(Some(bytes))
    }

    /// Keep the beginning of the last line, and whether it has ended.
    fn keep_last_line(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.last_line.ends_with(b"\n") {
                self.last_line.clear();
            }
            let room = CLOSING.len().saturating_sub(self.last_line.len());
            self.last_line.extend(line.iter().take(room));
            if line.ends_with(b"\n") {
                self.last_line.push(b'\n');
            }
        }
    }
}

/// What the closing line begins with.
const CLOSING: &[u8] = b"{\"end\":";

/// The parameters that are given.
fn given<'q>(parameters: &[(&'q str, Option<&'q str>)]) -> Vec<(&'q str, &'q str)> {
    let given = parameters.iter();
    given
        .filter_map(|&(name, value)| value.map(|value| (name, value)))
        .collect()
}
