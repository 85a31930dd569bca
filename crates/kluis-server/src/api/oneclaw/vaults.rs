//! `GET, POST /v1/vaults`; `GET, DELETE /v1/vaults/{vault_id}`; `POST /v1/vaults/{vault_id}/take-over`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::{Contents, VaultId};

use super::error::Failure;
use super::wire::{self, Answer, created, found};
use super::{Json, NoBody, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

/// List the vaults
///
/// Those that the caller may know of, oldest first.
#[utoipa::path(
    get,
    path = "/v1/vaults",
    tag = "vaults",
    responses((status = 200, body = wire::Vaults)),
    extensions(("x-kluis-action" = json!("vault.list")))
)]
pub(super) async fn vault_list(State(app): State<App>, caller: Caller) -> Answer<wire::Vaults> {
    found(app.engine.vault_list(&caller).await?.into())
}

/// Create a vault
///
/// 409 when the organization has one of this name.
#[utoipa::path(
    post,
    path = "/v1/vaults",
    tag = "vaults",
    request_body = wire::VaultCreate,
    responses((status = 201, body = wire::Vault)),
    extensions(("x-kluis-action" = json!("vault.create")))
)]
pub(super) async fn vault_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::VaultCreate>,
) -> Answer<wire::Vault> {
    let new = body.try_into()?;
    created(app.engine.vault_create(&caller, new).await?.into())
}

/// Read a vault
#[utoipa::path(
    get,
    path = "/v1/vaults/{vault_id}",
    tag = "vaults",
    params(("vault_id" = String, Path, description = "Id of the vault")),
    responses((status = 200, body = wire::Vault)),
    extensions(("x-kluis-action" = json!("vault.view")))
)]
pub(super) async fn vault_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
) -> Answer<wire::Vault> {
    found(app.engine.vault_read(&caller, vault).await?.into())
}

/// Delete a vault
///
/// Its secrets and policies go with it, at once and for good.
#[utoipa::path(
    delete,
    path = "/v1/vaults/{vault_id}",
    tag = "vaults",
    params(("vault_id" = String, Path, description = "Id of the vault")),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("vault.delete")))
)]
pub(super) async fn vault_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
) -> Result<StatusCode, Failure> {
    app.engine
        .vault_delete(&caller, vault, Contents::Any)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a vault over
///
/// It has no maker then: owners and admins alone run it. For owners and admins.
#[utoipa::path(
    post,
    path = "/v1/vaults/{vault_id}/take-over",
    tag = "vaults",
    params(("vault_id" = String, Path, description = "Id of the vault")),
    responses((status = 200, body = wire::Vault)),
    extensions(("x-kluis-action" = json!("vault.take_over")))
)]
pub(super) async fn vault_take_over(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
    _: NoBody,
) -> Answer<wire::Vault> {
    found(app.engine.vault_take_over(&caller, vault).await?.into())
}
