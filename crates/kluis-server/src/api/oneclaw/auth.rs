//! `POST /v1/auth/{api-key-token,token,signup,change-password}`; `DELETE /v1/auth/token`; `GET /v1/auth/jwt-public-key`,
//! `/.well-known/jwks.json`.

use axum::extract::State;
use http::StatusCode;

use super::Json;
use super::error::Failure;
use super::wire::{self, Answer, created, found};
use crate::app::App;
use crate::caller::{Caller, Origin};

/// Exchange an API key for an access token
///
/// The token ends with its key, too.
#[utoipa::path(
    post,
    path = "/v1/auth/api-key-token",
    tag = "auth",
    request_body = wire::ApiKeyExchange,
    responses((status = 200, body = wire::AccessToken)),
    extensions(("x-kluis-action" = json!("auth.success")))
)]
pub(super) async fn access_token_exchange(
    State(app): State<App>,
    Origin(origin): Origin,
    Json(body): Json<wire::ApiKeyExchange>,
) -> Answer<wire::AccessToken> {
    let token = app.engine.access_token_exchange(body.key(), origin).await?;
    found(token.into())
}

/// Log in
///
/// With a second factor the answer holds a token for `/v1/auth/mfa` instead.
#[utoipa::path(
    post,
    path = "/v1/auth/token",
    tag = "auth",
    request_body = wire::PasswordLogin,
    responses((status = 200, body = wire::LoggedIn)),
    extensions(("x-kluis-action" = json!("auth.success")))
)]
pub(super) async fn access_token_create(
    State(app): State<App>,
    Origin(origin): Origin,
    Json(body): Json<wire::PasswordLogin>,
) -> Answer<wire::LoggedIn> {
    let (email, password) = body.parse();
    let logged_in = app
        .engine
        .access_token_create(&email, password, origin)
        .await?;
    found(logged_in.into())
}

/// Make an organization of one's own, and log in
///
/// Absent unless the server is told otherwise.
#[utoipa::path(
    post,
    path = "/v1/auth/signup",
    tag = "auth",
    request_body = wire::SignUp,
    responses((status = 201, body = wire::AccessToken)),
    extensions(("x-kluis-action" = json!("organization.create")))
)]
pub(super) async fn organization_sign_up(
    State(app): State<App>,
    Origin(origin): Origin,
    Json(body): Json<wire::SignUp>,
) -> Answer<wire::AccessToken> {
    let token = app.engine.organization_sign_up(body.into(), origin).await?;
    created(token.into())
}

/// Revoke the access token that the request came with
#[utoipa::path(
    delete,
    path = "/v1/auth/token",
    tag = "auth",
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("auth.logout")))
)]
pub(super) async fn session_delete(
    State(app): State<App>,
    caller: Caller,
) -> Result<StatusCode, Failure> {
    app.engine.session_delete(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read the key that access tokens are signed for
#[utoipa::path(
    get,
    path = "/v1/auth/jwt-public-key",
    tag = "auth",
    responses((status = 200, body = wire::PublicKey)),
    extensions(("x-kluis-action" = json!("none")))
)]
pub(super) async fn access_token_key(State(app): State<App>) -> Answer<wire::PublicKey> {
    found(app.engine.access_token_key()?.into())
}

/// Read the same as a set of keys
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "auth",
    responses((status = 200, body = wire::KeySet)),
    extensions(("x-kluis-action" = json!("none")))
)]
pub(super) async fn access_token_keys(State(app): State<App>) -> Answer<wire::KeySet> {
    found(app.engine.access_token_key()?.into())
}

/// Change the own password
///
/// All sessions and access tokens end, this one too.
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
