//! Integrations and their runs (contract B5).

use kluis_engine::{Error, IntegrationKind, Timestamp, Trial};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::integration_config::{schema, shown};
use super::user_id;
use crate::api::ids::prefixed;
use crate::api::revealed::Revealed;

/// Where records of a collection are sent, which, and when.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Integration {
    #[schema(examples("integration_01JQ4bC8eF2gH6jK0mN5pQ"))]
    id: String,
    #[schema(examples("deploy-push"))]
    name: String,
    /// `http_push`, `env_file`, `kv_v2` or `chat_webhook`.
    #[serde(rename = "type")]
    #[schema(examples("http_push"))]
    kind: &'static str,
    /// Whether anything is sent.
    enabled: bool,
    /// As the type's schema says.
    #[schema(value_type = Object, examples(json!({"url": "https://deploy.example.com/hook", "format": "json"})))]
    config: Map<String, Json>,
    /// The record that it proves itself with at its target; null when it needs none.
    #[schema(examples("resource_01JQ7fQ2mZ81kLp0aWcDeF"))]
    credential_record_id: Option<String>,
    selector: Selector,
    sync: Sync,
    /// Id of the user with whose rights it reads: who last said what is sent, or where to.
    #[schema(examples("user_01JQ1xA2bC3dE4fG5hI6jK"))]
    runs_as: String,
    /// `pending` before the first sync, `ok`, `retrying` or `failed`.
    #[schema(examples("ok"))]
    status: &'static str,
    /// When its target was last brought up to date.
    #[schema(examples("2026-01-02T03:00:00Z"))]
    last_sync_at: Option<String>,
    /// Why it could not be since.
    last_error: Option<String>,
    /// When it is next run by itself, as far as that is known.
    #[schema(examples("2026-01-02T04:00:00Z"))]
    next_sync_at: Option<String>,
    #[schema(examples("2025-10-01T00:00:00Z"))]
    created_at: String,
    /// When it was last changed; syncs do not move it.
    #[schema(examples("2026-01-02T03:00:00Z"))]
    updated_at: String,
}

/// An integration with its secret.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct IntegrationShown {
    #[serde(flatten)]
    integration: Integration,
    /// `whsec_` and 32 bytes in base64, for the type `http_push`; pushes are signed with all of this text. Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    secret: Option<Revealed>,
}

/// Which records are sent: decided anew in every run.
#[derive(Serialize, ToSchema)]
struct Selector {
    /// Name of the collection; null when it is gone.
    #[schema(examples("billing"))]
    collection: Option<String>,
    /// As in a query; empty for all.
    #[schema(value_type = Object, examples(json!({"tags": {"$contains": "prod"}})))]
    filter: Map<String, Json>,
}

/// When records are sent.
#[derive(Serialize, ToSchema)]
struct Sync {
    /// `manual`, `on_change` or `scheduled`.
    #[schema(examples("on_change"))]
    mode: &'static str,
    /// Minutes from one sync to the next, for the mode `scheduled`.
    #[schema(examples(json!(null)))]
    interval_minutes: Option<u32>,
}

/// A type of integration.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct IntegrationType {
    #[serde(rename = "type")]
    #[schema(examples("http_push"))]
    kind: &'static str,
    /// What it does.
    #[schema(examples("Sends everything that is selected in one signed request."))]
    description: &'static str,
    /// Whether this server serves it.
    #[schema(examples(true))]
    available: bool,
    /// What `credential_record_id` is for, and whether there has to be one: `none`, `optional` or `required`.
    #[schema(examples("optional"))]
    credential: &'static str,
    /// The JSON Schema of `config`.
    #[schema(value_type = Object, examples(json!({"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}})))]
    config_schema: Json,
}

/// One sync, with all of its attempts.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct IntegrationRun {
    /// Pushes carry it, the same in every attempt.
    #[schema(examples("run_01JQ1xA2bC3dE4fG5hI6jK"))]
    id: String,
    #[schema(examples("integration_01JQ4bC8eF2gH6jK0mN5pQ"))]
    integration_id: String,
    #[schema(examples("job_01JQ1xA2bC3dE4fG5hI6jK"))]
    job_id: String,
    /// `manual`, `change` or `schedule`.
    #[schema(examples("change"))]
    cause: &'static str,
    /// `queued`, `running`, `retrying`, `succeeded`, `failed`, or `superseded` when it made room for another.
    #[schema(examples("succeeded"))]
    status: &'static str,
    #[schema(examples(1))]
    attempts: u32,
    /// How many records were to be at the target; null until it has succeeded.
    #[schema(examples(12))]
    record_count: Option<u32>,
    /// How many entries, files, messages or requests it took.
    #[schema(examples(3))]
    sent_count: Option<u32>,
    /// How many entries or files were removed, or records told to be gone.
    #[schema(examples(0))]
    removed_count: Option<u32>,
    /// Why the last attempt came to nothing.
    error: Option<String>,
    /// When it is attempted again.
    next_attempt_at: Option<String>,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    created_at: String,
    /// When the first attempt began.
    #[schema(examples("2026-01-02T03:04:05Z"))]
    started_at: Option<String>,
    #[schema(examples("2026-01-02T03:04:06Z"))]
    finished_at: Option<String>,
}

/// What trying to reach the target has shown.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct IntegrationTest {
    #[schema(examples(true))]
    ok: bool,
    #[schema(examples(12))]
    duration_ms: u64,
    /// Why a sync would come to nothing.
    error: Option<String>,
}

impl Integration {
    /// As it is shown.
    pub(in super::super) fn of(integration: kluis_engine::Integration) -> Result<Self, Error> {
        let stated = serde_json::from_str(&integration.selector.stated);
        Ok(Self {
            id: prefixed("integration_", integration.id.bytes()),
            name: integration.name,
            kind: integration.target.kind().as_str(),
            enabled: integration.enabled,
            config: shown(&integration.target)?,
            credential_record_id: integration
                .credential
                .map(|record| prefixed("resource_", record.bytes())),
            selector: Selector {
                collection: integration.selector.vault_name,
                filter: stated.map_err(|cause| Error::internal(cause.to_string()))?,
            },
            sync: Sync {
                mode: integration.mode.as_str(),
                interval_minutes: integration.mode.minutes(),
            },
            runs_as: user_id(integration.acts_for),
            status: integration.status.as_str(),
            last_sync_at: integration.last_sync_at.map(Timestamp::rfc3339_seconds),
            last_error: integration.last_error,
            next_sync_at: integration.due_at.map(Timestamp::rfc3339_seconds),
            created_at: integration.created_at.rfc3339_seconds(),
            updated_at: integration.updated_at.rfc3339_seconds(),
        })
    }
}

impl IntegrationShown {
    /// As it is shown once.
    pub(in super::super) fn of(shown: kluis_engine::IntegrationShown) -> Result<Self, Error> {
        Ok(Self {
            integration: Integration::of(shown.integration)?,
            secret: shown.secret.map(Revealed::from),
        })
    }
}

impl IntegrationType {
    /// A kind, and whether this server serves it.
    pub(in super::super) fn of((kind, available): (IntegrationKind, bool)) -> Result<Self, Error> {
        let (description, credential) = match kind {
            IntegrationKind::ChatWebhook => (
                "Tells in a message which records have changed, by name and without values.",
                "optional",
            ),
            IntegrationKind::EnvFile => (
                "Writes everything that is selected into a file of variables on the server's machine.",
                "none",
            ),
            IntegrationKind::HttpPush => (
                "Sends everything that is selected in one signed request.",
                "optional",
            ),
            IntegrationKind::KvV2 => (
                "Writes each record that is selected into a KV secrets engine of version 2.",
                "required",
            ),
        };
        Ok(Self {
            kind: kind.as_str(),
            description,
            available,
            credential,
            config_schema: schema(kind)?,
        })
    }
}

impl From<kluis_engine::IntegrationRun> for IntegrationRun {
    fn from(run: kluis_engine::IntegrationRun) -> Self {
        Self {
            id: prefixed("run_", run.id.bytes()),
            integration_id: prefixed("integration_", run.integration.bytes()),
            job_id: prefixed("job_", run.job.bytes()),
            cause: run.cause.as_str(),
            status: run.status.as_str(),
            attempts: run.attempts,
            record_count: run.records,
            sent_count: run.sent,
            removed_count: run.removed,
            error: run.error,
            next_attempt_at: run.retry_at.map(Timestamp::rfc3339_seconds),
            created_at: run.created_at.rfc3339_seconds(),
            started_at: run.started_at.map(Timestamp::rfc3339_seconds),
            finished_at: run.finished_at.map(Timestamp::rfc3339_seconds),
        }
    }
}

impl From<Trial> for IntegrationTest {
    fn from(trial: Trial) -> Self {
        Self {
            ok: trial.error.is_none(),
            duration_ms: trial.duration_millis,
            error: trial.error,
        }
    }
}
