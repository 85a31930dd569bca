//! Agents as administrators see them, by handle (Inkbox contract §5.1).

use super::change::{Handle, agent_changed, agent_removed};
use super::handle::AgentHandle;
use super::{
    AgentChange, AgentLimits, AgentProfile, agent_find, agent_make, agent_to_change, own_id,
};
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::AgentId;
use crate::store::sql::agents as sql;
use crate::store::{Conn, params};
use crate::users::{DisplayName, Remark};
use crate::zk::{Granted, grant_items, items_to_grant, vault_lock};

/// An agent to register with a handle of its own.
#[derive(Clone, Debug)]
pub struct NewHandledAgent {
    /// Unique in the organization.
    pub handle: AgentHandle,
    /// What it is called; as its handle when `None`.
    pub name: Option<DisplayName>,
    /// What it is for.
    pub description: Option<Remark>,
    /// The zero-knowledge items that it may read.
    pub granted: Granted,
}

/// What to change of an agent; `None` leaves it alone.
#[derive(Clone, Debug, Default)]
pub struct AgentDescription {
    /// Another name; as its handle for `Some(None)`.
    pub name: Option<Option<DisplayName>>,
    /// Another description; none for `Some(None)`.
    pub description: Option<Option<Remark>>,
}

impl Engine {
    /// The agents of the organization, newest first; an agent sees itself.
    pub async fn agent_list_as_admin(&self, caller: &Caller) -> Result<Vec<AgentProfile>, Error> {
        let mut agents = self.agents_seen(caller, Action::AgentListAsAdmin).await?;
        agents.reverse();
        Ok(agents)
    }

    /// One agent. For an agent every other one is `NotFound`, as an absent one is.
    pub async fn agent_read_as_admin(
        &self,
        caller: &Caller,
        handle: &str,
    ) -> Result<AgentProfile, Error> {
        self.look(caller, Action::AgentReadAsAdmin, async |conn, act| {
            let agent = agent_with(conn, act, handle).await?;
            agent_find(conn, act, agent).await
        })
        .await
    }

    /// Register an agent, without a key, and let it read zero-knowledge items, or do neither. `NotFound` when one of these is not
    /// there; `Conflict` when the handle is taken.
    pub async fn agent_create_as_admin(
        &self,
        caller: &Caller,
        new: NewHandledAgent,
    ) -> Result<AgentProfile, Error> {
        let handle = new.handle.into_text();
        let name = new
            .name
            .map_or_else(|| handle.clone(), DisplayName::into_text);
        let limits = AgentLimits {
            description: text_of(new.description),
            ..AgentLimits::default()
        };
        let limits = limits.checked(self.clock().now())?;
        let engine = self.clone();
        self.change(caller, Action::AgentCreateAsAdmin, move |tx, act| {
            Box::pin(async move {
                let own = own_id(act)?;
                let items = items_to_grant(tx.conn(), act, &new.granted).await?;
                let agent = AgentProfile::new(act, own, name, limits)?;
                let handle = Handle::Own(handle);
                let agent = agent_make(&engine, tx, act, agent, handle).await?;
                grant_items(tx, act, agent.id, &items).await?;
                Ok(agent)
            })
        })
        .await
    }

    /// Change what an agent is called, or what it is for.
    pub async fn agent_update_as_admin(
        &self,
        caller: &Caller,
        handle: String,
        change: AgentDescription,
    ) -> Result<AgentProfile, Error> {
        let name = match change.name {
            Some(Some(name)) => Some(name.into_text()),
            Some(None) => Some(handle.clone()),
            None => None,
        };
        let changed = AgentChange {
            description: change.description.map(text_of),
            ..AgentChange::default()
        };
        let changed = changed.checked(self.clock().now())?;
        let engine = self.clone();
        self.change(caller, Action::AgentUpdateAsAdmin, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let agent = agent_with(conn, act, &handle).await?;
                let agent = agent_to_change(conn, act, agent).await?;
                if name.is_none() && changed.description.is_none() {
                    return Ok(agent);
                }
                agent_changed(&engine, conn, act, agent, name, changed).await
            })
        })
        .await
    }

    /// Delete an agent with all that hangs on it.
    pub async fn agent_delete_as_admin(
        &self,
        caller: &Caller,
        handle: String,
    ) -> Result<(), Error> {
        self.change(caller, Action::AgentDeleteAsAdmin, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                vault_lock(conn, act.caller.organization).await?;
                let agent = agent_with(conn, act, &handle).await?;
                let agent = agent_to_change(conn, act, agent).await?;
                agent_removed(conn, &agent).await
            })
        })
        .await
    }
}

/// The agent of the caller's organization with this handle.
async fn agent_with(conn: &mut Conn, act: &mut Act, handle: &str) -> Result<AgentId, Error> {
    act.names_as("agent", handle);
    // PostgreSQL refuses to look for a text that it cannot hold.
    if handle.contains('\0') {
        return Err(Error::NotFound);
    }
    let of = params![act.caller.organization.bytes(), handle];
    let row = conn.query_one(sql::BY_HANDLE, of).await?;
    Ok(AgentId::from_bytes(row.ok_or(Error::NotFound)?.array()?))
}

/// A description as it is stored.
fn text_of(description: Option<Remark>) -> String {
    description.map(Remark::into_text).unwrap_or_default()
}
