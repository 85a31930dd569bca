//! What the record tells of an act.

use serde::Serialize;

use super::{Act, DoneBy, Thing};
use crate::action::Action;
use crate::audit::{Event, Outcome};
use crate::caller::{Caller, Principal};
use crate::error::Error;
use crate::ids::{EventId, SecretId, ZkItemId};

/// One secret of an event that stands for many.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
pub(crate) struct ListedSecret {
    pub(crate) id: String,
    /// Where it is in its vault; a zero-knowledge item has a name instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u32>,
}

impl ListedSecret {
    /// A secret of a vault.
    pub(crate) fn at(id: SecretId, path: &str, version: u32) -> Self {
        Self {
            id: id.to_string(),
            path: Some(path.to_owned()),
            name: None,
            version: Some(version),
        }
    }

    /// A zero-knowledge item.
    pub(crate) fn item(id: ZkItemId, name: &str) -> Self {
        Self {
            id: id.to_string(),
            path: None,
            name: Some(name.to_owned()),
            version: None,
        }
    }
}

/// The details of an event, as they are stored.
#[derive(Serialize)]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    vault_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    api: &'a str,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<&'a [ListedSecret]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<&'a [String]>,
}

impl Act {
    /// The event of this act, ended with `error` or well; `None` when it is not an act but a malformed request, or
    /// did not come to a decision.
    pub(crate) fn event(&self, error: Option<&Error>) -> Result<Option<Event>, Error> {
        let (outcome, thing) = match error {
            None if self.deferred => return Ok(None),
            None if self.missed => (Outcome::Failed, &self.found),
            None => (Outcome::Success, &self.found),
            Some(Error::Forbidden | Error::Unauthenticated) => (Outcome::Denied, &self.found),
            Some(Error::Hidden) => (Outcome::Denied, &self.named),
            Some(Error::NotFound) => (Outcome::Failed, &self.named),
            Some(Error::Conflict(_) | Error::Gone) => (Outcome::Failed, &self.found),
            Some(
                Error::Internal(_)
                | Error::Invalid(_)
                | Error::RateLimited { .. }
                | Error::TooLarge
                | Error::Unavailable(_),
            ) => return Ok(None),
        };
        self.event_of(outcome, thing, self.action).map(Some)
    }

    /// An event of this act under another action's name: a plaintext that left with the answer to a change.
    pub(crate) fn also(&mut self, action: Action) -> Result<Event, Error> {
        self.reads_along = true;
        self.event_of(Outcome::Success, &self.found, action)
    }

    /// The event of something that this act does besides, about what it names by now.
    pub(crate) fn beside(&self, action: Action) -> Result<Event, Error> {
        self.event_of(Outcome::Success, &self.found, action)
    }

    /// Who is recorded: type, id, id of the credential.
    pub(crate) fn actor(&self) -> (&'static str, Option<[u8; 16]>, Option<[u8; 16]>) {
        match &self.done_by {
            Some(DoneBy::Anyone) => ("anonymous", None, None),
            Some(DoneBy::Caller(caller)) => actor_of(caller),
            Some(DoneBy::Server) => ("server", None, None),
            None => actor_of(&self.caller),
        }
    }

    pub(super) fn event_of(
        &self,
        outcome: Outcome,
        thing: &Thing,
        action: Action,
    ) -> Result<Event, Error> {
        let (listed, keys) = match outcome {
            Outcome::Success => (self.listed.as_deref(), self.keys.as_deref()),
            Outcome::Denied | Outcome::Failed => (None, None),
        };
        let details = Details {
            vault_id: thing.vault.map(|vault| vault.to_string()),
            path: thing.path.as_deref(),
            name: thing.name.as_deref(),
            version: thing.version,
            share_id: thing.share.map(|share| share.to_string()),
            agent_id: thing.agent.map(|agent| agent.to_string()),
            api: self.caller.origin.api,
            request_id: self.caller.origin.request.to_string(),
            basis: thing.basis,
            secrets: listed,
            keys,
        };
        let (actor_type, actor, credential) = self.actor();
        Ok(Event {
            id: EventId::generate(self.now)?,
            organization: self.caller.organization,
            at: self.now,
            actor_type: actor_type.to_owned(),
            actor,
            credential,
            action: action.rule().name.to_owned(),
            resource_type: thing.resource_type.to_owned(),
            resource: thing.resource,
            outcome,
            details: serde_json::to_string(&details)
                .map_err(|cause| Error::internal(cause.to_string()))?,
            address: self
                .caller
                .origin
                .address
                .map(|address| address.to_string())
                .unwrap_or_default(),
            count: listed.map_or(1, |listed| {
                i64::try_from(listed.len().max(1)).unwrap_or(i64::MAX)
            }),
        })
    }
}

/// How a caller is recorded: type, id, id of the credential.
fn actor_of(caller: &Caller) -> (&'static str, Option<[u8; 16]>, Option<[u8; 16]>) {
    let (actor_type, actor) = match &caller.principal {
        Principal::Agent(agent) => ("agent", *agent.id.bytes()),
        Principal::User(user) => ("user", *user.id.bytes()),
    };
    let credential = *caller.credential.id_bytes();
    (actor_type, Some(actor), Some(credential))
}
