//! `GET, POST /api/v1/vaults/{vault_id}/secrets`; `GET, PATCH, DELETE /api/v1/vaults/{vault_id}/secrets/{secret_id}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::{SecretAt, Which};

use super::error::Failure;
use super::{Answer, Json, Path, created, found, wire};
use crate::app::App;
use crate::caller::Caller;

/// List the secrets of a vault
///
/// All secrets that the caller sees, oldest first, with the values that it may read.
#[utoipa::path(
    get,
    path = "/api/v1/vaults/{vault_id}/secrets",
    tag = "secrets",
    params(wire::VaultAt),
    responses((status = 200, body = wire::Data<Vec<wire::Secret>>)),
    extensions(("x-kluis-action" = json!("secret.read")))
)]
pub(super) async fn secret_list(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::VaultAt>,
) -> Answer<Vec<wire::Secret>> {
    let secrets = app
        .engine
        .secret_list_values(&caller, at.vault_id.0)
        .await?;
    found(secrets.into_iter().map(wire::Secret::listed).collect())
}

/// Create a secret
///
/// 409 when the vault has a secret of this key.
#[utoipa::path(
    post,
    path = "/api/v1/vaults/{vault_id}/secrets",
    tag = "secrets",
    params(wire::VaultAt),
    request_body = wire::SecretCreate,
    responses((status = 201, body = wire::Data<wire::Secret>)),
    extensions(("x-kluis-action" = json!("secret.write")))
)]
pub(super) async fn secret_create(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::VaultAt>,
    Json(body): Json<wire::SecretCreate>,
) -> Answer<wire::Secret> {
    let (path, write) = body.parse()?;
    let at_path = SecretAt::Path(path);
    let written = app
        .engine
        .secret_write(&caller, at.vault_id.0, at_path, write)
        .await?;
    created(wire::Secret::created(written))
}

/// Read a secret
#[utoipa::path(
    get,
    path = "/api/v1/vaults/{vault_id}/secrets/{secret_id}",
    tag = "secrets",
    params(wire::SecretAt),
    responses((status = 200, body = wire::Data<wire::Secret>)),
    extensions(("x-kluis-action" = json!("secret.read")))
)]
pub(super) async fn secret_read(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::SecretAt>,
) -> Answer<wire::Secret> {
    let (vault, at) = at.parts();
    found(
        app.engine
            .secret_read(&caller, vault, &at, Which::Current)
            .await?
            .into(),
    )
}

/// Change a secret's value, type or notes
///
/// Members that are left out stay as they are.
#[utoipa::path(
    patch,
    path = "/api/v1/vaults/{vault_id}/secrets/{secret_id}",
    tag = "secrets",
    params(wire::SecretAt),
    request_body = wire::SecretUpdate,
    responses((status = 200, body = wire::Data<wire::Secret>)),
    extensions(("x-kluis-action" = json!("secret.write")))
)]
pub(super) async fn secret_update(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::SecretAt>,
    Json(body): Json<wire::SecretUpdate>,
) -> Answer<wire::Secret> {
    let (vault, at) = at.parts();
    let written = app
        .engine
        .secret_write(&caller, vault, at, body.try_into()?)
        .await?;
    found(wire::Secret::updated(written))
}

/// Delete a secret
///
/// All its versions are gone at once and for good, and its key is free.
#[utoipa::path(
    delete,
    path = "/api/v1/vaults/{vault_id}/secrets/{secret_id}",
    tag = "secrets",
    params(wire::SecretAt),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("secret.delete")))
)]
pub(super) async fn secret_delete(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::SecretAt>,
) -> Result<StatusCode, Failure> {
    let (vault, at) = at.parts();
    app.engine.secret_delete(&caller, vault, at, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
