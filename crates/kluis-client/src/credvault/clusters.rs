//! Clusters: database servers whose credentials Kluis holds (contract B4).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CredVault, Job, Record};
use crate::Error;
use crate::http::Call;

impl CredVault<'_> {
    /// The clusters that the caller may see, oldest first.
    pub async fn clusters(self) -> Result<Vec<Cluster>, Error> {
        self.list(&["v1", "clusters"], &[]).await
    }

    /// One cluster.
    pub async fn cluster(self, cluster: &str) -> Result<Cluster, Error> {
        self.one(Call::get(&["v1", "clusters", cluster])).await
    }

    /// Registers a cluster; `name`, `engine` and `nodes` have to be there.
    pub async fn cluster_create(self, cluster: &ClusterSettings) -> Result<Cluster, Error> {
        self.one(Call::post(&["v1", "clusters"]).json(cluster)?)
            .await
    }

    /// Changes a cluster; what is `None` stays.
    pub async fn cluster_update(
        self,
        cluster: &str,
        change: &ClusterSettings,
    ) -> Result<Cluster, Error> {
        self.one(Call::patch(&["v1", "clusters", cluster]).json(change)?)
            .await
    }

    /// Removes a cluster; with `force` also one that has records or leases, which are unbound and revoked.
    pub async fn cluster_delete(self, cluster: &str, force: bool) -> Result<(), Error> {
        let segments = ["v1", "clusters", cluster];
        let call = Call::delete(&segments);
        let forced = [("force", "true")];
        let call = if force { call.query(&forced) } else { call };
        self.0.call_unit(call).await
    }

    /// Connects with the cluster's own administrator, or with a record's credentials.
    pub async fn cluster_test(
        self,
        cluster: &str,
        record: Option<&str>,
    ) -> Result<ClusterTest, Error> {
        self.one(Call::post(&["v1", "clusters", cluster, "test"]).json(&OneRecord::of(record))?)
            .await
    }

    /// The records that are bound to a cluster.
    pub async fn cluster_records(self, cluster: &str) -> Result<Vec<Record>, Error> {
        self.list(&["v1", "clusters", cluster, "records"], &[])
            .await
    }

    /// Begins to change the password of a record, or of all that are bound to the cluster.
    pub async fn cluster_rotate(self, cluster: &str, record: Option<&str>) -> Result<Job, Error> {
        self.one(Call::post(&["v1", "clusters", cluster, "rotate"]).json(&OneRecord::of(record))?)
            .await
    }
}

#[derive(Serialize)]
struct OneRecord<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    record_id: Option<&'a str>,
}

impl<'a> OneRecord<'a> {
    fn of(record_id: Option<&'a str>) -> Self {
        Self { record_id }
    }
}

/// Database servers that share their users.
#[derive(Debug, Clone, Deserialize)]
pub struct Cluster {
    /// `cluster_` and 22 characters.
    pub id: String,
    /// Its name, unique in the organization.
    pub name: String,
    /// `postgresql`, `mysql`, `mongodb` or `redis`.
    pub engine: String,
    /// Where it stands, in its owner's words.
    #[serde(default)]
    pub region: String,
    /// Its servers.
    pub nodes: Vec<ClusterNode>,
    /// How connections to it are secured.
    pub tls: ClusterTls,
    /// The record whose credentials administer it.
    #[serde(default)]
    pub admin_record_id: Option<String>,
    /// When passwords change by themselves.
    pub rotation: ClusterRotation,
    /// Users for a while.
    pub lease: ClusterLease,
    /// `healthy`, `degraded`, `unreachable` or `unknown`.
    pub status: String,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub last_checked_at: Option<String>,
    /// How many records are bound to it.
    pub record_count: u64,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// One server.
#[derive(Debug, Clone, Deserialize)]
pub struct ClusterNode {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// `primary` or `replica`.
    pub role: String,
}

/// How connections are secured.
#[derive(Debug, Clone, Deserialize)]
pub struct ClusterTls {
    /// `disable`, `require`, `verify-ca` or `verify-full`.
    pub mode: String,
}

/// When passwords change by themselves.
#[derive(Debug, Clone, Deserialize)]
pub struct ClusterRotation {
    /// Whether they do.
    pub enabled: bool,
    /// Days between two changes.
    pub interval_days: u64,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub next_run_at: Option<String>,
}

/// Users for a while.
#[derive(Debug, Clone, Deserialize)]
pub struct ClusterLease {
    /// Their life unless another is asked for.
    pub default_ttl_seconds: u64,
    /// Their longest life.
    pub max_ttl_seconds: u64,
    /// How they are made, as the server tells it.
    #[serde(default)]
    pub templates: Vec<Value>,
}

/// What came of a test.
#[derive(Debug, Clone, Deserialize)]
pub struct ClusterTest {
    /// Whether the server let the credentials in.
    pub reachable: bool,
    /// Milliseconds that it took.
    #[serde(default)]
    pub latency_ms: Option<u64>,
    /// What the server calls itself.
    #[serde(default)]
    pub server_version: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
}

/// What a cluster is made of, or what changes about it; what is `None` stays, or gets the server's default.
#[derive(Debug, Default, Serialize)]
pub struct ClusterSettings {
    /// Unique in the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `postgresql`, `mysql`, `mongodb` or `redis`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// All of its servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<NodeSettings>>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How connections are secured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// Id of the record whose credentials administer it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_record_id: Option<String>,
    /// When passwords change by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationSettings>,
    /// Users for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseSettings>,
}

/// One server, as it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeSettings {
    /// Name or address.
    pub host: String,
    /// The engine's own unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `primary` or `replica`.
    pub role: &'static str,
}

/// How connections are secured; what is `None` stays.
#[derive(Debug, Default, Serialize)]
pub struct TlsSettings {
    /// `disable`, `require`, `verify-ca` or `verify-full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Certificates to trust, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
}

/// When passwords change by themselves; what is `None` stays.
#[derive(Debug, Default, Serialize)]
pub struct RotationSettings {
    /// Whether they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Days between two changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_days: Option<u64>,
}

/// Users for a while; what is `None` stays.
#[derive(Debug, Default, Serialize)]
pub struct LeaseSettings {
    /// Their life unless another is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_ttl_seconds: Option<u64>,
    /// Their longest life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ttl_seconds: Option<u64>,
    /// All of the templates, as the contract spells them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates: Option<Value>,
}
