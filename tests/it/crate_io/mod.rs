//! The Crate API.

mod clients;
