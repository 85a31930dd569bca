//! `POST /v1/auth/device/{code,token,approve,deny}`; `GET /v1/auth/device/pending`.

use axum::extract::State;

use super::wire::{self, Answer, found};
use super::{Json, Query};
use crate::app::App;
use crate::caller::{Caller, Origin};

/// Begin the log-in of a device
///
/// It shows the user's code, and asks for its token until somebody has decided.
#[utoipa::path(
    post,
    path = "/v1/auth/device/code",
    tag = "device",
    request_body = wire::DeviceBegin,
    responses((status = 200, body = wire::DeviceCode)),
    extensions(("x-kluis-action" = json!("none")))
)]
pub(super) async fn device_login_begin(
    State(app): State<App>,
    Origin(origin): Origin,
    Json(body): Json<wire::DeviceBegin>,
) -> Answer<wire::DeviceCode> {
    let (client, email) = body.parts();
    let code = app.engine.device_login_begin(client, email, origin).await?;
    found(wire::DeviceCode::at(&app.public_url, code))
}

/// Ask for the token of a device
///
/// 200 with the token, once, or with an `error`: `authorization_pending`, `access_denied`, `expired_token`.
#[utoipa::path(
    post,
    path = "/v1/auth/device/token",
    tag = "device",
    request_body = wire::DeviceAsk,
    responses((status = 200, body = wire::DeviceToken)),
    extensions(("x-kluis-action" = json!("auth.success")))
)]
pub(super) async fn device_login_token(
    State(app): State<App>,
    Origin(origin): Origin,
    Json(body): Json<wire::DeviceAsk>,
) -> Answer<wire::DeviceToken> {
    body.check()?;
    let token = app.engine.device_login_token(body.code(), origin).await?;
    found(token.into())
}

/// See which device shows a code, and for whom
#[utoipa::path(
    get,
    path = "/v1/auth/device/pending",
    tag = "device",
    params(wire::DeviceQuery),
    responses((status = 200, body = wire::DeviceLogin), (status = 404, description = "Nothing asks with this code")),
    extensions(("x-kluis-action" = json!("auth.device_view")))
)]
pub(super) async fn device_login_read(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<wire::DeviceQuery>,
) -> Answer<wire::DeviceLogin> {
    let login = app.engine.device_login_read(&caller, query.code()).await?;
    found(login.into())
}

/// Let the device that shows a code act as the caller
///
/// For a day. Wants a credential without a ceiling.
#[utoipa::path(
    post,
    path = "/v1/auth/device/approve",
    tag = "device",
    request_body = wire::DeviceDecision,
    responses((status = 200, body = wire::Message), (status = 404, description = "Nothing asks with this code")),
    extensions(("x-kluis-action" = json!("auth.device_approve")))
)]
pub(super) async fn device_login_approve(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::DeviceDecision>,
) -> Answer<wire::Message> {
    app.engine
        .device_login_approve(&caller, body.code())
        .await?;
    found(wire::Message::of("The device acts as you for a day."))
}

/// Refuse the device that shows a code
#[utoipa::path(
    post,
    path = "/v1/auth/device/deny",
    tag = "device",
    request_body = wire::DeviceDecision,
    responses((status = 200, body = wire::Message), (status = 404, description = "Nothing asks with this code")),
    extensions(("x-kluis-action" = json!("auth.device_deny")))
)]
pub(super) async fn device_login_deny(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::DeviceDecision>,
) -> Answer<wire::Message> {
    app.engine.device_login_deny(&caller, body.code()).await?;
    found(wire::Message::of("The device is refused."))
}
