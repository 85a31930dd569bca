//! The kinds of jobs, and where each is run.
//!
//! To add one: a variant with its word in [`JobKind::as_str`] and [`JobKind::ALL`], an arm in [`run`] that calls the concept's own
//! file, and a call of [`Engine::job_create`](crate::Engine) in the act that asks for it. In its work a kind
//!
//! * reads what it was asked with [`Running::payload`], and where it stopped last time with [`Running::state`];
//! * calls [`Running::progress`] between its steps, which tells how far it is, renews the node's hold on the job, and ends it with
//!   `?` when it was cancelled or another node has it;
//! * calls [`Running::keep`] when a step must not be forgotten;
//! * ends with [`Step::Done`] and a result without secret values, with [`Step::Again`] to go on at a later time, or with an
//!   error: [`Ended::failed`] for a sentence of its own, `?` on an engine error for that one's.

use super::running::{Ended, Running, Step};
use crate::engine::Engine;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Brings the target of an integration up to date.
    IntegrationSync,
    /// Looks for what deserves a look among secrets, keys and the record.
    Analysis,
    /// Changes passwords on the servers of a cluster.
    Rotation,
    /// What a test wants.
    #[cfg(test)]
    Test,
}

impl JobKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::IntegrationSync,
        Self::Analysis,
        Self::Rotation,
        #[cfg(test)]
        Self::Test,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IntegrationSync => "integration_sync",
            Self::Analysis => "analysis",
            Self::Rotation => "rotation",
            #[cfg(test)]
            Self::Test => "test",
        }
    }

    /// The kind that this word names.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// Do the work of a job, or the next part of it.
pub(super) async fn run(engine: &Engine, job: &mut Running) -> Result<Step, Ended> {
    match job.kind {
        JobKind::IntegrationSync => crate::integrations::run(engine, job).await,
        JobKind::Analysis => crate::insights::run(engine, job).await,
        JobKind::Rotation => crate::password_changes::run(engine, job).await,
        #[cfg(test)]
        JobKind::Test => super::tests::run(engine, job).await,
    }
}
