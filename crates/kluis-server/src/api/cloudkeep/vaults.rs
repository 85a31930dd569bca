//! `GET, POST /api/v1/vaults`; `GET, PATCH, DELETE /api/v1/vaults/{vault_id}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::Contents;

use super::error::Failure;
use super::{Answer, Json, Path, created, found, wire};
use crate::app::App;
use crate::caller::Caller;

/// List vaults
///
/// All vaults that the caller can reach, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/vaults",
    tag = "vaults",
    responses((status = 200, body = wire::Data<Vec<wire::Vault>>)),
    extensions(("x-kluis-action" = json!("vault.list")))
)]
pub(super) async fn vault_list(State(app): State<App>, caller: Caller) -> Answer<Vec<wire::Vault>> {
    let vaults = app.engine.vault_list(&caller).await?;
    found(vaults.into_iter().map(wire::Vault::from).collect())
}

/// Create a vault
///
/// The caller becomes its owner. 409 when the name is taken.
#[utoipa::path(
    post,
    path = "/api/v1/vaults",
    tag = "vaults",
    request_body = wire::VaultCreate,
    responses((status = 201, body = wire::Data<wire::Vault>)),
    extensions(("x-kluis-action" = json!("vault.create")))
)]
pub(super) async fn vault_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::VaultCreate>,
) -> Answer<wire::Vault> {
    let vault = app.engine.vault_create(&caller, body.try_into()?).await?;
    created(vault.into())
}

/// Read a vault
#[utoipa::path(
    get,
    path = "/api/v1/vaults/{vault_id}",
    tag = "vaults",
    params(wire::VaultAt),
    responses((status = 200, body = wire::Data<wire::Vault>)),
    extensions(("x-kluis-action" = json!("vault.view")))
)]
pub(super) async fn vault_read(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::VaultAt>,
) -> Answer<wire::Vault> {
    found(app.engine.vault_read(&caller, at.vault_id.0).await?.into())
}

/// Rename or describe a vault
///
/// Members that are left out stay as they are. 409 when the name is taken.
#[utoipa::path(
    patch,
    path = "/api/v1/vaults/{vault_id}",
    tag = "vaults",
    params(wire::VaultAt),
    request_body = wire::VaultUpdate,
    responses((status = 200, body = wire::Data<wire::Vault>)),
    extensions(("x-kluis-action" = json!("vault.update")))
)]
pub(super) async fn vault_update(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::VaultAt>,
    Json(body): Json<wire::VaultUpdate>,
) -> Answer<wire::Vault> {
    found(
        app.engine
            .vault_update(&caller, at.vault_id.0, body.try_into()?)
            .await?
            .into(),
    )
}

/// Delete a vault
///
/// The vault and all its secrets are gone at once and for good.
#[utoipa::path(
    delete,
    path = "/api/v1/vaults/{vault_id}",
    tag = "vaults",
    params(wire::VaultAt),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("vault.delete")))
)]
pub(super) async fn vault_delete(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::VaultAt>,
) -> Result<StatusCode, Failure> {
    app.engine
        .vault_delete(&caller, at.vault_id.0, Contents::Any)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
