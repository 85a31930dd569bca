//! `GET, POST /v1/agents`; `GET /v1/agents/me`; `GET, PATCH, DELETE /v1/agents/{agent_id}`;
//! `POST /v1/agents/{agent_id}/{rotate-key,take-over}`; `POST /v1/auth/agent-token`; `GET /v1/org/agent-keys-vault`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::AgentId;

use super::error::Failure;
use super::wire::{self, Answer, created, found};
use super::{Json, NoBody, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::{Caller, Origin};

/// List the agents
///
/// Owners and admins see all, members those that they are responsible for, an agent itself.
#[utoipa::path(
    get,
    path = "/v1/agents",
    tag = "agents",
    responses((status = 200, body = wire::Agents)),
    extensions(("x-kluis-action" = json!("agent.list")))
)]
pub(super) async fn agent_list(State(app): State<App>, caller: Caller) -> Answer<wire::Agents> {
    found(app.engine.agent_list(&caller).await?.into())
}

/// Register an agent
///
/// Its key is shown once. It may nothing until a policy names it.
#[utoipa::path(
    post,
    path = "/v1/agents",
    tag = "agents",
    request_body = wire::AgentCreate,
    responses((status = 201, body = wire::AgentShown)),
    extensions(("x-kluis-action" = json!("agent.register")))
)]
pub(super) async fn agent_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::AgentCreate>,
) -> Answer<wire::AgentShown> {
    let new = body.try_into()?;
    created(app.engine.agent_create(&caller, new).await?.into())
}

/// Read the agent that asks
///
/// 403 for a user.
#[utoipa::path(
    get,
    path = "/v1/agents/me",
    tag = "agents",
    responses((status = 200, body = wire::AgentSelf)),
    extensions(("x-kluis-action" = json!("agent.view")))
)]
pub(super) async fn agent_self(State(app): State<App>, caller: Caller) -> Answer<wire::AgentSelf> {
    found(app.engine.agent_self(&caller).await?.into())
}

/// Read an agent
#[utoipa::path(
    get,
    path = "/v1/agents/{agent_id}",
    tag = "agents",
    params(("agent_id" = String, Path, description = "Id of the agent")),
    responses((status = 200, body = wire::Agent)),
    extensions(("x-kluis-action" = json!("agent.view")))
)]
pub(super) async fn agent_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(agent)): Path<Id<AgentId>>,
) -> Answer<wire::Agent> {
    found(app.engine.agent_read(&caller, agent).await?.into())
}

/// Change an agent
///
/// Its tokens go by it from the next request on; one that is not active does not act.
#[utoipa::path(
    patch,
    path = "/v1/agents/{agent_id}",
    tag = "agents",
    params(("agent_id" = String, Path, description = "Id of the agent")),
    request_body = wire::AgentUpdate,
    responses((status = 200, body = wire::Agent)),
    extensions(("x-kluis-action" = json!("agent.update")))
)]
pub(super) async fn agent_update(
    State(app): State<App>,
    caller: Caller,
    Path(Id(agent)): Path<Id<AgentId>>,
    Json(body): Json<wire::AgentUpdate>,
) -> Answer<wire::Agent> {
    let change = body.try_into()?;
    found(
        app.engine
            .agent_update(&caller, agent, change)
            .await?
            .into(),
    )
}

/// Delete an agent
///
/// With its key, its tokens, its key pairs and the policies about it, at once.
#[utoipa::path(
    delete,
    path = "/v1/agents/{agent_id}",
    tag = "agents",
    params(("agent_id" = String, Path, description = "Id of the agent")),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("agent.delete")))
)]
pub(super) async fn agent_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(agent)): Path<Id<AgentId>>,
) -> Result<StatusCode, Failure> {
    app.engine.agent_delete(&caller, agent).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replace the key of an agent
///
/// The old one and its tokens are dead at once.
#[utoipa::path(
    post,
    path = "/v1/agents/{agent_id}/rotate-key",
    tag = "agents",
    params(("agent_id" = String, Path, description = "Id of the agent")),
    responses((status = 200, body = wire::AgentKeyShown)),
    extensions(("x-kluis-action" = json!("agent.rotate_key")))
)]
pub(super) async fn agent_rotate_key(
    State(app): State<App>,
    caller: Caller,
    Path(Id(agent)): Path<Id<AgentId>>,
    _: NoBody,
) -> Answer<wire::AgentKeyShown> {
    let (_, token) = app.engine.agent_rotate_key(&caller, agent).await?;
    found(token.into())
}

/// Take an agent over
///
/// The caller is responsible for it from now on. For owners and admins.
#[utoipa::path(
    post,
    path = "/v1/agents/{agent_id}/take-over",
    tag = "agents",
    params(("agent_id" = String, Path, description = "Id of the agent")),
    responses((status = 200, body = wire::Agent)),
    extensions(("x-kluis-action" = json!("agent.take_over")))
)]
pub(super) async fn agent_take_over(
    State(app): State<App>,
    caller: Caller,
    Path(Id(agent)): Path<Id<AgentId>>,
    _: NoBody,
) -> Answer<wire::Agent> {
    found(app.engine.agent_take_over(&caller, agent).await?.into())
}

/// Exchange the key of an agent for an access token
///
/// The token ends with its key and with its agent, too.
#[utoipa::path(
    post,
    path = "/v1/auth/agent-token",
    tag = "agents",
    request_body = wire::AgentKeyExchange,
    responses((status = 200, body = wire::AgentToken)),
    extensions(("x-kluis-action" = json!("auth.success")))
)]
pub(super) async fn agent_token_exchange(
    State(app): State<App>,
    Origin(origin): Origin,
    Json(body): Json<wire::AgentKeyExchange>,
) -> Answer<wire::AgentToken> {
    let token = app
        .engine
        .agent_token_exchange(body.key(), body.agent(), origin)
        .await?;
    found(token.into())
}

/// Find the vault with the private keys of agents
///
/// For owners and admins; 404 for others, and until there is an agent.
#[utoipa::path(
    get,
    path = "/v1/org/agent-keys-vault",
    tag = "agents",
    responses((status = 200, body = wire::AgentKeysVault)),
    extensions(("x-kluis-action" = json!("vault.view")))
)]
pub(super) async fn agent_keys_vault(
    State(app): State<App>,
    caller: Caller,
) -> Answer<wire::AgentKeysVault> {
    found(app.engine.agent_keys_vault(&caller).await?.into())
}
