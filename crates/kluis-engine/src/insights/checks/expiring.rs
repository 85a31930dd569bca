//! Values that expire soon, or have just expired.

use super::{DAY, Found, days};
use crate::clock::Timestamp;
use crate::insights::insight::Evidence;
use crate::insights::kind::Score;

/// From how many days before its end on it is told.
const AHEAD: u32 = 30;
/// For how long after its end: whoever has not missed it by then does not need it.
const BEHIND_DAYS: i64 = 30;

/// A secret whose value expires at `at`.
pub(in super::super) fn judge(at: Timestamp, factor: f64, now: Timestamp) -> Option<Found> {
    let bound_days = days(AHEAD, 1.0 / factor);
    let left = at.millis() - now.millis();
    let is_soon = left < bound_days * DAY && left > -BEHIND_DAYS * DAY;
    is_soon.then(|| {
        let left = left.max(0);
        Found {
            score: Score::of(1.0 - left as f64 / (bound_days * DAY) as f64),
            basis: at.millis().to_string(),
            evidence: Evidence::Expiring {
                expires_at: at.millis(),
                days_left: left / DAY,
                bound_days,
            },
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::insights::kind::Severity;

    fn in_days(left: i64, factor: f64) -> Option<Found> {
        let now = Timestamp::from_millis(4_000 * DAY);
        judge(
            Timestamp::from_millis(now.millis() + left * DAY),
            factor,
            now,
        )
    }

    #[test]
    fn an_end_is_told_a_month_before_and_a_month_after() {
        assert_eq!(in_days(30, 1.0), None);
        assert_eq!(in_days(29, 1.0).unwrap().score.severity(), Severity::Low);
        assert_eq!(
            in_days(0, 1.0).unwrap().score.severity(),
            Severity::Critical
        );
        assert_eq!(
            in_days(-29, 1.0).unwrap().score.severity(),
            Severity::Critical
        );
        assert_eq!(in_days(-30, 1.0), None);
        // Of less use: told later.
        assert_eq!(in_days(25, 1.4), None);
        assert!(in_days(45, 0.6).is_some());
    }

    proptest! {
        #[test]
        fn nearer_is_never_less_grave(left in 0_i64..40, less in 0_i64..40) {
            let score = |left| in_days(left, 1.0).map(|found| found.score);
            prop_assert!(score(left) <= score((left - less).max(0)));
        }
    }
}
