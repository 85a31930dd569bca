//! Agents: programs with an identity and limits of their own, registered by a user who is responsible for them
//! (RULES §1, §2; 1claw contract §9).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | `agent_list`, `agent_read`, `agent_self`, `agent_create`, `agent_update`, `agent_delete`, `agent_take_over` |
//! | `handled.rs` | the same for administrators, by handle: `agent_list_as_admin`, `agent_read_as_admin`, … |
//! | `change.rs` | what making, changing and deleting one does to the database |
//! | `keys.rs` | `agent_rotate_key`, `agent_key_create`; key pairs, and the vault that they are kept in |
//! | `enrollment.rs` | `enrollment_begin`, `enrollment_status`, `enrollment_read`, `enrollment_approve`, `enrollment_deny` |
//! | `identity_key.rs` | the public key that an agent brings |
//! | `profile.rs` | an agent as it is stored and shown |
//! | `scopes.rs`, `handle.rs` | what scopes and handles may be |

mod change;
mod enrollment;
mod handle;
mod handled;
mod identity_key;
mod keys;
mod profile;
mod scopes;

pub use enrollment::{
    Asking, Enrollment, EnrollmentState, EnrollmentStatus, NewEnrollment, Pairing,
};
pub use handle::AgentHandle;
pub use handled::{AgentDescription, NewHandledAgent};
pub use identity_key::IdentityKey;
pub(crate) use keys::AGENT_PREFIX;
pub use keys::NewAgentKey;
pub(crate) use profile::vaults;
pub use profile::{AgentChange, AgentLimits, AgentProfile, NewAgent};
pub(crate) use scopes::path_scopes;

use kluis_crypto::Token;

use self::change::{
    Handle, agent_changed, agent_insert, agent_removed, agent_store, require_vaults,
};
use self::keys::{key_insert, key_pairs_make};
use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Principal, Role};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{AgentId, OrganizationId, UserId};
use crate::store::sql::{agents as sql, enrollments};
use crate::store::{Conn, Tx, params};
use crate::users::display_name;
use crate::zk::vault_lock;

impl Engine {
    /// The agents that the caller may see, oldest first: all for owners and admins, for members those that they are
    /// responsible for, for an agent itself.
    pub async fn agent_list(&self, caller: &Caller) -> Result<Vec<AgentProfile>, Error> {
        self.agents_seen(caller, Action::AgentList).await
    }

    async fn agents_seen(
        &self,
        caller: &Caller,
        action: Action,
    ) -> Result<Vec<AgentProfile>, Error> {
        self.look(caller, action, async |conn, act| {
            let of = params![act.caller.organization.bytes()];
            let mut agents = Vec::new();
            for row in conn.query(sql::OF_ORGANIZATION, of).await? {
                let agent = AgentProfile::from_row(row)?;
                if is_seen(&act.caller, &agent) {
                    agents.push(agent);
                }
            }
            Ok(agents)
        })
        .await
    }

    /// One agent. One that the caller may not see is `NotFound`, as an absent one is.
    pub async fn agent_read(&self, caller: &Caller, agent: AgentId) -> Result<AgentProfile, Error> {
        self.look(caller, Action::AgentRead, async |conn, act| {
            agent_find(conn, act, agent).await
        })
        .await
    }

    /// The agent that asks. `Forbidden` for a user.
    pub async fn agent_self(&self, caller: &Caller) -> Result<AgentProfile, Error> {
        self.look(caller, Action::AgentRead, async |conn, act| {
            let own = match &act.caller.principal {
                Principal::Agent(agent) => agent.id,
                Principal::User(_) => return Err(Error::Forbidden),
            };
            agent_find(conn, act, own).await
        })
        .await
    }

    /// Register an agent; its key is shown once. It may nothing until a policy names it.
    pub async fn agent_create(
        &self,
        caller: &Caller,
        new: NewAgent,
    ) -> Result<(AgentProfile, Token), Error> {
        let now = self.clock().now();
        let name = display_name(&new.name)?;
        let limits = new.limits.checked(now)?;
        require_ahead("api_key_expires_at", new.key_expires_at, now)?;
        let engine = self.clone();
        self.change(caller, Action::AgentCreate, move |tx, act| {
            Box::pin(async move {
                let keys = engine.keys()?;
                let own = own_id(act)?;
                let agent = AgentProfile::new(act, own, name, limits)?;
                let agent = agent_make(&engine, tx, act, agent, Handle::OfName).await?;
                let token = key_insert(tx.conn(), &keys, agent.id, new.key_expires_at, act.now);
                let token = token.await?;
                Ok((agent, token))
            })
        })
        .await
    }

    /// Change an agent; its tokens go by it from the next request on.
    pub async fn agent_update(
        &self,
        caller: &Caller,
        agent: AgentId,
        change: AgentChange,
    ) -> Result<AgentProfile, Error> {
        let now = self.clock().now();
        let name = change.name.as_deref().map(display_name).transpose()?;
        let change = change.checked(now)?;
        let action = if change.active == Some(false) {
            Action::AgentDeactivate
        } else {
            Action::AgentUpdate
        };
        let engine = self.clone();
        self.change(caller, action, move |tx, act| {
            Box::pin(async move {
                let agent = agent_to_change(tx.conn(), act, agent).await?;
                agent_changed(&engine, tx.conn(), act, agent, name, change).await
            })
        })
        .await
    }

    /// Delete an agent with its key, its tokens, its key pairs and the policies that name it; vaults it made have no maker
    /// then.
    pub async fn agent_delete(&self, caller: &Caller, agent: AgentId) -> Result<(), Error> {
        self.change(caller, Action::AgentDelete, move |tx, act| {
            Box::pin(async move {
                vault_lock(tx.conn(), act.caller.organization).await?;
                let agent = agent_to_change(tx.conn(), act, agent).await?;
                agent_removed(tx.conn(), &agent).await
            })
        })
        .await
    }

    /// Take an agent over: the caller is responsible for it from now on, and vaults that it made count as the caller's.
    /// An agent whose user was deleted acts again then.
    pub async fn agent_take_over(
        &self,
        caller: &Caller,
        agent: AgentId,
    ) -> Result<AgentProfile, Error> {
        self.change(caller, Action::AgentTakeOver, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let own = own_id(act)?;
                let mut agent = agent_to_change(conn, act, agent).await?;
                agent.registered_by = Some(own);
                agent.updated_at = act.now;
                agent_store(conn, &agent).await?;
                let of = params![agent.id.bytes()];
                conn.execute(enrollments::END_OF_AGENT, of).await?;
                let over = params![agent.id.bytes(), own.bytes()];
                conn.execute(sql::HAND_OVER_VAULTS, over).await?;
                Ok(agent)
            })
        })
        .await
    }
}

/// Register an agent: with its key pairs, and without a key to prove itself with.
async fn agent_make(
    engine: &Engine,
    tx: &mut Tx,
    act: &mut Act,
    mut agent: AgentProfile,
    handle: Handle,
) -> Result<AgentProfile, Error> {
    act.calls_it(&agent.name);
    act.finds("agent", *agent.id.bytes());
    require_vaults(engine, tx.conn(), act, &agent.limits.vaults).await?;
    key_pairs_make(engine, tx, act, &mut agent).await?;
    agent_insert(tx.conn(), &mut agent, handle).await?;
    Ok(agent)
}

/// Whether the caller may know of the agent (RULES §2).
fn is_seen(caller: &Caller, agent: &AgentProfile) -> bool {
    match &caller.principal {
        Principal::Agent(own) => own.id == agent.id,
        Principal::User(user) => {
            user.role >= Role::Admin
                || (user.role >= Role::Member && agent.registered_by == Some(user.id))
        }
    }
}

/// The agent, if the caller may know of it.
pub(crate) async fn agent_find(
    conn: &mut Conn,
    act: &mut Act,
    agent: AgentId,
) -> Result<AgentProfile, Error> {
    act.names("agent", *agent.bytes());
    let agent = agent_of(conn, act.caller.organization, agent).await?;
    if !is_seen(&act.caller, &agent) {
        return Err(Error::NotFound);
    }
    act.calls_it(&agent.name);
    Ok(agent)
}

/// The agent of this organization with this id.
pub(crate) async fn agent_of(
    conn: &mut Conn,
    organization: OrganizationId,
    agent: AgentId,
) -> Result<AgentProfile, Error> {
    let of = params![agent.bytes(), organization.bytes()];
    let row = conn.query_one(sql::BY_ID, of).await?;
    Ok(AgentProfile::from_row(row.ok_or(Error::NotFound)?)?)
}

/// The same as [`agent_find`], to change it: nobody else does until the transaction ends.
async fn agent_to_change(
    conn: &mut Conn,
    act: &mut Act,
    agent: AgentId,
) -> Result<AgentProfile, Error> {
    act.names("agent", *agent.bytes());
    let of = params![agent.bytes(), act.caller.organization.bytes()];
    conn.lock(sql::LOCK, of).await?;
    agent_find(conn, act, agent).await
}

fn own_id(act: &Act) -> Result<UserId, Error> {
    let user = act.caller.user().ok_or(Error::Forbidden)?;
    Ok(user.id)
}

pub(crate) fn require_ahead(
    field: &'static str,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Error> {
    if at.is_some_and(|at| at <= now) {
        return Err(Error::invalid(field, "must lie in the future"));
    }
    Ok(())
}
