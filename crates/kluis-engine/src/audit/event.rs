//! One entry of the record (RULES §7).
//!
//! Its canonical bytes are what the hash chain covers and what the journal of reads holds: one encoding, so a row that
//! is read back from the event table can be checked against the chain.

use kluis_crypto::record::Entry;

use crate::clock::Timestamp;
use crate::ids::{EventId, OrganizationId};

/// One act: who did what to which thing, how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id, made at the time `at`: events sort and are paged by it. A list of values stands for one event per
    /// secret, with ids derived from this one.
    pub id: EventId,
    /// The organization it belongs to; the nil id is the server's own log.
    pub organization: OrganizationId,
    /// When it happened.
    pub at: Timestamp,
    /// `user`, `agent`, `server` or `anonymous`.
    pub actor_type: String,
    /// Id of the actor, where there is one.
    pub actor: Option<[u8; 16]>,
    /// Id of the API key or session that was used.
    pub credential: Option<[u8; 16]>,
    /// Name of the action.
    pub action: String,
    /// Kind of the thing it was done to; empty where there is none.
    pub resource_type: String,
    /// Id of that thing.
    pub resource: Option<[u8; 16]>,
    /// How it ended.
    pub outcome: Outcome,
    /// More, as a JSON object: vault, path, version, API, request id, basis. Never a value.
    pub details: String,
    /// The client's address; empty where it is not known.
    pub address: String,
    /// How many events it stands for: 1, or the number of secrets whose values were listed.
    pub count: i64,
}

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Refused: not permitted, or not to be told.
    Denied,
    /// It did not fit: not found, gone, in conflict.
    Failed,
    /// Done.
    Success,
}

impl Outcome {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Success => "success",
        }
    }

    /// The outcome that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "denied" => Some(Self::Denied),
            "failed" => Some(Self::Failed),
            "success" => Some(Self::Success),
            _ => None,
        }
    }
}

impl Event {
    /// The event as the chain covers it.
    pub(crate) fn entry(&self) -> Entry<'_> {
        Entry {
            id: self.id.bytes(),
            organization: self.organization.bytes(),
            at_millis: self.at.millis(),
            actor_type: &self.actor_type,
            actor: self.actor.as_ref(),
            credential: self.credential.as_ref(),
            action: &self.action,
            resource_type: &self.resource_type,
            resource: self.resource.as_ref(),
            outcome: self.outcome.as_str(),
            details: &self.details,
            address: &self.address,
            count: self.count,
        }
    }
}
