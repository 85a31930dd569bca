//! The history of an integration.

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{IntegrationId, IntegrationRunId, JobId};
use crate::pages::{Page, PageQuery, listed};
use crate::store::sql::integrations as sql;
use crate::store::{Failure, Row, params, unexpected};

/// One sync, with all of its attempts. Holds neither names nor values of secrets that its reader may not see.
#[derive(Clone, Debug)]
pub struct IntegrationRun {
    /// Its id; pushes carry it.
    pub id: IntegrationRunId,
    /// The integration.
    pub integration: IntegrationId,
    /// The job that does it.
    pub job: JobId,
    /// Why there is one.
    pub cause: RunCause,
    /// How far it is.
    pub status: RunStatus,
    /// How often it was attempted.
    pub attempts: u32,
    /// How many secrets were to be at the target.
    pub records: Option<u32>,
    /// How many places there were written to.
    pub sent: Option<u32>,
    /// How many were cleared.
    pub removed: Option<u32>,
    /// Why the last attempt came to nothing; a sentence.
    pub error: Option<String>,
    /// When it is attempted again.
    pub retry_at: Option<Timestamp>,
    /// When it was asked for, or due.
    pub created_at: Timestamp,
    /// When the first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// Why there is a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunCause {
    /// Something has changed: a secret, or the integration itself.
    Change,
    /// Somebody asked for it.
    Manual,
    /// It was time.
    Schedule,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// It came to nothing.
    Failed,
    /// It waits for its turn.
    Queued,
    /// An attempt came to nothing, and another follows.
    Retrying,
    /// An attempt is under way.
    Running,
    /// The target is up to date.
    Succeeded,
    /// It made room for another.
    Superseded,
}

/// Which runs to show; an empty list of words restricts nothing.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Words of their states.
    pub statuses: Vec<String>,
    /// Words of their causes.
    pub causes: Vec<String>,
}

impl Engine {
    /// A page of an integration's runs, for whoever sees the integration.
    pub async fn integration_run_list(
        &self,
        caller: &Caller,
        id: IntegrationId,
        filter: &RunFilter,
        query: &PageQuery,
    ) -> Result<Page<IntegrationRun>, Error> {
        let (statuses, causes) = (listed(&filter.statuses), listed(&filter.causes));
        let plan = query.plan();
        self.look(caller, Action::IntegrationRunList, async |conn, act| {
            self.integration_find(conn, act, id).await?;
            let mut counts = [0, 0];
            for (count, span) in counts.iter_mut().zip([Some(plan.all), plan.before]) {
                let Some((low, high)) = span else { continue };
                let of = params![id.bytes(), &low, &high, &statuses, &causes];
                let row = conn.query_one(sql::RUNS_COUNT, of).await?;
                *count = row.ok_or_else(unexpected)?.int()?;
            }
            let statement = if plan.descending {
                sql::RUNS_DOWN
            } else {
                sql::RUNS_UP
            };
            let (low, high) = plan.span;
            let of = params![
                id.bytes(),
                &low,
                &high,
                &statuses,
                &causes,
                plan.limit,
                plan.offset
            ];
            let mut items = Vec::new();
            for row in conn.query(statement, of).await? {
                items.push(IntegrationRun::from_row(row, id)?);
            }
            let [total, before] = counts;
            Ok(plan.page(total, before, items))
        })
        .await
    }
}

impl IntegrationRun {
    fn from_row(mut row: Row, integration: IntegrationId) -> Result<Self, Failure> {
        Ok(Self {
            id: IntegrationRunId::from_bytes(row.array()?),
            integration,
            job: JobId::from_bytes(row.array()?),
            cause: RunCause::parse(&row.text()?).ok_or_else(unexpected)?,
            status: RunStatus::parse(&row.text()?).ok_or_else(unexpected)?,
            attempts: row.number()?,
            records: row.optional_number()?,
            sent: row.optional_number()?,
            removed: row.optional_number()?,
            error: row.optional_text()?,
            retry_at: row.optional_time()?,
            created_at: row.time()?,
            started_at: row.optional_time()?,
            finished_at: row.optional_time()?,
        })
    }
}

impl RunCause {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Manual => "manual",
            Self::Schedule => "schedule",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Change, Self::Manual, Self::Schedule]
            .into_iter()
            .find(|cause| cause.as_str() == word)
    }
}

impl RunStatus {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Queued => "queued",
            Self::Retrying => "retrying",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Superseded => "superseded",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [
            Self::Failed,
            Self::Queued,
            Self::Retrying,
            Self::Running,
            Self::Succeeded,
            Self::Superseded,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
    }
}
