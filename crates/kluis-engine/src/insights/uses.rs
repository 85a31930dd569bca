//! What the record tells of uses: which secrets are read, what keys are needed for, who reads when and from where.
//!
//! The record is gone through backward in portions, to a bound in time and in number, whatever the organization's size. What is
//! kept of it grows with the number of secrets, keys and readers, not with that of events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::checks::anomaly::Reads;
use super::checks::over_privileged;
use super::insight::InsightSubject;
use crate::action::Action;
use crate::audit::Outcome;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::ids::OrganizationId;
use crate::jobs::{Ended, Running};
use crate::pages::first_id_of;
use crate::store::sql::insights as sql;
use crate::store::{Failure, Row, params};

/// What was used, as far as the record was looked at.
pub(super) struct Uses {
    /// From then on it was.
    pub(super) from: Timestamp,
    /// When values of secrets were last read.
    secrets: BTreeMap<[u8; 16], Timestamp>,
    /// When values of many secrets of a vault were last read together.
    vaults: BTreeMap<[u8; 16], Timestamp>,
    /// What was done with each credential in the last 30 days.
    acts: BTreeMap<[u8; 16], BTreeSet<String>>,
    /// Who has read.
    pub(super) readers: BTreeMap<InsightSubject, Reads>,
}

/// Rows read at once.
const PORTION: i64 = 2_000;
const PORTION_ROWS: usize = 2_000;
/// Rows looked at in all: an organization that does more in the time asked for is looked at for less of it.
const MOST_ROWS: usize = 1_000_000;
/// How often a walk says that it goes on, in portions.
const TELLS_EVERY: usize = 25;
const DAY: Duration = Duration::from_hours(24);

impl Uses {
    /// When a secret's value was last read, by itself or with others of its vault.
    pub(super) fn last_read(&self, secret: &[u8; 16], vault: &[u8; 16]) -> Option<Timestamp> {
        let alone = self.secrets.get(secret).copied();
        alone.max(self.vaults.get(vault).copied())
    }

    /// What was done with a credential in the last 30 days.
    pub(super) fn acts_of(&self, credential: &[u8; 16]) -> BTreeSet<String> {
        self.acts.get(credential).cloned().unwrap_or_default()
    }

    /// Whether the record was looked at for so many days before `now`.
    pub(super) fn reaches(&self, days: i64, now: Timestamp) -> bool {
        self.from <= days_before(now, days)
    }

    /// Take in what one row tells; when it was done.
    fn take(&mut self, mut row: Row, acts_from: Timestamp) -> Result<Timestamp, Failure> {
        let at = row.time()?;
        let (actor_type, actor) = (row.text()?, row.optional_array()?);
        let credential: Option<[u8; 16]> = row.optional_array()?;
        let action = row.text()?;
        let (resource_type, resource) = (row.text()?, row.optional_array()?);
        if row.text()? != Outcome::Success.as_str() {
            return Ok(at);
        }
        let (address, count) = (row.text()?, row.int()?);
        if let Some(credential) = credential.filter(|_| at >= acts_from) {
            let acts = self.acts.entry(credential).or_default();
            if !acts.contains(&action) {
                acts.insert(action.clone());
            }
        }
        let reads = [Action::SecretRead, Action::ShareOpen];
        if !reads.iter().any(|read| read.rule().name == action) {
            return Ok(at);
        }
        let last = match resource_type.as_str() {
            "secret" => Some(&mut self.secrets),
            "vault" => Some(&mut self.vaults),
            _ => None,
        };
        if let (Some(last), Some(resource)) = (last, resource) {
            let last = last.entry(resource).or_insert(at);
            *last = at.max(*last);
        }
        let reader = actor.and_then(|actor| InsightSubject::from_stored(&actor_type, actor));
        if let Some(reader) = reader {
            let count = u64::try_from(count).unwrap_or(1);
            self.readers
                .entry(reader)
                .or_default()
                .add(at, count, &address);
        }
        Ok(at)
    }
}

impl Engine {
    /// Go through the record of so many days before `now`.
    pub(super) async fn record_uses(
        &self,
        job: &Running,
        organization: OrganizationId,
        days: i64,
        now: Timestamp,
    ) -> Result<Uses, Ended> {
        self.store().settle().await?;
        let mut uses = Uses {
            from: days_before(now, days),
            secrets: BTreeMap::new(),
            vaults: BTreeMap::new(),
            acts: BTreeMap::new(),
            readers: BTreeMap::new(),
        };
        let acts_from = days_before(now, over_privileged::DAYS);
        let floor = first_id_of(uses.from);
        let mut below = first_id_of(Timestamp::from_millis(now.millis().saturating_add(1)));
        let mut seen = 0;
        for portion in 0_usize.. {
            let rows = {
                let mut reader = self.store().reader().await?;
                let of = params![organization.bytes(), &below, &floor, PORTION];
                reader.conn()?.query(sql::EVENTS, of).await?
            };
            let is_last = rows.len() < PORTION_ROWS;
            seen += rows.len();
            for mut row in rows {
                below = row.array()?;
                let at = uses.take(row, acts_from)?;
                if seen >= MOST_ROWS {
                    uses.from = uses.from.max(at);
                }
            }
            if is_last || seen >= MOST_ROWS {
                break;
            }
            if portion % TELLS_EVERY == 0 {
                job.progress(self, 0).await?;
            }
            tokio::task::yield_now().await;
        }
        Ok(uses)
    }
}

/// So many days before.
pub(super) fn days_before(now: Timestamp, days: i64) -> Timestamp {
    now.before(DAY.saturating_mul(u32::try_from(days).unwrap_or(0)))
}
