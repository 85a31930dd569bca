//! Policies: who may do what on which paths of a vault, under which conditions (RULES §2, 1claw contract §8).
//!
//! Rules alone, without storage or clock: what they need to know is given to them.

mod compiled;
mod conditions;
mod decision;
mod explain;
mod facts;
mod glob;
mod index;
mod json;
mod network;
mod permission;
mod time_window;
mod types;

pub(crate) use compiled::Compiled;
pub use conditions::{AttributeConditions, Conditions};
pub use decision::Basis;
pub(crate) use decision::{Standing, Subject, VaultFacts, Verdict, needs_policies};
pub use explain::Fit;
pub(crate) use explain::Reasons;
pub use glob::Glob;
pub(crate) use network::Network;
pub use permission::{Permission, PermissionSet};
pub(crate) use types::Maker;
pub use types::{Effect, Policy, PolicyPrincipal};
