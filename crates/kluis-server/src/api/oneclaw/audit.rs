//! `GET /v1/audit/events`, `GET /v1/audit/verify`.

use axum::extract::State;

use super::Query;
use super::wire::{self, Answer, found};
use crate::app::App;
use crate::caller::Caller;

/// Look into the record
///
/// Newest first. Owners and admins see all of it; members their own acts and those on vaults that they made; anyone else
/// their own acts.
#[utoipa::path(
    get,
    path = "/v1/audit/events",
    tag = "audit",
    params(wire::EventsQuery),
    responses((status = 200, body = wire::Events)),
    extensions(("x-kluis-action" = json!("audit.list")))
)]
pub(super) async fn audit_list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<wire::EventsQuery>,
) -> Answer<wire::Events> {
    found(
        app.engine
            .audit_list(&caller, query.try_into()?)
            .await?
            .try_into()?,
    )
}

/// Check the chain of the record
///
/// What is wrong is the answer, not an error. For owners and admins.
#[utoipa::path(
    get,
    path = "/v1/audit/verify",
    tag = "audit",
    params(wire::VerifyQuery),
    responses((status = 200, body = wire::Verification)),
    extensions(("x-kluis-action" = json!("audit.verify")))
)]
pub(super) async fn audit_verify(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<wire::VerifyQuery>,
) -> Answer<wire::Verification> {
    found(
        app.engine
            .audit_verify(&caller, query.try_into()?)
            .await?
            .into(),
    )
}
