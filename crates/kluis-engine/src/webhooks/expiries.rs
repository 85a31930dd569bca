//! Secrets that expire: nobody's act, so somebody has to look.
//!
//! How far expiries are told stands in the store, and moves with what is told: each is told once, however often the server stops
//! and however many nodes look.

use std::time::Duration;

use super::events::{EventSet, WebhookEvent};
use super::outbox::{About, Happening};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::OrganizationId;
use crate::store::sql::webhooks as sql;
use crate::store::{Touches, Tx, params};

/// How long ago a secret has expired when that is told: what was written just before is committed by then.
const BEHIND: Duration = Duration::from_secs(2);
/// How far the place moves when there is nothing to tell, at least.
const MOVES_EVERY: Duration = Duration::from_hours(1);

impl Engine {
    /// Tell of what has expired until now.
    pub(super) async fn expiries_tell(&self, now: Timestamp) -> Result<(), Error> {
        let until = now.before(BEHIND);
        while self.expiries_wait(until).await? {
            let engine = self.clone();
            let more = self
                .store()
                .write_touching(Touches::Unremembered, move |tx| {
                    Box::pin(async move { engine.expiries_tell_in(tx, until, now).await })
                })
                .await?;
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Whether there is anything to do: asked every second, so it asks no more than it must.
    async fn expiries_wait(&self, until: Timestamp) -> Result<bool, Error> {
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        let Some(mut row) = conn.query_one(sql::EXPIRY_TOLD, &[]).await? else {
            return Ok(true);
        };
        let (told, secret) = (row.time()?, row.blob()?);
        if told.after(MOVES_EVERY) <= until {
            return Ok(true);
        }
        let expired = params![told, &secret, until];
        Ok(conn.query_one(sql::EXPIRED, expired).await?.is_some())
    }

    /// Tell a portion; whether there may be more.
    async fn expiries_tell_in(
        &self,
        tx: &mut Tx,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let conn = tx.conn();
        // From the first look on: what had expired before is no news.
        conn.execute(sql::BEGIN_EXPIRIES, params![until, &LAST])
            .await?;
        let taken = conn.take(sql::EXPIRY_TOLD, &[]).await?;
        let Some(mut row) = taken.into_iter().next() else {
            // Another node is at it.
            return Ok(false);
        };
        let (told, secret) = (row.time()?, row.blob()?);
        let expired = conn
            .query(sql::EXPIRED, params![told, &secret, until])
            .await?;
        let mut place = (until, LAST.to_vec());
        let more = expired.len() >= PORTION;
        for mut row in expired {
            let at = row.time()?;
            let id: [u8; 16] = row.array()?;
            let about = About {
                name: Some(row.text()?),
                version: Some(row.number()?),
                vault: Some(row.text()?),
                ..About::thing("secret", &id)
            };
            let organization = OrganizationId::from_bytes(row.array()?);
            let subscribed = EventSet::summarized(&row.text()?);
            let event = WebhookEvent::RecordExpired;
            if subscribed.contains(event) && at >= row.time()? {
                self.webhooks_post(tx, organization, &[Happening { event, about }], now)
                    .await?;
            }
            if more {
                place = (at, id.to_vec());
            }
        }
        let (at, id) = place;
        tx.conn()
            .execute(sql::TELL_EXPIRIES, params![at.max(told), &id])
            .await?;
        Ok(more)
    }
}

/// What `EXPIRED` gives at once.
const PORTION: usize = 500;
/// Behind every id.
const LAST: [u8; 16] = [0xff; 16];
