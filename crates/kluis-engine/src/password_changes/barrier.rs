//! Whoever reads a secret while its password is being changed: it waits until one is known to be good, for a while.
//!
//! Between the moment in which a server takes a new password and the one in which the secret has it, the secret's value opens
//! nothing. A reader would get it. So a read of a secret that is being changed waits for the end of the change, and where
//! nobody is at it any more, goes on with it. A server that does not answer is not waited for again and again.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::SecretId;
use crate::store::params;
use crate::store::sql::secrets as sql;

/// Which secrets are being changed by this process, and which were waited for in vain.
#[derive(Default)]
pub(crate) struct Barrier(Mutex<State>);

#[derive(Default)]
struct State {
    claimed: HashSet<SecretId>,
    in_vain: HashMap<SecretId, Timestamp>,
}

/// The right to change a secret's password, in this process.
pub(super) struct Claimed<'a> {
    barrier: &'a Barrier,
    secret: SecretId,
}

/// How long a reader waits.
const WAIT: Duration = Duration::from_secs(10);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long nobody waits after somebody has waited in vain.
const IN_VAIN: Duration = Duration::from_secs(30);
/// How many are remembered to have been waited for in vain.
const MOST_IN_VAIN: usize = 10_000;

impl Barrier {
    /// The right to change a secret's password; none while somebody has it.
    pub(super) fn claim(&self, secret: SecretId) -> Option<Claimed<'_>> {
        let is_free = self.state().claimed.insert(secret);
        // Made only when it is had: one that is dropped gives the right back.
        is_free.then(|| Claimed {
            barrier: self,
            secret,
        })
    }

    /// Whether a reader of a secret that is being changed waits.
    pub(crate) fn is_waited_for(&self, secret: SecretId, now: Timestamp) -> bool {
        let state = self.state();
        state.in_vain.get(&secret).is_none_or(|until| *until <= now)
    }

    fn was_in_vain(&self, secret: SecretId, now: Timestamp) {
        let mut state = self.state();
        if state.in_vain.len() >= MOST_IN_VAIN {
            state.in_vain.retain(|_, until| *until > now);
        }
        state.in_vain.insert(secret, now.after(IN_VAIN));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        self.barrier.state().claimed.remove(&self.secret);
    }
}

impl Engine {
    /// Wait until a secret's password is not being changed any more, for a while.
    pub(crate) async fn password_settled(&self, secret: SecretId) -> Result<(), Error> {
        if !self.barrier().is_waited_for(secret, self.clock().now()) {
            return Ok(());
        }
        let waiting = async {
            while self.is_switching(secret).await? {
                // Whoever was at it may have ended without a word.
                self.change_recover_one(secret).await?;
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        if let Ok(settled) = tokio::time::timeout(WAIT, waiting).await {
            return settled;
        }
        self.barrier().was_in_vain(secret, self.clock().now());
        Ok(())
    }

    async fn is_switching(&self, secret: SecretId) -> Result<bool, Error> {
        let mut reader = self.store().reader().await?;
        let of = params![secret.bytes()];
        let row = reader.conn()?.query_one(sql::IS_SWITCHING, of).await?;
        Ok(match row {
            Some(mut row) => row.flag()?,
            None => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_changes_a_secret() {
        let barrier = Barrier::default();
        let [one, other] = [1, 2].map(|byte| SecretId::from_bytes([byte; 16]));
        let claimed = barrier.claim(one);
        assert!(claimed.is_some());
        assert!(barrier.claim(one).is_none());
        assert!(barrier.claim(other).is_some());
        drop(claimed);
        assert!(barrier.claim(one).is_some());
    }

    #[test]
    fn nobody_waits_again_soon_after_it_was_in_vain() {
        let barrier = Barrier::default();
        let secret = SecretId::from_bytes([1; 16]);
        let now = Timestamp::from_millis(1_000_000);
        assert!(barrier.is_waited_for(secret, now));
        barrier.was_in_vain(secret, now);
        assert!(!barrier.is_waited_for(secret, now));
        assert!(barrier.is_waited_for(secret, now.after(IN_VAIN)));
    }
}
