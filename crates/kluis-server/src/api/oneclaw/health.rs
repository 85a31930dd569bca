//! `GET /v1/health`, `/v1/health/hsm`.

use super::wire::{self, Answer, found};

/// Whether the server is well
#[utoipa::path(
    get,
    path = "/v1/health",
    tag = "health",
    responses((status = 200, body = wire::Health)),
    extensions(("x-kluis-action" = json!("none")))
)]
pub(super) async fn health_read() -> Answer<wire::Health> {
    found(wire::Health::well())
}

/// Whether the keys can be used
///
/// A sealed server has none, and answers 503.
#[utoipa::path(
    get,
    path = "/v1/health/hsm",
    tag = "health",
    responses((status = 200, body = wire::KeyHealth)),
    extensions(("x-kluis-action" = json!("none")))
)]
pub(super) async fn key_health_read() -> Answer<wire::KeyHealth> {
    found(wire::KeyHealth::well())
}
