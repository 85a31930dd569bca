//! `GET, POST /api/v1/identities`; `GET, PATCH, DELETE /api/v1/identities/{agent_handle}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::{Conflict, Error};

use super::error::Failure;
use super::{Answer, Done, Json, Path, created, found, listed, wire};
use crate::app::App;
use crate::caller::Caller;

/// List identities
///
/// Newest first; an agent sees itself.
#[utoipa::path(
    get,
    path = "/api/v1/identities",
    tag = "identities",
    responses((status = 200, body = Vec<wire::Identity>)),
    extensions(("x-kluis-action" = json!("agent.list")))
)]
pub(super) async fn identity_list(
    State(app): State<App>,
    caller: Caller,
) -> Answer<Vec<wire::Identity>> {
    listed(app.engine.agent_list_as_admin(&caller).await?)
}

/// Create an identity
///
/// With access to secrets, or not at all. 409 when the handle is taken.
#[utoipa::path(
    post,
    path = "/api/v1/identities",
    tag = "identities",
    request_body = wire::IdentityCreate,
    responses((status = 201, body = wire::Identity), (status = 404, description = "There is no such secret")),
    extensions(("x-kluis-action" = json!("agent.register")))
)]
pub(super) async fn identity_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::IdentityCreate>,
) -> Answer<wire::Identity> {
    let made = app
        .engine
        .agent_create_as_admin(&caller, body.parse()?)
        .await;
    match made {
        Ok(agent) => created(agent.into()),
        Err(Error::Conflict(Conflict::Exists)) => Err(Failure::HandleTaken),
        Err(error) => Err(error.into()),
    }
}

/// Read an identity
#[utoipa::path(
    get,
    path = "/api/v1/identities/{agent_handle}",
    tag = "identities",
    params(wire::IdentityAt),
    responses((status = 200, body = wire::Identity)),
    extensions(("x-kluis-action" = json!("agent.view")))
)]
pub(super) async fn identity_read(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::IdentityAt>,
) -> Answer<wire::Identity> {
    found(
        app.engine
            .agent_read_as_admin(&caller, at.handle())
            .await?
            .into(),
    )
}

/// Change an identity
///
/// Members that are left out stay as they are; null takes the name or description away.
#[utoipa::path(
    patch,
    path = "/api/v1/identities/{agent_handle}",
    tag = "identities",
    params(wire::IdentityAt),
    request_body = wire::IdentityUpdate,
    responses((status = 200, body = wire::Identity)),
    extensions(("x-kluis-action" = json!("agent.update")))
)]
pub(super) async fn identity_update(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::IdentityAt>,
    Json(body): Json<wire::IdentityUpdate>,
) -> Answer<wire::Identity> {
    let (handle, change) = (at.handle().to_owned(), body.parse()?);
    let changed = app
        .engine
        .agent_update_as_admin(&caller, handle, change)
        .await?;
    found(changed.into())
}

/// Delete an identity
///
/// Its keys stop working at once, and its access rules go.
#[utoipa::path(
    delete,
    path = "/api/v1/identities/{agent_handle}",
    tag = "identities",
    params(wire::IdentityAt),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("agent.delete")))
)]
pub(super) async fn identity_delete(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::IdentityAt>,
) -> Done {
    let handle = at.handle().to_owned();
    app.engine.agent_delete_as_admin(&caller, handle).await?;
    Ok(StatusCode::NO_CONTENT)
}
