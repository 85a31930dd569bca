//! `GET /v1/integrations/types`; `GET, POST /v1/integrations`; `GET, PUT, PATCH, DELETE /v1/integrations/{id}`;
//! `POST /v1/integrations/{id}/{test,sync}`; `GET /v1/integrations/{id}/runs`.

use axum::extract::State;
use kluis_engine::{Integration, IntegrationId, IntegrationRun, IntegrationWords, RunFilter};

use super::paging::{Cell, Field, List, ListItem};
use super::wire::{self, Answer, ListAnswer, accepted, created, success};
use super::{Json, NoBody, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

/// What targets get, in the words of this API.
pub(crate) const WORDS: IntegrationWords = IntegrationWords {
    headers: wire::push_headers,
    consignment: wire::push,
    report: wire::report,
    signature: wire::signature,
};

impl ListItem for Integration {
    const NAME: &'static str = "integrations";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |integration| integration.created_at.into()),
        Field::time("updated_at", |integration| integration.updated_at.into()),
        Field::time("last_sync_at", |integration| {
            integration.last_sync_at.into()
        }),
        Field::text("name", |integration| integration.name.as_str().into()),
        Field::word("type", |integration| {
            integration.target.kind().as_str().into()
        }),
        Field::word("status", |integration| integration.status.as_str().into()),
        Field::word("enabled", |integration| {
            if integration.enabled { "true" } else { "false" }.into()
        }),
        Field::word("collection", |integration| {
            match &integration.selector.vault_name {
                Some(name) => name.as_str().into(),
                None => Cell::Absent,
            }
        }),
    ];

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

impl ListItem for IntegrationRun {
    const NAME: &'static str = "runs";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |run| run.created_at.into()),
        Field::word("status", |run| run.status.as_str().into()),
        Field::word("cause", |run| run.cause.as_str().into()),
    ];
    const STORED: bool = true;

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

/// List the types of integrations
#[utoipa::path(
    get,
    path = "/v1/integrations/types",
    tag = "Integrations",
    responses((status = 200, body = wire::Success<Vec<wire::IntegrationType>>)),
    extensions(("x-kluis-action" = json!("integration.types")), ("x-kluis-file" = json!("integrations")))
)]
pub(super) async fn integration_kind_list(
    State(app): State<App>,
    caller: Caller,
) -> Answer<Vec<wire::IntegrationType>> {
    let kinds = app.engine.integration_kind_list(&caller).await?;
    let types = kinds.into_iter().map(wire::IntegrationType::of);
    success(types.collect::<Result<_, _>>()?)
}

/// List integrations
///
/// Owners and admins see all; others those of collections in which they see every name.
#[utoipa::path(
    get,
    path = "/v1/integrations",
    tag = "Integrations",
    params(List::<Integration>),
    responses((status = 200, body = wire::Listed<wire::Integration>)),
    extensions(("x-kluis-action" = json!("integration.list")), ("x-kluis-file" = json!("integrations")))
)]
pub(super) async fn integration_list(
    State(app): State<App>,
    caller: Caller,
    list: List<Integration>,
) -> ListAnswer<wire::Integration> {
    let list = list.open(&app.engine, &caller)?;
    let integrations = app.engine.integration_list(&caller).await?;
    list.page_of(integrations, wire::Integration::of)
}

/// Create an integration
///
/// For owners and admins, who have to be allowed to read every record that it would send, and its credential. It reads with the rights
/// of whoever makes it. 409 when its name or its file is taken, or there are 100.
#[utoipa::path(
    post,
    path = "/v1/integrations",
    tag = "Integrations",
    request_body = wire::IntegrationPut,
    responses((status = 201, body = wire::Success<wire::IntegrationShown>)),
    extensions(("x-kluis-action" = json!("integration.create")), ("x-kluis-file" = json!("integrations")))
)]
pub(super) async fn integration_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::IntegrationPut>,
) -> Answer<wire::IntegrationShown> {
    let made = app.engine.integration_create(&caller, body.create()?);
    created(wire::IntegrationShown::of(made.await?)?)
}

/// Read an integration
#[utoipa::path(
    get,
    path = "/v1/integrations/{id}",
    tag = "Integrations",
    params(("id" = String, Path, description = "Id of the integration")),
    responses((status = 200, body = wire::Success<wire::Integration>)),
    extensions(("x-kluis-action" = json!("integration.view")), ("x-kluis-file" = json!("integrations")))
)]
pub(super) async fn integration_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(integration)): Path<Id<IntegrationId>>,
) -> Answer<wire::Integration> {
    let read = app.engine.integration_read(&caller, integration).await?;
    success(wire::Integration::of(read)?)
}

/// Replace an integration
///
/// What is optional and left out is reset; the type stays, and so does the secret. Whoever says anew what is sent, or where to, has to be
/// allowed to read all of it, and the integration reads with their rights from then on.
#[utoipa::path(
    put,
    path = "/v1/integrations/{id}",
    tag = "Integrations",
    params(("id" = String, Path, description = "Id of the integration")),
    request_body = wire::IntegrationPut,
    responses((status = 200, body = wire::Success<wire::Integration>)),
    extensions(("x-kluis-action" = json!("integration.update")), ("x-kluis-file" = json!("integrations")))
)]
pub(super) async fn integration_replace(
    State(app): State<App>,
    caller: Caller,
    Path(Id(integration)): Path<Id<IntegrationId>>,
    Json(body): Json<wire::IntegrationPut>,
) -> Answer<wire::Integration> {
    let change = body.replace()?;
    let changed = app.engine.integration_update(&caller, integration, change);
    success(wire::Integration::of(changed.await?)?)
}

/// Change an integration
///
/// Members that are left out stay as they are; null resets. Rights as for a replacement.
#[utoipa::path(
    patch,
    path = "/v1/integrations/{id}",
    tag = "Integrations",
    params(("id" = String, Path, description = "Id of the integration")),
    request_body = wire::IntegrationUpdate,
    responses((status = 200, body = wire::Success<wire::Integration>)),
    extensions(("x-kluis-action" = json!("integration.update")), ("x-kluis-file" = json!("integrations")))
)]
pub(super) async fn integration_update(
    State(app): State<App>,
    caller: Caller,
    Path(Id(integration)): Path<Id<IntegrationId>>,
    Json(body): Json<wire::IntegrationUpdate>,
) -> Answer<wire::Integration> {
    let change = body.change()?;
    let changed = app.engine.integration_update(&caller, integration, change);
    success(wire::Integration::of(changed.await?)?)
}

/// Delete an integration
///
/// With its history. Nothing is sent from then on. A file that it has written on the server's machine is removed; what is at other
/// targets stays there.
#[utoipa::path(
    delete,
    path = "/v1/integrations/{id}",
    tag = "Integrations",
    params(("id" = String, Path, description = "Id of the integration")),
    responses((status = 200, body = wire::Success<wire::Deleted>)),
    extensions(("x-kluis-action" = json!("integration.delete")), ("x-kluis-file" = json!("integrations")))
)]
pub(super) async fn integration_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(integration)): Path<Id<IntegrationId>>,
) -> Answer<wire::Deleted> {
    app.engine.integration_delete(&caller, integration).await?;
    success(wire::Deleted::integration(integration))
}

/// Try an integration out
///
/// Asks its target, without sending any record, and answers with what came of it: 200 also when a sync would fail.
#[utoipa::path(
    post,
    path = "/v1/integrations/{id}/test",
    tag = "Integrations",
    params(("id" = String, Path, description = "Id of the integration")),
    responses((status = 200, body = wire::Success<wire::IntegrationTest>)),
    extensions(("x-kluis-action" = json!("integration.test")), ("x-kluis-file" = json!("integrations")))
)]
pub(super) async fn integration_test(
    State(app): State<App>,
    caller: Caller,
    Path(Id(integration)): Path<Id<IntegrationId>>,
    _: NoBody,
) -> Answer<wire::IntegrationTest> {
    let tried = app.engine.integration_test(&caller, integration).await?;
    success(tried.into())
}

/// Bring the target of an integration up to date
///
/// Sends everything that is selected, what is there already too. 409 where the integration is not enabled.
#[utoipa::path(
    post,
    path = "/v1/integrations/{id}/sync",
    tag = "Integrations",
    params(("id" = String, Path, description = "Id of the integration")),
    responses((status = 202, body = wire::Success<wire::Job>)),
    extensions(("x-kluis-action" = json!("integration.sync")), ("x-kluis-file" = json!("integrations")))
)]
pub(super) async fn integration_sync(
    State(app): State<App>,
    caller: Caller,
    Path(Id(integration)): Path<Id<IntegrationId>>,
    _: NoBody,
) -> Answer<wire::Job> {
    let job = app.engine.integration_sync(&caller, integration).await?;
    accepted(job.into())
}

/// List the runs of an integration
///
/// The last 200, for 30 days.
#[utoipa::path(
    get,
    path = "/v1/integrations/{id}/runs",
    tag = "Integrations",
    params(("id" = String, Path, description = "Id of the integration"), List::<IntegrationRun>),
    responses((status = 200, body = wire::Listed<wire::IntegrationRun>)),
    extensions(("x-kluis-action" = json!("integration.runs")), ("x-kluis-file" = json!("integrations")))
)]
pub(super) async fn integration_run_list(
    State(app): State<App>,
    caller: Caller,
    Path(Id(integration)): Path<Id<IntegrationId>>,
    list: List<IntegrationRun>,
) -> ListAnswer<wire::IntegrationRun> {
    let list = list
        .within(&integration.to_string())
        .open(&app.engine, &caller)?;
    let filter = RunFilter {
        statuses: list.words("status"),
        causes: list.words("cause"),
    };
    let query = list.stored();
    let engine = &app.engine;
    let page = engine.integration_run_list(&caller, integration, &filter, &query);
    list.paged(page.await?)
}
