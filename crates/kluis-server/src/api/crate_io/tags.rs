//! `GET /organization/{id}/tags`.

use axum::extract::State;
use kluis_engine::Error;

use super::{Answer, Path, found, wire};
use crate::app::App;
use crate::caller::Caller;

/// List the tags of an organization
///
/// Every tag that a secret of any environment has, by name in byte order.
#[utoipa::path(
    get,
    path = "/organization/{id}/tags",
    tag = "tags",
    params(wire::OrganizationAt),
    responses((status = 200, body = wire::Tags)),
    extensions(("x-kluis-action" = json!("tag.list")))
)]
pub(super) async fn tag_list(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::OrganizationAt>,
) -> Answer<wire::Tags> {
    found(list(&app, &caller, &at.id).await?)
}

/// List the tags: what both doors do.
pub(super) async fn list(
    app: &App,
    caller: &Caller,
    organization: &str,
) -> Result<wire::Tags, Error> {
    let organization = wire::organization(organization);
    Ok(app.engine.tag_list(caller, organization).await?.into())
}
