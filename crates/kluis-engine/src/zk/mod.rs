//! Zero-knowledge vaults: one for each organization, whose items only its clients can open (Inkbox contract).
//!
//! What comes in was encrypted by a client, and what goes out is decrypted by one. The server keeps names and types in
//! clear, payloads as they came, and of each key that opens the vault only what its client made of it. But for the rotation of
//! keys, no other part of Kluis reads any of it.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | `zk_vault_create`, `zk_vault_read`, `zk_vault_delete` |
//! | `unlock.rs` | `zk_vault_unlock` |
//! | `hold.rs` | how much may be handed out at once |
//! | `keys.rs` | `zk_key_list`, `zk_key_replace`, `zk_key_revoke` |
//! | `key.rs` | a key as it comes, is stored and shown; what proves it |
//! | `items.rs` | `zk_item_create`, `zk_item_list`, `zk_item_read`, `zk_item_update`, `zk_item_delete` |
//! | `item.rs` | an item as it comes, is stored and shown |
//! | `access.rs` | `zk_access_list`, `zk_access_grant`, `zk_access_revoke`; what an agent sees |

mod access;
mod hold;
mod item;
mod items;
mod key;
mod keys;
mod unlock;

pub use access::Granted;
pub use access::ZkAccess;
pub(crate) use access::{grant_items, items_to_grant};
pub(crate) use hold::Handouts;
pub use hold::ZkHold;
pub use item::{
    NewZkItem, ZkItem, ZkItemChange, ZkItemDescription, ZkItemKind, ZkItemName, ZkItemWithPayload,
    ZkPayload,
};
pub(crate) use key::ZK_KEY;
pub use key::{NewZkKey, NewZkVault, ZkKey, ZkKeyKind, ZkProof, ZkWrappedKey};
pub use keys::{ZkKeyProof, ZkKeyReplacement};
pub use unlock::{ZkUnlocked, ZkUnlockedKey};

use self::keys::key_insert;
use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Principal};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{OrganizationId, ZkVaultId};
use crate::store::sql::zk as sql;
use crate::store::{Conn, params};

/// A zero-knowledge vault, and how much is in it.
#[derive(Clone, Debug)]
pub struct ZkVaultInfo {
    /// Its id.
    pub id: ZkVaultId,
    /// Whose it is. Clients derive their keys with it, so it stays what it is.
    pub organization: OrganizationId,
    /// How many primary keys it has.
    pub primary_keys: u32,
    /// How many recovery keys it has left.
    pub recovery_keys: u32,
    /// How many items the caller could see in it: all for users, for an agent those that it has a rule for.
    pub items: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its keys last changed.
    pub updated_at: Timestamp,
}

impl Engine {
    /// Make the organization's zero-knowledge vault. `Conflict` when it has one.
    pub async fn zk_vault_create(
        &self,
        caller: &Caller,
        new: NewZkVault,
    ) -> Result<ZkVaultId, Error> {
        let keys = self.keys()?;
        self.change(caller, Action::ZkVaultCreate, move |tx, act| {
            Box::pin(async move {
                let id = ZkVaultId::generate(act.now)?;
                let conn = tx.conn();
                let organization = act.caller.organization;
                let row = params![id.bytes(), organization.bytes(), act.now];
                if conn.execute(sql::INSERT_VAULT, row).await? == 0 {
                    return Err(Error::Conflict(Conflict::Exists));
                }
                act.finds(ZK_VAULT, *id.bytes());
                for (kind, key) in new.keys() {
                    key_insert(conn, act, &keys, id, kind, key).await?;
                }
                Ok(id)
            })
        })
        .await
    }

    /// The organization's zero-knowledge vault; `NotFound` when it has none.
    pub async fn zk_vault_read(&self, caller: &Caller) -> Result<ZkVaultInfo, Error> {
        self.look(caller, Action::ZkVaultRead, async |conn, act| {
            let organization = act.caller.organization;
            let of = params![organization.bytes()];
            let row = conn.query_one(sql::INFO, of).await?;
            let mut row = row.ok_or(Error::NotFound)?;
            let id = ZkVaultId::from_bytes(row.array()?);
            act.finds(ZK_VAULT, *id.bytes());
            let mut info = ZkVaultInfo {
                id,
                organization,
                created_at: row.time()?,
                updated_at: row.time()?,
                primary_keys: row.number()?,
                recovery_keys: row.number()?,
                items: row.number()?,
            };
            if let Principal::Agent(agent) = &act.caller.principal {
                let of = params![id.bytes(), agent.id.bytes()];
                let row = conn.query_one(sql::COUNT_GRANTED, of).await?;
                info.items = row.ok_or(Error::NotFound)?.number()?;
            }
            Ok(info)
        })
        .await
    }

    /// Delete the organization's zero-knowledge vault with its keys, items and rules, at once and for good. `NotFound` when
    /// it has none.
    pub async fn zk_vault_delete(&self, caller: &Caller) -> Result<(), Error> {
        self.change(caller, Action::ZkVaultDelete, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let vault = vault_to_change(conn, act).await?;
                conn.execute(sql::DELETE_VAULT, params![vault.bytes()])
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

/// The caller's organization's vault; `NotFound` when it has none.
async fn vault_of(conn: &mut Conn, act: &mut Act) -> Result<ZkVaultId, Error> {
    let organization = act.caller.organization;
    let of = params![organization.bytes()];
    let row = conn.query_one(sql::VAULT, of).await?;
    let vault = ZkVaultId::from_bytes(row.ok_or(Error::NotFound)?.array()?);
    act.finds(ZK_VAULT, *vault.bytes());
    Ok(vault)
}

/// The same, to change something in it: nobody else does until the transaction ends.
async fn vault_to_change(conn: &mut Conn, act: &mut Act) -> Result<ZkVaultId, Error> {
    vault_lock(conn, act.caller.organization).await?;
    vault_of(conn, act).await
}

/// Take the organization's vault, if it has one. Whoever takes items or agents as well takes it first, so that none waits for
/// another one that waits for it.
pub(crate) async fn vault_lock(conn: &mut Conn, organization: OrganizationId) -> Result<(), Error> {
    let of = params![organization.bytes()];
    conn.lock(sql::LOCK_VAULT, of).await?;
    Ok(())
}

/// A zero-knowledge vault in the record.
pub(crate) const ZK_VAULT: &str = "zk_vault";
/// An item of one, in the record.
pub(crate) const ZK_ITEM: &str = "zk_item";
