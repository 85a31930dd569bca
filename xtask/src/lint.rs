//! `cargo xtask lint`: everything that judges the code without running it.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{root, say};

/// Runs the checks, cheapest first, and stops at the first that fails.
pub(crate) fn lint() -> Result<()> {
    run(cargo("fmt --all --check"))?;
    run(cargo(
        "deny --locked check --hide-inclusion-graph bans licenses sources",
    ))?;
    advisories()?;
    run(cargo(
        "clippy --workspace --all-targets --locked -- --deny warnings",
    ))?;
    let mut doc = cargo("doc --workspace --no-deps --document-private-items --locked --quiet");
    doc.env("RUSTDOCFLAGS", "--deny warnings");
    run(doc)
}

/// Matches the dependencies against the RustSec advisories, which stand on a server of their own: without it there is no
/// verdict, and that is no failure.
fn advisories() -> Result<()> {
    let mut fetch = Command::new("timeout");
    fetch.args(["60", "cargo", "deny", "--log-level", "off", "fetch", "db"]);
    if succeeds(fetch)? {
        run(cargo("deny --locked check --disable-fetch advisories"))
    } else {
        say("the advisory database cannot be reached: advisories are not checked");
        Ok(())
    }
}

/// A cargo command, its arguments separated by spaces.
fn cargo(arguments: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments.split(' '));
    command
}

fn run(command: Command) -> Result<()> {
    let arguments: Vec<_> = command
        .get_args()
        .map(|argument| argument.to_string_lossy())
        .collect();
    let line = format!("cargo {}", arguments.join(" "));
    say(&line);
    if !succeeds(command)? {
        bail!("failed: {line}");
    }
    Ok(())
}

fn succeeds(mut command: Command) -> Result<bool> {
    let status = command
        .current_dir(root())
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    Ok(status.success())
}
