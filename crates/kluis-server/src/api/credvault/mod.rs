//! CredVault: the platform: log-in, users, API keys, and more, under `/v1`.
//!
//! | file | routes |
//! |---|---|
//! | `auth.rs` | `POST /auth/{login,refresh,logout}`; `POST /auth/totp/{enroll,confirm,disable}` |
//! | `me.rs` | `GET /me` |
//! | `users.rs` | `GET, POST /users`; `GET, PATCH, DELETE /users/{id}`; `POST /users/{id}/reset-password` |
//! | `api_keys.rs` | `GET, POST /api-keys`; `GET, PATCH, DELETE /api-keys/{id}`; `POST /api-keys/{id}/rotate` |
//! | `organizations.rs` | `POST /organizations` |
//!
//! `paging.rs` is behind every list.

mod api_keys;
mod auth;
pub(crate) mod error;
mod me;
mod organizations;
mod paging;
mod users;
pub(crate) mod wire;

use kluis_engine::Error;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::error::Failure;
use super::Dialect;
use super::extract::extractors;
use crate::app::App;

/// What the document of this API holds beside its operations.
#[derive(OpenApi)]
#[openapi(components(schemas(error::Body)))]
struct Document;

/// The routes of this API.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(auth::session_create))
        .routes(routes!(auth::session_refresh))
        .routes(routes!(auth::session_delete))
        .routes(routes!(auth::totp_enroll))
        .routes(routes!(auth::totp_confirm))
        .routes(routes!(auth::totp_disable))
        .routes(routes!(me::me_read))
        .routes(routes!(users::user_list, users::user_create))
        .routes(routes!(
            users::user_read,
            users::user_update,
            users::user_delete
        ))
        .routes(routes!(users::user_reset_password))
        .routes(routes!(api_keys::api_key_list, api_keys::api_key_create))
        .routes(routes!(
            api_keys::api_key_read,
            api_keys::api_key_update,
            api_keys::api_key_delete
        ))
        .routes(routes!(api_keys::api_key_rotate))
        .routes(routes!(organizations::organization_create))
}

extractors!(Dialect::CredVault, Failure, Error::NotFound; Json, NoBody, Path);
