//! `GET, POST /v1/security/ip-rules`; `DELETE /v1/security/ip-rules/{rule_id}`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::IpRuleId;

use super::error::Failure;
use super::wire::{self, Answer, created, found};
use super::{Json, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

/// List the rules about addresses
///
/// For owners and admins.
#[utoipa::path(
    get,
    path = "/v1/security/ip-rules",
    tag = "ip_rules",
    responses((status = 200, body = wire::IpRules)),
    extensions(("x-kluis-action" = json!("ip_rule.list")))
)]
pub(super) async fn ip_rule_list(State(app): State<App>, caller: Caller) -> Answer<wire::IpRules> {
    found(app.engine.ip_rule_list(&caller).await?.into())
}

/// Make a rule about addresses
///
/// In force from the next request on, through every API. 400 when it would lock out the address that asks.
#[utoipa::path(
    post,
    path = "/v1/security/ip-rules",
    tag = "ip_rules",
    request_body = wire::IpRuleCreate,
    responses((status = 201, body = wire::IpRule)),
    extensions(("x-kluis-action" = json!("ip_rule.create")))
)]
pub(super) async fn ip_rule_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::IpRuleCreate>,
) -> Answer<wire::IpRule> {
    let new = body.try_into()?;
    created(app.engine.ip_rule_create(&caller, new).await?.into())
}

/// Remove a rule about addresses
///
/// At once. 409 when the others would lock out the address that asks.
#[utoipa::path(
    delete,
    path = "/v1/security/ip-rules/{rule_id}",
    tag = "ip_rules",
    params(("rule_id" = String, Path, description = "Id of the rule")),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("ip_rule.delete")))
)]
pub(super) async fn ip_rule_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(rule)): Path<Id<IpRuleId>>,
) -> Result<StatusCode, Failure> {
    app.engine.ip_rule_delete(&caller, rule).await?;
    Ok(StatusCode::NO_CONTENT)
}
