//! A job while it runs: what it asks and tells.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JobKind;
use super::runner::LEASE;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{JobId, OrganizationId, VaultId};
use crate::policy::PolicyPrincipal;
use crate::store::sql::jobs as sql;
use crate::store::{Touches, params};

/// A job that this node has taken.
pub(crate) struct Running {
    pub(crate) id: JobId,
    pub(crate) organization: OrganizationId,
    pub(crate) kind: JobKind,
    /// The vault that it is about.
    pub(crate) vault: Option<VaultId>,
    /// Who asked for it. What they may now is not what they might then: a job that acts for them decides anew.
    pub(crate) asked_by: Option<PolicyPrincipal>,
    pub(super) payload: String,
    pub(super) state: Option<String>,
    /// How often it was taken, this time included.
    pub(super) attempts: u32,
    /// Tells this taking of the job from every other.
    pub(super) claim: [u8; 16],
}

/// How a part of a job's work ends well.
pub(crate) enum Step {
    /// It goes on at this time.
    Again(crate::clock::Timestamp),
    /// It is done; the text of a JSON object without secret values.
    Done(String),
}

/// How it ends otherwise.
pub(crate) enum Ended {
    /// Somebody cancelled it.
    Cancelled,
    /// An operation of the engine failed. What cannot be served now is tried again later; anything else fails the job.
    Error(Error),
    /// It failed; a sentence for whoever asked for it, without secret values.
    Failed(String),
    /// Another node has it.
    Lost,
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<crate::store::Failure> for Ended {
    fn from(failure: crate::store::Failure) -> Self {
        Self::Error(failure.into())
    }
}

impl Ended {
    /// It failed, for this reason: a sentence without secret values.
    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }
}

impl Step {
    /// It is done, with this result.
    pub(crate) fn done(result: &impl Serialize) -> Result<Self, Ended> {
        text(result).map(Self::Done)
    }
}

impl Running {
    /// What it was asked.
    pub(crate) fn payload<T: DeserializeOwned>(&self) -> Result<T, Ended> {
        read(&self.payload)
    }

    /// What it kept last; nothing when it begins.
    pub(crate) fn state<T: DeserializeOwned>(&self) -> Result<Option<T>, Ended> {
        self.state.as_deref().map(read).transpose()
    }

    /// Tell how far it is, in percent, and go on: `Cancelled` or `Lost` when it is not to.
    pub(crate) async fn progress(&self, engine: &Engine, percent: u8) -> Result<(), Ended> {
        let (id, claim, now) = (self.id, self.claim, engine.clock().now());
        let percent = i64::from(percent.min(100));
        let told = engine
            .store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let held = params![id.bytes(), &claim, percent, now.after(LEASE), now];
                    let row = tx.conn().query_one(sql::PROGRESS, held).await?;
                    Ok(row.map(|mut row| row.flag()).transpose()?)
                })
            })
            .await?;
        match told {
            None => Err(Ended::Lost),
            Some(true) => Err(Ended::Cancelled),
            Some(false) => Ok(()),
        }
    }

    /// Keep `state`, durably: a job that is taken up again finds it.
    pub(crate) async fn keep(
        &mut self,
        engine: &Engine,
        state: &impl Serialize,
    ) -> Result<(), Ended> {
        let (id, claim, now) = (self.id, self.claim, engine.clock().now());
        let state = text(state)?;
        self.state = Some(state.clone());
        let kept = engine
            .store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let held = params![id.bytes(), &claim, &state, now];
                    Ok(tx.conn().execute(sql::KEEP_STATE, held).await?)
                })
            })
            .await?;
        if kept == 0 { Err(Ended::Lost) } else { Ok(()) }
    }
}

fn text(value: &impl Serialize) -> Result<String, Ended> {
    serde_json::to_string(value).map_err(|cause| Error::internal(cause.to_string()).into())
}

/// Written by this program itself, perhaps by another release of it.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, Ended> {
    serde_json::from_str(text).map_err(|cause| Error::internal(cause.to_string()).into())
}
