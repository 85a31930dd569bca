//! `GET /v1/vaults/{vault_id}/secret-versions/{path}`; `POST /v1/vaults/{vault_id}/{secret-restore,secret-purge}/{path}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::VaultId;

use super::error::Failure;
use super::wire::{self, Answer, found};
use super::{NoBody, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

/// List the versions of a secret
///
/// Newest first, without values.
#[utoipa::path(
    get,
    path = "/v1/vaults/{vault_id}/secret-versions/{*path}",
    tag = "versions",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path" = String, Path, description = "Path of the secret; its slashes as they are, or percent-encoded"),
    ),
    responses((status = 200, body = wire::Versions)),
    extensions(("x-kluis-action" = json!("secret.versions")))
)]
pub(super) async fn secret_version_list(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), path)): Path<(Id<VaultId>, String)>,
) -> Answer<wire::Versions> {
    let path = wire::secret_path(path)?;
    found(
        app.engine
            .secret_version_list(&caller, vault, &path)
            .await?
            .try_into()?,
    )
}

/// Undo a deletion
///
/// The versions that it closed can be read again. 409 when none is closed.
#[utoipa::path(
    post,
    path = "/v1/vaults/{vault_id}/secret-restore/{*path}",
    tag = "versions",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path" = String, Path, description = "Path of the secret; its slashes as they are, or percent-encoded"),
    ),
    responses((status = 200, body = wire::Secret)),
    extensions(("x-kluis-action" = json!("secret.restore")))
)]
pub(super) async fn secret_restore(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), path)): Path<(Id<VaultId>, String)>,
    _: NoBody,
) -> Answer<wire::Secret> {
    let path = wire::secret_path(path)?;
    found(
        app.engine
            .secret_restore(&caller, vault, &path)
            .await?
            .try_into()?,
    )
}

/// Make a deletion final
///
/// What it closed is destroyed. 409 when nothing is closed.
#[utoipa::path(
    post,
    path = "/v1/vaults/{vault_id}/secret-purge/{*path}",
    tag = "versions",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path" = String, Path, description = "Path of the secret; its slashes as they are, or percent-encoded"),
    ),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("secret.purge")))
)]
pub(super) async fn secret_purge(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), path)): Path<(Id<VaultId>, String)>,
    _: NoBody,
) -> Result<StatusCode, Failure> {
    let path = wire::secret_path(path)?;
    app.engine.secret_purge(&caller, vault, &path).await?;
    Ok(StatusCode::NO_CONTENT)
}
