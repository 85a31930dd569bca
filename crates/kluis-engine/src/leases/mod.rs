//! Leases: a user of a database server that is made for somebody, and dropped after a while (CredVault contract B4).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | `lease_list`, `lease_delete`; a lease as it is stored and shown |
//! | `issue.rs` | `lease_create` |
//! | `username.rs` | names that tell whose a user is |
//! | `revoke.rs` | dropping users: when their time is over, when somebody says so, and until it is done |
//! | `sweep.rs` | whose turn it is |
//! | `reconcile.rs` | users that no lease knows |
//!
//! A lease is written down before its user is made, and ended when its user is known to be gone. So whatever happens in
//! between, somebody knows of the user.

mod issue;
mod reconcile;
mod revoke;
mod sweep;
mod username;

pub use issue::NewLease;
pub(crate) use revoke::Portion;
pub(crate) use sweep::Sweep;

use crate::action::Action;
use crate::caller::{Caller, Principal};
use crate::clock::Timestamp;
use crate::clusters::{Cluster, Unreachable, administers_clusters, cluster_find};
use crate::engine::Engine;
use crate::error::{Error, Unavailable};
use crate::ids::{ClusterId, LeaseId};
use crate::policy::PolicyPrincipal;
use crate::store::sql::leases as sql;
use crate::store::{Failure, Row, params, unexpected};

/// A lease, without the password of its user.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Its id.
    pub id: LeaseId,
    /// The cluster whose user it is.
    pub cluster: ClusterId,
    /// The name of the template that it was made by.
    pub template: String,
    /// The user.
    pub username: String,
    /// Whose it is.
    pub principal: PolicyPrincipal,
    /// Where it stands.
    pub state: LeaseState,
    /// When its user is dropped.
    pub expires_at: Timestamp,
    /// When its user was dropped.
    pub ended_at: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// Where a lease stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    /// Its user is there.
    Active,
    /// Its time was over, and its user is gone.
    Expired,
    /// Its user is being made.
    Issuing,
    /// It was ended early, and its user is gone.
    Revoked,
    /// It is over, and its user is to go as soon as its server answers.
    Revoking,
}

impl Engine {
    /// The leases of a cluster, oldest first: all of them for owners and admins, their own for others.
    pub async fn lease_list(&self, caller: &Caller, id: ClusterId) -> Result<Vec<Lease>, Error> {
        self.look(caller, Action::LeaseList, async |conn, act| {
            let cluster = cluster_find(conn, act, id).await?;
            require_in_reach(&act.caller, &cluster)?;
            let organization = act.caller.organization;
            let rows = if administers_clusters(&act.caller) {
                let of = params![id.bytes(), organization.bytes()];
                conn.query(sql::OF_CLUSTER, of).await?
            } else {
                let own = PolicyPrincipal::of(&act.caller);
                let of = params![id.bytes(), organization.bytes(), own.kind(), own.id_bytes()];
                conn.query(sql::OF_PRINCIPAL, of).await?
            };
            Ok(rows
                .into_iter()
                .map(Lease::from_row)
                .collect::<Result<_, _>>()?)
        })
        .await
    }

    /// End a lease: its user is gone when this answers well. `Unavailable` when its server does not answer; it is tried again
    /// until it does.
    pub async fn lease_delete(
        &self,
        caller: &Caller,
        cluster: ClusterId,
        id: LeaseId,
    ) -> Result<(), Error> {
        self.change(caller, Action::LeaseRevoke, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let found = cluster_find(conn, act, cluster).await?;
                act.names("lease", *id.bytes());
                require_in_reach(&act.caller, &found)?;
                let organization = act.caller.organization;
                let of = params![id.bytes(), cluster.bytes(), organization.bytes()];
                let row = conn.query_one(sql::BY_ID, of).await?;
                let lease = Lease::from_row(row.ok_or(Error::NotFound)?)?;
                let own = lease.principal == PolicyPrincipal::of(&act.caller);
                if lease.ended_at.is_some() || !(own || administers_clusters(&act.caller)) {
                    return Err(Error::NotFound);
                }
                act.calls_it(&lease.username);
                let ended = params![id.bytes(), "revoked", act.now];
                conn.execute(sql::END, ended).await?;
                Ok(())
            })
        })
        .await?;
        match self.lease_revoke_now(cluster, id).await? {
            None => Ok(()),
            Some(why) => Err(unavailable(&why)),
        }
    }
}

impl Lease {
    fn from_row(mut row: Row) -> Result<Self, Failure> {
        Ok(Self {
            id: LeaseId::from_bytes(row.array()?),
            cluster: ClusterId::from_bytes(row.array()?),
            template: row.text()?,
            username: row.text()?,
            principal: PolicyPrincipal::from_columns(&mut row)?,
            state: LeaseState::parse(&row.text()?).ok_or_else(unexpected)?,
            expires_at: row.time()?,
            ended_at: row.optional_time()?,
            created_at: row.time()?,
        })
    }
}

impl LeaseState {
    const ALL: [Self; 5] = [
        Self::Active,
        Self::Expired,
        Self::Issuing,
        Self::Revoked,
        Self::Revoking,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Issuing => "issuing",
            Self::Revoked => "revoked",
            Self::Revoking => "revoking",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Users see clusters; an agent only one that has a template for it, and is told of no other.
fn require_in_reach(caller: &Caller, cluster: &Cluster) -> Result<(), Error> {
    let mut templates = cluster.lease.templates.iter();
    match &caller.principal {
        Principal::User(_) => Ok(()),
        Principal::Agent(_) if templates.any(|template| template.is_for(caller)) => Ok(()),
        Principal::Agent(_) => Err(Error::NotFound),
    }
}

/// That something could not be done on a server, and why.
fn unavailable(why: &Unreachable) -> Error {
    Error::Unavailable(Unavailable::Target(why.to_string()))
}
