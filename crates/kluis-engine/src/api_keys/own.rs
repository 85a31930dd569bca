//! The key that one asks with.

use super::{ApiKeyStatus, api_key_find};
use crate::action::Action;
use crate::caller::{Caller, Credential, Principal};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{AgentId, ApiKeyId, OrganizationId, UserId};
use crate::store::sql::{agents, api_keys as sql};
use crate::store::{Conn, params};

/// A key of a user or an agent, as its holder sees it.
#[derive(Clone, Debug)]
pub struct OwnKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The organization that it opens.
    pub organization: OrganizationId,
    /// The agent that it acts as; none for a user's.
    pub agent: Option<AgentId>,
    /// The user whose it is, or who made it for its agent; none when that is not known.
    pub created_by: Option<UserId>,
    /// What it is for.
    pub label: String,
    /// More about it.
    pub description: Option<String>,
    /// The first 12 characters of its token.
    pub prefix: String,
    /// The last 4 characters of its token; empty for one that was made before they were kept.
    pub last4: String,
    /// Whether it works.
    pub status: ApiKeyStatus,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
    /// When it stops working; never when `None`.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Engine {
    /// The key that the caller asks with, for administrators and agents. `Forbidden` for what is no key.
    pub async fn api_key_own(&self, caller: &Caller) -> Result<OwnKey, Error> {
        self.key_in_use(caller, Action::OwnKeyRead).await
    }

    /// The same for everybody, as a part of who one is.
    pub async fn api_key_of_profile(&self, caller: &Caller) -> Result<OwnKey, Error> {
        self.key_in_use(caller, Action::ProfileRead).await
    }

    async fn key_in_use(&self, caller: &Caller, action: Action) -> Result<OwnKey, Error> {
        self.look(caller, action, async |conn, act| {
            let Credential::ApiKey(id) = act.caller.credential else {
                return Err(Error::Forbidden);
            };
            act.names("api_key", *id.bytes());
            let organization = act.caller.organization;
            if let Principal::Agent(agent) = &act.caller.principal {
                return agent_key_find(conn, organization, agent.id, id).await;
            }
            let key = api_key_find(conn, act, id, sql::BY_ID).await?;
            let of = params![id.bytes()];
            let row = conn.query_one(sql::LAST4, of).await?;
            Ok(OwnKey {
                id,
                organization,
                agent: None,
                created_by: Some(key.user),
                label: key.name,
                description: None,
                prefix: key.prefix,
                last4: row.ok_or(Error::NotFound)?.text()?,
                status: key.status,
                last_used_at: key.last_used_at,
                expires_at: key.expires_at,
                created_at: key.created_at,
                updated_at: key.updated_at,
            })
        })
        .await
    }
}

/// A key of an agent.
pub(crate) async fn agent_key_find(
    conn: &mut Conn,
    organization: OrganizationId,
    agent: AgentId,
    id: ApiKeyId,
) -> Result<OwnKey, Error> {
    let of = params![id.bytes(), agent.bytes()];
    let row = conn.query_one(agents::KEY_BY_ID, of).await?;
    let mut row = row.ok_or(Error::NotFound)?;
    let (prefix, last4) = (row.text()?, row.text()?);
    let (label, name) = (row.text()?, row.text()?);
    let (description, created_by) = (row.optional_text()?, row.optional_array()?);
    let (last_used_at, expires_at) = (row.optional_time()?, row.optional_time()?);
    let created_at = row.time()?;
    Ok(OwnKey {
        id,
        organization,
        agent: Some(agent),
        created_by: created_by.map(UserId::from_bytes),
        label: if label.is_empty() { name } else { label },
        description,
        prefix,
        last4,
        // One that does not work finds nothing.
        status: ApiKeyStatus::Active,
        last_used_at,
        expires_at,
        created_at,
        updated_at: created_at,
    })
}
