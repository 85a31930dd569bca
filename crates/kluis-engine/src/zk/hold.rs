//! How much may be handed out at once: an answer holds all that it hands out in memory until its reader has it.
//!
//! A vault has a bound, and large answers share a budget: one at a time with a credential, two in an organization, and all
//! together as much as the budget allows; whoever would exceed it is told to come again. Small ones, which is nearly all, take
//! no part in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ZK_VAULT;
use crate::act::Act;
use crate::caller::{Caller, Principal};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, ZkVaultId};
use crate::store::sql::zk as sql;
use crate::store::{Conn, params};

/// What large answers share.
pub(crate) struct Handouts {
    budget: Arc<Semaphore>,
    under_way: Arc<Mutex<UnderWay>>,
}

/// The part of the budget that one of them has, until this is dropped.
pub struct ZkHold {
    _turn: Turn,
    _part: OwnedSemaphorePermit,
}

/// Whose large answers are not out yet.
#[derive(Default)]
struct UnderWay(Vec<(OrganizationId, [u8; 16])>);

/// That a credential has one under way.
struct Turn {
    organization: OrganizationId,
    credential: [u8; 16],
    under_way: Arc<Mutex<UnderWay>>,
}

/// What is handed out of each item.
#[derive(Clone, Copy)]
pub(super) enum Handing {
    /// Everything.
    All,
    /// All but the payload.
    Names,
}

/// Bytes that the items of a vault have at most.
pub(super) const MOST_BYTES: i64 = 64 << 20;
/// What an item has beside its name, description and payload, about.
pub(super) const EACH: usize = 256;
/// An answer with more bytes than this is a large one.
const LARGE: i64 = 1 << 20;
/// What a permit stands for.
const UNIT: i64 = 1 << 10;
/// The budget: some of the largest vaults.
const BUDGET: i64 = 8 * MOST_BYTES;
/// Large answers of one organization at once.
const OF_ORGANIZATION: usize = 2;

/// A vault that something is to be handed out of.
pub(super) struct Source {
    pub(super) vault: ZkVaultId,
    bytes: i64,
}

impl Source {
    /// The caller's organization's vault; `NotFound` when it has none.
    pub(super) async fn of(conn: &mut Conn, act: &mut Act) -> Result<Self, Error> {
        let of = params![act.caller.organization.bytes()];
        let row = conn.query_one(sql::VAULT_AND_BYTES, of).await?;
        let mut row = row.ok_or(Error::NotFound)?;
        let (vault, bytes) = (ZkVaultId::from_bytes(row.array()?), row.int()?);
        act.finds(ZK_VAULT, *vault.bytes());
        Ok(Self { vault, bytes })
    }

    /// The part of the budget that an answer takes; none for a small one. `RateLimited` while too many large ones are under way.
    pub(super) async fn hold(
        &self,
        engine: &Engine,
        conn: &mut Conn,
        caller: &Caller,
        handing: Handing,
    ) -> Result<Option<ZkHold>, Error> {
        if self.bytes <= LARGE {
            return Ok(None);
        }
        let vault = self.vault.bytes();
        let row = match (&caller.principal, handing) {
            (Principal::User(_), Handing::All) => None,
            (Principal::User(_), Handing::Names) => {
                conn.query_one(sql::NAME_BYTES, params![vault]).await?
            }
            (Principal::Agent(agent), handing) => {
                let statement = match handing {
                    Handing::All => sql::BYTES_OF_AGENT,
                    Handing::Names => sql::NAME_BYTES_OF_AGENT,
                };
                let of = params![vault, agent.id.bytes()];
                conn.query_one(statement, of).await?
            }
        };
        let bytes = row.map(|mut row| row.int()).transpose()?;
        let bytes = bytes.unwrap_or(self.bytes);
        if bytes <= LARGE {
            return Ok(None);
        }
        let credential = *caller.credential.id_bytes();
        let handouts = engine.handouts();
        handouts
            .begin(caller.organization, credential, bytes)
            .map(Some)
    }
}

impl Handouts {
    fn begin(
        &self,
        organization: OrganizationId,
        credential: [u8; 16],
        bytes: i64,
    ) -> Result<ZkHold, Error> {
        let later = Error::RateLimited { retry_after: 1 };
        if !locked(&self.under_way).admits(organization, credential) {
            return Err(later);
        }
        let turn = Turn {
            organization,
            credential,
            under_way: Arc::clone(&self.under_way),
        };
        let units = u32::try_from(bytes.min(BUDGET) / UNIT).unwrap_or(u32::MAX);
        let part = Arc::clone(&self.budget).try_acquire_many_owned(units);
        Ok(ZkHold {
            _turn: turn,
            _part: part.map_err(|_| later)?,
        })
    }
}

impl UnderWay {
    /// Takes note of one more, if there may be.
    fn admits(&mut self, organization: OrganizationId, credential: [u8; 16]) -> bool {
        let mut own = self.0.iter().filter(|(other, _)| *other == organization);
        let admits =
            own.clone().count() < OF_ORGANIZATION && !own.any(|(_, other)| *other == credential);
        if admits {
            self.0.push((organization, credential));
        }
        admits
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let own = (self.organization, self.credential);
        locked(&self.under_way).0.retain(|other| *other != own);
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

fn locked(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(handouts: &Handouts, organization: u8, credential: u8) -> Option<ZkHold> {
        let organization = OrganizationId::from_bytes([organization; 16]);
        let begun = handouts.begin(organization, [credential; 16], MOST_BYTES);
        match begun {
            Ok(hold) => Some(hold),
            Err(Error::RateLimited { retry_after: 1 }) => None,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_credential_has_one_large_answer_under_way_and_an_organization_two() {
        let handouts = Handouts::default();
        let first = begin(&handouts, 1, 1).unwrap();
        assert!(begin(&handouts, 1, 1).is_none());
        let second = begin(&handouts, 1, 2).unwrap();
        assert!(begin(&handouts, 1, 3).is_none());
        let _other = begin(&handouts, 2, 1).unwrap();
        drop(first);
        assert!(begin(&handouts, 1, 2).is_none());
        let _third = begin(&handouts, 1, 3).unwrap();
        drop(second);
        assert!(begin(&handouts, 1, 1).is_some());
    }

    #[test]
    fn all_together_take_no_more_than_the_budget() {
        let handouts = Handouts::default();
        let mut held: Vec<_> = (0..8)
            .map(|number| begin(&handouts, number, 1).unwrap())
            .collect();
        assert!(begin(&handouts, 9, 1).is_none());
        held.pop();
        let last = begin(&handouts, 9, 1).unwrap();
        drop((held, last));
        // What was refused has taken nothing.
        assert!(begin(&handouts, 9, 1).is_some());
    }
}
