//! The intelligence engine: what can be told of secrets by rules, statistics and a small model, here and explainably
//! (CredVault contract B6).
//!
//! | file | what |
//! |---|---|
//! | `classify.rs` | what a text is, and why |
//! | `models.rs` | what judges here, as users are told |
//! | `features.rs`, `patterns.rs`, `model.rs` | what the classifier sees, and how it weighs that |
//! | `corpus.rs`, `training.rs` | texts to train it on and to measure it with, in tests |

mod classify;
#[cfg(test)]
mod corpus;
mod features;
mod model;
mod models;
mod patterns;
#[cfg(test)]
mod training;

pub use classify::Classification;
pub(crate) use classify::classify;
#[cfg(test)]
pub(crate) use corpus::Random;
pub use model::Label;
pub use models::Model;
