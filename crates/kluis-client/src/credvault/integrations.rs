//! Integrations: services that are kept up to date with secrets (contract B5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CredVault, Job};
use crate::http::Call;
use crate::{Error, SecretText};

impl CredVault<'_> {
    /// The types that the server knows.
    pub async fn integration_types(self) -> Result<Vec<IntegrationType>, Error> {
        self.one(Call::get(&["v1", "integrations", "types"])).await
    }

    /// The integrations that the caller may see, oldest first.
    pub async fn integrations(self) -> Result<Vec<Integration>, Error> {
        self.list(&["v1", "integrations"], &[]).await
    }

    /// Makes an integration; `name`, `type` and `config` have to be there. Where its calls are signed, the answer is the only
    /// place where the secret for that is shown.
    pub async fn integration_create(
        self,
        integration: &IntegrationSettings,
    ) -> Result<CreatedIntegration, Error> {
        self.one(Call::post(&["v1", "integrations"]).json(integration)?)
            .await
    }

    /// Changes an integration; what is `None` stays.
    pub async fn integration_update(
        self,
        integration: &str,
        change: &IntegrationSettings,
    ) -> Result<Integration, Error> {
        self.one(Call::patch(&["v1", "integrations", integration]).json(change)?)
            .await
    }

    /// Deletes an integration.
    pub async fn integration_delete(self, integration: &str) -> Result<(), Error> {
        self.0
            .call_unit(Call::delete(&["v1", "integrations", integration]))
            .await
    }

    /// Tries to reach the service, without sending it a secret.
    pub async fn integration_test(self, integration: &str) -> Result<IntegrationTest, Error> {
        self.one(Call::post(&["v1", "integrations", integration, "test"]))
            .await
    }

    /// Begins to bring the service up to date.
    pub async fn integration_sync(self, integration: &str) -> Result<Job, Error> {
        self.one(Call::post(&["v1", "integrations", integration, "sync"]))
            .await
    }

    /// Its runs, oldest first.
    pub async fn integration_runs(self, integration: &str) -> Result<Vec<IntegrationRun>, Error> {
        self.list(&["v1", "integrations", integration, "runs"], &[])
            .await
    }
}

/// A kind of service.
#[derive(Debug, Clone, Deserialize)]
pub struct IntegrationType {
    /// `http_push`, `env_file`, `kv_v2` or `chat_webhook`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it does.
    pub description: String,
    /// Whether this server serves it.
    pub available: bool,
    /// Whether it takes a record to log in with: `none`, `optional` or `required`.
    pub credential: String,
    /// JSON Schema of its `config`.
    pub config_schema: Value,
}

/// A service that is kept up to date.
#[derive(Debug, Clone, Deserialize)]
pub struct Integration {
    /// `integration_` and 22 characters.
    pub id: String,
    /// Its name, unique in the organization.
    pub name: String,
    /// `http_push`, `env_file`, `kv_v2` or `chat_webhook`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether anything is sent.
    pub enabled: bool,
    /// As the type's schema says.
    pub config: Value,
    /// The record that it logs in with.
    #[serde(default)]
    pub credential_record_id: Option<String>,
    /// Which secrets it gets.
    pub selector: Value,
    /// When it gets them.
    pub sync: Value,
    /// `pending`, `ok`, `retrying` or `failed`.
    pub status: String,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub last_sync_at: Option<String>,
    /// Why the latest run failed.
    #[serde(default)]
    pub last_error: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// A new integration, with the secret that signs its calls if they are signed.
#[derive(Deserialize)]
pub struct CreatedIntegration {
    /// How lists show it.
    #[serde(flatten)]
    pub integration: Integration,
    /// Shown once.
    #[serde(default)]
    pub secret: Option<SecretText>,
}

/// What an integration is made of, or what changes about it; what is `None` stays, or gets the server's default.
#[derive(Debug, Default, Serialize)]
pub struct IntegrationSettings {
    /// Unique in the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `http_push`, `env_file`, `kv_v2` or `chat_webhook`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether anything is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// As the type's schema says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// The record to log in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_record_id: Option<String>,
    /// Which secrets it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Value>,
    /// When it gets them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<Value>,
}

/// What came of a test.
#[derive(Debug, Clone, Deserialize)]
pub struct IntegrationTest {
    /// Whether a sync would find what it needs.
    pub ok: bool,
    /// Milliseconds that it took.
    pub duration_ms: u64,
    /// Why it would not.
    #[serde(default)]
    pub error: Option<String>,
}

/// One sync, with all of its attempts.
#[derive(Debug, Clone, Deserialize)]
pub struct IntegrationRun {
    /// `run_` and 22 characters.
    pub id: String,
    /// `manual`, `change` or `schedule`.
    pub cause: String,
    /// `queued`, `running`, `retrying`, `succeeded`, `failed` or `superseded`.
    pub status: String,
    /// How often it was tried.
    pub attempts: u64,
    /// How many records were to be there, once it has succeeded.
    #[serde(default)]
    pub record_count: Option<u64>,
    /// How many entries, files, messages or requests that took.
    #[serde(default)]
    pub sent_count: Option<u64>,
    /// How many were removed.
    #[serde(default)]
    pub removed_count: Option<u64>,
    /// Why the last attempt came to nothing.
    #[serde(default)]
    pub error: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub finished_at: Option<String>,
}
