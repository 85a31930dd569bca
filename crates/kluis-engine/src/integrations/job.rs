//! A sync as a job: attempts and retries.
//!
//! One job has an integration at a time: it claims the row, and says so again with everything that it sends. A job that waits reads
//! what is to be sent only when it begins, so a change meanwhile needs no other one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Integration;
use super::outcome::{SUPERSEDED, Settled, finish};
use super::runs::{RunCause, RunStatus};
use super::sync::{Attempt, Trouble};
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{IntegrationId, IntegrationRunId, JobId};
use crate::jobs::{Ended, Job, JobKind, NewJob, Running, Step};
use crate::store::sql::{integrations as sql, jobs, vaults};
use crate::store::{Conn, Touches, Tx, params};

/// What the job is asked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    integration: [u8; 16],
    cause: RunCause,
}

/// The job's result.
#[derive(Serialize)]
struct Told {
    records: usize,
    sent: usize,
    removed: usize,
}

/// How long a job has an integration without saying so.
pub(super) const CLAIM_LIFE: Duration = Duration::from_secs(60);
/// When a job looks again whether the one before it has ended.
const AFTER_ANOTHER: Duration = Duration::from_secs(1);
/// When a failed attempt is followed by another; after the last of them it has failed.
const RETRY_AFTER: [Duration; 4] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
];
/// What one says that was to be, and is not any more.
const OFF: &str = "The integration is switched off.";

impl Engine {
    /// Have the target of an integration brought up to date now, whatever is there already. What waits to be tried again for it makes
    /// room. `Conflict` where it is switched off.
    pub async fn integration_sync(&self, caller: &Caller, id: IntegrationId) -> Result<Job, Error> {
        let engine = self.clone();
        self.change(caller, Action::IntegrationSync, move |tx, act| {
            Box::pin(async move {
                tx.conn().lock(sql::LOCK, params![id.bytes()]).await?;
                let integration = engine.integration_find(tx.conn(), act, id).await?;
                if !integration.enabled {
                    return Err(Error::Conflict(Conflict::State));
                }
                supersede(tx.conn(), id, act.now).await?;
                let new = asked(tx.conn(), &integration, RunCause::Manual).await?;
                let job = engine.job_create(tx, act, new).await?;
                job_of(tx.conn(), id, &job, RunCause::Manual, act.now).await?;
                Ok(job)
            })
        })
        .await
    }

    /// The same when it is due by itself.
    pub(super) async fn integration_schedule(
        &self,
        tx: &mut Tx,
        integration: &Integration,
        cause: RunCause,
        now: Timestamp,
    ) -> Result<(), Error> {
        let new = asked(tx.conn(), integration, cause).await?;
        let job = self
            .job_schedule(tx, integration.organization, new, now)
            .await?;
        job_of(tx.conn(), integration.id, &job, cause, now).await
    }

    /// Begin an attempt: the integration and its run, or none when there is nothing to do any more.
    async fn integration_claim(&self, id: IntegrationId, job: JobId) -> Result<Claimed, Error> {
        let now = self.clock().now();
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    let Some(row) = conn.query_one(sql::ANY_BY_ID, params![id.bytes()]).await?
                    else {
                        return Ok(Claimed::Gone);
                    };
                    let integration = Integration::from_row(row)?;
                    let of = params![job.bytes(), id.bytes()];
                    let Some(mut run) = conn.query_one(sql::RUN_OF_JOB, of).await? else {
                        return Ok(Claimed::Gone);
                    };
                    let (run, attempts) =
                        (IntegrationRunId::from_bytes(run.array()?), run.number()?);
                    if !integration.enabled {
                        let why = Some(OFF);
                        finish(conn, run, RunStatus::Superseded, why, None, now).await?;
                        return Ok(Claimed::Off);
                    }
                    let mine = params![id.bytes(), job.bytes(), now.after(CLAIM_LIFE), now];
                    if conn.query_one(sql::CLAIM, mine).await?.is_none() {
                        return Ok(Claimed::Busy);
                    }
                    conn.execute(sql::BEGIN_RUN, params![run.bytes(), now])
                        .await?;
                    Ok(Claimed::Taken(Box::new(integration), run, attempts + 1))
                })
            })
            .await
    }
}

/// What trying to begin has shown.
enum Claimed {
    /// Another job has it.
    Busy,
    /// There is nothing to do.
    Gone,
    /// Nothing is to be done any more.
    Off,
    /// It is this job's, in this run and attempt.
    Taken(Box<Integration>, IntegrationRunId, u32),
}

/// Do the work of such a job.
pub(crate) async fn run(engine: &Engine, job: &mut Running) -> Result<Step, Ended> {
    let asked: Asked = job.payload()?;
    let id = IntegrationId::from_bytes(asked.integration);
    job.progress(engine, 0).await?;
    let later = engine.clock().now().after(AFTER_ANOTHER);
    let Some(_turn) = engine.integrations().turn(id) else {
        return Ok(Step::Again(later));
    };
    let (integration, run, number) = match engine.integration_claim(id, job.id).await? {
        Claimed::Busy => return Ok(Step::Again(later)),
        Claimed::Gone => return Err(Ended::failed("The integration is gone.")),
        Claimed::Off => return Err(Ended::failed(OFF)),
        Claimed::Taken(integration, run, number) => (*integration, run, number),
    };
    let attempt = Attempt {
        engine,
        integration: &integration,
        run,
        job: job.id,
        number,
        sends_all: asked.cause == RunCause::Manual,
    };
    let made = match attempt.make(job).await {
        // Whatever was at it, was at it for nothing: the job itself says why.
        Err(Trouble::Ended(ended)) => {
            engine.integration_release(id, job.id).await?;
            return Err(ended);
        }
        // With what it is now, if it is still there.
        Err(Trouble::Overtaken) => {
            engine.integration_release(id, job.id).await?;
            return Ok(Step::Again(later));
        }
        made => made,
    };
    let (settled, step) = match made {
        Ok(done) => (
            Settled::Done(done),
            Step::done(&Told {
                records: done.secrets,
                sent: done.sent,
                removed: done.removed,
            }),
        ),
        Err(Trouble::Passing(why)) => match retry_at(number, engine.clock().now())? {
            Some(at) => (Settled::Again(why, at), Ok(Step::Again(at))),
            None => (Settled::Failed(why.clone()), Err(Ended::Failed(why))),
        },
        Err(Trouble::Lasting(why)) => (Settled::Failed(why.clone()), Err(Ended::Failed(why))),
        // Both have ended above.
        Err(Trouble::Overtaken | Trouble::Ended(_)) => return Ok(Step::Again(later)),
    };
    engine
        .integration_settle(&integration, run, job.id, settled)
        .await?;
    step
}

impl Engine {
    async fn integration_release(&self, id: IntegrationId, job: JobId) -> Result<(), Error> {
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let mine = params![id.bytes(), job.bytes()];
                    tx.conn().execute(sql::RELEASE, mine).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// A job for an integration; about its vault, as long as there is one.
async fn asked(
    conn: &mut Conn,
    integration: &Integration,
    cause: RunCause,
) -> Result<NewJob, Error> {
    let asked = Asked {
        integration: *integration.id.bytes(),
        cause,
    };
    let new = NewJob::new(JobKind::IntegrationSync, &asked)?;
    let vault = integration.selector.vault;
    let there = conn.query_one(vaults::LOCK, params![vault.bytes()]).await?;
    Ok(match there {
        Some(_) => new.about(vault),
        None => new,
    })
}

/// Keep which job is the integration's last, and its run.
async fn job_of(
    conn: &mut Conn,
    id: IntegrationId,
    job: &Job,
    cause: RunCause,
    now: Timestamp,
) -> Result<(), Error> {
    conn.execute(sql::SET_JOB, params![id.bytes(), job.id.bytes()])
        .await?;
    let run = IntegrationRunId::generate(now)?;
    let row = params![run.bytes(), id.bytes(), job.id.bytes(), cause.as_str(), now];
    conn.execute(sql::INSERT_RUN, row).await?;
    Ok(())
}

/// End the integration's job, if it waits.
pub(super) async fn supersede(
    conn: &mut Conn,
    id: IntegrationId,
    now: Timestamp,
) -> Result<(), Error> {
    if let Some(mut row) = conn.query_one(sql::LAST_JOB, params![id.bytes()]).await? {
        let job: [u8; 16] = row.array()?;
        let ended = params![&job, SUPERSEDED, now];
        if conn.execute(jobs::CANCEL_QUEUED, ended).await? == 0 {
            return Ok(());
        }
        conn.execute(sql::NOT_AGAIN, params![id.bytes()]).await?;
        let of = params![&job, id.bytes()];
        if let Some(mut run) = conn.query_one(sql::RUN_OF_JOB, of).await? {
            let run = IntegrationRunId::from_bytes(run.array()?);
            finish(
                conn,
                run,
                RunStatus::Superseded,
                Some(SUPERSEDED),
                None,
                now,
            )
            .await?;
        }
    }
    Ok(())
}

/// When to try again after so many attempts, give or take a tenth; not any more after the last.
fn retry_at(attempts: u32, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(after) = RETRY_AFTER.get(index) else {
        return Ok(None);
    };
    // 90 to 110 per cent.
    let drawn = u32::from_be_bytes(kluis_crypto::random::array()?) % 201;
    Ok(Some(now.after(*after * (900 + drawn) / 1_000)))
}
