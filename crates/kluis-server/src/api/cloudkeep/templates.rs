//! `GET /api/v1/templates`.

use axum::extract::State;

use super::{Answer, found, wire};
use crate::app::App;
use crate::caller::Caller;

/// List templates
///
/// The secrets that the credentials of common services are made of.
#[utoipa::path(
    get,
    path = "/api/v1/templates",
    tag = "templates",
    responses((status = 200, body = wire::Data<Vec<wire::Template>>)),
    extensions(("x-kluis-action" = json!("template.list")))
)]
pub(super) async fn template_list(
    State(app): State<App>,
    caller: Caller,
) -> Answer<Vec<wire::Template>> {
    let templates = app.engine.template_list(&caller).await?;
    found(templates.iter().map(wire::Template::from).collect())
}
