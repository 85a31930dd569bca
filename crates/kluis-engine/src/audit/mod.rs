//! The record: one log of every act, in a chain that shows what was changed (RULES §7).

mod chain;
mod checkpoints;
mod entries;
mod event;
mod export;
mod log;
mod query;
mod range;
mod row;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use chain::{Chain, ChainSigner};
pub use checkpoints::AuditCheckpoint;
pub use entries::AuditEntry;
pub use event::{Event, Outcome};
pub use export::AuditExport;
pub use log::LogFilter;
pub use query::{AuditFilter, ResourceFilter};
pub use range::AuditRange;
pub(crate) use row::insert_open;
pub use verify::Verification;
