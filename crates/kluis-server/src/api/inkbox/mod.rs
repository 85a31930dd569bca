//! Inkbox: the zero-knowledge vault, identities and their keys.
//!
//! | file | routes below `/api/v1` |
//! |---|---|
//! | `whoami.rs` | `GET /api/whoami` |
//! | `vault.rs` | `POST /vault/initialize`; `GET /vault/{info,unlock}`; `DELETE /vault` |
//! | `keys.rs` | `GET /vault/keys`; `PUT /vault/keys/primary`; `DELETE /vault/keys/{auth_hash}` |
//! | `secrets.rs` | `GET, POST /vault/secrets`; `GET, PATCH, DELETE /vault/secrets/{secret_id}` |
//! | `access.rs` | `GET, POST /vault/secrets/{secret_id}/access`; `DELETE …/access/{identity_id}` |
//! | `identities.rs` | `GET, POST /identities`; `GET, PATCH, DELETE /identities/{agent_handle}` |
//! | `api_keys.rs` | `POST /api-keys`; `GET /api-keys/self` |
//! | `spelling.rs` | the other addresses that lead there: `/vault/…`, and a slash at the end of each |
//!
//! An identity is an agent, a secret a zero-knowledge item.

mod access;
mod api_keys;
pub(crate) mod error;
mod identities;
mod keys;
mod secrets;
pub(crate) mod spelling;
mod vault;
mod whoami;
mod wire;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use kluis_engine::Error;
use serde::de::DeserializeOwned;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::error::{Failure, Place};
use super::extract::{self, extractors};
use super::{Dialect, reply};
use crate::app::App;

/// What the document of this API holds beside its operations.
#[derive(OpenApi)]
#[openapi(components(schemas(error::Body<'static>)))]
struct Document;

/// The routes of this API.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(whoami::whoami_read))
        .routes(routes!(vault::vault_create))
        .routes(routes!(vault::vault_read))
        .routes(routes!(vault::vault_unlock))
        .routes(routes!(vault::vault_delete))
        .routes(routes!(keys::key_list))
        .routes(routes!(keys::key_replace))
        .routes(routes!(keys::key_revoke))
        .routes(routes!(secrets::secret_list, secrets::secret_create))
        .routes(routes!(
            secrets::secret_read,
            secrets::secret_update,
            secrets::secret_delete
        ))
        .routes(routes!(access::access_list, access::access_grant))
        .routes(routes!(access::access_revoke))
        .routes(routes!(
            identities::identity_list,
            identities::identity_create
        ))
        .routes(routes!(
            identities::identity_read,
            identities::identity_update,
            identities::identity_delete
        ))
        .routes(routes!(api_keys::api_key_create))
        .routes(routes!(api_keys::api_key_read_self))
}

extractors!(Dialect::Inkbox, Failure, Failure::In(Place::Path, Error::invalid("path", "is not UTF-8")); Json, Path);

/// The parameters in the query.
struct Query<T>(T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let query = extract::query(parts);
        query
            .map(Self)
            .map_err(|error| Failure::In(Place::Query, error))
    }
}

/// An answer of this API, or a failure in its shape.
type Answer<T> = Result<reply::Json<T>, Failure>;

/// 204, without a body.
type Done = Result<StatusCode, Failure>;

#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
fn found<T>(thing: T) -> Answer<T> {
    Ok(reply::Json(StatusCode::OK, thing))
}

#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
fn created<T>(thing: T) -> Answer<T> {
    Ok(reply::Json(StatusCode::CREATED, thing))
}

/// A bare array of things.
fn listed<T, W: From<T>>(things: Vec<T>) -> Answer<Vec<W>> {
    found(things.into_iter().map(W::from).collect())
}
