//! A hostile request costs bounded memory and time, and never ends the process (DESIGN §8, promise 4).

mod bodies;
mod connections;
mod names;

use std::time::{Duration, Instant};

use super::process::{GROWTH, memory};
use crate::harness::{Api, Kluis};

/// The server answers, and soon.
async fn is_well(kluis: &Kluis) {
    let started = Instant::now();
    let health = Api::anonymous(kluis.base());
    health.get("/healthz").await.expect(200);
    health.get("/readyz").await.expect(200);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

fn assert_bounded(kluis: &Kluis, before: u64) {
    let after = memory(kluis);
    assert!(after < before + GROWTH, "{before} KiB grew to {after} KiB");
}
