//! Leases: users of database servers that live for a while (contract B4).

use kluis_engine::{NewLease, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::spelled;
use crate::api::ids::prefixed;
use crate::api::revealed::Revealed;

/// A lease, without its password.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Lease {
    #[schema(examples("lease_01JQ0aB1cD2eF3gH4iJ5kL"))]
    id: String,
    #[schema(examples("cluster_01JQ91xK2mN0pQ4rS7tUvW"))]
    cluster_id: String,
    #[schema(examples("read-only"))]
    template: String,
    #[schema(examples("v_readonly_k3m7x2paq5w9d4rt"))]
    username: String,
    /// Id of the user or agent whose it is.
    #[schema(examples("user_01JQ1xA2bC3dE4fG5hI6jK"))]
    principal_id: String,
    /// `issuing`, `active`, `revoking`, `revoked` or `expired`.
    #[schema(examples("active"))]
    status: &'static str,
    /// When its user is dropped.
    #[schema(examples("2026-01-02T04:04:05Z"))]
    expires_at: String,
    /// When its user was dropped.
    ended_at: Option<String>,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    created_at: String,
}

/// A lease with its password.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct LeaseShown {
    #[serde(flatten)]
    lease: Lease,
    /// Shown once.
    password: Revealed,
}

/// A lease to make.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct LeaseCreate {
    /// The name of one of the cluster's templates.
    #[schema(examples("read-only"))]
    template: String,
    /// At most the cluster's `max_ttl_seconds`; its `default_ttl_seconds` unless given.
    #[schema(minimum = 1, examples(3600))]
    ttl_seconds: Option<u32>,
}

impl From<LeaseCreate> for NewLease {
    fn from(given: LeaseCreate) -> Self {
        Self {
            template: given.template,
            ttl_seconds: given.ttl_seconds,
        }
    }
}

impl From<kluis_engine::Lease> for Lease {
    fn from(lease: kluis_engine::Lease) -> Self {
        let principal = &lease.principal;
        Self {
            id: prefixed("lease_", lease.id.bytes()),
            cluster_id: prefixed("cluster_", lease.cluster.bytes()),
            principal_id: spelled(principal.kind(), principal.id_bytes()),
            template: lease.template,
            username: lease.username,
            status: lease.state.as_str(),
            expires_at: lease.expires_at.rfc3339_seconds(),
            ended_at: lease.ended_at.map(Timestamp::rfc3339_seconds),
            created_at: lease.created_at.rfc3339_seconds(),
        }
    }
}

impl From<(kluis_engine::Lease, Secret)> for LeaseShown {
    fn from((lease, password): (kluis_engine::Lease, Secret)) -> Self {
        Self {
            lease: lease.into(),
            password: password.into(),
        }
    }
}
