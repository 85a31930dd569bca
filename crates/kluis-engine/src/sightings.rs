//! What is noticed at the door: which keys are used, which credentials are refused (RULES §7), which honeytokens touched.
//!
//! Neither may slow a request or stop a refusal, so both are collected in memory and stored in the background, a second or
//! a minute later. A crash loses what was not stored yet.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::audit::{Event, Outcome};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ApiKeyId, HoneytokenId, OrganizationId};
use crate::notice::{Actor, Notice, NoticeDetails, SERVER_LOG};
use crate::store::params;
use crate::store::sql::{authentication as sql, honeytokens};

/// What is noticed and not stored yet.
#[derive(Default)]
pub(crate) struct Sightings(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    used: BTreeMap<ApiKeyId, Timestamp>,
    refused: BTreeMap<Refused, i64>,
    /// How often, and when last.
    triggered: BTreeMap<HoneytokenId, (i64, Timestamp)>,
}

/// Refusals that are counted together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Refused {
    /// Minutes since the epoch.
    minute: i64,
    address: Option<IpAddr>,
    reason: Reason,
    holder: Option<Holder>,
}

/// Whose credential it is, when it is known though refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Holder {
    pub(crate) organization: OrganizationId,
    pub(crate) actor: Actor,
    /// Id of the API key or session.
    pub(crate) credential: [u8; 16],
}

/// Why a credential was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// Its user is disabled, or its agent is or has nobody who is responsible for it.
    Disabled,
    /// It has expired.
    Expired,
    /// The organization may not be asked from there.
    IpRule,
    /// It was revoked.
    Revoked,
    /// Nobody has this credential.
    UnknownCredential,
    /// Nobody has this e-mail address.
    UnknownEmail,
}

/// Which minutes to store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Minutes {
    /// The current one too, when nothing comes after.
    All,
    /// Those that are over, so that each is stored once.
    Over,
}

/// How many kinds of refusals are told apart in memory; beyond it, addresses are not.
const MOST_REFUSED: usize = 4_096;
/// How many uses of keys are stored in one transaction.
const USED_BATCH: usize = 500;
/// How old the stored time of a key's last use may be.
const USED_COARSELY: Duration = Duration::from_hours(1);

impl Sightings {
    /// `key` was used; `stored` is what its row says.
    pub(crate) fn used(&self, key: ApiKeyId, stored: Option<Timestamp>, now: Timestamp) {
        if stored.is_none_or(|at| at.after(USED_COARSELY) <= now) {
            self.seen().used.insert(key, now);
        }
    }

    /// A honeytoken was touched.
    pub(crate) fn triggered(&self, honeytoken: HoneytokenId, now: Timestamp) {
        self.seen().trigger(honeytoken, 1, now);
    }

    /// A credential was refused.
    pub(crate) fn refused(
        &self,
        address: Option<IpAddr>,
        reason: Reason,
        holder: Option<Holder>,
        now: Timestamp,
    ) {
        let kind = Refused {
            minute: now.seconds().div_euclid(60),
            address,
            reason,
            holder,
        };
        self.seen().count(kind, 1);
    }

    /// Take a portion out, to store it.
    fn take(&self, minutes: Minutes, now: Timestamp) -> Seen {
        let current = now.seconds().div_euclid(60);
        let mut seen = self.seen();
        let later = match seen.used.keys().nth(USED_BATCH) {
            Some(&next) => seen.used.split_off(&next),
            None => BTreeMap::new(),
        };
        let used = std::mem::replace(&mut seen.used, later);
        let refused = match minutes {
            Minutes::All => std::mem::take(&mut seen.refused),
            Minutes::Over => {
                let over = std::mem::take(&mut seen.refused);
                let (over, open) = over
                    .into_iter()
                    .partition(|(kind, _)| kind.minute < current);
                seen.refused = open;
                over
            }
        };
        let triggered = std::mem::take(&mut seen.triggered);
        Seen {
            used,
            refused,
            triggered,
        }
    }

    /// Keep what could not be stored.
    fn put_back(&self, taken: Seen) {
        let mut seen = self.seen();
        for (key, at) in taken.used {
            seen.used.entry(key).or_insert(at);
        }
        for (kind, count) in taken.refused {
            seen.count(kind, count);
        }
        for (honeytoken, (count, at)) in taken.triggered {
            seen.trigger(honeytoken, count, at);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn count(&mut self, kind: Refused, times: i64) {
        let kind = if self.refused.len() < MOST_REFUSED || self.refused.contains_key(&kind) {
            kind
        } else {
            Refused {
                address: None,
                holder: None,
                ..kind
            }
        };
        *self.refused.entry(kind).or_default() += times;
    }

    fn trigger(&mut self, honeytoken: HoneytokenId, times: i64, at: Timestamp) {
        let (count, last) = self.triggered.entry(honeytoken).or_insert((0, at));
        *count += times;
        *last = at.max(*last);
    }

    fn is_empty(&self) -> bool {
        self.used.is_empty() && self.refused.is_empty() && self.triggered.is_empty()
    }
}

impl Refused {
    fn event(&self, count: i64) -> Result<Event, Error> {
        let (organization, actor) = match self.holder {
            Some(holder) => (holder.organization, holder.actor),
            None => (SERVER_LOG, Actor::Anonymous),
        };
        Notice {
            credential: self.holder.map(|holder| holder.credential),
            outcome: Outcome::Denied,
            address: self.address,
            details: NoticeDetails {
                reason: Some(self.reason.as_str()),
                count: Some(count),
                ..NoticeDetails::default()
            },
            ..Notice::new(organization, actor, AUTH_FAILURE)
        }
        .event(Timestamp::from_millis(self.minute.saturating_mul(60_000)))
    }
}

impl Reason {
    /// The word for it in the record.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::IpRule => "ip_rule",
            Self::Revoked => "revoked",
            Self::UnknownCredential => "unknown_credential",
            Self::UnknownEmail => "unknown_email",
        }
    }
}

impl Engine {
    /// Store what was noticed.
    pub(crate) async fn sightings_store(&self, minutes: Minutes) -> Result<(), Error> {
        loop {
            let taken = self.sightings().take(minutes, self.clock().now());
            if taken.is_empty() {
                return Ok(());
            }
            let used = taken.used.clone();
            let triggered = taken.triggered.clone();
            let events = taken
                .refused
                .iter()
                .map(|(kind, &count)| kind.event(count))
                .collect::<Result<Vec<_>, _>>()?;
            let stored = self
                .store()
                .write(move |tx| {
                    Box::pin(async move {
                        for (key, at) in used {
                            // A user's key or an agent's.
                            for statement in [sql::KEY_USED, sql::AGENT_KEY_USED, sql::AGENT_USED] {
                                tx.conn()
                                    .execute(statement, params![key.bytes(), at])
                                    .await?;
                            }
                        }
                        for (honeytoken, (count, at)) in triggered {
                            let touched = params![honeytoken.bytes(), count, at];
                            tx.conn().execute(honeytokens::TRIGGERED, touched).await?;
                        }
                        for event in events {
                            tx.record(event);
                        }
                        Ok(())
                    })
                })
                .await;
            if let Err(error) = stored {
                self.sightings().put_back(taken);
                return Err(error);
            }
        }
    }
}

/// Name of a refused log-in or credential in the record.
pub(crate) const AUTH_FAILURE: &str = "auth.failure";

#[cfg(test)]
mod tests;
