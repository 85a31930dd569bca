//! 1claw: paths, versions, policies, agents, the record, under `/v1`.
//!
//! | file | routes |
//! |---|---|
//! | `policies.rs` | `GET, POST /vaults/{vault_id}/policies`; `PUT, DELETE /vaults/{vault_id}/policies/{policy_id}` |
//! | `versions.rs` | `GET /vaults/{vault_id}/secret-versions/{path}`; `POST /vaults/{vault_id}/{secret-restore,secret-purge}/{path}` |
//! | `vaults.rs` | `POST /vaults/{vault_id}/take-over` |
//! | `auth.rs` | `POST /auth/change-password` |
//! | `audit.rs` | `GET /audit/events`, `GET /audit/verify` |
//! | `me.rs` | `GET /auth/me` |

mod audit;
mod auth;
pub(crate) mod error;
mod me;
mod policies;
mod vaults;
mod versions;
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
        .routes(routes!(policies::policy_list, policies::policy_create))
        .routes(routes!(policies::policy_update, policies::policy_delete))
        .routes(routes!(versions::secret_version_list))
        .routes(routes!(versions::secret_restore))
        .routes(routes!(versions::secret_purge))
        .routes(routes!(vaults::vault_take_over))
        .routes(routes!(auth::password_change))
        .routes(routes!(audit::audit_list))
        .routes(routes!(audit::audit_verify))
        .routes(routes!(me::me_read))
}

extractors!(Dialect::OneClaw, Failure, Error::invalid("path", "must be UTF-8"); Json, NoBody, Path, Query);
