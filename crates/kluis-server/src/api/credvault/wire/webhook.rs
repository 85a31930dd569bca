//! Webhooks and their deliveries, and what receivers get.

use kluis_engine::{
    About, Error, Letter, NewWebhook, Parcel, Timestamp, WebhookChange, WebhookEvent,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{filled, spelled, user_id};
use crate::api::extract::stated;
use crate::api::ids::prefixed;
use crate::api::revealed::Revealed;

/// Where one is told of what happens.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Webhook {
    #[schema(examples("webhook_01JQ1xA2bC3dE4fG5hI6jK"))]
    id: String,
    /// Where deliveries go; owners and admins alone see what stands behind the host.
    #[schema(examples("https://hooks.example.com/kluis"))]
    url: String,
    /// Patterns of the events that it is for.
    #[schema(examples(json!(["record.*", "api_key.revoked"])))]
    events: Vec<String>,
    description: String,
    /// Whether anything is delivered.
    enabled: bool,
    /// Why the server has switched it off: `gone`, when the receiver answered 410, or `failing`, when every delivery failed for three
    /// days. Null otherwise.
    disabled_reason: Option<String>,
    /// Since when every delivery has failed; null when the last one did not.
    failing_since: Option<String>,
    /// Until when the secret before this one signs too; null when there is none.
    previous_secret_expires_at: Option<String>,
    /// Id of the user who made it.
    created_by: String,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    created_at: String,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    updated_at: String,
}

/// A webhook with its secret.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct WebhookShown {
    #[serde(flatten)]
    webhook: Webhook,
    /// `whsec_` and 32 bytes in base64; deliveries are signed with all of this text. Shown once.
    secret: Revealed,
}

/// A webhook to create, or the whole of one.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct WebhookCreate {
    /// `http` or `https`, and nowhere that outbound calls may not go.
    #[schema(max_length = 2048, examples("https://hooks.example.com/kluis"))]
    url: String,
    /// Names of events, patterns such as `record.*`, or `*`.
    #[schema(min_items = 1, max_items = 50, examples(json!(["record.*"])))]
    events: Vec<String>,
    #[schema(max_length = 4000)]
    description: Option<String>,
    /// True unless given.
    enabled: Option<bool>,
}

/// What to change of a webhook.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct WebhookUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, max_length = 2048)]
    url: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 50)]
    events: Option<Option<Vec<String>>>,
    /// Null empties it.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, max_length = 4000)]
    description: Option<Option<String>>,
    /// Null is as good as true.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<bool>)]
    enabled: Option<Option<bool>>,
}

/// What was sent to a webhook, or will be.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Delivery {
    /// The same in every attempt.
    #[schema(examples("delivery_01JQ1xA2bC3dE4fG5hI6jK"))]
    id: String,
    #[schema(examples("webhook_01JQ1xA2bC3dE4fG5hI6jK"))]
    webhook_id: String,
    #[schema(examples("record.updated"))]
    event: &'static str,
    /// What the event is about, as the receiver gets it.
    #[schema(value_type = Object, examples(json!({
        "id": "resource_01JQ7fQ2mZ81kLp0aWcDeF", "collection": "billing", "name": "billing-rw", "version": 2
    })))]
    data: Map<String, Value>,
    /// `pending`, `succeeded` or `failed`.
    #[schema(examples("succeeded"))]
    status: &'static str,
    #[schema(examples(1))]
    attempts: u32,
    /// Null when it is not attempted any more.
    next_attempt_at: Option<String>,
    last_attempt_at: Option<String>,
    /// The status of the last answer; null when there was none.
    #[schema(examples(204))]
    status_code: Option<u32>,
    /// The first 1,024 bytes of its body.
    response_body: Option<String>,
    /// Why there was no answer.
    error: Option<String>,
    /// How long the last attempt took.
    #[schema(examples(37))]
    duration_ms: Option<u32>,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    created_at: String,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    updated_at: String,
}

/// An event of the catalogue.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Event {
    #[schema(examples("record.updated"))]
    name: &'static str,
    /// What it tells.
    description: &'static str,
}

impl From<kluis_engine::Webhook> for Webhook {
    fn from(webhook: kluis_engine::Webhook) -> Self {
        Self {
            id: prefixed("webhook_", webhook.id.bytes()),
            url: webhook.url,
            events: webhook.events,
            description: webhook.description,
            enabled: webhook.enabled,
            disabled_reason: webhook.disabled_because,
            failing_since: webhook.failing_since.map(Timestamp::rfc3339_seconds),
            previous_secret_expires_at: webhook.former_secret_until.map(Timestamp::rfc3339_seconds),
            created_by: user_id(webhook.created_by),
            created_at: webhook.created_at.rfc3339_seconds(),
            updated_at: webhook.updated_at.rfc3339_seconds(),
        }
    }
}

impl From<kluis_engine::WebhookShown> for WebhookShown {
    fn from(shown: kluis_engine::WebhookShown) -> Self {
        Self {
            webhook: shown.webhook.into(),
            secret: shown.secret.into(),
        }
    }
}

impl From<WebhookCreate> for NewWebhook {
    fn from(body: WebhookCreate) -> Self {
        Self {
            url: body.url,
            events: body.events,
            description: body.description.unwrap_or_default(),
            enabled: body.enabled.unwrap_or(true),
        }
    }
}

impl From<WebhookCreate> for WebhookChange {
    /// The whole of it: what is left out begins anew (contract A3).
    fn from(body: WebhookCreate) -> Self {
        let NewWebhook {
            url,
            events,
            description,
            enabled,
        } = body.into();
        Self {
            url: Some(url),
            events: Some(events),
            description: Some(description),
            enabled: Some(enabled),
        }
    }
}

impl WebhookUpdate {
    /// The change to make.
    pub(in super::super) fn parse(self) -> Result<WebhookChange, Error> {
        Ok(WebhookChange {
            url: filled("url", self.url)?,
            events: filled("events", self.events)?,
            description: self.description.map(Option::unwrap_or_default),
            enabled: self.enabled.map(|enabled| enabled.unwrap_or(true)),
        })
    }
}

impl From<kluis_engine::WebhookDelivery> for Delivery {
    fn from(delivery: kluis_engine::WebhookDelivery) -> Self {
        Self {
            id: prefixed("delivery_", delivery.id.bytes()),
            webhook_id: prefixed("webhook_", delivery.webhook.bytes()),
            event: delivery.event.as_str(),
            data: data(&delivery.about),
            status: delivery.status.as_str(),
            attempts: delivery.attempts,
            next_attempt_at: delivery.due_at.map(Timestamp::rfc3339_seconds),
            last_attempt_at: delivery.attempted_at.map(Timestamp::rfc3339_seconds),
            status_code: delivery.response_status,
            response_body: delivery.response_body,
            error: delivery.error,
            duration_ms: delivery.duration,
            created_at: delivery.created_at.rfc3339_seconds(),
            updated_at: delivery.updated_at.rfc3339_seconds(),
        }
    }
}

impl From<WebhookEvent> for Event {
    fn from(event: WebhookEvent) -> Self {
        Self {
            name: event.as_str(),
            description: event.description(),
        }
    }
}

/// What a receiver gets.
#[derive(Serialize)]
struct Payload<'a> {
    id: &'a str,
    event: &'static str,
    created_at: String,
    data: Map<String, Value>,
}

/// A delivery as a receiver gets it (contract B7).
pub(in super::super) fn letter(parcel: &Parcel<'_>) -> Letter {
    let id = prefixed("delivery_", parcel.id.bytes());
    let payload = Payload {
        id: &id,
        event: parcel.event.as_str(),
        created_at: parcel.at.rfc3339_seconds(),
        data: data(parcel.about),
    };
    Letter {
        body: serde_json::to_string(&payload).unwrap_or_default(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("x-credvault-event", parcel.event.as_str().to_owned()),
            ("x-credvault-delivery", id),
            ("x-credvault-attempt", parcel.attempt.to_string()),
        ],
    }
}

/// The header that signs a delivery: a time, and a signature for each secret that holds.
pub(in super::super) fn signature(seconds: i64, signatures: &[String]) -> (&'static str, String) {
    let mut value = format!("t={seconds}");
    for signature in signatures {
        value.push_str(",v1=");
        value.push_str(signature);
    }
    ("x-credvault-signature", value)
}

/// What an event is about, in this API's words.
fn data(about: &About) -> Map<String, Value> {
    let mut data = Map::new();
    if let Some(id) = &about.resource {
        let id = spelled(&about.resource_type, id.as_bytes());
        data.insert("id".to_owned(), id.into());
    }
    for (member, text) in [("collection", &about.vault), ("name", &about.name)] {
        if let Some(text) = text {
            data.insert(member.to_owned(), text.as_str().into());
        }
    }
    if let Some(version) = about.version {
        data.insert("version".to_owned(), version.into());
    }
    if let Some((kind, id)) = &about.actor {
        data.insert("actor_type".to_owned(), kind.as_str().into());
        let id = id.map(|id| spelled(kind, id.as_bytes()));
        data.insert("actor_id".to_owned(), id.into());
    }
    data.extend(about.more.clone());
    data
}
