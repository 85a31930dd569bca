//! Integrations: secrets of a vault, sent to where they are used (CredVault contract B5; `docs/decisions/0011-integrations.md`).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | `integration_list`, `integration_read`, `integration_kind_list` |
//! | `integration.rs` | an integration as it is stored and shown |
//! | `change.rs` | `integration_create`, `integration_update`, `integration_delete` |
//! | `http_push.rs`, `env_file.rs`, `kv_v2.rs`, `chat_webhook.rs` | the kinds of targets, one file each |
//! | `directory.rs` | files below the directory that the configuration names |
//! | `variables.rs` | secrets as variables: their names, and values that a shell reads back |
//! | `follow.rs` | changes that integrations follow, told in the transaction of the change |
//! | `tend.rs` | what is done beside the requests: what is due becomes a job |
//! | `job.rs` | `integration_sync`; a sync as a job: attempts and retries |
//! | `outcome.rs` | what becomes of a sync: kept and told |
//! | `sync.rs` | one attempt: what is to be at the target, and what of it has to be sent |
//! | `source.rs` | the secrets of one attempt, read with the rights of the user that it acts for |
//! | `runs.rs` | the history: `integration_run_list` |
//! | `trial.rs` | `integration_test` |
//! | `words.rs` | what targets get, in the words of the API that integrations belong to |
//!
//! A change of a secret leaves a row in its own transaction; once a second such rows become due times, and due times jobs. So many
//! changes are one sync, and none is lost with the process.

mod change;
mod chat_webhook;
mod directory;
mod env_file;
mod follow;
mod http_push;
mod integration;
mod job;
mod kv_v2;
mod outcome;
mod runs;
mod source;
mod sync;
mod tend;
mod trial;
mod variables;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

pub use change::{
    IntegrationChange, IntegrationShown, ModeChange, NamedVault, NewIntegration, NewSelector,
    TargetChange,
};
pub use chat_webhook::ChatWebhook;
pub use env_file::EnvFile;
pub(crate) use follow::{integrations_follow, integrations_follow_act};
pub use http_push::{HttpPush, PushFormat};
pub use integration::{
    Integration, IntegrationKind, IntegrationStatus, Selector, SyncMode, Target,
};
pub(crate) use job::run;
pub use kv_v2::KvV2;
pub use runs::{IntegrationRun, RunCause, RunFilter, RunStatus};
pub use trial::Trial;
pub use words::{Consignment, Envelope, IntegrationWords, Report, Sent};

use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Role};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{IntegrationId, VaultId};
use crate::store::sql::integrations as sql;
use crate::store::{Conn, params};

/// The secret that an integration signs with, sealed beside it.
pub(crate) const INTEGRATION_SECRET: &str = "integration";

/// What this node knows of its integrations beside what is stored.
#[derive(Default)]
pub(crate) struct Integrations {
    words: OnceLock<IntegrationWords>,
    /// Those that a sync of this process is under way for.
    running: Mutex<BTreeSet<IntegrationId>>,
}

/// The turn of an integration in this process; given back when dropped.
struct Turn<'e> {
    integrations: &'e Integrations,
    id: IntegrationId,
}

impl Integrations {
    /// A turn; none while a sync is under way. However the clock jumps, two never are.
    fn turn(&self, id: IntegrationId) -> Option<Turn<'_>> {
        let is_free = self.running().insert(id);
        is_free.then(|| Turn {
            integrations: self,
            id,
        })
    }

    fn running(&self) -> MutexGuard<'_, BTreeSet<IntegrationId>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.integrations.running().remove(&self.id);
    }
}

impl Engine {
    /// The kinds of targets, for whoever may see integrations, and whether this server serves each.
    pub async fn integration_kind_list(
        &self,
        caller: &Caller,
    ) -> Result<Vec<(IntegrationKind, bool)>, Error> {
        self.look(caller, Action::IntegrationKindList, async |_, _| {
            let has_root = self.settings().env_file_root.is_some();
            let served = |kind| (kind, kind != IntegrationKind::EnvFile || has_root);
            Ok(IntegrationKind::ALL.into_iter().map(served).collect())
        })
        .await
    }

    /// The integrations that the caller sees, oldest first: an owner or admin all; others those of vaults in which they see every
    /// name (RULES §2).
    pub async fn integration_list(&self, caller: &Caller) -> Result<Vec<Integration>, Error> {
        self.look(caller, Action::IntegrationList, async |conn, act| {
            let of = params![act.caller.organization.bytes()];
            let rows = conn.query(sql::OF_ORGANIZATION, of).await?;
            let mut seen = BTreeMap::new();
            let mut integrations = Vec::with_capacity(rows.len());
            for row in rows {
                let integration = Integration::from_row(row)?;
                let vault = integration.selector.vault;
                if self.integration_seen(conn, act, vault, &mut seen).await? {
                    integrations.push(integration.seen_by(&act.caller));
                }
            }
            Ok(integrations)
        })
        .await
    }

    /// One integration.
    pub async fn integration_read(
        &self,
        caller: &Caller,
        id: IntegrationId,
    ) -> Result<Integration, Error> {
        self.look(caller, Action::IntegrationRead, async |conn, act| {
            let found = self.integration_find(conn, act, id).await?;
            Ok(found.seen_by(&act.caller))
        })
        .await
    }

    /// The integration of the caller's organization with this id, as far as the caller sees it.
    async fn integration_find(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        id: IntegrationId,
    ) -> Result<Integration, Error> {
        act.names("integration", *id.bytes());
        let of = params![id.bytes(), act.caller.organization.bytes()];
        let row = conn.query_one(sql::BY_ID, of).await?;
        let integration = Integration::from_row(row.ok_or(Error::NotFound)?)?;
        let vault = integration.selector.vault;
        let mut seen = BTreeMap::new();
        if self.integration_seen(conn, act, vault, &mut seen).await? {
            act.calls_it(&integration.name);
            Ok(integration)
        } else {
            Err(Error::Hidden)
        }
    }

    /// Whether the caller sees the integrations of a vault; `known` says for which that is known already.
    async fn integration_seen(
        &self,
        conn: &mut Conn,
        act: &Act,
        vault: VaultId,
        known: &mut BTreeMap<VaultId, bool>,
    ) -> Result<bool, Error> {
        if act.caller.role() >= Some(Role::Admin) {
            return Ok(true);
        }
        if let Some(seen) = known.get(&vault) {
            return Ok(*seen);
        }
        let seen = self.sees_all_names(conn, act, vault).await?;
        known.insert(vault, seen);
        Ok(seen)
    }

    /// What targets get; `Internal` in an engine that sends nothing.
    fn integration_words(&self) -> Result<IntegrationWords, Error> {
        let words = self.integrations().words.get().copied();
        words.ok_or_else(|| Error::internal("nothing is sent by this engine"))
    }
}
