//! The way to a cluster's servers: checked addresses, and credentials out of secrets.

use kluis_crypto::Secret;

use super::{Cluster, Node, names_of};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::SecretId;
use crate::secrets::{Availability, Unattended, Value, password_of};
use crate::store::Conn;
use crate::targets::{DatabaseKind, Door, Login, Place, TargetError, Tls};

/// Why a cluster's servers cannot be administered now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// No secret to administer it with is stated, or it is gone.
    NoLogin,
    /// That secret cannot be used: it is closed, disabled, expired, or can be read a limited number of times.
    LoginUnusable,
    /// The server itself.
    Target(TargetError),
}

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoLogin => f.write_str("the cluster has no secret to log in with"),
            Self::LoginUnusable => f.write_str(
                "the secret to log in with is disabled, expired, without a user name or a password, or its reads are limited",
            ),
            Self::Target(error) => error.fmt(f),
        }
    }
}

impl From<TargetError> for Unreachable {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl Engine {
    /// What the cluster's servers are administered with. The outer error is one of the storage.
    pub(crate) async fn cluster_admin(
        &self,
        conn: &mut Conn,
        cluster: &Cluster,
    ) -> Result<Result<Login, Unreachable>, Error> {
        let Some(admin) = cluster.admin else {
            return Ok(Err(Unreachable::NoLogin));
        };
        self.login_of_secret(conn, cluster, admin).await
    }

    /// What a secret of the organization says to log in with, as the engine reads it by itself: a value whose reads are limited
    /// is left out (RULES §4).
    pub(crate) async fn login_of_secret(
        &self,
        conn: &mut Conn,
        cluster: &Cluster,
        secret: SecretId,
    ) -> Result<Result<Login, Unreachable>, Error> {
        let found = self
            .secret_unattended(conn, cluster.organization, secret)
            .await;
        let found = match found {
            Err(Error::NotFound) => return Ok(Err(Unreachable::NoLogin)),
            found => found?,
        };
        Ok(login_of(cluster.kind, &found).ok_or(Unreachable::LoginUnusable))
    }

    /// A way into one server of a cluster.
    pub(crate) async fn door(
        &self,
        cluster: &Cluster,
        node: &Node,
        login: Login,
    ) -> Result<Door, TargetError> {
        Ok(Door {
            kind: cluster.kind,
            place: self.place_of(node).await?,
            tls: Tls {
                mode: cluster.tls.mode,
                ca_pem: cluster.tls.ca_pem.clone(),
            },
            login,
        })
    }

    /// The same for the server where changes are made.
    pub(crate) async fn primary_door(
        &self,
        cluster: &Cluster,
        login: Login,
    ) -> Result<Door, TargetError> {
        let node = cluster.primary().ok_or(TargetError::Address)?;
        self.door(cluster, node, login).await
    }

    /// The addresses of a server that may be called (RULES §8, outbound calls).
    async fn place_of(&self, node: &Node) -> Result<Place, TargetError> {
        let addresses = self.outbound().addresses(&node.host, node.port).await;
        Ok(Place {
            host: node.host.clone(),
            addresses: addresses.map_err(|_| TargetError::Address)?,
        })
    }
}

/// What a secret that can be had says to log in with; none where it says too little.
fn login_of(kind: DatabaseKind, found: &Unattended) -> Option<Login> {
    if found.info.availability != Availability::Available {
        return None;
    }
    let names = names_of(&found.info.fields);
    login_with(
        kind,
        &found.info.fields,
        names.username?,
        found.value.as_ref()?,
    )
}

/// The way to log in as this user, with the password in `value`.
pub(crate) fn login_with(
    kind: DatabaseKind,
    fields: &str,
    username: String,
    value: &Value,
) -> Option<Login> {
    let _ = kind;
    Some(Login {
        username,
        password: password_of(value)?,
        database: names_of(fields).database,
    })
}

/// The same login, for another session.
pub(crate) fn again(login: &Login) -> Login {
    Login {
        username: login.username.clone(),
        password: Secret::new(login.password.expose().to_vec()),
        database: login.database.clone(),
    }
}
