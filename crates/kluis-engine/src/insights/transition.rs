//! What becomes of an insight when it is looked for again: the whole rule.

use super::checks::Found;
use super::kind::InsightStatus;

/// What is stored of an insight, as far as the rule needs it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) status: InsightStatus,
    pub(super) basis: String,
    /// Score and evidence as they are stored.
    pub(super) told: (i64, String),
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transition {
    /// Nothing.
    Keep,
    /// It is made.
    Open,
    /// It waits for somebody again.
    Reopen,
    /// It weighs something else, or rests on something else, and stands where it stood.
    Refresh,
    /// It is over.
    Resolve,
}

/// An insight that is `known`, or not, and is found to be so, or not. What somebody has dismissed or acknowledged stays so while its
/// basis does.
pub(super) fn transition(known: Option<&Known>, found: Option<(&Found, &str)>) -> Transition {
    let (known, (found, evidence)) = match (known, found) {
        (None, None) => return Transition::Keep,
        (None, Some(_)) => return Transition::Open,
        (Some(known), None) if known.status == InsightStatus::Resolved => return Transition::Keep,
        (Some(_), None) => return Transition::Resolve,
        (Some(known), Some(found)) => (known, found),
    };
    let is_same = known.basis == found.basis;
    match known.status {
        InsightStatus::Resolved => Transition::Reopen,
        InsightStatus::Acknowledged | InsightStatus::Dismissed if !is_same => Transition::Reopen,
        _ if is_same && known.told == (found.score.stored(), evidence.to_owned()) => {
            Transition::Keep
        }
        _ => Transition::Refresh,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insights::insight::Evidence;
    use crate::insights::kind::Score;

    fn found(basis: &str, share: f64) -> Found {
        Found {
            score: Score::of(share),
            basis: basis.to_owned(),
            evidence: Evidence::Reused {
                others: Vec::new(),
                count: 2,
            },
        }
    }

    fn known(status: InsightStatus, basis: &str) -> Known {
        Known {
            status,
            basis: basis.to_owned(),
            told: (5_000, "{}".to_owned()),
        }
    }

    #[test]
    fn what_is_decided_stays_decided_while_nothing_is_new() {
        use InsightStatus::{Acknowledged, Dismissed, Open, Resolved};
        use Transition::{Keep, Refresh, Reopen, Resolve};
        for (status, same, heavier, changed, gone) in [
            (Open, Keep, Refresh, Refresh, Resolve),
            (Acknowledged, Keep, Refresh, Reopen, Resolve),
            (Dismissed, Keep, Refresh, Reopen, Resolve),
            (Resolved, Reopen, Reopen, Reopen, Keep),
        ] {
            let known = known(status, "a");
            let becomes = |found: Option<Found>| {
                transition(Some(&known), found.as_ref().map(|found| (found, "{}")))
            };
            assert_eq!(becomes(Some(found("a", 0.5))), same, "{status:?}");
            assert_eq!(becomes(Some(found("a", 0.6))), heavier, "{status:?}");
            assert_eq!(becomes(Some(found("b", 0.5))), changed, "{status:?}");
            assert_eq!(becomes(None), gone, "{status:?}");
        }
        assert_eq!(
            transition(None, Some((&found("a", 0.5), "{}"))),
            Transition::Open
        );
        assert_eq!(transition(None, None), Keep);
    }
}
