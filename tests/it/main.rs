//! Black-box tests: start the real binary, speak HTTP, look at what comes back and what is left behind.
//!
//! The tree mirrors the APIs: `<dialect>/<resource>.rs`. `promises/` holds what all of them promise together.

// Lets clippy's allowances for tests hold in helpers too.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "the real program runs in real time"
)]
#![expect(clippy::string_slice, reason = "a test cuts text that it made")]
#![expect(clippy::too_many_lines, reason = "a story is told in one piece")]
#![expect(clippy::format_collect, reason = "what a test puts together is small")]
#![expect(unreachable_pub, reason = "the harness is written like a library")]

mod cli;
mod cloudkeep;
mod crate_io;
mod credvault;
mod engine;
mod harness;
mod inkbox;
mod oneclaw;
mod promises;
mod zk;
