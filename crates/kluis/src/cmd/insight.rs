//! `kluis insight`

use clap::{Args, Subcommand};
use kluis_client::Error;
use kluis_client::credvault::{self, AnalysisScope};

use super::Context;
use super::job::Waiting;
use crate::failure::{Code, Failure};
use crate::output::{Cell, LISTING, Records};
use crate::remote::Remote;
use crate::terminal::say;

/// See what deserves a look: weak, reused, old and unused secrets, keys that may too much, and unusual reading
///
/// The server looks at values where they lie and tells scores and reasons, never values.
#[derive(Debug, Subcommand)]
pub(crate) enum Insight {
    Analyze(Analyze),
    List(List),
    /// Show an insight with the numbers behind it
    Show {
        /// Its id
        id: String,
    },
    /// List what to do next, the most pressing first
    Recommendations,
    /// Say that somebody sees to it
    Acknowledge {
        /// Its id
        id: String,
    },
    /// Say that it is done
    Resolve {
        /// Its id
        id: String,
    },
    /// Say that it is all right as it is
    Dismiss {
        /// Its id
        id: String,
    },
    /// Open it again
    Reopen {
        /// Its id
        id: String,
    },
    Feedback(Feedback),
}

/// Look for insights
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis insight analyze --vault billing --check weak_secret,reused_secret"
)]
pub(crate) struct Analyze {
    /// Only in this vault
    #[arg(long, value_name = "VAULT")]
    vault: Option<String>,
    /// Only in the secrets of this cluster
    #[arg(long, value_name = "CLUSTER", conflicts_with = "vault")]
    cluster: Option<String>,
    /// Only these kinds, such as weak_secret
    #[arg(long = "check", value_name = "KIND", value_delimiter = ',')]
    checks: Vec<String>,
    #[command(flatten)]
    waiting: Waiting,
}

/// List insights, those that are open unless others are asked for
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of these kinds
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only of these severities: low, medium, high, critical
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<String>,
    /// open, acknowledged, resolved or dismissed; several with commas between
    #[arg(long, value_name = "STATUS", default_value = "open,acknowledged")]
    status: String,
}

/// Say whether an insight was of use: its kind becomes a little more or less particular
#[derive(Debug, Args)]
pub(crate) struct Feedback {
    /// Its id
    id: String,
    #[command(flatten)]
    verdict: Verdict,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Verdict {
    /// It was of use
    #[arg(long)]
    useful: bool,
    /// It was not
    #[arg(long)]
    useless: bool,
}

const COLUMNS: &[&str] = &[
    "severity",
    "kind",
    "resource_name",
    "summary",
    "status",
    "detected_at",
    "vault",
    "resource_id",
    "id",
];
/// The column of an insight's id.
const ID: usize = 8;

impl Insight {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Analyze(analyze) => analyze.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Show { id } => show(context, &id).await,
            Self::Recommendations => recommendations(context).await,
            Self::Acknowledge { id } => set(context, &id, "acknowledged").await,
            Self::Resolve { id } => set(context, &id, "resolved").await,
            Self::Dismiss { id } => set(context, &id, "dismissed").await,
            Self::Reopen { id } => set(context, &id, "open").await,
            Self::Feedback(feedback) => feedback.run(context).await,
        }
    }
}

impl Analyze {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = "nothing was analyzed";
        let cluster_id = match &self.cluster {
            Some(cluster) => Some(server.cluster(cluster, what).await?.id),
            None => None,
        };
        let scope = AnalysisScope {
            collection: self.vault,
            cluster_id,
        };
        let job = server
            .client
            .credvault()
            .analyze(&scope, &self.checks)
            .await;
        let job = job.map_err(|error| server.failure(what, &error))?;
        self.waiting.finish(&server, job, what, format).await
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let mut filters = vec![("status", self.status.as_str())];
        filters.extend(self.kind.as_deref().map(|kind| ("kind", kind)));
        filters.extend(self.severity.as_deref().map(|worst| ("severity", worst)));
        let insights = server.client.credvault().insights(&filters).await;
        let insights =
            insights.map_err(|error| server.failure("cannot list the insights", &error))?;
        Records::list(COLUMNS, insights.into_iter().map(row).collect())
            .main(ID)
            .print(format)
    }
}

impl Feedback {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let server = context.server()?;
        let id = &self.id;
        let api = server.client.credvault();
        let told = api.insight_feedback(id, self.verdict.useful).await;
        told.map_err(|error| refused(&server, format!("cannot judge insight '{id}'"), &error))?;
        say("noted");
        Ok(())
    }
}

async fn show(context: &Context, id: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let insight = server.client.credvault().insight(id).await;
    let insight =
        insight.map_err(|error| refused(&server, format!("cannot show insight '{id}'"), &error))?;
    let evidence = Cell::Json(insight.evidence.clone());
    Records::one(COLUMNS, row(insight))
        .and("evidence", evidence)
        .main(ID)
        .print(format)
}

async fn set(context: &Context, id: &str, status: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let changed = server.client.credvault().insight_update(id, status).await;
    let insight = changed
        .map_err(|error| refused(&server, format!("cannot change insight '{id}'"), &error))?;
    say(&format!("{} is {} now", insight.id, insight.status));
    Records::one(COLUMNS, row(insight)).main(ID).print(format)
}

async fn recommendations(context: &Context) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let all = server.client.credvault().recommendations().await;
    let all = all.map_err(|error| server.failure("cannot list what to do next", &error))?;
    let rows = all.into_iter().map(|one| {
        vec![
            one.severity.into(),
            one.action.into(),
            one.resource_name.into(),
            one.summary.into(),
            one.collection.into(),
            one.insight_ids.into(),
        ]
    });
    let columns = &[
        "severity",
        "action",
        "resource_name",
        "summary",
        "vault",
        "insight_ids",
    ];
    Records::list(columns, rows.collect()).main(5).print(format)
}

/// A call about an insight that failed.
fn refused(server: &Remote, what: String, error: &Error) -> Failure {
    server
        .failure(what, error)
        .advise(Code::NotFound, "see the insights with kluis insight list")
}

fn row(insight: credvault::Insight) -> Vec<Cell> {
    vec![
        insight.severity.into(),
        insight.kind.into(),
        insight.resource_name.into(),
        insight.summary.into(),
        insight.status.into(),
        insight.detected_at.into(),
        insight.collection.into(),
        insight.resource_id.into(),
        insight.id.into(),
    ]
}
