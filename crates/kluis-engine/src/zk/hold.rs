//! How much may be handed out at once: an unlocking holds all that it hands out in memory until its reader has it.
//!
//! A vault has a bound, and large unlockings share a budget: one at a time with a credential, and all together as much as the
//! budget allows. Small ones, which is nearly all, take no part in it, so nobody who unlocks much makes others wait.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::caller::{Caller, Principal};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::ZkVaultId;
use crate::store::params;
use crate::store::sql::zk as sql;

/// What large unlockings share.
pub(crate) struct Handouts {
    budget: Arc<Semaphore>,
    under_way: Arc<Mutex<HashSet<[u8; 16]>>>,
}

/// The part of the budget that one of them has, until this is dropped.
pub struct ZkHold {
    _turn: Turn,
    _part: OwnedSemaphorePermit,
}

/// That a credential has one under way.
struct Turn {
    credential: [u8; 16],
    under_way: Arc<Mutex<HashSet<[u8; 16]>>>,
}

/// Bytes of payloads that a vault holds at most.
pub(super) const MOST_BYTES: i64 = 64 << 20;
/// An unlocking of more bytes than this is a large one.
const LARGE: i64 = 1 << 20;
/// What a permit stands for.
const UNIT: i64 = 1 << 10;
/// The budget: a few of the largest vaults.
const BUDGET: i64 = 4 * MOST_BYTES;

impl Engine {
    /// The vault that `caller` is about to unlock, if there is one, and the part of the budget that this takes; none for a small
    /// one. Waits for others where the budget is used up. `RateLimited` while another large one with the same credential is
    /// under way.
    pub(super) async fn zk_hold(
        &self,
        caller: &Caller,
    ) -> Result<(Option<ZkVaultId>, Option<ZkHold>), Error> {
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        let of = params![caller.organization.bytes()];
        let Some(mut row) = conn.query_one(sql::VAULT_AND_BYTES, of).await? else {
            return Ok((None, None));
        };
        let (vault, mut bytes) = (ZkVaultId::from_bytes(row.array()?), row.int()?);
        if let Principal::Agent(agent) = &caller.principal
            && bytes > LARGE
        {
            let of = params![vault.bytes(), agent.id.bytes()];
            let granted = conn.query_one(sql::BYTES_OF_AGENT, of).await?;
            bytes = granted.map(|mut row| row.int()).transpose()?.unwrap_or(0);
        }
        drop(reader);
        if bytes <= LARGE {
            return Ok((Some(vault), None));
        }
        let credential = *caller.credential.id_bytes();
        let hold = self.handouts().begin(credential, bytes).await?;
        Ok((Some(vault), Some(hold)))
    }
}

impl Handouts {
    async fn begin(&self, credential: [u8; 16], bytes: i64) -> Result<ZkHold, Error> {
        let units = u32::try_from(bytes.min(BUDGET) / UNIT).unwrap_or(u32::MAX);
        if !locked(&self.under_way).insert(credential) {
            return Err(Error::RateLimited { retry_after: 1 });
        }
        let turn = Turn {
            credential,
            under_way: Arc::clone(&self.under_way),
        };
        let part = Arc::clone(&self.budget).acquire_many_owned(units).await;
        let part = part.map_err(|_| Error::internal("the budget of unlockings is closed"))?;
        Ok(ZkHold {
            _turn: turn,
            _part: part,
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        locked(&self.under_way).remove(&self.credential);
    }
}

impl Default for Handouts {
    fn default() -> Self {
        let permits = usize::try_from(BUDGET / UNIT).unwrap_or(usize::MAX >> 3);
        Self {
            budget: Arc::new(Semaphore::new(permits)),
            under_way: Arc::default(),
        }
    }
}

fn locked(under_way: &Mutex<HashSet<[u8; 16]>>) -> MutexGuard<'_, HashSet<[u8; 16]>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_credential_has_one_large_unlocking_under_way() {
        let handouts = Handouts::default();
        let (one, two) = ([1; 16], [2; 16]);
        let first = handouts.begin(one, MOST_BYTES).await.unwrap();
        let refused = handouts.begin(one, MOST_BYTES).await.err();
        assert!(matches!(refused, Some(Error::RateLimited { .. })));
        let _other = handouts.begin(two, MOST_BYTES).await.unwrap();
        drop(first);
        assert!(handouts.begin(one, MOST_BYTES).await.is_ok());
    }

    #[tokio::test]
    async fn all_together_take_no_more_than_the_budget() {
        let handouts = Handouts::default();
        let mut held = Vec::new();
        for number in 0..4 {
            held.push(handouts.begin([number; 16], MOST_BYTES).await.unwrap());
        }
        let next = handouts.begin([9; 16], LARGE + 1);
        let mut next = std::pin::pin!(next);
        let waits = tokio::select! {
            biased;
            _ = &mut next => false,
            () = tokio::task::yield_now() => true,
        };
        assert!(waits);
        held.pop();
        assert!(next.await.is_ok());
        // One that gave up waiting has no turn any more.
        drop(held);
        assert!(handouts.begin([9; 16], MOST_BYTES).await.is_ok());
    }
}
