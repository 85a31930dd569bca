//! `POST /v1/secrets/{secret_id}/share`; `GET, DELETE /v1/share/{share_id}`; `DELETE /v1/shares/{share_id}`;
//! `GET /v1/shares/{outbound,inbound}`; `POST /v1/shares/{share_id}/{accept,decline}`.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use kluis_engine::{SecretId, SharesOf};

use super::error::Failure;
use super::wire::{self, Answer, created, found, share_token};
use super::{Json, NoBody, OptionalJson, Path};
use crate::api::Dialect;
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::{Caller, Origin, anyone};

/// Share a secret
///
/// With a user or an agent, who must accept it first, or with whoever has the link. It follows the newest version, for as
/// long as whoever made it may read that.
#[utoipa::path(
    post,
    path = "/v1/secrets/{secret_id}/share",
    tag = "shares",
    params(("secret_id" = String, Path, description = "Id of the secret")),
    request_body = wire::ShareCreate,
    responses((status = 201, body = wire::Share)),
    extensions(("x-kluis-action" = json!("share.create")))
)]
pub(super) async fn share_create(
    State(app): State<App>,
    caller: Caller,
    Path(Id(secret)): Path<Id<SecretId>>,
    Json(body): Json<wire::ShareCreate>,
) -> Answer<wire::Share> {
    let share = app
        .engine
        .share_create(&caller, secret, body.try_into()?)
        .await?;
    created(wire::Share::at(&app.public_url, share))
}

/// Open a share
///
/// Uses up one of its openings and one of the secret's reads. What is for a user or an agent wants the credential of that one.
#[utoipa::path(
    get,
    path = "/v1/share/{share_id}",
    tag = "shares",
    params(("share_id" = String, Path, description = "Id of the share")),
    request_body = Option<wire::Passphrase>,
    responses((status = 200, body = wire::SharedSecret)),
    extensions(("x-kluis-action" = json!("share.open")))
)]
pub(super) async fn share_open(
    State(app): State<App>,
    Origin(origin): Origin,
    headers: HeaderMap,
    Path(share): Path<String>,
    OptionalJson(body): OptionalJson<wire::Passphrase>,
) -> Answer<wire::SharedSecret> {
    let token = share_token(&share)?;
    let passphrase = body.and_then(wire::Passphrase::into_secret);
    let opener = anyone(&app.engine, Dialect::OneClaw, &headers, &origin).await?;
    let opened = app
        .engine
        .share_open(&token, passphrase, opener.as_ref(), origin)
        .await?;
    found(opened.into())
}

/// Revoke a share
///
/// For whoever made it. It opens nothing any more, at once.
#[utoipa::path(
    delete,
    path = "/v1/share/{share_id}",
    tag = "shares",
    params(("share_id" = String, Path, description = "Id of the share")),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("share.revoke")))
)]
pub(super) async fn share_revoke(
    State(app): State<App>,
    caller: Caller,
    Path(share): Path<String>,
) -> Result<StatusCode, Failure> {
    app.engine
        .share_revoke(&caller, &share_token(&share)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revoke a share, as the command line of 1claw spells it
#[utoipa::path(
    delete,
    path = "/v1/shares/{share_id}",
    tag = "shares",
    params(("share_id" = String, Path, description = "Id of the share")),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("share.revoke")))
)]
pub(super) async fn share_revoke_alike(
    app: State<App>,
    caller: Caller,
    path: Path<String>,
) -> Result<StatusCode, Failure> {
    share_revoke(app, caller, path).await
}

/// List the shares that the caller made
#[utoipa::path(
    get,
    path = "/v1/shares/outbound",
    tag = "shares",
    responses((status = 200, body = wire::Shares)),
    extensions(("x-kluis-action" = json!("share.list")))
)]
pub(super) async fn share_list_made(
    State(app): State<App>,
    caller: Caller,
) -> Answer<wire::Shares> {
    let shares = app.engine.share_list(&caller, SharesOf::Maker).await?;
    found(shares.into())
}

/// List the shares that are for the caller
#[utoipa::path(
    get,
    path = "/v1/shares/inbound",
    tag = "shares",
    responses((status = 200, body = wire::Shares)),
    extensions(("x-kluis-action" = json!("share.list")))
)]
pub(super) async fn share_list_received(
    State(app): State<App>,
    caller: Caller,
) -> Answer<wire::Shares> {
    let shares = app.engine.share_list(&caller, SharesOf::Recipient).await?;
    found(shares.into())
}

/// Accept a share that is for the caller
#[utoipa::path(
    post,
    path = "/v1/shares/{share_id}/accept",
    tag = "shares",
    params(("share_id" = String, Path, description = "Id of the share")),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("share.accept")))
)]
pub(super) async fn share_accept(
    State(app): State<App>,
    caller: Caller,
    Path(share): Path<String>,
    _: NoBody,
) -> Result<StatusCode, Failure> {
    app.engine
        .share_accept(&caller, &share_token(&share)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Decline a share that is for the caller
///
/// It is gone then, for whoever made it, too.
#[utoipa::path(
    post,
    path = "/v1/shares/{share_id}/decline",
    tag = "shares",
    params(("share_id" = String, Path, description = "Id of the share")),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("share.decline")))
)]
pub(super) async fn share_decline(
    State(app): State<App>,
    caller: Caller,
    Path(share): Path<String>,
    _: NoBody,
) -> Result<StatusCode, Failure> {
    app.engine
        .share_decline(&caller, &share_token(&share)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
