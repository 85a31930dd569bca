//! `GET, POST /api/v1/vault/secrets/{secret_id}/access`; `DELETE /api/v1/vault/secrets/{secret_id}/access/{identity_id}`.

use axum::extract::State;
use http::StatusCode;

use super::{Answer, Done, Json, Path, created, listed, wire};
use crate::app::App;
use crate::caller::Caller;

/// List access rules
#[utoipa::path(
    get,
    path = "/api/v1/vault/secrets/{secret_id}/access",
    tag = "access",
    params(wire::SecretAt),
    responses((status = 200, body = Vec<wire::AccessRule>)),
    extensions(("x-kluis-action" = json!("zk_access.list")))
)]
pub(super) async fn access_list(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::SecretAt>,
) -> Answer<Vec<wire::AccessRule>> {
    listed(app.engine.zk_access_list(&caller, at.item()?).await?)
}

/// Grant access
///
/// Lets an identity read the secret. 409 when it may already.
#[utoipa::path(
    post,
    path = "/api/v1/vault/secrets/{secret_id}/access",
    tag = "access",
    params(wire::SecretAt),
    request_body = wire::AccessGrant,
    responses((status = 201, body = wire::AccessRule)),
    extensions(("x-kluis-action" = json!("zk_access.grant")))
)]
pub(super) async fn access_grant(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::SecretAt>,
    Json(body): Json<wire::AccessGrant>,
) -> Answer<wire::AccessRule> {
    let (item, agent) = (at.item()?, body.agent()?);
    created(
        app.engine
            .zk_access_grant(&caller, item, agent)
            .await?
            .into(),
    )
}

/// Revoke access
#[utoipa::path(
    delete,
    path = "/api/v1/vault/secrets/{secret_id}/access/{identity_id}",
    tag = "access",
    params(wire::AccessAt),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("zk_access.revoke")))
)]
pub(super) async fn access_revoke(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::AccessAt>,
) -> Done {
    let (item, agent) = at.parse()?;
    app.engine.zk_access_revoke(&caller, item, agent).await?;
    Ok(StatusCode::NO_CONTENT)
}
