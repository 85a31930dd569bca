//! Checking the record against its chain, its head and its signed checkpoints (RULES §7).

use kluis_crypto::record::{Break, ChainCheck, Fault, START};

use super::chain::Head;
use super::checkpoints::{AuditCheckpoint, Checkpoints, PublicKeys, Signed};
use super::range::{AuditRange, Span, hash_at, only};
use super::row::EventRow;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{EventId, OrganizationId};
use crate::store::sql::events as sql;
use crate::store::{Conn, Failure, Row, params};

/// What a check of the chain has shown. Events are counted as the chain links them: a list of values is one.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Whether everything that was checked holds.
    pub chain_valid: bool,
    /// Events that were looked at.
    pub events_checked: u64,
    /// Events before the first place that does not hold.
    pub events_verified: u64,
    /// The event at the first place that does not hold; none where an event is missing.
    pub broken_at: Option<EventId>,
    /// That place, and what is wrong there.
    pub broken: Option<(i64, &'static str)>,
    /// Number of the last event that was to be checked: where to go on.
    pub checked_through: i64,
    /// Number of the last event in the chain.
    pub sealed_through: i64,
    /// Events that are recorded and have no place in the chain yet.
    pub open_tail: u64,
    /// The newest checkpoint: up to here a removed event is found, beyond it only a changed one.
    pub checkpoint: Option<AuditCheckpoint>,
}

impl Verification {
    /// How events are linked.
    pub const HASH: &'static str = "SHA-256";
    /// How checkpoints are signed.
    pub const SIGNATURE: &'static str = "Ed25519";
}

/// A chain and the part of it that is checked.
struct Walk {
    organization: [u8; 16],
    keys: PublicKeys,
    span: Span,
    checked: u64,
    verified: u64,
}

/// Events read at once.
pub(super) const PORTION: i64 = 500;

impl Engine {
    /// Check the chain of the caller's organization. What is wrong is the answer, not an error.
    pub async fn audit_verify(
        &self,
        caller: &Caller,
        range: AuditRange,
    ) -> Result<Verification, Error> {
        self.store().settle().await?;
        self.look(caller, Action::AuditVerify, async |conn, act| {
            let organization = act.caller.organization;
            let keys = self.checkpoint_keys(conn).await?;
            verify(conn, organization, keys, &range).await
        })
        .await
    }
}

pub(super) async fn verify(
    conn: &mut Conn,
    organization: OrganizationId,
    keys: PublicKeys,
    range: &AuditRange,
) -> Result<Verification, Error> {
    let of = params![organization.bytes()];
    // Before the head, which can only be further by the time it is read.
    let stored = only(conn.query_one(sql::LAST_SEQ, of).await?)?;
    let head = Head::load(conn, organization.bytes()).await?;
    let newest = match conn.query_one(sql::NEWEST_CHECKPOINT, of).await? {
        Some(mut row) => Some(Signed::from_columns(organization.bytes(), &mut row)?),
        None => None,
    };
    let open_tail = open_tail(conn, organization.bytes()).await?;
    let (sealed_through, hash) = head.map_or((0, START), |head| (head.seq, head.hash));
    let checkpoint = newest.as_ref().map(|newest| newest.shown(&keys));
    let mut walk = Walk {
        organization: *organization.bytes(),
        keys,
        span: range
            .of_chain(conn, organization.bytes(), sealed_through)
            .await?,
        checked: 0,
        verified: 0,
    };
    let mut broken = walk.run(conn).await?;
    if broken.is_none() {
        let ends = Ends {
            stored,
            sealed_through,
            hash,
            newest,
        };
        broken = ends.check(conn, &walk).await?;
    }
    Ok(Verification {
        chain_valid: broken.is_none(),
        events_checked: walk.checked,
        events_verified: walk.verified,
        broken_at: broken.and_then(|broken| broken.entry.map(EventId::from_bytes)),
        broken: broken.map(|broken| (broken.seq, broken.fault.as_str())),
        checked_through: walk.span.last,
        sealed_through,
        open_tail,
        checkpoint,
    })
}

impl Walk {
    /// Go along the chain, to its end or to the first place that does not hold.
    async fn run(&mut self, conn: &mut Conn) -> Result<Option<Break>, Error> {
        let Span { after: start, last } = self.span;
        let mut check = if start == 0 {
            ChainCheck::from_start(self.organization)
        } else {
            match hash_at(conn, &self.organization, start).await? {
                Some(hash) => ChainCheck::after(self.organization, start, hash),
                None => return Ok(Some(missing(start))),
            }
        };
        let mut checkpoints = Checkpoints::behind(start);
        let mut after = self.span.floor();
        while check.seq() < last {
            let of = params![&self.organization, after, last, PORTION];
            let rows = conn.query(sql::CHAINED, of).await?;
            if rows.is_empty() {
                return Ok(Some(missing(check.seq() + 1)));
            }
            for row in rows {
                self.checked += 1;
                let linked = match chained(conn, row).await? {
                    Ok((seq, hash, event)) => {
                        after = seq;
                        check.entry(seq, &event.entry(), &hash)
                    }
                    Err(seq) => Err(Break {
                        seq,
                        entry: None,
                        fault: Fault::Entry,
                    }),
                };
                if let Err(broken) = linked {
                    return Ok(Some(broken));
                }
                if let Some(broken) = checkpoints
                    .check(conn, &self.organization, &self.keys, &check)
                    .await?
                {
                    return Ok(Some(broken));
                }
                self.verified += 1;
            }
            tokio::task::yield_now().await;
        }
        Ok(None)
    }
}

/// What must hold wherever the walk went: the head, and the newest checkpoint.
struct Ends {
    stored: Option<i64>,
    sealed_through: i64,
    hash: [u8; 32],
    newest: Option<Signed>,
}

impl Ends {
    async fn check(self, conn: &mut Conn, walk: &Walk) -> Result<Option<Break>, Failure> {
        let broken = |seq, fault| {
            let entry = None;
            Ok(Some(Break { seq, entry, fault }))
        };
        if let Some(beyond) = self.stored.filter(|&stored| stored > self.sealed_through) {
            return broken(beyond, Fault::Head);
        }
        if self.sealed_through > 0 {
            match hash_at(conn, &walk.organization, self.sealed_through).await? {
                None => return broken(self.sealed_through, Fault::Missing),
                Some(hash) if hash != self.hash => return broken(self.sealed_through, Fault::Head),
                Some(_) => {}
            }
        }
        let Some(newest) = self.newest else {
            return Ok(None);
        };
        let seq = newest.checkpoint.seq;
        let Some(hash) = hash_at(conn, &walk.organization, seq).await? else {
            return broken(seq, Fault::Missing);
        };
        let here = ChainCheck::after(walk.organization, seq, hash);
        Ok(newest.check(&here, &walk.keys).err())
    }
}

/// How many events are recorded and have no place in the chain yet.
pub(super) async fn open_tail(conn: &mut Conn, organization: &[u8; 16]) -> Result<u64, Failure> {
    let counted = conn
        .query_one(sql::OPEN_TAIL, params![organization])
        .await?;
    Ok(only(counted)?.map_or(0, |events| u64::try_from(events).unwrap_or(0)))
}

/// An event with its place and hash; where the row is not an event at all, only its place.
pub(super) async fn chained(
    conn: &mut Conn,
    mut row: Row,
) -> Result<Result<(i64, [u8; 32], EventRow), i64>, Failure> {
    let seq = row.int()?;
    let (Ok(hash), Ok(mut event)) = (row.array(), EventRow::from_columns(&mut row)) else {
        return Ok(Err(seq));
    };
    event.complete(conn).await?;
    Ok(Ok((seq, hash, event)))
}

fn missing(seq: i64) -> Break {
    Break {
        seq,
        entry: None,
        fault: Fault::Missing,
    }
}
