//! Webhooks: who is told of what happens, and how it gets there (contract B7; `docs/decisions/0009-outbox.md`).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | what a webhook is; `webhook_list`, `webhook_read` |
//! | `change.rs` | `webhook_create`, `webhook_update`, `webhook_delete`, `webhook_rotate_secret` |
//! | `events.rs` | the catalogue of events, and patterns of them |
//! | `told.rs` | which act is which event: **the whole of it** |
//! | `outbox.rs` | events on their way into the store, with the change that they tell of; `webhooks_tell` for whoever has one to tell |
//! | `expiries.rs` | secrets that expire, which is no one's act |
//! | `deliveries.rs` | the log: `webhook_delivery_list`, `webhook_redeliver`, `webhook_test` |
//! | `courier.rs` | which node delivers to which webhook |
//! | `attempt.rs` | one attempt, and what comes of it |
//! | `signature.rs` | secrets, and what they sign |
//!
//! An organization's row says in short what its webhooks are for. Credentials are looked up with it, so an act knows without asking
//! whether anybody is to be told; where nobody is, nothing more is done.

mod attempt;
mod change;
mod courier;
mod deliveries;
mod events;
mod expiries;
mod outbox;
mod signature;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeSet;

pub use attempt::{Courier, Letter, Parcel};
pub use change::{NewWebhook, WebhookChange, WebhookShown};
pub(crate) use courier::Couriers;
pub use deliveries::{DeliveryFilter, DeliveryStatus, WebhookDelivery};
pub use events::{EventSet, WebhookEvent};
pub use outbox::About;
pub(crate) use outbox::{Happening, subscribed};
pub(crate) use signature::{FORMER_WEBHOOK_SECRET, WEBHOOK_SECRET, secret_new, signed};
pub(crate) use told::changes_secrets;

use crate::action::Action;
use crate::caller::{Caller, Role};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{UserId, WebhookId};
use crate::outbound;
use crate::store::sql::webhooks as sql;
use crate::store::{Conn, Failure, Row, params};

/// Where an organization wants to be told of what happens.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where deliveries go.
    pub url: String,
    /// Patterns of the events that it is for, as they were given.
    pub events: Vec<String>,
    /// What it is for; may be empty.
    pub description: String,
    /// Whether anything is delivered.
    pub enabled: bool,
    /// Why the server has switched it off: `gone` or `failing`.
    pub disabled_because: Option<String>,
    /// Until when the secret before this one signs too.
    pub former_secret_until: Option<Timestamp>,
    /// Since when every delivery has failed.
    pub failing_since: Option<Timestamp>,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Engine {
    /// The webhooks of the caller's organization, oldest first.
    pub async fn webhook_list(&self, caller: &Caller) -> Result<Vec<Webhook>, Error> {
        self.look(caller, Action::WebhookList, async |conn, act| {
            let of = params![act.caller.organization.bytes()];
            let rows = conn.query(sql::OF_ORGANIZATION, of).await?;
            let webhooks = rows.into_iter().map(|row| Webhook::seen(row, &act.caller));
            Ok(webhooks.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// One webhook.
    pub async fn webhook_read(&self, caller: &Caller, id: WebhookId) -> Result<Webhook, Error> {
        self.look(caller, Action::WebhookRead, async |conn, act| {
            find(conn, act, id).await
        })
        .await
    }

    /// Every event that there is, for whoever may see webhooks.
    pub async fn webhook_event_list(
        &self,
        caller: &Caller,
    ) -> Result<&'static [WebhookEvent], Error> {
        self.look(caller, Action::WebhookEventList, async |_, _| {
            Ok(WebhookEvent::ALL)
        })
        .await
    }
}

/// The webhook with this id, of the caller's organization.
async fn find(conn: &mut Conn, act: &mut crate::act::Act, id: WebhookId) -> Result<Webhook, Error> {
    act.names("webhook", *id.bytes());
    let of = params![id.bytes(), act.caller.organization.bytes()];
    let row = conn.query_one(sql::BY_ID, of).await?;
    Ok(Webhook::seen(row.ok_or(Error::NotFound)?, &act.caller)?)
}

impl Webhook {
    /// As this caller sees it: behind the host of a URL there often stands what lets callers in, and that is for owners and
    /// admins.
    fn seen(row: Row, caller: &Caller) -> Result<Self, Failure> {
        let mut webhook = Self::from_row(row)?;
        if caller.role() < Some(Role::Admin) {
            webhook.url = outbound::origin(&webhook.url);
        }
        Ok(webhook)
    }

    fn from_row(mut row: Row) -> Result<Self, Failure> {
        Ok(Self {
            id: WebhookId::from_bytes(row.array()?),
            url: row.text()?,
            events: patterns(&row.text()?),
            description: row.text()?,
            enabled: row.flag()?,
            disabled_because: row.optional_text()?,
            former_secret_until: row.optional_time()?,
            failing_since: row.optional_time()?,
            created_by: UserId::from_bytes(row.array()?),
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }
}

/// The patterns of a column: no pattern has a blank in it.
fn patterns(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// What webhooks with these columns are for, in short.
fn summary<'a>(events: impl Iterator<Item = &'a str>) -> String {
    let patterns: BTreeSet<&str> = events.flat_map(|text| text.split(' ')).collect();
    if patterns.contains("*") {
        return "*".to_owned();
    }
    let patterns: Vec<&str> = patterns.into_iter().collect();
    patterns.join(" ")
}
