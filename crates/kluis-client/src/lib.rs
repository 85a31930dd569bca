//! Rust client of Kluis: one module per API of the server, one connection and one credential behind all of them.
//!
//! ```no_run
//! # async fn example() -> Result<(), kluis_client::Error> {
//! let client = kluis_client::Client::builder("http://127.0.0.1:8200")
//!     .token(std::env::var("KLUIS_TOKEN").unwrap_or_default())
//!     .build()?;
//! for vault in client.cloudkeep().vaults().await? {
//!     println!("{} holds {} secrets", vault.name, vault.secret_count);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Values and tokens are held in [`SecretText`], which cannot be printed by accident and is wiped when dropped. What the
//! HTTP and JSON libraries buffer on the way cannot be wiped; a program that cares makes itself non-dumpable, as `kluis` does.
//!
//! Redirects are never followed and proxies from the environment are never used: the credential goes to the one named server.

pub mod cloudkeep;
pub mod crate_io;
pub mod credvault;
pub mod inkbox;
pub mod oneclaw;
pub mod record;
pub mod sealed;
pub mod zk;

mod address;
mod error;
mod http;
mod secret_text;

pub use error::{Error, Refusal};
pub use http::{Builder, Client};
pub use secret_text::SecretText;

#[cfg(test)]
mod tests;
