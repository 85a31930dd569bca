//! `POST, DELETE /v1/auth/mfa`; `GET /v1/auth/mfa/status`; `POST /v1/auth/mfa/{verify,setup,verify-setup}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::Error;

use super::error::Failure;
use super::wire::{self, Answer, found};
use super::{Json, NoBody};
use crate::app::App;
use crate::caller::{Caller, Origin};

/// Go on with a log-in by a code of the second factor
#[utoipa::path(
    post,
    path = "/v1/auth/mfa",
    tag = "auth",
    request_body = wire::SecondFactor,
    responses((status = 200, body = wire::AccessToken)),
    extensions(("x-kluis-action" = json!("auth.success")), ("x-kluis-file" = json!("mfa")))
)]
pub(super) async fn access_token_confirm(
    State(app): State<App>,
    Origin(origin): Origin,
    Json(body): Json<wire::SecondFactor>,
) -> Answer<wire::AccessToken> {
    let (waiting, code) = body.parts();
    let token = app
        .engine
        .access_token_confirm(waiting, code, origin)
        .await?;
    found(token.into())
}

/// The same, as the vendor's clients spell it
#[utoipa::path(
    post,
    path = "/v1/auth/mfa/verify",
    tag = "auth",
    request_body = wire::SecondFactor,
    responses((status = 200, body = wire::AccessToken)),
    extensions(("x-kluis-action" = json!("auth.success")), ("x-kluis-file" = json!("mfa")))
)]
pub(super) async fn access_token_confirm_alike(
    app: State<App>,
    origin: Origin,
    body: Json<wire::SecondFactor>,
) -> Answer<wire::AccessToken> {
    access_token_confirm(app, origin, body).await
}

/// Whether a log-in of the caller wants a second factor
#[utoipa::path(
    get,
    path = "/v1/auth/mfa/status",
    tag = "auth",
    responses((status = 200, body = wire::MfaStatus)),
    extensions(("x-kluis-action" = json!("profile.read")), ("x-kluis-file" = json!("mfa")))
)]
pub(super) async fn totp_status(State(app): State<App>, caller: Caller) -> Answer<wire::MfaStatus> {
    found(app.engine.profile(&caller).await?.into())
}

/// Begin a second factor
///
/// It is wanted from its confirmation on.
#[utoipa::path(
    post,
    path = "/v1/auth/mfa/setup",
    tag = "auth",
    responses((status = 200, body = wire::MfaSetup)),
    extensions(("x-kluis-action" = json!("auth.totp")), ("x-kluis-file" = json!("mfa")))
)]
pub(super) async fn totp_enroll(
    State(app): State<App>,
    caller: Caller,
    _: NoBody,
) -> Answer<wire::MfaSetup> {
    found(app.engine.totp_enroll(&caller).await?.into())
}

/// Confirm a second factor with its first code
///
/// Shows the recovery codes, once.
#[utoipa::path(
    post,
    path = "/v1/auth/mfa/verify-setup",
    tag = "auth",
    request_body = wire::MfaCode,
    responses((status = 200, body = wire::RecoveryCodes)),
    extensions(("x-kluis-action" = json!("auth.totp")), ("x-kluis-file" = json!("mfa")))
)]
pub(super) async fn totp_confirm(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::MfaCode>,
) -> Answer<wire::RecoveryCodes> {
    let codes = app.engine.totp_confirm(&caller, body.code()).await;
    found(codes.map_err(wrong_code)?.into())
}

/// End the second factor with one of its codes, or a recovery code
#[utoipa::path(
    delete,
    path = "/v1/auth/mfa",
    tag = "auth",
    request_body = wire::MfaCode,
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("auth.totp")), ("x-kluis-file" = json!("mfa")))
)]
pub(super) async fn totp_disable(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::MfaCode>,
) -> Result<StatusCode, Failure> {
    let disabled = app.engine.totp_disable(&caller, body.code()).await;
    disabled.map_err(wrong_code)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A wrong code says nothing about the credential that it came with.
fn wrong_code(error: Error) -> Error {
    match error {
        Error::Unauthenticated => Error::invalid("code", "is not right"),
        error => error,
    }
}
