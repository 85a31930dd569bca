//! Insights: what analyses find (contract B6).

use kluis_engine::{
    Analysis, AnalysisScope, Caller, ClusterId, Engine, Error, InsightId, InsightKind,
    InsightStatus, InsightSubject, SecretId, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{evidence, filled, spelled};
use crate::api::extract::stated;
use crate::api::ids::{Id, prefixed};

/// What to look through, and what for.
#[derive(Default, Deserialize, ToSchema)]
pub(in super::super) struct AnalysisCreate {
    /// The whole account unless given.
    scope: Option<AnalysisPart>,
    /// All that apply unless given.
    #[schema(min_items = 1)]
    checks: Option<Vec<InsightCheck>>,
}

/// A part of the account: one of the two.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct AnalysisPart {
    /// The records of this collection.
    #[schema(examples("billing"))]
    collection: Option<String>,
    /// The records that are bound to this cluster.
    #[schema(value_type = Option<String>)]
    cluster_id: Option<Id<ClusterId>>,
}

/// A kind of insights.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum InsightCheck {
    AccessAnomaly,
    ExpiringSecret,
    OverPrivilegedKey,
    ReusedSecret,
    StaleSecret,
    UnusedSecret,
    WeakSecret,
}

/// Something that deserves a look.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Insight {
    id: String,
    /// `weak_secret`, `reused_secret`, `stale_secret`, `expiring_secret`, `unused_secret`, `over_privileged_key` or `access_anomaly`.
    #[schema(examples("stale_secret"))]
    kind: &'static str,
    /// `low`, `medium`, `high` or `critical`.
    #[schema(examples("medium"))]
    severity: &'static str,
    /// How much it weighs: below 0.25 is low, from 0.75 on critical. The same inputs give the same score.
    #[schema(minimum = 0, maximum = 1, examples(0.25))]
    score: f64,
    /// Id of the record, key, user or agent that it is about.
    #[schema(examples("resource_01JQ7fQ2mZ81kLp0aWcDeF"))]
    resource_id: String,
    /// `record`, `api_key`, `user` or `agent`.
    #[schema(examples("record"))]
    resource_type: &'static str,
    /// What that is called.
    #[schema(examples("billing-rw"))]
    resource_name: String,
    /// The collection of a record.
    #[schema(examples("billing"))]
    collection: Option<String>,
    /// What is so, in a sentence.
    #[schema(examples("Its value has not changed for 120 days."))]
    summary: String,
    /// What that rests on, with units in the names of members; empty where it would tell of a value that one may not read.
    #[schema(value_type = Object, examples(json!({"age_days": 120, "bound_days": 90, "bound_by": "usual"})))]
    evidence: Value,
    /// `open`, `acknowledged`, `dismissed` or `resolved`.
    #[schema(examples("open"))]
    status: &'static str,
    /// When it was found, or found again.
    #[schema(examples("2026-01-02T03:04:05Z"))]
    detected_at: String,
    /// When it was resolved or dismissed.
    #[schema(examples(json!(null)))]
    resolved_at: Option<String>,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    created_at: String,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    updated_at: String,
}

/// What to change of an insight.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct InsightUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<InsightState>)]
    status: Option<Option<InsightState>>,
}

/// Where an insight stands.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum InsightState {
    Open,
    Acknowledged,
    Resolved,
    Dismissed,
}

/// Whether an insight is of use.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct FeedbackCreate {
    #[schema(value_type = String, examples("insight_01JQ1xA2bC3dE4fG5hI6jK"))]
    insight_id: Id<InsightId>,
    #[schema(examples(true))]
    useful: bool,
}

/// What came of that.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Feedback {
    #[schema(examples("insight_01JQ1xA2bC3dE4fG5hI6jK"))]
    insight_id: String,
    #[schema(examples("stale_secret"))]
    kind: &'static str,
    #[schema(examples(true))]
    useful: bool,
    /// How the bound of this kind stands now, in percent of the usual one: more is told below 100, less above.
    #[schema(minimum = 60, maximum = 140, examples(90))]
    threshold_percent: u8,
}

/// A next action.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Recommendation {
    /// From 1.
    #[schema(examples(1))]
    rank: usize,
    /// `rotate_secret`, `remove_secret`, `narrow_api_key`, `revoke_api_key` or `review_access`.
    #[schema(examples("rotate_secret"))]
    action: &'static str,
    #[schema(examples("medium"))]
    severity: &'static str,
    /// How much all that is behind it weighs.
    #[schema(minimum = 0, maximum = 1, examples(0.25))]
    score: f64,
    #[schema(examples("resource_01JQ7fQ2mZ81kLp0aWcDeF"))]
    resource_id: String,
    /// `record`, `api_key`, `user` or `agent`.
    #[schema(examples("record"))]
    resource_type: &'static str,
    #[schema(examples("billing-rw"))]
    resource_name: String,
    #[schema(examples("billing"))]
    collection: Option<String>,
    /// What to do, in a sentence.
    #[schema(examples("Give the record a new secret, strong and of its own."))]
    summary: &'static str,
    /// Scopes that would do, where a key is to have fewer.
    #[schema(examples(json!(null)))]
    scopes: Option<Vec<String>>,
    /// The insights behind it, the weightiest first.
    #[schema(examples(json!(["insight_01JQ1xA2bC3dE4fG5hI6jK"])))]
    insight_ids: Vec<String>,
}

impl AnalysisCreate {
    /// The analysis to make.
    pub(in super::super) async fn analysis(
        self,
        engine: &Engine,
        caller: &Caller,
    ) -> Result<Analysis, Error> {
        let checks = self.checks;
        if checks.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::invalid("checks", "must name at least one"));
        }
        let checks = checks.into_iter().flatten().map(InsightKind::from);
        let scope = match self.scope {
            None => AnalysisScope::All,
            Some(AnalysisPart {
                collection: Some(name),
                cluster_id: None,
            }) => AnalysisScope::Vault(engine.vault_id(caller, &name).await?),
            Some(AnalysisPart {
                collection: None,
                cluster_id: Some(Id(cluster)),
            }) => AnalysisScope::Cluster(cluster),
            Some(_) => {
                let why = "must have a collection or a cluster_id, and not both";
                return Err(Error::invalid("scope", why));
            }
        };
        Ok(Analysis {
            scope,
            checks: checks.collect(),
        })
    }
}

impl InsightUpdate {
    /// The status to give it.
    pub(in super::super) fn status(self) -> Result<Option<InsightStatus>, Error> {
        Ok(filled("status", self.status)?.map(|status| match status {
            InsightState::Open => InsightStatus::Open,
            InsightState::Acknowledged => InsightStatus::Acknowledged,
            InsightState::Resolved => InsightStatus::Resolved,
            InsightState::Dismissed => InsightStatus::Dismissed,
        }))
    }
}

impl FeedbackCreate {
    /// What is said of which insight.
    pub(in super::super) fn vote(self) -> (InsightId, bool) {
        (self.insight_id.0, self.useful)
    }
}

impl From<InsightCheck> for InsightKind {
    fn from(check: InsightCheck) -> Self {
        match check {
            InsightCheck::AccessAnomaly => Self::AccessAnomaly,
            InsightCheck::ExpiringSecret => Self::ExpiringSecret,
            InsightCheck::OverPrivilegedKey => Self::OverPrivilegedKey,
            InsightCheck::ReusedSecret => Self::ReusedSecret,
            InsightCheck::StaleSecret => Self::StaleSecret,
            InsightCheck::UnusedSecret => Self::UnusedSecret,
            InsightCheck::WeakSecret => Self::WeakSecret,
        }
    }
}

impl From<kluis_engine::Insight> for Insight {
    fn from(insight: kluis_engine::Insight) -> Self {
        let found = insight.evidence.as_ref();
        Self {
            id: prefixed("insight_", insight.id.bytes()),
            kind: insight.kind.as_str(),
            severity: insight.score.severity().as_str(),
            score: insight.score.share(),
            resource_id: spelled(insight.subject.kind(), insight.subject.id_bytes()),
            resource_type: type_of(&insight.subject),
            resource_name: insight.name,
            collection: insight.vault,
            summary: evidence::summary(insight.kind, found),
            evidence: found.map_or_else(|| json!({}), evidence::shown),
            status: insight.status.as_str(),
            detected_at: insight.detected_at.rfc3339_seconds(),
            resolved_at: insight.resolved_at.map(Timestamp::rfc3339_seconds),
            created_at: insight.created_at.rfc3339_seconds(),
            updated_at: insight.updated_at.rfc3339_seconds(),
        }
    }
}

impl From<kluis_engine::Vote> for Feedback {
    fn from(vote: kluis_engine::Vote) -> Self {
        Self {
            insight_id: prefixed("insight_", vote.insight.bytes()),
            kind: vote.kind.as_str(),
            useful: vote.useful,
            threshold_percent: vote.threshold_percent,
        }
    }
}

impl From<kluis_engine::Recommendation> for Recommendation {
    fn from(one: kluis_engine::Recommendation) -> Self {
        use kluis_engine::RecommendedAction::{
            NarrowApiKey, RemoveSecret, ReviewAccess, RevokeApiKey, RotateSecret,
        };
        let ids = one.insights.iter();
        Self {
            rank: one.rank,
            action: one.action.as_str(),
            severity: one.score.severity().as_str(),
            score: one.score.share(),
            resource_id: spelled(one.subject.kind(), one.subject.id_bytes()),
            resource_type: type_of(&one.subject),
            resource_name: one.name,
            collection: one.vault,
            summary: match one.action {
                NarrowApiKey => "Give the key only the scopes that it uses.",
                RemoveSecret => {
                    "Remove the record, unless something needs it that does not ask here."
                }
                ReviewAccess => {
                    "Find out whether these reads were meant, and revoke the credential if not."
                }
                RevokeApiKey => "Revoke the key: nothing uses it.",
                RotateSecret => "Give the record a new secret, strong and of its own.",
            },
            scopes: one.scopes,
            insight_ids: ids.map(|id| prefixed("insight_", id.bytes())).collect(),
        }
    }
}

/// Both spellings of the id of what an insight is about.
pub(in super::super) fn spellings(subject: &InsightSubject) -> [String; 2] {
    let id = subject.id_bytes();
    let uuid = SecretId::from_bytes(*id).to_string();
    [spelled(subject.kind(), id), uuid]
}

fn type_of(subject: &InsightSubject) -> &'static str {
    match subject {
        InsightSubject::Secret(_) => "record",
        InsightSubject::Agent(_) | InsightSubject::ApiKey(_) | InsightSubject::User(_) => {
            subject.kind()
        }
    }
}
