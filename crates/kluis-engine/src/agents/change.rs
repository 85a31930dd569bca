//! What making, changing and deleting an agent does to the database.

use super::handle::{free, handle_of};
use super::keys::key_pairs_delete;
use super::{AgentChange, AgentProfile};
use crate::access::VaultRow;
use crate::act::Act;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{UserId, VaultId};
use crate::store::sql::{agents as sql, enrollments, shares, vaults as vault_rows};
use crate::store::{Conn, params};

/// The handle of a new agent.
pub(super) enum Handle {
    /// One that is made of its name, with a number after it when that is taken.
    OfName,
    /// This one and no other.
    Own(String),
}

/// The agent after a change that was checked.
pub(super) async fn agent_changed(
    engine: &Engine,
    conn: &mut Conn,
    act: &Act,
    mut agent: AgentProfile,
    name: Option<String>,
    change: AgentChange,
) -> Result<AgentProfile, Error> {
    if let Some(vaults) = &change.vaults {
        let new: Vec<_> = vaults
            .iter()
            .filter(|vault| !agent.limits.vaults.contains(vault))
            .copied()
            .collect();
        require_vaults(engine, conn, act, &new).await?;
    }
    agent.name = name.unwrap_or(agent.name);
    agent.active = change.active.unwrap_or(agent.active);
    let key_expires_at = change.key_expires_at;
    agent.limits.change(change);
    agent.updated_at = act.now;
    agent_store(conn, &agent).await?;
    if !agent.active {
        let of = params![agent.id.bytes()];
        conn.execute(enrollments::END_OF_AGENT, of).await?;
    }
    if let Some(at) = key_expires_at {
        conn.execute(sql::SET_KEY_EXPIRY, params![agent.id.bytes(), at])
            .await?;
    }
    Ok(agent)
}

/// Delete an agent with its keys, its tokens, its key pairs, the policies that name it, and what it may read; vaults that it
/// made have no maker then.
pub(super) async fn agent_removed(conn: &mut Conn, agent: &AgentProfile) -> Result<(), Error> {
    key_pairs_delete(conn, agent).await?;
    for statement in [
        sql::OUTDATE_POLICIES,
        sql::DELETE_POLICIES,
        sql::FORGET_MAKER,
        shares::DELETE_OF_PRINCIPAL,
        sql::DELETE,
    ] {
        conn.execute(statement, params![agent.id.bytes()]).await?;
    }
    Ok(())
}

/// An agent is bound to vaults that whoever binds it knows of.
pub(super) async fn require_vaults(
    engine: &Engine,
    conn: &mut Conn,
    act: &Act,
    bound_to: &[VaultId],
) -> Result<(), Error> {
    for vault in bound_to {
        let row = conn
            .query_one(vault_rows::BY_ID, params![vault.bytes()])
            .await?;
        let known = match row {
            Some(row) => engine.access_of(conn, act, VaultRow::from_row(row)?).await,
            None => Err(Error::NotFound),
        };
        match known {
            Ok(_) => {}
            Err(Error::Hidden | Error::NotFound) => {
                return Err(Error::invalid(
                    "vault_ids",
                    "must be of vaults that you know",
                ));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Keep a new agent. `Conflict` when its handle is to be that one and is taken.
pub(super) async fn agent_insert(
    conn: &mut Conn,
    agent: &mut AgentProfile,
    handle: Handle,
) -> Result<(), Error> {
    let wanted = match handle {
        Handle::Own(handle) => {
            agent.handle = handle;
            return if agent_inserted(conn, agent).await? {
                Ok(())
            } else {
                Err(Error::Conflict(Conflict::Exists))
            };
        }
        Handle::OfName => handle_of(&agent.name),
    };
    let organization = agent.organization;
    // Another node may take a handle between the look and the insertion.
    for _ in 0..8 {
        let like = format!("{wanted}-%");
        let of = params![organization.bytes(), &wanted, &like];
        let rows = conn.query(sql::HANDLES, of).await?;
        let taken = rows.into_iter().map(|mut row| row.text());
        agent.handle = free(&wanted, &taken.collect::<Result<_, _>>()?);
        if agent_inserted(conn, agent).await? {
            return Ok(());
        }
    }
    Err(Error::storage("no handle is free for long enough"))
}

/// Whether its handle was free.
async fn agent_inserted(conn: &mut Conn, agent: &AgentProfile) -> Result<bool, Error> {
    let limits = agent.limits.stored()?;
    let row = params![
        agent.id.bytes(),
        agent.organization.bytes(),
        agent.registered_by.as_ref().map(UserId::bytes),
        agent.created_by.as_ref().map(UserId::bytes),
        &agent.name,
        &agent.handle,
        &agent.limits.description,
        agent.active,
        &limits.scopes,
        &limits.vaults,
        agent.limits.intents_api_enabled,
        agent.limits.environment.as_ref(),
        agent.limits.token_ttl,
        agent.ssh_public_key.as_ref(),
        agent.ecdh_public_key.as_ref(),
        agent.limits.expires_at,
        agent.created_at
    ];
    Ok(conn.query_one(sql::INSERT, row).await?.is_some())
}

/// Keep what was changed of an agent.
pub(super) async fn agent_store(conn: &mut Conn, agent: &AgentProfile) -> Result<(), Error> {
    let limits = agent.limits.stored()?;
    conn.execute(
        sql::UPDATE,
        params![
            agent.id.bytes(),
            &agent.name,
            &agent.limits.description,
            agent.active,
            &limits.scopes,
            &limits.vaults,
            agent.limits.intents_api_enabled,
            agent.limits.environment.as_ref(),
            agent.limits.token_ttl,
            agent.limits.expires_at,
            agent.registered_by.as_ref().map(UserId::bytes),
            agent.updated_at
        ],
    )
    .await?;
    Ok(())
}
