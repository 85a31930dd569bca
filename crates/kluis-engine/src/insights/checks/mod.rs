//! What is looked for: one file for each kind of insight. Each is a rule on what it is given, so that the same is always judged alike.
//!
//! | file | what |
//! |---|---|
//! | `weak.rs` | values that can be guessed; `parts.rs`, `strength.rs`, `key_material.rs`: what is in a value, and how strong that is |
//! | `reused.rs` | values that several secrets have |
//! | `stale.rs`, `expiring.rs`, `unused.rs` | secrets by their times |
//! | `over_privileged.rs` | keys that may more than they need |
//! | `anomaly.rs` | who reads more than usual, or from elsewhere |

pub(super) mod anomaly;
pub(super) mod expiring;
mod key_material;
pub(super) mod over_privileged;
pub(super) mod parts;
pub(super) mod reused;
pub(super) mod stale;
mod strength;
pub(super) mod unused;
pub(super) mod weak;

use super::insight::Evidence;
use super::kind::Score;

/// That something is so.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// How much it weighs.
    pub(super) score: Score,
    /// What it rests on, as far as that makes it another insight when it changes: what was dismissed stays dismissed meanwhile.
    pub(super) basis: String,
    /// What it rests on, as it is told.
    pub(super) evidence: Evidence,
}

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// A bound of so many days, moved by what people think of such insights; at least one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "bounds are a few hundred days, factors around 1"
)]
pub(super) fn days(usual: u32, factor: f64) -> i64 {
    ((f64::from(usual) * factor).round() as i64).max(1)
}
