//! Whether a cluster's servers answer.

use super::{Cluster, ClusterStatus, Node, Unreachable, administers_clusters, again, cluster_find};
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ClusterId, SecretId, VaultId};
use crate::secrets::{SecretAt, Which};
use crate::store::params;
use crate::store::sql::{clusters as sql, secrets};
use crate::targets::{Login, TargetError, on_server};
use crate::webhooks::{About, Happening, WebhookEvent};

/// What trying to log in to a cluster's primary has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Whether that was possible.
    pub reachable: bool,
    /// How long it took.
    pub latency_millis: Option<u64>,
    /// What the server says it is.
    pub server_version: Option<String>,
    /// Why it was not possible.
    pub error: Option<String>,
}

/// What one server has shown: its version and how long that took, or why there is none.
type Seen = Result<(String, u64), TargetError>;

impl Engine {
    /// Try to log in to a cluster's servers: with the secret that it is administered with, for owners and admins, or with one
    /// that the caller may read. A failed try is no error. Only the first kind tells what the status is: another secret
    /// may be wrong.
    pub async fn cluster_test(
        &self,
        caller: &Caller,
        id: ClusterId,
        record: Option<SecretId>,
    ) -> Result<Checked, Error> {
        let (cluster, login, vault) = self
            .look(caller, Action::ClusterTest, async |conn, act| {
                if record.is_none() && !administers_clusters(&act.caller) {
                    act.names("cluster", *id.bytes());
                    return Err(Error::Forbidden);
                }
                let cluster = cluster_find(conn, act, id).await?;
                cluster.require_served()?;
                match record {
                    None => {
                        let login = self.cluster_admin(conn, &cluster).await?;
                        Ok((cluster, Some(login), None))
                    }
                    Some(record) => {
                        let row = conn
                            .query_one(secrets::VAULT, params![record.bytes()])
                            .await?;
                        let vault = row.ok_or(Error::NotFound)?.array()?;
                        Ok((cluster, None, Some((VaultId::from_bytes(vault), record))))
                    }
                }
            })
            .await?;
        let login = match (login, vault) {
            (Some(login), _) => login,
            (None, Some((vault, record))) => {
                self.login_read(caller, &cluster, vault, record).await?
            }
            (None, None) => return Err(Error::NotFound),
        };
        match login {
            Ok(login) if record.is_none() => self.cluster_check(&cluster, login).await,
            Ok(login) => Ok(self.primary_seen(&cluster, login).await.into()),
            Err(why) => Ok(Checked {
                reachable: false,
                latency_millis: None,
                server_version: None,
                error: Some(why.to_string()),
            }),
        }
    }

    /// What a secret says to log in with, read by the caller like any other.
    async fn login_read(
        &self,
        caller: &Caller,
        cluster: &Cluster,
        vault: VaultId,
        record: SecretId,
    ) -> Result<Result<Login, Unreachable>, Error> {
        let at = SecretAt::Id(record);
        let read = self.secret_read(caller, vault, &at, Which::Current).await;
        let read = read.map_err(crate::access::unseen)?;
        let username = super::names_of(&read.info.fields).username;
        let login = username.and_then(|username| {
            super::login_with(cluster.kind, &read.info.fields, username, &read.value)
        });
        Ok(login.ok_or(Unreachable::LoginUnusable))
    }

    /// Ask every server, and keep what that says of the cluster; the answer is the primary's.
    pub(crate) async fn cluster_check(
        &self,
        cluster: &Cluster,
        login: Login,
    ) -> Result<Checked, Error> {
        let primary = cluster.primary().ok_or(Error::NotFound)?;
        let mut of_primary = Err(TargetError::Address);
        let mut answering = 0;
        for node in &cluster.nodes {
            let seen = self.node_seen(cluster, node, again(&login)).await;
            let answers = match &seen {
                Ok(_) => true,
                Err(error) => error.is_answer(),
            };
            answering += usize::from(answers);
            if node == primary {
                of_primary = seen;
            }
        }
        let primary_answers = match &of_primary {
            Ok(_) => true,
            Err(error) => error.is_answer(),
        };
        let status = if !primary_answers {
            ClusterStatus::Unreachable
        } else if answering < cluster.nodes.len() {
            ClusterStatus::Degraded
        } else {
            ClusterStatus::Healthy
        };
        self.cluster_status_set(cluster, status).await?;
        Ok(of_primary.into())
    }

    async fn primary_seen(&self, cluster: &Cluster, login: Login) -> Seen {
        let node = cluster.primary().ok_or(TargetError::Address)?;
        self.node_seen(cluster, node, login).await
    }

    async fn node_seen(&self, cluster: &Cluster, node: &Node, login: Login) -> Seen {
        let began = self.clock().now();
        let door = self.door(cluster, node, login).await?;
        let version = on_server(door, |session| {
            Box::pin(async move { Ok(session.version()) })
        });
        let version = version.await?;
        Ok((version, millis_between(began, self.clock().now())))
    }

    async fn cluster_status_set(
        &self,
        cluster: &Cluster,
        status: ClusterStatus,
    ) -> Result<(), Error> {
        let (engine, now) = (self.clone(), self.clock().now());
        let (id, organization, name) = (cluster.id, cluster.organization, cluster.name.clone());
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    conn.execute(sql::CHECKED, params![id.bytes(), now]).await?;
                    let is = params![id.bytes(), status.as_str()];
                    if conn.query_one(sql::SET_STATUS, is).await?.is_none() {
                        return Ok(());
                    }
                    let mut about = About {
                        name: Some(name),
                        ..About::thing("cluster", id.bytes())
                    };
                    about
                        .more
                        .insert("status".to_owned(), status.as_str().into());
                    let event = WebhookEvent::ClusterStatusChanged;
                    let changed = [Happening { event, about }];
                    engine.webhooks_tell(tx, organization, &changed, now).await
                })
            })
            .await
    }
}

impl From<Seen> for Checked {
    fn from(seen: Seen) -> Self {
        match seen {
            Ok((version, millis)) => Self {
                reachable: true,
                latency_millis: Some(millis),
                server_version: Some(version),
                error: None,
            },
            Err(error) => Self {
                reachable: false,
                latency_millis: None,
                server_version: None,
                error: Some(error.to_string()),
            },
        }
    }
}

fn millis_between(began: Timestamp, ended: Timestamp) -> u64 {
    u64::try_from(ended.millis() - began.millis()).unwrap_or(0)
}
