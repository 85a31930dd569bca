//! `POST /v1/organizations`.

use axum::extract::State;

use super::Json;
use super::wire::{self, Answer, created};
use crate::app::App;
use crate::caller::Caller;

/// Create an organization
///
/// For the server's owner alone, who reads nothing in it. The new owner's password is shown once.
#[utoipa::path(
    post,
    path = "/v1/organizations",
    tag = "Users",
    request_body = wire::OrganizationCreate,
    responses((status = 201, body = wire::Success<wire::Organization>)),
    extensions(("x-kluis-action" = json!("organization.create")), ("x-kluis-file" = json!("organizations")))
)]
pub(super) async fn organization_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::OrganizationCreate>,
) -> Answer<wire::Organization> {
    created(
        app.engine
            .organization_create(&caller, &body.name)
            .await?
            .into(),
    )
}
