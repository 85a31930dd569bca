//! `kluis`: the command line of the Kluis secrets manager, and its server.
//!
//! Data goes to stdout and everything meant for people to stderr. A failure leaves stdout empty, prints four lines on stderr
//! and sets an exit code that says of what kind it was ([`failure::Code`]).

#![expect(
    clippy::doc_markdown,
    reason = "doc comments of arguments are help texts, which would show the backticks"
)]

use std::process::ExitCode;

mod cli;
mod cmd;
mod config;
mod environment;
mod failure;
mod harden;
mod output;
mod private_file;
mod remote;
mod serve;
mod suggest;
mod terminal;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    harden::process();
    let outcome = cli::parse().and_then(|asked| match asked {
        cli::Asked::Command(command) => cmd::run(*command),
        cli::Asked::Printed(code) => Ok(code),
    });
    outcome.unwrap_or_else(|failure| failure.report())
}
