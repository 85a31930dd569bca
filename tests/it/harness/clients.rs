//! Scripts and programs of `tests/clients`, which drive other people's clients against a server.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Kluis, binary};

/// A command that runs a script, in Python or in Node.js as its name says, against a server.
pub fn script(name: &str, kluis: &Kluis) -> Command {
    let clients = clients();
    let python = clients.join("bin/python");
    let is_node = Path::new(name).extension() == Some("mjs".as_ref());
    let mut command = Command::new(if is_node { Path::new("node") } else { &python });
    command
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("clients")
                .join(name),
        )
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("KLUIS_NODE", clients.join("node"))
        .env("KLUIS_PYTHON", python)
        .env("KLUIS_URL", kluis.base());
    command
}

/// A command that runs a program against a server, which `xtask/need clients` has built from a package below `tests/clients`.
pub fn program(name: &str, kluis: &Kluis) -> Command {
    let built = clients().join(name).join("debug");
    let mut command = Command::new(built.join(name.replace('_', "-")));
    command.env("KLUIS_URL", kluis.base());
    command
}

/// Run a script to its end, which has to be a good one after so many lines that say `ok`.
pub async fn passes(mut script: Command, least: usize) {
    let ended = tokio::task::spawn_blocking(move || script.output().unwrap());
    let ended = ended.await.unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let count = told.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(count >= least, "{count} instead of {least}:\n{told}");
}

/// Where `xtask/need clients` has put them, beside what cargo builds.
fn clients() -> PathBuf {
    let clients = binary().ancestors().nth(2).unwrap().join("clients");
    assert!(
        clients.join("node/complete").exists(),
        "{} is not complete: run xtask/need clients",
        clients.display()
    );
    clients
}
