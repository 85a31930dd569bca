//! Entries of the record that no caller's act leaves: a log-in, a refused credential, the server's own doing (RULES §7).

use std::net::IpAddr;

use serde::Serialize;

use crate::audit::{Event, Outcome};
use crate::caller::Origin;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, EventId, OrganizationId, UserId};

/// Such an entry, before it has an id.
pub(crate) struct Notice<'a> {
    pub(crate) organization: OrganizationId,
    pub(crate) actor: Actor,
    /// Id of the API key or session.
    pub(crate) credential: Option<[u8; 16]>,
    pub(crate) action: &'static str,
    pub(crate) resource: Option<(&'static str, [u8; 16])>,
    pub(crate) outcome: Outcome,
    pub(crate) address: Option<IpAddr>,
    pub(crate) details: NoticeDetails<'a>,
}

/// Who did it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Actor {
    Agent(AgentId),
    Anonymous,
    /// Whoever holds the socket in the data directory.
    Operator,
    Server,
    User(UserId),
}

/// What is told beyond the columns.
#[derive(Default, Serialize)]
pub(crate) struct NoticeDetails<'a> {
    /// How many like it there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
}

/// The log of what belongs to no organization.
pub(crate) const SERVER_LOG: OrganizationId = OrganizationId::from_bytes([0; 16]);

impl<'a> Notice<'a> {
    /// That `actor` did `action` once, well, to nothing in particular.
    pub(crate) fn new(organization: OrganizationId, actor: Actor, action: &'static str) -> Self {
        Self {
            organization,
            actor,
            credential: None,
            action,
            resource: None,
            outcome: Outcome::Success,
            address: None,
            details: NoticeDetails::default(),
        }
    }

    /// It came with a request.
    pub(crate) fn through(mut self, origin: &'a Origin) -> Self {
        self.address = origin.address;
        self.details.api = Some(origin.api);
        self.details.request_id = Some(origin.request.to_string());
        self
    }

    /// Its entry in the record.
    pub(crate) fn event(&self, at: Timestamp) -> Result<Event, Error> {
        let (actor_type, actor) = match self.actor {
            Actor::Agent(agent) => ("agent", Some(*agent.bytes())),
            Actor::Anonymous => ("anonymous", None),
            Actor::Operator => ("operator", None),
            Actor::Server => ("server", None),
            Actor::User(user) => ("user", Some(*user.bytes())),
        };
        Ok(Event {
            id: EventId::generate(at)?,
            organization: self.organization,
            at,
            actor_type: actor_type.to_owned(),
            actor,
            credential: self.credential,
            action: self.action.to_owned(),
            resource_type: self.resource.map_or("", |(kind, _)| kind).to_owned(),
            resource: self.resource.map(|(_, id)| id),
            outcome: self.outcome,
            details: serde_json::to_string(&self.details)
                .map_err(|cause| Error::internal(cause.to_string()))?,
            address: self
                .address
                .map(|address| address.to_string())
                .unwrap_or_default(),
            count: 1,
        })
    }
}
