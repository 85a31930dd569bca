//! Which node delivers to which webhook.
//!
//! A node takes a webhook and delivers what is due to it, one after the other, so a receiver that is slow or gone delays nobody else
//! and costs one delivery in memory, however many wait. Nodes take different webhooks; one that has said nothing for a while has
//! lost what it had. An organization has its share of a node's webhooks, so that its receivers do not take all turns.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::attempt::{Courier, Due, Verdict};
use crate::blocking;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, WebhookId};
use crate::store::sql::webhooks as sql;
use crate::store::{Touches, params};

/// What this node delivers to, and what wakes it.
#[derive(Default)]
pub(crate) struct Couriers {
    bell: Arc<Notify>,
    running: Mutex<BTreeMap<WebhookId, OrganizationId>>,
    courier: OnceLock<Courier>,
}

/// Webhooks that a node delivers to at once.
const AT_ONCE: usize = 32;
/// How many of them are one organization's.
const OF_ONE_ORGANIZATION: usize = 8;
/// Deliveries until another webhook gets the turn.
const IN_ONE_TURN: usize = 64;
/// How long a node has a webhook without saying so: longer than an attempt takes.
const LEASE: Duration = Duration::from_secs(60);
/// How long a receiver that did not answer is left alone.
const REST: Duration = Duration::from_secs(5);
/// How often a node looks for what others have made, and for what has become due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Couriers {
    /// What wakes the courier.
    pub(super) fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<WebhookId, OrganizationId>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A webhook's turn; over when this is dropped, however that came.
struct Turn<'e>(&'e Couriers, WebhookId);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.running().remove(&self.1);
        self.0.bell.notify_one();
    }
}

impl Engine {
    /// Deliver from now on, in the words of this courier; once for an engine. Ends when the engine is dropped.
    pub fn webhooks_begin(&self, courier: Courier) {
        if self.couriers().courier.set(courier).is_err() {
            return;
        }
        let (engine, bell) = (self.downgrade(), self.couriers().bell());
        blocking::background(async move {
            let (mut failing, mut is_first) = (false, true);
            loop {
                let _ = tokio::time::timeout(LOOK_EVERY, bell.notified()).await;
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                if engine.is_sealed() {
                    continue;
                }
                let looked = engine.webhooks_look(courier, is_first).await;
                is_first &= looked.is_err();
                if let Err(error) = &looked
                    && !failing
                {
                    tracing::warn!(%error, cause = error.cause(), "webhooks are not told; tried again every second");
                }
                failing = looked.is_err();
            }
        });
    }

    /// How deliveries look; `Internal` in an engine that delivers nothing.
    pub(super) fn courier(&self) -> Result<Courier, Error> {
        let courier = self.couriers().courier.get().copied();
        courier.ok_or_else(|| Error::internal("nothing is delivered by this engine"))
    }

    /// Tell of what has expired, take what is due, and begin to deliver it.
    async fn webhooks_look(&self, courier: Courier, is_first: bool) -> Result<(), Error> {
        let now = self.clock().now();
        self.expiries_tell(now).await?;
        if is_first && self.store().generations().is_some() {
            self.store()
                .write_touching(Touches::Unremembered, |tx| {
                    Box::pin(async move {
                        tx.conn().execute(sql::ORPHANED, &[]).await?;
                        Ok(())
                    })
                })
                .await?;
        }
        let mut reader = self.store().reader().await?;
        let due = reader.conn()?.query_one(sql::ANY_DUE, params![now]).await?;
        drop(reader);
        let running = self.couriers().running().clone();
        if due.is_none() || running.len() >= AT_ONCE {
            return Ok(());
        }
        for (webhook, organization, claim) in self.webhooks_claim(running, now).await? {
            self.couriers().running().insert(webhook, organization);
            let engine = self.clone();
            blocking::background(async move {
                let _turn = Turn(engine.couriers(), webhook);
                let delivered = engine.webhook_deliver(courier, organization, webhook, claim);
                if let Err(error) = delivered.await {
                    // Its lease ends, and what is due goes on then.
                    tracing::warn!(%webhook, %error, cause = error.cause(), "delivering stopped");
                }
            });
        }
        Ok(())
    }

    /// Take webhooks that something is due to, but for those in `running`.
    async fn webhooks_claim(
        &self,
        mut running: BTreeMap<WebhookId, OrganizationId>,
        now: Timestamp,
    ) -> Result<Vec<(WebhookId, OrganizationId, [u8; 16])>, Error> {
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    let mut claimed = Vec::new();
                    for mut row in conn.take(sql::DUE, params![now]).await? {
                        let webhook = WebhookId::from_bytes(row.array()?);
                        let organization = OrganizationId::from_bytes(row.array()?);
                        let of_this = running.values().filter(|other| **other == organization);
                        let has_its_share = of_this.count() >= OF_ONE_ORGANIZATION;
                        if running.len() >= AT_ONCE {
                            break;
                        }
                        if has_its_share || running.contains_key(&webhook) {
                            continue;
                        }
                        let claim: [u8; 16] = kluis_crypto::random::array()?;
                        let taken = params![webhook.bytes(), &claim, now.after(LEASE)];
                        conn.execute(sql::CLAIM, taken).await?;
                        running.insert(webhook, organization);
                        claimed.push((webhook, organization, claim));
                    }
                    Ok(claimed)
                })
            })
            .await
    }

    /// Deliver what is due to a webhook, until its turn is over, nobody answers, or somebody else has it.
    async fn webhook_deliver(
        &self,
        courier: Courier,
        organization: OrganizationId,
        webhook: WebhookId,
        claim: [u8; 16],
    ) -> Result<(), Error> {
        let mut rest = Duration::ZERO;
        for _ in 0..IN_ONE_TURN {
            let now = self.clock().now();
            if !self.webhook_renew(webhook, claim, now).await? {
                break;
            }
            let mut reader = self.store().reader().await?;
            let due = params![webhook.bytes(), now];
            let next = reader.conn()?.query_one(sql::NEXT, due).await?;
            drop(reader);
            let Some(next) = next else {
                break;
            };
            let due = Due::from_row(next)?;
            let outcome = self
                .delivery_attempt(courier, organization, webhook, due)
                .await?;
            if let Verdict::Silent = self.delivery_keep(webhook, outcome, true).await? {
                rest = REST;
                break;
            }
        }
        let until = self.clock().now().after(rest);
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let mine = params![webhook.bytes(), &claim, until];
                    tx.conn().execute(sql::RELEASE, mine).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Say that this node still has the webhook; whether it does.
    async fn webhook_renew(
        &self,
        webhook: WebhookId,
        claim: [u8; 16],
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let mine = params![webhook.bytes(), &claim, now.after(LEASE)];
                    Ok(tx.conn().query_one(sql::RENEW, mine).await?.is_some())
                })
            })
            .await
    }
}
