//! Numbers that move with every change, before it is acknowledged: what was read in the same generation is still true.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a change can alter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Touches {
    /// Secrets and their versions, and nothing else.
    Secrets,
    /// Anything.
    Anything,
}

/// The generations of a database whose every change goes through one writer.
#[derive(Default)]
pub(crate) struct Generations {
    all: AtomicU64,
    beside_secrets: AtomicU64,
}

impl Generations {
    /// Moved by every change.
    pub(crate) fn all(&self) -> u64 {
        self.all.load(Ordering::Acquire)
    }

    /// Moved by every change but those of secrets alone.
    pub(crate) fn beside_secrets(&self) -> u64 {
        self.beside_secrets.load(Ordering::Acquire)
    }

    /// Changes that touched this much are committed, or may be.
    pub(super) fn moved(&self, touched: Touches) {
        self.all.fetch_add(1, Ordering::Release);
        if touched == Touches::Anything {
            self.beside_secrets.fetch_add(1, Ordering::Release);
        }
    }
}
