//! What becomes of a sync: kept in its run and in the integration, and told.

use super::Integration;
use super::integration::IntegrationStatus;
use super::runs::RunStatus;
use super::sync::Done;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{IntegrationId, IntegrationRunId, JobId};
use crate::store::sql::integrations as sql;
use crate::store::{Conn, Touches, Tx, params};
use crate::webhooks::{About, Happening, WebhookEvent};

/// What came of an attempt.
pub(super) enum Settled {
    Again(String, Timestamp),
    Done(Done),
    Failed(String),
}

/// What a job says that another has taken the place of.
pub(super) const SUPERSEDED: &str = "Another sync, or another configuration, has taken its place.";

impl Engine {
    /// Keep what came of an attempt, and tell of it.
    pub(super) async fn integration_settle(
        &self,
        integration: &Integration,
        run: IntegrationRunId,
        job: JobId,
        settled: Settled,
    ) -> Result<(), Error> {
        let (engine, now) = (self.clone(), self.clock().now());
        let integration = integration.clone();
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let (conn, id) = (tx.conn(), integration.id);
                    conn.lock(sql::LOCK, params![id.bytes()]).await?;
                    conn.execute(sql::RELEASE, params![id.bytes(), job.bytes()])
                        .await?;
                    match settled {
                        Settled::Done(done) => {
                            finish(conn, run, RunStatus::Succeeded, None, Some(done), now).await?;
                            conn.execute(sql::SUCCEEDED, params![id.bytes(), now])
                                .await?;
                            if let Some(until) = done.until {
                                conn.execute(sql::DUE_BY, params![id.bytes(), until])
                                    .await?;
                            }
                            forget_runs(conn, id).await?;
                            engine
                                .integration_tell(tx, &integration, Ok(done), now)
                                .await
                        }
                        Settled::Again(why, at) => {
                            conn.execute(sql::RETRY_RUN, params![run.bytes(), &why, at])
                                .await?;
                            let status = IntegrationStatus::Retrying.as_str();
                            conn.execute(sql::FAILED, params![id.bytes(), status, &why])
                                .await?;
                            Ok(())
                        }
                        Settled::Failed(why) => {
                            finish(conn, run, RunStatus::Failed, Some(&why), None, now).await?;
                            engine.integration_failed(tx, &integration, &why, now).await
                        }
                    }
                })
            })
            .await
    }

    /// Keep that a sync came to nothing, and tell of it.
    async fn integration_failed(
        &self,
        tx: &mut Tx,
        integration: &Integration,
        why: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (conn, id) = (tx.conn(), integration.id);
        let status = IntegrationStatus::Failed.as_str();
        conn.execute(sql::FAILED, params![id.bytes(), status, why])
            .await?;
        forget_runs(conn, id).await?;
        self.integration_tell(tx, integration, Err(why), now).await
    }

    async fn integration_tell(
        &self,
        tx: &mut Tx,
        integration: &Integration,
        outcome: Result<Done, &str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut about = About {
            name: Some(integration.name.clone()),
            vault: integration.selector.vault_name.clone(),
            ..About::thing("integration", integration.id.bytes())
        };
        let more = &mut about.more;
        more.insert("type".to_owned(), integration.target.kind().as_str().into());
        let event = match outcome {
            Ok(done) => {
                more.insert("records".to_owned(), done.secrets.into());
                more.insert("sent".to_owned(), done.sent.into());
                more.insert("removed".to_owned(), done.removed.into());
                WebhookEvent::IntegrationSynced
            }
            Err(why) => {
                more.insert("error".to_owned(), why.into());
                WebhookEvent::IntegrationFailed
            }
        };
        let happening = [Happening { event, about }];
        self.webhooks_tell(tx, integration.organization, &happening, now)
            .await
    }

    /// End the runs whose job has ended without them: it was cancelled, or stopped too many processes. Whether there was any.
    pub(super) async fn integration_runs_settle(&self) -> Result<(), Error> {
        let mut reader = self.store().reader().await?;
        let open = reader.conn()?.query(sql::LEFT_OPEN, &[]).await?;
        drop(reader);
        for mut row in open {
            let run = IntegrationRunId::from_bytes(row.array()?);
            let id = IntegrationId::from_bytes(row.array()?);
            let why = row.optional_text()?;
            let why = why.unwrap_or_else(|| "Its job is gone.".to_owned());
            let (engine, now) = (self.clone(), self.clock().now());
            self.store()
                .write_touching(Touches::Unremembered, move |tx| {
                    Box::pin(async move {
                        let conn = tx.conn();
                        conn.lock(sql::LOCK, params![id.bytes()]).await?;
                        let is_superseded = why == SUPERSEDED;
                        let status = if is_superseded {
                            RunStatus::Superseded
                        } else {
                            RunStatus::Failed
                        };
                        finish(conn, run, status, Some(&why), None, now).await?;
                        let row = conn.query_one(sql::ANY_BY_ID, params![id.bytes()]).await?;
                        match row.map(Integration::from_row).transpose()? {
                            Some(integration) if !is_superseded => {
                                engine.integration_failed(tx, &integration, &why, now).await
                            }
                            _ => Ok(()),
                        }
                    })
                })
                .await?;
        }
        Ok(())
    }
}

/// End a run.
pub(super) async fn finish(
    conn: &mut Conn,
    run: IntegrationRunId,
    status: RunStatus,
    why: Option<&str>,
    done: Option<Done>,
    now: Timestamp,
) -> Result<(), Error> {
    let count = |of: fn(&Done) -> usize| {
        let count = done.as_ref().map(of);
        count.map(|count| i64::try_from(count).unwrap_or(i64::MAX))
    };
    let row = params![
        run.bytes(),
        status.as_str(),
        why,
        count(|done| done.secrets),
        count(|done| done.sent),
        count(|done| done.removed),
        now
    ];
    conn.execute(sql::FINISH_RUN, row).await?;
    Ok(())
}

async fn forget_runs(conn: &mut Conn, id: IntegrationId) -> Result<(), Error> {
    conn.execute(sql::FORGET_RUNS, params![id.bytes()]).await?;
    Ok(())
}
