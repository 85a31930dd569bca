//! Users that this server has made and no lease knows: what a database that was restored from a copy has forgotten.

use std::time::Duration;

use super::username::PREFIX;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ClusterId, OrganizationId};
use crate::notice::{Actor, Notice, NoticeDetails};
use crate::store::params;
use crate::store::sql::{clusters as sql, leases};
use crate::targets::on_server;

/// How often a server is searched, and how soon again when it did not answer.
const EVERY: Duration = Duration::from_hours(1);

impl Engine {
    /// Search the servers of those clusters whose turn it is. What cannot be done waits for the next turn.
    pub(crate) async fn leases_reconcile_due(&self) -> Result<(), Error> {
        let now = self.clock().now();
        for cluster in self.clusters_due(sql::DUE_RECONCILIATIONS, now).await? {
            let mine = self
                .store()
                .write(move |tx| {
                    Box::pin(async move {
                        let turn = params![cluster.bytes(), now.after(EVERY), now];
                        let row = tx.conn().query_one(sql::NEXT_RECONCILIATION, turn).await?;
                        Ok(row.is_some())
                    })
                })
                .await?;
            if mine && let Err(error) = self.leases_reconcile(cluster).await {
                tracing::warn!(%cluster, %error, cause = error.cause(), "users were not searched for");
            }
        }
        Ok(())
    }

    /// Drop the users of a cluster's servers that this server has made and no live lease knows.
    ///
    /// The server is asked first, and the leases after it: whatever user it has then was written down before.
    async fn leases_reconcile(&self, id: ClusterId) -> Result<(), Error> {
        let Ok((cluster, admin)) = self.cluster_with_admin(id).await? else {
            return Ok(());
        };
        let Ok(door) = self
            .primary_door(&cluster, crate::clusters::again(&admin))
            .await
        else {
            return Ok(());
        };
        let users = on_server(door, |session| Box::pin(session.users(PREFIX))).await;
        let Ok(users) = users else {
            return Ok(());
        };
        let mut unknown = Vec::new();
        {
            let mut reader = self.store().reader().await?;
            let conn = reader.conn()?;
            for user in users {
                if !self.is_lease_username(id, &user)? {
                    continue;
                }
                let known = params![id.bytes(), &user];
                if conn.query_one(leases::KNOWN, known).await?.is_none() {
                    unknown.push(user);
                }
            }
        }
        for user in unknown {
            let Ok(door) = self
                .primary_door(&cluster, crate::clusters::again(&admin))
                .await
            else {
                return Ok(());
            };
            let name = user.clone();
            let dropped = on_server(door, move |session| {
                Box::pin(async move { session.drop_user(&name).await })
            });
            match dropped.await {
                Ok(()) => self.user_reconciled(cluster.organization, id, user).await?,
                Err(why) => {
                    tracing::warn!(cluster = %id, %why, "a user that no lease knows is not dropped yet");
                }
            }
        }
        Ok(())
    }

    async fn user_reconciled(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        user: String,
    ) -> Result<(), Error> {
        tracing::warn!(%cluster, "a user that no lease knew was dropped");
        let now = self.clock().now();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let notice = Notice::new(organization, Actor::Server, "lease.reconcile");
                    let details = NoticeDetails {
                        name: Some(&user),
                        ..NoticeDetails::default()
                    };
                    let notice = Notice {
                        resource: Some(("cluster", *cluster.bytes())),
                        details,
                        ..notice
                    };
                    tx.record(notice.event(now)?);
                    Ok(())
                })
            })
            .await
    }
}
