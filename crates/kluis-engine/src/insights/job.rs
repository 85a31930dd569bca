//! An analysis as a job: stage by stage, each from where it stopped.
//!
//! The time is that of the beginning, also when the job is taken up again: the same is judged alike. What was found is stored with
//! each portion, so a run that is cancelled or killed has told what it knew.

mod principals;
mod secrets;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::analyze::{AnalysisScope, Asked};
use super::checks::{anomaly, over_privileged, unused};
use super::findings::Judged;
use super::kind::InsightKind;
use super::portions::Place;
use super::thresholds::Thresholds;
use super::uses::Uses;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::ids::{ClusterId, OrganizationId, SecretId, VaultId};
use crate::jobs::{Ended, Running, Step};
use crate::secrets::SecretInfo;
use crate::store::params;
use crate::store::sql::insights as sql;

/// Where a run stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// When it began, in milliseconds.
    now: i64,
    stage: Stage,
    place: Place,
    records: u64,
    left_out: u64,
    found: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// Each secret by itself.
    Secrets,
    /// Values against each other.
    Values,
    Keys,
    Readers,
}

/// What came of a run. How many of what were found is told where all was looked through: of a part, whoever asked may see less than
/// was looked at.
#[derive(Serialize)]
struct Outcome<'a> {
    checks: Vec<&'static str>,
    /// Asked for, but no matter of a part.
    not_of_a_part: Vec<&'static str>,
    records: u64,
    /// Those whose reads are counted.
    left_out: u64,
    /// The record was looked at from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'a BTreeMap<String, u64>>,
}

/// What a run goes by.
struct Run<'e> {
    engine: &'e Engine,
    organization: OrganizationId,
    scope: AnalysisScope,
    kinds: Vec<InsightKind>,
    now: Timestamp,
    vaults: Vec<VaultId>,
    size: u64,
    thresholds: Thresholds,
    clusters: Clusters,
    uses: Option<Uses>,
}

/// What clusters say of secrets.
#[derive(Default)]
struct Clusters {
    /// How often passwords are to change, in days.
    intervals: BTreeMap<ClusterId, u32>,
    /// Secrets that the server uses without reading them for anybody.
    admins: BTreeSet<SecretId>,
}

/// Do the work of such a job.
pub(crate) async fn run(engine: &Engine, job: &mut Running) -> Result<Step, Ended> {
    let asked: Asked = job.payload()?;
    let (kinds, left) = asked.kinds();
    let mut state = match job.state()? {
        Some(state) => state,
        None => State::at(engine.clock().now()),
    };
    job.keep(engine, &state).await?;
    let run = Run::begin(engine, job, asked.scope(), kinds, state.now).await?;
    run.secrets(job, &mut state).await?;
    run.values(job, &mut state).await?;
    run.keys(job, &mut state).await?;
    run.readers(job, &mut state).await?;
    let words = |kinds: &[InsightKind]| kinds.iter().map(|kind| kind.as_str()).collect();
    let from = run.uses.as_ref().map(|uses| uses.from.rfc3339_seconds());
    Step::done(&Outcome {
        checks: words(&run.kinds),
        not_of_a_part: words(&left),
        records: state.records,
        left_out: state.left_out,
        record_from: from,
        found: (run.scope == AnalysisScope::All).then_some(&state.found),
    })
}

impl State {
    fn at(now: Timestamp) -> Self {
        Self {
            now: now.millis(),
            stage: Stage::Secrets,
            place: Place::default(),
            records: 0,
            left_out: 0,
            found: BTreeMap::new(),
        }
    }

    /// Go on to another stage, from its beginning.
    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.place = Place::default();
    }

    fn count(&mut self, judged: &[Judged]) {
        let found = judged.iter().flat_map(|judged| &judged.kinds);
        for (kind, _) in found.filter(|(kind, found)| found.is_some() && !kind.answers_guesses()) {
            *self.found.entry(kind.as_str().to_owned()).or_default() += 1;
        }
    }
}

impl<'e> Run<'e> {
    async fn begin(
        engine: &'e Engine,
        job: &Running,
        scope: AnalysisScope,
        kinds: Vec<InsightKind>,
        now: i64,
    ) -> Result<Self, Ended> {
        let (organization, now) = (job.organization, Timestamp::from_millis(now));
        let (thresholds, clusters) = {
            let mut reader = engine.store().reader().await?;
            let conn = reader.conn()?;
            let thresholds = Thresholds::load(conn, organization).await?;
            let mut clusters = Clusters::default();
            for mut row in conn
                .query(sql::CLUSTERS, params![organization.bytes()])
                .await?
            {
                let (id, rotates, interval) = (row.array()?, row.flag()?, row.number()?);
                if rotates {
                    clusters
                        .intervals
                        .insert(ClusterId::from_bytes(id), interval);
                }
                clusters
                    .admins
                    .extend(row.optional_array()?.map(SecretId::from_bytes));
            }
            (thresholds, clusters)
        };
        let days = kinds.iter().filter_map(|kind| match kind {
            InsightKind::AccessAnomaly => Some(anomaly::DAYS),
            InsightKind::OverPrivilegedKey => Some(over_privileged::DAYS),
            InsightKind::UnusedSecret => Some(unused::bound_days(thresholds.factor(*kind))),
            _ => None,
        });
        let uses = match days.max() {
            Some(days) => Some(engine.record_uses(job, organization, days, now).await?),
            None => None,
        };
        Ok(Self {
            vaults: engine.analysis_vaults(organization, scope).await?,
            size: engine.analysis_size(organization, scope).await?,
            engine,
            organization,
            scope,
            kinds,
            now,
            thresholds,
            clusters,
            uses,
        })
    }

    fn looks_for(&self, kind: InsightKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// How far a stage is, from one percentage to another.
    fn percent(&self, done: u64, from: u8, to: u8) -> u8 {
        let span = u64::from(to - from);
        let part = span * done.min(self.size) / self.size.max(1);
        from + u8::try_from(part).unwrap_or(0)
    }
}

/// Whether reads of it are counted: then background work leaves it out (RULES §4).
fn is_limited(secret: &SecretInfo) -> bool {
    let version = secret.version.as_ref();
    version.is_some_and(|version| version.max_access_count.is_some())
}
