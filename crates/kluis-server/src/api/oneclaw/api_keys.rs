//! `GET, POST /v1/auth/api-keys`; `DELETE /v1/auth/api-keys/{key_id}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::{ApiKeyId, KeysOf};

use super::error::Failure;
use super::wire::{self, Answer, created, found};
use super::{Json, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

/// List the own API keys
///
/// Never shows a key itself.
#[utoipa::path(
    get,
    path = "/v1/auth/api-keys",
    tag = "api_keys",
    responses((status = 200, body = wire::ApiKeys)),
    extensions(("x-kluis-action" = json!("api_key.list")))
)]
pub(super) async fn api_key_list(State(app): State<App>, caller: Caller) -> Answer<wire::ApiKeys> {
    let keys = app.engine.api_key_list(&caller, KeysOf::Caller).await?;
    found(keys.into())
}

/// Create an API key
///
/// The key is shown once. It can be given only scopes that its maker has.
#[utoipa::path(
    post,
    path = "/v1/auth/api-keys",
    tag = "api_keys",
    request_body = wire::ApiKeyCreate,
    responses((status = 201, body = wire::ApiKeyShown)),
    extensions(("x-kluis-action" = json!("api_key.create")))
)]
pub(super) async fn api_key_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::ApiKeyCreate>,
) -> Answer<wire::ApiKeyShown> {
    let new = body.try_into()?;
    created(app.engine.api_key_create(&caller, new).await?.into())
}

/// Revoke an API key
///
/// It is dead at once, and so are the tokens that it was exchanged for.
#[utoipa::path(
    delete,
    path = "/v1/auth/api-keys/{key_id}",
    tag = "api_keys",
    params(("key_id" = String, Path, description = "Id of the key")),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("api_key.revoke")))
)]
pub(super) async fn api_key_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(key)): Path<Id<ApiKeyId>>,
) -> Result<StatusCode, Failure> {
    app.engine.api_key_delete(&caller, key).await?;
    Ok(StatusCode::NO_CONTENT)
}
