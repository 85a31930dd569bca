//! What a new cluster and a changed one have to be like.

use super::cluster::{
    Cluster, ClusterStatus, LeaseSettings, Node, NodeRole, RotationSettings, TlsSettings,
};
use super::template::LeaseTemplate;
use crate::act::Act;
use crate::error::Error;
use crate::ids::{ClusterId, SecretId};
use crate::targets::{DatabaseKind, TlsMode, ca_certificates};
use crate::users::DisplayName;

/// A cluster to make.
#[derive(Clone, Debug)]
pub struct NewCluster {
    /// Its name.
    pub name: DisplayName,
    /// What its servers are.
    pub kind: DatabaseKind,
    /// Everything else, as far as it is not as usual.
    pub change: ClusterChange,
}

/// What to change of a cluster; `None` leaves it alone.
#[derive(Clone, Debug, Default)]
pub struct ClusterChange {
    /// Another name.
    pub name: Option<DisplayName>,
    /// Other servers' kind.
    pub kind: Option<DatabaseKind>,
    /// Another region.
    pub region: Option<String>,
    /// Other servers.
    pub nodes: Option<Vec<Node>>,
    /// Another way to talk to them.
    pub tls: TlsChange,
    /// Another secret to administer it with, or none.
    pub admin: Option<Option<SecretId>>,
    /// Other times for changing passwords.
    pub rotation: RotationChange,
    /// Other leases.
    pub lease: LeaseChange,
}

/// What to change of [`TlsSettings`].
#[derive(Clone, Debug, Default)]
pub struct TlsChange {
    /// Another mode.
    pub mode: Option<TlsMode>,
    /// Other authorities, or those of the system.
    pub ca_pem: Option<Option<String>>,
}

/// What to change of [`RotationSettings`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RotationChange {
    /// On or off.
    pub enabled: Option<bool>,
    /// How often.
    pub interval_days: Option<u32>,
}

/// What to change of [`LeaseSettings`].
#[derive(Clone, Debug, Default)]
pub struct LeaseChange {
    /// Another life unless asked for.
    pub default_ttl_seconds: Option<u32>,
    /// Another longest life.
    pub max_ttl_seconds: Option<u32>,
    /// Other templates, all of them.
    pub templates: Option<Vec<LeaseTemplate>>,
}

const MOST_NODES: usize = 16;
const LONGEST_HOST: usize = 253;
const LONGEST_REGION: usize = 100;
/// What it is unless stated.
const USUAL_DAYS: u32 = 30;
const MOST_DAYS: u32 = 365;
const USUAL_TTL: u32 = 60 * 60;
const USUAL_MAX_TTL: u32 = 24 * 60 * 60;
const LEAST_TTL: u32 = 60;
const MOST_TTL: u32 = 30 * 24 * 60 * 60;

impl NewCluster {
    /// What can be found wrong with it by itself.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.change.nodes.is_none() {
            return Err(Error::missing("nodes"));
        }
        self.change.check()
    }

    /// The cluster that it becomes.
    pub(super) fn made(self, id: ClusterId, act: &Act) -> Result<Cluster, Error> {
        let usual = Cluster {
            id,
            organization: act.caller.organization,
            name: self.name.into_text(),
            kind: self.kind,
            region: String::new(),
            nodes: Vec::new(),
            tls: TlsSettings::default(),
            admin: None,
            rotation: RotationSettings {
                enabled: false,
                interval_days: USUAL_DAYS,
                next_run_at: None,
            },
            lease: LeaseSettings {
                default_ttl_seconds: USUAL_TTL,
                max_ttl_seconds: USUAL_MAX_TTL,
                templates: Vec::new(),
            },
            status: ClusterStatus::Unknown,
            last_checked_at: None,
            created_at: act.now,
            updated_at: act.now,
        };
        usual.changed(self.change, act.now)
    }
}

impl ClusterChange {
    /// That sets all that is optional to what it is unless stated: what a replacement begins with.
    pub fn to_the_usual() -> Self {
        Self {
            region: Some(String::new()),
            tls: TlsChange {
                mode: Some(TlsSettings::default().mode),
                ca_pem: Some(None),
            },
            admin: Some(None),
            rotation: RotationChange {
                enabled: Some(false),
                interval_days: Some(USUAL_DAYS),
            },
            lease: LeaseChange {
                default_ttl_seconds: Some(USUAL_TTL),
                max_ttl_seconds: Some(USUAL_MAX_TTL),
                templates: Some(Vec::new()),
            },
            ..Self::default()
        }
    }

    /// What can be found wrong with it by itself.
    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some(nodes) = &self.nodes {
            nodes_checked(nodes)?;
        }
        let long_region = |region: &String| {
            region.chars().count() > LONGEST_REGION || region.chars().any(char::is_control)
        };
        if self.region.as_ref().is_some_and(long_region) {
            let why = "must have at most 100 characters, none of them a control character";
            return Err(Error::invalid("region", why));
        }
        if let Some(Some(pem)) = &self.tls.ca_pem {
            ca_certificates(pem)?;
        }
        if let Some(days) = self.rotation.interval_days
            && !(1..=MOST_DAYS).contains(&days)
        {
            let why = "must be a number of days from 1 to 365";
            return Err(Error::invalid("rotation.interval_days", why));
        }
        for (field, seconds) in [
            ("lease.default_ttl_seconds", self.lease.default_ttl_seconds),
            ("lease.max_ttl_seconds", self.lease.max_ttl_seconds),
        ] {
            if seconds.is_some_and(|seconds| !(LEAST_TTL..=MOST_TTL).contains(&seconds)) {
                let why = "must be a number of seconds from 60 to 2592000, which is 30 days";
                return Err(Error::invalid(field, why));
            }
        }
        Ok(())
    }
}

fn nodes_checked(nodes: &[Node]) -> Result<(), Error> {
    if !(1..=MOST_NODES).contains(&nodes.len()) {
        return Err(Error::invalid("nodes", "must be 1 to 16 servers"));
    }
    let is_host = |host: &str| {
        !host.is_empty()
            && host.len() <= LONGEST_HOST
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte))
    };
    for node in nodes {
        if !is_host(&node.host) {
            let why = "must be names or addresses of servers";
            return Err(Error::invalid("nodes.host", why));
        }
        if node.port == 0 {
            return Err(Error::invalid("nodes.port", "must be from 1 to 65535"));
        }
    }
    let primaries = nodes.iter().filter(|node| node.role == NodeRole::Primary);
    if primaries.count() > 1 {
        return Err(Error::invalid("nodes", "must have one primary"));
    }
    Ok(())
}
