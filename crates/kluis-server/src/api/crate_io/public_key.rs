//! `GET /organization/{id}/secrets/public-key`.

use axum::extract::State;
use kluis_engine::Error;

use super::{Answer, Path, found, wire};
use crate::app::App;
use crate::caller::Caller;

/// Read the organization's public key
///
/// What values are sealed with. It is made when it is first asked for, and stays until the operator replaces it.
#[utoipa::path(
    get,
    path = "/organization/{id}/secrets/public-key",
    tag = "public_key",
    params(wire::OrganizationAt),
    responses((status = 200, body = wire::PublicKey)),
    extensions(("x-kluis-action" = json!("public_key.read")))
)]
pub(super) async fn public_key_read(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::OrganizationAt>,
) -> Answer<wire::PublicKey> {
    found(read(&app, &caller, &at.id).await?)
}

/// Read the public key: what both doors do.
pub(super) async fn read(
    app: &App,
    caller: &Caller,
    organization: &str,
) -> Result<wire::PublicKey, Error> {
    let organization = wire::organization(organization);
    let public_key_pem = app.engine.public_key_read(caller, organization).await?;
    Ok(wire::PublicKey { public_key_pem })
}
