//! `kluis-bench`: drives Kluis and a small reference server in one run and prints one table. See `bench/README.md`.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and runs its servers on threads of its own"
)]

mod cells;
mod client;
mod footprint;
mod kluis;
mod load;
mod measure;
mod process;
mod procfs;
mod redact;
mod reference;
mod report;
mod run;
mod sample;
mod stats;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// Measures Kluis against a reference server on the same HTTP stack.
#[derive(Parser)]
#[command(name = "kluis-bench")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start both servers on loopback, drive them, print the table.
    Run {
        /// Release build of kluis; without it the reference alone is measured.
        #[arg(long)]
        kluis: Option<PathBuf>,
        /// Where data directories are made and removed again; the disk that durable writes go to.
        #[arg(long, default_value = "target/bench")]
        directory: PathBuf,
        /// One round at 64 connections, a tenth of the secrets.
        #[arg(long)]
        quick: bool,
        /// Measure only what has this word in its name ("read", "POST", "start-up", "memory"); may be repeated.
        #[arg(long)]
        only: Vec<String>,
    },
    /// Serve as the reference. The first line of standard input is the token; its end stops the server.
    Reference {
        /// An existing, empty directory for the database.
        #[arg(long)]
        directory: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Reference { directory } => reference::serve(&directory),
        Command::Run {
            kluis,
            directory,
            quick,
            only,
        } => run_to_end(&run::Plan {
            kluis,
            directory,
            only,
            quick,
        }),
    };
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    // With standard error closed the exit code says it alone.
    let _ = writeln!(std::io::stderr(), "bench: {error:#}");
    ExitCode::FAILURE
}

/// Runs the plan on one thread: the generator shall leave the other core to the servers.
fn run_to_end(plan: &run::Plan) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(until_stopped(plan))
}

/// Runs the plan; a signal drops it, which kills the servers and removes their directories.
async fn until_stopped(plan: &run::Plan) -> Result<()> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        done = run::run(plan) => done,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}
