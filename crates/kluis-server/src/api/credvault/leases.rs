//! `GET, POST /v1/clusters/{id}/leases`; `DELETE /v1/clusters/{id}/leases/{lease_id}`.

use axum::extract::State;
use kluis_engine::{ClusterId, Lease, LeaseId};

use super::paging::{Field, List, ListItem};
use super::wire::{self, Answer, ListAnswer, created, success};
use super::{Json, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

impl ListItem for Lease {
    const NAME: &'static str = "leases";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |lease| lease.created_at.into()),
        Field::time("expires_at", |lease| lease.expires_at.into()),
        Field::time("ended_at", |lease| lease.ended_at.into()),
        Field::word("template", |lease| lease.template.as_str().into()),
        Field::word("username", |lease| lease.username.as_str().into()),
        Field::word("status", |lease| lease.state.as_str().into()),
    ];

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

/// List leases
///
/// All of the cluster for owners and admins, their own for others; those that have ended for 30 days. Never shows a password.
#[utoipa::path(
    get,
    path = "/v1/clusters/{id}/leases",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster"), List::<Lease>),
    responses((status = 200, body = wire::Listed<wire::Lease>)),
    extensions(("x-kluis-action" = json!("lease.list")), ("x-kluis-file" = json!("leases")))
)]
pub(super) async fn lease_list(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
    list: List<Lease>,
) -> ListAnswer<wire::Lease> {
    let list = list
        .within(&cluster.to_string())
        .open(&app.engine, &caller)?;
    list.page(app.engine.lease_list(&caller, cluster).await?)
}

/// Lease a database user
///
/// Made by one of the cluster's templates that names the caller, and dropped when its time is over. The password is shown once. 503
/// when the database server does not answer or refuses.
#[utoipa::path(
    post,
    path = "/v1/clusters/{id}/leases",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster")),
    request_body = wire::LeaseCreate,
    responses((status = 201, body = wire::Success<wire::LeaseShown>)),
    extensions(("x-kluis-action" = json!("lease.create")), ("x-kluis-file" = json!("leases")))
)]
pub(super) async fn lease_create(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
    Json(body): Json<wire::LeaseCreate>,
) -> Answer<wire::LeaseShown> {
    let leased = app.engine.lease_create(&caller, cluster, body.into());
    created(leased.await?.into())
}

/// Revoke a lease
///
/// Its database user is gone when this answers 200. 503 when the database server does not answer: it is tried again until it does.
#[utoipa::path(
    delete,
    path = "/v1/clusters/{id}/leases/{lease_id}",
    tag = "Cluster management",
    params(
        ("id" = String, Path, description = "Id of the cluster"),
        ("lease_id" = String, Path, description = "Id of the lease")
    ),
    responses((status = 200, body = wire::Success<wire::Deleted>)),
    extensions(("x-kluis-action" = json!("lease.revoke")), ("x-kluis-file" = json!("leases")))
)]
pub(super) async fn lease_delete(
    State(app): State<App>,
    caller: Caller,
    Path((Id(cluster), Id(lease))): Path<(Id<ClusterId>, Id<LeaseId>)>,
) -> Answer<wire::Deleted> {
    app.engine.lease_delete(&caller, cluster, lease).await?;
    success(wire::Deleted::lease(lease))
}
