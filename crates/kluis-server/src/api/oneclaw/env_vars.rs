//! `GET, POST /v1/vaults/{vault_id}/env-vars`; `GET /v1/vaults/{vault_id}/env-vars/resolve`;
//! `GET, PATCH, DELETE /v1/vaults/{vault_id}/env-vars/{key}`; `GET, POST /v1/vaults/{vault_id}/environments`;
//! `DELETE /v1/vaults/{vault_id}/environments/{slug}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::VaultId;

use super::error::Failure;
use super::wire::{self, Answer, created, environment_slug, found};
use super::{Json, Path, Query};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

/// List environment variables
///
/// Those whose names the caller sees. The value of a sensitive one is null, as is one that the caller may not read.
#[utoipa::path(
    get,
    path = "/v1/vaults/{vault_id}/env-vars",
    tag = "env_vars",
    params(("vault_id" = String, Path, description = "Id of the vault"), wire::EnvVarsQuery),
    responses((status = 200, body = wire::EnvVars)),
    extensions(("x-kluis-action" = json!("env_var.list")))
)]
pub(super) async fn env_var_list(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
    Query(query): Query<wire::EnvVarsQuery>,
) -> Answer<wire::EnvVars> {
    let environment = query.environment()?;
    found(
        app.engine
            .env_var_list(&caller, vault, environment)
            .await?
            .into(),
    )
}

/// Create an environment variable
///
/// 409 when there is one of this key and branch in one of these environments, and when the vault has 1,000.
#[utoipa::path(
    post,
    path = "/v1/vaults/{vault_id}/env-vars",
    tag = "env_vars",
    params(("vault_id" = String, Path, description = "Id of the vault")),
    request_body = wire::EnvVarCreate,
    responses((status = 201, body = wire::EnvVar)),
    extensions(("x-kluis-action" = json!("env_var.write")))
)]
pub(super) async fn env_var_create(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
    Json(body): Json<wire::EnvVarCreate>,
) -> Answer<wire::EnvVar> {
    let new = body.try_into()?;
    created(app.engine.env_var_create(&caller, vault, new).await?.into())
}

/// Resolve the environment variables of an environment
///
/// What a process in it gets, sensitive values too: the variables that the caller may read. 403 when it may read none.
#[utoipa::path(
    get,
    path = "/v1/vaults/{vault_id}/env-vars/resolve",
    tag = "env_vars",
    params(("vault_id" = String, Path, description = "Id of the vault"), wire::ResolveQuery),
    responses((status = 200, body = wire::EnvVarsResolved)),
    extensions(("x-kluis-action" = json!("env_var.resolve")))
)]
pub(super) async fn env_var_resolve(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
    Query(query): Query<wire::ResolveQuery>,
) -> Answer<wire::EnvVarsResolved> {
    let (environment, branch) = query.parts()?;
    let resolved = app
        .engine
        .env_var_resolve(&caller, vault, environment, branch)
        .await?;
    found(resolved.into())
}

/// Read an environment variable
///
/// The value of a sensitive one is null. 400 when there are several of this key and the query leaves open which is meant.
#[utoipa::path(
    get,
    path = "/v1/vaults/{vault_id}/env-vars/{key}",
    tag = "env_vars",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("key" = String, Path, description = "Key of the variable"),
        wire::EnvVarQuery,
    ),
    responses((status = 200, body = wire::EnvVar)),
    extensions(("x-kluis-action" = json!("env_var.read")))
)]
pub(super) async fn env_var_read(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), key)): Path<(Id<VaultId>, String)>,
    Query(query): Query<wire::EnvVarQuery>,
) -> Answer<wire::EnvVar> {
    let at = query.at(key)?;
    found(app.engine.env_var_read(&caller, vault, &at).await?.into())
}

/// Change an environment variable
///
/// A new value makes its next version. One that is to be sensitive no longer needs a new value.
#[utoipa::path(
    patch,
    path = "/v1/vaults/{vault_id}/env-vars/{key}",
    tag = "env_vars",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("key" = String, Path, description = "Key of the variable"),
        wire::EnvVarQuery,
    ),
    request_body = wire::EnvVarUpdate,
    responses((status = 200, body = wire::EnvVar)),
    extensions(("x-kluis-action" = json!("env_var.write")))
)]
pub(super) async fn env_var_update(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), key)): Path<(Id<VaultId>, String)>,
    Query(query): Query<wire::EnvVarQuery>,
    Json(body): Json<wire::EnvVarUpdate>,
) -> Answer<wire::EnvVar> {
    let (at, change) = (query.at(key)?, body.try_into()?);
    let changed = app
        .engine
        .env_var_update(&caller, vault, at, change)
        .await?;
    found(changed.into())
}

/// Delete an environment variable
#[utoipa::path(
    delete,
    path = "/v1/vaults/{vault_id}/env-vars/{key}",
    tag = "env_vars",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("key" = String, Path, description = "Key of the variable"),
        wire::EnvVarQuery,
    ),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("env_var.delete")))
)]
pub(super) async fn env_var_delete(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), key)): Path<(Id<VaultId>, String)>,
    Query(query): Query<wire::EnvVarQuery>,
) -> Result<StatusCode, Failure> {
    let at = query.at(key)?;
    app.engine.env_var_delete(&caller, vault, at).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the environments of a vault
///
/// `production`, `preview` and `development`, which every vault has, and those that were made for it.
#[utoipa::path(
    get,
    path = "/v1/vaults/{vault_id}/environments",
    tag = "env_vars",
    params(("vault_id" = String, Path, description = "Id of the vault")),
    responses((status = 200, body = wire::Environments)),
    extensions(("x-kluis-action" = json!("environment.list")))
)]
pub(super) async fn environment_list(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
) -> Answer<wire::Environments> {
    found(app.engine.environment_list(&caller, vault).await?.into())
}

/// Create an environment of a vault
///
/// With copies of another one's variables, if asked for. For whoever administers the vault.
#[utoipa::path(
    post,
    path = "/v1/vaults/{vault_id}/environments",
    tag = "env_vars",
    params(("vault_id" = String, Path, description = "Id of the vault")),
    request_body = wire::EnvironmentCreate,
    responses((status = 201, body = wire::Environment)),
    extensions(("x-kluis-action" = json!("environment.create")))
)]
pub(super) async fn environment_create(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
    Json(body): Json<wire::EnvironmentCreate>,
) -> Answer<wire::Environment> {
    let new = body.try_into()?;
    let made = app.engine.environment_create(&caller, vault, new).await?;
    created(made.into())
}

/// Delete an environment of a vault
///
/// Variables that are in no other one go with it. 409 for those that every vault has.
#[utoipa::path(
    delete,
    path = "/v1/vaults/{vault_id}/environments/{slug}",
    tag = "env_vars",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("slug" = String, Path, description = "Name of the environment"),
    ),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("environment.delete")))
)]
pub(super) async fn environment_delete(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), slug)): Path<(Id<VaultId>, String)>,
) -> Result<StatusCode, Failure> {
    let slug = environment_slug(slug)?;
    app.engine.environment_delete(&caller, vault, slug).await?;
    Ok(StatusCode::NO_CONTENT)
}
