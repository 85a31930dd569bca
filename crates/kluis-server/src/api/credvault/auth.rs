//! `POST /v1/auth/{login,refresh,logout}`; `POST /v1/auth/totp/{enroll,confirm,disable}`.

use axum::extract::State;

use super::wire::{self, Answer, success};
use super::{Json, NoBody};
use crate::app::App;
use crate::caller::{Caller, Origin};

/// Log in
///
/// Opens a session. A wrong password and an unknown address get the same answer.
#[utoipa::path(
    post,
    path = "/v1/auth/login",
    tag = "Authentication",
    request_body = wire::Login,
    responses((status = 200, body = wire::Success<wire::Session>)),
    extensions(("x-kluis-action" = json!("auth.success")), ("x-kluis-file" = json!("auth")))
)]
pub(super) async fn session_create(
    State(app): State<App>,
    Origin(origin): Origin,
    Json(login): Json<wire::Login>,
) -> Answer<wire::Session> {
    success(
        app.engine
            .session_create(login.into(), origin)
            .await?
            .into(),
    )
}

/// Renew a session
///
/// The refresh token is spent by it; a second use of it ends the session.
#[utoipa::path(
    post,
    path = "/v1/auth/refresh",
    tag = "Authentication",
    request_body = wire::Refresh,
    responses((status = 200, body = wire::Success<wire::Session>)),
    extensions(("x-kluis-action" = json!("auth.refresh")), ("x-kluis-file" = json!("auth")))
)]
pub(super) async fn session_refresh(
    State(app): State<App>,
    Origin(origin): Origin,
    Json(body): Json<wire::Refresh>,
) -> Answer<wire::Session> {
    success(
        app.engine
            .session_refresh(body.token(), origin)
            .await?
            .into(),
    )
}

/// Log out
///
/// The session and its refresh token are dead at once.
#[utoipa::path(
    post,
    path = "/v1/auth/logout",
    tag = "Authentication",
    responses((status = 200, body = wire::Success<wire::LoggedOut>)),
    extensions(("x-kluis-action" = json!("auth.logout")), ("x-kluis-file" = json!("auth")))
)]
pub(super) async fn session_delete(
    State(app): State<App>,
    caller: Caller,
    _: NoBody,
) -> Answer<wire::LoggedOut> {
    app.engine.session_delete(&caller).await?;
    success(wire::LoggedOut::done())
}

/// Begin a second factor
///
/// It is asked for from its confirmation on.
#[utoipa::path(
    post,
    path = "/v1/auth/totp/enroll",
    tag = "Authentication",
    responses((status = 200, body = wire::Success<wire::TotpEnrollment>)),
    extensions(("x-kluis-action" = json!("auth.totp")), ("x-kluis-file" = json!("auth")))
)]
pub(super) async fn totp_enroll(
    State(app): State<App>,
    caller: Caller,
    _: NoBody,
) -> Answer<wire::TotpEnrollment> {
    success(app.engine.totp_enroll(&caller).await?.into())
}

/// Confirm a second factor
///
/// Shows the recovery codes, once.
#[utoipa::path(
    post,
    path = "/v1/auth/totp/confirm",
    tag = "Authentication",
    request_body = wire::Code,
    responses((status = 200, body = wire::Success<wire::RecoveryCodes>)),
    extensions(("x-kluis-action" = json!("auth.totp")), ("x-kluis-file" = json!("auth")))
)]
pub(super) async fn totp_confirm(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::Code>,
) -> Answer<wire::RecoveryCodes> {
    success(app.engine.totp_confirm(&caller, body.code()).await?.into())
}

/// End a second factor
///
/// Takes a code of it, or a recovery code.
#[utoipa::path(
    post,
    path = "/v1/auth/totp/disable",
    tag = "Authentication",
    request_body = wire::Code,
    responses((status = 200, body = wire::Success<wire::TotpState>)),
    extensions(("x-kluis-action" = json!("auth.totp")), ("x-kluis-file" = json!("auth")))
)]
pub(super) async fn totp_disable(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::Code>,
) -> Answer<wire::TotpState> {
    app.engine.totp_disable(&caller, body.code()).await?;
    success(wire::TotpState::off())
}
