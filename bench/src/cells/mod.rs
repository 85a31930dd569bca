//! What is measured: the requests of each cell, what it is compared with, and its target.

mod access;
mod kluis;
mod policies;
mod reference;
mod sealed;
mod unlock;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::kluis::kluis_cells;
pub(crate) use self::reference::reference_cells;
pub(crate) use self::sealed::rsa_facts;
use crate::client::Exchange;
use crate::load::{Source, Work};

/// The server that a cell drives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Side {
    /// Kluis.
    Kluis,
    /// The reference server.
    Reference,
}

/// One kind of request, measured at each number of connections.
pub(crate) struct Cell {
    /// As the table shows it; unique.
    pub(crate) name: &'static str,
    /// The server asked.
    pub(crate) side: Side,
    /// The requests.
    pub(crate) source: Arc<Source>,
    /// The reference's cell that the ratios are to.
    pub(crate) against: Option<&'static str>,
    /// What its server CPU time at 64 connections, or at the last number of its own, may be.
    pub(crate) target: Option<Target>,
    /// How it is measured, where that is not as the plan says.
    pub(crate) own: Option<Schedule>,
}

/// How a cell is measured that has few requests in a round.
pub(crate) struct Schedule {
    /// Numbers of connections; the target holds at the last.
    pub(crate) connections: &'static [usize],
    /// Length of a round.
    pub(crate) duration: Duration,
    /// What each connection begins with: one of the cell's own requests would leave work behind that is told as the round's.
    pub(crate) opening: Exchange,
}

impl Cell {
    fn reference(name: &'static str, work: Work) -> Self {
        Self {
            name,
            side: Side::Reference,
            source: Source::new(work),
            against: None,
            target: None,
            own: None,
        }
    }

    fn kluis(
        name: &'static str,
        against: &'static str,
        target: Option<Target>,
        work: Work,
    ) -> Self {
        Self {
            name,
            side: Side::Kluis,
            source: Source::new(work),
            against: Some(against),
            target,
            own: None,
        }
    }
}

/// A bound on the server CPU time per request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// A multiple of the reference's cell.
    OfReference(f64),
    /// A multiple of another cell of Kluis.
    Of(&'static str, f64),
    /// Microseconds.
    Micros(f64),
    /// Microseconds for each secret that its requests have more than those of another cell of Kluis.
    Further {
        /// The other cell.
        than: &'static str,
        /// How many more.
        secrets: u32,
        /// Microseconds for each.
        limit: f64,
    },
}

/// The name of a secret made before the measurement.
fn read_key(number: u64) -> String {
    format!("BENCH_KEY_{number:06}")
}

/// The name, or the word in the value, of a secret written by the measurement.
fn write_key(number: u64) -> String {
    format!("WRITE_KEY_{number:09}")
}
