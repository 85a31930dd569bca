//! `GET /api/whoami`.

use axum::extract::State;

use super::{Answer, found, wire};
use crate::app::App;
use crate::caller::Caller;

/// Who one is
///
/// The organization's id is what clients derive their keys with.
#[utoipa::path(
    get,
    path = "/api/whoami",
    tag = "whoami",
    responses((status = 200, body = wire::Whoami)),
    extensions(("x-kluis-action" = json!("profile.read")))
)]
pub(super) async fn whoami_read(State(app): State<App>, caller: Caller) -> Answer<wire::Whoami> {
    found(app.engine.api_key_of_profile(&caller).await?.into())
}
