//! Values that were not changed for longer than they should be: than their cluster's interval, or than is usual for what they are.

use super::{DAY, Found, days};
use crate::clock::Timestamp;
use crate::insights::insight::Evidence;
use crate::insights::kind::Score;

/// How long a value of this type stays good unless its cluster says otherwise, in days.
const fn usual_days(kind: &str) -> u32 {
    match kind.as_bytes() {
        b"password" | b"database" | b"api_key" => 90,
        b"certificate" | b"ssh_key" => 365,
        _ => 180,
    }
}

/// A secret of the type `kind`, whose value is of `written`. `interval` is that of its cluster, in days, where passwords are changed
/// there; a day later it is late.
pub(in super::super) fn judge(
    kind: &str,
    written: Timestamp,
    interval: Option<u32>,
    factor: f64,
    now: Timestamp,
) -> Option<Found> {
    let bound_days = match interval {
        // Somebody has said so: opinions do not move it.
        Some(interval) => i64::from(interval) + 1,
        None => days(usual_days(kind), factor),
    };
    let age_days = (now.millis() - written.millis()) / DAY;
    (age_days >= bound_days).then(|| Found {
        // At the bound nothing, at twice the bound a half.
        score: Score::of(1.0 - bound_days as f64 / age_days as f64),
        basis: written.millis().to_string(),
        evidence: Evidence::Stale {
            age_days,
            bound_days,
            rotated: interval.is_some(),
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn aged(kind: &str, age: i64, interval: Option<u32>, factor: f64) -> Option<Found> {
        let now = Timestamp::from_millis(4_000 * DAY);
        let written = Timestamp::from_millis(now.millis() - age * DAY);
        judge(kind, written, interval, factor, now)
    }

    #[test]
    fn a_value_is_stale_when_its_time_is_over() {
        assert_eq!(aged("password", 89, None, 1.0), None);
        assert!(aged("password", 90, None, 1.0).is_some());
        assert_eq!(aged("certificate", 364, None, 1.0), None);
        assert_eq!(aged("generic", 179, None, 1.0), None);
        // An interval of a cluster's stands, whatever people think.
        assert_eq!(aged("database", 30, Some(30), 0.6), None);
        assert!(aged("database", 31, Some(30), 1.4).is_some());
    }

    proptest! {
        #[test]
        fn older_is_never_better(age in 0_i64..3_000, more in 0_i64..3_000) {
            let score = |age| aged("api_key", age, None, 1.0).map(|found| found.score);
            prop_assert!(score(age) <= score(age + more));
            prop_assert_eq!(aged("api_key", age, None, 1.0), aged("api_key", age, None, 1.0));
        }
    }
}
