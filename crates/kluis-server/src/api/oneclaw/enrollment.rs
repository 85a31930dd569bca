//! `POST /v1/agents/enroll`; `GET /v1/agents/enroll/{pairing_id}/status`; `GET /v1/agents/enroll/pending`;
//! `POST /v1/agents/enroll/{approve,deny}`. All of them are absent unless the server is told otherwise.

use axum::extract::State;
use kluis_engine::EnrollmentId;

use super::wire::{self, Answer, created, found};
use super::{Json, Path, Query};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::{Caller, Origin};

/// Ask to be registered as an agent
///
/// A person has to approve it. Never gives a key.
#[utoipa::path(
    post,
    path = "/v1/agents/enroll",
    tag = "agents",
    request_body = wire::EnrollmentBegin,
    responses((status = 201, body = wire::Enrollment)),
    extensions(("x-kluis-action" = json!("none")), ("x-kluis-file" = json!("enrollment")))
)]
pub(super) async fn enrollment_begin(
    State(app): State<App>,
    Origin(origin): Origin,
    Json(body): Json<wire::EnrollmentBegin>,
) -> Answer<wire::Enrollment> {
    let begun = app
        .engine
        .enrollment_begin(body.try_into()?, origin)
        .await?;
    created(wire::Enrollment::at(&app.public_url, begun))
}

/// Ask how an enrolment with a public key stands
///
/// Gives the agent's key, once, when it is approved.
#[utoipa::path(
    get,
    path = "/v1/agents/enroll/{pairing_id}/status",
    tag = "agents",
    params(("pairing_id" = String, Path, description = "Id of the enrolment"), wire::PollQuery),
    responses((status = 200, body = wire::EnrollmentState)),
    extensions(("x-kluis-action" = json!("none")), ("x-kluis-file" = json!("enrollment")))
)]
pub(super) async fn enrollment_status(
    State(app): State<App>,
    Origin(origin): Origin,
    Path(Id(enrollment)): Path<Id<EnrollmentId>>,
    Query(query): Query<wire::PollQuery>,
) -> Answer<wire::EnrollmentState> {
    let state = app
        .engine
        .enrollment_status(enrollment, query.poll(), origin)
        .await?;
    found(state.into())
}

/// See which agent asks to be registered
#[utoipa::path(
    get,
    path = "/v1/agents/enroll/pending",
    tag = "agents",
    params(wire::ApprovalQuery),
    responses((status = 200, body = wire::Asking), (status = 404, description = "Nothing asks with this token")),
    extensions(("x-kluis-action" = json!("agent.enrollment")), ("x-kluis-file" = json!("enrollment")))
)]
pub(super) async fn enrollment_read(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<wire::ApprovalQuery>,
) -> Answer<wire::Asking> {
    let asking = app.engine.enrollment_read(&caller, query.token()).await?;
    found(asking.into())
}

/// Register the agent that asks
///
/// The caller is responsible for it. Its key is in the answer, unless it fetches that itself.
#[utoipa::path(
    post,
    path = "/v1/agents/enroll/approve",
    tag = "agents",
    request_body = wire::EnrollmentDecision,
    responses((status = 200, body = wire::AgentApproved), (status = 404, description = "Nothing asks with this token")),
    extensions(("x-kluis-action" = json!("agent.approve")), ("x-kluis-file" = json!("enrollment")))
)]
pub(super) async fn enrollment_approve(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::EnrollmentDecision>,
) -> Answer<wire::AgentApproved> {
    let approved = app.engine.enrollment_approve(&caller, body.token()).await?;
    found(approved.into())
}

/// Refuse the agent that asks
#[utoipa::path(
    post,
    path = "/v1/agents/enroll/deny",
    tag = "agents",
    request_body = wire::EnrollmentDecision,
    responses((status = 200, body = wire::Message), (status = 404, description = "Nothing asks with this token")),
    extensions(("x-kluis-action" = json!("agent.deny")), ("x-kluis-file" = json!("enrollment")))
)]
pub(super) async fn enrollment_deny(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::EnrollmentDecision>,
) -> Answer<wire::Message> {
    app.engine.enrollment_deny(&caller, body.token()).await?;
    found(wire::Message::of("The agent is refused."))
}
