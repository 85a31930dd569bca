//! One attempt to deliver, and what comes of it (contract B7).

use std::time::Duration;

use kluis_crypto::random;

use super::events::WebhookEvent;
use super::outbox::About;
use super::signature::SealedSecrets;
use super::{change, deliveries::DeliveryStatus};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, WebhookDeliveryId, WebhookId};
use crate::outbound::{self, Answer, Call, Failed, Method};
use crate::store::sql::{organizations, webhooks as sql};
use crate::store::{Failure, Row, Touches, Tx, params, unexpected};

/// How deliveries look: the words of the API that webhooks belong to.
#[derive(Clone, Copy)]
pub struct Courier {
    /// What is sent.
    pub letter: fn(&Parcel<'_>) -> Letter,
    /// The header that signs it: its name and value, from the time in seconds and each signature in hexadecimal.
    pub signature: fn(i64, &[String]) -> (&'static str, String),
}

/// What is to be delivered.
pub struct Parcel<'a> {
    /// The delivery's id; the same in every attempt.
    pub id: WebhookDeliveryId,
    /// What happened.
    pub event: WebhookEvent,
    /// To what.
    pub about: &'a About,
    /// When.
    pub at: Timestamp,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// The same as a receiver gets it.
pub struct Letter {
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// A delivery with what it takes to attempt it.
pub(super) struct Due {
    id: WebhookDeliveryId,
    event: WebhookEvent,
    about: About,
    attempts: u32,
    at: Timestamp,
    url: String,
    secrets: SealedSecrets,
}

/// What came of an attempt.
pub(super) struct Outcome {
    delivery: WebhookDeliveryId,
    /// This one included.
    attempts: u32,
    answer: Result<Answer, Failed>,
    duration: Duration,
}

/// What the outcome means for the webhook.
pub(super) enum Verdict {
    /// Somebody answered.
    Answered,
    /// Nobody did: what else waits for this receiver can wait a while.
    Silent,
}

/// When a delivery is tried again after each failure; give or take a tenth.
const RETRY_AFTER: [Duration; 7] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(6 * 3_600),
    Duration::from_secs(24 * 3_600),
];
/// After as many failures a delivery has failed.
const MOST_ATTEMPTS: u32 = 7;
/// A webhook that has failed for so long, whatever was delivered, is switched off.
const FAILING_LIFE: Duration = Duration::from_hours(3 * 24);
/// Bytes of the answer that are kept.
const KEPT: usize = 1_024;
/// What a receiver answers that wants nothing more.
const GONE: u16 = 410;

impl Due {
    /// From the columns of `NEXT` and `ONE`.
    pub(super) fn from_row(mut row: Row) -> Result<Self, Failure> {
        Ok(Self {
            id: WebhookDeliveryId::from_bytes(row.array()?),
            event: WebhookEvent::parse(&row.text()?).ok_or_else(unexpected)?,
            about: row.json()?,
            attempts: row.number()?,
            at: row.time()?,
            url: row.text()?,
            secrets: SealedSecrets::from_columns(&mut row)?,
        })
    }
}

impl Outcome {
    fn is_success(&self) -> bool {
        self.status()
            .is_some_and(|status| (200..300).contains(&status))
    }

    fn status(&self) -> Option<u16> {
        self.answer.as_ref().ok().map(|answer| answer.status)
    }
}

impl Engine {
    /// Attempt a delivery. An error is of this server's own, and no attempt was made.
    pub(super) async fn delivery_attempt(
        &self,
        courier: Courier,
        organization: OrganizationId,
        webhook: WebhookId,
        due: Due,
    ) -> Result<Outcome, Error> {
        let mut reader = self.store().reader().await?;
        let keys = self
            .keys()?
            .organization_at(reader.conn()?, organization, due.secrets.key_version())
            .await?;
        drop(reader);
        let begin = self.clock().now();
        let attempts = due.attempts + 1;
        let Letter { mut headers, body } = (courier.letter)(&Parcel {
            id: due.id,
            event: due.event,
            about: &due.about,
            at: due.at,
            attempt: attempts,
        });
        let signed = due.secrets.sign(&keys, webhook, begin, &body)?;
        headers.push((courier.signature)(begin.seconds(), &signed));
        // What may be reached can have changed since the webhook was made.
        let answer = match outbound::url(&due.url, self.outbound().reach()) {
            Ok(url) => {
                let call = Call {
                    method: Method::POST,
                    url: &url,
                    headers: &headers,
                    body: body.into_bytes(),
                    keep: KEPT,
                };
                self.outbound().call(call).await
            }
            Err(_) => Err(Failed::Forbidden),
        };
        let spent = self.clock().now().millis().saturating_sub(begin.millis());
        Ok(Outcome {
            delivery: due.id,
            attempts,
            answer,
            duration: Duration::from_millis(u64::try_from(spent).unwrap_or(0)),
        })
    }

    /// Keep what came of an attempt, with its consequences for the webhook. Without `retries`, one that fails has failed.
    pub(super) async fn delivery_keep(
        &self,
        webhook: WebhookId,
        outcome: Outcome,
        retries: bool,
    ) -> Result<Verdict, Error> {
        let now = self.clock().now();
        let verdict = match &outcome.answer {
            Ok(_) => Verdict::Answered,
            Err(_) => Verdict::Silent,
        };
        let retry = if retries && outcome.status() != Some(GONE) {
            retry_at(outcome.attempts, now)?
        } else {
            None
        };
        let ended = self
            .store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move { keep(tx, webhook, outcome, retry, retries, now).await })
            })
            .await?;
        if let Some(organization) = ended {
            // In a transaction of its own, which takes rows in the order in which all others do. Were it not to come to this, acts
            // would look for a webhook that is not there.
            self.store()
                .write(move |tx| {
                    Box::pin(async move {
                        let conn = tx.conn();
                        conn.lock(organizations::LOCK, params![organization.bytes()])
                            .await?;
                        change::subscribe(conn, organization, now).await
                    })
                })
                .await?;
        }
        Ok(verdict)
    }
}

/// The organization, where the webhook was switched off by this.
async fn keep(
    tx: &mut Tx,
    webhook: WebhookId,
    outcome: Outcome,
    retry: Option<Timestamp>,
    counts: bool,
    now: Timestamp,
) -> Result<Option<OrganizationId>, Error> {
    let conn = tx.conn();
    // What is inserted meanwhile is counted below, or by whoever inserts it: this row is theirs or ours.
    conn.lock(sql::LOCK, params![webhook.bytes()]).await?;
    let Some(mut row) = conn
        .query_one(sql::FAILING, params![webhook.bytes()])
        .await?
    else {
        return Ok(None);
    };
    let (failing, organization) = (
        row.optional_time()?,
        OrganizationId::from_bytes(row.array()?),
    );
    let retry = retry.filter(|_| !outcome.is_success());
    let status = match retry {
        _ if outcome.is_success() => DeliveryStatus::Succeeded,
        Some(_) => DeliveryStatus::Pending,
        None => DeliveryStatus::Failed,
    };
    let body = outcome.answer.as_ref().ok();
    // PostgreSQL keeps no NUL in a text.
    let body = body.map(|answer| String::from_utf8_lossy(&answer.body).replace('\0', "\u{fffd}"));
    let error = outcome.answer.as_ref().err().map(ToString::to_string);
    let spent = u32::try_from(outcome.duration.as_millis()).unwrap_or(u32::MAX);
    let row = params![
        outcome.delivery.bytes(),
        status.as_str(),
        retry,
        outcome.status().map(u32::from),
        body.as_deref(),
        error.as_deref(),
        spent,
        now
    ];
    conn.execute(sql::ATTEMPTED, row).await?;
    let failing = match (outcome.is_success(), counts) {
        (true, _) => None,
        (false, true) => Some(failing.unwrap_or(now)),
        // A test that fails says nothing of what is delivered.
        (false, false) => failing,
    };
    let end = match failing {
        _ if outcome.status() == Some(GONE) => Some("gone"),
        Some(since) if counts && since.after(FAILING_LIFE) <= now => Some("failing"),
        _ => None,
    };
    let row = params![webhook.bytes(), failing, end, end.is_some()];
    conn.execute(sql::AFTER_ATTEMPT, row).await?;
    Ok(end.map(|_| organization))
}

/// When to try again after so many attempts; not any more after the last.
fn retry_at(attempts: u32, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    if attempts >= MOST_ATTEMPTS {
        return Ok(None);
    }
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(after) = RETRY_AFTER.get(index) else {
        return Ok(None);
    };
    // 90 to 110 per cent.
    let drawn = u32::from_be_bytes(random::array()?) % 201;
    Ok(Some(now.after(*after * (900 + drawn) / 1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_when_they_should_give_or_take_a_tenth() {
        let now = Timestamp::from_millis(0);
        for (attempts, seconds) in [
            (1, 10),
            (2, 60),
            (3, 300),
            (4, 1_800),
            (5, 7_200),
            (6, 21_600),
        ] {
            let drawn: Vec<i64> = (0..500)
                .map(|_| retry_at(attempts, now).unwrap().unwrap().millis())
                .collect();
            let (least, most) = (seconds * 900, seconds * 1_100);
            assert!(
                drawn.iter().all(|at| (least..=most).contains(at)),
                "{attempts}"
            );
            // Not all alike, and on both sides.
            assert!(drawn.iter().any(|at| *at < seconds * 970));
            assert!(drawn.iter().any(|at| *at > seconds * 1_030));
        }
        assert!(retry_at(7, now).unwrap().is_none());
    }
}
