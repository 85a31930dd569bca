//! The CredVault API: administration.

mod api_keys;
mod auth;
mod lists;
mod organizations;
mod users;
