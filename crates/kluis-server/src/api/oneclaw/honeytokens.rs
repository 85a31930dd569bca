//! `GET, POST /v1/risk/honeytokens`; `DELETE /v1/risk/honeytokens/{honeytoken_id}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::HoneytokenId;

use super::error::Failure;
use super::wire::{self, Answer, created, found};
use super::{Json, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

/// List the honeytokens
///
/// Those in the vaults that the caller administers.
#[utoipa::path(
    get,
    path = "/v1/risk/honeytokens",
    tag = "honeytokens",
    responses((status = 200, body = wire::Honeytokens)),
    extensions(("x-kluis-action" = json!("honeytoken.list")))
)]
pub(super) async fn honeytoken_list(
    State(app): State<App>,
    caller: Caller,
) -> Answer<wire::Honeytokens> {
    found(app.engine.honeytoken_list(&caller).await?.into())
}

/// Make a path a honeytoken
///
/// Whoever reads its value, or tries to, leaves an event more and is neither stopped nor told. For whoever administers the
/// vault.
#[utoipa::path(
    post,
    path = "/v1/risk/honeytokens",
    tag = "honeytokens",
    request_body = wire::HoneytokenCreate,
    responses((status = 201, body = wire::Honeytoken), (status = 404, description = "There is no such vault")),
    extensions(("x-kluis-action" = json!("honeytoken.create")))
)]
pub(super) async fn honeytoken_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::HoneytokenCreate>,
) -> Answer<wire::Honeytoken> {
    let new = body.try_into()?;
    created(app.engine.honeytoken_create(&caller, new).await?.into())
}

/// Delete a honeytoken
///
/// The secret stays as it is.
#[utoipa::path(
    delete,
    path = "/v1/risk/honeytokens/{honeytoken_id}",
    tag = "honeytokens",
    params(("honeytoken_id" = String, Path, description = "Id of the honeytoken")),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("honeytoken.delete")))
)]
pub(super) async fn honeytoken_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(honeytoken)): Path<Id<HoneytokenId>>,
) -> Result<StatusCode, Failure> {
    app.engine.honeytoken_delete(&caller, honeytoken).await?;
    Ok(StatusCode::NO_CONTENT)
}
