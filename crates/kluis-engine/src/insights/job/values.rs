//! Values against each other.

use super::{Run, Stage, State, is_limited};
use crate::error::Error;
use crate::ids::SecretId;
use crate::insights::analyze::AnalysisScope;
use crate::insights::checks::{parts, reused};
use crate::insights::findings::Judged;
use crate::insights::insight::{Evidence, InsightSubject};
use crate::insights::kind::InsightKind;
use crate::insights::portions::Place;
use crate::jobs::{Ended, Running};
use crate::secrets::Availability;
use crate::store::params;
use crate::store::sql::insights as sql;

impl Run<'_> {
    /// Values against each other: all are digested before any is judged.
    pub(super) async fn values(&self, job: &mut Running, state: &mut State) -> Result<(), Ended> {
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
}
