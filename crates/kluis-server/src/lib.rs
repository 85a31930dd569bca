//! The HTTP server: listeners, the gate that every request passes, and the APIs.
//!
//! | to find | look into |
//! |---|---|
//! | which routes there are, and what is open without credentials | `router.rs` |
//! | the order of checks, from the first byte of a request to the last of its answer | `gate.rs` |
//! | how fast one address may go | `address_limit.rs` |
//! | an endpoint | `api/<dialect>/<resource>.rs` |
//! | how an error looks | `api/<dialect>/error.rs` |
//! | where plaintext leaves | `api/revealed.rs` |
//!
//! The rules are the engine's; what this crate needs of them it asks for through [`engine`].

mod address_limit;
mod api;
mod app;
mod caller;
mod config;
mod explorer;
mod gate;
mod grpc;
mod health;
mod health_rpc;
mod limits;
mod listener;
mod metrics;
pub mod openapi;
pub mod operator;
mod peer;
mod progress;
mod request_id;
mod router;
mod server;
mod tls;
mod unread;

pub use config::{Config, Doors, Limits, Network, OperatorSocket, Tls};
/// The engine, for the program that opens one and hands it over.
pub use kluis_engine as engine;
pub use router::Unroutable;
pub use server::{Handle, Server, StartError};
pub use tls::TlsError;
