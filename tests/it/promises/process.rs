//! What the server's process has in use.

use crate::harness::Kluis;

/// What a test may add to the server's memory, in KiB.
pub(super) const GROWTH: u64 = 48 << 10;

/// Memory of its own, in KiB; mapped files are the system's to take back.
pub(super) fn memory(kluis: &Kluis) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", kluis.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Files and connections open.
pub(super) fn open_files(kluis: &Kluis) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", kluis.pid()))
        .unwrap()
        .count()
}
