//! Versions of a record's secret (contract B3).

use kluis_engine::{Availability, PolicyPrincipal, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::records::Version;
use crate::api::ids::prefixed;

/// A version of a record's secret, without the secret.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct RecordVersion {
    #[schema(examples(2))]
    version: u32,
    /// `active`, `expired` or `disabled`.
    #[schema(examples("active"))]
    status: &'static str,
    /// When it expires; null when it does not.
    expires_at: Option<String>,
    /// Id of the user or agent who wrote it.
    #[schema(examples("user_01JQ1xA2bC3dE4fG5hI6jK"))]
    created_by: String,
    #[schema(examples("2026-01-01T00:00:00Z"))]
    created_at: String,
}

/// Which version to restore.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct Restore {
    #[schema(minimum = 1, examples(1))]
    pub(in super::super) version: u32,
}

/// How a version is said to be.
pub(in super::super) fn version_status(version: &Version) -> &'static str {
    match version.0.availability(version.1) {
        Availability::Available | Availability::Empty => "active",
        Availability::Closed | Availability::Disabled => "disabled",
        Availability::Expired | Availability::UsedUp => "expired",
    }
}

impl From<Version> for RecordVersion {
    fn from(version: Version) -> Self {
        let info = &version.0;
        Self {
            version: info.number,
            status: version_status(&version),
            expires_at: info.expires_at.map(Timestamp::rfc3339_seconds),
            created_by: match info.created_by {
                PolicyPrincipal::Agent(agent) => prefixed("agent_", agent.bytes()),
                PolicyPrincipal::User(user) => prefixed("user_", user.bytes()),
            },
            created_at: info.created_at.rfc3339_seconds(),
        }
    }
}
