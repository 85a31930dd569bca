//! Secrets that nobody reads.

use super::{DAY, Found, days};
use crate::clock::Timestamp;
use crate::insights::insight::Evidence;
use crate::insights::kind::Score;

/// How long a secret may lie without a read, in days.
const IDLE: u32 = 90;
/// Nothing breaks by lying about: it is never among the gravest.
const MOST: f64 = 0.74;

/// How many days of the record this looks at.
pub(in super::super) fn bound_days(factor: f64) -> i64 {
    days(IDLE, factor)
}

/// A secret whose value is of `written`, and was last read at `read`, as far as the record was looked at.
pub(in super::super) fn judge(
    written: Timestamp,
    read: Option<Timestamp>,
    factor: f64,
    now: Timestamp,
) -> Option<Found> {
    let bound_days = bound_days(factor);
    let since = read.map_or(written, |read| read.max(written));
    let idle_days = (now.millis() - since.millis()) / DAY;
    (idle_days >= bound_days).then(|| Found {
        score: Score::of((1.0 - bound_days as f64 / idle_days as f64).min(MOST)),
        basis: since.millis().to_string(),
        evidence: Evidence::Unused {
            idle_days,
            bound_days,
            last_read_at: read.map(Timestamp::millis),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_used_when_it_is_read_or_changed() {
        let now = Timestamp::from_millis(4_000 * DAY);
        let ago = |days: i64| Timestamp::from_millis(now.millis() - days * DAY);
        assert_eq!(judge(ago(89), None, 1.0, now), None);
        assert!(judge(ago(90), None, 1.0, now).is_some());
        assert_eq!(judge(ago(900), Some(ago(5)), 1.0, now), None);
        assert_eq!(judge(ago(5), Some(ago(900)), 1.0, now), None);
        let found = judge(ago(900), Some(ago(100)), 1.0, now).unwrap();
        assert!(found.score < judge(ago(900), None, 1.0, now).unwrap().score);
        assert!(judge(ago(4_000), None, 0.6, now).unwrap().score.share() < 0.75);
    }
}
