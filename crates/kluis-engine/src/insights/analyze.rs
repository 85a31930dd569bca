//! Asking for an analysis.

use serde::{Deserialize, Serialize};

use super::kind::InsightKind;
use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Role};
use crate::clusters::cluster_find;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{ClusterId, VaultId};
use crate::jobs::{Job, JobKind, NewJob};
use crate::policy::PolicyPrincipal;
use crate::store::sql::insights as sql;
use crate::store::{Conn, params};

/// An analysis to make.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// What is looked through.
    pub scope: AnalysisScope,
    /// What for; all that there is, where it is empty. What is no matter of a part is left out of one.
    pub checks: Vec<InsightKind>,
}

/// What an analysis looks through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnalysisScope {
    /// The organization: its secrets, its keys, and the record.
    All,
    /// The secrets that are bound to a cluster.
    Cluster(ClusterId),
    /// The secrets of a vault.
    Vault(VaultId),
}

/// The same as a job is asked it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    vault: Option<[u8; 16]>,
    cluster: Option<[u8; 16]>,
    checks: Vec<String>,
}

/// How many analyses somebody waits for at most.
const MOST: i64 = 2;

impl Engine {
    /// Have secrets, keys and the record looked through. All of it and clusters for owners and admins; a vault also for members who
    /// see every name in it. `Conflict` for whoever waits for two already.
    pub async fn analysis_create(&self, caller: &Caller, analysis: Analysis) -> Result<Job, Error> {
        let engine = self.clone();
        self.change(caller, Action::Analyze, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                engine.require_analyzable(conn, act, analysis.scope).await?;
                let me = PolicyPrincipal::of(&act.caller);
                // However many ask at once.
                conn.lock(sql::LOCK_USER, params![me.id_bytes()]).await?;
                let of = params![act.caller.organization.bytes(), me.id_bytes()];
                let waiting = conn.query_one(sql::UNFINISHED, of).await?;
                if waiting.ok_or(Error::NotFound)?.int()? >= MOST {
                    return Err(Error::Conflict(Conflict::Full));
                }
                let job = NewJob::new(JobKind::Analysis, &Asked::of(&analysis))?;
                let job = match analysis.scope {
                    AnalysisScope::Vault(vault) => job.about(vault),
                    AnalysisScope::All | AnalysisScope::Cluster(_) => job,
                };
                engine.job_create(tx, act, job).await
            })
        })
        .await
    }

    async fn require_analyzable(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        scope: AnalysisScope,
    ) -> Result<(), Error> {
        let administers = act.caller.role() >= Some(Role::Admin);
        match scope {
            AnalysisScope::All if administers => Ok(()),
            AnalysisScope::Cluster(cluster) if administers => {
                let cluster = cluster_find(conn, act, cluster).await?;
                act.calls_it(&cluster.name);
                Ok(())
            }
            AnalysisScope::All => Err(Error::Forbidden),
            AnalysisScope::Cluster(cluster) => {
                act.names("cluster", *cluster.bytes());
                Err(Error::Forbidden)
            }
            AnalysisScope::Vault(vault) => {
                let access = self.access(conn, act, vault).await?;
                if access.standing(&act.caller).sees_all() {
                    Ok(())
                } else {
                    Err(Error::Forbidden)
                }
            }
        }
    }
}

impl Asked {
    fn of(analysis: &Analysis) -> Self {
        let (vault, cluster) = match analysis.scope {
            AnalysisScope::All => (None, None),
            AnalysisScope::Cluster(cluster) => (None, Some(*cluster.bytes())),
            AnalysisScope::Vault(vault) => (Some(*vault.bytes()), None),
        };
        let checks = analysis.checks.iter().map(|kind| kind.as_str().to_owned());
        Self {
            vault,
            cluster,
            checks: checks.collect(),
        }
    }

    /// What is looked through.
    pub(super) fn scope(&self) -> AnalysisScope {
        match (self.vault, self.cluster) {
            (Some(vault), _) => AnalysisScope::Vault(VaultId::from_bytes(vault)),
            (None, Some(cluster)) => AnalysisScope::Cluster(ClusterId::from_bytes(cluster)),
            (None, None) => AnalysisScope::All,
        }
    }

    /// What is looked for, and what was asked for that is no matter of a part.
    pub(super) fn kinds(&self) -> (Vec<InsightKind>, Vec<InsightKind>) {
        let asked = |kind: &InsightKind| {
            self.checks.is_empty() || self.checks.iter().any(|word| word == kind.as_str())
        };
        let kinds = InsightKind::ALL.into_iter().filter(asked);
        let is_whole = self.scope() == AnalysisScope::All;
        let (kinds, left): (Vec<_>, Vec<_>) = kinds.partition(|kind| is_whole || !kind.is_of_all());
        (
            kinds,
            if self.checks.is_empty() {
                Vec::new()
            } else {
                left
            },
        )
    }
}
