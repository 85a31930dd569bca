//! Jobs on their way into the store.

use std::sync::Arc;

use serde::Serialize;

use super::{Job, JobKind, JobStatus};
use crate::act::Act;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{JobId, OrganizationId, VaultId};
use crate::policy::PolicyPrincipal;
use crate::store::sql::jobs as sql;
use crate::store::{Tx, params};

/// A job to make.
pub(crate) struct NewJob {
    kind: JobKind,
    /// The text of a JSON object.
    payload: String,
    vault: Option<VaultId>,
    at: Option<Timestamp>,
}

/// How many jobs of an organization wait or run at most.
const MOST: i64 = 1_000;

impl NewJob {
    /// A job that is asked `payload`, which holds no secret value. It is due at once.
    pub(crate) fn new(kind: JobKind, payload: &impl Serialize) -> Result<Self, Error> {
        Ok(Self {
            kind,
            payload: serde_json::to_string(payload)
                .map_err(|cause| Error::internal(cause.to_string()))?,
            vault: None,
            at: None,
        })
    }

    /// It is about this vault: whoever sees every name in it sees the job.
    pub(crate) fn about(mut self, vault: VaultId) -> Self {
        self.vault = Some(vault);
        self
    }

    /// It is to begin at this time, not at once.
    pub(crate) fn at(mut self, time: Timestamp) -> Self {
        self.at = Some(time);
        self
    }
}

impl Engine {
    /// Make a job in the transaction of the act that asks for it. `Conflict` when too many wait already.
    pub(crate) async fn job_create(
        &self,
        tx: &mut Tx,
        act: &Act,
        new: NewJob,
    ) -> Result<Job, Error> {
        let asked_by = Some(PolicyPrincipal::of(&act.caller));
        self.job_insert(tx, act.caller.organization, asked_by, new, act.now)
            .await
    }

    /// Make a job that nobody asked for: the server's own, of a schedule.
    pub(crate) async fn job_schedule(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        new: NewJob,
        now: Timestamp,
    ) -> Result<Job, Error> {
        self.job_insert(tx, organization, None, new, now).await
    }

    async fn job_insert(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        asked_by: Option<PolicyPrincipal>,
        new: NewJob,
        now: Timestamp,
    ) -> Result<Job, Error> {
        let waiting = tx
            .conn()
            .query_one(sql::UNFINISHED, params![organization.bytes()])
            .await?;
        if waiting.ok_or(Error::NotFound)?.int()? >= MOST {
            return Err(Error::Conflict(Conflict::Full));
        }
        let job = Job {
            id: JobId::generate(now)?,
            kind: new.kind,
            status: JobStatus::Queued,
            progress: 0,
            result: None,
            error: None,
            vault: new.vault,
            asked_by,
            created_at: now,
            updated_at: now,
            finished_at: None,
        };
        let row = params![
            job.id.bytes(),
            organization.bytes(),
            job.kind.as_str(),
            &new.payload,
            job.vault.as_ref().map(VaultId::bytes),
            asked_by.as_ref().map(PolicyPrincipal::kind),
            asked_by.as_ref().map(PolicyPrincipal::id_bytes),
            new.at.unwrap_or(now),
            now
        ];
        tx.conn().execute(sql::INSERT, row).await?;
        tx.rings(Arc::clone(&self.jobs().bell));
        Ok(job)
    }
}
