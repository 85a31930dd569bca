//! The Crate API.

mod both_ways;
mod clients;
mod environments;
mod keys;
mod record;
mod refusals;
mod retrieval;
mod roles;
mod rpc;
pub mod sealing;
mod secrets;
