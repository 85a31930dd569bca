//! What 1claw's requests and answers look like. An answer has only members that the contract names (C6): clients
//! refuse others.
//!
//! | file | what |
//! |---|---|
//! | `account.rs` | the own profile and password (contract §4.5, §12) |
//! | `agent.rs` | agents (contract §9) |
//! | `api_key.rs` | the own API keys (contract §12) |
//! | `audit.rs` | the record (contract §11) |
//! | `device.rs` | log-in of devices (contract §4.5) |
//! | `enrollment.rs` | agents that ask to be registered (contract §9) |
//! | `env_var.rs` | environment variables and environments (contract §14.1) |
//! | `explain.rs` | why someone may or may not |
//! | `health.rs` | how the server is (contract §12) |
//! | `mfa.rs` | the second factor (contract §4.5) |
//! | `honeytoken.rs` | honeytokens (contract §14.5) |
//! | `ip_rule.rs` | rules about addresses (contract §14.2) |
//! | `path.rs` | the grammar of paths (contract §6.1, §7) |
//! | `policy.rs` | policies (contract §8) |
//! | `secret.rs` | secrets and versions, without values (contract §6, §7) |
//! | `share.rs` | shares (contract §10) |
//! | `token.rs` | access tokens (contract §4) |
//! | `value.rs` | values on their way in and out (contract §6.3, §6.4, §7) |
//! | `vault.rs` | vaults (contract §5) |

mod account;
mod agent;
mod api_key;
mod audit;
mod device;
mod enrollment;
mod env_var;
mod explain;
mod health;
mod honeytoken;
mod ip_rule;
mod mfa;
mod path;
mod policy;
mod secret;
mod share;
mod token;
mod value;
mod vault;

use http::StatusCode;
use kluis_engine::{Error, Timestamp};
use serde_json::{Map, Value};

pub(super) use self::account::{Me, Message, PasswordChange, SignUp};
pub(super) use self::agent::{
    Agent, AgentCreate, AgentKeyExchange, AgentKeyShown, AgentKeysVault, AgentSelf, AgentShown,
    AgentToken, AgentUpdate, Agents,
};
pub(super) use self::api_key::{ApiKeyCreate, ApiKeyShown, ApiKeys};
pub(super) use self::audit::{Events, EventsQuery, ExportQuery, Verification, VerifyQuery};
pub(super) use self::device::{
    DeviceAsk, DeviceBegin, DeviceCode, DeviceDecision, DeviceLogin, DeviceQuery, DeviceToken,
};
pub(super) use self::enrollment::{
    AgentApproved, ApprovalQuery, Asking, Enrollment, EnrollmentBegin, EnrollmentDecision,
    EnrollmentState, PollQuery,
};
pub(super) use self::env_var::{
    EnvVar, EnvVarCreate, EnvVarQuery, EnvVarUpdate, EnvVars, EnvVarsQuery, EnvVarsResolved,
    Environment, EnvironmentCreate, Environments, ResolveQuery, environment_slug,
};
pub(super) use self::explain::{Explanation, Question};
pub(super) use self::health::{Health, KeyHealth};
pub(super) use self::honeytoken::{Honeytoken, HoneytokenCreate, Honeytokens};
pub(super) use self::ip_rule::{IpRule, IpRuleCreate, IpRules};
pub(super) use self::mfa::{MfaCode, MfaSetup, MfaStatus, RecoveryCodes};
pub(super) use self::path::{path_and_version, secret_path};
pub(super) use self::policy::{Policies, Policy, PolicyCreate, PolicyUpdate};
pub(super) use self::secret::{Secret, Secrets, SecretsQuery, Versions};
pub(super) use self::share::{Passphrase, Share, ShareCreate, SharedSecret, Shares, share_token};
pub(super) use self::token::{
    AccessToken, ApiKeyExchange, KeySet, LoggedIn, PasswordLogin, PublicKey, SecondFactor,
};
pub(super) use self::value::{RevealedSecret, SecretPut, SecretRotate};
pub(super) use self::vault::{Vault, VaultCreate, Vaults};
use super::error::Failure;
use crate::api::reply;

/// An answer of this API, or a failure in its shape.
pub(crate) type Answer<T> = Result<reply::Json<T>, Failure>;

/// 200 with the thing itself.
#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
pub(crate) fn found<T>(thing: T) -> Answer<T> {
    Ok(reply::Json(StatusCode::OK, thing))
}

/// 201 with the thing itself.
#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
pub(crate) fn created<T>(thing: T) -> Answer<T> {
    Ok(reply::Json(StatusCode::CREATED, thing))
}

/// A JSON object that is kept as text.
fn object(text: &str) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(text).map_err(|_| Error::internal("a stored JSON object cannot be read"))
}

/// The time that a member says.
fn instant(field: &'static str, text: &str) -> Result<Timestamp, Error> {
    Timestamp::parse(text)
        .ok_or_else(|| Error::invalid(field, "must be an ISO 8601 time with an offset"))
}

/// The same for a member that may be absent.
fn optional_instant(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Error> {
    text.map(|text| instant(field, text)).transpose()
}

/// The id of a user or an agent, bare.
fn uuid(bytes: [u8; 16]) -> String {
    kluis_engine::UserId::from_bytes(bytes).to_string()
}
