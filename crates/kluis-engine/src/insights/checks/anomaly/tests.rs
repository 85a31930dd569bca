//! Readers made by a seeded generator: what is found among them, and what is not.

use proptest::prelude::*;

use super::*;
use crate::insights::kind::Severity;
use crate::intelligence::Random;

const NOW: i64 = 400 * WEEK * HOUR;
const HOME: &str = "192.0.2.7";

fn at(hours_ago: i64) -> Timestamp {
    Timestamp::from_millis(NOW - hours_ago * HOUR)
}

/// Somebody who reads about as much every hour of working days, for as many weeks.
fn steady(random: &mut Random, weeks: i64) -> Vec<(Timestamp, u64, String)> {
    let mut reads = Vec::new();
    for hour in 1..weeks * WEEK {
        let of_week = (NOW / HOUR - hour).rem_euclid(WEEK);
        let works = of_week / 24 < 5 && (8..18).contains(&(of_week % 24));
        let usual = if works { 12 } else { 0 };
        // About as many as usual, as counts vary.
        let count = (0..2 * usual).filter(|_| random.below(2) == 1).count();
        if count > 0 {
            reads.push((at(hour), u64::try_from(count).unwrap(), HOME.to_owned()));
        }
    }
    reads
}

fn judged(reads: &[(Timestamp, u64, String)], factor: f64) -> Option<Found> {
    let mut all = Reads::default();
    for (at, count, address) in reads {
        all.add(*at, *count, address);
    }
    all.judge(Timestamp::from_millis(NOW), factor)
}

#[test]
fn an_hour_of_many_reads_is_found_and_says_what_was_usual() {
    let mut reads = steady(&mut Random(1), 9);
    assert_eq!(judged(&reads, 1.0), None);
    reads.push((at(30), 300, HOME.to_owned()));
    let found = judged(&reads, 1.0).unwrap();
    assert_eq!(found.score.severity(), Severity::Critical);
    let Evidence::Anomaly {
        hour: Some(hour),
        addresses,
        address_count,
    } = found.evidence
    else {
        panic!("{found:?}");
    };
    assert!(hour.reads >= 300 && hour.median < 20.0 && hour.weeks == 8);
    assert_eq!((addresses, address_count), (Vec::new(), 0));
    // It is news for seven days.
    let later = |days: i64| Timestamp::from_millis(NOW + days * 24 * HOUR);
    let mut all = Reads::default();
    for (at, count, address) in &reads {
        all.add(*at, *count, address);
    }
    assert!(all.judge(later(5), 1.0).is_some());
    assert_eq!(all.judge(later(6), 1.0), None);
}

#[test]
fn a_new_address_is_found_once_somebody_has_been_reading_for_a_while() {
    let mut reads = steady(&mut Random(1), 9);
    reads.push((at(3), 1, "2001:db8:1:2:3::4".to_owned()));
    reads.push((at(2), 1, "2001:db8:1:2:9::9".to_owned()));
    reads.push((at(2), 1, "::ffff:192.0.2.7".to_owned()));
    let Some(Evidence::Anomaly {
        hour: None,
        addresses,
        address_count: 1,
    }) = judged(&reads, 1.0).map(|found| found.evidence)
    else {
        panic!("{:?}", judged(&reads, 1.0));
    };
    assert_eq!(addresses, ["2001:db8:1:2::/64"]);
    // Whoever has just begun is new everywhere.
    let begins = [
        (at(60), 30, HOME.to_owned()),
        (at(5), 30, "198.51.100.9".to_owned()),
    ];
    assert_eq!(judged(&begins, 1.0), None);
}

#[test]
fn too_little_history_says_nothing() {
    let mut reads = steady(&mut Random(1), 4);
    reads.push((at(30), 300, HOME.to_owned()));
    assert_eq!(judged(&reads, 1.0), None);
    assert_eq!(judged(&[], 1.0), None);
}

/// Precision and recall on a generated set: a thousand readers of nine weeks, of whom every fourth has one unusual hour of two to twelve
/// times as many reads, and every fourth other one read from another address.
#[test]
fn unusual_readers_are_found_among_many() {
    let mut random = Random(2);
    let (mut right, mut wrong, mut missed) = (0_u32, 0_u32, 0_u32);
    for number in 0..1_000 {
        let mut reads = steady(&mut random, 9);
        let hours_ago = 1 + i64::try_from(random.below(160)).unwrap();
        let kind = number % 4;
        match kind {
            0 => {
                let count = 24 + u64::try_from(random.below(120)).unwrap();
                reads.push((at(hours_ago), count, HOME.to_owned()));
            }
            1 => reads.push((
                at(hours_ago),
                1,
                format!("198.51.100.{}", random.below(250)),
            )),
            _ => {}
        }
        match (kind < 2, judged(&reads, 1.0).is_some()) {
            (true, true) => right += 1,
            (true, false) => missed += 1,
            (false, true) => wrong += 1,
            (false, false) => {}
        }
    }
    let precision = f64::from(right) / f64::from(right + wrong);
    let recall = f64::from(right) / f64::from(right + missed);
    println!("access_anomaly precision {precision:.3} recall {recall:.3}");
    assert!(precision > 0.9 && recall > 0.9, "{precision} {recall}");
}

proptest! {
    #[test]
    fn the_order_of_reads_makes_no_difference_and_more_is_never_less(seed in any::<u64>(), extra in 20_u64..500, more in 0_u64..500) {
        let mut reads = steady(&mut Random(seed), 9);
        reads.push((at(40), extra, HOME.to_owned()));
        reads.push((at(41), 3, "198.51.100.9".to_owned()));
        let found = judged(&reads, 1.0);
        let backward: Vec<_> = reads.iter().rev().cloned().collect();
        prop_assert_eq!(&judged(&backward, 1.0), &found);
        reads.push((at(40), more, HOME.to_owned()));
        prop_assert!(judged(&reads, 1.0).map(|found| found.score) >= found.map(|found| found.score));
    }

    #[test]
    fn a_higher_bound_finds_no_more(seed in any::<u64>(), extra in 0_u64..60) {
        let mut reads = steady(&mut Random(seed), 9);
        reads.push((at(40), extra, HOME.to_owned()));
        prop_assert!(judged(&reads, 1.4).is_none() || judged(&reads, 1.0).is_some());
    }
}
