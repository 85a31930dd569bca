//! Who may read what: rules that let agents read items (Inkbox contract §2.1, §4.14 to §4.16).

use std::collections::HashMap;

use super::item::{ItemRow, ZkItem, ZkItemKind};
use super::items::{item_find, item_to_change};
use super::{ZK_ITEM, vault_lock, vault_of, vault_to_change};
use crate::act::Act;
use crate::action::Action;
use crate::agents::agent_of;
use crate::caller::{Agent, Caller, Principal};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{AgentId, ZkAccessId, ZkItemId, ZkRowId, ZkVaultId};
use crate::store::sql::zk as sql;
use crate::store::{Conn, Failure, Row, Tx, params};

/// A rule that lets an agent read an item.
#[derive(Clone, Copy, Debug)]
pub struct ZkAccess {
    /// Its id.
    pub id: ZkAccessId,
    /// The item.
    pub item: ZkItemId,
    /// The agent.
    pub agent: AgentId,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The items that a new agent is to read.
#[derive(Clone, Debug)]
pub enum Granted {
    /// Every one that there is.
    All,
    /// These.
    Items(Vec<ZkItemId>),
}

/// How much a caller sees.
pub(super) enum Sight<'c> {
    /// Everything: an administrator.
    All,
    /// What there is a rule for.
    Agent(&'c Agent),
}

/// The rules of many items.
pub(super) struct Rules(HashMap<ZkRowId, Vec<ZkAccess>>);

impl Engine {
    /// The rules of one item, oldest first. `NotFound` when there is none; `Forbidden` for an agent that has none for it.
    pub async fn zk_access_list(
        &self,
        caller: &Caller,
        item: ZkItemId,
    ) -> Result<Vec<ZkAccess>, Error> {
        self.look(caller, Action::ZkAccessList, async |conn, act| {
            let vault = vault_of(conn, act).await?;
            let (row, _) = item_find(conn, act, vault, item).await?;
            let rules = Rules::of_item(conn, row.row).await?;
            if Sight::of(&act.caller).sees(&rules) {
                Ok(rules)
            } else {
                Err(Error::Forbidden)
            }
        })
        .await
    }

    /// Let an agent read an item. `NotFound` when there is no such item or agent; `Conflict` when it may already.
    pub async fn zk_access_grant(
        &self,
        caller: &Caller,
        item: ZkItemId,
        agent: AgentId,
    ) -> Result<ZkAccess, Error> {
        self.change(caller, Action::ZkAccessGrant, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let vault = vault_to_change(conn, act).await?;
                let (row, _) = item_to_change(conn, act, vault, item).await?;
                act.concerns(agent);
                agent_of(conn, act.caller.organization, agent).await?;
                grant(conn, act, &row, agent).await
            })
        })
        .await
    }

    /// Keep an agent from reading an item. `NotFound` when it has no rule for it.
    pub async fn zk_access_revoke(
        &self,
        caller: &Caller,
        item: ZkItemId,
        agent: AgentId,
    ) -> Result<(), Error> {
        self.change(caller, Action::ZkAccessRevoke, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let vault = vault_to_change(conn, act).await?;
                let (row, _) = item_to_change(conn, act, vault, item).await?;
                act.concerns(agent);
                let rule = params![row.row.bytes(), agent.bytes()];
                if conn.execute(sql::REVOKE, rule).await? == 0 {
                    return Err(Error::NotFound);
                }
                Ok(())
            })
        })
        .await
    }
}

impl<'c> Sight<'c> {
    pub(super) fn of(caller: &'c Caller) -> Self {
        match &caller.principal {
            Principal::Agent(agent) => Self::Agent(agent),
            Principal::User(_) => Self::All,
        }
    }

    /// Whether it sees an item with these rules.
    pub(super) fn sees(&self, rules: &[ZkAccess]) -> bool {
        match self {
            Self::All => true,
            Self::Agent(agent) => rules.iter().any(|rule| rule.agent == agent.id),
        }
    }

    /// Whether it may be handed what it sees: private keys are withheld from some agents (RULES §2, step 2).
    pub(super) fn reads(&self, kind: ZkItemKind) -> bool {
        match self {
            Self::All => true,
            Self::Agent(agent) => !(agent.intents_api_enabled && kind == ZkItemKind::SshKey),
        }
    }

    /// The rows that it sees: `all` of a vault, or those `granted` to an agent.
    pub(super) async fn rows(
        &self,
        conn: &mut Conn,
        vault: ZkVaultId,
        all: &'static str,
        granted: &'static str,
    ) -> Result<Vec<Row>, Failure> {
        match self {
            Self::All => conn.query(all, params![vault.bytes()]).await,
            Self::Agent(agent) => {
                let of = params![vault.bytes(), agent.id.bytes()];
                conn.query(granted, of).await
            }
        }
    }
}

impl Rules {
    /// The rules of all items of a vault that somebody sees.
    pub(super) async fn seen(
        conn: &mut Conn,
        vault: ZkVaultId,
        sight: &Sight<'_>,
    ) -> Result<Self, Failure> {
        let mut rules: HashMap<_, Vec<_>> = HashMap::new();
        let rows = sight.rows(conn, vault, sql::RULES, sql::RULES_OF_AGENT);
        for row in rows.await? {
            let (item, rule) = rule_from(row)?;
            rules.entry(item).or_default().push(rule);
        }
        Ok(Self(rules))
    }

    /// The rules of one item, oldest first.
    pub(super) async fn of_item(conn: &mut Conn, item: ZkRowId) -> Result<Vec<ZkAccess>, Failure> {
        let rows = conn
            .query(sql::RULES_OF_ITEM, params![item.bytes()])
            .await?;
        let rules = rows.into_iter().map(rule_from);
        rules.map(|rule| rule.map(|(_, rule)| rule)).collect()
    }

    /// The item with its rules.
    pub(super) fn put(&mut self, row: ItemRow) -> ZkItem {
        let access = self.0.remove(&row.row).unwrap_or_default();
        ZkItem { access, ..row.item }
    }
}

/// The items that a new agent is to read. `NotFound` when one of them is not there, with or without a vault.
pub(crate) async fn items_to_grant(
    conn: &mut Conn,
    act: &mut Act,
    granted: &Granted,
) -> Result<Vec<ItemRow>, Error> {
    let organization = act.caller.organization;
    let of = params![organization.bytes()];
    vault_lock(conn, organization).await?;
    let vault = match (conn.query_one(sql::VAULT, of).await?, granted) {
        (Some(mut row), _) => ZkVaultId::from_bytes(row.array()?),
        (None, Granted::All) => return Ok(Vec::new()),
        (None, Granted::Items(items)) if items.is_empty() => return Ok(Vec::new()),
        (None, Granted::Items(_)) => return Err(Error::NotFound),
    };
    let mut rows = Vec::new();
    for mut row in conn.query(sql::ITEMS, params![vault.bytes()]).await? {
        let row = ItemRow::from_columns(&mut row)?;
        rows.push((row.item.id, row));
    }
    match granted {
        Granted::All => Ok(rows.into_iter().map(|(_, row)| row).collect()),
        Granted::Items(items) => {
            let mut rows: HashMap<_, _> = rows.into_iter().collect();
            let mut named = items.clone();
            named.sort_unstable();
            named.dedup();
            let found = named.iter().map(|item| rows.remove(item));
            found.collect::<Option<_>>().ok_or(Error::NotFound)
        }
    }
}

/// Let a new agent read these items, with an event for each.
pub(crate) async fn grant_items(
    tx: &mut Tx,
    act: &Act,
    agent: AgentId,
    items: &[ItemRow],
) -> Result<(), Error> {
    for row in items {
        let mut granting = act.clone();
        granting.names(ZK_ITEM, *row.item.id.bytes());
        granting.calls_it(&row.item.name);
        granting.concerns(agent);
        grant(tx.conn(), act, row, agent).await?;
        tx.record(granting.beside(Action::ZkAccessGrant)?);
    }
    Ok(())
}

async fn grant(
    conn: &mut Conn,
    act: &Act,
    row: &ItemRow,
    agent: AgentId,
) -> Result<ZkAccess, Error> {
    let rule = ZkAccess {
        id: ZkAccessId::generate(act.now)?,
        item: row.item.id,
        agent,
        created_at: act.now,
    };
    let columns = params![
        rule.id.bytes(),
        row.row.bytes(),
        agent.bytes(),
        rule.created_at
    ];
    if conn.execute(sql::GRANT, columns).await? == 0 {
        return Err(Error::Conflict(Conflict::Exists));
    }
    Ok(rule)
}

/// From the columns of `sql::RULES`: the item's row, and the rule.
fn rule_from(mut row: Row) -> Result<(ZkRowId, ZkAccess), Failure> {
    let id = ZkAccessId::from_bytes(row.array()?);
    let item_row = ZkRowId::from_bytes(row.array()?);
    let rule = ZkAccess {
        id,
        item: ZkItemId::from_bytes(row.array()?),
        agent: AgentId::from_bytes(row.array()?),
        created_at: row.time()?,
    };
    Ok((item_row, rule))
}
