//! Which crate may use which.
//!
//! A rule of the engine that leaks into the server, or SQL into a dialect, begins with an entry in a `Cargo.toml`. The two
//! tables here are the whole list of such entries that are allowed: a new one is a decision, made in this file.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

use crate::root;

/// A crate, and the crates that it is about.
type Row = (&'static str, &'static [&'static str]);

/// Our crates, and which of our crates each may use. Whatever is not here has no business with another.
const OURS: &[Row] = &[
    ("kluis", &["kluis-server", "kluis-client"]),
    ("kluis-bench", &[]),
    ("kluis-client", &["kluis-crypto"]),
    ("kluis-crypto", &[]),
    ("kluis-engine", &["kluis-crypto"]),
    ("kluis-proto", &[]),
    ("kluis-server", &["kluis-engine", "kluis-proto"]),
    ("kluis-tests", &["kluis-client", "kluis-engine"]),
    ("xtask", &[]),
];

/// Outside crates that make a layer what it is, and the only ones of ours that may use them (test dependencies apart).
/// `kluis-bench` rebuilds the server's stack in small, as a reference, so it stands beside the server and the engine.
const OUTSIDE: &[Row] = &[
    // HTTP.
    ("axum", &["kluis-server", "kluis-bench"]),
    ("buffa", &["kluis-proto"]),
    ("buffa-types", &["kluis-proto", "kluis-server"]),
    ("connectrpc", &["kluis-proto", "kluis-server"]),
    ("connectrpc-health", &["kluis-server"]),
    ("connectrpc-reflection", &["kluis-server"]),
    ("http", &["kluis-server", "kluis-bench"]),
    ("http-body-util", &["kluis-server", "kluis-bench"]),
    ("hyper", &["kluis-server", "kluis-bench"]),
    ("hyper-util", &["kluis-server", "kluis-bench"]),
    ("matchit", &["kluis-server"]),
    ("rcgen", &["kluis-server"]),
    ("reqwest", &["kluis-client", "kluis-engine"]),
    ("rustls", &["kluis-engine", "kluis-server"]),
    ("rustls-native-certs", &["kluis-engine"]),
    ("rustls-pki-types", &["kluis-server"]),
    ("tokio-rustls", &["kluis-engine", "kluis-server"]),
    ("tower", &["kluis-server"]),
    ("tower-http", &["kluis-server"]),
    ("utoipa", &["kluis-server"]),
    ("utoipa-axum", &["kluis-server"]),
    ("utoipa-swagger-ui", &["kluis-server"]),
    // Storage.
    ("deadpool-postgres", &["kluis-engine"]),
    ("rusqlite", &["kluis-engine", "kluis-bench"]),
    ("tokio-postgres", &["kluis-engine"]),
    // Cryptography.
    ("argon2", &["kluis-crypto"]),
    ("aws-lc-rs", &["kluis-crypto", "kluis-bench"]),
    ("rand_core", &["kluis-crypto"]),
    ("subtle", &["kluis-crypto"]),
    ("vsss-rs", &["kluis-crypto"]),
    // Command line and process.
    ("clap", &["kluis", "kluis-bench"]),
    ("clap_complete", &["kluis"]),
    ("mimalloc", &["kluis"]),
    ("rpassword", &["kluis"]),
    ("tracing-subscriber", &["kluis"]),
    // What cryptography does without: input, output, the clock, serialization.
    ("jiff", &["kluis-engine", "kluis-server"]),
    (
        "serde",
        &[
            "kluis",
            "kluis-bench",
            "kluis-client",
            "kluis-engine",
            "kluis-proto",
            "kluis-server",
        ],
    ),
    (
        "serde_json",
        &[
            "kluis",
            "kluis-bench",
            "kluis-client",
            "kluis-engine",
            "kluis-server",
        ],
    ),
    (
        "tokio",
        &["kluis", "kluis-bench", "kluis-engine", "kluis-server"],
    ),
    ("tracing", &["kluis", "kluis-engine", "kluis-server"]),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `dev`, `build`, or none for an ordinary one.
    kind: Option<String>,
}

/// The workspace's own packages, without what they depend on in turn.
fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    metadata.packages
}

fn table(rows: &[Row]) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    rows.iter()
        .map(|(name, others)| (*name, others.iter().copied().collect()))
        .collect()
}

#[test]
fn our_crates_use_each_other_only_along_the_arrows() {
    let arrows = table(OURS);
    let packages = packages();
    let names: BTreeSet<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let rows: BTreeSet<&str> = arrows.keys().copied().collect();
    assert_eq!(names, rows, "every crate has a row in OURS");
    let mut wrong = Vec::new();
    for package in &packages {
        let allowed = &arrows[package.name.as_str()];
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if rows.contains(name) && !allowed.contains(name) {
                wrong.push(format!("{} must not use {name}", package.name));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "no such arrow in OURS:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn outside_crates_stay_in_their_layer() {
    let layers = table(OUTSIDE);
    let mut wrong = Vec::new();
    for package in packages() {
        for dependency in package.dependencies {
            let test_only = dependency.kind.as_deref() == Some("dev");
            let users = layers.get(dependency.name.as_str());
            if !test_only && users.is_some_and(|users| !users.contains(package.name.as_str())) {
                wrong.push(format!("{} must not use {}", package.name, dependency.name));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "OUTSIDE allows others only:\n{}",
        wrong.join("\n")
    );
}
