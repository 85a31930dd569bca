//! Dropping the users of leases: when their time is over and never before, when somebody says so, and until it is done
//! (NT-71, NT-72).
//!
//! What is to be dropped stands in the database with the time of the next try, so it outlives every process. A server that does
//! not answer is asked again for ever, less and less often, and never by more than one portion at a time (NT-57).

use std::time::Duration;

use kluis_crypto::Secret;

use crate::audit::Outcome;
use crate::clock::Timestamp;
use crate::clusters::{Cluster, Filling, Unreachable};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ClusterId, LeaseId, OrganizationId};
use crate::notice::{Actor, Notice, NoticeDetails};
use crate::store::sql::{clusters, leases as sql};
use crate::store::{Failure, Row, params};
use crate::targets::{DatabaseKind, Login, Session, TargetError, on_server};
use crate::webhooks::{About, Happening, WebhookEvent};

/// A user that is to go.
struct Doomed {
    lease: LeaseId,
    username: String,
    /// The statements that end it; the server's own way when there are none.
    revocation: Vec<String>,
    /// How often it was tried, this time included.
    attempts: u32,
}

/// What came of a portion.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Portion {
    /// Some of it is still there.
    Failed,
    /// It is gone, and there may be more.
    Full,
    /// It is gone, and there is no more.
    Last,
}

/// How many users go in one session.
const IN_ONE_SESSION: u32 = 50;
/// Whoever took a portion has so long before another does.
const TAKEN_FOR: Duration = Duration::from_secs(60);
/// Between two tries, first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// From then on somebody has to look.
const ALARMING: u32 = 6;
/// How long what has ended stays in lists.
const ENDED_LIFE: Duration = Duration::from_hours(30 * 24);

impl Engine {
    /// Drop one portion of a cluster's users whose time is over.
    pub(crate) async fn leases_revoke_of(&self, cluster: ClusterId) -> Result<Portion, Error> {
        let now = self.clock().now();
        let doomed = self
            .store()
            .write(move |tx| {
                Box::pin(async move {
                    let due = params![cluster.bytes(), now, now.after(TAKEN_FOR), IN_ONE_SESSION];
                    let rows = tx.conn().query(sql::TAKE_DUE, due).await?;
                    let doomed = rows.into_iter().map(Doomed::from_row);
                    Ok(doomed.collect::<Result<Vec<_>, _>>()?)
                })
            })
            .await?;
        let full = doomed.len() == usize::try_from(IN_ONE_SESSION).unwrap_or(usize::MAX);
        let failed = self.users_drop(cluster, doomed).await?;
        Ok(match failed {
            Some(_) => Portion::Failed,
            None if full => Portion::Full,
            None => Portion::Last,
        })
    }

    /// Drop the user of one lease that is over; why it could not be, if so. Nobody else may be at it.
    pub(super) async fn lease_revoke_now(
        &self,
        cluster: ClusterId,
        lease: LeaseId,
    ) -> Result<Option<Unreachable>, Error> {
        let until = self.clock().now().after(TAKEN_FOR);
        let doomed = self
            .store()
            .write(move |tx| {
                Box::pin(async move {
                    let one = params![lease.bytes(), until];
                    let row = tx.conn().query_one(sql::TAKE_ONE, one).await?;
                    Ok(row.map(Doomed::from_row).transpose()?)
                })
            })
            .await?;
        match doomed {
            Some(doomed) => self.users_drop(cluster, vec![doomed]).await,
            None => Ok(None),
        }
    }

    /// Say that a lease is over, before its time.
    pub(super) async fn lease_end(&self, lease: LeaseId, cause: &'static str) -> Result<(), Error> {
        let now = self.clock().now();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let ended = params![lease.bytes(), cause, now];
                    tx.conn().execute(sql::END, ended).await?;
                    Ok(())
                })
            })
            .await
    }

    /// End the leases of users and agents who do not act any more.
    pub(crate) async fn leases_end_of_lost(&self) -> Result<(), Error> {
        let now = self.clock().now();
        let lost: Vec<[u8; 16]> = {
            let mut reader = self.store().reader().await?;
            let rows = reader
                .conn()?
                .query(sql::LOST_PRINCIPALS, params![now])
                .await?;
            let lost = rows.into_iter().map(|mut row| row.array());
            lost.collect::<Result<_, _>>()?
        };
        if lost.is_empty() {
            return Ok(());
        }
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    for principal in &lost {
                        let ended = params![principal, "principal", now];
                        tx.conn().execute(sql::END_OF_PRINCIPAL, ended).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Forget what ended long ago, and clusters that waited for it.
    pub(crate) async fn leases_clear(&self) -> Result<(), Error> {
        let now = self.clock().now();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    conn.execute(sql::DELETE_ENDED, params![now.before(ENDED_LIFE)])
                        .await?;
                    conn.execute(clusters::DELETE_HIDDEN, &[]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Drop users of a cluster in one session; why the first that could not be dropped could not, if any.
    async fn users_drop(
        &self,
        cluster: ClusterId,
        doomed: Vec<Doomed>,
    ) -> Result<Option<Unreachable>, Error> {
        if doomed.is_empty() {
            return Ok(None);
        }
        let attempts = doomed.iter().map(|doomed| doomed.attempts).max();
        let leases: Vec<LeaseId> = doomed.iter().map(|doomed| doomed.lease).collect();
        let (dropped, failed) = match self.cluster_with_admin(cluster).await? {
            Err(why) => (Vec::new(), Some(why)),
            Ok((cluster, admin)) => self.users_dropped(&cluster, admin, doomed).await,
        };
        let left: Vec<LeaseId> = leases
            .into_iter()
            .filter(|lease| !dropped.contains(lease))
            .collect();
        let attempts = attempts.unwrap_or(1);
        if let Some(why) = &failed {
            let count = left.len();
            if attempts >= ALARMING {
                tracing::error!(%cluster, count, attempts, %why, "users of leases cannot be dropped");
            } else {
                tracing::warn!(%cluster, count, attempts, %why, "users of leases are not dropped yet");
            }
        }
        let next = self.clock().now().after(pause_after(attempts));
        self.leases_settle(dropped, left, next).await?;
        Ok(failed)
    }

    /// Those that were dropped, and why the first that was not was not.
    async fn users_dropped(
        &self,
        cluster: &Cluster,
        admin: Login,
        doomed: Vec<Doomed>,
    ) -> (Vec<LeaseId>, Option<Unreachable>) {
        let door = match self.primary_door(cluster, admin).await {
            Ok(door) => door,
            Err(error) => return (Vec::new(), Some(error.into())),
        };
        let kind = cluster.kind;
        let dropping = on_server(door, move |session| {
            Box::pin(async move {
                let mut dropped = Vec::new();
                for doomed in &doomed {
                    if let Err(error) = doomed.drop_user(session, kind).await {
                        return Ok((dropped, Some(error.into())));
                    }
                    dropped.push(doomed.lease);
                }
                Ok((dropped, None))
            })
        });
        match dropping.await {
            Ok(done) => done,
            Err(error) => (Vec::new(), Some(error.into())),
        }
    }

    /// A cluster, deleted or not, and what its servers are administered with.
    pub(crate) async fn cluster_with_admin(
        &self,
        id: ClusterId,
    ) -> Result<Result<(Cluster, Login), Unreachable>, Error> {
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        let row = conn
            .query_one(clusters::ANY_BY_ID, params![id.bytes()])
            .await?;
        let Some(row) = row else {
            return Ok(Err(Unreachable::NoLogin));
        };
        let cluster = Cluster::from_row(row)?;
        let admin = self.cluster_admin(conn, &cluster).await?;
        Ok(admin.map(|admin| (cluster, admin)))
    }

    /// Write down which users are gone, with an entry in the record for each, and when the others are tried again.
    async fn leases_settle(
        &self,
        dropped: Vec<LeaseId>,
        left: Vec<LeaseId>,
        next: Timestamp,
    ) -> Result<(), Error> {
        let (engine, now) = (self.clone(), self.clock().now());
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    for lease in &dropped {
                        let ended = params![lease.bytes(), now];
                        let Some(mut row) = tx.conn().query_one(sql::ENDED, ended).await? else {
                            continue;
                        };
                        let organization = OrganizationId::from_bytes(row.array()?);
                        let cause = row.optional_text()?.unwrap_or_default();
                        tx.record(ended_event(organization, *lease, &cause, now)?);
                        let event = if cause == "expired" {
                            WebhookEvent::LeaseExpired
                        } else {
                            WebhookEvent::LeaseRevoked
                        };
                        let about = About::thing("lease", lease.bytes());
                        engine
                            .webhooks_tell(tx, organization, &[Happening { event, about }], now)
                            .await?;
                    }
                    for lease in &left {
                        let later = params![lease.bytes(), next];
                        tx.conn().execute(sql::POSTPONE, later).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

impl Doomed {
    fn from_row(mut row: Row) -> Result<Self, Failure> {
        Ok(Self {
            lease: LeaseId::from_bytes(row.array()?),
            username: row.text()?,
            revocation: row.json()?,
            attempts: row.number()?,
        })
    }

    /// Statements of the template may leave the user there; then the server's own way follows.
    async fn drop_user(
        &self,
        session: &mut Session,
        kind: DatabaseKind,
    ) -> Result<(), TargetError> {
        if !session.has_user(&self.username).await? {
            return Ok(());
        }
        let nothing = Secret::new(Vec::new());
        let filling = Filling {
            username: &self.username,
            password: &nothing,
            expires_at: Timestamp::from_millis(0),
        };
        let statements: Result<Vec<Secret>, TargetError> = self
            .revocation
            .iter()
            .map(|statement| filling.fill(kind, statement))
            .collect();
        session.run(&statements?).await?;
        session.drop_user(&self.username).await
    }
}

/// Twice as long after each try, up to the longest.
pub(super) fn pause_after(attempts: u32) -> Duration {
    let factor = 1_u32 << attempts.saturating_sub(1).min(16);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

fn ended_event(
    organization: OrganizationId,
    lease: LeaseId,
    cause: &str,
    now: Timestamp,
) -> Result<crate::audit::Event, Error> {
    let action = if cause == "expired" {
        "lease.expire"
    } else {
        "lease.end"
    };
    let notice = Notice::new(organization, Actor::Server, action);
    let details = NoticeDetails {
        name: Some(cause),
        ..NoticeDetails::default()
    };
    Notice {
        resource: Some(("lease", *lease.bytes())),
        outcome: Outcome::Success,
        details,
        ..notice
    }
    .event(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NT-71
    #[test]
    fn it_is_tried_for_ever_and_never_less_than_hourly() {
        let pauses: Vec<u64> = (1..=12)
            .map(|attempts| pause_after(attempts).as_secs())
            .collect();
        assert_eq!(pauses[..4], [5, 10, 20, 40]);
        assert!(pauses.is_sorted());
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }
}
