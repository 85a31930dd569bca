//! Drives the vendor's Rust client `inkbox` through every call of its vault, identities and keys.
//!
//! Without arguments it tells the whole story. `write NAME` writes what another client is to read, and `read NAME` reads what
//! another has written: see `inkbox_exchange.py`, whose settings are the same.

mod agents;
mod exchange;
mod harness;
mod keys;
mod secrets;
mod vault;

use std::process::ExitCode;

use harness::{Scene, Step};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let steps: Vec<Step> = match arguments.first().map(String::as_str) {
        None => [vault::STEPS, secrets::STEPS, agents::STEPS, keys::STEPS].concat(),
        Some("write") => exchange::WRITE.to_vec(),
        Some("read") => exchange::READ.to_vec(),
        Some(other) => panic!("there is no mode {other}"),
    };
    let mut scene = Scene::new(arguments.get(1).cloned().unwrap_or_default());
    for (name, step) in steps {
        // What is not as it should be panics, and the process fails with it.
        if let Err(error) = step(&mut scene) {
            eprintln!("FAILED {name}: {error}");
            return ExitCode::FAILURE;
        }
        println!("ok {name}");
    }
    ExitCode::SUCCESS
}
