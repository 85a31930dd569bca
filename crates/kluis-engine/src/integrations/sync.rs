//! One attempt to bring a target up to date: what is to be there, what of it has to be sent, and sending it.
//!
//! What was sent is known by keyed digests, place by place, never by value. Before anything leaves, its places are kept as written
//! to; so after a crash what may be at the target is sent again, and removed when it is not wanted any more.

use std::collections::BTreeMap;

use kluis_crypto::Secret;
use kluis_crypto::mac::TAG_LENGTH;

use super::integration::{Integration, Target};
use super::source::{Read, Source};
use crate::act::ListedSecret;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{IntegrationRunId, JobId};
use crate::jobs::{Ended, Running};
use crate::outbound::Failed;
use crate::store::sql::integrations as sql;
use crate::store::{Touches, params};

/// One attempt of a run.
pub(super) struct Attempt<'a> {
    pub(super) engine: &'a Engine,
    pub(super) integration: &'a Integration,
    pub(super) run: IntegrationRunId,
    pub(super) job: JobId,
    /// Which attempt this is, from 1.
    pub(super) number: u32,
    /// Whether everything is sent, what is there already too: somebody has asked for it.
    pub(super) sends_all: bool,
}

/// Something that is to be at a place of the target.
pub(super) struct Piece {
    pub(super) place: String,
    pub(super) digest: [u8; TAG_LENGTH],
    /// What is sent; empty where that is made when it is sent, and where nothing but the name is told.
    pub(super) content: Secret,
    /// The secrets that it is made of.
    pub(super) secrets: Vec<usize>,
}

/// What this integration has sent, by place: digests, or nothing where that is not certain.
pub(super) type Known = BTreeMap<String, Vec<u8>>;

/// What has to be done.
pub(super) struct Plan {
    pub(super) sent: Vec<Piece>,
    /// Whether a piece that is sent differs from what is there; in the same order.
    is_new: Vec<bool>,
    /// Places that nothing is to be at any more.
    pub(super) removed: Vec<String>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    /// Secrets that are to be at the target.
    pub(super) secrets: usize,
    /// Places that were written to.
    pub(super) sent: usize,
    /// Places that were cleared.
    pub(super) removed: usize,
    /// When what is to be sent changes by itself.
    pub(super) until: Option<Timestamp>,
}

/// Why an attempt came to nothing.
pub(super) enum Trouble {
    /// Something here: trying again would end alike. A sentence.
    Lasting(String),
    /// Something at the target, which may pass. A sentence.
    Passing(String),
    /// The integration was changed or removed, or another job has it.
    Overtaken,
    /// The job is not to go on, or the engine failed.
    Ended(Ended),
}

/// Pieces that are sent between two looks at whether the job was cancelled.
const BETWEEN_LOOKS: usize = 20;

impl Trouble {
    pub(super) fn lasting(why: impl Into<String>) -> Self {
        Self::Lasting(why.into())
    }

    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self::Passing(why.into())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Ended(error.into())
    }
}

impl From<Ended> for Trouble {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Forbidden => Self::lasting("Calls may not go to the target's address."),
            failed => Self::Passing(format!("The target cannot be reached: {failed}.")),
        }
    }
}

impl From<super::directory::Refused> for Trouble {
    fn from(refused: super::directory::Refused) -> Self {
        Self::passing(refused.0)
    }
}

impl Plan {
    /// What has to be done for `pieces` to be there and nothing else of what is known.
    pub(super) fn of(pieces: Vec<Piece>, known: &Known, sends_all: bool) -> Self {
        let mut gone = known.clone();
        let (mut sent, mut is_new) = (Vec::new(), Vec::new());
        for piece in pieces {
            let there = gone.remove(&piece.place);
            let differs = there.is_none_or(|digest| digest != piece.digest);
            if differs || sends_all {
                sent.push(piece);
                is_new.push(differs);
            }
        }
        Self {
            sent,
            is_new,
            removed: gone.into_keys().collect(),
        }
    }

    /// The pieces that differ from what is there.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Piece> {
        let pieces = self.sent.iter().zip(&self.is_new);
        pieces.filter_map(|(piece, is_new)| is_new.then_some(piece))
    }

    /// The secrets whose values leave.
    pub(super) fn leaving(&self, source: &Source) -> Vec<ListedSecret> {
        let places = self.sent.iter().flat_map(|piece| &piece.secrets);
        places.filter_map(|place| source.listed(*place)).collect()
    }
}

impl Attempt<'_> {
    /// Do all of it.
    pub(super) async fn make(&self, job: &Running) -> Result<Done, Trouble> {
        let known = self.known().await?;
        let (source, plan) = match self.engine.integration_read_all(self, &known).await? {
            Read::Plan(source, plan) => (source, plan),
            Read::Trouble(trouble) => return Err(trouble),
        };
        let mut done = Done {
            secrets: source.secrets.len(),
            until: source.next_expiry(),
            ..Done::default()
        };
        if plan.sent.is_empty() && plan.removed.is_empty() && !self.sends_all {
            return Ok(done);
        }
        if let Target::ChatWebhook(chat) = &self.integration.target {
            self.require_wanted().await?;
            chat.tell(self, &source, &plan).await?;
            self.keep(written(&plan.sent), plan.removed.clone()).await?;
            (done.sent, done.removed) = (plan.changed().count(), plan.removed.len());
            return Ok(done);
        }
        self.keep(begun(&plan.sent), Vec::new()).await?;
        let (mut sent, mut removed) = (0, Vec::new());
        let outcome = self
            .deliver(job, &source, &plan, &mut sent, &mut removed)
            .await;
        (done.sent, done.removed) = (sent, removed.len());
        let arrived = plan.sent.get(..sent).unwrap_or_default();
        self.keep(written(arrived), removed).await?;
        outcome.map(|()| done)
    }

    /// Send and remove one after the other; how far it came stands in the last two.
    async fn deliver(
        &self,
        job: &Running,
        source: &Source,
        plan: &Plan,
        sent: &mut usize,
        removed: &mut Vec<String>,
    ) -> Result<(), Trouble> {
        let all = plan.sent.len() + plan.removed.len();
        for piece in &plan.sent {
            if *sent > 0 && sent.is_multiple_of(BETWEEN_LOOKS) {
                let percent = u8::try_from(100 * *sent / all.max(1)).unwrap_or(100);
                job.progress(self.engine, percent).await?;
            }
            self.require_wanted().await?;
            self.send(source, piece).await?;
            *sent += 1;
        }
        for place in &plan.removed {
            self.require_wanted().await?;
            self.remove(source, place).await?;
            removed.push(place.clone());
        }
        Ok(())
    }

    async fn send(&self, source: &Source, piece: &Piece) -> Result<(), Trouble> {
        let organization = self.integration.organization;
        match &self.integration.target {
            Target::ChatWebhook(_) => Ok(()),
            Target::EnvFile(_) => self.engine.env_file_write(organization, piece).await,
            Target::HttpPush(push) => push.send(self, source, piece).await,
            Target::KvV2(kv) => kv.write(self.engine, source, piece).await,
        }
    }

    async fn remove(&self, source: &Source, place: &str) -> Result<(), Trouble> {
        let organization = self.integration.organization;
        match &self.integration.target {
            Target::ChatWebhook(_) | Target::HttpPush(_) => Ok(()),
            Target::EnvFile(_) => self.engine.env_file_remove(organization, place).await,
            Target::KvV2(kv) => kv.remove(self.engine, source, place).await,
        }
    }

    /// That the integration is still as this attempt has found it, asked before anything leaves; says at the same time that the job
    /// has it still.
    async fn require_wanted(&self) -> Result<(), Trouble> {
        let (id, job, revision) = (self.integration.id, self.job, self.integration.revision);
        let until = self.engine.clock().now().after(super::job::CLAIM_LIFE);
        let renewed = self
            .engine
            .store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let mine = params![id.bytes(), job.bytes(), until, revision];
                    Ok(tx.conn().query_one(sql::RENEW, mine).await?.is_some())
                })
            });
        if renewed.await? {
            Ok(())
        } else {
            Err(Trouble::Overtaken)
        }
    }

    async fn known(&self) -> Result<Known, Error> {
        let mut reader = self.engine.store().reader().await?;
        let of = params![self.integration.id.bytes()];
        let mut known = Known::new();
        for mut row in reader.conn()?.query(sql::ITEMS, of).await? {
            known.insert(row.text()?, row.blob()?);
        }
        Ok(known)
    }

    /// Keep what is at the target now.
    async fn keep(
        &self,
        places: Vec<(String, Vec<u8>)>,
        removed: Vec<String>,
    ) -> Result<(), Error> {
        if places.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let id = self.integration.id;
        self.engine
            .store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    let rows: Vec<Vec<_>> = places
                        .iter()
                        .map(|(place, digest)| params![id.bytes(), place, digest].to_vec())
                        .collect();
                    conn.execute_each(sql::KEEP_ITEM, &rows).await?;
                    let rows: Vec<Vec<_>> = removed
                        .iter()
                        .map(|place| params![id.bytes(), place].to_vec())
                        .collect();
                    conn.execute_each(sql::DELETE_ITEM, &rows).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// The places of pieces that are about to be sent.
fn begun(pieces: &[Piece]) -> Vec<(String, Vec<u8>)> {
    let places = pieces.iter().map(|piece| piece.place.clone());
    places.map(|place| (place, Vec::new())).collect()
}

/// The places of pieces that have arrived.
fn written(pieces: &[Piece]) -> Vec<(String, Vec<u8>)> {
    let written = pieces
        .iter()
        .map(|piece| (piece.place.clone(), piece.digest.to_vec()));
    written.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn piece(place: u8, digest: u8) -> Piece {
        Piece {
            place: place.to_string(),
            digest: [digest; TAG_LENGTH],
            content: Secret::new(Vec::new()),
            secrets: Vec::new(),
        }
    }

    proptest! {
        /// Whatever was there before: afterwards it is what is wanted, and nothing that was right already was sent.
        #[test]
        fn a_plan_makes_the_target_what_is_wanted(
            wanted in proptest::collection::btree_map(0..8_u8, 0..3_u8, 0..8),
            known in proptest::collection::btree_map(0..8_u8, proptest::option::of(0..3_u8), 0..8),
            sends_all: bool,
        ) {
            let digest = |digest: Option<u8>| digest.map_or_else(Vec::new, |digest| vec![digest; TAG_LENGTH]);
            let before: Known = known.iter().map(|(place, there)| (place.to_string(), digest(*there))).collect();
            let pieces = wanted.iter().map(|(place, digest)| piece(*place, *digest)).collect();
            let plan = Plan::of(pieces, &before, sends_all);
            let mut after = before.clone();
            for place in &plan.removed {
                prop_assert!(after.remove(place).is_some());
            }
            for piece in &plan.sent {
                let is_right = before.get(&piece.place).is_some_and(|there| *there == piece.digest);
                prop_assert!(!is_right || sends_all);
                after.insert(piece.place.clone(), piece.digest.to_vec());
            }
            let right: Known = wanted.iter().map(|(place, there)| (place.to_string(), digest(Some(*there)))).collect();
            prop_assert_eq!(&after, &right);
            let changed: BTreeSet<_> = plan.changed().map(|piece| &piece.place).collect();
            let differs: BTreeSet<_> = right.iter().filter(|(place, there)| before.get(*place) != Some(there))
                .map(|(place, _)| place).collect();
            prop_assert_eq!(changed, differs);
        }
    }
}
