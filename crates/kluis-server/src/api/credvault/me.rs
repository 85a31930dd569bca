//! `GET /v1/me`.

use axum::extract::State;

use super::wire::{self, Answer, success};
use crate::app::App;
use crate::caller::Caller;

/// Read the own profile
///
/// The user behind the credentials, the API key if one was used, and what they open.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "Authentication",
    responses((status = 200, body = wire::Success<wire::Me>)),
    extensions(("x-kluis-action" = json!("profile.read")), ("x-kluis-file" = json!("me")))
)]
pub(super) async fn me_read(State(app): State<App>, caller: Caller) -> Answer<wire::Me> {
    success(app.engine.profile(&caller).await?.into())
}
