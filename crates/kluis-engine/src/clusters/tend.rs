//! What is done for clusters beside the requests: users whose time is over are dropped, interrupted changes of passwords are
//! gone on with, and passwords are changed when it is time.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::blocking;
use crate::clock::Timestamp;
use crate::clusters::Cluster;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::ClusterId;
use crate::store::params;
use crate::store::sql::clusters as sql;

/// How often it is looked for what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often principals who have gone are looked for.
const LOST_EVERY: Duration = Duration::from_secs(5);
/// How often what ended long ago is cleared away.
const CLEAR_EVERY: Duration = Duration::from_hours(1);

/// When what is not done at every look was done last.
struct Last {
    begun: bool,
    lost: Timestamp,
    cleared: Timestamp,
}

impl Engine {
    /// Start the background work; it ends when the engine is dropped.
    pub(crate) fn clusters_begin(&self) {
        let engine = self.downgrade();
        blocking::background(async move {
            let mut tick = tokio::time::interval(LOOK_EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let never = Timestamp::from_millis(0);
            let mut last = Last {
                begun: false,
                lost: never,
                cleared: never,
            };
            let mut failing = false;
            loop {
                tick.tick().await;
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                if engine.is_sealed() {
                    continue;
                }
                let tended = engine.clusters_tend(&mut last).await;
                if let Err(error) = &tended
                    && !failing
                {
                    tracing::warn!(%error, cause = error.cause(), "clusters are not tended; tried again every second");
                }
                failing = tended.is_err();
            }
        });
    }

    async fn clusters_tend(&self, last: &mut Last) -> Result<(), Error> {
        let now = self.clock().now();
        if !last.begun {
            self.changes_begin().await?;
            last.begun = true;
        }
        self.changes_recover_due().await?;
        if last.lost.after(LOST_EVERY) <= now {
            self.leases_end_of_lost().await?;
            last.lost = now;
        }
        self.leases_sweep().await?;
        self.leases_reconcile_due().await?;
        self.rotations_schedule_due(now).await?;
        if last.cleared.after(CLEAR_EVERY) <= now {
            self.leases_clear().await?;
            last.cleared = now;
        }
        Ok(())
    }

    /// Make a job for each cluster whose passwords are to be changed now.
    async fn rotations_schedule_due(&self, now: Timestamp) -> Result<(), Error> {
        let due: Vec<ClusterId> = {
            let mut reader = self.store().reader().await?;
            let rows = reader
                .conn()?
                .query(sql::DUE_ROTATIONS, params![now])
                .await?;
            let due = rows
                .into_iter()
                .map(|mut row| row.array().map(ClusterId::from_bytes));
            due.collect::<Result<_, _>>()?
        };
        for id in due {
            let engine = self.clone();
            self.store()
                .write(move |tx| {
                    Box::pin(async move {
                        let row = tx
                            .conn()
                            .query_one(sql::ANY_BY_ID, params![id.bytes()])
                            .await?;
                        let Some(row) = row else {
                            return Ok(());
                        };
                        let cluster = Cluster::from_row(row)?;
                        let Some(due) = cluster.rotation.next_run_at.filter(|due| *due <= now)
                        else {
                            return Ok(());
                        };
                        let next = params![id.bytes(), due, cluster.rotation.run_after(now)];
                        if tx
                            .conn()
                            .query_one(sql::NEXT_ROTATION, next)
                            .await?
                            .is_some()
                        {
                            engine.rotation_schedule(tx, &cluster, now).await?;
                        }
                        Ok(())
                    })
                })
                .await?;
        }
        Ok(())
    }
}
