//! `GET, POST /api/v1/vault/secrets`; `GET, PATCH, DELETE /api/v1/vault/secrets/{secret_id}`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::error::Failure;
use super::{Answer, Done, Json, Path, Query, created, found, wire};
use crate::api::reply::json_keeping;
use crate::app::App;
use crate::caller::Caller;

/// List secrets
///
/// Newest first, without payloads; for an agent those that it has an access rule for.
#[utoipa::path(
    get,
    path = "/api/v1/vault/secrets",
    tag = "secrets",
    params(wire::SecretQuery),
    responses((status = 200, body = Vec<wire::Secret>), (status = 404, description = "There is no vault")),
    extensions(("x-kluis-action" = json!("zk_item.list")))
)]
pub(super) async fn secret_list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<wire::SecretQuery>,
) -> Result<Response, Failure> {
    let (items, hold) = app.engine.zk_item_list(&caller, query.kind()?).await?;
    let secrets: Vec<_> = items.into_iter().map(wire::Secret::from).collect();
    Ok(json_keeping(&secrets, hold))
}

/// Create a secret
///
/// Under the id that its client has bound into the payload. 409 when that is taken, or was.
#[utoipa::path(
    post,
    path = "/api/v1/vault/secrets",
    tag = "secrets",
    request_body = wire::SecretCreate,
    responses((status = 201, body = wire::Secret), (status = 404, description = "There is no vault")),
    extensions(("x-kluis-action" = json!("zk_item.create")))
)]
pub(super) async fn secret_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::SecretCreate>,
) -> Answer<wire::Secret> {
    let item = app.engine.zk_item_create(&caller, body.parse()?).await?;
    created(item.into())
}

/// Read a secret
///
/// With its payload. 403 for an agent without an access rule.
#[utoipa::path(
    get,
    path = "/api/v1/vault/secrets/{secret_id}",
    tag = "secrets",
    params(wire::SecretAt),
    responses((status = 200, body = wire::Secret)),
    extensions(("x-kluis-action" = json!("zk_item.read")))
)]
pub(super) async fn secret_read(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::SecretAt>,
) -> Answer<wire::Secret> {
    found(app.engine.zk_item_read(&caller, at.item()?).await?.into())
}

/// Change a secret
///
/// Members that are left out stay as they are; null takes the description away.
#[utoipa::path(
    patch,
    path = "/api/v1/vault/secrets/{secret_id}",
    tag = "secrets",
    params(wire::SecretAt),
    request_body = wire::SecretUpdate,
    responses((status = 200, body = wire::Secret)),
    extensions(("x-kluis-action" = json!("zk_item.update")))
)]
pub(super) async fn secret_update(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::SecretAt>,
    Json(body): Json<wire::SecretUpdate>,
) -> Answer<wire::Secret> {
    let (item, change) = (at.item()?, body.parse()?);
    let item = app.engine.zk_item_update(&caller, item, change).await?;
    found(item.into())
}

/// Delete a secret
///
/// Its access rules go with it, and its id is not used again.
#[utoipa::path(
    delete,
    path = "/api/v1/vault/secrets/{secret_id}",
    tag = "secrets",
    params(wire::SecretAt),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("zk_item.delete")))
)]
pub(super) async fn secret_delete(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::SecretAt>,
) -> Done {
    app.engine.zk_item_delete(&caller, at.item()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
