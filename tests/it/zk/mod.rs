//! The zero-knowledge vault from its client's end: against a server that lies, and against the real one.

mod hostile;
mod lies;
mod lost;
mod names;
mod server;
mod state;
mod story;

use std::path::Path;

use crate::cli::{Ended, bare, wait};

/// Fit to be set (Inkbox contract §6.4).
const VAULT_KEY: &str = "Correct-Horse-Battery-9";

/// How `kluis zk` ends at this server, with the vault key in its environment and this place to remember in.
fn zk(base: &str, token: &str, state: &Path, arguments: &[&str], stdin: &str) -> Ended {
    let environment = [("KLUIS_VAULT_KEY", VAULT_KEY)];
    zk_with(base, token, state, arguments, stdin, &environment)
}

/// The same with what is in the environment beside that.
fn zk_with(
    base: &str,
    token: &str,
    state: &Path,
    arguments: &[&str],
    stdin: &str,
    environment: &[(&str, &str)],
) -> Ended {
    let mut command = bare();
    command
        .arg("zk")
        .args(arguments)
        .current_dir("/")
        .env("KLUIS_URL", base)
        .env("KLUIS_TOKEN", token)
        .env("XDG_STATE_HOME", state)
        .envs(environment.iter().copied());
    wait(command, stdin)
}
