//! Items of the zero-knowledge vault: made, listed, read, changed, deleted (Inkbox contract §4.6 to §4.10).

use super::access::{Rules, Sight};
use super::hold::{self, Handing, Source, ZkHold};
use super::item::{
    ItemRow, NewZkItem, ZkItem, ZkItemChange, ZkItemDescription, ZkItemKind, ZkItemWithPayload,
    ZkPayload,
};
use super::{ZK_ITEM, vault_of, vault_to_change};
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{ZkItemId, ZkRowId, ZkVaultId};
use crate::store::sql::zk as sql;
use crate::store::{Conn, params};

impl Engine {
    /// Make an item. `NotFound` without a vault; `Conflict` when its id is taken, or was and its item is deleted.
    pub async fn zk_item_create(&self, caller: &Caller, new: NewZkItem) -> Result<ZkItem, Error> {
        let name = new.name.into_text();
        let description = new.description.map(ZkItemDescription::into_text);
        self.change(caller, Action::ZkItemCreate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let id = new.id.map_or_else(random_id, Ok)?;
                act.names(ZK_ITEM, *id.bytes());
                act.calls_it(&name);
                let vault = vault_to_change(conn, act).await?;
                act.finds(ZK_ITEM, *id.bytes());
                let row = ZkRowId::generate(act.now)?;
                let columns = params![
                    row.bytes(),
                    vault.bytes(),
                    id.bytes(),
                    &name,
                    description.as_ref(),
                    new.kind.as_str(),
                    new.payload.bytes(),
                    act.now
                ];
                if conn.execute(sql::INSERT_ITEM, columns).await? == 0 {
                    return Err(Error::Conflict(Conflict::Exists));
                }
                let weight = weight(&name, description.as_deref(), &new.payload);
                count_bytes(conn, vault, 0, weight).await?;
                let spent = params![vault.bytes(), id.bytes()];
                if conn.query_one(sql::IS_SPENT, spent).await?.is_some() {
                    return Err(Error::Conflict(Conflict::Exists));
                }
                Ok(ZkItem {
                    id,
                    name,
                    description,
                    kind: new.kind,
                    access: Vec::new(),
                    created_at: act.now,
                    updated_at: act.now,
                })
            })
        })
        .await
    }

    /// The items that the caller sees, newest first; all of them, or those of one kind; and what is to be kept for as long as any
    /// of them is in memory. `NotFound` without a vault; `RateLimited` while too many large answers are under way.
    pub async fn zk_item_list(
        &self,
        caller: &Caller,
        kind: Option<ZkItemKind>,
    ) -> Result<(Vec<ZkItem>, Option<ZkHold>), Error> {
        self.look(caller, Action::ZkItemList, async |conn, act| {
            let source = Source::of(conn, act).await?;
            let vault = source.vault;
            let names = Handing::Names;
            let hold = source.hold(self, conn, &act.caller, names).await?;
            let sight = Sight::of(&act.caller);
            let (all, granted) = (sql::ITEMS, sql::ITEMS_OF_AGENT);
            let mut items = Vec::new();
            for mut row in sight.rows(conn, vault, all, granted).await? {
                let row = ItemRow::from_columns(&mut row)?;
                if kind.is_none_or(|kind| row.item.kind == kind) {
                    items.push(row);
                }
            }
            newest_first(&mut items, |row| row.row);
            let mut rules = Rules::seen(conn, vault, &sight).await?;
            let items = items.into_iter().map(|row| rules.put(row));
            Ok((items.collect(), hold))
        })
        .await
    }

    /// One item with its payload. `NotFound` when there is none; `Forbidden` for an agent that has no rule for it, and for one
    /// that private keys are withheld from.
    pub async fn zk_item_read(
        &self,
        caller: &Caller,
        id: ZkItemId,
    ) -> Result<ZkItemWithPayload, Error> {
        self.look(caller, Action::ZkItemRead, async |conn, act| {
            let vault = vault_of(conn, act).await?;
            let (row, payload) = item_find(conn, act, vault, id).await?;
            let rules = Rules::of_item(conn, row.row).await?;
            let sight = Sight::of(&act.caller);
            if !sight.sees(&rules) || !sight.reads(row.item.kind) {
                return Err(Error::Forbidden);
            }
            let mut item = row.item;
            item.access = rules;
            Ok(ZkItemWithPayload { item, payload })
        })
        .await
    }

    /// Change an item. `NotFound` when there is none.
    pub async fn zk_item_update(
        &self,
        caller: &Caller,
        id: ZkItemId,
        change: ZkItemChange,
    ) -> Result<ZkItem, Error> {
        self.change(caller, Action::ZkItemUpdate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let vault = vault_to_change(conn, act).await?;
                let (row, old) = item_to_change(conn, act, vault, id).await?;
                let mut item = row.item;
                let before = weight(&item.name, item.description.as_deref(), &old);
                if !change.is_empty() {
                    item.updated_at = act.now;
                }
                if let Some(name) = change.name {
                    item.name = name.into_text();
                }
                if let Some(description) = change.description {
                    item.description = description.map(ZkItemDescription::into_text);
                }
                let columns = params![
                    row.row.bytes(),
                    &item.name,
                    item.description.as_ref(),
                    item.updated_at
                ];
                conn.execute(sql::UPDATE_ITEM, columns).await?;
                let payload = change.payload.as_ref().unwrap_or(&old);
                let after = weight(&item.name, item.description.as_deref(), payload);
                count_bytes(conn, vault, before, after).await?;
                if let Some(payload) = &change.payload {
                    let columns = params![row.row.bytes(), payload.bytes()];
                    conn.execute(sql::UPDATE_PAYLOAD, columns).await?;
                }
                item.access = Rules::of_item(conn, row.row).await?;
                Ok(item)
            })
        })
        .await
    }

    /// Delete an item with its payload and rules, at once; its id is not used again. `NotFound` when there is none.
    pub async fn zk_item_delete(&self, caller: &Caller, id: ZkItemId) -> Result<(), Error> {
        self.change(caller, Action::ZkItemDelete, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let vault = vault_to_change(conn, act).await?;
                let (row, old) = item_to_change(conn, act, vault, id).await?;
                let (name, description) = (&row.item.name, row.item.description.as_deref());
                count_bytes(conn, vault, weight(name, description, &old), 0).await?;
                conn.execute(sql::DELETE_ITEM, params![row.row.bytes()])
                    .await?;
                let spent = params![vault.bytes(), id.bytes()];
                conn.execute(sql::SPEND_ID, spent).await?;
                Ok(())
            })
        })
        .await
    }
}

/// The item with this id, and its payload.
pub(super) async fn item_find(
    conn: &mut Conn,
    act: &mut Act,
    vault: ZkVaultId,
    id: ZkItemId,
) -> Result<(ItemRow, ZkPayload), Error> {
    act.names(ZK_ITEM, *id.bytes());
    let of = params![vault.bytes(), id.bytes()];
    let mut row = conn
        .query_one(sql::ITEM, of)
        .await?
        .ok_or(Error::NotFound)?;
    let found = ItemRow::from_columns(&mut row)?;
    act.calls_it(&found.item.name);
    Ok((found, ZkPayload::from_column(&mut row)?))
}

/// The same, to change it: nobody else does until the transaction ends.
pub(super) async fn item_to_change(
    conn: &mut Conn,
    act: &mut Act,
    vault: ZkVaultId,
    id: ZkItemId,
) -> Result<(ItemRow, ZkPayload), Error> {
    act.names(ZK_ITEM, *id.bytes());
    let of = params![vault.bytes(), id.bytes()];
    conn.lock(sql::LOCK_ITEM, of).await?;
    item_find(conn, act, vault, id).await
}

/// What an item takes of its vault's bound, in bytes.
fn weight(name: &str, description: Option<&str>, payload: &ZkPayload) -> usize {
    let description = description.map_or(0, str::len);
    hold::EACH + name.len() + description + payload.bytes().len()
}

/// That so many bytes take the place of so many. `Conflict` when the vault would hold more than it may.
async fn count_bytes(
    conn: &mut Conn,
    vault: ZkVaultId,
    old: usize,
    new: usize,
) -> Result<(), Error> {
    let bytes = |count| i64::try_from(count).unwrap_or(i64::MAX);
    let more = bytes(new) - bytes(old);
    // What takes nothing away from others always fits.
    let most = if more > 0 { hold::MOST_BYTES } else { i64::MAX };
    let added = params![vault.bytes(), more, most];
    let counted = conn.query_one(sql::ADD_BYTES, added).await?;
    counted.map(drop).ok_or(Error::Conflict(Conflict::Full))
}

/// Put the rows that were made last before the others. Here rather than in the database, where it would take an index that
/// every new item pays for.
pub(super) fn newest_first<T>(items: &mut [T], row: impl Fn(&T) -> ZkRowId) {
    items.sort_by_key(|item| std::cmp::Reverse(row(item)));
}

/// An id for an item whose client brings none: nothing in it tells when it was made.
fn random_id() -> Result<ZkItemId, Error> {
    let bytes = kluis_crypto::random::array()?;
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Ok(ZkItemId::from_bytes(id.into_bytes()))
}
