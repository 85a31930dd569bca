//! What the record tells of keys and of those who read.

use std::collections::BTreeSet;

use super::{Run, Stage, State};
use crate::authentication::stored_scopes;
use crate::caller::Role;
use crate::error::Error;
use crate::ids::ApiKeyId;
use crate::insights::checks::over_privileged;
use crate::insights::findings::Judged;
use crate::insights::insight::InsightSubject;
use crate::insights::kind::InsightKind;
use crate::insights::uses::days_before;
use crate::jobs::{Ended, Running};
use crate::store::sql::insights as sql;
use crate::store::{params, unexpected};

impl Run<'_> {
    pub(super) async fn keys(&self, job: &mut Running, state: &mut State) -> Result<(), Ended> {
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

    pub(super) async fn readers(&self, job: &mut Running, state: &mut State) -> Result<(), Ended> {
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

/// Keys read at once.
const PORTION: i64 = 200;
/// Things stored at once.
const MOST_STORED: usize = 200;
