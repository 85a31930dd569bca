//! The log of deliveries, sending one again, and trying a webhook out.

use super::attempt::Due;
use super::events::WebhookEvent;
use super::find;
use super::outbox::{About, Happening, delivery_insert};
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{WebhookDeliveryId, WebhookId};
use crate::pages::{Page, PageQuery, listed};
use crate::store::sql::webhooks as sql;
use crate::store::{Conn, Failure, Row, params, unexpected};

/// A delivery, as its log shows it.
#[derive(Clone, Debug)]
pub struct WebhookDelivery {
    /// Its id; the same in every attempt.
    pub id: WebhookDeliveryId,
    /// The webhook.
    pub webhook: WebhookId,
    /// What happened.
    pub event: WebhookEvent,
    /// To what.
    pub about: About,
    /// How far it is.
    pub status: DeliveryStatus,
    /// How often it was attempted, since it was last asked for.
    pub attempts: u32,
    /// When it is attempted next.
    pub due_at: Option<Timestamp>,
    /// The status of the last answer.
    pub response_status: Option<u32>,
    /// The first 1,024 bytes of its body.
    pub response_body: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// Milliseconds that the last attempt took.
    pub duration: Option<u32>,
    /// When it happened.
    pub created_at: Timestamp,
    /// When anything of this last changed.
    pub updated_at: Timestamp,
    /// When it was last attempted.
    pub attempted_at: Option<Timestamp>,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It is not attempted any more.
    Failed,
    /// It will be attempted, unless its webhook is switched off.
    Pending,
    /// The receiver has it.
    Succeeded,
}

/// Which deliveries to show; an empty list of words restricts nothing.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Words of their statuses.
    pub statuses: Vec<String>,
    /// Words of their events.
    pub events: Vec<String>,
}

impl Engine {
    /// A page of a webhook's deliveries.
    pub async fn webhook_delivery_list(
        &self,
        caller: &Caller,
        webhook: WebhookId,
        filter: &DeliveryFilter,
        query: &PageQuery,
    ) -> Result<Page<WebhookDelivery>, Error> {
        let (statuses, events) = (listed(&filter.statuses), listed(&filter.events));
        let plan = query.plan();
        self.look(caller, Action::WebhookDeliveryList, async |conn, act| {
            find(conn, act, webhook).await?;
            let mut counts = [0, 0];
            for (count, span) in counts.iter_mut().zip([Some(plan.all), plan.before]) {
                let Some((low, high)) = span else { continue };
                let of = params![webhook.bytes(), &low, &high, &statuses, &events];
                let row = conn.query_one(sql::DELIVERIES_COUNT, of).await?;
                *count = row.ok_or_else(unexpected)?.int()?;
            }
            let statement = if plan.descending {
                sql::DELIVERIES_DOWN
            } else {
                sql::DELIVERIES_UP
            };
            let (low, high) = plan.span;
            let of = params![
                webhook.bytes(),
                &low,
                &high,
                &statuses,
                &events,
                plan.limit,
                plan.offset
            ];
            let mut items = Vec::new();
            for row in conn.query(statement, of).await? {
                items.push(WebhookDelivery::from_row(row, webhook)?);
            }
            let [total, before] = counts;
            Ok(plan.page(total, before, items))
        })
        .await
    }

    /// Send a delivery again, as a new one of the same id. `Conflict` where the webhook is switched off.
    pub async fn webhook_redeliver(
        &self,
        caller: &Caller,
        webhook: WebhookId,
        delivery: WebhookDeliveryId,
    ) -> Result<WebhookDelivery, Error> {
        let engine = self.clone();
        self.change(caller, Action::WebhookRedeliver, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                conn.lock(sql::LOCK, params![webhook.bytes()]).await?;
                let found = find(conn, act, webhook).await?;
                delivery_find(conn, webhook, delivery).await?;
                if !found.enabled {
                    return Err(Error::Conflict(Conflict::State));
                }
                let again = params![delivery.bytes(), webhook.bytes(), act.now];
                conn.execute(sql::REDELIVER, again).await?;
                conn.execute(sql::DUE_FROM, params![webhook.bytes(), act.now])
                    .await?;
                let delivery = delivery_find(conn, webhook, delivery).await?;
                tx.rings(engine.couriers().bell());
                Ok(delivery)
            })
        })
        .await
    }

    /// Send a test at once, whatever the webhook is for and whether or not it is switched on, and tell what came of it. It is not
    /// tried again.
    pub async fn webhook_test(
        &self,
        caller: &Caller,
        webhook: WebhookId,
    ) -> Result<WebhookDelivery, Error> {
        let courier = self.courier()?;
        let organization = caller.organization;
        let id = self
            .change(caller, Action::WebhookTest, move |tx, act| {
                Box::pin(async move {
                    find(tx.conn(), act, webhook).await?;
                    let happening = Happening {
                        event: WebhookEvent::Test,
                        about: About::thing("webhook", webhook.bytes()),
                    };
                    delivery_insert(tx.conn(), webhook, &happening, act.now).await
                })
            })
            .await?;
        let mut reader = self.store().reader().await?;
        let row = reader
            .conn()?
            .query_one(sql::ONE, params![id.bytes()])
            .await?;
        drop(reader);
        let due = Due::from_row(row.ok_or(Error::NotFound)?)?;
        let outcome = self
            .delivery_attempt(courier, organization, webhook, due)
            .await?;
        self.delivery_keep(webhook, outcome, false).await?;
        let mut reader = self.store().reader().await?;
        delivery_find(reader.conn()?, webhook, id).await
    }
}

async fn delivery_find(
    conn: &mut Conn,
    webhook: WebhookId,
    delivery: WebhookDeliveryId,
) -> Result<WebhookDelivery, Error> {
    let of = params![delivery.bytes(), webhook.bytes()];
    let row = conn.query_one(sql::DELIVERY, of).await?;
    Ok(WebhookDelivery::from_row(
        row.ok_or(Error::NotFound)?,
        webhook,
    )?)
}

impl WebhookDelivery {
    fn from_row(mut row: Row, webhook: WebhookId) -> Result<Self, Failure> {
        Ok(Self {
            id: WebhookDeliveryId::from_bytes(row.array()?),
            webhook,
            event: WebhookEvent::parse(&row.text()?).ok_or_else(unexpected)?,
            about: row.json()?,
            status: DeliveryStatus::parse(&row.text()?).ok_or_else(unexpected)?,
            attempts: row.number()?,
            due_at: row.optional_time()?,
            response_status: row.optional_number()?,
            response_body: row.optional_text()?,
            error: row.optional_text()?,
            duration: row.optional_number()?,
            created_at: row.time()?,
            updated_at: row.time()?,
            attempted_at: row.optional_time()?,
        })
    }
}

impl DeliveryStatus {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Failed, Self::Pending, Self::Succeeded]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}
