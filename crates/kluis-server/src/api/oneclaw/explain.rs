//! `POST /v1/policies/explain`.

use axum::extract::State;

use super::Json;
use super::wire::{self, Answer, found};
use crate::app::App;
use crate::caller::Caller;

/// Explain a decision
///
/// Who may do what at a path, and every policy that took part. About others: to owners, admins and the vault's maker.
#[utoipa::path(
    post,
    path = "/v1/policies/explain",
    tag = "policies",
    request_body = wire::Question,
    responses((status = 200, body = wire::Explanation), (status = 404, description = "There is no such vault")),
    extensions(("x-kluis-action" = json!("policy.explain")), ("x-kluis-file" = json!("explain")))
)]
pub(super) async fn policy_explain(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::Question>,
) -> Answer<wire::Explanation> {
    let question = body.try_into()?;
    found(
        app.engine
            .policy_explain(&caller, question)
            .await?
            .try_into()?,
    )
}
