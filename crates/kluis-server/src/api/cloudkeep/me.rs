//! `GET /api/v1/me`.

use axum::extract::State;

use super::{Answer, found, wire};
use crate::app::App;
use crate::caller::Caller;

/// Read the own profile
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "me",
    responses((status = 200, body = wire::Data<wire::Me>)),
    extensions(("x-kluis-action" = json!("profile.read")))
)]
pub(super) async fn me_read(State(app): State<App>, caller: Caller) -> Answer<wire::Me> {
    found(app.engine.profile(&caller).await?.into())
}
