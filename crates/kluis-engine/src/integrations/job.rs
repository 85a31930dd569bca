//! A sync as a job: attempts, retries, and what becomes of it.
//!
//! One job has an integration at a time: it claims the row, and says so again with everything that it sends. A job that waits reads
//! what is to be sent only when it begins, so a change meanwhile needs no other one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Integration;
use super::integration::IntegrationStatus;
use super::runs::{RunCause, RunStatus};
use super::sync::{Attempt, Done, Trouble};
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{IntegrationId, IntegrationRunId, JobId};
use crate::jobs::{Ended, Job, JobKind, NewJob, Running, Step};
use crate::store::sql::{integrations as sql, jobs, vaults};
use crate::store::{Conn, Touches, Tx, params};
use crate::webhooks::{About, Happening, WebhookEvent};

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
/// What a job says that another has taken the place of.
const SUPERSEDED: &str = "Another sync has taken its place.";

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

    /// Keep what came of an attempt, and tell of it.
    async fn integration_settle(
        &self,
        integration: &Integration,
        run: IntegrationRunId,
        job: JobId,
        settled: Settled,
    ) -> Result<(), Error> {
        let (engine, now) = (self.clone(), self.clock().now());
        let integration = integration.clone();
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let (conn, id) = (tx.conn(), integration.id);
                    conn.lock(sql::LOCK, params![id.bytes()]).await?;
                    conn.execute(sql::RELEASE, params![id.bytes(), job.bytes()])
                        .await?;
                    match settled {
                        Settled::Done(done) => {
                            finish(conn, run, RunStatus::Succeeded, None, Some(done), now).await?;
                            conn.execute(sql::SUCCEEDED, params![id.bytes(), now])
                                .await?;
                            if let Some(until) = done.until {
                                conn.execute(sql::DUE_BY, params![id.bytes(), until])
                                    .await?;
                            }
                            forget_runs(conn, id).await?;
                            engine
                                .integration_tell(tx, &integration, Ok(done), now)
                                .await
                        }
                        Settled::Again(why, at) => {
                            conn.execute(sql::RETRY_RUN, params![run.bytes(), &why, at])
                                .await?;
                            let status = IntegrationStatus::Retrying.as_str();
                            conn.execute(sql::FAILED, params![id.bytes(), status, &why])
                                .await?;
                            Ok(())
                        }
                        Settled::Failed(why) => {
                            finish(conn, run, RunStatus::Failed, Some(&why), None, now).await?;
                            engine.integration_failed(tx, &integration, &why, now).await
                        }
                        Settled::Overtaken => {
                            finish(
                                conn,
                                run,
                                RunStatus::Superseded,
                                Some(SUPERSEDED),
                                None,
                                now,
                            )
                            .await
                        }
                    }
                })
            })
            .await
    }

    /// Keep that a sync came to nothing, and tell of it.
    async fn integration_failed(
        &self,
        tx: &mut Tx,
        integration: &Integration,
        why: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (conn, id) = (tx.conn(), integration.id);
        let status = IntegrationStatus::Failed.as_str();
        conn.execute(sql::FAILED, params![id.bytes(), status, why])
            .await?;
        forget_runs(conn, id).await?;
        self.integration_tell(tx, integration, Err(why), now).await
    }

    async fn integration_tell(
        &self,
        tx: &mut Tx,
        integration: &Integration,
        outcome: Result<Done, &str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut about = About {
            name: Some(integration.name.clone()),
            vault: integration.selector.vault_name.clone(),
            ..About::thing("integration", integration.id.bytes())
        };
        let more = &mut about.more;
        more.insert("type".to_owned(), integration.target.kind().as_str().into());
        let event = match outcome {
            Ok(done) => {
                more.insert("records".to_owned(), done.secrets.into());
                more.insert("sent".to_owned(), done.sent.into());
                more.insert("removed".to_owned(), done.removed.into());
                WebhookEvent::IntegrationSynced
            }
            Err(why) => {
                more.insert("error".to_owned(), why.into());
                WebhookEvent::IntegrationFailed
            }
        };
        let happening = [Happening { event, about }];
        self.webhooks_tell(tx, integration.organization, &happening, now)
            .await
    }

    /// End the runs whose job has ended without them: it was cancelled, or stopped too many processes. Whether there was any.
    pub(super) async fn integration_runs_settle(&self) -> Result<(), Error> {
        let mut reader = self.store().reader().await?;
        let open = reader.conn()?.query(sql::LEFT_OPEN, &[]).await?;
        drop(reader);
        for mut row in open {
            let run = IntegrationRunId::from_bytes(row.array()?);
            let id = IntegrationId::from_bytes(row.array()?);
            let why = row.optional_text()?;
            let why = why.unwrap_or_else(|| "Its job is gone.".to_owned());
            let (engine, now) = (self.clone(), self.clock().now());
            self.store()
                .write_touching(Touches::Unremembered, move |tx| {
                    Box::pin(async move {
                        let conn = tx.conn();
                        conn.lock(sql::LOCK, params![id.bytes()]).await?;
                        let is_superseded = why == SUPERSEDED;
                        let status = if is_superseded {
                            RunStatus::Superseded
                        } else {
                            RunStatus::Failed
                        };
                        finish(conn, run, status, Some(&why), None, now).await?;
                        let row = conn.query_one(sql::ANY_BY_ID, params![id.bytes()]).await?;
                        match row.map(Integration::from_row).transpose()? {
                            Some(integration) if !is_superseded => {
                                engine.integration_failed(tx, &integration, &why, now).await
                            }
                            _ => Ok(()),
                        }
                    })
                })
                .await?;
        }
        Ok(())
    }
}

/// What trying to begin has shown.
enum Claimed {
    /// Another job has it.
    Busy,
    /// There is nothing to do.
    Gone,
    /// It is this job's, in this run and attempt.
    Taken(Box<Integration>, IntegrationRunId, u32),
}

/// What came of an attempt.
enum Settled {
    Again(String, Timestamp),
    Done(Done),
    Failed(String),
    Overtaken,
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
        Err(Trouble::Overtaken | Trouble::Ended(_)) => {
            (Settled::Overtaken, Err(Ended::failed(SUPERSEDED)))
        }
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
        conn.execute(jobs::CANCEL_QUEUED, ended).await?;
    }
    Ok(())
}

async fn finish(
    conn: &mut Conn,
    run: IntegrationRunId,
    status: RunStatus,
    why: Option<&str>,
    done: Option<Done>,
    now: Timestamp,
) -> Result<(), Error> {
    let count = |of: fn(&Done) -> usize| {
        let count = done.as_ref().map(of);
        count.map(|count| i64::try_from(count).unwrap_or(i64::MAX))
    };
    let row = params![
        run.bytes(),
        status.as_str(),
        why,
        count(|done| done.secrets),
        count(|done| done.sent),
        count(|done| done.removed),
        now
    ];
    conn.execute(sql::FINISH_RUN, row).await?;
    Ok(())
}

async fn forget_runs(conn: &mut Conn, id: IntegrationId) -> Result<(), Error> {
    conn.execute(sql::FORGET_RUNS, params![id.bytes()]).await?;
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
