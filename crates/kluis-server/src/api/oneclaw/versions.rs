//! `GET /v1/vaults/{vault_id}/secret-versions/{path}`; `GET …/secret-version/{path}/{n}`; `POST …/{secret-version-disable}/{path}/{n}`,
//! `…/{secret-rotate,secret-restore,secret-purge}/{path}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::{Error, SecretAt, VaultId, Which};

use super::error::Failure;
use super::wire::{self, Answer, created, found};
use super::{NoBody, OptionalJson, Path};
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
    let at = SecretAt::Path(wire::secret_path(path)?);
    found(
        app.engine
            .secret_version_list(&caller, vault, &at)
            .await?
            .try_into()?,
    )
}

/// Read one version of a secret
///
/// With its value. The last segment is the version's number. 410 when it is disabled or expired.
#[utoipa::path(
    get,
    path = "/v1/vaults/{vault_id}/secret-version/{*path_and_version}",
    tag = "versions",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path_and_version" = String, Path, description = "Path of the secret and, behind a slash, the number of the version"),
    ),
    responses((status = 200, body = wire::RevealedSecret)),
    extensions(("x-kluis-action" = json!("secret.read")))
)]
pub(super) async fn secret_version_read(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), at)): Path<(Id<VaultId>, String)>,
) -> Answer<wire::RevealedSecret> {
    let (path, number) = wire::path_and_version(&at)?;
    let at = SecretAt::Path(path);
    let which = Which::Number(number);
    let read = app.engine.secret_read(&caller, vault, &at, which).await?;
    found(read.try_into()?)
}

/// Disable one version of a secret
///
/// It is kept, and cannot be read any more.
#[utoipa::path(
    post,
    path = "/v1/vaults/{vault_id}/secret-version-disable/{*path_and_version}",
    tag = "versions",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path_and_version" = String, Path, description = "Path of the secret and, behind a slash, the number of the version"),
    ),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("secret.disable")))
)]
pub(super) async fn secret_version_disable(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), at)): Path<(Id<VaultId>, String)>,
    _: NoBody,
) -> Result<StatusCode, Failure> {
    disable(&app, &caller, vault, &at).await
}

/// Disable one version of a secret, by the older path
#[utoipa::path(
    post,
    path = "/v1/vaults/{vault_id}/secret-version/{*path_and_version}",
    tag = "versions",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path_and_version" = String, Path, description = "Path of the secret, number of the version and `disable`, with slashes between"),
    ),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("secret.disable")))
)]
pub(super) async fn secret_version_disable_older(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), at)): Path<(Id<VaultId>, String)>,
    _: NoBody,
) -> Result<StatusCode, Failure> {
    let at = at
        .strip_suffix("/disable")
        .ok_or_else(|| Error::invalid("path", "must end with /disable"))?;
    disable(&app, &caller, vault, at).await
}

async fn disable(
    app: &App,
    caller: &Caller,
    vault: VaultId,
    at: &str,
) -> Result<StatusCode, Failure> {
    let (path, number) = wire::path_and_version(at)?;
    app.engine
        .secret_version_disable(caller, vault, &path, number)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rotate a secret
///
/// The server makes a new random value. The answer does not hold it.
#[utoipa::path(
    post,
    path = "/v1/vaults/{vault_id}/secret-rotate/{*path}",
    tag = "versions",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path" = String, Path, description = "Path of the secret; its slashes as they are, or percent-encoded"),
    ),
    request_body = Option<wire::SecretRotate>,
    responses((status = 201, body = wire::Secret)),
    extensions(("x-kluis-action" = json!("secret.rotate")))
)]
pub(super) async fn secret_rotate(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), path)): Path<(Id<VaultId>, String)>,
    OptionalJson(body): OptionalJson<wire::SecretRotate>,
) -> Answer<wire::Secret> {
    rotate(&app, &caller, vault, path, body).await
}

/// Rotate a secret, by the older path
#[utoipa::path(
    post,
    path = "/v1/vaults/{vault_id}/secrets/{*path}",
    tag = "versions",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("path" = String, Path, description = "Path of the secret and `rotate`, with a slash between"),
    ),
    request_body = Option<wire::SecretRotate>,
    responses((status = 201, body = wire::Secret)),
    extensions(("x-kluis-action" = json!("secret.rotate")))
)]
pub(super) async fn secret_rotate_older(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), path)): Path<(Id<VaultId>, String)>,
    OptionalJson(body): OptionalJson<wire::SecretRotate>,
) -> Answer<wire::Secret> {
    let path = path
        .strip_suffix("/rotate")
        .ok_or_else(|| Error::invalid("path", "must end with /rotate"))?;
    rotate(&app, &caller, vault, path.to_owned(), body).await
}

async fn rotate(
    app: &App,
    caller: &Caller,
    vault: VaultId,
    path: String,
    body: Option<wire::SecretRotate>,
) -> Answer<wire::Secret> {
    let path = wire::secret_path(path)?;
    let rotate = body.unwrap_or_default().try_into()?;
    let written = app
        .engine
        .secret_rotate(caller, vault, path, rotate)
        .await?;
    created(written.info.try_into()?)
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
