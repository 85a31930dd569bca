//! `GET, POST /v1/resources`; `GET, PUT, PATCH, DELETE /v1/resources/{id}`: the records of the collection `default`.

use axum::extract::State;
use kluis_engine::{DEFAULT_NAME, Engine, SecretId};

use super::if_match::IfMatch;
use super::paging::List;
use super::record::{Entry, Records};
use super::wire::{self, Answer, ListAnswer};
use super::{Json, Path, Query};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

fn resources<'a>(engine: &'a Engine, caller: &'a Caller) -> Records<'a> {
    Records {
        engine,
        caller,
        collection: DEFAULT_NAME,
    }
}

/// List resources
///
/// Never shows a secret.
#[utoipa::path(
    get,
    path = "/v1/resources",
    tag = "Resources",
    params(List::<Entry>),
    responses((status = 200, body = wire::Listed<wire::Record>)),
    extensions(("x-kluis-action" = json!("secret.list")), ("x-kluis-file" = json!("resources")))
)]
pub(super) async fn resource_list(
    State(app): State<App>,
    caller: Caller,
    list: List<Entry>,
) -> ListAnswer<wire::Record> {
    resources(&app.engine, &caller).list(list).await
}

/// Create a resource
///
/// 409 when the name is taken.
#[utoipa::path(
    post,
    path = "/v1/resources",
    tag = "Resources",
    request_body = wire::RecordPut,
    responses((status = 201, body = wire::Success<wire::Record>)),
    extensions(("x-kluis-action" = json!("secret.write")), ("x-kluis-file" = json!("resources")))
)]
pub(super) async fn resource_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::RecordPut>,
) -> Answer<wire::Record> {
    resources(&app.engine, &caller).create(body).await
}

/// Read a resource
///
/// With its secret, if `reveal=true` asks for that: 404 then when there is none to be had. Every revelation is recorded.
#[utoipa::path(
    get,
    path = "/v1/resources/{id}",
    tag = "Resources",
    params(("id" = String, Path, description = "Id of the resource"), wire::Reveal),
    responses((status = 200, body = wire::Success<wire::RecordShown>)),
    extensions(("x-kluis-action" = json!("secret.view")), ("x-kluis-file" = json!("resources")))
)]
pub(super) async fn resource_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(resource)): Path<Id<SecretId>>,
    Query(with): Query<wire::Reveal>,
) -> Answer<wire::RecordShown> {
    let resources = resources(&app.engine, &caller);
    resources.read(resource, with.reveal).await
}

/// Replace a resource
///
/// What is left out is reset, but for the secret, which stays.
#[utoipa::path(
    put,
    path = "/v1/resources/{id}",
    tag = "Resources",
    params(("id" = String, Path, description = "Id of the resource"), wire::IfMatchHeader),
    request_body = wire::RecordPut,
    responses((status = 200, body = wire::Success<wire::Record>)),
    extensions(("x-kluis-action" = json!("secret.write")), ("x-kluis-file" = json!("resources")))
)]
pub(super) async fn resource_replace(
    State(app): State<App>,
    caller: Caller,
    Path(Id(resource)): Path<Id<SecretId>>,
    IfMatch(expected): IfMatch,
    Json(body): Json<wire::RecordPut>,
) -> Answer<wire::Record> {
    let write = body.replace(DEFAULT_NAME, expected)?;
    resources(&app.engine, &caller).write(resource, write).await
}

/// Change a resource
///
/// As a JSON merge patch: what is left out stays, null resets.
#[utoipa::path(
    patch,
    path = "/v1/resources/{id}",
    tag = "Resources",
    params(("id" = String, Path, description = "Id of the resource"), wire::IfMatchHeader),
    request_body = wire::RecordUpdate,
    responses((status = 200, body = wire::Success<wire::Record>)),
    extensions(("x-kluis-action" = json!("secret.write")), ("x-kluis-file" = json!("resources")))
)]
pub(super) async fn resource_update(
    State(app): State<App>,
    caller: Caller,
    Path(Id(resource)): Path<Id<SecretId>>,
    IfMatch(expected): IfMatch,
    Json(body): Json<wire::RecordUpdate>,
) -> Answer<wire::Record> {
    let write = body.change(DEFAULT_NAME, expected)?;
    resources(&app.engine, &caller).write(resource, write).await
}

/// Delete a resource
///
/// With all its versions, at once.
#[utoipa::path(
    delete,
    path = "/v1/resources/{id}",
    tag = "Resources",
    params(("id" = String, Path, description = "Id of the resource"), wire::IfMatchHeader),
    responses((status = 200, body = wire::Success<wire::Deleted>)),
    extensions(("x-kluis-action" = json!("secret.delete")), ("x-kluis-file" = json!("resources")))
)]
pub(super) async fn resource_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(resource)): Path<Id<SecretId>>,
    IfMatch(expected): IfMatch,
) -> Answer<wire::Deleted> {
    let resources = resources(&app.engine, &caller);
    resources.delete(resource, expected).await
}
