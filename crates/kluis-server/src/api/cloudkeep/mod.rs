//! CloudKeep: vaults, secrets, templates and the caller's profile, under `/api/v1`.
//!
//! | file | routes |
//! |---|---|
//! | `vaults.rs` | `GET, POST /vaults`; `GET, PATCH, DELETE /vaults/{vault_id}` |
//! | `secrets.rs` | `GET, POST /vaults/{vault_id}/secrets`; `GET, PATCH, DELETE /vaults/{vault_id}/secrets/{secret_id}` |
//! | `templates.rs` | `GET /templates` |
//! | `me.rs` | `GET /me` |

pub(crate) mod error;
mod me;
mod secrets;
mod templates;
mod vaults;
mod wire;

use http::StatusCode;
use kluis_engine::Error;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::error::Failure;
use super::extract::extractors;
use super::{Dialect, reply};
use crate::app::App;

/// What the document of this API holds beside its operations.
#[derive(OpenApi)]
#[openapi(components(schemas(error::Body)))]
struct Document;

/// The routes of this API.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(vaults::vault_list, vaults::vault_create))
        .routes(routes!(
            vaults::vault_read,
            vaults::vault_update,
            vaults::vault_delete
        ))
        .routes(routes!(secrets::secret_list, secrets::secret_create))
        .routes(routes!(
            secrets::secret_read,
            secrets::secret_update,
            secrets::secret_delete
        ))
        .routes(routes!(templates::template_list))
        .routes(routes!(me::me_read))
}

extractors!(Dialect::CloudKeep, Failure, Error::NotFound; Json, Path);

/// An answer of this API: `{"data":…}`, or a failure in its shape.
type Answer<T> = Result<reply::Json<wire::Data<T>>, Failure>;

#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
fn found<T>(data: T) -> Answer<T> {
    Ok(reply::Json(StatusCode::OK, wire::Data { data }))
}

#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
fn created<T>(data: T) -> Answer<T> {
    Ok(reply::Json(StatusCode::CREATED, wire::Data { data }))
}
