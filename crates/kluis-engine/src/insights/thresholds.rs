//! What an organization thinks of insights, and how far that moves the bounds of each kind (contract B6).
//!
//! Each person counts once for an insight, and moves a kind by two steps at most; all together move it by four. A step is a tenth
//! of the bound. So whoever dislikes what is found can have less of it, and never none.

use std::collections::BTreeMap;

use super::kind::InsightKind;
use crate::error::Error;
use crate::ids::OrganizationId;
use crate::store::sql::insights as sql;
use crate::store::{Conn, params};

/// By how many steps the bounds of each kind are moved: less is told above zero, more below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Thresholds(BTreeMap<InsightKind, i64>);

/// Steps that one person moves a kind by.
const OF_ONE: i64 = 2;
/// Steps that all move it by.
const OF_ALL: i64 = 4;

impl Thresholds {
    /// As they are stored.
    pub(super) async fn load(conn: &mut Conn, organization: OrganizationId) -> Result<Self, Error> {
        let mut votes = Vec::new();
        for mut row in conn
            .query(sql::VOTES, params![organization.bytes()])
            .await?
        {
            let kind = InsightKind::parse(&row.text()?);
            let _user = row.blob()?;
            let balance = row.int()?;
            votes.extend(kind.map(|kind| (kind, balance)));
        }
        Ok(Self::of(&votes))
    }

    /// From what each person thinks of each kind: votes that say useful, less those that do not.
    fn of(votes: &[(InsightKind, i64)]) -> Self {
        let mut steps: BTreeMap<InsightKind, i64> = BTreeMap::new();
        for (kind, balance) in votes {
            *steps.entry(*kind).or_default() -= balance.clamp(&-OF_ONE, &OF_ONE);
        }
        for step in steps.values_mut() {
            *step = (*step).clamp(-OF_ALL, OF_ALL);
        }
        Self(steps)
    }

    /// What a kind's bound is multiplied with, or divided by where less is more: in percent.
    pub(super) fn percent(&self, kind: InsightKind) -> u8 {
        let steps = self.0.get(&kind).copied().unwrap_or(0);
        u8::try_from(100 + 10 * steps).unwrap_or(100)
    }

    /// The same as a factor.
    pub(super) fn factor(&self, kind: InsightKind) -> f64 {
        f64::from(self.percent(kind)) / 100.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KIND: InsightKind = InsightKind::WeakSecret;

    fn percent(balances: &[i64]) -> u8 {
        let votes: Vec<_> = balances.iter().map(|balance| (KIND, *balance)).collect();
        Thresholds::of(&votes).percent(KIND)
    }

    #[test]
    fn a_vote_is_a_step_and_nobody_takes_more_than_two() {
        assert_eq!(percent(&[]), 100);
        assert_eq!(percent(&[1]), 90);
        assert_eq!(percent(&[-1]), 110);
        assert_eq!(percent(&[-900]), 120);
        assert_eq!(percent(&[-900, -900, -900]), 140);
        assert_eq!(percent(&[900, 900, 900]), 60);
        assert_eq!(percent(&[-2, 1]), 110);
        let other = Thresholds::of(&[(InsightKind::StaleSecret, -1)]);
        assert_eq!(other.percent(KIND), 100);
    }

    proptest! {
        #[test]
        fn whatever_people_think_bounds_stay_within_bounds(balances in proptest::collection::vec(any::<i64>(), 0..20)) {
            prop_assert!((60..=140).contains(&percent(&balances)));
            let backward: Vec<i64> = balances.iter().rev().copied().collect();
            prop_assert_eq!(percent(&balances), percent(&backward));
        }
    }
}
