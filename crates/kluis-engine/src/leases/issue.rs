//! Making a user for somebody.

use std::time::Duration;

use kluis_crypto::Secret;

use super::{Lease, LeaseState, require_in_reach, unavailable};
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::clusters::{
    Cluster, Filling, LeaseTemplate, Unreachable, administers_clusters, again, cluster_find,
};
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{ClusterId, LeaseId, OrganizationId};
use crate::policy::PolicyPrincipal;
use crate::secrets::generated_password;
use crate::store::sql::leases as sql;
use crate::store::{Conn, params};
use crate::targets::{Login, TargetError, on_server};

/// A lease to make.
#[derive(Clone, Debug)]
pub struct NewLease {
    /// The name of the template.
    pub template: String,
    /// How long, in seconds; as the cluster says unless given.
    pub ttl_seconds: Option<u32>,
}

/// The most live leases of a cluster, and of one user or agent.
const MOST_OF_CLUSTER: i64 = 200_000;
const MOST_OF_PRINCIPAL: i64 = 1_000;
/// A user that is still being made after this was being made by a process that has ended.
const MADE_WITHIN: Duration = Duration::from_secs(60);

/// What is known of a lease before its user is made.
struct Issuing {
    cluster: Cluster,
    template: LeaseTemplate,
    admin: Login,
    lease: Lease,
}

impl Engine {
    /// Make a user on a cluster's servers, by one of the cluster's templates; its password is told once.
    ///
    /// `Forbidden` for a template that is not for the caller, whether there is one or not; an agent finds no cluster without one
    /// for it. `Unavailable` when the server does not answer or refuses.
    pub async fn lease_create(
        &self,
        caller: &Caller,
        id: ClusterId,
        new: NewLease,
    ) -> Result<(Lease, Secret), Error> {
        let issuing = self
            .look(caller, Action::LeaseCreate, async |conn, act| {
                let issuing = self.lease_begun(conn, act, id, &new).await?;
                // Its event is that of the change at the end.
                act.defer();
                Ok(issuing)
            })
            .await?;
        self.lease_journal(&issuing).await?;
        let password = generated_password()?;
        let issued = match self.user_made(&issuing, &password).await {
            Ok(()) => self.lease_issued(caller, &issuing.lease).await,
            Err(why) => Err(unavailable(&why)),
        };
        if let Err(error) = issued {
            // Part of it may be there. If it cannot be dropped now, it is later.
            self.lease_end(issuing.lease.id, "failed").await?;
            self.lease_revoke_now(id, issuing.lease.id).await?;
            return Err(error);
        }
        let state = LeaseState::Active;
        let lease = issuing.lease;
        Ok((Lease { state, ..lease }, password))
    }

    /// What is to be made for the caller, if it may have it.
    async fn lease_begun(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        id: ClusterId,
        new: &NewLease,
    ) -> Result<Issuing, Error> {
        let cluster = cluster_find(conn, act, id).await?;
        require_in_reach(&act.caller, &cluster)?;
        let named = |template: &&LeaseTemplate| template.name == new.template;
        let template = match cluster.lease.templates.iter().find(named) {
            Some(template) if template.is_for(&act.caller) => template.clone(),
            None if administers_clusters(&act.caller) => {
                cluster.require_served()?;
                return Err(Error::invalid("template", names_of(&cluster)));
            }
            Some(_) | None => return Err(Error::Forbidden),
        };
        cluster.require_served()?;
        let seconds = new.ttl_seconds.unwrap_or(cluster.lease.default_ttl_seconds);
        if !(1..=cluster.lease.max_ttl_seconds).contains(&seconds) {
            let most = cluster.lease.max_ttl_seconds;
            let why = format!("must be a number of seconds from 1 to {most}");
            return Err(Error::invalid("ttl_seconds", why));
        }
        let principal = PolicyPrincipal::of(&act.caller);
        for (count, of, most) in [
            (sql::COUNT_LIVE, id.bytes(), MOST_OF_CLUSTER),
            (
                sql::COUNT_OF_PRINCIPAL,
                principal.id_bytes(),
                MOST_OF_PRINCIPAL,
            ),
        ] {
            let row = conn.query_one(count, params![of]).await?;
            if row.ok_or(Error::NotFound)?.int()? >= most {
                return Err(Error::Conflict(Conflict::Full));
            }
        }
        let admin = self.cluster_admin(conn, &cluster).await?;
        let admin = admin.map_err(|why| unavailable(&why))?;
        let lease = Lease {
            id: LeaseId::generate(act.now)?,
            cluster: id,
            template: template.name.clone(),
            username: self.lease_username(id, &template.name)?,
            principal,
            state: LeaseState::Issuing,
            expires_at: act.now.after(Duration::from_secs(seconds.into())),
            ended_at: None,
            created_at: act.now,
        };
        Ok(Issuing {
            cluster,
            template,
            admin,
            lease,
        })
    }

    /// Write down that a user is about to be made.
    async fn lease_journal(&self, issuing: &Issuing) -> Result<(), Error> {
        let (lease, organization) = (issuing.lease.clone(), issuing.cluster.organization);
        let revocation = serde_json::to_string(&issuing.template.revocation_statements)
            .map_err(|cause| Error::internal(cause.to_string()))?;
        self.store()
            .write(move |tx| {
                Box::pin(async move { lease.insert(tx.conn(), organization, &revocation).await })
            })
            .await
    }

    async fn user_made(&self, issuing: &Issuing, password: &Secret) -> Result<(), Unreachable> {
        let Issuing {
            cluster,
            template,
            admin,
            lease,
        } = issuing;
        let door = self.primary_door(cluster, again(admin)).await?;
        let (kind, username, expires_at) = (cluster.kind, lease.username.clone(), lease.expires_at);
        let statements = template.statements.clone();
        let password = password.duplicate();
        let made = on_server(door, move |session| {
            Box::pin(async move {
                let password = session.password_in_statements(&password)?;
                let filling = Filling {
                    username: &username,
                    password: &password,
                    expires_at,
                };
                let filled: Result<Vec<Secret>, TargetError> = statements
                    .iter()
                    .map(|statement| filling.fill(kind, statement))
                    .collect();
                session.run(&filled?).await
            })
        });
        Ok(made.await?)
    }

    /// Write down that the user is there; this is what the record tells.
    async fn lease_issued(&self, caller: &Caller, lease: &Lease) -> Result<(), Error> {
        let lease = lease.clone();
        self.change(caller, Action::LeaseCreate, move |tx, act| {
            Box::pin(async move {
                act.names("cluster", *lease.cluster.bytes());
                act.finds("lease", *lease.id.bytes());
                act.calls_it(&lease.username);
                let issued = params![lease.id.bytes()];
                match tx.conn().query_one(sql::ISSUED, issued).await? {
                    Some(_) => Ok(()),
                    // It was revoked while it was made.
                    None => Err(Error::Conflict(Conflict::State)),
                }
            })
        })
        .await
    }
}

impl Lease {
    async fn insert(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
        revocation: &str,
    ) -> Result<(), Error> {
        let row = params![
            self.id.bytes(),
            organization.bytes(),
            self.cluster.bytes(),
            &self.template,
            &self.username,
            self.principal.kind(),
            self.principal.id_bytes(),
            revocation,
            self.created_at.after(MADE_WITHIN),
            self.expires_at,
            self.created_at
        ];
        conn.execute(sql::INSERT, row).await?;
        Ok(())
    }
}

/// What there is, for somebody who asks for something else.
fn names_of(cluster: &Cluster) -> String {
    let templates = cluster.lease.templates.iter();
    let names: Vec<&str> = templates.map(|template| template.name.as_str()).collect();
    match names.as_slice() {
        [] => "must be the name of a template, and the cluster has none".to_owned(),
        names => format!("must be one of {}", names.join(", ")),
    }
}
