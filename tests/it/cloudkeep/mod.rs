//! The CloudKeep API.

mod errors;
mod limits;
mod me;
mod permissions;
mod secrets;
mod templates;
pub mod vaults;
