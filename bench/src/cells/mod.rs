//! What is measured: the requests of each cell, what it is compared with, and its target.

mod access;
mod kluis;
mod policies;
mod reference;

use std::sync::Arc;

pub(crate) use self::kluis::kluis_cells;
pub(crate) use self::reference::reference_cells;
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
    /// What its server CPU time at 64 connections may be.
    pub(crate) target: Option<Target>,
}

impl Cell {
    fn reference(name: &'static str, work: Work) -> Self {
        Self {
            name,
            side: Side::Reference,
            source: Source::new(work),
            against: None,
            target: None,
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
}

/// The name of a secret made before the measurement.
fn read_key(number: u64) -> String {
    format!("BENCH_KEY_{number:06}")
}

/// The name, or the word in the value, of a secret written by the measurement.
fn write_key(number: u64) -> String {
    format!("WRITE_KEY_{number:09}")
}
