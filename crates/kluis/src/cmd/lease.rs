//! `kluis lease`

use clap::{Args, Subcommand};
use kluis_client::credvault;

use super::{Context, span};
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, LISTING, Records};
use crate::terminal::say;

/// Get database users for a while
///
/// The server makes the user on the cluster when it is asked for, and removes it when its time is over. A cluster is named by
/// its name or id.
#[derive(Debug, Subcommand)]
pub(crate) enum Lease {
    Create(Create),
    /// List the leases on a cluster, without their passwords
    List {
        /// Name or id of the cluster
        cluster: String,
    },
    /// Remove the user now
    Revoke {
        /// Name or id of the cluster
        cluster: String,
        /// Id of the lease
        lease: String,
    },
}

/// Make a user on a cluster; its password is printed once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kluis lease create billing read-only --ttl 1h -o json")]
pub(crate) struct Create {
    /// Name or id of the cluster
    cluster: String,
    /// Which of the cluster's templates makes it
    template: String,
    /// How long it lives: seconds, or a span such as 15m; the cluster's default unless given
    #[arg(long, value_name = "SPAN", value_parser = span::seconds)]
    ttl: Option<u64>,
}

const COLUMNS: &[&str] = &[
    "id",
    "template",
    "username",
    "status",
    "expires_at",
    "created_at",
    "principal_id",
    "cluster_id",
];
/// Formats of a password that is shown once.
const PASSWORD: &[Format] = &[Format::Table, Format::Json, Format::Yaml, Format::Value];

impl Lease {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List { cluster } => list(context, &cluster).await,
            Self::Revoke { cluster, lease } => revoke(context, &cluster, &lease).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(PASSWORD)?;
        let server = context.server()?;
        let what = format!("no user was made on cluster '{}'", self.cluster);
        let cluster = server.cluster(&self.cluster, &what).await?;
        let api = server.client.credvault();
        let issued = api.lease_create(&cluster.id, &self.template, self.ttl);
        let issued = issued.await.map_err(|error| {
            let names = cluster.lease.templates.iter();
            let names = names.filter_map(|template| template.get("name")?.as_str());
            let names: Vec<&str> = names.collect();
            let templates = if names.is_empty() {
                "an owner or admin gives the cluster templates with kluis cluster update".to_owned()
            } else {
                format!("the cluster's templates are {}", names.join(", "))
            };
            server
                .failure(what, &error)
                .advise(Code::NotFound, &templates)
                .advise(Code::Usage, &templates)
        })?;
        say(&format!(
            "user '{}' lives until {}; its password is shown this once",
            issued.lease.username, issued.lease.expires_at
        ));
        Records::one(COLUMNS, row(issued.lease))
            .and("password", Cell::Secret(issued.password))
            .print(format)
    }
}

async fn list(context: &Context, cluster: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let what = format!("cannot list the leases on cluster '{cluster}'");
    let cluster = server.cluster(cluster, &what).await?;
    let leases = server.client.credvault().leases(&cluster.id).await;
    let leases = leases.map_err(|error| server.failure(what, &error))?;
    Records::list(COLUMNS, leases.into_iter().map(row).collect()).print(format)
}

async fn revoke(context: &Context, cluster: &str, lease: &str) -> Result<(), Failure> {
    let server = context.server()?;
    let what = format!("cannot revoke lease '{lease}'");
    let cluster = server.cluster(cluster, &what).await?;
    let revoked = server
        .client
        .credvault()
        .lease_revoke(&cluster.id, lease)
        .await;
    revoked.map_err(|error| {
        let see = format!("see the leases with kluis lease list {}", cluster.name);
        server.failure(what, &error).advise(Code::NotFound, see)
    })?;
    say(&format!("lease '{lease}' revoked"));
    Ok(())
}

fn row(lease: credvault::Lease) -> Vec<Cell> {
    vec![
        lease.id.into(),
        lease.template.into(),
        lease.username.into(),
        lease.status.into(),
        lease.expires_at.into(),
        lease.created_at.into(),
        lease.principal_id.into(),
        lease.cluster_id.into(),
    ]
}
