//! Guesses at the keys of zero-knowledge vaults (Inkbox contract §7).
//!
//! Whoever proves a key unlocks often and should not wait for a writer, so only wrong proofs are counted. Proofs of one
//! credential are tried one after the other: otherwise many that come together would all be let through before the first
//! of them counts.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Window, seconds_until};
use crate::blocking;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::store::params;
use crate::store::sql::limits as sql;

/// Whose turn it is; credentials that share a place wait for each other now and then.
pub(crate) struct Turns(Box<[Arc<Mutex<()>>]>);

/// A proof that is about to be tried. It counts as wrong until it is known to be right: also where whoever tried it hangs up
/// before the answer, since what came of it can be read elsewhere.
pub(crate) struct ZkGuess {
    engine: Engine,
    counts: Option<Counted>,
}

/// What a wrong proof is counted for, and the turn that it has until then.
struct Counted {
    subjects: [(String, u32); 2],
    _turn: OwnedMutexGuard<()>,
}

/// Places of credentials.
const PLACES: u8 = 64;
/// Wrong proofs in any 60 seconds with one credential.
const OF_CREDENTIAL: u32 = 10;
/// Wrong proofs in any 60 seconds in one organization; then one more of each credential that had none.
const OF_ORGANIZATION: u32 = 60;

impl Engine {
    /// Begin to try a proof. `RateLimited` after too many wrong ones with the credential, and after any where the organization has
    /// had too many, whatever this one is.
    pub(crate) async fn zk_guess_begin(&self, caller: &Caller) -> Result<ZkGuess, Error> {
        let credential = *caller.credential.id_bytes();
        let turn = self.guesses().proofs.of(&credential).lock_owned().await;
        let credential = format!("zk-key:{}", kluis_crypto::hash::hex(&credential));
        let organization = format!("zk:{}", caller.organization);
        let subjects = [(credential, OF_CREDENTIAL), (organization, OF_ORGANIZATION)];
        let now = self.clock().now();
        let [(credential, _), (organization, _)] = &subjects;
        let (mut of_credential, mut of_organization) = (None, None);
        let mut reader = self.store().reader().await?;
        let of = params![credential, organization];
        for mut row in reader.conn()?.query(sql::HITS_OF_TWO, of).await? {
            let (subject, hits) = (row.text()?, row.blob()?);
            let window = Window::read(&hits, now);
            if *credential == subject {
                of_credential = Some(window);
            } else {
                of_organization = Some(window);
            }
        }
        // Where many have guessed, those who have are refused, and nobody else: whoever guesses shuts nobody out.
        let has_guessed = of_credential.as_ref().is_some_and(|own| own.count() > 0);
        let of_organization = of_organization.filter(|_| has_guessed);
        for (window, limit) in [
            (of_credential, OF_CREDENTIAL),
            (of_organization, OF_ORGANIZATION),
        ] {
            if let Some(window) = window.filter(|window| window.is_full(limit)) {
                return Err(too_many(window.reset(now), now));
            }
        }
        drop(reader);
        let counts = Some(Counted {
            subjects,
            _turn: turn,
        });
        Ok(ZkGuess {
            engine: self.clone(),
            counts,
        })
    }
}

impl ZkGuess {
    /// It was right, or not tried: it does not count.
    pub(crate) fn forget(mut self) {
        self.counts = None;
    }

    /// It was wrong: it counts. `RateLimited` when others have used up what was left, so that nothing is told of this one.
    pub(crate) async fn missed(mut self) -> Result<(), Error> {
        match self.counts.take() {
            Some(counted) => counted.count(self.engine.clone()).await,
            None => Ok(()),
        }
    }
}

impl Drop for ZkGuess {
    fn drop(&mut self) {
        if let Some(counted) = self.counts.take() {
            let engine = self.engine.clone();
            blocking::background(async move {
                // Whoever asked is gone, so there is nobody to be told.
                let _ = counted.count(engine).await;
            });
        }
    }
}

impl Counted {
    /// To its end, whether or not anybody waits for it.
    async fn count(self, engine: Engine) -> Result<(), Error> {
        blocking::detached(async move {
            for (subject, limit) in self.subjects {
                let hit = engine.hit(subject, limit).await?;
                hit.counted(engine.clock().now())?;
            }
            Ok(())
        })
        .await
    }
}

impl Turns {
    fn of(&self, credential: &[u8; 16]) -> Arc<Mutex<()>> {
        // The end of an id is random.
        let [.., last] = credential;
        let turn = self.0.get(usize::from(last % PLACES));
        turn.map(Arc::clone).unwrap_or_default()
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Arc::default()).collect())
    }
}

fn too_many(reset: Timestamp, now: Timestamp) -> Error {
    Error::RateLimited {
        retry_after: seconds_until(reset, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Home;

    async fn begun(home: &Home) -> Result<ZkGuess, Error> {
        home.engine.zk_guess_begin(&home.owner).await
    }

    /// What came of a proof can be read in the record, so hanging up before the answer is no way to more of them.
    #[tokio::test]
    async fn a_proof_that_is_given_up_counts_as_wrong() {
        let home = Home::new().await;
        for _ in 0..OF_CREDENTIAL {
            // The next one gets its turn when this one is counted.
            drop(begun(&home).await.unwrap());
        }
        let refused = begun(&home).await.err();
        assert!(matches!(refused, Some(Error::RateLimited { .. })));
    }

    #[tokio::test]
    async fn a_proof_that_is_right_does_not_count() {
        let home = Home::new().await;
        for _ in 0..3 * OF_CREDENTIAL {
            begun(&home).await.unwrap().forget();
        }
        for _ in 0..OF_CREDENTIAL {
            begun(&home).await.unwrap().missed().await.unwrap();
        }
        assert!(begun(&home).await.is_err());
    }
}
