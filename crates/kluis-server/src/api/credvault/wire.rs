//! What CredVault's requests and answers look like (contract A4, part B).
//!
//! | file | what |
//! |---|---|
//! | `session.rs` | log-in, sessions, second factors |
//! | `user.rs` | users, organizations, the own profile |
//! | `api_key.rs` | API keys |
//! | `collection.rs`, `record.rs` | collections, records; `members.rs`: objects whose order counts |
//! | `cluster.rs`, `cluster_change.rs`, `lease.rs` | clusters of database servers, and users of them that live for a while |
//! | `version.rs` | versions of records |
//! | `query.rs`, `filter.rs` | queries, and the language of their filters |
//! | `job.rs` | jobs |
//! | `integration.rs`, `integration_change.rs`, `integration_config.rs`, `integration_push.rs` | integrations, and what their targets get |
//! | `intelligence.rs`, `insight.rs`, `evidence.rs` | the intelligence engine, and what it finds |
//! | `log.rs` | the activity log |
//! | `webhook.rs` | webhooks, and what their receivers get |

mod api_key;
mod cluster;
mod cluster_change;
mod collection;
mod evidence;
pub(super) mod filter;
mod insight;
mod integration;
mod integration_change;
mod integration_config;
mod integration_push;
mod intelligence;
mod job;
mod lease;
mod log;
mod members;
mod query;
mod record;
mod session;
mod user;
mod version;
mod webhook;

use http::StatusCode;
use kluis_engine::{
    ApiKeyId, ClusterId, Error, EventId, IntegrationId, LeaseId, SecretId, Timestamp, UserId,
    VaultId, WebhookId,
};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use self::api_key::{ApiKey, ApiKeyCreate, ApiKeyShown, ApiKeyUpdate};
pub(super) use self::cluster::{Cluster, ClusterTest, Configuration};
pub(super) use self::cluster_change::{
    ClusterForce, ClusterPut, ClusterUpdate, ConfigurationUpdate, OneRecord,
};
pub(super) use self::collection::{Collection, CollectionCreate, CollectionUpdate, Force};
pub(super) use self::insight::{
    AnalysisCreate, Feedback, FeedbackCreate, Insight, InsightUpdate, Recommendation, spellings,
};
pub(super) use self::integration::{
    Integration, IntegrationRun, IntegrationShown, IntegrationTest, IntegrationType,
};
pub(super) use self::integration_change::{IntegrationPut, IntegrationUpdate};
pub(super) use self::integration_push::{push, push_headers, report};
pub(super) use self::intelligence::{Classified, Classify, IntelligenceModel, Texts};
pub(super) use self::job::Job;
pub(super) use self::lease::{Lease, LeaseCreate, LeaseShown};
pub(super) use self::log::LogEntry;
pub(super) use self::query::{DeleteMany, DeletedMany, Query, RecordPart, UpdateMany, Updated};
pub(super) use self::record::{
    IfMatchHeader, Inserted, Record, RecordPut, RecordPuts, RecordShown, RecordUpdate, Reveal,
    shown_type,
};
pub(super) use self::session::{
    Code, LoggedOut, Login, RecoveryCodes, Refresh, Session, TotpEnrollment, TotpState,
};
pub(super) use self::user::{
    Me, OneTimePassword, Organization, OrganizationCreate, User, UserCreate, UserCreated,
    UserUpdate, user_status,
};
pub(super) use self::version::{RecordVersion, Restore, version_status};
pub(super) use self::webhook::{
    Delivery, Event, Webhook, WebhookCreate, WebhookShown, WebhookUpdate, letter, signature,
};
use super::error::Failure;
use crate::api::ids::prefixed;
use crate::api::reply;

/// A success with one thing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Success<T> {
    /// Always `success`.
    #[schema(examples("success"))]
    status: &'static str,
    data: T,
}

/// A success of which there is more on other pages.
#[derive(Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    /// Always `success`.
    #[schema(examples("success"))]
    status: &'static str,
    /// The things on this page.
    data: Vec<T>,
    /// Where the page stands.
    pagination: Pagination,
}

/// Where a page stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pagination {
    /// All that there are, on all pages.
    pub(crate) total: usize,
    /// The most on one page.
    pub(crate) limit: usize,
    /// How many stand before this page.
    pub(crate) offset: usize,
    /// Whether another page follows.
    pub(crate) has_more: bool,
    /// Leads to the next page; null on the last one.
    pub(crate) next_cursor: Option<String>,
    /// Leads to the page before; null on the first one.
    pub(crate) prev_cursor: Option<String>,
}

/// What is gone.
#[derive(Serialize, ToSchema)]
pub(super) struct Deleted {
    /// The id that it had.
    id: String,
    /// Always true.
    deleted: bool,
}

impl Deleted {
    /// The user is gone.
    pub(super) fn user(id: UserId) -> Self {
        Self {
            id: user_id(id),
            deleted: true,
        }
    }

    /// The collection is gone.
    pub(super) fn collection(id: VaultId) -> Self {
        Self {
            id: prefixed("collection_", id.bytes()),
            deleted: true,
        }
    }

    /// The record is gone.
    pub(super) fn record(id: SecretId) -> Self {
        Self {
            id: prefixed("resource_", id.bytes()),
            deleted: true,
        }
    }

    /// The webhook is gone.
    pub(super) fn webhook(id: WebhookId) -> Self {
        Self {
            id: prefixed("webhook_", id.bytes()),
            deleted: true,
        }
    }

    /// The cluster is gone.
    pub(super) fn cluster(id: ClusterId) -> Self {
        Self {
            id: prefixed("cluster_", id.bytes()),
            deleted: true,
        }
    }

    /// The integration is gone.
    pub(super) fn integration(id: IntegrationId) -> Self {
        Self {
            id: prefixed("integration_", id.bytes()),
            deleted: true,
        }
    }

    /// The lease is over, and its user is gone.
    pub(super) fn lease(id: LeaseId) -> Self {
        Self {
            id: prefixed("lease_", id.bytes()),
            deleted: true,
        }
    }

    /// The key is gone.
    pub(super) fn api_key(id: ApiKeyId) -> Self {
        Self {
            id: prefixed("key_", id.bytes()),
            deleted: true,
        }
    }
}

/// An answer of this API, or a failure in its shape.
pub(crate) type Answer<T> = Result<reply::Json<Success<T>>, Failure>;

/// 200 with `data`.
#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
pub(crate) fn success<T>(data: T) -> Answer<T> {
    Ok(reply::Json(
        StatusCode::OK,
        Success {
            status: "success",
            data,
        },
    ))
}

/// 201 with `data`.
#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
pub(crate) fn created<T>(data: T) -> Answer<T> {
    Ok(reply::Json(
        StatusCode::CREATED,
        Success {
            status: "success",
            data,
        },
    ))
}

/// 202 with `data`: the work goes on.
#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
pub(crate) fn accepted<T>(data: T) -> Answer<T> {
    Ok(reply::Json(
        StatusCode::ACCEPTED,
        Success {
            status: "success",
            data,
        },
    ))
}

/// A page of a list, or a failure in the shape of this API.
pub(crate) type ListAnswer<T> = Result<reply::Json<Listed<T>>, Failure>;

/// 200 with a page of a list.
#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
pub(crate) fn listed<T>(data: Vec<T>, pagination: Pagination) -> ListAnswer<T> {
    Ok(reply::Json(
        StatusCode::OK,
        Listed {
            status: "success",
            data,
            pagination,
        },
    ))
}

/// The id of a thing of this kind, in the engine's words.
fn spelled(kind: &str, id: &[u8; 16]) -> String {
    let prefix = match kind {
        "agent" => "agent_",
        "api_key" => "key_",
        "cluster" => "cluster_",
        "insight" => "insight_",
        "integration" => "integration_",
        "job" => "job_",
        "lease" => "lease_",
        "policy" => "policy_",
        "secret" => "resource_",
        "user" => "user_",
        "vault" => "collection_",
        "webhook" => "webhook_",
        // Other APIs' things go by their UUIDs.
        _ => return EventId::from_bytes(*id).to_string(),
    };
    prefixed(prefix, id)
}

fn user_id(id: UserId) -> String {
    prefixed("user_", id.bytes())
}

/// A member of a change that may be left out, but has nothing that null could mean.
fn filled<T>(field: &'static str, stated: Option<Option<T>>) -> Result<Option<T>, Error> {
    match stated {
        Some(None) => Err(Error::invalid(field, "must not be null")),
        stated => Ok(stated.flatten()),
    }
}

/// A time that may be unsaid or null.
fn optional_time(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Error> {
    let parsed = text.map(|text| {
        Timestamp::parse(text)
            .ok_or_else(|| Error::invalid(field, "must be RFC 3339 in UTC or with an offset"))
    });
    parsed.transpose()
}

/// Milliseconds of an instant (RFC 3339), or of the beginning of a day (`YYYY-MM-DD`) in UTC.
pub(super) fn instant(field: &str, text: &str) -> Result<i64, Error> {
    let is_day = text.len() == "YYYY-MM-DD".len();
    let at = if is_day {
        Timestamp::parse(&format!("{text}T00:00:00Z"))
    } else {
        Timestamp::parse(text)
    };
    at.map(Timestamp::millis)
        .ok_or_else(|| Error::invalid(field.to_owned(), "must be RFC 3339 or YYYY-MM-DD"))
}
