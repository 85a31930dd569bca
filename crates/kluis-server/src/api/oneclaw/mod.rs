//! 1claw: paths, versions, policies, agents, the record, under `/v1`.
//!
//! | file | routes |
//! |---|---|
//! | `agents.rs` | `GET, POST /agents`; `GET /agents/me`; `GET, PATCH, DELETE /agents/{agent_id}`; `POST /agents/{agent_id}/{rotate-key,take-over}`; `POST /auth/agent-token`; `GET /org/agent-keys-vault` |
//! | `vaults.rs` | `GET, POST /vaults`; `GET, DELETE /vaults/{vault_id}`; `POST /vaults/{vault_id}/take-over` |
//! | `secrets.rs` | `GET /vaults/{vault_id}/secrets`; `GET, PUT, DELETE /vaults/{vault_id}/secrets/{path}` |
//! | `enrollment.rs` | `POST /agents/enroll`; `GET /agents/enroll/{pairing_id}/status`; `GET /agents/enroll/pending`; `POST /agents/enroll/{approve,deny}` |
//! | `shares.rs` | `POST /secrets/{secret_id}/share`; `GET, DELETE /share/{share_id}`; `DELETE /shares/{share_id}`; `GET /shares/{outbound,inbound}`; `POST /shares/{share_id}/{accept,decline}` |
//! | `env_vars.rs` | `GET, POST /vaults/{vault_id}/env-vars`; `GET …/env-vars/resolve`; `GET, PATCH, DELETE …/env-vars/{key}`; `GET, POST /vaults/{vault_id}/environments`; `DELETE …/environments/{slug}` |
//! | `honeytokens.rs` | `GET, POST /risk/honeytokens`; `DELETE /risk/honeytokens/{honeytoken_id}` |
//! | `ip_rules.rs` | `GET, POST /security/ip-rules`; `DELETE /security/ip-rules/{rule_id}` |
//! | `explain.rs` | `POST /policies/explain` |
//! | `policies.rs` | `GET, POST /vaults/{vault_id}/policies`; `PUT, DELETE /vaults/{vault_id}/policies/{policy_id}` |
//! | `versions.rs` | `GET /vaults/{vault_id}/secret-versions/{path}`, `…/secret-version/{path}/{n}`; `POST …/secret-version-disable/{path}/{n}`, `…/{secret-rotate,secret-restore,secret-purge}/{path}` |
//! | `auth.rs` | `POST /auth/{api-key-token,token,signup,change-password}`; `DELETE /auth/token`; `GET /auth/jwt-public-key` |
//! | `device.rs` | `POST /auth/device/{code,token,approve,deny}`; `GET /auth/device/pending` |
//! | `health.rs` | `GET /health`, `GET /health/hsm` |
//! | `api_keys.rs` | `GET, POST /auth/api-keys`; `DELETE /auth/api-keys/{key_id}` |
//! | `audit.rs` | `GET /audit/{events,verify,export}` |
//! | `mfa.rs` | `POST, DELETE /auth/mfa`; `GET /auth/mfa/status`; `POST /auth/mfa/{verify,setup,verify-setup}` |
//! | `me.rs` | `GET /auth/me` |

mod agents;
mod api_keys;
mod audit;
mod auth;
mod device;
mod enrollment;
mod env_vars;
pub(crate) mod error;
mod explain;
mod health;
mod honeytokens;
mod ip_rules;
mod me;
mod mfa;
mod policies;
mod secrets;
mod shares;
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
        .routes(routes!(agents::agent_list, agents::agent_create))
        .routes(routes!(agents::agent_self))
        .routes(routes!(enrollment::enrollment_begin))
        .routes(routes!(enrollment::enrollment_status))
        .routes(routes!(enrollment::enrollment_read))
        .routes(routes!(enrollment::enrollment_approve))
        .routes(routes!(enrollment::enrollment_deny))
        .routes(routes!(
            agents::agent_read,
            agents::agent_update,
            agents::agent_delete
        ))
        .routes(routes!(agents::agent_rotate_key))
        .routes(routes!(agents::agent_take_over))
        .routes(routes!(agents::agent_token_exchange))
        .routes(routes!(agents::agent_keys_vault))
        .routes(routes!(shares::share_create))
        .routes(routes!(shares::share_open, shares::share_revoke))
        .routes(routes!(shares::share_revoke_alike))
        .routes(routes!(shares::share_list_made))
        .routes(routes!(shares::share_list_received))
        .routes(routes!(shares::share_accept))
        .routes(routes!(shares::share_decline))
        .routes(routes!(env_vars::env_var_list, env_vars::env_var_create))
        .routes(routes!(env_vars::env_var_resolve))
        .routes(routes!(
            env_vars::env_var_read,
            env_vars::env_var_update,
            env_vars::env_var_delete
        ))
        .routes(routes!(
            env_vars::environment_list,
            env_vars::environment_create
        ))
        .routes(routes!(env_vars::environment_delete))
        .routes(routes!(
            honeytokens::honeytoken_list,
            honeytokens::honeytoken_create
        ))
        .routes(routes!(honeytokens::honeytoken_delete))
        .routes(routes!(ip_rules::ip_rule_list, ip_rules::ip_rule_create))
        .routes(routes!(ip_rules::ip_rule_delete))
        .routes(routes!(explain::policy_explain))
        .routes(routes!(policies::policy_list, policies::policy_create))
        .routes(routes!(policies::policy_update, policies::policy_delete))
        .routes(routes!(vaults::vault_list, vaults::vault_create))
        .routes(routes!(vaults::vault_read, vaults::vault_delete))
        .routes(routes!(secrets::secret_list))
        .routes(routes!(
            secrets::secret_read,
            secrets::secret_put,
            secrets::secret_close,
            versions::secret_rotate_older
        ))
        .routes(routes!(
            versions::secret_version_read,
            versions::secret_version_disable_older
        ))
        .routes(routes!(versions::secret_version_disable))
        .routes(routes!(versions::secret_rotate))
        .routes(routes!(versions::secret_version_list))
        .routes(routes!(versions::secret_restore))
        .routes(routes!(versions::secret_purge))
        .routes(routes!(vaults::vault_take_over))
        .routes(routes!(device::device_login_begin))
        .routes(routes!(device::device_login_token))
        .routes(routes!(device::device_login_read))
        .routes(routes!(device::device_login_approve))
        .routes(routes!(device::device_login_deny))
        .routes(routes!(auth::access_token_exchange))
        .routes(routes!(auth::access_token_create, auth::session_delete))
        .routes(routes!(auth::organization_sign_up))
        .routes(routes!(mfa::access_token_confirm, mfa::totp_disable))
        .routes(routes!(mfa::access_token_confirm_alike))
        .routes(routes!(mfa::totp_status))
        .routes(routes!(mfa::totp_enroll))
        .routes(routes!(mfa::totp_confirm))
        .routes(routes!(auth::access_token_key))
        .routes(routes!(auth::access_token_keys))
        .routes(routes!(auth::password_change))
        .routes(routes!(api_keys::api_key_list, api_keys::api_key_create))
        .routes(routes!(api_keys::api_key_delete))
        .routes(routes!(health::health_read))
        .routes(routes!(health::key_health_read))
        .routes(routes!(audit::audit_list))
        .routes(routes!(audit::audit_verify))
        .routes(routes!(audit::audit_export))
        .routes(routes!(me::me_read))
}

/// What is wrong with a path that leads nowhere: behind `…/secrets/` and its like the path of a secret is missing, which is
/// malformed rather than absent (RULES §3).
pub(crate) fn unrouted(path: &str) -> Error {
    let behind_vault = path
        .strip_prefix("/v1/vaults/")
        .and_then(|rest| rest.split_once('/'));
    match behind_vault {
        Some((_, word)) if word.starts_with("secret") && word.find('/') == Some(word.len() - 1) => {
            Error::invalid("path", "must not be empty")
        }
        _ => Error::NotFound,
    }
}

extractors!(Dialect::OneClaw, Failure, Error::invalid("path", "must be UTF-8"); Json, NoBody, OptionalJson, Path, Query);
