//! Whose turn it is to have users dropped: clusters in parallel, each by itself, so that a server that does not answer keeps
//! nobody waiting but itself (NT-57).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::revoke::{Portion, pause_after};
use crate::blocking;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::ClusterId;
use crate::store::sql::leases as sql;

/// The clusters that are at it, and those that pause.
#[derive(Default)]
pub(crate) struct Sweep(Mutex<HashMap<ClusterId, Turn>>);

#[derive(Clone, Copy)]
enum Turn {
    /// Its users are being dropped.
    On,
    /// Its server did not answer, so many times.
    Pause { until: Timestamp, failures: u32 },
}

/// A cluster that is at it; however that ends, it is not any more.
struct At<'a> {
    sweep: &'a Sweep,
    cluster: ClusterId,
    next: Option<Turn>,
}

/// How many are at it at once.
const AT_ONCE: usize = 4;
/// A server is asked again after so long at the latest; that it answers again is noticed by then.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Sweep {
    /// Let a cluster begin, if it is its turn.
    fn begin(&self, cluster: ClusterId, now: Timestamp) -> Option<u32> {
        let mut turns = self.turns();
        let at_it = turns.values().filter(|turn| matches!(turn, Turn::On));
        if at_it.count() >= AT_ONCE {
            return None;
        }
        let failures = match turns.get(&cluster) {
            None => 0,
            Some(Turn::Pause { until, failures }) if *until <= now => *failures,
            Some(Turn::On | Turn::Pause { .. }) => return None,
        };
        turns.insert(cluster, Turn::On);
        Some(failures)
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<ClusterId, Turn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for At<'_> {
    fn drop(&mut self) {
        let mut turns = self.sweep.turns();
        match self.next {
            Some(turn) => turns.insert(self.cluster, turn),
            None => turns.remove(&self.cluster),
        };
    }
}

impl Engine {
    /// Begin to drop the users whose time is over, of every cluster whose turn it is.
    pub(crate) async fn leases_sweep(&self) -> Result<(), Error> {
        let now = self.clock().now();
        for cluster in self.clusters_due(sql::DUE_CLUSTERS, now).await? {
            if let Some(failures) = self.sweep().begin(cluster, now) {
                let engine = self.clone();
                blocking::background(async move { engine.cluster_swept(cluster, failures).await });
            }
        }
        Ok(())
    }

    async fn cluster_swept(&self, cluster: ClusterId, failures: u32) {
        let mut at = At {
            sweep: self.sweep(),
            cluster,
            next: None,
        };
        loop {
            match self.leases_revoke_of(cluster).await {
                Ok(Portion::Full) => {}
                Ok(Portion::Last) => return,
                Ok(Portion::Failed) => break,
                Err(error) => {
                    tracing::warn!(%cluster, %error, cause = error.cause(), "leases are not revoked yet");
                    break;
                }
            }
        }
        let failures = failures.saturating_add(1);
        let pause = pause_after(failures).min(LONGEST_PAUSE);
        at.next = Some(Turn::Pause {
            until: self.clock().now().after(pause),
            failures,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(number: u8) -> ClusterId {
        ClusterId::from_bytes([number; 16])
    }

    /// NT-57
    #[test]
    fn a_few_are_at_it_at_once_and_none_twice() {
        let sweep = Sweep::default();
        let now = Timestamp::from_millis(1_000_000);
        let begun = (0..10).filter(|number| sweep.begin(cluster(*number), now).is_some());
        assert_eq!(begun.count(), AT_ONCE);
        drop(At {
            sweep: &sweep,
            cluster: cluster(0),
            next: None,
        });
        assert_eq!(sweep.begin(cluster(1), now), None);
        assert_eq!(sweep.begin(cluster(0), now), Some(0));
    }

    #[test]
    fn one_that_failed_waits_for_its_pause() {
        let sweep = Sweep::default();
        let now = Timestamp::from_millis(1_000_000);
        let until = now.after(Duration::from_secs(5));
        let next = Some(Turn::Pause { until, failures: 3 });
        drop(At {
            sweep: &sweep,
            cluster: cluster(1),
            next,
        });
        assert_eq!(sweep.begin(cluster(1), now), None);
        assert_eq!(sweep.begin(cluster(1), until), Some(3));
    }
}
