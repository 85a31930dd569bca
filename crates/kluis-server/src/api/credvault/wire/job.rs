//! Jobs.

use kluis_engine::{SecretId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::spelled;
use crate::api::ids::prefixed;

/// Work that goes on after its request was answered.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Job {
    #[schema(examples("job_01JQ1xA2bC3dE4fG5hI6jK"))]
    id: String,
    /// What it does.
    kind: &'static str,
    /// `queued`, `running`, `succeeded` or `failed`.
    #[schema(examples("running"))]
    status: &'static str,
    /// In percent.
    #[schema(examples(40))]
    progress: u8,
    /// What came of it; null until it has succeeded.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// Why it failed.
    error: Option<String>,
    /// Id of the user who asked for it; null where the server does it by itself.
    requested_by: Option<String>,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    created_at: String,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    updated_at: String,
    finished_at: Option<String>,
}

impl From<kluis_engine::Job> for Job {
    fn from(job: kluis_engine::Job) -> Self {
        Self {
            id: prefixed("job_", job.id.bytes()),
            kind: job.kind.as_str(),
            status: job.status.as_str(),
            progress: job.progress,
            // Written by the engine, as an object.
            result: job
                .result
                .and_then(|result| serde_json::from_str(&result).ok())
                .map(in_own_words),
            error: job.error,
            requested_by: job
                .asked_by
                .map(|principal| spelled(principal.kind(), principal.id_bytes())),
            created_at: job.created_at.rfc3339_seconds(),
            updated_at: job.updated_at.rfc3339_seconds(),
            finished_at: job.finished_at.map(Timestamp::rfc3339_seconds),
        }
    }
}

/// A result in the words of this API: it names secrets, which are records here.
fn in_own_words(result: Value) -> Value {
    match result {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| match (name.as_str(), value) {
                ("secrets", value) => ("records".to_owned(), in_own_words(value)),
                ("secret", Value::String(id)) => match SecretId::from_uuid_text(&id) {
                    Some(id) => ("id".to_owned(), spelled("secret", id.bytes()).into()),
                    None => (name, Value::String(id)),
                },
                (_, value) => (name, in_own_words(value)),
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(in_own_words).collect(),
        value => value,
    }
}
