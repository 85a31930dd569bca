//! `GET /api/v1/vault/keys`; `PUT /api/v1/vault/keys/primary`; `DELETE /api/v1/vault/keys/{auth_hash}`.

use axum::extract::State;
use http::StatusCode;

use super::{Answer, Done, Json, Path, Query, found, listed, wire};
use crate::app::App;
use crate::caller::Caller;

/// List keys
///
/// The primary key first; never what they open, nor what proves them.
#[utoipa::path(
    get,
    path = "/api/v1/vault/keys",
    tag = "keys",
    params(wire::KeyQuery),
    responses((status = 200, body = Vec<wire::Key>), (status = 404, description = "There is no vault")),
    extensions(("x-kluis-action" = json!("zk_key.list")))
)]
pub(super) async fn key_list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<wire::KeyQuery>,
) -> Answer<Vec<wire::Key>> {
    listed(app.engine.zk_key_list(&caller, query.kind()?).await?)
}

/// Replace the primary key
///
/// With the old one as proof, or with a recovery key, which is used up by it. 400 without a proof or with both.
#[utoipa::path(
    put,
    path = "/api/v1/vault/keys/primary",
    tag = "keys",
    request_body = wire::KeyReplace,
    responses(
        (status = 200, body = wire::Key),
        (status = 400, body = super::error::Body<'static>, description = "Neither or both proofs"),
        (status = 404, body = super::error::Body<'static>, description = "There is no vault, or no such recovery key")
    ),
    extensions(("x-kluis-action" = json!("zk_key.replace")))
)]
pub(super) async fn key_replace(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::KeyReplace>,
) -> Answer<wire::Key> {
    found(
        app.engine
            .zk_key_replace(&caller, body.parse()?)
            .await?
            .into(),
    )
}

/// Revoke a key
///
/// 409 for the last primary key, which can only be replaced.
#[utoipa::path(
    delete,
    path = "/api/v1/vault/keys/{auth_hash}",
    tag = "keys",
    params(wire::KeyAt),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("zk_key.revoke")))
)]
pub(super) async fn key_revoke(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::KeyAt>,
) -> Done {
    app.engine.zk_key_revoke(&caller, at.proof()).await?;
    Ok(StatusCode::NO_CONTENT)
}
