//! Keys that may more than they need: scopes that no act of the last 30 days has needed.

use std::collections::BTreeSet;

use super::Found;
use crate::action::{Action, Scope, ScopeNeed};
use crate::caller::{Role, ScopeSet};
use crate::insights::insight::Evidence;
use crate::insights::kind::Score;

/// How many days of the record that is true of (contract B6).
pub(in super::super) const DAYS: i64 = 30;

/// What each scope is worth to whoever finds a key; those that open nothing are worth nothing.
const WEIGHTS: [(Scope, f64); 9] = [
    (Scope::DatabaseRead, 2.0),
    (Scope::DatabaseWrite, 3.0),
    (Scope::ExperimentWrite, 1.0),
    (Scope::LogsRead, 1.0),
    (Scope::MetadataRead, 1.0),
    (Scope::OrchestrationExecute, 2.0),
    (Scope::QueryExecute, 2.0),
    (Scope::SettingsModify, 3.0),
    (Scope::TeamManage, 3.0),
];
const ALL_WEIGHTS: f64 = 18.0;
/// From which share of all on it is told.
const LEAST: f64 = 0.05;

/// A key with these scopes, or none for all that its user may, whose user has `role`, and that has done these `acts`.
pub(in super::super) fn judge(
    scopes: Option<ScopeSet>,
    role: Role,
    acts: &BTreeSet<String>,
    factor: f64,
) -> Option<Found> {
    let held = scopes.unwrap_or(role.scopes()).and(role.scopes());
    let (used, needs_everything) = needed(held, acts);
    if scopes.is_none() && needs_everything {
        return None;
    }
    let is_unused = |scope: &Scope| held.contains(*scope) && !used.contains(*scope);
    let unused = WEIGHTS.iter().filter(|(scope, _)| is_unused(scope));
    let share = unused.clone().map(|(_, weight)| weight).sum::<f64>() / ALL_WEIGHTS;
    if share < LEAST * factor {
        return None;
    }
    let words = |scopes: &mut dyn Iterator<Item = Scope>| {
        scopes
            .map(|scope| scope.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    let unused = words(&mut unused.map(|(scope, _)| *scope));
    let used = words(&mut Scope::ALL.into_iter().filter(|scope| used.contains(*scope)));
    Some(Found {
        score: Score::of(share),
        basis: format!("{} {}", unused.join(","), scopes.is_none()),
        evidence: Evidence::Key {
            used,
            unused,
            unscoped: scopes.is_none(),
            days: DAYS,
        },
    })
}

/// The scopes of `held` that these acts need, the least one where several would do; and whether one needs a key without a ceiling.
fn needed(held: ScopeSet, acts: &BTreeSet<String>) -> (ScopeSet, bool) {
    let (mut used, mut needs_everything) = (ScopeSet::default(), false);
    let rules = Action::ALL.iter().map(|action| action.rule());
    for rule in rules.filter(|rule| acts.contains(rule.name)) {
        match rule.scopes {
            ScopeNeed::Any => {}
            ScopeNeed::OneOf(some) => {
                let least = some.iter().find(|scope| held.contains(**scope));
                used = least.map_or(used, |scope| used.with(*scope));
            }
            ScopeNeed::Unscoped => needs_everything = true,
        }
    }
    (used, needs_everything)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn acts(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn unused(scopes: Option<&[Scope]>, names: &[&str]) -> Vec<String> {
        let scopes = scopes.map(|scopes| scopes.iter().copied().collect());
        match judge(scopes, Role::Owner, &acts(names), 1.0).map(|found| found.evidence) {
            Some(Evidence::Key { unused, .. }) => unused,
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_scope_is_used_when_an_act_needs_it() {
        let both = [Scope::DatabaseRead, Scope::DatabaseWrite];
        assert_eq!(
            unused(Some(&both), &["secret.read", "secret.write"]),
            [""; 0]
        );
        assert_eq!(unused(Some(&both), &["secret.read"]), ["database:write"]);
        // Either would do for a list: the lesser is taken to be needed.
        let either = [Scope::DatabaseRead, Scope::MetadataRead];
        assert_eq!(unused(Some(&either), &["secret.list"]), ["database:read"]);
        assert_eq!(
            unused(Some(&[Scope::DatabaseRead]), &["secret.list"]),
            [""; 0]
        );
        // What opens nothing can be left unused.
        assert_eq!(unused(Some(&[Scope::BillingManage]), &[]), [""; 0]);
    }

    #[test]
    fn a_key_without_a_ceiling_needs_none_where_a_scope_would_not_do() {
        assert_eq!(unused(None, &["secret.read"]).len(), WEIGHTS.len() - 1);
        assert_eq!(unused(None, &["user.list"]), [""; 0]);
        let all = judge(None, Role::Owner, &acts(&[]), 1.0).unwrap();
        let viewer = judge(None, Role::Viewer, &acts(&[]), 1.0).unwrap();
        assert!(viewer.score < all.score);
        assert!((all.score.share() - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn doing_more_is_never_held_against_a_key(
            held in proptest::sample::subsequence(Scope::ALL.to_vec(), 0..13),
            some in proptest::sample::subsequence(vec!["secret.read", "secret.list", "job.list", "audit.list", "cluster.test"], 0..5),
        ) {
            let held: ScopeSet = held.into_iter().collect();
            let score = |names: &[&str]| judge(Some(held), Role::Admin, &acts(names), 1.0).map(|found| found.score);
            prop_assert!(score(&some) <= score(&[]));
        }
    }
}
