//! Leases: users of a database server for a while (contract B4).

use serde::{Deserialize, Serialize};

use super::CredVault;
use crate::http::Call;
use crate::{Error, SecretText};

impl CredVault<'_> {
    /// The leases on a cluster that the caller may see, oldest first, without passwords.
    pub async fn leases(self, cluster: &str) -> Result<Vec<Lease>, Error> {
        self.list(&["v1", "clusters", cluster, "leases"], &[]).await
    }

    /// Makes a user on a cluster, by this template of it; for the cluster's default time unless `ttl_seconds` says another.
    /// The answer is the only place where the password is shown.
    pub async fn lease_create(
        self,
        cluster: &str,
        template: &str,
        ttl_seconds: Option<u64>,
    ) -> Result<IssuedLease, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            template: &'b str,
            #[serde(skip_serializing_if = "Option::is_none")]
            ttl_seconds: Option<u64>,
        }
        let body = Body {
            template,
            ttl_seconds,
        };
        self.one(Call::post(&["v1", "clusters", cluster, "leases"]).json(&body)?)
            .await
    }

    /// Removes the user now.
    pub async fn lease_revoke(self, cluster: &str, lease: &str) -> Result<(), Error> {
        self.0
            .call_unit(Call::delete(&["v1", "clusters", cluster, "leases", lease]))
            .await
    }
}

/// A user of a database server for a while.
#[derive(Debug, Clone, Deserialize)]
pub struct Lease {
    /// `lease_` and 22 characters.
    pub id: String,
    /// The cluster's id.
    pub cluster_id: String,
    /// Which of the cluster's templates made it.
    pub template: String,
    /// Its name on the server.
    pub username: String,
    /// Id of whom it was made for.
    pub principal_id: String,
    /// `active` until it has ended.
    pub status: String,
    /// RFC 3339, UTC.
    pub expires_at: String,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// A lease with its password, which is shown once.
#[derive(Deserialize)]
pub struct IssuedLease {
    /// How lists show it.
    #[serde(flatten)]
    pub lease: Lease,
    /// The password of its user.
    pub password: SecretText,
}
