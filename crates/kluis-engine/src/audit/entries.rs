//! What is shown of a row of the record: one entry, or one for each secret whose value it lists (RULES §7).

use kluis_crypto::hash::{hex, sha256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::row::EventRow;
use crate::act::ListedSecret;
use crate::clock::Timestamp;
use crate::ids::{EventId, OrganizationId, SecretId, VaultId};
use crate::zk::{ZK_ITEM, ZK_VAULT};

/// An entry of the record as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// Name of the action.
    pub action: String,
    /// `user`, `agent`, `server` or `anonymous`.
    pub actor_type: String,
    /// Id of the actor, where there is one.
    pub actor: Option<[u8; 16]>,
    /// Id of the API key or session that it came with.
    pub credential: Option<[u8; 16]>,
    /// Kind of the thing it was done to; empty where there is none.
    pub resource_type: String,
    /// Id of that thing.
    pub resource: Option<[u8; 16]>,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// `success`, `denied` or `failed`.
    pub outcome: String,
    /// The client's address; empty where it is not known.
    pub address: String,
    /// More, as the text of a JSON object.
    pub details: String,
    /// The event before it in the chain; none for the first one, and while it has no place there yet.
    pub previous: Option<EventId>,
    /// The hash of the chain at its place, in hexadecimal.
    pub integrity_hash: Option<String>,
}

/// An entry, and what it is searched by.
pub(super) struct Shown {
    pub(super) entry: AuditEntry,
    pub(super) vault: Option<VaultId>,
    pub(super) path: Option<String>,
}

/// The details of an act, as far as they are understood here.
#[derive(Default, Deserialize, Serialize)]
struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    vault_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<String>,
    #[serde(default, skip_serializing)]
    secrets: Vec<ListedSecret>,
}

/// The entries that a row stands for, made one at a time: there can be very many.
pub(super) fn entries(
    event: EventRow,
    hash: Option<[u8; 32]>,
    previous: Option<EventId>,
) -> Box<dyn Iterator<Item = Shown> + Send> {
    let mut details: Details = serde_json::from_str(&event.details).unwrap_or_default();
    let secrets = std::mem::take(&mut details.secrets);
    let row = Row {
        event,
        details,
        hash: hash.map(|hash| hex(&hash)),
        previous,
    };
    if secrets.is_empty() {
        return Box::new(std::iter::once(row.whole()));
    }
    let listed = (0_u64..).zip(secrets);
    Box::new(listed.map(move |(index, secret)| row.one_of(index, &secret)))
}

struct Row {
    event: EventRow,
    details: Details,
    hash: Option<String>,
    previous: Option<EventId>,
}

impl Row {
    fn whole(&self) -> Shown {
        let vault = self.details.vault_id;
        Shown {
            entry: self.entry(self.event.details.clone()),
            vault: vault.map(|vault| VaultId::from_bytes(vault.into_bytes())),
            path: self.details.path.clone(),
        }
    }

    fn one_of(&self, index: u64, secret: &ListedSecret) -> Shown {
        let vault = self.details.vault_id;
        let details = Details {
            vault_id: vault,
            path: secret.path.clone(),
            name: secret.name.clone(),
            version: secret.version,
            api: self.details.api.clone(),
            request_id: self.details.request_id.clone(),
            basis: self.details.basis.clone(),
            secrets: Vec::new(),
        };
        let entry = AuditEntry {
            id: derived_id(&self.event.id, index),
            resource_type: listed_in(&self.event.resource_type).to_owned(),
            resource: SecretId::from_uuid_text(&secret.id).map(|id| *id.bytes()),
            ..self.entry(serde_json::to_string(&details).unwrap_or_default())
        };
        Shown {
            entry,
            vault: vault.map(|vault| VaultId::from_bytes(vault.into_bytes())),
            path: details.path,
        }
    }

    fn entry(&self, details: String) -> AuditEntry {
        let event = &self.event;
        AuditEntry {
            id: EventId::from_bytes(event.id),
            at: Timestamp::from_millis(event.at),
            action: event.action.clone(),
            actor_type: event.actor_type.clone(),
            actor: event.actor,
            credential: event.credential,
            resource_type: event.resource_type.clone(),
            resource: event.resource,
            organization: OrganizationId::from_bytes(event.organization),
            outcome: event.outcome.clone(),
            address: event.address.clone(),
            details,
            previous: self.previous,
            integrity_hash: self.hash.clone(),
        }
    }
}

/// What kind of thing is listed in one of this kind.
fn listed_in(resource_type: &str) -> &'static str {
    if resource_type == ZK_VAULT {
        ZK_ITEM
    } else {
        "secret"
    }
}

/// The id of the entry at `index` of a row: always the same, and of the same millisecond. The first has the row's own.
fn derived_id(row: &[u8; 16], index: u64) -> EventId {
    if index == 0 {
        return EventId::from_bytes(*row);
    }
    let mut millis = [0; 8];
    if let (Some(low), Some(time)) = (millis.last_chunk_mut::<6>(), row.first_chunk::<6>()) {
        *low = *time;
    }
    let millis = u64::from_be_bytes(millis);
    let digest = sha256(&[b"kluis audit entry", row, &index.to_be_bytes()]);
    let random = digest.first_chunk().copied().unwrap_or_default();
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    EventId::from_bytes(id.into_bytes())
}
