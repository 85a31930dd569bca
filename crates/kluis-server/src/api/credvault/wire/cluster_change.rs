//! What is asked of clusters of database servers (contract B4).

use kluis_engine::{
    ClusterChange, DatabaseKind, DisplayName, Error, LeaseChange, LeaseTemplate, NewCluster, Node,
    PolicyPrincipal, Principals, RotationChange, SecretId, TlsChange, TlsMode,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::filled;
use crate::api::extract::stated;
use crate::api::ids::{Id, Kind as _};

/// What a cluster is to be: all of it. What is left out is as usual.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct ClusterPut {
    /// Unique in the account.
    #[schema(min_length = 1, max_length = 255, examples("billing-primary"))]
    name: String,
    engine: DatabaseEngine,
    /// At most 16.
    #[schema(min_items = 1, max_items = 16)]
    nodes: Vec<NodePut>,
    #[schema(max_length = 100, examples("eu-1"))]
    region: Option<String>,
    tls: Option<TlsUpdate>,
    /// A record with `fields.username` and a `password` in its secret. Without one, each record changes its own password, and nothing
    /// can be leased.
    #[schema(value_type = Option<String>)]
    admin_record_id: Option<Id<SecretId>>,
    rotation: Option<RotationUpdate>,
    lease: Option<LeaseUpdate>,
}

/// What to change of a cluster: members that are left out stay, null resets.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct ClusterUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<DatabaseEngine>)]
    engine: Option<Option<DatabaseEngine>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Vec<NodePut>>, min_items = 1, max_items = 16)]
    nodes: Option<Option<Vec<NodePut>>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, max_length = 100)]
    region: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>)]
    admin_record_id: Option<Option<Id<SecretId>>>,
    #[serde(flatten)]
    configuration: ConfigurationUpdate,
}

/// What to change of a cluster's configuration: members that are left out stay, null resets.
#[derive(Default, Deserialize, ToSchema)]
pub(in super::super) struct ConfigurationUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<TlsUpdate>)]
    tls: Option<Option<TlsUpdate>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<RotationUpdate>)]
    rotation: Option<Option<RotationUpdate>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<LeaseUpdate>)]
    lease: Option<Option<LeaseUpdate>>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DatabaseEngine {
    MongoDb,
    MySql,
    PostgreSql,
    Redis,
}

#[derive(Deserialize, ToSchema)]
struct NodePut {
    #[schema(examples("db1.internal"))]
    host: String,
    /// The engine's own unless given.
    #[schema(minimum = 1, examples(5432))]
    port: Option<u16>,
    /// The first is the primary unless another is.
    role: Option<NodeRole>,
}

#[derive(Clone, Copy, Deserialize, ToSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum NodeRole {
    Primary,
    Replica,
}

#[derive(Deserialize, ToSchema)]
struct TlsUpdate {
    /// `verify-full` unless given. `require` encrypts without asking who is there.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<ModeOfTls>)]
    mode: Option<Option<ModeOfTls>>,
    /// Certificates in PEM, at most 64 KiB.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>)]
    ca_pem: Option<Option<String>>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ModeOfTls {
    Disable,
    Require,
    VerifyCa,
    VerifyFull,
}

#[derive(Deserialize, ToSchema)]
struct RotationUpdate {
    /// False unless given.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<bool>)]
    enabled: Option<Option<bool>>,
    /// 30 unless given.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 365)]
    interval_days: Option<Option<u32>>,
}

#[derive(Deserialize, ToSchema)]
struct LeaseUpdate {
    /// 3600 unless given.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 2_592_000)]
    default_ttl_seconds: Option<Option<u32>>,
    /// 86400 unless given.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 2_592_000)]
    max_ttl_seconds: Option<Option<u32>>,
    /// All of them, at most 50; none unless given.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Vec<TemplatePut>>, max_items = 50)]
    templates: Option<Option<Vec<TemplatePut>>>,
}

#[derive(Deserialize, ToSchema)]
struct TemplatePut {
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,31}$", examples("read-only"))]
    name: String,
    /// `{{username}}` and `{{password}}` have to be in them, `{{expiration}}` may be; each brings its own quotation marks.
    #[schema(examples(json!(["CREATE ROLE {{username}} LOGIN PASSWORD {{password}} VALID UNTIL {{expiration}}", "GRANT app_read TO {{username}}"])))]
    statements: Vec<String>,
    /// Run before the user is dropped.
    #[serde(default)]
    revocation_statements: Vec<String>,
    /// `members`, or ids of users and agents; nobody but owners and admins unless given.
    #[schema(value_type = Option<Vec<String>>)]
    principals: Option<PrincipalsPut>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PrincipalsPut {
    Listed(Vec<String>),
    Word(MembersWord),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum MembersWord {
    Members,
}

/// What may end with a cluster.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct ClusterForce {
    /// Whether records bound to it are let go and its leases are revoked.
    #[serde(default)]
    pub(in super::super) force: bool,
}

/// Which record is meant; none in particular when there is no body.
#[derive(Default, Deserialize, ToSchema)]
pub(in super::super) struct OneRecord {
    #[schema(value_type = Option<String>)]
    record_id: Option<Id<SecretId>>,
}

impl OneRecord {
    /// The record that a body names, if there is a body and it names one.
    pub(in super::super) fn of(body: Option<Self>) -> Option<SecretId> {
        body.unwrap_or_default().record_id.map(|Id(record)| record)
    }
}

impl ClusterPut {
    /// The cluster to make.
    pub(in super::super) fn create(self) -> Result<NewCluster, Error> {
        Ok(NewCluster {
            name: DisplayName::parse("name", &self.name)?,
            kind: self.engine.into(),
            change: self.change(),
        })
    }

    /// What makes any cluster this one.
    pub(in super::super) fn replace(self) -> Result<ClusterChange, Error> {
        Ok(ClusterChange {
            name: Some(DisplayName::parse("name", &self.name)?),
            kind: Some(self.engine.into()),
            ..self.change()
        })
    }

    fn change(self) -> ClusterChange {
        let usual = ClusterChange::to_the_usual();
        ClusterChange {
            nodes: Some(nodes(self.nodes, self.engine)),
            region: Some(self.region.unwrap_or_default()),
            tls: tls(self.tls, usual.tls),
            admin: Some(self.admin_record_id.map(|Id(record)| record)),
            rotation: rotation(self.rotation, usual.rotation),
            lease: lease(self.lease, usual.lease),
            ..ClusterChange::default()
        }
    }
}

impl ClusterUpdate {
    /// What to change of a cluster of this engine, unless that changes too.
    pub(in super::super) fn change(self) -> Result<ClusterChange, Error> {
        let name = filled("name", self.name)?;
        let name = name.map(|name| DisplayName::parse("name", &name));
        let engine = filled("engine", self.engine)?;
        let given = filled("nodes", self.nodes)?;
        let given = match (given, engine) {
            (None, _) => None,
            (Some(given), Some(engine)) => Some(nodes(given, engine)),
            (Some(given), None) => Some(nodes_with_ports(given)?),
        };
        Ok(ClusterChange {
            name: name.transpose()?,
            kind: engine.map(DatabaseKind::from),
            nodes: given,
            region: self.region.map(Option::unwrap_or_default),
            admin: self
                .admin_record_id
                .map(|given| given.map(|Id(record)| record)),
            ..self.configuration.change()
        })
    }
}

impl ConfigurationUpdate {
    pub(in super::super) fn change(self) -> ClusterChange {
        let usual = ClusterChange::to_the_usual();
        ClusterChange {
            tls: match self.tls {
                None => TlsChange::default(),
                Some(None) => usual.tls,
                Some(given) => tls(given, TlsChange::default()),
            },
            rotation: match self.rotation {
                None => RotationChange::default(),
                Some(None) => usual.rotation,
                Some(given) => rotation(given, RotationChange::default()),
            },
            lease: match self.lease {
                None => LeaseChange::default(),
                Some(None) => usual.lease,
                Some(given) => lease(given, LeaseChange::default()),
            },
            ..ClusterChange::default()
        }
    }
}

/// What is given, on top of what is meant unless it is; null means the usual.
fn tls(given: Option<TlsUpdate>, unless: TlsChange) -> TlsChange {
    let usual = ClusterChange::to_the_usual().tls;
    let Some(given) = given else {
        return unless;
    };
    TlsChange {
        mode: match given.mode {
            None => unless.mode,
            Some(None) => usual.mode,
            Some(Some(mode)) => Some(mode.into()),
        },
        ca_pem: given.ca_pem.or(unless.ca_pem),
    }
}

fn rotation(given: Option<RotationUpdate>, unless: RotationChange) -> RotationChange {
    let usual = ClusterChange::to_the_usual().rotation;
    let Some(given) = given else {
        return unless;
    };
    RotationChange {
        enabled: over(given.enabled, unless.enabled, usual.enabled),
        interval_days: over(
            given.interval_days,
            unless.interval_days,
            usual.interval_days,
        ),
    }
}

fn lease(given: Option<LeaseUpdate>, unless: LeaseChange) -> LeaseChange {
    let usual = ClusterChange::to_the_usual().lease;
    let Some(given) = given else {
        return unless;
    };
    let templates = given
        .templates
        .map(|given| given.map(|all| all.into_iter().map(LeaseTemplate::from).collect()));
    LeaseChange {
        default_ttl_seconds: over(
            given.default_ttl_seconds,
            unless.default_ttl_seconds,
            usual.default_ttl_seconds,
        ),
        max_ttl_seconds: over(
            given.max_ttl_seconds,
            unless.max_ttl_seconds,
            usual.max_ttl_seconds,
        ),
        templates: over(templates, unless.templates, usual.templates),
    }
}

/// A member: left out, null, or given.
fn over<T>(given: Option<Option<T>>, unless: Option<T>, usual: Option<T>) -> Option<T> {
    match given {
        None => unless,
        Some(None) => usual,
        given => given.flatten(),
    }
}

fn nodes(given: Vec<NodePut>, engine: DatabaseEngine) -> Vec<Node> {
    let usual = match engine {
        DatabaseEngine::MongoDb => 27_017,
        DatabaseEngine::MySql => 3_306,
        DatabaseEngine::PostgreSql => 5_432,
        DatabaseEngine::Redis => 6_379,
    };
    let any_primary = given
        .iter()
        .any(|node| node.role == Some(NodeRole::Primary));
    let nodes = given.into_iter().enumerate().map(|(place, node)| Node {
        host: node.host,
        port: node.port.unwrap_or(usual),
        role: match node.role {
            Some(NodeRole::Primary) => kluis_engine::NodeRole::Primary,
            None if place == 0 && !any_primary => kluis_engine::NodeRole::Primary,
            Some(NodeRole::Replica) | None => kluis_engine::NodeRole::Replica,
        },
    });
    nodes.collect()
}

/// Where the engine is not stated, neither is its port.
fn nodes_with_ports(given: Vec<NodePut>) -> Result<Vec<Node>, Error> {
    if given.iter().any(|node| node.port.is_none()) {
        return Err(Error::missing("nodes.port"));
    }
    Ok(nodes(given, DatabaseEngine::PostgreSql))
}

impl From<DatabaseEngine> for DatabaseKind {
    fn from(engine: DatabaseEngine) -> Self {
        match engine {
            DatabaseEngine::MongoDb => Self::MongoDb,
            DatabaseEngine::MySql => Self::MySql,
            DatabaseEngine::PostgreSql => Self::Postgres,
            DatabaseEngine::Redis => Self::Redis,
        }
    }
}

impl From<ModeOfTls> for TlsMode {
    fn from(mode: ModeOfTls) -> Self {
        match mode {
            ModeOfTls::Disable => Self::Disable,
            ModeOfTls::Require => Self::Require,
            ModeOfTls::VerifyCa => Self::VerifyCa,
            ModeOfTls::VerifyFull => Self::VerifyFull,
        }
    }
}

impl From<TemplatePut> for LeaseTemplate {
    fn from(given: TemplatePut) -> Self {
        let principals = match given.principals {
            None => Principals::Listed(Vec::new()),
            Some(PrincipalsPut::Word(MembersWord::Members)) => Principals::Members,
            Some(PrincipalsPut::Listed(ids)) => {
                Principals::Listed(ids.iter().map(|id| principal(id)).collect())
            }
        };
        Self {
            name: given.name,
            statements: given.statements,
            revocation_statements: given.revocation_statements,
            principals,
        }
    }
}

/// A UUID does not say whose it is: the engine finds out.
fn principal(id: &str) -> PolicyPrincipal {
    match kluis_engine::AgentId::parse(id) {
        Some(agent) => PolicyPrincipal::Agent(agent),
        None => PolicyPrincipal::User(kluis_engine::UserId::named(id)),
    }
}
