//! A hostile request costs bounded memory and time, and never ends the process (DESIGN §8, promise 4).

mod bodies;
mod connections;
mod names;

use std::time::{Duration, Instant};

use crate::harness::{Api, Kluis};

/// What a test may add to the server's memory, in KiB.
const GROWTH: u64 = 48 << 10;

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

/// Memory that the server's process has in use, in KiB.
fn memory(kluis: &Kluis) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", kluis.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn assert_bounded(kluis: &Kluis, before: u64) {
    let after = memory(kluis);
    assert!(after < before + GROWTH, "{before} KiB grew to {after} KiB");
}
