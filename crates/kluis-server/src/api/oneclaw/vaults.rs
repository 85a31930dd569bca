//! `POST /v1/vaults/{vault_id}/take-over`.

use axum::extract::State;
use kluis_engine::VaultId;

use super::wire::{self, Answer, found};
use super::{NoBody, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

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
