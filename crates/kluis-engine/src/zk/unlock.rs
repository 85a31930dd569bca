//! Unlocking: a key is proven, and what it opens goes out with every item that the caller may read (Inkbox contract §4.4).

use super::access::{Rules, Sight};
use super::hold::{Handing, Source, ZkHold};
use super::item::{ItemRow, ZkItemWithPayload, ZkPayload};
use super::items::newest_first;
use super::key::{ZkProof, ZkWrappedKey};
use super::keys::{key_by_proof, keys_of};
use crate::act::{Act, ListedSecret};
use crate::action::Action;
use crate::caller::{Caller, Principal};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ZkKeyId, ZkVaultId};
use crate::store::Conn;
use crate::store::sql::zk as sql;

/// What an unlocking hands out.
pub enum ZkUnlocked {
    /// Nothing: the proof is no key's.
    Nothing,
    /// What the proven key opens, and the items.
    With {
        /// For the client to open.
        wrapped: ZkWrappedKey,
        /// Newest first.
        items: Vec<ZkItemWithPayload>,
        /// To be kept for as long as any of it is in memory.
        hold: Option<ZkHold>,
    },
    /// What every key opens, to choose from, and the items.
    Choice {
        /// The primary key first.
        keys: Vec<ZkUnlockedKey>,
        /// Newest first.
        items: Vec<ZkItemWithPayload>,
        /// To be kept for as long as any of it is in memory.
        hold: Option<ZkHold>,
    },
}

/// A key to choose, with what proves it.
pub struct ZkUnlockedKey {
    /// Its id.
    pub id: ZkKeyId,
    /// What proves it.
    pub proof: ZkProof,
    /// What it opens.
    pub wrapped: ZkWrappedKey,
}

impl Engine {
    /// Prove a key and get every item that the caller may read; each is recorded. Without a proof, all keys to choose from,
    /// for users alone: they stand for the passphrases that they are made of.
    ///
    /// A wrong proof gives nothing, is recorded as failed, and counts as a guess: `RateLimited` after too many. `NotFound`
    /// without a vault.
    pub async fn zk_vault_unlock(
        &self,
        caller: &Caller,
        proof: Option<ZkProof>,
    ) -> Result<ZkUnlocked, Error> {
        let Some(proof) = proof else {
            return self.zk_vault_unlock_any(caller).await;
        };
        let keys = self.keys()?;
        let action = Action::ZkVaultUnlock;
        self.permitted(caller, action, |_| {}).await?;
        let mut guess = Some(self.zk_guess_begin(caller).await?);
        let trying = &mut guess;
        let unlocked = self
            .look(caller, action, async |conn, act| {
                let source = Source::of(conn, act).await?;
                let vault = source.vault;
                let Some(key) = key_by_proof(conn, &keys, vault, &proof).await? else {
                    act.misses();
                    return Ok(ZkUnlocked::Nothing);
                };
                // The next one need not wait for the items.
                if let Some(guess) = trying.take() {
                    guess.forget();
                }
                let hold = source.hold(self, conn, &act.caller, Handing::All).await?;
                let organization = act.caller.organization;
                let sealed_with = keys.organization_at(conn, organization, key.key_version());
                let (_, wrapped) = key.open(&*sealed_with.await?)?;
                let items = items_handed_out(conn, act, vault).await?;
                Ok(ZkUnlocked::With {
                    wrapped,
                    items,
                    hold,
                })
            })
            .await;
        match (guess, &unlocked) {
            (Some(guess), Ok(ZkUnlocked::Nothing)) => guess.missed().await?,
            (Some(guess), _) => guess.forget(),
            (None, _) => {}
        }
        unlocked
    }

    async fn zk_vault_unlock_any(&self, caller: &Caller) -> Result<ZkUnlocked, Error> {
        // What proves the keys is for whoever may replace them.
        let may_replace = caller.within_scopes(Action::ZkKeyReplace.rule().scopes);
        if matches!(caller.principal, Principal::Agent(_)) || !may_replace {
            return Err(Error::missing("proof"));
        }
        let keys = self.keys()?;
        self.look(caller, Action::ZkVaultUnlock, async |conn, act| {
            let source = Source::of(conn, act).await?;
            let vault = source.vault;
            let hold = source.hold(self, conn, &act.caller, Handing::All).await?;
            let organization = act.caller.organization;
            let mut choice = Vec::new();
            for row in keys_of(conn, vault).await? {
                let sealed_with = keys.organization_at(conn, organization, row.key_version());
                let (proof, wrapped) = row.open(&*sealed_with.await?)?;
                let id = row.key.id;
                choice.push(ZkUnlockedKey { id, proof, wrapped });
            }
            let items = items_handed_out(conn, act, vault).await?;
            let keys = choice;
            Ok(ZkUnlocked::Choice { keys, items, hold })
        })
        .await
    }
}

/// Every item that the caller may read, newest first.
async fn items_handed_out(
    conn: &mut Conn,
    act: &mut Act,
    vault: ZkVaultId,
) -> Result<Vec<ZkItemWithPayload>, Error> {
    let caller = act.caller.clone();
    let sight = Sight::of(&caller);
    let (all, granted) = (sql::PAYLOADS, sql::PAYLOADS_OF_AGENT);
    let mut read = Vec::new();
    for mut row in sight.rows(conn, vault, all, granted).await? {
        let item = ItemRow::from_columns(&mut row)?;
        if sight.reads(item.item.kind) {
            read.push((item, ZkPayload::from_column(&mut row)?));
        }
    }
    newest_first(&mut read, |(row, _)| row.row);
    let mut rules = Rules::seen(conn, vault, &sight).await?;
    let items: Vec<_> = read
        .into_iter()
        .map(|(row, payload)| {
            let item = rules.put(row);
            ZkItemWithPayload { item, payload }
        })
        .collect();
    let listed = items
        .iter()
        .map(|read| ListedSecret::item(read.item.id, &read.item.name));
    act.lists(listed.collect());
    Ok(items)
}
