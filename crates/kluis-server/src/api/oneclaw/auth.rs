//! `POST /v1/auth/change-password`.

use axum::extract::State;

use super::Json;
use super::wire::{self, Answer, found};
use crate::app::App;
use crate::caller::Caller;

/// Change the own password
///
/// All sessions end, this one too.
#[utoipa::path(
    post,
    path = "/v1/auth/change-password",
    tag = "auth",
    request_body = wire::PasswordChange,
    responses((status = 200, body = wire::Message)),
    extensions(("x-kluis-action" = json!("auth.password_change")))
)]
pub(super) async fn password_change(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::PasswordChange>,
) -> Answer<wire::Message> {
    let (current, new) = body.parse();
    app.engine.password_change(&caller, current, new).await?;
    found(wire::Message::of(
        "The password is changed; every session has ended.",
    ))
}
