//! Changes that were interrupted, and passwords that are to be forgotten.
//!
//! An interrupted change goes forward: the server is given the same password again, which does nothing where it has it. What
//! was sent before and is still on its way sets the same one. Only where that cannot be done, it is found out which of the two
//! is good: the one that was written down, then the one that the secret has (NT-73).

use std::time::Duration;

use super::journal::Change;
use super::{RotationOutcome, Set};
use crate::blocking;
use crate::clusters::{Cluster, again};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::SecretId;
use crate::store::params;
use crate::store::sql::password_changes as sql;
use crate::targets::{Login, TargetError, on_server};

/// Longer than anything that was sent to a server can still be on its way.
const NOTHING_UNDER_WAY: Duration = Duration::from_secs(60);
/// From then on somebody has to look.
const ALARMING: u32 = 6;

impl Engine {
    /// Nobody is at any change: this process has just begun, and it is alone with its database.
    pub(crate) async fn changes_begin(&self) -> Result<(), Error> {
        if self.store().generations().is_none() {
            return Ok(());
        }
        self.store()
            .write(|tx| {
                Box::pin(async move {
                    tx.conn().execute(sql::ALL_DUE, &[]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Go on with those changes whose turn it is.
    pub(crate) async fn changes_recover_due(&self) -> Result<(), Error> {
        let now = self.clock().now();
        let due = {
            let mut reader = self.store().reader().await?;
            let conn = reader.conn()?;
            let mut due = Vec::new();
            for row in conn.query(sql::DUE, params![now]).await? {
                due.push(self.change_from_row(conn, row).await?);
            }
            due
        };
        for change in due {
            let engine = self.clone();
            // Each by itself: a server that does not answer keeps nobody waiting but itself.
            blocking::background(async move {
                let Some(_claimed) = engine.barrier().claim(change.secret) else {
                    return;
                };
                let secret = change.secret;
                if let Err(error) = engine.change_recover_taken(change).await {
                    tracing::warn!(%secret, %error, cause = error.cause(), "an interrupted rotation waits");
                }
            });
        }
        Ok(())
    }

    /// Go on with the change of one secret, unless somebody is at it.
    pub(super) async fn change_recover_one(&self, secret: SecretId) -> Result<(), Error> {
        let Some(_claimed) = self.barrier().claim(secret) else {
            return Ok(());
        };
        let Some(change) = self.change_of(secret).await? else {
            return Ok(());
        };
        if !change.is_retiring && self.change_take(&change).await? {
            self.change_recover(change).await?;
        }
        Ok(())
    }

    async fn change_recover_taken(&self, change: Change) -> Result<(), Error> {
        if self.change_take(&change).await? {
            self.change_recover(change).await?;
        }
        Ok(())
    }

    /// What is under way, or left, of the change of a secret.
    async fn change_of(&self, secret: SecretId) -> Result<Option<Change>, Error> {
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        match conn
            .query_one(sql::BY_SECRET, params![secret.bytes()])
            .await?
        {
            Some(row) => Ok(Some(self.change_from_row(conn, row).await?)),
            None => Ok(None),
        }
    }

    async fn change_recover(&self, change: Change) -> Result<(), Error> {
        let Some(cluster) = self.cluster_of(change.cluster).await? else {
            return if change.is_retiring {
                self.change_end(&change).await
            } else {
                self.change_undo(&change).await
            };
        };
        if change.is_retiring {
            return self.password_forget(&cluster, &change).await;
        }
        let why = match self.change_forward(&cluster, &change).await? {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        if let Some(outcome) = self.change_sorted_out(&cluster, &change).await? {
            tracing::warn!(secret = %change.secret, ?outcome, "an interrupted rotation was sorted out");
            return Ok(());
        }
        let (secret, attempts) = (change.secret, change.attempts);
        if attempts >= ALARMING {
            tracing::error!(%secret, attempts, %why, "an interrupted rotation cannot be sorted out");
        } else {
            tracing::warn!(%secret, attempts, %why, "an interrupted rotation is not sorted out yet");
        }
        self.change_postpone(&change).await
    }

    /// Give the server the password again, and finish; why not, if not.
    async fn change_forward(
        &self,
        cluster: &Cluster,
        change: &Change,
    ) -> Result<Result<(), String>, Error> {
        let hand = match self.hand_for(cluster, change).await? {
            Ok(hand) => hand,
            Err(why) => return Ok(Err(why.to_string())),
        };
        // Where the server has it already, setting it again would make it forget the one before.
        let database = hand.login.database.clone();
        let tried = self
            .password_tried(cluster, &change.username, &change.password, database)
            .await;
        if tried.is_ok() {
            self.change_finish(change, true).await?;
            return Ok(Ok(()));
        }
        match self.password_set(cluster, change, hand).await {
            Set::Done { keeps } => {
                self.change_finish(change, keeps).await?;
                Ok(Ok(()))
            }
            Set::Refused(why) => Ok(Err(why.to_string())),
            Set::Unknown(why) => Ok(Err(why.to_string())),
        }
    }

    /// Find out which password is good: the one that was written down, or the one that the secret has. None when neither is, or
    /// the server does not answer.
    async fn change_sorted_out(
        &self,
        cluster: &Cluster,
        change: &Change,
    ) -> Result<Option<RotationOutcome>, Error> {
        let Some(before) = self.login_before(cluster, change).await? else {
            return Ok(None);
        };
        let under_way = change.created_at.after(NOTHING_UNDER_WAY) > self.clock().now();
        let tried = self
            .password_tried(
                cluster,
                &before.username,
                &before.password,
                before.database.clone(),
            )
            .await;
        if tried.is_ok() && !under_way {
            self.change_undo(change).await?;
            return Ok(Some(RotationOutcome::Failed(
                "the server has refused the password".to_owned(),
            )));
        }
        Ok(None)
    }

    async fn login_before(
        &self,
        cluster: &Cluster,
        change: &Change,
    ) -> Result<Option<Login>, Error> {
        let mut reader = self.store().reader().await?;
        let login = self
            .login_of_secret(reader.conn()?, cluster, change.secret)
            .await?;
        Ok(login.ok())
    }

    /// Have the server forget a password that was replaced a while ago.
    async fn password_forget(&self, cluster: &Cluster, change: &Change) -> Result<(), Error> {
        let Ok(hand) = self.hand_for(cluster, change).await? else {
            return self.change_postpone(change).await;
        };
        let Ok(door) = self.primary_door(cluster, again(&hand.login)).await else {
            return self.change_postpone(change).await;
        };
        let (user, old, whose) = (
            change.username.clone(),
            change.password.duplicate(),
            hand.whose,
        );
        let forgotten = on_server(door, move |session| {
            Box::pin(async move { session.forget_password(&user, &old, whose).await })
        });
        match forgotten.await {
            Ok(()) | Err(TargetError::NoUser) => self.change_end(change).await,
            Err(why) => {
                tracing::warn!(secret = %change.secret, %why, "a replaced password is still good");
                self.change_postpone(change).await
            }
        }
    }

    /// The same at once, for a secret whose next change is to begin.
    pub(super) async fn password_forget_now(&self, secret: SecretId) -> Result<(), Error> {
        let Some(change) = self
            .change_of(secret)
            .await?
            .filter(|change| change.is_retiring)
        else {
            return Ok(());
        };
        match self.cluster_of(change.cluster).await? {
            Some(cluster) => self.password_forget(&cluster, &change).await,
            None => self.change_end(&change).await,
        }
    }
}
