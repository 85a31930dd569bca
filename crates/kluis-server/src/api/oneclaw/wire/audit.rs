//! The record.

use kluis_engine::{
    AuditEntry, AuditFilter, AuditRange, Error, ResourceFilter, SecretId, UserId, VaultId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{object, optional_instant, uuid};
use crate::api::ids::Kind;

/// Which events to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct EventsQuery {
    /// Id of a secret or of anything else that was acted on, id of a vault, or path of a secret.
    resource_id: Option<String>,
    /// Id of the user or agent who acted.
    actor_id: Option<String>,
    /// Name of the action.
    #[param(example = "secret.read")]
    action: Option<String>,
    /// Not before this instant (RFC 3339).
    from: Option<String>,
    /// Not after this instant (RFC 3339).
    to: Option<String>,
    /// How many at most; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// How many of the newest to leave out.
    #[param(minimum = 0)]
    offset: Option<u64>,
}

/// Events, newest first.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Events {
    events: Vec<Event>,
    /// How many are in this answer.
    count: usize,
}

/// One act.
#[derive(Serialize, ToSchema)]
struct Event {
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("secret.read"))]
    action: String,
    /// `user`, `agent`, `server` or `anonymous`.
    #[schema(examples("user"))]
    actor_type: String,
    /// Left out where nobody is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    actor_id: Option<String>,
    #[schema(examples("secret"))]
    resource_type: String,
    /// Left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    resource_id: Option<String>,
    #[schema(format = "uuid")]
    org_id: String,
    /// How it ended, the key or session it came with, the vault, path and version it was about, the API, the request; never a value.
    details: Map<String, Value>,
    /// Left out where it is not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(examples("192.0.2.7"))]
    ip_address: String,
    #[schema(examples("2026-03-01T09:42:11Z"))]
    created_at: String,
    /// The event before it in the chain; left out until it has its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    prev_event_id: Option<String>,
    /// The chain's hash at its place; left out until it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    integrity_hash: Option<String>,
}

impl TryFrom<EventsQuery> for AuditFilter {
    type Error = Error;

    fn try_from(query: EventsQuery) -> Result<Self, Error> {
        let limit = at_least_one(query.limit.unwrap_or(DEFAULT_EVENTS))?;
        Ok(Self {
            resource: query.resource_id.map(resource),
            actor: query.actor_id.map(|id| *UserId::named(&id).bytes()),
            action: query.action,
            from: optional_instant("from", query.from.as_deref())?,
            to: optional_instant("to", query.to.as_deref())?,
            limit: limit.min(MOST_EVENTS),
            offset: u32::try_from(query.offset.unwrap_or_default()).unwrap_or(u32::MAX),
        })
    }
}

impl TryFrom<Vec<AuditEntry>> for Events {
    type Error = Error;

    fn try_from(entries: Vec<AuditEntry>) -> Result<Self, Error> {
        let events = entries
            .into_iter()
            .map(Event::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            count: events.len(),
            events,
        })
    }
}

impl TryFrom<AuditEntry> for Event {
    type Error = Error;

    fn try_from(entry: AuditEntry) -> Result<Self, Error> {
        let mut details = object(&entry.details)?;
        details.insert("outcome".to_owned(), entry.outcome.into());
        if let Some(credential) = entry.credential {
            details.insert("key_id".to_owned(), uuid(credential).into());
        }
        Ok(Self {
            id: entry.id.to_string(),
            action: entry.action,
            actor_type: entry.actor_type,
            actor_id: entry.actor.map(uuid),
            resource_type: entry.resource_type,
            resource_id: entry.resource.map(uuid),
            org_id: entry.organization.to_string(),
            details,
            ip_address: entry.address,
            created_at: entry.at.rfc3339(),
            prev_event_id: entry.previous.map(|id| id.to_string()),
            integrity_hash: entry.integrity_hash,
        })
    }
}

/// Which part of the chain to check.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct VerifyQuery {
    /// From the first event of this time on (RFC 3339).
    from: Option<String>,
    /// Up to the last event of this time (RFC 3339).
    to: Option<String>,
    /// From behind the event of this number on; `checked_through` of one answer leads to the next.
    #[param(minimum = 0)]
    after: Option<u64>,
    /// How many events at most; 1000 unless given. The first of them after `from` or `after`, else the newest.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<u64>,
}

/// Which part of the record to export.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct ExportQuery {
    /// From the first event of this time on (RFC 3339).
    from: Option<String>,
    /// Up to the last event of this time (RFC 3339).
    to: Option<String>,
    /// From behind the event of this number on: where an earlier export ended.
    #[param(minimum = 0)]
    after: Option<u64>,
}

/// What a check of the chain has shown.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Verification {
    chain_valid: bool,
    events_verified: u64,
    events_checked: u64,
    /// The event at the first place that does not hold; null where all holds, or an event is missing.
    #[schema(format = "uuid")]
    broken_at_event_id: Option<String>,
    scheme: Scheme,
    /// Number of the last event that was to be checked.
    checked_through: i64,
    /// Number of the last event in the chain.
    sealed_through: i64,
    /// Events that are recorded and have no place in the chain yet.
    open_tail: u64,
    /// The newest signed head of the chain; null before the first.
    checkpoint: Option<Checkpoint>,
}

/// How events are linked and heads are signed.
#[derive(Serialize, ToSchema)]
struct Scheme {
    algorithm: &'static str,
    signature: &'static str,
}

/// A signed head of the chain.
#[derive(Serialize, ToSchema)]
struct Checkpoint {
    seq: i64,
    hash: String,
    at: String,
    key_version: u32,
    public_key: String,
    signature: String,
}

impl TryFrom<VerifyQuery> for AuditRange {
    type Error = Error;

    fn try_from(query: VerifyQuery) -> Result<Self, Error> {
        let limit = at_least_one(query.limit.unwrap_or(DEFAULT_CHECKED))?;
        Ok(Self {
            limit: Some(limit.min(MOST_CHECKED)),
            ..range(query.from.as_deref(), query.to.as_deref(), query.after)?
        })
    }
}

impl TryFrom<ExportQuery> for AuditRange {
    type Error = Error;

    fn try_from(query: ExportQuery) -> Result<Self, Error> {
        range(query.from.as_deref(), query.to.as_deref(), query.after)
    }
}

impl From<kluis_engine::Verification> for Verification {
    fn from(verification: kluis_engine::Verification) -> Self {
        Self {
            chain_valid: verification.chain_valid,
            events_verified: verification.events_verified,
            events_checked: verification.events_checked,
            broken_at_event_id: verification.broken_at.map(|id| id.to_string()),
            scheme: Scheme {
                algorithm: kluis_engine::Verification::HASH,
                signature: kluis_engine::Verification::SIGNATURE,
            },
            checked_through: verification.checked_through,
            sealed_through: verification.sealed_through,
            open_tail: verification.open_tail,
            checkpoint: verification.checkpoint.map(|checkpoint| Checkpoint {
                seq: checkpoint.seq,
                hash: checkpoint.hash,
                at: checkpoint.at.rfc3339(),
                key_version: checkpoint.key_version,
                public_key: checkpoint.public_key,
                signature: checkpoint.signature,
            }),
        }
    }
}

/// What a text means that is an id of whatever kind, or else a path.
fn resource(text: String) -> ResourceFilter {
    let secret = SecretId::parse(&text).map(|id| *id.bytes());
    match secret.or_else(|| VaultId::parse(&text).map(|id| *id.bytes())) {
        Some(id) => ResourceFilter::Id(id),
        None => ResourceFilter::Path(text),
    }
}

fn at_least_one(limit: u64) -> Result<u32, Error> {
    match limit {
        0 => Err(Error::invalid("limit", "must be at least 1")),
        limit => Ok(u32::try_from(limit).unwrap_or(u32::MAX)),
    }
}

fn range(from: Option<&str>, to: Option<&str>, after: Option<u64>) -> Result<AuditRange, Error> {
    Ok(AuditRange {
        from: optional_instant("from", from)?,
        to: optional_instant("to", to)?,
        after: after.map(|after| i64::try_from(after).unwrap_or(i64::MAX)),
        limit: None,
    })
}

const DEFAULT_EVENTS: u64 = 100;
const MOST_EVENTS: u32 = 1_000;
const DEFAULT_CHECKED: u64 = 1_000;
const MOST_CHECKED: u32 = 10_000;
