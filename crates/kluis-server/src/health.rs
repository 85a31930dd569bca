//! `GET /healthz`: the process lives. `GET /readyz`: it can serve: unsealed, and the storage answers.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::{Error, Unavailable};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::reply::Json;
use crate::app::App;

/// How the server is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`, `sealed` or `unavailable`.
    status: &'static str,
}

/// The routes of this file.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health_read))
        .routes(routes!(readiness_read))
}

/// Whether the process lives
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    responses((status = 200, body = Health))
)]
async fn health_read() -> Json<Health> {
    Json(StatusCode::OK, Health { status: "ok" })
}

/// Whether requests can be served
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses((status = 200, body = Health), (status = 503, body = Health))
)]
async fn readiness_read(State(app): State<App>) -> Json<Health> {
    match app.engine.ready().await {
        Ok(()) => Json(StatusCode::OK, Health { status: "ok" }),
        Err(Error::Unavailable(Unavailable::Sealed)) => {
            Json(StatusCode::SERVICE_UNAVAILABLE, Health { status: "sealed" })
        }
        Err(_) => Json(
            StatusCode::SERVICE_UNAVAILABLE,
            Health {
                status: "unavailable",
            },
        ),
    }
}
