//! `GET, POST /v1/vaults/{vault_id}/policies`; `PUT, DELETE /v1/vaults/{vault_id}/policies/{policy_id}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::{PolicyId, VaultId};

use super::error::Failure;
use super::wire::{self, Answer, created, found};
use super::{Json, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

/// List the policies of a vault
#[utoipa::path(
    get,
    path = "/v1/vaults/{vault_id}/policies",
    tag = "policies",
    params(("vault_id" = String, Path, description = "Id of the vault")),
    responses((status = 200, body = wire::Policies)),
    extensions(("x-kluis-action" = json!("policy.list")))
)]
pub(super) async fn policy_list(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
) -> Answer<wire::Policies> {
    found(app.engine.policy_list(&caller, vault).await?.try_into()?)
}

/// Grant or deny
///
/// In force from the next request on. A condition that cannot be evaluated is refused.
#[utoipa::path(
    post,
    path = "/v1/vaults/{vault_id}/policies",
    tag = "policies",
    params(("vault_id" = String, Path, description = "Id of the vault")),
    request_body = wire::PolicyCreate,
    responses((status = 201, body = wire::Policy)),
    extensions(("x-kluis-action" = json!("policy.create")))
)]
pub(super) async fn policy_create(
    State(app): State<App>,
    caller: Caller,
    Path(Id(vault)): Path<Id<VaultId>>,
    Json(body): Json<wire::PolicyCreate>,
) -> Answer<wire::Policy> {
    let policy = app
        .engine
        .policy_create(&caller, vault, body.try_into()?)
        .await?;
    created(policy.try_into()?)
}

/// Change a policy
///
/// Pattern and principal stay; members that are left out or null stay too.
#[utoipa::path(
    put,
    path = "/v1/vaults/{vault_id}/policies/{policy_id}",
    tag = "policies",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("policy_id" = String, Path, description = "Id of the policy"),
    ),
    request_body = wire::PolicyUpdate,
    responses((status = 200, body = wire::Policy)),
    extensions(("x-kluis-action" = json!("policy.update")))
)]
pub(super) async fn policy_update(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), Id(policy))): Path<(Id<VaultId>, Id<PolicyId>)>,
    Json(body): Json<wire::PolicyUpdate>,
) -> Answer<wire::Policy> {
    let change = body.try_into()?;
    found(
        app.engine
            .policy_update(&caller, vault, policy, change)
            .await?
            .try_into()?,
    )
}

/// Remove a policy
///
/// Effective at once.
#[utoipa::path(
    delete,
    path = "/v1/vaults/{vault_id}/policies/{policy_id}",
    tag = "policies",
    params(
        ("vault_id" = String, Path, description = "Id of the vault"),
        ("policy_id" = String, Path, description = "Id of the policy"),
    ),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("policy.delete")))
)]
pub(super) async fn policy_delete(
    State(app): State<App>,
    caller: Caller,
    Path((Id(vault), Id(policy))): Path<(Id<VaultId>, Id<PolicyId>)>,
) -> Result<StatusCode, Failure> {
    app.engine.policy_delete(&caller, vault, policy).await?;
    Ok(StatusCode::NO_CONTENT)
}
