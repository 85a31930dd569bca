//! CredVault: the platform: log-in, users, API keys, and more, under `/v1`.
//!
//! | file | routes |
//! |---|---|
//! | `auth.rs` | `POST /auth/{login,refresh,logout}`; `POST /auth/totp/{enroll,confirm,disable}` |
//! | `me.rs` | `GET /me` |
//! | `users.rs` | `GET, POST /users`; `GET, PATCH, DELETE /users/{id}`; `POST /users/{id}/reset-password` |
//! | `api_keys.rs` | `GET, POST /api-keys`; `GET, PATCH, DELETE /api-keys/{id}`; `POST /api-keys/{id}/rotate` |
//! | `organizations.rs` | `POST /organizations` |
//! | `resources.rs` | `GET, POST /resources`; `GET, PUT, PATCH, DELETE /resources/{id}` |
//! | `collections.rs` | `GET, POST /collections`; `GET, PATCH, DELETE /collections/{name}` |
//! | `records.rs` | `GET, POST, PATCH /collections/{name}/records`; `POST …/{query,delete}`; `GET, PUT, PATCH, DELETE …/records/{id}`; `GET …/versions`, `POST …/restore` |
//! | `integrations.rs` | `GET /integrations/types`; `GET, POST /integrations`; `GET, PUT, PATCH, DELETE /integrations/{id}`; `POST …/{test,sync}`; `GET …/runs` |
//! | `intelligence.rs` | `GET /intelligence/models`; `POST /intelligence/classify` |
//! | `insights.rs` | `POST /intelligence/analyze`; `GET /intelligence/insights`; `GET, PATCH /intelligence/insights/{id}`; `GET /intelligence/{anomalies,recommendations}`; `POST /intelligence/feedback` |
//! | `webhooks.rs` | `GET, POST /webhooks`; `GET, PUT, PATCH, DELETE /webhooks/{id}`; `POST /webhooks/{id}/{rotate-secret,test}`; `GET /webhooks/{id}/deliveries`; `POST /webhooks/{id}/deliveries/{delivery_id}/redeliver`; `GET /webhooks/events` |
//! | `logs.rs` | `GET /logs` |
//! | `jobs.rs` | `GET /jobs`; `GET /jobs/{id}`; `POST /jobs/{id}/cancel` |
//! | `clusters.rs` | `GET, POST /clusters`; `GET, PUT, PATCH, DELETE /clusters/{id}`; `GET, PATCH …/configuration`; `POST …/{test,rotate}`; `GET …/records` |
//! | `leases.rs` | `GET, POST /clusters/{id}/leases`; `DELETE …/leases/{lease_id}` |
//!
//! `paging.rs` is behind every list, `record.rs` behind both doors to records.

mod api_keys;
mod auth;
mod clusters;
mod collections;
pub(crate) mod error;
mod if_match;
mod insights;
mod integrations;
mod intelligence;
mod jobs;
mod leases;
mod logs;
mod me;
mod organizations;
mod paging;
mod record;
mod records;
mod resources;
mod users;
mod webhooks;
pub(crate) mod wire;

use kluis_engine::Error;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::error::Failure;
pub(crate) use self::integrations::WORDS;
pub(crate) use self::webhooks::COURIER;
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
        .routes(routes!(
            resources::resource_list,
            resources::resource_create
        ))
        .routes(routes!(
            resources::resource_read,
            resources::resource_replace,
            resources::resource_update,
            resources::resource_delete
        ))
        .routes(routes!(
            collections::collection_list,
            collections::collection_create
        ))
        .routes(routes!(
            collections::collection_read,
            collections::collection_update,
            collections::collection_delete
        ))
        .routes(routes!(
            records::record_list,
            records::record_create,
            records::record_update_many
        ))
        .routes(routes!(records::record_query))
        .routes(routes!(records::record_delete_many))
        .routes(routes!(
            records::record_read,
            records::record_replace,
            records::record_update,
            records::record_delete
        ))
        .routes(routes!(records::record_version_list))
        .routes(routes!(records::record_restore))
        .routes(routes!(intelligence::model_list))
        .routes(routes!(intelligence::text_classify))
        .routes(routes!(insights::analysis_create))
        .routes(routes!(insights::insight_list))
        .routes(routes!(insights::insight_read, insights::insight_update))
        .routes(routes!(insights::anomaly_list))
        .routes(routes!(insights::recommendation_list))
        .routes(routes!(insights::insight_vote))
        .routes(routes!(logs::log_list))
        .routes(routes!(jobs::job_list))
        .routes(routes!(jobs::job_read))
        .routes(routes!(jobs::job_cancel))
        .merge(outward())
}

/// Those of what reaches beyond this server: databases, targets, receivers.
fn outward() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(clusters::cluster_list, clusters::cluster_create))
        .routes(routes!(
            clusters::cluster_read,
            clusters::cluster_replace,
            clusters::cluster_update,
            clusters::cluster_delete
        ))
        .routes(routes!(
            clusters::configuration_read,
            clusters::configuration_update
        ))
        .routes(routes!(clusters::cluster_test))
        .routes(routes!(clusters::cluster_record_list))
        .routes(routes!(clusters::cluster_rotate))
        .routes(routes!(leases::lease_list, leases::lease_create))
        .routes(routes!(leases::lease_delete))
        .routes(routes!(integrations::integration_kind_list))
        .routes(routes!(
            integrations::integration_list,
            integrations::integration_create
        ))
        .routes(routes!(
            integrations::integration_read,
            integrations::integration_replace,
            integrations::integration_update,
            integrations::integration_delete
        ))
        .routes(routes!(integrations::integration_test))
        .routes(routes!(integrations::integration_sync))
        .routes(routes!(integrations::integration_run_list))
        .routes(routes!(webhooks::webhook_list, webhooks::webhook_create))
        .routes(routes!(webhooks::webhook_event_list))
        .routes(routes!(
            webhooks::webhook_read,
            webhooks::webhook_replace,
            webhooks::webhook_update,
            webhooks::webhook_delete
        ))
        .routes(routes!(webhooks::webhook_rotate_secret))
        .routes(routes!(webhooks::webhook_test))
        .routes(routes!(webhooks::webhook_delivery_list))
        .routes(routes!(webhooks::webhook_redeliver))
}

extractors!(Dialect::CredVault, Failure, Error::NotFound; Json, JsonOneOrMany, NoBody, OptionalJson, Path, Query);
