//! Which node runs which job.
//!
//! A node takes a job by writing its claim into the row, and says every few seconds that it still has it. A job whose node has
//! not said so for a minute is taken by another. What the former node would still write carries its old claim, and finds no
//! row. On SQLite there is one node: what the last process ran is taken up at the start.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::kind::run;
use super::running::{Ended, Running, Step};
use super::{CANCELLED, JobKind, JobStatus, asked_by};
use crate::blocking;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{JobId, OrganizationId, VaultId};
use crate::store::sql::jobs as sql;
use crate::store::{Conn, Failure, Row, Touches, params};

/// What this node runs, and what wakes it.
#[derive(Default)]
pub(crate) struct Runner {
    /// Rung when a job of this node's making is committed, and when one has ended.
    pub(super) bell: Arc<Notify>,
    running: Mutex<BTreeMap<JobId, [u8; 16]>>,
}

/// Jobs that a node runs at once.
const AT_ONCE: usize = 4;
/// How long a node has a job without saying so.
pub(super) const LEASE: Duration = Duration::from_secs(60);
/// How often it says so.
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// How often a node looks for what others have made, and for what has become due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a job is taken up after its node has gone, before it is taken for what makes nodes go.
const MOST_ATTEMPTS: u32 = 5;
/// When a job is tried again that could not be served.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

impl Runner {
    fn running(&self) -> MutexGuard<'_, BTreeMap<JobId, [u8; 16]>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job that is being run; tells the runner when it is not any more, however that came.
struct Turn<'e>(&'e Runner, JobId);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.running().remove(&self.1);
        self.0.bell.notify_one();
    }
}

impl Engine {
    /// Start to run jobs; ends when the engine is dropped.
    pub(crate) fn jobs_begin(&self) {
        let (engine, bell) = (self.downgrade(), Arc::clone(&self.jobs().bell));
        blocking::background(async move {
            let mut failing = false;
            let mut is_first = true;
            let mut renewed = Timestamp::from_millis(0);
            loop {
                let _ = tokio::time::timeout(LOOK_EVERY, bell.notified()).await;
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                if engine.is_sealed() {
                    continue;
                }
                let looked = engine.jobs_look(is_first, &mut renewed).await;
                is_first &= looked.is_err();
                if let Err(error) = &looked
                    && !failing
                {
                    tracing::warn!(%error, cause = error.cause(), "jobs are not run; tried again every second");
                }
                failing = looked.is_err();
            }
        });
    }

    /// Renew what this node runs, take what is due, and start it.
    async fn jobs_look(&self, is_first: bool, renewed: &mut Timestamp) -> Result<(), Error> {
        let now = self.clock().now();
        let running = self.jobs().running().clone();
        // With the same time as what is taken below: however the clock jumps, this node takes none that it has.
        if !running.is_empty() && renewed.after(RENEW_EVERY) <= now {
            self.jobs_renew(running.clone(), now).await?;
            *renewed = now;
        }
        if is_first && self.store().generations().is_some() {
            self.store()
                .write_touching(Touches::Unremembered, move |tx| {
                    Box::pin(async move {
                        tx.conn().execute(sql::ORPHANED, params![now]).await?;
                        Ok(())
                    })
                })
                .await?;
        }
        let free = AT_ONCE.saturating_sub(running.len());
        if free == 0 || !self.job_is_due(now).await? {
            return Ok(());
        }
        for job in self.jobs_claim(free, now).await? {
            self.jobs().running().insert(job.id, job.claim);
            let engine = self.clone();
            blocking::background(async move {
                let _turn = Turn(engine.jobs(), job.id);
                engine.job_run(job).await;
            });
        }
        Ok(())
    }

    async fn job_is_due(&self, now: Timestamp) -> Result<bool, Error> {
        let mut reader = self.store().reader().await?;
        let due = reader.conn()?.query_one(sql::ANY_DUE, params![now]).await?;
        Ok(due.is_some())
    }

    async fn jobs_renew(
        &self,
        running: BTreeMap<JobId, [u8; 16]>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    for (id, claim) in running {
                        let held = params![id.bytes(), &claim, now.after(LEASE)];
                        tx.conn().execute(sql::RENEW, held).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn jobs_claim(&self, most: usize, now: Timestamp) -> Result<Vec<Running>, Error> {
        let most = i64::try_from(most).unwrap_or(1);
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let mut claimed = Vec::new();
                    for mut row in tx.conn().take(sql::DUE, params![now, most]).await? {
                        if let Some(job) = claim(tx.conn(), &mut row, now).await? {
                            claimed.push(job);
                        }
                    }
                    Ok(claimed)
                })
            })
            .await
    }

    async fn job_run(&self, mut job: Running) {
        let outcome = match run(self, &mut job).await {
            Ok(Step::Done(result)) => self.job_finish(&job, Ok(result)).await,
            Ok(Step::Again(at)) => self.job_put_back(&job, at).await,
            Err(Ended::Lost) => Ok(()),
            Err(Ended::Cancelled) => self.job_finish(&job, Err(CANCELLED.to_owned())).await,
            Err(Ended::Failed(why)) => self.job_finish(&job, Err(why)).await,
            Err(Ended::Error(error @ Error::Unavailable(_))) => {
                tracing::warn!(job = %job.id, %error, cause = error.cause(), "a job is tried again later");
                let at = self.clock().now().after(AGAIN_AFTER);
                self.job_put_back(&job, at).await
            }
            Err(Ended::Error(error)) => {
                if matches!(error, Error::Internal(_)) {
                    tracing::error!(job = %job.id, cause = error.cause(), "a job failed");
                }
                self.job_finish(&job, Err(error.to_string())).await
            }
        };
        if let Err(error) = outcome {
            // Its time runs out, and it is taken up again.
            tracing::warn!(job = %job.id, %error, cause = error.cause(), "the end of a job is not stored");
        }
    }

    async fn job_finish(
        &self,
        job: &Running,
        outcome: Result<String, String>,
    ) -> Result<(), Error> {
        let (id, claim, now) = (job.id, job.claim, self.clock().now());
        let (status, result, error) = match outcome {
            Ok(result) => (JobStatus::Succeeded, Some(result), None),
            Err(error) => (JobStatus::Failed, None, Some(error)),
        };
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let (result, error) = (result.as_deref(), error.as_deref());
                    let row = params![id.bytes(), &claim, status.as_str(), result, error, now];
                    tx.conn().execute(sql::FINISH, row).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn job_put_back(&self, job: &Running, at: Timestamp) -> Result<(), Error> {
        let (id, claim, now) = (job.id, job.claim, self.clock().now());
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let row = params![id.bytes(), &claim, at, now];
                    tx.conn().execute(sql::PUT_BACK, row).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// Take the job of a row, or end one that is not to be run any more. One of a kind that another release knows is left to that.
async fn claim(conn: &mut Conn, row: &mut Row, now: Timestamp) -> Result<Option<Running>, Error> {
    let Some((mut job, is_cancelled)) = from_columns(row)? else {
        return Ok(None);
    };
    let over = match () {
        () if is_cancelled => Some(CANCELLED),
        () if job.attempts >= MOST_ATTEMPTS => Some("It was interrupted too often."),
        () => None,
    };
    job.claim = kluis_crypto::random::array()?;
    job.attempts += 1;
    let taken = params![job.id.bytes(), &job.claim, now.after(LEASE), now];
    conn.execute(sql::CLAIM, taken).await?;
    let Some(why) = over else {
        return Ok(Some(job));
    };
    let (status, none) = (JobStatus::Failed.as_str(), None::<&str>);
    let row = params![job.id.bytes(), &job.claim, status, none, why, now];
    conn.execute(sql::FINISH, row).await?;
    Ok(None)
}

/// From the columns of `DUE`, and whether it is cancelled; nothing when its kind is not known here.
fn from_columns(row: &mut Row) -> Result<Option<(Running, bool)>, Failure> {
    let id = JobId::from_bytes(row.array()?);
    let organization = OrganizationId::from_bytes(row.array()?);
    let Some(kind) = JobKind::parse(&row.text()?) else {
        return Ok(None);
    };
    let job = Running {
        id,
        organization,
        kind,
        payload: row.text()?,
        state: row.optional_text()?,
        vault: row.optional_array()?.map(VaultId::from_bytes),
        asked_by: asked_by(row)?,
        attempts: row.number()?,
        claim: [0; 16],
    };
    Ok(Some((job, row.flag()?)))
}
