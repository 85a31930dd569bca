//! `POST /api/v1/vault/initialize`; `GET /api/v1/vault/info`; `GET /api/v1/vault/unlock`; `DELETE /api/v1/vault`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kluis_engine::Error;

use super::error::Failure;
use super::{Answer, Done, Json, Query, created, found, wire};
use crate::api::reply::json_keeping;
use crate::app::App;
use crate::caller::Caller;

/// Initialize the vault
///
/// What the keys are made of stays with the client. 409 when the organization has a vault.
#[utoipa::path(
    post,
    path = "/api/v1/vault/initialize",
    tag = "vault",
    request_body = wire::VaultCreate,
    responses((status = 201, body = wire::VaultCreated)),
    extensions(("x-kluis-action" = json!("zk_vault.create")))
)]
pub(super) async fn vault_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::VaultCreate>,
) -> Answer<wire::VaultCreated> {
    let (new, answering) = body.parse()?;
    let vault = app.engine.zk_vault_create(&caller, new).await?;
    created(answering.of(vault))
}

/// Read about the vault
#[utoipa::path(
    get,
    path = "/api/v1/vault/info",
    tag = "vault",
    responses((status = 200, body = wire::VaultInfo), (status = 404, description = "There is no vault")),
    extensions(("x-kluis-action" = json!("zk_vault.view")))
)]
pub(super) async fn vault_read(State(app): State<App>, caller: Caller) -> Answer<wire::VaultInfo> {
    found(app.engine.zk_vault_read(&caller).await?.into())
}

/// Unlock the vault
///
/// Hands out what the proven key opens, and every secret that the caller may read. A hash that proves no key is answered with
/// nulls; too many of them with 429.
#[utoipa::path(
    get,
    path = "/api/v1/vault/unlock",
    tag = "vault",
    params(wire::UnlockQuery),
    responses((status = 200, body = wire::Unlocked), (status = 404, description = "There is no vault")),
    extensions(("x-kluis-action" = json!("zk_vault.unlock")))
)]
pub(super) async fn vault_unlock(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<wire::UnlockQuery>,
) -> Result<Response, Failure> {
    let proof = query.proof().map_err(wire::in_query)?;
    let unlocked = app.engine.zk_vault_unlock(&caller, proof).await;
    let unlocked = unlocked.map_err(|error| match error {
        // The engine's word for it is another one.
        Error::Invalid(_) => Error::missing("auth_hash"),
        error => error,
    });
    let (body, hold) = wire::Unlocked::of(unlocked.map_err(wire::in_query)?);
    Ok(json_keeping(&body, hold))
}

/// Delete the vault
///
/// All keys, secrets and access rules go with it, for good.
#[utoipa::path(
    delete,
    path = "/api/v1/vault",
    tag = "vault",
    responses((status = 204), (status = 404, description = "There is no vault")),
    extensions(("x-kluis-action" = json!("zk_vault.delete")))
)]
pub(super) async fn vault_delete(State(app): State<App>, caller: Caller) -> Done {
    app.engine.zk_vault_delete(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
