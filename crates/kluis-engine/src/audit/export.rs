//! An export of the record: lines of JSON with all that is needed to check them offline.
//!
//! ```json
//! {"export":{"format":1,"version":"0.0.0","organization_id":"…",
//!   "scheme":{"algorithm":"SHA-256","signature":"Ed25519"},"keys":[{"version":1,"public_key":"…"}],
//!   "after":0,"hash":"00…","exported_at":1764000000000}}
//! {"event":{"seq":1,"id":"…","organization_id":"…","at":1764000000000,"actor_type":"user","actor_id":"…",
//!   "credential_id":"…","action":"vault.create","resource_type":"vault","resource_id":"…","outcome":"success",
//!   "details":"{…}","address":"192.0.2.7","count":1,"hash":"…"}}
//! {"checkpoint":{"seq":1,"hash":"…","at":1764000000000,"key_version":1,"signature":"…"}}
//! {"end":{"seq":1,"hash":"…","events":1,"checkpoints":1,"sealed_through":1,"open_tail":0}}
//! ```
//!
//! One object a line, its members in this order and without spaces: a format number stands for one way to write it. Times
//! are milliseconds since the epoch, hashes, keys and signatures hexadecimal. Events stand in the order of the chain, a
//! checkpoint right behind its event, so a checker keeps nothing in memory. An export that goes on behind an earlier one
//! names the place and hash that it follows. `details` is text, not an object: its bytes are hashed. A row that lists many
//! secrets is one line.

mod line;

use kluis_crypto::hash::hex;
use kluis_crypto::record::START;

use self::line::{FORMAT, Line, SCHEME, named};
use super::chain::Head;
use super::checkpoints::{Checkpoints, PublicKeys};
use super::range::{AuditRange, Span, hash_at, only};
use super::verify::{PORTION, chained, open_tail};
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::OrganizationId;
use crate::store::sql::events as sql;
use crate::store::{Conn, params};

/// An export under way.
pub struct AuditExport {
    engine: Engine,
    organization: OrganizationId,
    keys: PublicKeys,
    checkpoints: Checkpoints,
    /// Checkpoints up to here belong to it.
    signed_through: i64,
    span: Span,
    /// Behind which event it goes on.
    floor: i64,
    /// The hash before the first event.
    hash: [u8; 32],
    /// The place and hash that it must end with.
    end: (i64, [u8; 32]),
    sealed_through: i64,
    open_tail: u64,
    started_at: Timestamp,
    written: Written,
    stage: Stage,
}

/// Lines so far.
#[derive(Default)]
struct Written {
    events: u64,
    checkpoints: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    Events,
    Done,
}

/// Text that is handed out at once, but for the one line that goes beyond it.
const LONG_ENOUGH: usize = 256 << 10;

impl Engine {
    /// Export a part of the record of the caller's organization. What is recorded from now on, this export too, is not
    /// in it.
    pub async fn audit_export(
        &self,
        caller: &Caller,
        range: AuditRange,
    ) -> Result<AuditExport, Error> {
        self.store().settle().await?;
        self.look(caller, Action::AuditExport, async |conn, act| {
            let organization = act.caller.organization;
            let keys = self.checkpoint_keys(conn).await?;
            AuditExport::of_chain(self.clone(), conn, organization, keys, &range, act.now).await
        })
        .await
    }
}

impl AuditExport {
    async fn of_chain(
        engine: Engine,
        conn: &mut Conn,
        organization: OrganizationId,
        keys: PublicKeys,
        range: &AuditRange,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let of = params![organization.bytes()];
        // Before the head, which can only be further by the time it is read.
        let stored = only(conn.query_one(sql::LAST_SEQ, of).await?)?.unwrap_or(0);
        let signed = match conn.query_one(sql::NEWEST_CHECKPOINT, of).await? {
            Some(mut row) => row.int()?,
            None => 0,
        };
        let head = Head::load(conn, organization.bytes()).await?;
        let (sealed_through, head_hash) = head.map_or((0, START), |head| (head.seq, head.hash));
        let last = sealed_through.max(stored);
        if range.after.is_some_and(|after| after > last) {
            return Err(Error::NotFound);
        }
        let span = range.of_chain(conn, organization.bytes(), last).await?;
        // Where nothing is stored that could be followed, the first event will not fit either.
        let hash = match span.after {
            0 => START,
            after => hash_at(conn, organization.bytes(), after)
                .await?
                .unwrap_or(START),
        };
        // The end of the chain is where its head and its newest checkpoint say, whatever is stored.
        let (end, signed_through) = if span.last == last {
            ((sealed_through, head_hash), signed.max(last))
        } else {
            let hash = match span.last {
                seq if seq == span.after => Some(hash),
                seq => hash_at(conn, organization.bytes(), seq).await?,
            };
            ((span.last, hash.unwrap_or(START)), span.last)
        };
        Ok(Self {
            open_tail: open_tail(conn, organization.bytes()).await?,
            engine,
            organization,
            keys,
            checkpoints: Checkpoints::behind(span.after),
            signed_through,
            span,
            floor: span.floor(),
            hash,
            end,
            sealed_through,
            started_at: now,
            written: Written::default(),
            stage: Stage::Start,
        })
    }

    /// The next lines, each with its line feed; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        let mut lines = String::new();
        match self.stage {
            Stage::Start => {
                self.begin(&mut lines)?;
                self.stage = Stage::Events;
            }
            Stage::Events => {
                let engine = self.engine.clone();
                let mut reader = engine.store().reader().await?;
                self.portion(reader.conn()?, &mut lines).await?;
            }
            Stage::Done => return Ok(None),
        }
        Ok(Some(lines))
    }

    fn begin(&self, lines: &mut String) -> Result<(), Error> {
        let start = Line::Export {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            organization_id: self.organization.uuid(),
            scheme: SCHEME,
            keys: named(&self.keys),
            after: self.span.after,
            hash: hex(&self.hash),
            exported_at: self.started_at.millis(),
        };
        start.put(lines)
    }

    /// Some events, or the end when none are left.
    async fn portion(&mut self, conn: &mut Conn, lines: &mut String) -> Result<(), Error> {
        let of = params![
            self.organization.bytes(),
            self.floor,
            self.span.last,
            PORTION
        ];
        let rows = conn.query(sql::CHAINED, of).await?;
        if rows.is_empty() {
            return self.finish(conn, lines).await;
        }
        for row in rows {
            let (seq, hash, event) = chained(conn, row)
                .await?
                .map_err(|_| Error::internal("an event of the record is damaged"))?;
            Line::event(seq, &hash, &event).put(lines)?;
            self.written.events += 1;
            self.floor = seq;
            self.checkpoints_up_to(conn, seq, lines).await?;
            if lines.len() >= LONG_ENOUGH {
                break;
            }
        }
        Ok(())
    }

    /// The checkpoints that no event leads to, and the last line.
    async fn finish(&mut self, conn: &mut Conn, lines: &mut String) -> Result<(), Error> {
        self.checkpoints_up_to(conn, self.signed_through, lines)
            .await?;
        let (seq, hash) = self.end;
        let end = Line::End {
            seq,
            hash: hex(&hash),
            events: self.written.events,
            checkpoints: self.written.checkpoints,
            sealed_through: self.sealed_through,
            open_tail: self.open_tail,
        };
        self.stage = Stage::Done;
        end.put(lines)
    }

    async fn checkpoints_up_to(
        &mut self,
        conn: &mut Conn,
        seq: i64,
        lines: &mut String,
    ) -> Result<(), Error> {
        let of = self.organization;
        while let Some(signed) = self.checkpoints.next_up_to(conn, of.bytes(), seq).await? {
            Line::checkpoint(&signed).put(lines)?;
            self.written.checkpoints += 1;
        }
        Ok(())
    }
}
