//! How fast a user may go, and how often anyone may guess (RULES §6).
//!
//! Both are counted in the database, so they hold over all nodes, keys and APIs: the times of the hits of the last
//! minute, in one row per user or address.

mod proofs;

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::caller::{Caller, Plan, Principal};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, ShareId};
use crate::store::sql::limits as sql;
use crate::store::{Conn, params};

/// A request that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The plan has no limit; nothing was counted.
    Unlimited,
    /// It was counted.
    Limited {
        /// Requests in any 60 seconds.
        limit: u32,
        /// How many more could follow at once.
        remaining: u32,
        /// When the oldest counted request leaves the window.
        reset: Timestamp,
    },
}

/// Why a request may not go on.
#[derive(Debug)]
pub enum Refusal {
    /// It could not be counted.
    Failed(Error),
    /// The plan's requests are used up. This one was not counted.
    TooFast {
        /// Requests in any 60 seconds.
        limit: u32,
        /// When the oldest counted request leaves the window.
        reset: Timestamp,
        /// Whole seconds until then, at least 1.
        retry_after: u64,
    },
}

/// Guesses under way on this node.
pub(crate) struct Guesses {
    turns: Arc<Semaphore>,
    proofs: proofs::Turns,
}

/// A password, code or refresh token that is about to be tried; it counts as failing until it has succeeded.
pub(crate) struct Guess {
    hits: Vec<(String, i64)>,
    _turn: OwnedSemaphorePermit,
}

/// The times of the last minute's hits, in milliseconds since the epoch, oldest first.
struct Window(Vec<i64>);

/// What became of a hit.
enum Hit {
    Counted {
        at: i64,
        remaining: u32,
        reset: Timestamp,
    },
    Refused {
        reset: Timestamp,
    },
}

/// The length of the window, in milliseconds.
const WINDOW: i64 = 60_000;
/// Failing guesses in any 60 seconds from one address.
const GUESSES: u32 = 60;
/// Requests for a person's decision in any 60 seconds from one address.
const ASKINGS: u32 = 10;
/// Failing guesses in any 60 seconds at one share.
const SHARE_GUESSES: u32 = 10;
/// Guesses tried at once: far fewer than [`GUESSES`], so that right ones that come together do not exhaust the window.
const GUESSES_AT_ONCE: usize = 8;

impl Engine {
    /// Count a request of `caller` against its user's plan. Exact over any 60 seconds, whatever runs beside it.
    pub async fn admit(&self, caller: &Caller) -> Result<Admission, Refusal> {
        let limit = match caller.plan {
            Plan::Enterprise => return Ok(Admission::Unlimited),
            Plan::Pro => self.settings().pro_plan,
            Plan::Standard => self.settings().standard_plan,
        };
        let subject = match &caller.principal {
            Principal::Agent(agent) => match agent.registered_by {
                Some(user) => format!("user:{user}"),
                None => format!("agent:{}", agent.id),
            },
            Principal::User(user) => format!("user:{}", user.id),
        };
        match self.hit(subject, limit).await.map_err(Refusal::Failed)? {
            Hit::Counted {
                remaining, reset, ..
            } => Ok(Admission::Limited {
                limit,
                remaining,
                reset,
            }),
            Hit::Refused { reset } => {
                let retry_after = seconds_until(reset, self.clock().now());
                Err(Refusal::TooFast {
                    limit,
                    reset,
                    retry_after,
                })
            }
        }
    }

    /// Begin to try a guess from `address`. `RateLimited` after too many failing ones, before any work is done on it.
    pub(crate) async fn guess_begin(&self, address: Option<IpAddr>) -> Result<Guess, Error> {
        let turn = Arc::clone(&self.guesses().turns)
            .acquire_owned()
            .await
            .map_err(|_| Error::internal("the turns for guesses are closed"))?;
        let subject = guesser(address);
        let hit = self.hit(subject.clone(), GUESSES).await?;
        let at = hit.counted(self.clock().now())?;
        Ok(Guess {
            hits: vec![(subject, at)],
            _turn: turn,
        })
    }

    /// The same for the passphrase of a share, which fewer guesses are let at.
    pub(crate) async fn guess_begin_share(
        &self,
        address: Option<IpAddr>,
        share: ShareId,
    ) -> Result<Guess, Error> {
        let mut guess = self.guess_begin(address).await?;
        let subject = format!("share:{share}");
        let hit = self.hit(subject.clone(), SHARE_GUESSES).await?;
        match hit.counted(self.clock().now()) {
            Ok(at) => {
                guess.hits.push((subject, at));
                Ok(guess)
            }
            Err(refused) => {
                // A refused guess does not count for its address either.
                self.store()
                    .write(move |tx| Box::pin(async move { guess.succeeded(tx.conn()).await }))
                    .await?;
                Err(refused)
            }
        }
    }

    /// Count what somebody unknown leaves here for a person to decide. `RateLimited` after too many from one address.
    pub(crate) async fn admit_asking(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let subject = format!("asks {}", guesser(address));
        let hit = self.hit(subject, ASKINGS).await?;
        hit.counted(self.clock().now()).map(drop)
    }

    /// Count a share that is made in this transaction against its organization, where the settings limit them.
    pub(crate) async fn admit_share(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
    ) -> Result<(), Error> {
        let Some(limit) = self.settings().shares_per_minute else {
            return Ok(());
        };
        let now = self.clock().now();
        let hit = hit_in(conn, &format!("shares:{organization}"), limit, now).await?;
        hit.counted(now).map(drop)
    }

    /// Count a hit of `subject`, unless its window is full.
    async fn hit(&self, subject: String, limit: u32) -> Result<Hit, Error> {
        // A full window only empties with time, so it refuses without a transaction.
        let mut reader = self.store().reader().await?;
        let row = reader
            .conn()?
            .query_one(sql::HITS, params![&subject])
            .await?;
        drop(reader);
        let stored = row
            .map(|mut row| row.blob())
            .transpose()?
            .unwrap_or_default();
        let now = self.clock().now();
        let window = Window::read(&stored, now);
        if window.is_full(limit) {
            return Ok(Hit::Refused {
                reset: window.reset(now),
            });
        }
        let clock = self.clock().clone();
        self.store()
            .write(move |tx| {
                Box::pin(async move { hit_in(tx.conn(), &subject, limit, clock.now()).await })
            })
            .await
    }
}

impl Hit {
    /// When it was counted; `RateLimited` when it was not.
    fn counted(self, now: Timestamp) -> Result<i64, Error> {
        match self {
            Self::Counted { at, .. } => Ok(at),
            Self::Refused { reset } => Err(Error::RateLimited {
                retry_after: seconds_until(reset, now),
            }),
        }
    }
}

impl Guess {
    /// It was right: it does not count.
    pub(crate) async fn succeeded(self, conn: &mut Conn) -> Result<(), Error> {
        for (subject, hit) in &self.hits {
            let stored = window_lock(conn, subject).await?;
            let mut window = Window::read(&stored, Timestamp::from_millis(*hit));
            if let Some(position) = window.0.iter().position(|at| at == hit) {
                window.0.remove(position);
            }
            window_keep(conn, subject, &window).await?;
        }
        Ok(())
    }
}

impl Default for Guesses {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(GUESSES_AT_ONCE)),
            proofs: proofs::Turns::default(),
        }
    }
}

impl Window {
    /// The hits that count at `now`. One from further ahead than a window was made by a clock that was wrong.
    fn read(stored: &[u8], now: Timestamp) -> Self {
        let (hits, _) = stored.as_chunks::<8>();
        let live = now.millis().saturating_sub(WINDOW)..now.millis().saturating_add(WINDOW);
        Self(
            hits.iter()
                .map(|hit| i64::from_be_bytes(*hit))
                .filter(|hit| *hit > live.start && *hit <= live.end)
                .collect(),
        )
    }

    fn write(&self) -> Vec<u8> {
        self.0.iter().flat_map(|hit| hit.to_be_bytes()).collect()
    }

    fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn is_full(&self, limit: u32) -> bool {
        self.count() >= limit
    }

    /// Add a hit; not before the last one, whatever the clocks of other nodes say.
    fn add(&mut self, now: Timestamp) -> i64 {
        let at = self
            .0
            .last()
            .map_or(now.millis(), |&last| last.max(now.millis()));
        self.0.push(at);
        at
    }

    fn reset(&self, now: Timestamp) -> Timestamp {
        let oldest = self.0.first().copied().unwrap_or(now.millis());
        Timestamp::from_millis(oldest.saturating_add(WINDOW))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failed(error) => error,
            Refusal::TooFast { retry_after, .. } => Self::RateLimited { retry_after },
        }
    }
}

/// Count a hit inside a transaction, unless the window is full.
async fn hit_in(conn: &mut Conn, subject: &str, limit: u32, now: Timestamp) -> Result<Hit, Error> {
    let stored = window_lock(conn, subject).await?;
    let mut window = Window::read(&stored, now);
    if window.is_full(limit) {
        return Ok(Hit::Refused {
            reset: window.reset(now),
        });
    }
    let at = window.add(now);
    window_keep(conn, subject, &window).await?;
    let remaining = limit.saturating_sub(window.count());
    Ok(Hit::Counted {
        at,
        remaining,
        reset: window.reset(now),
    })
}

/// The stored window, taken until the transaction ends.
async fn window_lock(conn: &mut Conn, subject: &str) -> Result<Vec<u8>, Error> {
    let row = conn
        .query_one(sql::LOCK, params![subject, &[0_u8; 0]])
        .await?;
    Ok(row
        .ok_or_else(|| Error::internal("a window is missing"))?
        .blob()?)
}

async fn window_keep(conn: &mut Conn, subject: &str, window: &Window) -> Result<(), Error> {
    let expires_at = window
        .0
        .last()
        .copied()
        .unwrap_or_default()
        .saturating_add(WINDOW);
    conn.execute(sql::KEEP, params![subject, &window.write(), expires_at])
        .await?;
    Ok(())
}

/// Who guesses: an IPv4 address, or an IPv6 network of 64 bits, which one client has to itself.
fn guesser(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "guess:unknown".to_owned(),
        Some(IpAddr::V4(address)) => format!("guess:{address}"),
        Some(IpAddr::V6(address)) => {
            let network = std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
            format!("guess:{network}/64")
        }
    }
}

/// Whole seconds, rounded up, at least 1.
pub(crate) fn seconds_until(at: Timestamp, now: Timestamp) -> u64 {
    let millis = at.millis().saturating_sub(now.millis()).max(1);
    millis.unsigned_abs().div_ceil(1_000)
}

#[cfg(test)]
mod tests;
