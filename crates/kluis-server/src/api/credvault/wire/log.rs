//! The activity log.

use kluis_engine::AuditEntry;
use serde::Serialize;
use utoipa::ToSchema;

use super::spelled;
use crate::api::ids::prefixed;

/// One act.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct LogEntry {
    #[schema(examples("event_01JQ1xA2bC3dE4fG5hI6jK"))]
    id: String,
    /// Id of the user or agent; null where it was nobody in particular, or the server itself.
    #[schema(examples("user_01JQ1xA2bC3dE4fG5hI6jK"))]
    actor: Option<String>,
    /// `user`, `agent`, `server`, `operator` or `anonymous`.
    #[schema(examples("user"))]
    actor_type: String,
    /// What was done.
    #[schema(examples("secret.read"))]
    action: String,
    /// Kind of the thing that it was done to; empty where there is none.
    #[schema(examples("secret"))]
    resource_type: String,
    /// Id of that thing.
    #[schema(examples("resource_01JQ1xA2bC3dE4fG5hI6jK"))]
    resource_id: Option<String>,
    /// `success`, `denied` or `failed`.
    #[schema(examples("success"))]
    outcome: String,
    /// The client's address; null where it is not known.
    #[schema(examples("192.0.2.7"))]
    ip: Option<String>,
    /// When it happened.
    #[schema(examples("2026-01-02T03:04:05Z"))]
    at: String,
    /// The same as `at`: what is past does not change.
    #[schema(examples("2026-01-02T03:04:05Z"))]
    created_at: String,
}

impl From<AuditEntry> for LogEntry {
    fn from(entry: AuditEntry) -> Self {
        let at = entry.at.rfc3339_seconds();
        Self {
            id: prefixed("event_", entry.id.bytes()),
            actor: entry.actor.map(|id| spelled(&entry.actor_type, &id)),
            resource_id: entry.resource.map(|id| spelled(&entry.resource_type, &id)),
            actor_type: entry.actor_type,
            action: entry.action,
            resource_type: entry.resource_type,
            outcome: entry.outcome,
            ip: Some(entry.address).filter(|address| !address.is_empty()),
            created_at: at.clone(),
            at,
        }
    }
}
