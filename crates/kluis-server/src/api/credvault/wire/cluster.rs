//! Clusters of database servers (contract B4).

use kluis_engine::{Checked, LeaseTemplate, Node, Principals, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::spelled;
use crate::api::ids::prefixed;

/// A database server group whose credentials are kept here.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Cluster {
    #[schema(examples("cluster_01JQ91xK2mN0pQ4rS7tUvW"))]
    id: String,
    #[schema(examples("billing-primary"))]
    name: String,
    /// `postgresql`, `mysql`, `mongodb` or `redis`.
    #[schema(examples("postgresql"))]
    engine: &'static str,
    /// Empty when there is none.
    #[schema(examples("eu-1"))]
    region: String,
    nodes: Vec<ClusterNode>,
    tls: ClusterTls,
    /// The record that it is administered with.
    #[schema(examples("resource_01JQ7fQ2mZ81kLp0aWcDeF"))]
    admin_record_id: Option<String>,
    rotation: ClusterRotation,
    lease: ClusterLease,
    /// `healthy`, `degraded`, `unreachable`, or `unknown` when it was never tested.
    #[schema(examples("healthy"))]
    status: &'static str,
    last_checked_at: Option<String>,
    /// How many of the records bound to it the caller sees.
    #[schema(examples(4))]
    record_count: u64,
    #[schema(examples("2025-10-01T00:00:00Z"))]
    created_at: String,
    /// When its own members last changed; tests do not move it.
    #[schema(examples("2026-01-02T03:00:00Z"))]
    updated_at: String,
}

/// How a cluster is talked to, when its passwords are changed, and what can be leased.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Configuration {
    tls: ClusterTls,
    rotation: ClusterRotation,
    lease: ClusterLease,
}

#[derive(Serialize, ToSchema)]
struct ClusterNode {
    #[schema(examples("db1.internal"))]
    host: String,
    #[schema(examples(5432))]
    port: u16,
    /// `primary` or `replica`.
    #[schema(examples("primary"))]
    role: &'static str,
}

#[derive(Serialize, ToSchema)]
struct ClusterTls {
    /// `disable`, `require`, `verify-ca` or `verify-full`.
    #[schema(examples("verify-full"))]
    mode: &'static str,
    /// Who signs the servers' certificates; null for those whom the system trusts.
    ca_pem: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct ClusterRotation {
    enabled: bool,
    #[schema(examples(30))]
    interval_days: u32,
    next_run_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct ClusterLease {
    #[schema(examples(3600))]
    default_ttl_seconds: u32,
    #[schema(examples(86400))]
    max_ttl_seconds: u32,
    templates: Vec<Template>,
}

#[derive(Serialize, ToSchema)]
struct Template {
    #[schema(examples("read-only"))]
    name: String,
    statements: Vec<String>,
    revocation_statements: Vec<String>,
    principals: PrincipalsShown,
}

/// `members`, or ids of users and agents.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum PrincipalsShown {
    Listed(Vec<String>),
    Word(&'static str),
}

/// What trying to log in has shown.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct ClusterTest {
    reachable: bool,
    #[schema(examples(12))]
    latency_ms: Option<u64>,
    #[schema(examples("PostgreSQL 15.6"))]
    server_version: Option<String>,
    /// Why it was not possible.
    error: Option<String>,
}

impl From<(kluis_engine::Cluster, u64)> for Cluster {
    fn from((cluster, record_count): (kluis_engine::Cluster, u64)) -> Self {
        let Configuration {
            tls,
            rotation,
            lease,
        } = Configuration::of(&cluster);
        Self {
            id: prefixed("cluster_", cluster.id.bytes()),
            name: cluster.name,
            engine: cluster.kind.as_str(),
            region: cluster.region,
            nodes: cluster.nodes.into_iter().map(ClusterNode::from).collect(),
            tls,
            admin_record_id: cluster
                .admin
                .map(|record| prefixed("resource_", record.bytes())),
            rotation,
            lease,
            status: cluster.status.as_str(),
            last_checked_at: cluster.last_checked_at.map(Timestamp::rfc3339_seconds),
            record_count,
            created_at: cluster.created_at.rfc3339_seconds(),
            updated_at: cluster.updated_at.rfc3339_seconds(),
        }
    }
}

impl Configuration {
    /// That of a cluster.
    pub(in super::super) fn of(cluster: &kluis_engine::Cluster) -> Self {
        let templates = cluster.lease.templates.iter().map(Template::of);
        Self {
            tls: ClusterTls {
                mode: cluster.tls.mode.as_str(),
                ca_pem: cluster.tls.ca_pem.clone(),
            },
            rotation: ClusterRotation {
                enabled: cluster.rotation.enabled,
                interval_days: cluster.rotation.interval_days,
                next_run_at: cluster.rotation.next_run_at.map(Timestamp::rfc3339_seconds),
            },
            lease: ClusterLease {
                default_ttl_seconds: cluster.lease.default_ttl_seconds,
                max_ttl_seconds: cluster.lease.max_ttl_seconds,
                templates: templates.collect(),
            },
        }
    }
}

impl From<Node> for ClusterNode {
    fn from(node: Node) -> Self {
        Self {
            host: node.host,
            port: node.port,
            role: match node.role {
                kluis_engine::NodeRole::Primary => "primary",
                kluis_engine::NodeRole::Replica => "replica",
            },
        }
    }
}

impl Template {
    fn of(template: &LeaseTemplate) -> Self {
        let principals = match &template.principals {
            Principals::Members => PrincipalsShown::Word("members"),
            Principals::Listed(listed) => PrincipalsShown::Listed(
                listed
                    .iter()
                    .map(|one| spelled(one.kind(), one.id_bytes()))
                    .collect(),
            ),
        };
        Self {
            name: template.name.clone(),
            statements: template.statements.clone(),
            revocation_statements: template.revocation_statements.clone(),
            principals,
        }
    }
}

impl From<Checked> for ClusterTest {
    fn from(checked: Checked) -> Self {
        Self {
            reachable: checked.reachable,
            latency_ms: checked.latency_millis,
            server_version: checked.server_version,
            error: checked.error,
        }
    }
}
