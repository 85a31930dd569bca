//! What all APIs promise together (DESIGN §8), shown at the real binary.

mod canary;
mod concurrency;
mod crash;
mod durable;
mod failure;
mod fuzz;
mod hardening;
mod hostile;
mod keeping;
mod matrix;
mod process;
mod record;
mod records;
mod routes;
mod scene;
mod sealing;
pub(crate) mod search;
mod soak;
