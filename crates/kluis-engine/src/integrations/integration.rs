//! An integration as it is stored and shown.

use std::time::Duration;

use super::chat_webhook::ChatWebhook;
use super::env_file::EnvFile;
use super::http_push::HttpPush;
use super::kv_v2::KvV2;
use crate::caller::{Caller, Role};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{IntegrationId, OrganizationId, SecretId, UserId, VaultId};
use crate::outbound::{self, Reach};
use crate::secrets::Filter;
use crate::store::{Failure, Row, unexpected};

/// Where secrets of a vault are sent, which, and when (contract B5).
#[derive(Clone, Debug)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// Its name, unique in its organization.
    pub name: String,
    /// Where to, and in which form.
    pub target: Target,
    /// Whether anything is sent.
    pub enabled: bool,
    /// The secret that it proves itself with at the target.
    pub credential: Option<SecretId>,
    /// What is sent.
    pub selector: Selector,
    /// When.
    pub mode: SyncMode,
    /// The user with whose rights it reads: who last said what is sent, or where to.
    pub acts_for: UserId,
    /// Moves with every change, so that what is under way notices.
    pub(crate) revision: i64,
    /// What became of the last sync.
    pub status: IntegrationStatus,
    /// When the target was last brought up to date.
    pub last_sync_at: Option<Timestamp>,
    /// Why it could not be since; a sentence without secret values.
    pub last_error: Option<String>,
    /// When it is next looked whether there is something to send.
    pub due_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed; syncs do not move it.
    pub updated_at: Timestamp,
}

/// Which secrets are sent: decided anew in every run.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The vault.
    pub vault: VaultId,
    /// Its name; none when it is gone.
    pub vault_name: Option<String>,
    /// Which of its secrets.
    pub filter: Filter,
    /// The same in the words of whoever has stated it, to be shown.
    pub stated: String,
}

impl Integration {
    /// As this caller sees it: behind the host of a URL there often stands what lets callers in, and that is for owners and
    /// admins.
    pub(super) fn seen_by(mut self, caller: &Caller) -> Self {
        if caller.role() < Some(Role::Admin) {
            match &mut self.target {
                Target::ChatWebhook(ChatWebhook { url: Some(url) })
                | Target::HttpPush(HttpPush { url, .. }) => *url = outbound::origin(url),
                Target::ChatWebhook(_) | Target::EnvFile(_) | Target::KvV2(_) => {}
            }
        }
        self
    }
}

/// The kinds of targets, each with what it needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A message to people that something has changed, without values.
    ChatWebhook(ChatWebhook),
    /// A file of variables on the server's own machine.
    EnvFile(EnvFile),
    /// A signed request with everything in it.
    HttpPush(HttpPush),
    /// A KV secrets engine, version 2.
    KvV2(KvV2),
}

/// A kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegrationKind {
    /// [`Target::ChatWebhook`].
    ChatWebhook,
    /// [`Target::EnvFile`].
    EnvFile,
    /// [`Target::HttpPush`].
    HttpPush,
    /// [`Target::KvV2`].
    KvV2,
}

/// When an integration is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// When somebody asks for it.
    Manual,
    /// Soon after a secret of its vault has changed, through whichever API.
    OnChange,
    /// Every so many minutes.
    Scheduled(u32),
}

/// What became of an integration's last sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegrationStatus {
    /// It came to nothing.
    Failed,
    /// The target is up to date.
    Ok,
    /// There was none.
    Pending,
    /// It came to nothing yet, and is tried again.
    Retrying,
}

/// The minutes that a schedule can have: at most 30 days.
const MINUTES: std::ops::RangeInclusive<u32> = 5..=43_200;

impl Integration {
    /// From the columns of `integrations::BY_ID`.
    pub(super) fn from_row(mut row: Row) -> Result<Self, Failure> {
        let (id, organization) = (row.array()?, row.array()?);
        let name = row.text()?;
        let kind = IntegrationKind::parse(&row.text()?).ok_or_else(unexpected)?;
        let target = Target::from_stored(kind, &row.text()?)?;
        let enabled = row.flag()?;
        let credential = row.optional_array()?.map(SecretId::from_bytes);
        let vault = VaultId::from_bytes(row.array()?);
        let (filter, stated) = (row.json()?, row.text()?);
        let mode = SyncMode::from_stored(&row.text()?, row.optional_number()?)?;
        Ok(Self {
            id: IntegrationId::from_bytes(id),
            organization: OrganizationId::from_bytes(organization),
            name,
            target,
            enabled,
            credential,
            mode,
            acts_for: UserId::from_bytes(row.array()?),
            revision: row.int()?,
            status: IntegrationStatus::parse(&row.text()?).ok_or_else(unexpected)?,
            last_sync_at: row.optional_time()?,
            last_error: row.optional_text()?,
            due_at: row.optional_time()?,
            created_at: row.time()?,
            updated_at: row.time()?,
            selector: Selector {
                vault,
                vault_name: row.optional_text()?,
                filter,
                stated,
            },
        })
    }
}

impl Target {
    /// Its kind.
    pub const fn kind(&self) -> IntegrationKind {
        match self {
            Self::ChatWebhook(_) => IntegrationKind::ChatWebhook,
            Self::EnvFile(_) => IntegrationKind::EnvFile,
            Self::HttpPush(_) => IntegrationKind::HttpPush,
            Self::KvV2(_) => IntegrationKind::KvV2,
        }
    }

    /// What can be found wrong with it by itself, and with a credential for it being there or not.
    pub(super) fn check(&self, has_credential: bool, reach: Reach) -> Result<(), Error> {
        match self {
            Self::ChatWebhook(chat) => chat.check(has_credential, reach),
            Self::EnvFile(file) => file.check(has_credential),
            Self::HttpPush(push) => push.check(reach),
            Self::KvV2(kv) => kv.check(has_credential, reach),
        }
    }

    /// As it is stored, beside its kind.
    pub(super) fn stored(&self) -> Result<String, Error> {
        let text = match self {
            Self::ChatWebhook(chat) => serde_json::to_string(chat),
            Self::EnvFile(file) => serde_json::to_string(file),
            Self::HttpPush(push) => serde_json::to_string(push),
            Self::KvV2(kv) => serde_json::to_string(kv),
        };
        text.map_err(|cause| Error::internal(cause.to_string()))
    }

    fn from_stored(kind: IntegrationKind, text: &str) -> Result<Self, Failure> {
        let target = match kind {
            IntegrationKind::ChatWebhook => serde_json::from_str(text).map(Self::ChatWebhook),
            IntegrationKind::EnvFile => serde_json::from_str(text).map(Self::EnvFile),
            IntegrationKind::HttpPush => serde_json::from_str(text).map(Self::HttpPush),
            IntegrationKind::KvV2 => serde_json::from_str(text).map(Self::KvV2),
        };
        target.map_err(|_| unexpected())
    }
}

impl IntegrationKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ChatWebhook, Self::EnvFile, Self::HttpPush, Self::KvV2];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatWebhook => "chat_webhook",
            Self::EnvFile => "env_file",
            Self::HttpPush => "http_push",
            Self::KvV2 => "kv_v2",
        }
    }

    /// The kind that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl SyncMode {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::OnChange => "on_change",
            Self::Scheduled(_) => "scheduled",
        }
    }

    /// The minutes from one sync to the next, where there is a schedule.
    pub const fn minutes(self) -> Option<u32> {
        match self {
            Self::Scheduled(minutes) => Some(minutes),
            Self::Manual | Self::OnChange => None,
        }
    }

    /// When the next sync is due, after one that is due now; not by itself, where nothing but a change or somebody asks for it.
    pub(super) fn next(self, now: Timestamp) -> Option<Timestamp> {
        let minutes = self.minutes()?;
        Some(now.after(Duration::from_secs(u64::from(minutes) * 60)))
    }

    /// That a schedule is within its bounds.
    pub(super) fn check(self) -> Result<(), Error> {
        if self
            .minutes()
            .is_some_and(|minutes| !MINUTES.contains(&minutes))
        {
            let why = "must be a number of minutes from 5 to 43200, which is 30 days";
            return Err(Error::invalid("sync.interval_minutes", why));
        }
        Ok(())
    }

    fn from_stored(word: &str, minutes: Option<u32>) -> Result<Self, Failure> {
        match (word, minutes) {
            ("manual", None) => Ok(Self::Manual),
            ("on_change", None) => Ok(Self::OnChange),
            ("scheduled", Some(minutes)) => Ok(Self::Scheduled(minutes)),
            _ => Err(unexpected()),
        }
    }
}

impl IntegrationStatus {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Retrying => "retrying",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Failed, Self::Ok, Self::Pending, Self::Retrying]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}
