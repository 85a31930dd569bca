//! Jobs: work that goes on after its request was answered (contract B8).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | what callers see: `job_list`, `job_read`, `job_cancel` |
//! | `kind.rs` | the kinds of jobs, and where each is run: **a new kind begins there** |
//! | `queue.rs` | jobs on their way into the store |
//! | `running.rs` | a job while it runs: what it asks and tells |
//! | `runner.rs` | which node runs which job |
//!
//! A job is a row. Whoever makes one does so in the transaction of the act that asks for it ([`Engine::job_create`]), so both are
//! kept or neither. Nodes take jobs from the table, one node each, and renew what they have taken; what a node leaves
//! behind when it is killed is taken up by another, from the state that the job has kept. So a job runs at least once: its
//! steps must bear being done again.

mod kind;
mod queue;
mod runner;
mod running;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use kind::JobKind;
pub(crate) use queue::NewJob;
pub(crate) use runner::Runner;
pub(crate) use running::{Ended, Running, Step};

use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Role};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{JobId, VaultId};
use crate::policy::PolicyPrincipal;
use crate::store::sql::jobs as sql;
use crate::store::{Conn, Failure, Row, params, unexpected};

/// A job as its organization sees it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub status: JobStatus,
    /// The same in percent.
    pub progress: u8,
    /// What came of it, as the text of a JSON object; holds no secret value.
    pub result: Option<String>,
    /// Why it failed, in a sentence.
    pub error: Option<String>,
    /// The vault that it is about, where it is about one.
    pub vault: Option<VaultId>,
    /// Who asked for it; nobody, where the server does it by itself.
    pub asked_by: Option<PolicyPrincipal>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// It came to nothing; a cancelled one too.
    Failed,
    /// It waits for its turn, or for its time.
    Queued,
    /// A node is at it.
    Running,
    /// It is done.
    Succeeded,
}

/// The error of a job that was cancelled.
const CANCELLED: &str = "It was cancelled.";

impl Engine {
    /// The jobs that the caller sees, oldest first: an owner or admin all; others those that they asked for, and those about a
    /// vault in which they see every name (RULES §2).
    pub async fn job_list(&self, caller: &Caller) -> Result<Vec<Job>, Error> {
        self.look(caller, Action::JobList, async |conn, act| {
            let of = params![act.caller.organization.bytes()];
            let rows = conn.query(sql::OF_ORGANIZATION, of).await?;
            let mut seen = BTreeMap::new();
            let mut jobs = Vec::with_capacity(rows.len());
            for mut row in rows {
                let job = Job::from_columns(&mut row)?;
                if self.job_seen(conn, act, &job, &mut seen).await? {
                    jobs.push(job);
                }
            }
            Ok(jobs)
        })
        .await
    }

    /// One job; `NotFound` where the caller does not see it.
    pub async fn job_read(&self, caller: &Caller, id: JobId) -> Result<Job, Error> {
        self.look(caller, Action::JobRead, async |conn, act| {
            self.job_find(conn, act, id).await
        })
        .await
    }

    /// Cancel a job, for an owner, an admin, and whoever asked for it. One that waits ends at once; one that runs is told, and ends
    /// at its next step. `Conflict` when it has ended.
    pub async fn job_cancel(&self, caller: &Caller, id: JobId) -> Result<Job, Error> {
        let engine = self.clone();
        self.change(caller, Action::JobCancel, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                conn.lock(
                    sql::LOCK,
                    params![id.bytes(), act.caller.organization.bytes()],
                )
                .await?;
                let job = engine.job_find(conn, act, id).await?;
                if !administers(&act.caller) && !job.is_asked_for_by(&act.caller) {
                    return Err(Error::Forbidden);
                }
                let waiting = params![id.bytes(), CANCELLED, act.now];
                let told = params![id.bytes(), act.now];
                if conn.execute(sql::CANCEL_QUEUED, waiting).await? == 0
                    && conn.execute(sql::CANCEL_RUNNING, told).await? == 0
                {
                    return Err(Error::Conflict(Conflict::State));
                }
                engine.job_find(conn, act, id).await
            })
        })
        .await
    }

    async fn job_find(&self, conn: &mut Conn, act: &mut Act, id: JobId) -> Result<Job, Error> {
        act.names("job", *id.bytes());
        let of = params![id.bytes(), act.caller.organization.bytes()];
        let row = conn.query_one(sql::BY_ID, of).await?;
        let job = Job::from_columns(&mut row.ok_or(Error::NotFound)?)?;
        if self.job_seen(conn, act, &job, &mut BTreeMap::new()).await? {
            Ok(job)
        } else {
            Err(Error::Hidden)
        }
    }

    /// Whether the caller sees the job; `known` says for which vaults that is known already.
    async fn job_seen(
        &self,
        conn: &mut Conn,
        act: &Act,
        job: &Job,
        known: &mut BTreeMap<VaultId, bool>,
    ) -> Result<bool, Error> {
        if administers(&act.caller) || job.is_asked_for_by(&act.caller) {
            return Ok(true);
        }
        let Some(vault) = job.vault else {
            return Ok(false);
        };
        if let Some(seen) = known.get(&vault) {
            return Ok(*seen);
        }
        let seen = self.sees_all_names(conn, act, vault).await?;
        known.insert(vault, seen);
        Ok(seen)
    }
}

fn administers(caller: &Caller) -> bool {
    caller.role() >= Some(Role::Admin)
}

impl Job {
    fn is_asked_for_by(&self, caller: &Caller) -> bool {
        self.asked_by == Some(PolicyPrincipal::of(caller))
    }

    /// From the columns of `sql::jobs`.
    fn from_columns(row: &mut Row) -> Result<Self, Failure> {
        Ok(Self {
            id: JobId::from_bytes(row.array()?),
            kind: JobKind::parse(&row.text()?).ok_or_else(unexpected)?,
            status: JobStatus::parse(&row.text()?).ok_or_else(unexpected)?,
            progress: u8::try_from(row.int()?).map_err(|_| unexpected())?,
            result: row.optional_text()?,
            error: row.optional_text()?,
            vault: row.optional_array()?.map(VaultId::from_bytes),
            asked_by: asked_by(row)?,
            created_at: row.time()?,
            updated_at: row.time()?,
            finished_at: row.optional_time()?,
        })
    }
}

/// From two columns, which are both there or neither.
fn asked_by(row: &mut Row) -> Result<Option<PolicyPrincipal>, Failure> {
    match (row.optional_text()?, row.optional_array()?) {
        (Some(kind), Some(id)) => PolicyPrincipal::from_stored(&kind, id)
            .map(Some)
            .ok_or_else(unexpected),
        _ => Ok(None),
    }
}

impl JobStatus {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Failed, Self::Queued, Self::Running, Self::Succeeded]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}
