//! `GET /v1/vaults/{vault_id}/secrets`; `GET, PUT, DELETE, POST /v1/vaults/{vault_id}/secrets/{path}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::{SecretAt, VaultId, Which};

use super::error::Failure;
use super::wire::{self, Answer, created, found};
use super::{Json, Path, Query};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

/// List the secrets of a vault
///
/// Those whose names the caller sees, by path, without values. A deleted path is not among them.
#[utoipa::path(
    get,
    path = "/v1/vaults/{vault_id}/secrets",
    tag = "secrets",
    params(("vault_id" = String, Path, description = "Id of the vault"), wire::SecretsQuery),
    responses((status = 200, body = wire::Secrets)),
    extensions(("x-kluis-action" = json!("secret.list")))
)]
pub(super) async fn secret_list(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
    Query(query): Query<wire::SecretsQuery>,
) -> Answer<wire::Secrets> {
    let secrets = app.engine.secret_list(&caller, vault).await?;
    found(wire::Secrets::under(&query, secrets)?)
}

/// Read a secret
///
/// The newest version that is not disabled, with its value. 410 when that is expired, read as often as it may be, or
/// deleted.
#[utoipa::path(
    get,
    path = "/v1/vaults/{vault_id}/secrets/{*path}",
    tag = "secrets",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path" = String, Path, description = "Path of the secret; its slashes as they are, or percent-encoded"),
    ),
    responses((status = 200, body = wire::RevealedSecret)),
    extensions(("x-kluis-action" = json!("secret.read")))
)]
pub(super) async fn secret_read(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), path)): Path<(Id<VaultId>, String)>,
) -> Answer<wire::RevealedSecret> {
    let at = SecretAt::Path(wire::secret_path(path)?);
    let read = app
        .engine
        .secret_read(&caller, vault, &at, Which::Current)
        .await?;
    found(read.try_into()?)
}

/// Write a secret
///
/// A new version, also where there is none yet. The answer never holds the value.
#[utoipa::path(
    put,
    path = "/v1/vaults/{vault_id}/secrets/{*path}",
    tag = "secrets",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path" = String, Path, description = "Path of the secret; its slashes as they are, or percent-encoded"),
    ),
    request_body = wire::SecretPut,
    responses((status = 201, body = wire::Secret)),
    extensions(("x-kluis-action" = json!("secret.write")))
)]
pub(super) async fn secret_put(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), path)): Path<(Id<VaultId>, String)>,
    Json(body): Json<wire::SecretPut>,
) -> Answer<wire::Secret> {
    let at = SecretAt::Path(wire::secret_path(path)?);
    let written = app
        .engine
        .secret_write(&caller, vault, at, body.try_into()?)
        .await?;
    created(written.info.try_into()?)
}

/// Delete a secret
///
/// Every version is closed, and can be restored for 30 days. The path can be written again.
#[utoipa::path(
    delete,
    path = "/v1/vaults/{vault_id}/secrets/{*path}",
    tag = "secrets",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path" = String, Path, description = "Path of the secret; its slashes as they are, or percent-encoded"),
    ),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("secret.delete")))
)]
pub(super) async fn secret_close(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), path)): Path<(Id<VaultId>, String)>,
) -> Result<StatusCode, Failure> {
    let path = wire::secret_path(path)?;
    app.engine.secret_close(&caller, vault, &path).await?;
    Ok(StatusCode::NO_CONTENT)
}
