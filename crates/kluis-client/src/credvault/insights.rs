//! Insights: what deserves a look about the secrets that are kept (contract B6).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CredVault, Job};
use crate::Error;
use crate::http::Call;

impl CredVault<'_> {
    /// The insights that the caller may see and that fit: pairs of a filter's name and its value.
    pub async fn insights(self, filters: &[(&str, &str)]) -> Result<Vec<Insight>, Error> {
        self.list(&["v1", "intelligence", "insights"], filters)
            .await
    }

    /// One insight.
    pub async fn insight(self, insight: &str) -> Result<Insight, Error> {
        self.one(Call::get(&["v1", "intelligence", "insights", insight]))
            .await
    }

    /// Says what is done about an insight: `open`, `acknowledged`, `resolved` or `dismissed`.
    pub async fn insight_update(self, insight: &str, status: &str) -> Result<Insight, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            status: &'b str,
        }
        let segments = ["v1", "intelligence", "insights", insight];
        self.one(Call::patch(&segments).json(&Body { status })?)
            .await
    }

    /// What to do next, the most pressing first.
    pub async fn recommendations(self) -> Result<Vec<Recommendation>, Error> {
        self.list(&["v1", "intelligence", "recommendations"], &[])
            .await
    }

    /// Says whether an insight was of use, which moves the bound of its kind a little.
    pub async fn insight_feedback(self, insight: &str, useful: bool) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            insight_id: &'b str,
            useful: bool,
        }
        let body = Body {
            insight_id: insight,
            useful,
        };
        self.0
            .call_unit(Call::post(&["v1", "intelligence", "feedback"]).json(&body)?)
            .await
    }

    /// Begins an analysis of these kinds, or of all; of a collection, of a cluster, or of all that there is.
    pub async fn analyze(self, scope: &AnalysisScope, checks: &[String]) -> Result<Job, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            #[serde(skip_serializing_if = "AnalysisScope::is_all")]
            scope: &'b AnalysisScope,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            checks: &'b [String],
        }
        let body = Body { scope, checks };
        self.one(Call::post(&["v1", "intelligence", "analyze"]).json(&body)?)
            .await
    }
}

/// Something that deserves a look.
#[derive(Debug, Clone, Deserialize)]
pub struct Insight {
    /// `insight_` and 22 characters.
    pub id: String,
    /// Such as `weak_secret`.
    pub kind: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// How much it weighs, from 0 to 1.
    pub score: f64,
    /// Id of what it is about.
    pub resource_id: String,
    /// What that is called.
    pub resource_name: String,
    /// The collection of a record, which is a vault.
    #[serde(default)]
    pub collection: Option<String>,
    /// In a sentence.
    pub summary: String,
    /// The numbers behind it, as far as the caller may know them.
    #[serde(default)]
    pub evidence: Value,
    /// `open`, `acknowledged`, `resolved` or `dismissed`.
    pub status: String,
    /// When it was found, or found again; RFC 3339, UTC.
    pub detected_at: String,
}

/// Something to do, and why.
#[derive(Debug, Clone, Deserialize)]
pub struct Recommendation {
    /// In a word, such as `rotate_secret`.
    pub action: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// What it is to be done to, by name.
    pub resource_name: String,
    /// The collection of a record, which is a vault.
    #[serde(default)]
    pub collection: Option<String>,
    /// In a sentence.
    pub summary: String,
    /// The insights behind it.
    pub insight_ids: Vec<String>,
}

/// What an analysis is of; all that the caller may analyze where both are `None`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AnalysisScope {
    /// Name of a collection, which is a vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// Id of a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
}

impl AnalysisScope {
    fn is_all(&self) -> bool {
        self.collection.is_none() && self.cluster_id.is_none()
    }
}
