//! `GET, POST /v1/clusters`; `GET, PUT, PATCH, DELETE /v1/clusters/{id}`; `GET, PATCH …/configuration`; `POST …/test`;
//! `GET …/records`; `POST …/rotate`.

use axum::extract::State;
use kluis_engine::{Cluster, ClusterId};

use super::paging::{Field, List, ListItem};
use super::record::Entry;
use super::wire::{self, Answer, ListAnswer, accepted, created, success};
use super::{Json, OptionalJson, Path, Query};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

impl ListItem for (Cluster, u64) {
    const NAME: &'static str = "clusters";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |(cluster, _)| cluster.created_at.into()),
        Field::time("updated_at", |(cluster, _)| cluster.updated_at.into()),
        Field::time("last_checked_at", |(cluster, _)| {
            cluster.last_checked_at.into()
        }),
        Field::text("name", |(cluster, _)| cluster.name.as_str().into()),
        Field::word("engine", |(cluster, _)| cluster.kind.as_str().into()),
        Field::text("region", |(cluster, _)| cluster.region.as_str().into()),
        Field::word("status", |(cluster, _)| cluster.status.as_str().into()),
    ];

    fn id(&self) -> [u8; 16] {
        *self.0.id.bytes()
    }
}

/// List clusters
#[utoipa::path(
    get,
    path = "/v1/clusters",
    tag = "Cluster management",
    params(List::<(Cluster, u64)>),
    responses((status = 200, body = wire::Listed<wire::Cluster>)),
    extensions(("x-kluis-action" = json!("cluster.list")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn cluster_list(
    State(app): State<App>,
    caller: Caller,
    list: List<(Cluster, u64)>,
) -> ListAnswer<wire::Cluster> {
    let list = list.open(&app.engine, &caller)?;
    list.page(app.engine.cluster_list(&caller).await?)
}

/// Create a cluster
///
/// For owners and admins. 409 when the name is taken.
#[utoipa::path(
    post,
    path = "/v1/clusters",
    tag = "Cluster management",
    request_body = wire::ClusterPut,
    responses((status = 201, body = wire::Success<wire::Cluster>)),
    extensions(("x-kluis-action" = json!("cluster.create")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn cluster_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::ClusterPut>,
) -> Answer<wire::Cluster> {
    let made = app.engine.cluster_create(&caller, body.create()?);
    created(made.await?.into())
}

/// Read a cluster
#[utoipa::path(
    get,
    path = "/v1/clusters/{id}",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster")),
    responses((status = 200, body = wire::Success<wire::Cluster>)),
    extensions(("x-kluis-action" = json!("cluster.view")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn cluster_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
) -> Answer<wire::Cluster> {
    success(app.engine.cluster_read(&caller, cluster).await?.into())
}

/// Replace a cluster
///
/// What is optional and left out is reset.
#[utoipa::path(
    put,
    path = "/v1/clusters/{id}",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster")),
    request_body = wire::ClusterPut,
    responses((status = 200, body = wire::Success<wire::Cluster>)),
    extensions(("x-kluis-action" = json!("cluster.update")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn cluster_replace(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
    Json(body): Json<wire::ClusterPut>,
) -> Answer<wire::Cluster> {
    let changed = app.engine.cluster_update(&caller, cluster, body.replace()?);
    success(changed.await?.into())
}

/// Change a cluster
///
/// Members that are left out stay as they are; null resets. 409 when it is to become another engine while something of it is in
/// use.
#[utoipa::path(
    patch,
    path = "/v1/clusters/{id}",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster")),
    request_body = wire::ClusterUpdate,
    responses((status = 200, body = wire::Success<wire::Cluster>)),
    extensions(("x-kluis-action" = json!("cluster.update")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn cluster_update(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
    Json(body): Json<wire::ClusterUpdate>,
) -> Answer<wire::Cluster> {
    let changed = app.engine.cluster_update(&caller, cluster, body.change()?);
    success(changed.await?.into())
}

/// Delete a cluster
///
/// 409 when records are bound to it or leases of it live, unless `force=true` lets the first go and revokes the second. A lease
/// whose server does not answer is revoked when it does.
#[utoipa::path(
    delete,
    path = "/v1/clusters/{id}",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster"), wire::ClusterForce),
    responses((status = 200, body = wire::Success<wire::Deleted>)),
    extensions(("x-kluis-action" = json!("cluster.delete")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn cluster_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
    Query(with): Query<wire::ClusterForce>,
) -> Answer<wire::Deleted> {
    app.engine
        .cluster_delete(&caller, cluster, with.force)
        .await?;
    success(wire::Deleted::cluster(cluster))
}

/// Read a cluster's configuration
#[utoipa::path(
    get,
    path = "/v1/clusters/{id}/configuration",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster")),
    responses((status = 200, body = wire::Success<wire::Configuration>)),
    extensions(("x-kluis-action" = json!("cluster.view")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn configuration_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
) -> Answer<wire::Configuration> {
    let (cluster, _) = app.engine.cluster_read(&caller, cluster).await?;
    success(wire::Configuration::of(&cluster))
}

/// Change a cluster's configuration
///
/// Members that are left out stay as they are; null resets.
#[utoipa::path(
    patch,
    path = "/v1/clusters/{id}/configuration",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster")),
    request_body = wire::ConfigurationUpdate,
    responses((status = 200, body = wire::Success<wire::Configuration>)),
    extensions(("x-kluis-action" = json!("cluster.update")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn configuration_update(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
    Json(body): Json<wire::ConfigurationUpdate>,
) -> Answer<wire::Configuration> {
    let changed = app.engine.cluster_update(&caller, cluster, body.change());
    success(wire::Configuration::of(&changed.await?.0))
}

/// Test a cluster
///
/// Tries to log in: with the cluster's admin record, for owners and admins, or with a given record, for whoever may read it. A
/// failed test is answered with 200 too. 400 for an engine that this cannot be done on.
#[utoipa::path(
    post,
    path = "/v1/clusters/{id}/test",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster")),
    request_body = Option<wire::OneRecord>,
    responses((status = 200, body = wire::Success<wire::ClusterTest>)),
    extensions(("x-kluis-action" = json!("cluster.test")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn cluster_test(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
    OptionalJson(body): OptionalJson<wire::OneRecord>,
) -> Answer<wire::ClusterTest> {
    let record = wire::OneRecord::of(body);
    let tested = app.engine.cluster_test(&caller, cluster, record);
    success(tested.await?.into())
}

/// List the records bound to a cluster
///
/// Those that the caller sees.
#[utoipa::path(
    get,
    path = "/v1/clusters/{id}/records",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster"), List::<Entry>),
    responses((status = 200, body = wire::Listed<wire::Record>)),
    extensions(("x-kluis-action" = json!("cluster.records")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn cluster_record_list(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
    list: List<Entry>,
) -> ListAnswer<wire::Record> {
    let list = list
        .within(&cluster.to_string())
        .open(&app.engine, &caller)?;
    let records = app.engine.cluster_record_list(&caller, cluster).await?;
    list.page(records.into_iter().map(Entry::from).collect())
}

/// Rotate passwords
///
/// Of the given record, or of all that are bound to the cluster: a new password is set on the server and becomes the record's new
/// version. The job's result says what became of each.
#[utoipa::path(
    post,
    path = "/v1/clusters/{id}/rotate",
    tag = "Cluster management",
    params(("id" = String, Path, description = "Id of the cluster")),
    request_body = Option<wire::OneRecord>,
    responses((status = 202, body = wire::Success<wire::Job>)),
    extensions(("x-kluis-action" = json!("cluster.rotate")), ("x-kluis-file" = json!("clusters")))
)]
pub(super) async fn cluster_rotate(
    State(app): State<App>,
    caller: Caller,
    Path(Id(cluster)): Path<Id<ClusterId>>,
    OptionalJson(body): OptionalJson<wire::OneRecord>,
) -> Answer<wire::Job> {
    let record = wire::OneRecord::of(body);
    let job = app.engine.cluster_rotate(&caller, cluster, record);
    accepted(job.await?.into())
}
