//! `GET /v1/jobs`; `GET /v1/jobs/{id}`; `POST /v1/jobs/{id}/cancel`.

use axum::extract::State;
use kluis_engine::{Job, JobId};

use super::paging::{Field, List, ListItem};
use super::wire::{self, Answer, ListAnswer, success};
use super::{NoBody, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

impl ListItem for Job {
    const NAME: &'static str = "jobs";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |job| job.created_at.into()),
        Field::time("updated_at", |job| job.updated_at.into()),
        Field::time("finished_at", |job| job.finished_at.into()),
        Field::word("kind", |job| job.kind.as_str().into()),
        Field::word("status", |job| job.status.as_str().into()),
    ];

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

/// List jobs
///
/// Owners and admins see all of their organization; others those that they asked for, and those about a collection in which they
/// see every name. A job is told of until 30 days after its end.
#[utoipa::path(
    get,
    path = "/v1/jobs",
    tag = "Jobs and logs",
    params(List::<Job>),
    responses((status = 200, body = wire::Listed<wire::Job>)),
    extensions(("x-kluis-action" = json!("job.list")), ("x-kluis-file" = json!("jobs")))
)]
pub(super) async fn job_list(
    State(app): State<App>,
    caller: Caller,
    list: List<Job>,
) -> ListAnswer<wire::Job> {
    let list = list.open(&app.engine, &caller)?;
    list.page(app.engine.job_list(&caller).await?)
}

/// Read a job
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}",
    tag = "Jobs and logs",
    params(("id" = String, Path, description = "Id of the job")),
    responses((status = 200, body = wire::Success<wire::Job>)),
    extensions(("x-kluis-action" = json!("job.view")), ("x-kluis-file" = json!("jobs")))
)]
pub(super) async fn job_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(job)): Path<Id<JobId>>,
) -> Answer<wire::Job> {
    success(app.engine.job_read(&caller, job).await?.into())
}

/// Cancel a job
///
/// For owners, admins, and whoever asked for it. A job that waits ends at once; one that runs ends at its next step. A cancelled
/// job reads as failed. 409 when it has ended.
#[utoipa::path(
    post,
    path = "/v1/jobs/{id}/cancel",
    tag = "Jobs and logs",
    params(("id" = String, Path, description = "Id of the job")),
    responses((status = 200, body = wire::Success<wire::Job>)),
    extensions(("x-kluis-action" = json!("job.cancel")), ("x-kluis-file" = json!("jobs")))
)]
pub(super) async fn job_cancel(
    State(app): State<App>,
    caller: Caller,
    Path(Id(job)): Path<Id<JobId>>,
    _: NoBody,
) -> Answer<wire::Job> {
    success(app.engine.job_cancel(&caller, job).await?.into())
}
