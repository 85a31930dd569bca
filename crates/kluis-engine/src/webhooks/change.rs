//! Webhooks made, changed and removed, and their secrets replaced.

use kluis_crypto::Secret;

use super::events::{EventSet, matching};
use super::signature::{FORMER_WEBHOOK_SECRET, OVERLAP, SealedSecrets, WEBHOOK_SECRET, secret_new};
use super::{Webhook, find, summary};
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::env_vars::plain_text;
use crate::error::{Conflict, Error};
use crate::ids::{OrganizationId, WebhookId};
use crate::outbound;
use crate::store::sql::{organizations, webhooks as sql};
use crate::store::{Conn, params};

/// A webhook to make.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Where deliveries go: an `http` or `https` URL that outbound calls may reach (RULES §8).
    pub url: String,
    /// Patterns of events, at least one.
    pub events: Vec<String>,
    /// What it is for; at most 4,000 characters.
    pub description: String,
    /// Whether anything is delivered.
    pub enabled: bool,
}

/// What to change of a webhook; `None` leaves it alone.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// Another URL.
    pub url: Option<String>,
    /// Other patterns.
    pub events: Option<Vec<String>>,
    /// Another description.
    pub description: Option<String>,
    /// Whether anything is delivered from now on.
    pub enabled: Option<bool>,
}

/// A webhook with its secret, which is shown once.
pub struct WebhookShown {
    /// The webhook.
    pub webhook: Webhook,
    /// What its deliveries are signed with.
    pub secret: Secret,
}

/// How many an organization has at most.
const MOST: usize = 50;
/// How many patterns a webhook has at most.
const MOST_PATTERNS: usize = 50;

impl Engine {
    /// Make a webhook. `Conflict` when there are as many as there can be.
    pub async fn webhook_create(
        &self,
        caller: &Caller,
        new: NewWebhook,
    ) -> Result<WebhookShown, Error> {
        self.webhook_url_check(&new.url)?;
        let events = patterns_checked(&new.events)?;
        let description = plain_text(new.description, "description")?;
        let (url, enabled) = (new.url, new.enabled);
        let engine = self.clone();
        self.change(caller, Action::WebhookCreate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let organization = act.caller.organization;
                let user = act.caller.user().ok_or(Error::Forbidden)?.id;
                let id = WebhookId::generate(act.now)?;
                act.finds("webhook", *id.bytes());
                conn.lock(organizations::LOCK, params![organization.bytes()])
                    .await?;
                let secret = secret_new()?;
                let keys = engine.keys()?.organization(conn, organization).await?;
                let (version, sealed) =
                    keys.seal_field(WEBHOOK_SECRET, id.bytes(), secret.expose())?;
                let row = params![
                    id.bytes(),
                    organization.bytes(),
                    &url,
                    &events,
                    &description,
                    enabled,
                    &sealed,
                    version,
                    user.bytes(),
                    act.now
                ];
                conn.execute(sql::INSERT, row).await?;
                let of = params![organization.bytes()];
                if conn.query(sql::OF_ORGANIZATION, of).await?.len() > MOST {
                    return Err(Error::Conflict(Conflict::Full));
                }
                subscribe(conn, organization, act.now).await?;
                let webhook = find(conn, act, id).await?;
                Ok(WebhookShown { webhook, secret })
            })
        })
        .await
    }

    /// Change a webhook. One that is switched on again goes on with what waits for it.
    pub async fn webhook_update(
        &self,
        caller: &Caller,
        id: WebhookId,
        change: WebhookChange,
    ) -> Result<Webhook, Error> {
        if let Some(url) = &change.url {
            self.webhook_url_check(url)?;
        }
        let events = change.events.as_deref().map(patterns_checked).transpose()?;
        let description = change
            .description
            .map(|text| plain_text(text, "description"))
            .transpose()?;
        let (url, enabled) = (change.url, change.enabled);
        let engine = self.clone();
        self.change(caller, Action::WebhookUpdate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let organization = act.caller.organization;
                conn.lock(organizations::LOCK, params![organization.bytes()])
                    .await?;
                conn.lock(sql::LOCK, params![id.bytes()]).await?;
                let now = find(conn, act, id).await?;
                let events_now = now.events.join(" ");
                let row = params![
                    id.bytes(),
                    url.as_ref().unwrap_or(&now.url),
                    events.as_ref().unwrap_or(&events_now),
                    description.as_ref().unwrap_or(&now.description),
                    enabled.unwrap_or(now.enabled),
                    act.now
                ];
                conn.execute(sql::UPDATE, row).await?;
                subscribe(conn, organization, act.now).await?;
                let webhook = find(conn, act, id).await?;
                tx.rings(engine.couriers().bell());
                Ok(webhook)
            })
        })
        .await
    }

    /// Remove a webhook, with what waits for it and its log.
    pub async fn webhook_delete(&self, caller: &Caller, id: WebhookId) -> Result<(), Error> {
        self.change(caller, Action::WebhookDelete, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let organization = act.caller.organization;
                conn.lock(organizations::LOCK, params![organization.bytes()])
                    .await?;
                find(conn, act, id).await?;
                conn.execute(sql::DELETE, params![id.bytes()]).await?;
                subscribe(conn, organization, act.now).await?;
                Ok(())
            })
        })
        .await
    }

    /// Replace the secret. The one before signs too for 24 hours; one before that does not any more.
    pub async fn webhook_rotate_secret(
        &self,
        caller: &Caller,
        id: WebhookId,
    ) -> Result<WebhookShown, Error> {
        let engine = self.clone();
        self.change(caller, Action::WebhookRotateSecret, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                conn.lock(sql::LOCK, params![id.bytes()]).await?;
                find(conn, act, id).await?;
                let row = conn.query_one(sql::SECRETS, params![id.bytes()]).await?;
                let stored = SealedSecrets::from_columns(&mut row.ok_or(Error::NotFound)?)?;
                let keys = engine
                    .keys()?
                    .organization_at(conn, act.caller.organization, stored.key_version())
                    .await?;
                let former = stored.current(&keys, id)?;
                let (former_version, former) =
                    keys.seal_field(FORMER_WEBHOOK_SECRET, id.bytes(), former.expose())?;
                let secret = secret_new()?;
                let (version, sealed) =
                    keys.seal_field(WEBHOOK_SECRET, id.bytes(), secret.expose())?;
                let row = params![
                    id.bytes(),
                    version,
                    &sealed,
                    former_version,
                    &former,
                    act.now.after(OVERLAP),
                    act.now
                ];
                conn.execute(sql::REPLACE_SECRET, row).await?;
                let webhook = find(conn, act, id).await?;
                Ok(WebhookShown { webhook, secret })
            })
        })
        .await
    }

    fn webhook_url_check(&self, url: &str) -> Result<(), Error> {
        outbound::url(url, self.outbound().reach())
            .map(drop)
            .map_err(|why| Error::invalid("url", why))
    }
}

/// The column of these patterns.
fn patterns_checked(patterns: &[String]) -> Result<String, Error> {
    if patterns.is_empty() {
        return Err(Error::invalid("events", "must name at least one event"));
    }
    if patterns.len() > MOST_PATTERNS {
        return Err(Error::invalid("events", "must have at most 50 entries"));
    }
    if patterns.iter().any(|pattern| matching(pattern).is_none()) {
        return Err(Error::invalid(
            "events",
            "must hold names of events, patterns such as record.*, or *",
        ));
    }
    Ok(patterns.join(" "))
}

/// Bring the organization's row up to date with its webhooks; the caller has taken it.
pub(super) async fn subscribe(
    conn: &mut Conn,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<(), Error> {
    let of = params![organization.bytes()];
    let mut events = Vec::new();
    for mut row in conn.query(sql::SUBSCRIBERS, of).await? {
        row.blob()?;
        events.push(row.text()?);
    }
    let summary = summary(events.iter().map(String::as_str));
    let before = conn.query_one(sql::SUBSCRIBED, of).await?;
    let before = EventSet::summarized(&before.ok_or(Error::NotFound)?.text()?);
    let after = EventSet::summarized(&summary);
    // What expired while nobody was to be told of it is not told of later.
    let is_more = before.with(after) != before;
    let row = params![organization.bytes(), &summary, is_more, now];
    conn.execute(sql::SUBSCRIBE, row).await?;
    Ok(())
}
