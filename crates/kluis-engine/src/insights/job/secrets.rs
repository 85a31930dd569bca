//! Each secret by itself: its value's strength, and its times.

use super::{Run, Stage, State, is_limited};
use crate::clusters::names_of;
use crate::error::Error;
use crate::ids::SecretId;
use crate::insights::checks::{Found, expiring, parts, stale, unused, weak};
use crate::insights::findings::Judged;
use crate::insights::insight::InsightSubject;
use crate::insights::kind::InsightKind;
use crate::jobs::{Ended, Running};
use crate::secrets::{Availability, SecretInfo};

impl Run<'_> {
    /// Each secret by itself.
    pub(super) async fn secrets(&self, job: &mut Running, state: &mut State) -> Result<(), Ended> {
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
}
