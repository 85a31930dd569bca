//! A cluster as it is stored and shown.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::change::{ClusterChange, LeaseChange, RotationChange};
use super::template::{self, LeaseTemplate};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{ClusterId, OrganizationId, SecretId};
use crate::store::sql::clusters as sql;
use crate::store::{Conn, Failure, Row, params, unexpected};
use crate::targets::{DatabaseKind, TlsMode};
use crate::users::DisplayName;

/// A group of database servers whose credentials are kept here.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its id.
    pub id: ClusterId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// Its name, unique in its organization.
    pub name: String,
    /// What its servers are.
    pub kind: DatabaseKind,
    /// Where it is, in the organization's words; may be empty.
    pub region: String,
    /// Its servers, at least one.
    pub nodes: Vec<Node>,
    /// How its servers are talked to.
    pub tls: TlsSettings,
    /// The secret that it is administered with.
    pub admin: Option<SecretId>,
    /// When the passwords of the secrets bound to it are changed.
    pub rotation: RotationSettings,
    /// Who can get a user of its own, and for how long.
    pub lease: LeaseSettings,
    /// What its last check found.
    pub status: ClusterStatus,
    /// When it was last checked.
    pub last_checked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its own fields last changed; checks do not move it.
    pub updated_at: Timestamp,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What it is among the others.
    pub role: NodeRole,
}

/// What a server is among the others of its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeRole {
    /// Where changes are made.
    Primary,
    /// A copy.
    Replica,
}

/// How servers are talked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// How far a server has to prove itself.
    pub mode: TlsMode,
    /// Who signs its certificate, in PEM; those whom the system trusts unless given.
    pub ca_pem: Option<String>,
}

/// When passwords are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationSettings {
    /// Whether they are, by themselves.
    pub enabled: bool,
    /// How often.
    pub interval_days: u32,
    /// When next; never while it is not enabled.
    pub next_run_at: Option<Timestamp>,
}

/// Leases of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseSettings {
    /// How long one lives, in seconds, unless asked for otherwise.
    pub default_ttl_seconds: u32,
    /// How long one lives at most, in seconds.
    pub max_ttl_seconds: u32,
    /// What can be leased.
    pub templates: Vec<LeaseTemplate>,
}

/// What the last check of a cluster found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterStatus {
    /// Some servers answer, the primary among them.
    Degraded,
    /// All servers answer.
    Healthy,
    /// It was never checked.
    Unknown,
    /// The primary does not answer.
    Unreachable,
}

/// A server as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredNode {
    host: String,
    port: u16,
    role: NodeRole,
}

impl Default for TlsSettings {
    /// The server proves everything.
    fn default() -> Self {
        Self {
            mode: TlsMode::VerifyFull,
            ca_pem: None,
        }
    }
}

impl Cluster {
    /// The cluster with `change` made at `now`; what has to fit together is checked.
    pub(super) fn changed(&self, change: ClusterChange, now: Timestamp) -> Result<Self, Error> {
        let mut next = self.clone();
        next.updated_at = now;
        next.name = change.name.map_or(next.name, DisplayName::into_text);
        next.kind = change.kind.unwrap_or(next.kind);
        next.region = change.region.unwrap_or(next.region);
        next.nodes = change.nodes.unwrap_or(next.nodes);
        next.tls.mode = change.tls.mode.unwrap_or(next.tls.mode);
        next.tls.ca_pem = change.tls.ca_pem.unwrap_or(next.tls.ca_pem);
        next.admin = change.admin.unwrap_or(next.admin);
        next.rotation.change(change.rotation, now);
        next.lease.change(change.lease);
        if next.lease.default_ttl_seconds > next.lease.max_ttl_seconds {
            let why = "must not be above lease.max_ttl_seconds";
            return Err(Error::invalid("lease.default_ttl_seconds", why));
        }
        template::all_checked(next.kind, &next.lease.templates)?;
        if next.kind != self.kind || next.nodes != self.nodes {
            // What was found was found of others.
            next.status = ClusterStatus::Unknown;
        }
        Ok(next)
    }

    /// The server where changes are made: the first that is called so, else the first.
    pub(crate) fn primary(&self) -> Option<&Node> {
        let primary = |node: &&Node| node.role == NodeRole::Primary;
        self.nodes
            .iter()
            .find(primary)
            .or_else(|| self.nodes.first())
    }

    /// `Invalid` for a kind of server that nothing is done on.
    pub(crate) fn require_served(&self) -> Result<(), Error> {
        if self.kind.is_served() {
            Ok(())
        } else {
            Err(Error::invalid(
                "engine",
                "engine not supported for this action",
            ))
        }
    }

    /// From the columns of `clusters::BY_ID`.
    pub(crate) fn from_row(mut row: Row) -> Result<Self, Failure> {
        let (id, organization) = (row.array()?, row.array()?);
        let (name, kind, region) = (row.text()?, row.text()?, row.text()?);
        let nodes: Vec<StoredNode> = row.json()?;
        let tls = TlsSettings {
            mode: TlsMode::parse(&row.text()?).ok_or_else(unexpected)?,
            ca_pem: row.optional_text()?,
        };
        Ok(Self {
            id: ClusterId::from_bytes(id),
            organization: OrganizationId::from_bytes(organization),
            name,
            kind: DatabaseKind::parse(&kind).ok_or_else(unexpected)?,
            region,
            nodes: nodes.into_iter().map(Node::from).collect(),
            tls,
            admin: row.optional_array()?.map(SecretId::from_bytes),
            rotation: RotationSettings {
                enabled: row.flag()?,
                interval_days: row.number()?,
                next_run_at: row.optional_time()?,
            },
            lease: LeaseSettings {
                default_ttl_seconds: row.number()?,
                max_ttl_seconds: row.number()?,
                templates: template::all_from_stored(&row.text()?)?,
            },
            status: ClusterStatus::parse(&row.text()?).ok_or_else(unexpected)?,
            last_checked_at: row.optional_time()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }

    /// Keep a new one; whether its name was free.
    pub(super) async fn insert(&self, conn: &mut Conn) -> Result<bool, Error> {
        let (nodes, templates) = (self.stored_nodes()?, self.stored_templates()?);
        let row = params![
            self.id.bytes(),
            self.organization.bytes(),
            &self.name,
            self.kind.as_str(),
            &self.region,
            &nodes,
            self.tls.mode.as_str(),
            self.tls.ca_pem.as_ref(),
            self.admin.as_ref().map(SecretId::bytes),
            self.rotation.enabled,
            self.rotation.interval_days,
            self.rotation.next_run_at,
            self.lease.default_ttl_seconds,
            self.lease.max_ttl_seconds,
            &templates,
            self.status.as_str(),
            self.created_at
        ];
        Ok(conn.query_one(sql::INSERT, row).await?.is_some())
    }

    /// Keep what was changed.
    pub(super) async fn store(&self, conn: &mut Conn) -> Result<(), Error> {
        let (nodes, templates) = (self.stored_nodes()?, self.stored_templates()?);
        let row = params![
            self.id.bytes(),
            &self.name,
            self.kind.as_str(),
            &self.region,
            &nodes,
            self.tls.mode.as_str(),
            self.tls.ca_pem.as_ref(),
            self.admin.as_ref().map(SecretId::bytes),
            self.rotation.enabled,
            self.rotation.interval_days,
            self.rotation.next_run_at,
            self.lease.default_ttl_seconds,
            self.lease.max_ttl_seconds,
            &templates,
            self.status.as_str(),
            self.updated_at
        ];
        conn.execute(sql::UPDATE, row).await?;
        Ok(())
    }

    fn stored_nodes(&self) -> Result<String, Error> {
        let nodes: Vec<StoredNode> = self.nodes.iter().cloned().map(StoredNode::from).collect();
        serde_json::to_string(&nodes).map_err(|cause| Error::internal(cause.to_string()))
    }

    fn stored_templates(&self) -> Result<String, Error> {
        template::all_stored(&self.lease.templates)
    }
}

impl RotationSettings {
    pub(super) fn change(&mut self, change: RotationChange, now: Timestamp) {
        let before = *self;
        self.enabled = change.enabled.unwrap_or(self.enabled);
        self.interval_days = change.interval_days.unwrap_or(self.interval_days);
        if !self.enabled {
            self.next_run_at = None;
        } else if !before.enabled || before.interval_days != self.interval_days {
            self.next_run_at = Some(self.run_after(now));
        }
    }

    /// When passwords are changed next, if they are now.
    pub(crate) fn run_after(&self, now: Timestamp) -> Timestamp {
        now.after(Duration::from_secs(
            u64::from(self.interval_days) * 24 * 60 * 60,
        ))
    }
}

impl LeaseSettings {
    pub(super) fn change(&mut self, change: LeaseChange) {
        self.default_ttl_seconds = change
            .default_ttl_seconds
            .unwrap_or(self.default_ttl_seconds);
        self.max_ttl_seconds = change.max_ttl_seconds.unwrap_or(self.max_ttl_seconds);
        if let Some(templates) = change.templates {
            self.templates = templates;
        }
    }
}

impl ClusterStatus {
    const ALL: [Self; 4] = [
        Self::Degraded,
        Self::Healthy,
        Self::Unknown,
        Self::Unreachable,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Degraded => "degraded",
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
            Self::Unreachable => "unreachable",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl From<StoredNode> for Node {
    fn from(node: StoredNode) -> Self {
        Self {
            host: node.host,
            port: node.port,
            role: node.role,
        }
    }
}

impl From<Node> for StoredNode {
    fn from(node: Node) -> Self {
        Self {
            host: node.host,
            port: node.port,
            role: node.role,
        }
    }
}
