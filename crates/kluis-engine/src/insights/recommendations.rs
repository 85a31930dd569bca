//! What to do first: next actions out of the insights that somebody sees, the weightiest first.

use std::collections::BTreeMap;

use super::insight::{Evidence, Insight, InsightSubject};
use super::kind::{InsightKind, Score};
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::InsightId;

/// A next action.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// Where it stands among all, from 1.
    pub rank: usize,
    /// What to do.
    pub action: RecommendedAction,
    /// To what.
    pub subject: InsightSubject,
    /// What that is called.
    pub name: String,
    /// The name of the vault that it is in, for a secret.
    pub vault: Option<String>,
    /// How much all that is behind it weighs.
    pub score: Score,
    /// Scopes that would do, where some are to go.
    pub scopes: Option<Vec<String>>,
    /// What is behind it.
    pub insights: Vec<InsightId>,
}

/// What is recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecommendedAction {
    /// Give a key no more scopes than it needs.
    NarrowApiKey,
    /// Remove a secret that nobody reads.
    RemoveSecret,
    /// Find out who read, and why.
    ReviewAccess,
    /// Revoke a key that is not used.
    RevokeApiKey,
    /// Give a secret a new value, of its own and strong.
    RotateSecret,
}

impl RecommendedAction {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NarrowApiKey => "narrow_api_key",
            Self::RemoveSecret => "remove_secret",
            Self::ReviewAccess => "review_access",
            Self::RevokeApiKey => "revoke_api_key",
            Self::RotateSecret => "rotate_secret",
        }
    }

    fn of(insight: &Insight) -> Self {
        match (insight.kind, &insight.evidence) {
            (InsightKind::AccessAnomaly, _) => Self::ReviewAccess,
            (InsightKind::UnusedSecret, _) => Self::RemoveSecret,
            (InsightKind::OverPrivilegedKey, Some(Evidence::Key { used, .. }))
                if !used.is_empty() =>
            {
                Self::NarrowApiKey
            }
            (InsightKind::OverPrivilegedKey, _) => Self::RevokeApiKey,
            (
                InsightKind::ExpiringSecret
                | InsightKind::ReusedSecret
                | InsightKind::StaleSecret
                | InsightKind::WeakSecret,
                _,
            ) => Self::RotateSecret,
        }
    }
}

impl Engine {
    /// What the insights that the caller sees lead to, the weightiest first.
    pub async fn recommendation_list(&self, caller: &Caller) -> Result<Vec<Recommendation>, Error> {
        self.look(caller, Action::RecommendationList, async |conn, act| {
            Ok(recommendations(self.insights_seen(conn, act).await?))
        })
        .await
    }
}

/// One for each thing and action; equal ones in the order of the actions and then of the things.
fn recommendations(insights: Vec<Insight>) -> Vec<Recommendation> {
    let mut grouped: BTreeMap<_, Vec<Insight>> = BTreeMap::new();
    for insight in insights {
        if insight.status.is_over() {
            continue;
        }
        let action = RecommendedAction::of(&insight);
        grouped
            .entry((action, insight.subject))
            .or_default()
            .push(insight);
    }
    let mut ranked: Vec<Recommendation> = grouped
        .into_iter()
        .filter_map(|((action, subject), mut behind)| {
            behind.sort_by_key(|insight| (std::cmp::Reverse(insight.score), insight.id));
            let score = Score::together(behind.iter().map(|insight| insight.score));
            let insights = behind.iter().map(|insight| insight.id).collect();
            let first = behind.into_iter().next()?;
            let scopes = match first.evidence {
                Some(Evidence::Key { used, .. }) if action == RecommendedAction::NarrowApiKey => {
                    Some(used)
                }
                _ => None,
            };
            Some(Recommendation {
                rank: 0,
                action,
                subject,
                name: first.name,
                vault: first.vault,
                score,
                scopes,
                insights,
            })
        })
        .collect();
    // A stable sort: what weighs the same stays in the order of the groups.
    ranked.sort_by_key(|recommendation| std::cmp::Reverse(recommendation.score));
    for (rank, recommendation) in (1..).zip(&mut ranked) {
        recommendation.rank = rank;
    }
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::ids::{ApiKeyId, SecretId};
    use crate::insights::kind::InsightStatus;

    fn insight(number: u8, kind: InsightKind, subject: InsightSubject, share: f64) -> Insight {
        Insight {
            id: InsightId::from_bytes([number; 16]),
            kind,
            subject,
            name: "n".to_owned(),
            vault: None,
            score: Score::of(share),
            evidence: None,
            status: InsightStatus::Open,
            detected_at: Timestamp::from_millis(0),
            resolved_at: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        }
    }

    fn secret(number: u8) -> InsightSubject {
        InsightSubject::Secret(SecretId::from_bytes([number; 16]))
    }

    #[test]
    fn insights_about_one_thing_are_one_action_and_the_weightiest_comes_first() {
        use InsightKind::{OverPrivilegedKey, StaleSecret, UnusedSecret, WeakSecret};
        let key = InsightSubject::ApiKey(ApiKeyId::from_bytes([9; 16]));
        let narrowed = Insight {
            evidence: Some(Evidence::Key {
                used: vec!["database:read".to_owned()],
                unused: Vec::new(),
                unscoped: true,
                days: 30,
            }),
            ..insight(5, OverPrivilegedKey, key, 0.3)
        };
        let dismissed = Insight {
            status: InsightStatus::Dismissed,
            ..insight(6, WeakSecret, secret(3), 1.0)
        };
        let mut all = vec![
            insight(1, StaleSecret, secret(1), 0.5),
            insight(2, WeakSecret, secret(1), 0.6),
            insight(3, UnusedSecret, secret(2), 0.3),
            insight(4, WeakSecret, secret(2), 0.9),
            narrowed,
            dismissed,
        ];
        let ranked = recommendations(all.clone());
        let told: Vec<_> = ranked
            .iter()
            .map(|one| {
                (
                    one.rank,
                    one.action.as_str(),
                    one.subject,
                    one.insights.len(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (1, "rotate_secret", secret(2), 1),
                (2, "rotate_secret", secret(1), 2),
                (3, "narrow_api_key", key, 1),
                (4, "remove_secret", secret(2), 1),
            ]
        );
        assert_eq!(ranked[2].scopes, Some(vec!["database:read".to_owned()]));
        assert_eq!(ranked[1].insights[0], InsightId::from_bytes([2; 16]));
        all.reverse();
        assert_eq!(recommendations(all), ranked);
    }
}
