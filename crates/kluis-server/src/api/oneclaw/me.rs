//! `GET /v1/auth/me`.

use axum::extract::State;

use super::wire::{self, Answer, found};
use crate::app::App;
use crate::caller::Caller;

/// Read the own profile
#[utoipa::path(
    get,
    path = "/v1/auth/me",
    tag = "me",
    responses((status = 200, body = wire::Me)),
    extensions(("x-kluis-action" = json!("profile.read")))
)]
pub(super) async fn me_read(State(app): State<App>, caller: Caller) -> Answer<wire::Me> {
    found(app.engine.profile(&caller).await?.into())
}
