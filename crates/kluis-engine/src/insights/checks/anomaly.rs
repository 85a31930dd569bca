//! Who reads more than usual, or from somewhere else, in the last seven days.
//!
//! An hour is held against the same hour of the week in up to eight weeks before, by a robust z-score: how far it is from their median,
//! in deviations that one outlier among them does not move. An address is new when nothing was read from it before by
//! somebody who has been reading for a while.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Found;
use crate::clock::Timestamp;
use crate::insights::insight::{Evidence, UnusualHour};
use crate::insights::kind::Score;

/// How many days of the record this looks at.
pub(in super::super) const DAYS: i64 = 7 * (MOST_WEEKS + 1);

/// What somebody has read.
#[derive(Default)]
pub(in super::super) struct Reads {
    /// Values in each hour since the epoch.
    hours: BTreeMap<i64, u64>,
    /// When each address was first read from, in milliseconds.
    addresses: BTreeMap<String, i64>,
}

const HOUR: i64 = 60 * 60 * 1000;
const WEEK: i64 = 7 * 24;
const MOST_WEEKS: i64 = 8;
const LEAST_WEEKS: usize = 4;
/// An hour with less is not unusual, whatever the others were.
const LEAST_READS: u64 = 10;
const USUAL_Z: f64 = 3.5;
/// What makes a median of deviations a standard deviation, where they are normal.
const NORMAL: f64 = 1.4826;
/// How many reads somebody has behind them who has been reading for a while, and for how many hours.
const READS_BEFORE: f64 = 20.0;
const HOURS_BEFORE: i64 = WEEK;
/// What a new address weighs.
const NEW_ADDRESS: f64 = 0.5;
const MOST_NAMED: usize = 5;
/// More of one reader are not told apart: whoever has so many is new everywhere anyway.
const MOST_ADDRESSES: usize = 10_000;

impl Reads {
    /// So many values were read then, from there. The order makes no difference.
    pub(in super::super) fn add(&mut self, at: Timestamp, count: u64, address: &str) {
        let hour = at.millis().div_euclid(HOUR);
        let reads = self.hours.entry(hour).or_default();
        *reads = reads.saturating_add(count);
        let Some(network) = network(address) else {
            return;
        };
        if self.addresses.len() < MOST_ADDRESSES || self.addresses.contains_key(&network) {
            let first = self.addresses.entry(network).or_insert(at.millis());
            *first = at.millis().min(*first);
        }
    }

    /// Whether there is something unusual in the last seven days before `now`.
    pub(in super::super) fn judge(&self, now: Timestamp, factor: f64) -> Option<Found> {
        let last = now.millis().div_euclid(HOUR);
        let watched = (last - WEEK + 1)..=last;
        let bound_z = (USUAL_Z * factor * 100.0).round() / 100.0;
        let unusual: Vec<UnusualHour> = self
            .hours
            .range(watched)
            .filter_map(|(hour, reads)| self.unusual(*hour, *reads, bound_z))
            .collect();
        let new = self.new_addresses(last, factor);
        let worst = unusual
            .iter()
            .copied()
            .max_by(|one, other| one.robust_z.total_cmp(&other.robust_z));
        let newest = unusual.iter().map(|hour| hour.at);
        let newest = newest.chain(new.iter().map(|(_, at)| *at)).max()?;
        let of_hour = worst.map(|hour| Score::of(1.0 - bound_z / hour.robust_z));
        let of_addresses = new.iter().map(|_| Score::of(NEW_ADDRESS));
        Some(Found {
            score: Score::together(of_hour.into_iter().chain(of_addresses)),
            basis: newest.to_string(),
            evidence: Evidence::Anomaly {
                hour: worst,
                addresses: new
                    .iter()
                    .take(MOST_NAMED)
                    .map(|(address, _)| address.clone())
                    .collect(),
                address_count: new.len(),
            },
        })
    }

    /// An hour against the same hour of the weeks before.
    fn unusual(&self, hour: i64, reads: u64, bound_z: f64) -> Option<UnusualHour> {
        if reads < LEAST_READS {
            return None;
        }
        let (first, _) = self.hours.first_key_value()?;
        let before = (1..=MOST_WEEKS).map(|weeks| hour - weeks * WEEK);
        let before: Vec<f64> = before
            .filter(|hour| hour >= first)
            .map(|hour| self.hours.get(&hour).copied().unwrap_or(0) as f64)
            .collect();
        if before.len() < LEAST_WEEKS {
            return None;
        }
        let weeks = before.len();
        let median = median(before.clone());
        let deviations = before.iter().map(|reads| (reads - median).abs());
        // Counts vary by their root even where those few weeks happen to be alike.
        let deviation = (NORMAL * self::median(deviations.collect())).max((median + 1.0).sqrt());
        let robust_z = (reads as f64 - median) / deviation;
        let robust_z = (robust_z * 100.0).round() / 100.0;
        (robust_z > bound_z).then_some(UnusualHour {
            at: hour * HOUR,
            reads,
            median,
            weeks,
            robust_z,
            bound_z,
        })
    }

    /// Addresses that were first read from in the last seven days, each with when that was.
    fn new_addresses(&self, last: i64, factor: f64) -> Vec<(String, i64)> {
        let Some((first, _)) = self.hours.first_key_value() else {
            return Vec::new();
        };
        let is_new = |at: i64| {
            let hour = at.div_euclid(HOUR);
            let before: u64 = self.hours.range(..hour).map(|(_, reads)| reads).sum();
            hour > last - WEEK
                && hour - first >= HOURS_BEFORE
                && before as f64 >= READS_BEFORE * factor
        };
        let addresses = self.addresses.iter();
        addresses
            .filter(|(_, at)| **at >= (last - WEEK) * HOUR && is_new(**at))
            .map(|(address, at)| (address.clone(), *at))
            .collect()
    }
}

/// The middle of some numbers.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let half = numbers.len() / 2;
    let at = |place: usize| numbers.get(place).copied().unwrap_or(0.0);
    if numbers.len().is_multiple_of(2) && half > 0 {
        f64::midpoint(at(half - 1), at(half))
    } else {
        at(half)
    }
}

/// What counts as one address: of version 6 a network of 64 bits, which is one household's or host's.
fn network(address: &str) -> Option<String> {
    match address.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => Some(address.to_string()),
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            Some(format!("{}/64", std::net::Ipv6Addr::from_bits(network)))
        }
    }
}

#[cfg(test)]
#[path = "anomaly/tests.rs"]
mod tests;
