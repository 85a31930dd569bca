//! The lines of an export.

use kluis_crypto::hash::hex;
use serde::Serialize;
use uuid::Uuid;

use super::super::checkpoints::{PublicKeys, Signed};
use super::super::row::EventRow;
use super::super::verify::Verification;
use crate::error::Error;

/// One line. Its members and their order are part of the format.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line<'l> {
    /// What the lines that follow are, and behind which event they begin.
    Export {
        format: u32,
        version: &'static str,
        organization_id: Uuid,
        scheme: Scheme,
        keys: Vec<Key>,
        after: i64,
        hash: String,
        exported_at: i64,
    },
    Event {
        seq: i64,
        id: Uuid,
        organization_id: Uuid,
        at: i64,
        actor_type: &'l str,
        actor_id: Option<Uuid>,
        credential_id: Option<Uuid>,
        action: &'l str,
        resource_type: &'l str,
        resource_id: Option<Uuid>,
        outcome: &'l str,
        details: &'l str,
        address: &'l str,
        count: i64,
        hash: String,
    },
    Checkpoint {
        seq: i64,
        hash: String,
        at: i64,
        key_version: u32,
        signature: String,
    },
    /// Where the lines end, how many there were, and how the record stood.
    End {
        seq: i64,
        hash: String,
        events: u64,
        checkpoints: u64,
        sealed_through: i64,
        open_tail: u64,
    },
}

/// How events are linked and heads are signed.
#[derive(Serialize)]
pub(super) struct Scheme {
    algorithm: &'static str,
    signature: &'static str,
}

/// The public half of a key that signs checkpoints.
#[derive(Serialize)]
pub(super) struct Key {
    version: u32,
    public_key: String,
}

/// What a reader must know to read an export.
pub(super) const FORMAT: u32 = 1;
/// How all of them are linked and signed.
pub(super) const SCHEME: Scheme = Scheme {
    algorithm: Verification::HASH,
    signature: Verification::SIGNATURE,
};

impl<'l> Line<'l> {
    pub(super) fn event(seq: i64, hash: &[u8; 32], event: &'l EventRow) -> Self {
        Self::Event {
            seq,
            id: Uuid::from_bytes(event.id),
            organization_id: Uuid::from_bytes(event.organization),
            at: event.at,
            actor_type: &event.actor_type,
            actor_id: event.actor.map(Uuid::from_bytes),
            credential_id: event.credential.map(Uuid::from_bytes),
            action: &event.action,
            resource_type: &event.resource_type,
            resource_id: event.resource.map(Uuid::from_bytes),
            outcome: &event.outcome,
            details: &event.details,
            address: &event.address,
            count: event.count,
            hash: hex(hash),
        }
    }

    pub(super) fn checkpoint(signed: &Signed) -> Self {
        Self::Checkpoint {
            seq: signed.checkpoint.seq,
            hash: hex(&signed.checkpoint.hash),
            at: signed.checkpoint.at_millis,
            key_version: signed.key_version,
            signature: hex(&signed.signature),
        }
    }

    /// Append it, with its line feed.
    pub(super) fn put(&self, lines: &mut String) -> Result<(), Error> {
        let text =
            serde_json::to_string(self).map_err(|cause| Error::internal(cause.to_string()))?;
        lines.push_str(&text);
        lines.push('\n');
        Ok(())
    }
}

/// Keys as the first line names them.
pub(super) fn named(keys: &PublicKeys) -> Vec<Key> {
    keys.iter()
        .map(|(&version, public)| Key {
            version,
            public_key: hex(public),
        })
        .collect()
}
