//! Chores of the repository that hold logic: `cargo xtask <task>`. The `Makefile` is the menu; it calls these.
//!
//! | task | what it does |
//! |---|---|
//! | `lint` | formatting, clippy, rustdoc, dependencies, licences ([`lint`]) |
//! | `test` | every test, with a PostgreSQL cluster of the run's own ([`mod@test`]) |
//! | `postgres` | such a cluster, until its input ends ([`mod@test`]) |
//!
//! What holds of the repository as a whole and no compiler checks is tested here: which crate may use which
//! (`arrows`), how files look (`tidy`), and that what they cite is there (`citations`).

#[cfg(test)]
mod arrows;
#[cfg(test)]
mod citations;
mod lint;
mod test;
#[cfg(test)]
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [task] if task == "lint" => lint::lint(),
        [task] if task == "postgres" => test::postgres(),
        [task, arguments @ ..] if task == "test" => test::test(arguments),
        _ => bail!("usage: cargo xtask lint | postgres | test [nextest's arguments]"),
    }
}

/// Tells whoever runs the task what it is doing.
#[expect(clippy::print_stderr, reason = "a task talks to a person")]
fn say(line: &str) {
    eprintln!("xtask: {line}");
}

/// The root of the repository.
fn root() -> &'static std::path::Path {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
