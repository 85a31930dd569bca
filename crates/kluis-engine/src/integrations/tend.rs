//! What is done for integrations beside the requests: changes become due times, due times become jobs, and what is removed is
//! cleared away.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::Integration;
use super::integration::{IntegrationKind, SyncMode};
use super::runs::RunCause;
use super::sync::Trouble;
use crate::blocking;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{IntegrationId, OrganizationId, VaultId};
use crate::store::sql::integrations as sql;
use crate::store::{Touches, params};

/// How often it is looked for what is to be done; as long, at most, changes are gathered for one sync.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// When it is tried again to make a job where too many wait.
const WHEN_FULL: Duration = Duration::from_secs(60);

impl Engine {
    pub(super) fn integrations_tend_begin(&self) {
        let engine = self.downgrade();
        blocking::background(async move {
            let mut tick = tokio::time::interval(LOOK_EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failing = false;
            loop {
                tick.tick().await;
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                if engine.is_sealed() {
                    continue;
                }
                let tended = engine.integrations_tend().await;
                if let Err(error) = &tended
                    && !failing
                {
                    tracing::warn!(%error, cause = error.cause(), "integrations are not tended; tried again every second");
                }
                failing = tended.is_err();
            }
        });
    }

    async fn integrations_tend(&self) -> Result<(), Error> {
        self.integration_changes_gather().await?;
        let now = self.clock().now();
        for id in self.integrations_found(sql::DUE, now).await? {
            self.integration_due(id, now).await?;
        }
        self.integration_runs_settle().await?;
        for id in self.integrations_found(sql::HIDDEN, now).await? {
            self.integration_clear(id).await?;
        }
        Ok(())
    }

    async fn integrations_found(
        &self,
        statement: &'static str,
        now: Timestamp,
    ) -> Result<Vec<IntegrationId>, Error> {
        let mut reader = self.store().reader().await?;
        let rows = reader.conn()?.query(statement, params![now]).await?;
        let ids = rows
            .into_iter()
            .map(|mut row| row.array().map(IntegrationId::from_bytes));
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Find the integrations that are meant by changes, and have them run.
    async fn integration_changes_gather(&self) -> Result<(), Error> {
        let mut reader = self.store().reader().await?;
        let any = reader.conn()?.query_one(sql::ANY_CHANGE, &[]).await?;
        drop(reader);
        if any.is_none() {
            return Ok(());
        }
        let now = self.clock().now();
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    let mut vaults = BTreeSet::new();
                    let mut gathered = Vec::new();
                    for mut row in conn.take(sql::CHANGES, &[]).await? {
                        gathered.push(row.array::<16>()?);
                        vaults.insert(VaultId::from_bytes(row.array()?));
                    }
                    for vault in vaults {
                        conn.execute(sql::FOLLOW, params![vault.bytes(), now])
                            .await?;
                    }
                    let rows: Vec<Vec<_>> =
                        gathered.iter().map(|id| params![id].to_vec()).collect();
                    conn.execute_each(sql::DELETE_CHANGE, &rows).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Make a job for an integration that is due, unless one waits for it anyway. One that is under way has perhaps read already
    /// what has changed since: then it is looked again.
    async fn integration_due(&self, id: IntegrationId, now: Timestamp) -> Result<(), Error> {
        let engine = self.clone();
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    conn.lock(sql::LOCK, params![id.bytes()]).await?;
                    let Some(row) = conn.query_one(sql::ANY_BY_ID, params![id.bytes()]).await?
                    else {
                        return Ok(());
                    };
                    let integration = Integration::from_row(row)?;
                    if integration.due_at.is_none_or(|due| due > now) {
                        return Ok(());
                    }
                    let of = params![id.bytes()];
                    let last = conn.query_one(sql::LAST_JOB, of).await?;
                    let waits = match last {
                        Some(mut row) => {
                            row.blob()?;
                            if row.text()? == "running" {
                                return Ok(());
                            }
                            true
                        }
                        None => false,
                    };
                    let mut next = integration.mode.next(now);
                    if !waits {
                        let cause = match integration.mode {
                            SyncMode::Scheduled(_) => RunCause::Schedule,
                            SyncMode::Manual | SyncMode::OnChange => RunCause::Change,
                        };
                        let made = engine.integration_schedule(tx, &integration, cause, now);
                        if let Err(error) = made.await {
                            let Error::Conflict(_) = error else {
                                return Err(error);
                            };
                            tracing::error!(integration = %id, "an integration is not run: too many jobs wait");
                            next = Some(now.after(WHEN_FULL));
                        }
                    }
                    let due = params![id.bytes(), next];
                    tx.conn().execute(sql::SET_DUE, due).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Clear away what a removed integration has written here, and then the integration itself.
    pub(super) async fn integration_clear(&self, id: IntegrationId) -> Result<(), Error> {
        let Some(_turn) = self.integrations().turn(id) else {
            return Ok(());
        };
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        let of = params![id.bytes(), self.clock().now()];
        let Some(mut row) = conn.query_one(sql::HIDDEN_BY_ID, of).await? else {
            return Ok(());
        };
        let organization = OrganizationId::from_bytes(row.array()?);
        if IntegrationKind::parse(&row.text()?) == Some(IntegrationKind::EnvFile) {
            let mut places = Vec::new();
            for mut row in conn.query(sql::ITEMS, params![id.bytes()]).await? {
                places.push(row.text()?);
            }
            drop(reader);
            for place in places {
                match self.env_file_remove(organization, &place).await {
                    Ok(()) => {}
                    // It is tried again, and the row stays to say so.
                    Err(Trouble::Passing(why)) => {
                        tracing::warn!(integration = %id, why, "a file is not removed");
                        return Ok(());
                    }
                    // There is no directory any more.
                    Err(_) => break,
                }
            }
        } else {
            drop(reader);
        }
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    tx.conn().execute(sql::DELETE, params![id.bytes()]).await?;
                    Ok(())
                })
            })
            .await
    }
}
