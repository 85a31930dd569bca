//! `GET, POST /v1/webhooks`; `GET, PUT, PATCH, DELETE /v1/webhooks/{id}`; `POST /v1/webhooks/{id}/{rotate-secret,test}`;
//! `GET /v1/webhooks/{id}/deliveries`; `POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver`; `GET /v1/webhooks/events`.

use axum::extract::State;
use kluis_engine::{
    Courier, DeliveryFilter, Webhook, WebhookDelivery, WebhookDeliveryId, WebhookEvent, WebhookId,
};

use super::paging::{Field, List, ListItem};
use super::wire::{self, Answer, ListAnswer, accepted, created, success};
use super::{Json, NoBody, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

/// Deliveries in the words of this API.
pub(crate) const COURIER: Courier = Courier {
    letter: wire::letter,
    signature: wire::signature,
};

impl ListItem for Webhook {
    const NAME: &'static str = "webhooks";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |webhook| webhook.created_at.into()),
        Field::time("updated_at", |webhook| webhook.updated_at.into()),
        Field::word("url", |webhook| webhook.url.as_str().into()),
        Field::word("enabled", |webhook| {
            if webhook.enabled { "true" } else { "false" }.into()
        }),
    ];

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

impl ListItem for WebhookDelivery {
    const NAME: &'static str = "deliveries";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |delivery| delivery.created_at.into()),
        Field::word("event", |delivery| delivery.event.as_str().into()),
        Field::word("status", |delivery| delivery.status.as_str().into()),
    ];
    const STORED: bool = true;

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

/// List webhooks
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    tag = "Webhooks",
    params(List::<Webhook>),
    responses((status = 200, body = wire::Listed<wire::Webhook>)),
    extensions(("x-kluis-action" = json!("webhook.list")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_list(
    State(app): State<App>,
    caller: Caller,
    list: List<Webhook>,
) -> ListAnswer<wire::Webhook> {
    let list = list.open(&app.engine, &caller)?;
    list.page(app.engine.webhook_list(&caller).await?)
}

/// Create a webhook
///
/// For owners and admins. The secret that deliveries are signed with is shown once. 409 when there are 50.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    tag = "Webhooks",
    request_body = wire::WebhookCreate,
    responses((status = 201, body = wire::Success<wire::WebhookShown>)),
    extensions(("x-kluis-action" = json!("webhook.create")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::WebhookCreate>,
) -> Answer<wire::WebhookShown> {
    created(
        app.engine
            .webhook_create(&caller, body.into())
            .await?
            .into(),
    )
}

/// List the events that webhooks can be for
#[utoipa::path(
    get,
    path = "/v1/webhooks/events",
    tag = "Webhooks",
    responses((status = 200, body = wire::Success<Vec<wire::Event>>)),
    extensions(("x-kluis-action" = json!("webhook.events")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_event_list(
    State(app): State<App>,
    caller: Caller,
) -> Answer<Vec<wire::Event>> {
    let events: &[WebhookEvent] = app.engine.webhook_event_list(&caller).await?;
    success(events.iter().copied().map(wire::Event::from).collect())
}

/// Read a webhook
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}",
    tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook")),
    responses((status = 200, body = wire::Success<wire::Webhook>)),
    extensions(("x-kluis-action" = json!("webhook.view")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(webhook)): Path<Id<WebhookId>>,
) -> Answer<wire::Webhook> {
    success(app.engine.webhook_read(&caller, webhook).await?.into())
}

/// Replace a webhook
///
/// Optional members that are left out begin anew. The secret stays, and so does what waits to be delivered.
#[utoipa::path(
    put,
    path = "/v1/webhooks/{id}",
    tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook")),
    request_body = wire::WebhookCreate,
    responses((status = 200, body = wire::Success<wire::Webhook>)),
    extensions(("x-kluis-action" = json!("webhook.update")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_replace(
    State(app): State<App>,
    caller: Caller,
    Path(Id(webhook)): Path<Id<WebhookId>>,
    Json(body): Json<wire::WebhookCreate>,
) -> Answer<wire::Webhook> {
    let change = body.into();
    let changed = app.engine.webhook_update(&caller, webhook, change).await?;
    success(changed.into())
}

/// Change a webhook
///
/// One that is enabled again goes on with what waits for it.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{id}",
    tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook")),
    request_body = wire::WebhookUpdate,
    responses((status = 200, body = wire::Success<wire::Webhook>)),
    extensions(("x-kluis-action" = json!("webhook.update")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_update(
    State(app): State<App>,
    caller: Caller,
    Path(Id(webhook)): Path<Id<WebhookId>>,
    Json(body): Json<wire::WebhookUpdate>,
) -> Answer<wire::Webhook> {
    let change = body.parse()?;
    let changed = app.engine.webhook_update(&caller, webhook, change).await?;
    success(changed.into())
}

/// Delete a webhook
///
/// With its log, and what waits to be delivered.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook")),
    responses((status = 200, body = wire::Success<wire::Deleted>)),
    extensions(("x-kluis-action" = json!("webhook.delete")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(webhook)): Path<Id<WebhookId>>,
) -> Answer<wire::Deleted> {
    app.engine.webhook_delete(&caller, webhook).await?;
    success(wire::Deleted::webhook(webhook))
}

/// Replace the secret of a webhook
///
/// The new one is shown once; the one before signs too for 24 hours.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/rotate-secret",
    tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook")),
    responses((status = 200, body = wire::Success<wire::WebhookShown>)),
    extensions(("x-kluis-action" = json!("webhook.rotate_secret")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_rotate_secret(
    State(app): State<App>,
    caller: Caller,
    Path(Id(webhook)): Path<Id<WebhookId>>,
    _: NoBody,
) -> Answer<wire::WebhookShown> {
    let shown = app.engine.webhook_rotate_secret(&caller, webhook).await?;
    success(shown.into())
}

/// Try a webhook out
///
/// Sends `webhook.test` at once, and answers with what came of it: 200 also when nobody was there. It is not tried again.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/test",
    tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook")),
    responses((status = 200, body = wire::Success<wire::Delivery>)),
    extensions(("x-kluis-action" = json!("webhook.test")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_test(
    State(app): State<App>,
    caller: Caller,
    Path(Id(webhook)): Path<Id<WebhookId>>,
    _: NoBody,
) -> Answer<wire::Delivery> {
    success(app.engine.webhook_test(&caller, webhook).await?.into())
}

/// List what was delivered to a webhook
///
/// For owners and admins: names of records from every collection are in it. Kept for 30 days.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}/deliveries",
    tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook"), List::<WebhookDelivery>),
    responses((status = 200, body = wire::Listed<wire::Delivery>)),
    extensions(("x-kluis-action" = json!("webhook.deliveries")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_delivery_list(
    State(app): State<App>,
    caller: Caller,
    Path(Id(webhook)): Path<Id<WebhookId>>,
    list: List<WebhookDelivery>,
) -> ListAnswer<wire::Delivery> {
    let list = list
        .within(&webhook.to_string())
        .open(&app.engine, &caller)?;
    let filter = DeliveryFilter {
        statuses: list.words("status"),
        events: list.words("event"),
    };
    let query = list.stored();
    let engine = &app.engine;
    let page = engine.webhook_delivery_list(&caller, webhook, &filter, &query);
    list.paged(page.await?)
}

/// Deliver something again
///
/// With the same id, so a receiver that has it knows. 409 where the webhook is not enabled.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
    tag = "Webhooks",
    params(
        ("id" = String, Path, description = "Id of the webhook"),
        ("delivery_id" = String, Path, description = "Id of the delivery")
    ),
    responses((status = 202, body = wire::Success<wire::Delivery>)),
    extensions(("x-kluis-action" = json!("webhook.redeliver")), ("x-kluis-file" = json!("webhooks")))
)]
pub(super) async fn webhook_redeliver(
    State(app): State<App>,
    caller: Caller,
    Path((Id(webhook), Id(delivery))): Path<(Id<WebhookId>, Id<WebhookDeliveryId>)>,
    _: NoBody,
) -> Answer<wire::Delivery> {
    let again = app.engine.webhook_redeliver(&caller, webhook, delivery);
    accepted(again.await?.into())
}
