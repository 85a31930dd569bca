//! What runs beside the requests: storing what was noticed, and clearing away what has ended (RULES §5).

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::action::Action;
use crate::blocking;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::OrganizationId;
use crate::notice::{Actor, Notice, NoticeDetails};
use crate::sessions::REFRESH_LIFE;
use crate::sightings::Minutes;
use crate::store::sql::{
    agents, device_logins, enrollments, integrations, jobs, limits, secrets, sessions, shares,
    webhooks,
};
use crate::store::{Conn, params};

/// How long a closed secret can be restored.
const CLOSED_LIFE: Duration = Duration::from_hours(30 * 24);
/// How long an expired share stays in lists.
const EXPIRED_LIFE: Duration = CLOSED_LIFE;
/// How long a job, and a run of an integration, is told of after its end (contract B5, B8).
const FINISHED_LIFE: Duration = CLOSED_LIFE;
/// How long a delivery stays in the log (contract B7).
const DELIVERY_LIFE: Duration = CLOSED_LIFE;
/// How long an agent is told that its enrolment has expired.
const TOLD_LIFE: Duration = Duration::from_hours(24);
/// How often [`Engine::upkeep`] runs.
const UPKEEP_EVERY: Duration = Duration::from_hours(1);
/// How often what was noticed is stored.
const STORE_EVERY: Duration = Duration::from_secs(1);

impl Engine {
    /// Clear away, once, what has ended: secrets and versions closed 30 days ago, sessions, spent refresh tokens, windows
    /// of rates. Any number of nodes may do it at the same time.
    pub async fn upkeep(&self) -> Result<(), Error> {
        let (engine, now) = (self.clone(), self.clock().now());
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    for (organization, purged) in purge_closed(tx.conn(), now).await? {
                        let action = Action::SecretPurge.rule().name;
                        let notice = Notice::new(organization, Actor::Server, action);
                        let details = NoticeDetails {
                            count: Some(purged),
                            ..notice.details
                        };
                        tx.record(Notice { details, ..notice }.event(now)?);
                    }
                    let conn = tx.conn();
                    conn.execute(sessions::DELETE_EXPIRED, params![now]).await?;
                    conn.execute(agents::DELETE_EXPIRED_TOKENS, params![now])
                        .await?;
                    conn.execute(sessions::DELETE_SPENT, params![now.before(REFRESH_LIFE)])
                        .await?;
                    conn.execute(shares::DELETE_EXPIRED, params![now.before(EXPIRED_LIFE)])
                        .await?;
                    conn.execute(device_logins::DELETE_EXPIRED, params![now])
                        .await?;
                    conn.execute(enrollments::DELETE_EXPIRED, params![now.before(TOLD_LIFE)])
                        .await?;
                    conn.execute(jobs::DELETE_FINISHED, params![now.before(FINISHED_LIFE)])
                        .await?;
                    conn.execute(webhooks::FORGET_FORMER_SECRETS, params![now])
                        .await?;
                    conn.execute(webhooks::DELETE_OLD, params![now.before(DELIVERY_LIFE)])
                        .await?;
                    conn.execute(
                        integrations::DELETE_OLD_RUNS,
                        params![now.before(FINISHED_LIFE)],
                    )
                    .await?;
                    conn.execute(limits::DELETE_STALE, params![now]).await?;
                    engine.transport_keys_clear(conn, now).await
                })
            })
            .await
    }

    /// Start the background work; it ends when the engine is dropped.
    pub(crate) fn upkeep_begin(&self) {
        let engine = self.downgrade();
        blocking::background(async move {
            let mut tick = tokio::time::interval(STORE_EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut due = Timestamp::from_millis(0);
            loop {
                tick.tick().await;
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                if let Err(error) = engine.sightings_store(Minutes::Over).await {
                    tracing::warn!(%error, cause = error.cause(), "uses and refusals are not stored yet");
                }
                let now = engine.clock().now();
                if due <= now && engine.keys().is_ok() {
                    due = now.after(UPKEEP_EVERY);
                    if let Err(error) = engine.upkeep().await {
                        tracing::warn!(%error, cause = error.cause(), "clearing away stopped; it goes on in an hour");
                    }
                }
            }
        });
    }
}

/// Destroy what was closed 30 days ago; how many secrets went, by organization.
async fn purge_closed(
    conn: &mut Conn,
    now: Timestamp,
) -> Result<BTreeMap<OrganizationId, i64>, Error> {
    let closed = params![now.before(CLOSED_LIFE)];
    let mut counts = BTreeMap::new();
    for mut row in conn.query(secrets::PURGE_CLOSED_SECRETS, closed).await? {
        *counts
            .entry(OrganizationId::from_bytes(row.array()?))
            .or_default() += 1;
    }
    conn.execute(secrets::PURGE_CLOSED_VERSIONS, closed).await?;
    Ok(counts)
}

#[cfg(test)]
mod tests;
