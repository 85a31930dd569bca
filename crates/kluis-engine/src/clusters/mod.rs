//! Clusters: groups of database servers whose credentials are kept here (CredVault contract B4).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | `cluster_list`, `cluster_read`, `cluster_create`, `cluster_update`, `cluster_delete` |
//! | `cluster.rs` | a cluster as it is stored and shown |
//! | `change.rs` | what a new one and a changed one have to be like |
//! | `template.rs` | statements that make a user, as they are written and as a server is given them |
//! | `reach.rs` | the way to a cluster's servers: addresses, and credentials out of secrets |
//! | `checks.rs` | `cluster_test`, and what a cluster's status follows from |
//! | `tend.rs` | what is done beside the requests |
//! | `bound.rs` | secrets that are bound to a cluster: bound, seen, let go |

mod bound;
mod change;
mod checks;
mod cluster;
mod reach;
mod template;
mod tend;

pub use bound::InCluster;
pub(crate) use bound::{Binding, names_of};
pub use change::{ClusterChange, LeaseChange, NewCluster, RotationChange, TlsChange};
pub use checks::Checked;
pub use cluster::{
    Cluster, ClusterStatus, LeaseSettings, Node, NodeRole, RotationSettings, TlsSettings,
};
pub(crate) use reach::{Unreachable, again, login_with};
pub(crate) use template::Filling;
pub use template::{LeaseTemplate, Principals};

use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Role};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{ClusterId, SecretId};
use crate::leases::Portion;
use crate::store::sql::{clusters as sql, leases};
use crate::store::{Conn, params};

/// The most clusters that an organization has.
const MOST: usize = 1_000;

impl Engine {
    /// The clusters, oldest first, each with the number of secrets bound to it whose names the caller sees.
    pub async fn cluster_list(&self, caller: &Caller) -> Result<Vec<(Cluster, u64)>, Error> {
        self.look(caller, Action::ClusterList, async |conn, act| {
            let of = params![act.caller.organization.bytes()];
            let rows = conn.query(sql::OF_ORGANIZATION, of).await?;
            let mut counts = self.bound_counts(conn, act).await?;
            let mut clusters = Vec::with_capacity(rows.len());
            for row in rows {
                let cluster = Cluster::from_row(row)?;
                let count = counts.remove(&cluster.id).unwrap_or(0);
                clusters.push((cluster, count));
            }
            Ok(clusters)
        })
        .await
    }

    /// One cluster.
    pub async fn cluster_read(
        &self,
        caller: &Caller,
        id: ClusterId,
    ) -> Result<(Cluster, u64), Error> {
        self.look(caller, Action::ClusterRead, async |conn, act| {
            let cluster = cluster_find(conn, act, id).await?;
            let count = self.bound_counts(conn, act).await?.remove(&id);
            Ok((cluster, count.unwrap_or(0)))
        })
        .await
    }

    /// Make a cluster. `Conflict` when its name is taken; `Invalid` for an admin record that the caller cannot read.
    pub async fn cluster_create(
        &self,
        caller: &Caller,
        new: NewCluster,
    ) -> Result<(Cluster, u64), Error> {
        new.check()?;
        let engine = self.clone();
        self.change(caller, Action::ClusterCreate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let cluster = new.made(ClusterId::generate(act.now)?, act)?;
                act.finds("cluster", *cluster.id.bytes());
                act.calls_it(&cluster.name);
                engine
                    .require_admin_record(conn, act, cluster.admin)
                    .await?;
                let cluster = with_known_principals(conn, act, cluster).await?;
                let of = params![act.caller.organization.bytes()];
                if conn.query(sql::OF_ORGANIZATION, of).await?.len() >= MOST {
                    return Err(Error::Conflict(Conflict::Full));
                }
                if !cluster.insert(conn).await? {
                    return Err(Error::Conflict(Conflict::Exists));
                }
                Ok((cluster, 0))
            })
        })
        .await
    }

    /// Change a cluster. `Conflict` when its name is taken, or it is to become another kind of server while something of it is
    /// in use.
    pub async fn cluster_update(
        &self,
        caller: &Caller,
        id: ClusterId,
        change: ClusterChange,
    ) -> Result<(Cluster, u64), Error> {
        change.check()?;
        let engine = self.clone();
        self.change(caller, Action::ClusterUpdate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let before = cluster_to_change(conn, act, id).await?;
                let cluster = before.changed(change, act.now)?;
                act.calls_it(&cluster.name);
                // Whoever says where the administrator's password is sent, and how, can have it.
                let leads_elsewhere = cluster.nodes != before.nodes
                    || cluster.kind != before.kind
                    || cluster.tls != before.tls;
                if cluster.admin != before.admin || leads_elsewhere {
                    engine
                        .require_admin_record(conn, act, cluster.admin)
                        .await?;
                }
                if leads_elsewhere {
                    engine.require_bound_readable(conn, act, id).await?;
                }
                if cluster.kind != before.kind && is_in_use(conn, id).await? {
                    return Err(Error::Conflict(Conflict::InUse));
                }
                let cluster = with_known_principals(conn, act, cluster).await?;
                cluster.store(conn).await?;
                let count = engine.bound_counts(conn, act).await?.remove(&id);
                Ok((cluster, count.unwrap_or(0)))
            })
        })
        .await
    }

    /// Delete a cluster. `Conflict` when secrets are bound to it or leases of it live, unless `force` lets the first go and
    /// revokes the second; what cannot be revoked now is revoked when its server answers again.
    pub async fn cluster_delete(
        &self,
        caller: &Caller,
        id: ClusterId,
        force: bool,
    ) -> Result<(), Error> {
        let any_lease = self
            .change(caller, Action::ClusterDelete, move |tx, act| {
                Box::pin(async move {
                    let conn = tx.conn();
                    let cluster = cluster_to_change(conn, act, id).await?;
                    act.calls_it(&cluster.name);
                    if !force && is_in_use(conn, id).await? {
                        return Err(Error::Conflict(Conflict::InUse));
                    }
                    for statement in [sql::POINT_NOWHERE, sql::UNBIND_ALL] {
                        conn.execute(statement, params![id.bytes()]).await?;
                    }
                    let ended = params![id.bytes(), "deleted", act.now];
                    let any_lease = conn.execute(leases::END_OF_CLUSTER, ended).await? > 0;
                    conn.execute(sql::HIDE, params![id.bytes(), act.now])
                        .await?;
                    Ok(any_lease)
                })
            })
            .await?;
        if any_lease {
            while self.leases_revoke_of(id).await? == Portion::Full {}
        }
        Ok(())
    }

    /// The clusters that `statement` finds to be due.
    pub(crate) async fn clusters_due(
        &self,
        statement: &'static str,
        now: Timestamp,
    ) -> Result<Vec<ClusterId>, Error> {
        let mut reader = self.store().reader().await?;
        let rows = reader.conn()?.query(statement, params![now]).await?;
        let ids = rows
            .into_iter()
            .map(|mut row| row.array().map(ClusterId::from_bytes));
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// That the caller may read every secret that is bound to a cluster: the servers that it leads to are given their
    /// passwords, old or new.
    async fn require_bound_readable(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        id: ClusterId,
    ) -> Result<(), Error> {
        for row in conn.query(sql::BINDINGS, params![id.bytes()]).await? {
            let binding = Binding::from_row(row)?;
            match self.secret_to_bind(conn, act, binding.secret).await {
                // A closed one can be restored, so it counts; whoever may read it could.
                Ok(_) | Err(Error::Gone) => {}
                Err(Error::NotFound | Error::Hidden) => return Err(Error::Forbidden),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// That the caller may read the secret that a cluster's servers are to be administered with: whoever sets one can have it
    /// used.
    async fn require_admin_record(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        admin: Option<SecretId>,
    ) -> Result<(), Error> {
        let Some(admin) = admin else {
            return Ok(());
        };
        match self.secret_to_bind(conn, act, admin).await {
            Ok(_) => Ok(()),
            Err(Error::NotFound | Error::Hidden | Error::Forbidden | Error::Gone) => Err(
                Error::invalid("admin_record_id", "must be a record that you can read"),
            ),
            Err(error) => Err(error),
        }
    }
}

/// The cluster of the caller's organization with this id. An agent sees none.
pub(crate) async fn cluster_find(
    conn: &mut Conn,
    act: &mut Act,
    id: ClusterId,
) -> Result<Cluster, Error> {
    act.names("cluster", *id.bytes());
    let of = params![id.bytes(), act.caller.organization.bytes()];
    let row = conn.query_one(sql::BY_ID, of).await?;
    Ok(Cluster::from_row(row.ok_or(Error::NotFound)?)?)
}

/// The same to change it: nobody else does until the transaction ends.
pub(crate) async fn cluster_to_change(
    conn: &mut Conn,
    act: &mut Act,
    id: ClusterId,
) -> Result<Cluster, Error> {
    act.names("cluster", *id.bytes());
    let of = params![id.bytes(), act.caller.organization.bytes()];
    conn.lock(sql::LOCK, of).await?;
    cluster_find(conn, act, id).await
}

/// Whether the caller runs the organization's clusters (RULES §2).
pub(crate) fn administers_clusters(caller: &Caller) -> bool {
    caller.role().is_some_and(|role| role >= Role::Admin)
}

async fn is_in_use(conn: &mut Conn, id: ClusterId) -> Result<bool, Error> {
    for count in [sql::COUNT_BOUND, leases::COUNT_LIVE] {
        let row = conn.query_one(count, params![id.bytes()]).await?;
        if row.ok_or(Error::NotFound)?.int()? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// With the kind of each principal that a template names; they have to be of the organization.
async fn with_known_principals(
    conn: &mut Conn,
    act: &Act,
    mut cluster: Cluster,
) -> Result<Cluster, Error> {
    for template in &mut cluster.lease.templates {
        let Principals::Listed(listed) = &mut template.principals else {
            continue;
        };
        for principal in listed {
            let of = params![principal.id_bytes(), act.caller.organization.bytes()];
            let found = match conn.query_one(sql::PRINCIPAL, of).await? {
                Some(mut row) => {
                    crate::policy::PolicyPrincipal::from_stored(&row.text()?, *principal.id_bytes())
                }
                None => None,
            };
            *principal = found.ok_or_else(|| {
                Error::invalid(
                    "lease.templates",
                    "must name users and agents of this organization",
                )
            })?;
        }
    }
    Ok(cluster)
}
