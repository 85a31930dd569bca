//! `kluis cluster`

use clap::{Args, Subcommand};
use kluis_client::credvault::{self, RecordChange};

use super::job::Waiting;
use super::{Context, input};
use crate::failure::{Code, Failure};
use crate::output::{Cell, LISTING, Records};
use crate::terminal::say;

mod settings;

/// Register database servers, test them, and change the passwords that Kluis holds for them
///
/// A cluster is named by its name or id, a secret by VAULT/NAME or by its record's id (`resource_…`).
#[derive(Debug, Subcommand)]
pub(crate) enum Cluster {
    /// List the clusters that you may see
    List,
    /// Show a cluster
    Show {
        /// Its name or id
        cluster: String,
    },
    Create(settings::Create),
    Update(settings::Update),
    Test(Test),
    Rotate(Rotate),
    /// List the secrets that belong to a cluster
    Records {
        /// Its name or id
        cluster: String,
    },
    Bind(Bind),
    /// Let a secret go: its password is changed no more, on no server
    Unbind {
        /// The secret: VAULT/NAME
        secret: String,
    },
    Delete(Delete),
}

/// Say that a secret is the password of a user of a cluster, so that both change together
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kluis cluster bind billing db/billing-rw --user svc_billing")]
pub(crate) struct Bind {
    /// Name or id of the cluster
    cluster: String,
    /// The secret: VAULT/NAME
    secret: String,
    /// The user's name on the servers; the one that the secret's record names, unless given
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A second user, in turn with the first: the one in use is never the one that changes
    #[arg(long, value_name = "NAME")]
    alternate_user: Option<String>,
}

/// Connect to a cluster, with its administrator's credentials or those of a secret
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Its name or id
    cluster: String,
    /// The secret to log in with: VAULT/NAME, or its record's id
    #[arg(long, value_name = "SECRET")]
    record: Option<String>,
}

/// Change passwords on the servers of a cluster, and in the secrets that hold them
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kluis cluster rotate billing --record db/billing-rw")]
pub(crate) struct Rotate {
    /// Its name or id
    cluster: String,
    /// Only this secret's: VAULT/NAME, or its record's id; all that belong to the cluster unless given
    #[arg(long, value_name = "SECRET")]
    record: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
}

/// Remove a cluster; nothing is deleted on its servers but the users of leases
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Its name or id
    cluster: String,
    /// Also when secrets or leases belong to it: they are let go and revoked
    #[arg(long)]
    force: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

const COLUMNS: &[&str] = &[
    "name",
    "engine",
    "status",
    "nodes",
    "tls",
    "region",
    "record_count",
    "rotation_days",
    "next_rotation_at",
    "templates",
    "last_checked_at",
    "admin_record_id",
    "id",
];
/// The column of a cluster's id.
const ID: usize = 12;

impl Cluster {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let clusters = server.client.credvault().clusters().await;
                let clusters =
                    clusters.map_err(|error| server.failure("cannot list the clusters", &error))?;
                Records::list(COLUMNS, clusters.into_iter().map(row).collect()).print(format)
            }
            Self::Show { cluster } => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let cluster = server.cluster(&cluster, "cannot show the cluster").await?;
                Records::one(COLUMNS, row(cluster)).main(ID).print(format)
            }
            Self::Create(create) => create.run(context).await,
            Self::Update(update) => update.run(context).await,
            Self::Test(test) => test.run(context).await,
            Self::Rotate(rotate) => rotate.run(context).await,
            Self::Records { cluster } => records(context, &cluster).await,
            Self::Bind(bind) => bind.run(context).await,
            Self::Unbind { secret } => unbind(context, &secret).await,
            Self::Delete(delete) => delete.run(context).await,
        }
    }
}

impl Test {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = format!("cannot test cluster '{}'", self.cluster);
        let cluster = server.cluster(&self.cluster, &what).await?;
        let record = match &self.record {
            Some(record) => Some(server.record_id(record, &what).await?),
            None => None,
        };
        let test = server
            .client
            .credvault()
            .cluster_test(&cluster.id, record.as_deref())
            .await;
        let test = test.map_err(|error| server.failure(&what, &error))?;
        if !test.reachable {
            return Err(Failure::new(
                Code::Unreachable,
                format!("cluster '{}' does not let Kluis in", cluster.name),
                test.error
                    .unwrap_or_else(|| "it does not say why".to_owned()),
                "correct its nodes, TLS or credentials with kluis cluster update and kluis set",
            ));
        }
        let row = vec![
            cluster.name.into(),
            test.reachable.into(),
            test.latency_ms.into(),
            test.server_version.into(),
        ];
        let columns = &["cluster", "reachable", "latency_ms", "server_version"];
        Records::one(columns, row).main(3).print(format)
    }
}

impl Rotate {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = format!(
            "the passwords on cluster '{}' were not changed",
            self.cluster
        );
        let cluster = server.cluster(&self.cluster, &what).await?;
        let record = match &self.record {
            Some(record) => Some(server.record_id(record, &what).await?),
            None => None,
        };
        let job = server
            .client
            .credvault()
            .cluster_rotate(&cluster.id, record.as_deref())
            .await;
        let job = job.map_err(|error| server.failure(&what, &error))?;
        self.waiting.finish(&server, job, &what, format).await
    }
}

impl Delete {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let server = context.server()?;
        let what = format!("cannot remove cluster '{}'", self.cluster);
        let cluster = server.cluster(&self.cluster, &what).await?;
        let thing = format!("cluster '{}'", cluster.name);
        input::make_sure(self.yes, &thing, &cluster.name)?;
        let deleted = server
            .client
            .credvault()
            .cluster_delete(&cluster.id, self.force)
            .await;
        deleted.map_err(|error| {
            let force = "say --force to let its secrets go and revoke its leases";
            server.failure(what, &error).advise(Code::Conflict, force)
        })?;
        say(&format!("cluster '{}' removed", cluster.name));
        Ok(())
    }
}

impl Bind {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let server = context.server()?;
        let what = format!("'{}' was not bound to a cluster", self.secret);
        let cluster = server.cluster(&self.cluster, &what).await?;
        let record = server.record(&self.secret, &what).await?;
        let names = [
            ("username", &self.user),
            ("alternate_username", &self.alternate_user),
        ];
        let names = names.into_iter();
        let change = RecordChange {
            cluster_id: Some(Some(&cluster.id)),
            fields: names
                .filter_map(|(field, name)| Some((field, name.as_deref()?)))
                .collect(),
        };
        let bound = server.client.credvault().record_update(&record, &change);
        let bound = bound.await.map_err(|error| server.failure(what, &error))?;
        say(&format!(
            "'{}' belongs to cluster '{}' now",
            bound.name, cluster.name
        ));
        Ok(())
    }
}

async fn unbind(context: &Context, secret: &str) -> Result<(), Failure> {
    let server = context.server()?;
    let what = format!("'{secret}' was not let go");
    let record = server.record(secret, &what).await?;
    let change = RecordChange {
        cluster_id: Some(None),
        ..RecordChange::default()
    };
    let free = server.client.credvault().record_update(&record, &change);
    let free = free.await.map_err(|error| server.failure(what, &error))?;
    say(&format!("'{}' belongs to no cluster now", free.name));
    Ok(())
}

async fn records(context: &Context, cluster: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let what = format!("cannot list the secrets of cluster '{cluster}'");
    let cluster = server.cluster(cluster, &what).await?;
    let records = server.client.credvault().cluster_records(&cluster.id).await;
    let records = records.map_err(|error| server.failure(what, &error))?;
    let rows = records.into_iter().map(|record| {
        vec![
            record.name.into(),
            record.collection.into(),
            record.kind.into(),
            record.status.into(),
            record.version.into(),
            record.last_rotated_at.into(),
            record.id.into(),
        ]
    });
    let columns = &[
        "name",
        "vault",
        "type",
        "status",
        "version",
        "last_rotated_at",
        "id",
    ];
    Records::list(columns, rows.collect()).print(format)
}

fn row(cluster: credvault::Cluster) -> Vec<Cell> {
    let nodes = cluster.nodes.into_iter();
    let nodes = nodes.map(|node| match node.role.as_str() {
        "primary" => format!("{}:{}", node.host, node.port),
        role => format!("{}:{}/{role}", node.host, node.port),
    });
    let templates = cluster.lease.templates.iter();
    let templates = templates.filter_map(|template| template.get("name")?.as_str());
    let rotation = cluster.rotation;
    vec![
        cluster.name.into(),
        cluster.engine.into(),
        cluster.status.into(),
        Cell::List(nodes.collect()),
        cluster.tls.mode.into(),
        cluster.region.into(),
        cluster.record_count.into(),
        rotation.enabled.then_some(rotation.interval_days).into(),
        rotation.next_run_at.into(),
        Cell::List(templates.map(str::to_owned).collect()),
        cluster.last_checked_at.into(),
        cluster.admin_record_id.into(),
        cluster.id.into(),
    ]
}
