//! The CloudKeep API.

mod bounds;
mod errors;
mod levels;
mod limits;
mod me;
mod order;
mod permissions;
mod secrets;
mod shapes;
mod templates;
mod times;
pub mod vaults;
