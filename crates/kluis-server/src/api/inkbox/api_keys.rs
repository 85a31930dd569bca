//! `POST /api/v1/api-keys`; `GET /api/v1/api-keys/self`.

use axum::extract::State;

use super::{Answer, Json, created, found, wire};
use crate::app::App;
use crate::caller::Caller;

/// Create an API key
///
/// For an identity; it is shown once. 403 when it is to be for none: keys of users are made elsewhere.
#[utoipa::path(
    post,
    path = "/api/v1/api-keys",
    tag = "api_keys",
    request_body = wire::ApiKeyCreate,
    responses((status = 201, body = wire::ApiKeyShown), (status = 404, description = "There is no such identity")),
    extensions(("x-kluis-action" = json!("api_key.create")))
)]
pub(super) async fn api_key_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::ApiKeyCreate>,
) -> Answer<wire::ApiKeyShown> {
    let made = app.engine.agent_key_create(&caller, body.parse()?).await?;
    created(made.into())
}

/// Read about the key that one asks with
#[utoipa::path(
    get,
    path = "/api/v1/api-keys/self",
    tag = "api_keys",
    responses((status = 200, body = wire::ApiKey)),
    extensions(("x-kluis-action" = json!("api_key.view")))
)]
pub(super) async fn api_key_read_self(
    State(app): State<App>,
    caller: Caller,
) -> Answer<wire::ApiKey> {
    found(app.engine.api_key_own(&caller).await?.into())
}
