//! A database of its own for a test, on the PostgreSQL cluster that `cargo xtask test` starts for the run.

use std::process::Command;

use super::server::unique;

/// The URL of a new, empty database, or `None` where the run has no cluster.
pub fn database() -> String {
    let cluster = std::env::var("KLUIS_TEST_POSTGRES").expect(
        "KLUIS_TEST_POSTGRES names the cluster for tests: run `make test`, or `cargo xtask test`",
    );
    let name = format!("kluis_{}", unique().replace('-', "_"));
    let made = Command::new("psql")
        .arg(format!("{cluster}/postgres"))
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c"])
        .arg(format!("CREATE DATABASE {name}"))
        .output()
        .expect("psql runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    format!("{cluster}/{name}")
}
