//! `kluis cluster create` and `update`: what a cluster is made of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use kluis_client::credvault::{
    ClusterSettings, LeaseSettings, NodeSettings, RecordChange, RotationSettings, TlsSettings,
};
use serde_json::Value;

use super::super::{Context, file, span};
use super::{COLUMNS, ID, row};
use crate::failure::Failure;
use crate::output::{LISTING, Records};
use crate::remote::Remote;
use crate::terminal::say;

/// Register a cluster
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis cluster create billing --engine postgresql --node db1.internal --admin db/postgres-admin"
)]
pub(crate) struct Create {
    /// Its name, unique in the organization
    name: String,
    /// What its servers are
    #[arg(long, value_enum)]
    engine: Engine,
    /// A server, HOST or HOST:PORT; `/replica` behind it says that it only follows the others
    #[arg(long = "node", value_name = "HOST[:PORT]", required = true)]
    nodes: Vec<Node>,
    #[command(flatten)]
    settings: Settings,
}

/// Change a cluster; what is not named stays
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis cluster update billing --rotate-every 30 --templates leases.json"
)]
pub(crate) struct Update {
    /// Its name or id
    cluster: String,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// A server, HOST or HOST:PORT, in place of those that it has; `/replica` behind it says that it only follows the others
    #[arg(long = "node", value_name = "HOST[:PORT]")]
    nodes: Option<Vec<Node>>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
struct Settings {
    /// Where it stands
    #[arg(long)]
    region: Option<String>,
    /// How connections are secured: disable, require, verify-ca or verify-full
    #[arg(long, value_name = "MODE")]
    tls: Option<String>,
    /// File of certificates to trust, in PEM
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The secret whose credentials administer it: VAULT/NAME, or its record's id
    #[arg(long, value_name = "SECRET")]
    admin: Option<String>,
    /// The administrator's name on the servers; the one that the secret's record names, unless given
    #[arg(long, value_name = "NAME", requires = "admin")]
    admin_user: Option<String>,
    /// Change the passwords of its secrets by itself, every so many days
    #[arg(long, value_name = "DAYS")]
    rotate_every: Option<u64>,
    /// Change no passwords by itself
    #[arg(long, conflicts_with = "rotate_every")]
    no_rotation: bool,
    /// How long users of leases live unless another time is asked for: seconds, or a span such as 1h
    #[arg(long, value_name = "SPAN", value_parser = span::seconds)]
    lease_ttl: Option<u64>,
    /// How long they live at most
    #[arg(long, value_name = "SPAN", value_parser = span::seconds)]
    max_lease_ttl: Option<u64>,
    /// File with a JSON array of the templates that make them, in place of those that it has; `-` is stdin
    #[arg(long, value_name = "FILE")]
    templates: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Engine {
    Postgresql,
    /// MariaDB too
    Mysql,
    Redis,
    /// Kept and listed; neither tested nor rotated
    Mongodb,
}

impl Engine {
    fn word(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Redis => "redis",
            Self::Mongodb => "mongodb",
        }
    }
}

impl Create {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = format!("cannot register cluster '{}'", self.name);
        let settings = self.settings.read(&server, &what).await?;
        let cluster = ClusterSettings {
            name: Some(self.name),
            engine: Some(self.engine.word().to_owned()),
            nodes: Some(settings_of(self.nodes)),
            ..settings
        };
        let made = server.client.credvault().cluster_create(&cluster).await;
        let made = made.map_err(|error| server.failure(what, &error))?;
        say(&format!(
            "cluster '{}' registered; try it with kluis cluster test",
            made.name
        ));
        Records::one(COLUMNS, row(made)).main(ID).print(format)
    }
}

impl Update {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = format!("cannot change cluster '{}'", self.cluster);
        let cluster = server.cluster(&self.cluster, &what).await?;
        let settings = self.settings.read(&server, &what).await?;
        let change = ClusterSettings {
            name: self.rename,
            nodes: self.nodes.map(settings_of),
            ..settings
        };
        let changed = server
            .client
            .credvault()
            .cluster_update(&cluster.id, &change)
            .await;
        let changed = changed.map_err(|error| server.failure(what, &error))?;
        say(&format!("cluster '{}' changed", changed.name));
        Records::one(COLUMNS, row(changed)).main(ID).print(format)
    }
}

impl Settings {
    /// What was given, with files and names looked up.
    async fn read(&self, server: &Remote, what: &str) -> Result<ClusterSettings, Failure> {
        let ca_pem = match &self.tls_ca {
            Some(path) => Some(file::text(path)?),
            None => None,
        };
        let templates = match &self.templates {
            Some(path) => Some(templates(path)?),
            None => None,
        };
        let admin_record_id = match (&self.admin, &self.admin_user) {
            (Some(record), Some(user)) => {
                let record = server.record(record, what).await?;
                let change = RecordChange {
                    fields: BTreeMap::from([("username", user.as_str())]),
                    ..RecordChange::default()
                };
                let named = server.client.credvault().record_update(&record, &change);
                let named = named.await;
                Some(named.map_err(|error| server.failure(what, &error))?.id)
            }
            (Some(record), None) => Some(server.record_id(record, what).await?),
            (None, _) => None,
        };
        let rotation = RotationSettings {
            enabled: (self.rotate_every.is_some() || self.no_rotation)
                .then_some(self.rotate_every.is_some()),
            interval_days: self.rotate_every,
        };
        let lease = LeaseSettings {
            default_ttl_seconds: self.lease_ttl,
            max_ttl_seconds: self.max_lease_ttl,
            templates,
        };
        let tls = TlsSettings {
            mode: self.tls.clone(),
            ca_pem,
        };
        let has_lease = lease.default_ttl_seconds.is_some()
            || lease.max_ttl_seconds.is_some()
            || lease.templates.is_some();
        Ok(ClusterSettings {
            region: self.region.clone(),
            admin_record_id,
            tls: (tls.mode.is_some() || tls.ca_pem.is_some()).then_some(tls),
            rotation: rotation.enabled.is_some().then_some(rotation),
            lease: has_lease.then_some(lease),
            ..ClusterSettings::default()
        })
    }
}

fn templates(path: &Path) -> Result<Value, Failure> {
    let templates = file::json(path)?;
    if templates.is_array() {
        return Ok(templates);
    }
    Err(Failure::usage(
        "the templates are not an array",
        format!("{} holds something else", path.display()),
        r#"write [{"name": "read-only", "statements": ["…"], "principals": "members"}]"#,
    ))
}

/// One server, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node(NodeSettings);

fn settings_of(nodes: Vec<Node>) -> Vec<NodeSettings> {
    nodes.into_iter().map(|node| node.0).collect()
}

impl FromStr for Node {
    type Err = String;

    /// `HOST`, `HOST:PORT` or `[IPv6]:PORT`, each with `/replica` behind it or not. A bare IPv6 address has no port.
    fn from_str(text: &str) -> Result<Self, String> {
        let (place, role) = match text.rsplit_once('/') {
            Some((place, "replica")) => (place, "replica"),
            Some((place, "primary")) => (place, "primary"),
            Some(_) => return Err("behind the / stands replica or primary".to_owned()),
            None => (text, "primary"),
        };
        let is_bare_v6 = place.parse::<std::net::Ipv6Addr>().is_ok();
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !is_bare_v6 => {
                let port = port
                    .parse()
                    .map_err(|_| format!("'{port}' is no port (1 to 65535)"))?;
                (host, Some(port))
            }
            _ => (place, None),
        };
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() {
            return Err("give HOST or HOST:PORT".to_owned());
        }
        Ok(Self(NodeSettings {
            host: host.to_owned(),
            port,
            role,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_host_with_or_without_port_and_role() {
        for (text, host, port, role) in [
            ("db1", "db1", None, "primary"),
            ("db1:5433", "db1", Some(5433), "primary"),
            ("db1/replica", "db1", None, "replica"),
            ("[::1]:6379/replica", "::1", Some(6379), "replica"),
            ("::1", "::1", None, "primary"),
            ("10.0.0.1:1/primary", "10.0.0.1", Some(1), "primary"),
        ] {
            let host = host.to_owned();
            assert_eq!(text.parse(), Ok(Node(NodeSettings { host, port, role })));
        }
        for text in ["", ":5432", "db1:", "db1:x", "db1:70000", "db1/witness"] {
            assert!(text.parse::<Node>().is_err(), "{text}");
        }
    }
}
