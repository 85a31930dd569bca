//! Crate: environments, tags and sealed transport, in JSON under `/organization/{id}` and as RPC under `/crate.v1.…`.
//!
//! | file | routes |
//! |---|---|
//! | `secrets.rs` | `PUT, GET /organization/{id}/secrets`; `POST …/secrets/retrieve`; `DELETE …/secrets/{name}` |
//! | `public_key.rs` | `GET /organization/{id}/secrets/public-key` |
//! | `tags.rs` | `GET /organization/{id}/tags` |
//! | `rpc.rs` | `POST /crate.v1.{SecretsService,TagService,ProfileService}/…`: gRPC, gRPC-Web and Connect |
//!
//! An environment is the organization's vault of that name. Both doors lead to one function for each thing that can be done.

pub(crate) mod error;
mod public_key;
pub(crate) mod rpc;
mod secrets;
mod tags;
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
        .routes(routes!(secrets::secret_put, secrets::secret_list))
        .routes(routes!(
            public_key::public_key_read,
            secrets::secret_delete_public_key
        ))
        .routes(routes!(
            secrets::secret_retrieve,
            secrets::secret_delete_retrieve
        ))
        .routes(routes!(secrets::secret_delete))
        .routes(routes!(tags::tag_list))
        .routes(routes!(rpc::rpc_store_secret))
        .routes(routes!(rpc::rpc_list_secrets))
        .routes(routes!(rpc::rpc_get_public_key))
        .routes(routes!(rpc::rpc_retrieve_secrets))
        .routes(routes!(rpc::rpc_delete_secret))
        .routes(routes!(rpc::rpc_list_tags))
        .routes(routes!(rpc::rpc_get_profile))
}

extractors!(Dialect::Crate, Failure, Error::invalid("path", "is not UTF-8"); Json, Path, Query);

/// Whether `path` is one of RPC.
pub(super) fn is_rpc(path: &str) -> bool {
    path.starts_with("/crate.v1.")
}

/// An answer of this API, or a failure in its shape.
type Answer<T> = Result<reply::Json<T>, Failure>;

/// 200 with the thing itself.
#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
fn found<T>(thing: T) -> Answer<T> {
    Ok(reply::Json(StatusCode::OK, thing))
}
