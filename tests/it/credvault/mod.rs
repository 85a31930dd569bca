//! The CredVault API: administration.

mod api_keys;
mod auth;
mod lifetimes;
mod lists;
mod organizations;
mod roles;
mod scopes;
mod users;
