//! Webhooks: calls that tell of events (contract B7).

use serde::{Deserialize, Serialize};

use super::CredVault;
use crate::http::Call;
use crate::{Error, SecretText};

impl CredVault<'_> {
    /// The organization's webhooks, oldest first.
    pub async fn webhooks(self) -> Result<Vec<Webhook>, Error> {
        self.list(&["v1", "webhooks"], &[]).await
    }

    /// One webhook.
    pub async fn webhook(self, webhook: &str) -> Result<Webhook, Error> {
        self.one(Call::get(&["v1", "webhooks", webhook])).await
    }

    /// Makes a webhook. The answer is the only place where the secret that signs its calls is shown.
    pub async fn webhook_create(self, webhook: NewWebhook<'_>) -> Result<CreatedWebhook, Error> {
        self.one(Call::post(&["v1", "webhooks"]).json(&webhook)?)
            .await
    }

    /// Changes a webhook; what is `None` stays.
    pub async fn webhook_update(
        self,
        webhook: &str,
        change: WebhookChange<'_>,
    ) -> Result<Webhook, Error> {
        self.one(Call::patch(&["v1", "webhooks", webhook]).json(&change)?)
            .await
    }

    /// Deletes a webhook; what was to be sent to it is not.
    pub async fn webhook_delete(self, webhook: &str) -> Result<(), Error> {
        self.0
            .call_unit(Call::delete(&["v1", "webhooks", webhook]))
            .await
    }

    /// Makes a new secret to sign with; the old one signs beside it for a day.
    pub async fn webhook_rotate_secret(self, webhook: &str) -> Result<CreatedWebhook, Error> {
        self.one(Call::post(&["v1", "webhooks", webhook, "rotate-secret"]))
            .await
    }

    /// Sends a test event now.
    pub async fn webhook_test(self, webhook: &str) -> Result<Delivery, Error> {
        self.one(Call::post(&["v1", "webhooks", webhook, "test"]))
            .await
    }

    /// What was sent to a webhook and what waits, oldest first.
    pub async fn webhook_deliveries(self, webhook: &str) -> Result<Vec<Delivery>, Error> {
        self.list(&["v1", "webhooks", webhook, "deliveries"], &[])
            .await
    }

    /// Sends a delivery again.
    pub async fn webhook_redeliver(self, webhook: &str, delivery: &str) -> Result<Delivery, Error> {
        let segments = [
            "v1",
            "webhooks",
            webhook,
            "deliveries",
            delivery,
            "redeliver",
        ];
        self.one(Call::post(&segments)).await
    }

    /// The events that a webhook can be for.
    pub async fn webhook_events(self) -> Result<Vec<WebhookEvent>, Error> {
        self.one(Call::get(&["v1", "webhooks", "events"])).await
    }
}

/// Where events are told.
#[derive(Debug, Clone, Deserialize)]
pub struct Webhook {
    /// `webhook_` and 22 characters.
    pub id: String,
    /// Where its calls go.
    pub url: String,
    /// Names of events and patterns such as `record.*`.
    pub events: Vec<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether it is told anything.
    pub enabled: bool,
    /// Why the server has switched it off.
    #[serde(default)]
    pub disabled_reason: Option<String>,
    /// Since when every call to it has failed, RFC 3339, UTC.
    #[serde(default)]
    pub failing_since: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// A webhook with its secret, which is shown once.
#[derive(Deserialize)]
pub struct CreatedWebhook {
    /// How lists show it.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// `whsec_…`, the key of its signatures.
    pub secret: SecretText,
}

/// What a new webhook is made of.
#[derive(Clone, Copy, Serialize)]
pub struct NewWebhook<'a> {
    /// Where its calls go.
    pub url: &'a str,
    /// Names of events and patterns, at least one.
    pub events: &'a [String],
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
}

/// What changes about a webhook; what is `None` stays.
#[derive(Clone, Copy, Default, Serialize)]
pub struct WebhookChange<'a> {
    /// Where its calls go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<&'a str>,
    /// Names of events and patterns, at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<&'a [String]>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// Whether it is told anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, Deserialize)]
pub struct Delivery {
    /// `delivery_` and 22 characters.
    pub id: String,
    /// Name of the event.
    pub event: String,
    /// `pending`, `succeeded` or `failed`.
    pub status: String,
    /// How often it was tried.
    pub attempts: u64,
    /// The status of the latest answer.
    #[serde(default)]
    pub status_code: Option<u64>,
    /// Why the latest attempt came to nothing.
    #[serde(default)]
    pub error: Option<String>,
    /// What the latest attempt took, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// When it is tried next, RFC 3339, UTC.
    #[serde(default)]
    pub next_attempt_at: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// Something that webhooks are told of.
#[derive(Debug, Clone, Deserialize)]
pub struct WebhookEvent {
    /// Such as `record.updated`.
    pub name: String,
    /// What it tells.
    pub description: String,
}
