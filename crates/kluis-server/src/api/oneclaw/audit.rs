//! `GET /v1/audit/events`, `GET /v1/audit/verify`, `GET /v1/audit/export`.

use axum::extract::State;

use super::Query;
use super::error::Failure;
use super::wire::{self, Answer, found};
use crate::api::lines::Lines;
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

/// Export the record
///
/// Lines of JSON with all that is needed to check them without the server: what the events are linked and signed with,
/// every event with exactly what is hashed, the signed checkpoints, and a closing line that counts them. For owners and
/// admins.
#[utoipa::path(
    get,
    path = "/v1/audit/export",
    tag = "audit",
    params(wire::ExportQuery),
    responses(
        (status = 200, content_type = "application/x-ndjson", body = String),
        (status = 404, description = "There is no such event")
    ),
    extensions(("x-kluis-action" = json!("audit.export")))
)]
pub(super) async fn audit_export(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<wire::ExportQuery>,
) -> Result<Lines, Failure> {
    let export = app.engine.audit_export(&caller, query.try_into()?).await?;
    Ok(Lines(export))
}
