//! An analysis as a job: stage by stage, each from where it stopped.
//!
//! The time is that of the beginning, also when the job is taken up again: the same is judged alike. What was found is stored with
//! each portion, so a run that is cancelled or killed has told what it knew.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::analyze::{AnalysisScope, Asked};
use super::checks::{
    Found, anomaly, expiring, over_privileged, parts, reused, stale, unused, weak,
};
use super::findings::Judged;
use super::insight::{Evidence, InsightSubject};
use super::kind::InsightKind;
use super::portions::Place;
use super::thresholds::Thresholds;
use super::uses::{Uses, days_before};
use crate::authentication::stored_scopes;
use crate::caller::Role;
use crate::clock::Timestamp;
use crate::clusters::names_of;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ApiKeyId, ClusterId, OrganizationId, SecretId, VaultId};
use crate::jobs::{Ended, Running, Step};
use crate::secrets::{Availability, SecretInfo};
use crate::store::sql::insights as sql;
use crate::store::{params, unexpected};

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
        for (kind, _) in found.filter(|(_, found)| found.is_some()) {
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

    /// Each secret by itself.
    async fn secrets(&self, job: &mut Running, state: &mut State) -> Result<(), Ended> {
        let by_itself =
            |kind: &InsightKind| !kind.is_of_all() && *kind != InsightKind::ReusedSecret;
        if state.stage == Stage::Secrets && !self.kinds.iter().any(by_itself) {
            state.enter(Stage::Values);
        }
        while state.stage == Stage::Secrets {
            let portion = self
                .engine
                .analysis_portion(self.scope, &self.vaults, &state.place, self.now)
                .await?;
            let percent = self.percent(state.records, 5, 60);
            job.progress(self.engine, percent).await?;
            let mut all = Vec::new();
            for secret in &portion.secrets {
                all.push(self.judge_secret(secret).await?);
                state.left_out += u64::from(is_limited(secret));
                tokio::task::yield_now().await;
            }
            state.records += u64::try_from(all.len()).unwrap_or(0);
            state.count(&all);
            self.engine
                .insights_store(self.organization, all, self.now)
                .await?;
            match portion.next {
                Some(place) => state.place = place,
                None => state.enter(Stage::Values),
            }
            job.keep(self.engine, state).await?;
        }
        Ok(())
    }

    async fn judge_secret(&self, secret: &SecretInfo) -> Result<Judged, Error> {
        let mut judged = Judged::new(InsightSubject::Secret(secret.id));
        let factor = |kind| self.thresholds.factor(kind);
        let version = secret.version.as_ref().filter(|_| !is_limited(secret));
        let available = version.filter(|_| secret.availability == Availability::Available);
        for &kind in &self.kinds {
            let found = match kind {
                InsightKind::StaleSecret => available.and_then(|version| {
                    let cluster = secret.cluster.as_ref();
                    let interval = cluster.and_then(|id| self.clusters.intervals.get(id));
                    let interval = interval.copied();
                    stale::judge(
                        &secret.kind,
                        version.created_at,
                        interval,
                        factor(kind),
                        self.now,
                    )
                }),
                InsightKind::ExpiringSecret => {
                    let is_over = secret.availability == Availability::Expired;
                    let version = version.filter(|_| available.is_some() || is_over);
                    let at = version.and_then(|version| version.expires_at);
                    at.and_then(|at| expiring::judge(at, factor(kind), self.now))
                }
                InsightKind::UnusedSecret => {
                    let days = unused::bound_days(factor(kind));
                    let uses = self.uses.as_ref();
                    let Some(uses) = uses.filter(|uses| uses.reaches(days, self.now)) else {
                        // Nobody can tell.
                        continue;
                    };
                    let read = uses.last_read(secret.id.bytes(), secret.vault.bytes());
                    available
                        .filter(|_| !self.clusters.admins.contains(&secret.id))
                        .and_then(|version| {
                            unused::judge(version.created_at, read, factor(kind), self.now)
                        })
                }
                InsightKind::WeakSecret if available.is_some() => {
                    self.judge_strength(secret.id, factor(kind)).await?
                }
                InsightKind::WeakSecret => None,
                InsightKind::AccessAnomaly
                | InsightKind::OverPrivilegedKey
                | InsightKind::ReusedSecret => continue,
            };
            judged.kinds.insert(kind, found);
        }
        Ok(judged)
    }

    async fn judge_strength(&self, secret: SecretId, factor: f64) -> Result<Option<Found>, Error> {
        let opened = self
            .engine
            .analysis_value(self.organization, secret)
            .await?;
        let Some((info, value)) = opened.and_then(|opened| Some((opened.info, opened.value?)))
        else {
            return Ok(None);
        };
        let version = info.version.map_or(0, |version| version.number);
        let names = names_of(&info.fields);
        let names = [names.username.as_deref(), Some(info.path.as_str())];
        let beside: Vec<&str> = names.into_iter().flatten().collect();
        let parts = parts::parts(&info.kind, &value)?;
        Ok(weak::judge(version, &parts, &beside, factor))
    }

    /// Values against each other: all are digested before any is judged.
    async fn values(&self, job: &mut Running, state: &mut State) -> Result<(), Ended> {
        if state.stage == Stage::Values && !self.looks_for(InsightKind::ReusedSecret) {
            state.enter(Stage::Keys);
        }
        if state.stage != Stage::Values {
            return Ok(());
        }
        let digests = self.digests(job).await?;
        while state.stage == Stage::Values {
            job.progress(self.engine, 85).await?;
            let portion = self
                .engine
                .analysis_portion(self.scope, &self.vaults, &state.place, self.now)
                .await?;
            let mut all = Vec::new();
            for secret in &portion.secrets {
                if self.is_reused_beyond(secret.id, &digests).await? {
                    continue;
                }
                let mut judged = Judged::new(InsightSubject::Secret(secret.id));
                let found = digests.judge(secret.id);
                judged.kinds.insert(InsightKind::ReusedSecret, found);
                all.push(judged);
            }
            state.count(&all);
            self.engine
                .insights_store(self.organization, all, self.now)
                .await?;
            match portion.next {
                Some(place) => state.place = place,
                None => state.enter(Stage::Keys),
            }
            job.keep(self.engine, state).await?;
        }
        Ok(())
    }

    async fn digests(&self, job: &Running) -> Result<reused::Digests, Ended> {
        let mut digests = reused::Digests::new()?;
        let (mut place, mut done) = (Some(Place::default()), 0);
        while let Some(at) = place {
            let portion = self
                .engine
                .analysis_portion(self.scope, &self.vaults, &at, self.now)
                .await?;
            job.progress(self.engine, self.percent(done, 60, 85))
                .await?;
            for secret in &portion.secrets {
                done += 1;
                digests.meets(secret.id);
                if is_limited(secret) || secret.availability != Availability::Available {
                    continue;
                }
                let opened = self
                    .engine
                    .analysis_value(self.organization, secret.id)
                    .await?;
                if let Some((info, value)) =
                    opened.and_then(|opened| Some((opened.info, opened.value?)))
                {
                    let version = info.version.map_or(0, |version| version.number);
                    let parts = parts::parts(&info.kind, &value)?;
                    digests.add(secret.id, version, parts.iter().map(|part| &part.text));
                }
                tokio::task::yield_now().await;
            }
            place = portion.next;
        }
        Ok(digests)
    }

    /// Whether it is known that the value of a secret is also that of one outside of this run, of which it can say nothing.
    async fn is_reused_beyond(
        &self,
        secret: SecretId,
        digests: &reused::Digests,
    ) -> Result<bool, Error> {
        if self.scope == AnalysisScope::All {
            return Ok(false);
        }
        let mut reader = self.engine.store().reader().await?;
        let of = params![self.organization.bytes(), secret.bytes()];
        for mut row in reader.conn()?.query(sql::OF_SUBJECT, of).await? {
            let _id = row.blob()?;
            if row.text()? != InsightKind::ReusedSecret.as_str() {
                continue;
            }
            let (_status, _basis, _score) = (row.text()?, row.text()?, row.int()?);
            if let Evidence::Reused { others, .. } = row.json()? {
                let mut others = others.iter();
                return Ok(
                    others.any(|other| !digests.has_met(SecretId::from_bytes(other.into_bytes())))
                );
            }
        }
        Ok(false)
    }

    async fn keys(&self, job: &mut Running, state: &mut State) -> Result<(), Ended> {
        let kind = InsightKind::OverPrivilegedKey;
        let uses = self.uses.as_ref().filter(|_| self.looks_for(kind));
        let uses = uses.filter(|uses| uses.reaches(over_privileged::DAYS, self.now));
        if let Some(uses) = uses.filter(|_| state.stage == Stage::Keys) {
            job.progress(self.engine, 90).await?;
            let mut all = Vec::new();
            let mut told = self.told(sql::KEYS_TOLD).await?;
            let mut last = [0; 16];
            loop {
                let rows = {
                    let mut reader = self.engine.store().reader().await?;
                    let of = params![self.organization.bytes(), &last, self.now, PORTION];
                    reader.conn()?.query(sql::KEYS, of).await?
                };
                if rows.is_empty() {
                    break;
                }
                for mut row in rows {
                    let role = Role::parse(&row.text()?).ok_or_else(unexpected)?;
                    last = row.array()?;
                    let scopes = stored_scopes(&mut row)?;
                    told.remove(&last);
                    let mut judged =
                        Judged::new(InsightSubject::ApiKey(ApiKeyId::from_bytes(last)));
                    // One that is newer has had no time to need what it has.
                    let is_settled = row.time()? <= days_before(self.now, over_privileged::DAYS);
                    let found = is_settled.then(|| {
                        let factor = self.thresholds.factor(kind);
                        over_privileged::judge(scopes, role, &uses.acts_of(&last), factor)
                    });
                    judged.kinds.insert(kind, found.flatten());
                    all.push(judged);
                }
            }
            // Those that work no more may not more than they need.
            for id in told {
                let mut judged = Judged::new(InsightSubject::ApiKey(ApiKeyId::from_bytes(id)));
                judged.kinds.insert(kind, None);
                all.push(judged);
            }
            state.count(&all);
            self.store_all(all).await?;
        }
        if state.stage == Stage::Keys {
            state.enter(Stage::Readers);
            job.keep(self.engine, state).await?;
        }
        Ok(())
    }

    async fn readers(&self, job: &mut Running, state: &mut State) -> Result<(), Ended> {
        let kind = InsightKind::AccessAnomaly;
        let Some(uses) = self.uses.as_ref().filter(|_| self.looks_for(kind)) else {
            return Ok(());
        };
        job.progress(self.engine, 95).await?;
        let mut all = Vec::new();
        let factor = self.thresholds.factor(kind);
        for (reader, reads) in &uses.readers {
            let mut judged = Judged::new(*reader);
            judged.kinds.insert(kind, reads.judge(self.now, factor));
            all.push(judged);
        }
        {
            let mut reader = self.engine.store().reader().await?;
            let of = params![self.organization.bytes()];
            for mut row in reader.conn()?.query(sql::PRINCIPALS, of).await? {
                let (word, id) = (row.text()?, row.array()?);
                let subject = InsightSubject::from_stored(&word, id).ok_or_else(unexpected)?;
                if !uses.readers.contains_key(&subject) {
                    let mut judged = Judged::new(subject);
                    judged.kinds.insert(kind, None);
                    all.push(judged);
                }
            }
        }
        state.count(&all);
        self.store_all(all).await?;
        Ok(())
    }

    /// Things of which there is a lively insight of a kind.
    async fn told(&self, statement: &'static str) -> Result<BTreeSet<[u8; 16]>, Error> {
        let mut reader = self.engine.store().reader().await?;
        let of = params![self.organization.bytes()];
        let rows = reader.conn()?.query(statement, of).await?;
        let ids = rows.into_iter().map(|mut row| row.array());
        Ok(ids.collect::<Result<_, _>>()?)
    }

    async fn store_all(&self, mut all: Vec<Judged>) -> Result<(), Error> {
        while !all.is_empty() {
            let rest = all.split_off(all.len().min(MOST_STORED));
            self.engine
                .insights_store(self.organization, all, self.now)
                .await?;
            all = rest;
        }
        Ok(())
    }
}

/// Whether reads of it are counted: then background work leaves it out (RULES §4).
fn is_limited(secret: &SecretInfo) -> bool {
    let version = secret.version.as_ref();
    version.is_some_and(|version| version.max_access_count.is_some())
}

/// Keys read at once.
const PORTION: i64 = 200;
/// Things stored at once.
const MOST_STORED: usize = 200;
