//! An export of the record: lines of JSON with all that is needed to check them offline.
//!
//! ```json
//! {"export":{"format":1,"organization_id":"…","after":0,"hash":"00…","exported_at":1764000000000}}
//! {"key":{"version":1,"algorithm":"Ed25519","public_key":"…"}}
//! {"event":{"seq":1,"id":"…","organization_id":"…","at":1764000000000,"actor_type":"user","actor_id":"…",
//!   "credential_id":"…","action":"vault.create","resource_type":"vault","resource_id":"…","outcome":"success",
//!   "details":"{…}","address":"192.0.2.7","count":1,"hash":"…"}}
//! {"checkpoint":{"seq":1,"hash":"…","at":1764000000000,"key_version":1,"signature":"…"}}
//! {"end":{"seq":1,"hash":"…"}}
//! ```
//!
//! One object a line. Times are milliseconds since the epoch, hashes, keys and signatures hexadecimal. Events stand in
//! the order of the chain, a checkpoint right behind its event, so a checker keeps nothing in memory. An export that
//! goes on behind an earlier one names the place and hash that it follows. `details` is text, not an object: its bytes
//! are hashed. A row that lists many secrets is one line.

use kluis_crypto::hash::hex;
use kluis_crypto::record::START;
use serde::Serialize;
use uuid::Uuid;

use super::chain::Head;
use super::checkpoints::{Checkpoints, PublicKeys, Signed};
use super::row::EventRow;
use super::verify::{PORTION, chained};
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::OrganizationId;
use crate::store::sql::events as sql;
use crate::store::{Conn, Failure, params};

/// An export under way.
pub struct AuditExport {
    engine: Engine,
    organization: OrganizationId,
    keys: PublicKeys,
    checkpoints: Checkpoints,
    /// The place up to which it has come.
    after: i64,
    /// The hash there at the beginning.
    hash: [u8; 32],
    end: i64,
    end_hash: [u8; 32],
    started_at: Timestamp,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    Events,
    Done,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'l> {
    Export {
        format: u32,
        organization_id: Uuid,
        after: i64,
        hash: String,
        exported_at: i64,
    },
    Key {
        version: u32,
        algorithm: &'static str,
        public_key: String,
    },
    Event {
        seq: i64,
        id: Uuid,
        organization_id: Uuid,
        at: i64,
        actor_type: &'l str,
        actor_id: Option<Uuid>,
        credential_id: Option<Uuid>,
        action: &'l str,
        resource_type: &'l str,
        resource_id: Option<Uuid>,
        outcome: &'l str,
        details: &'l str,
        address: &'l str,
        count: i64,
        hash: String,
    },
    Checkpoint {
        seq: i64,
        hash: String,
        at: i64,
        key_version: u32,
        signature: String,
    },
    End {
        seq: i64,
        hash: String,
    },
}

impl Engine {
    /// Export the record of the caller's organization behind the event number `after`; 0 exports all of it. What is
    /// recorded from now on, this export too, is not in it.
    pub async fn audit_export(&self, caller: &Caller, after: i64) -> Result<AuditExport, Error> {
        self.store().settle().await?;
        self.look(caller, Action::AuditExport, async |conn, act| {
            let organization = act.caller.organization;
            let head = Head::load(conn, organization.bytes()).await?;
            let (end, end_hash) = head.map_or((0, START), |head| (head.seq, head.hash));
            let hash = if after == 0 {
                START
            } else {
                let at = params![organization.bytes(), after];
                let row = conn.query_one(sql::HASH_AT, at).await?;
                row.ok_or(Error::NotFound)?.array()?
            };
            Ok(AuditExport {
                engine: self.clone(),
                organization,
                keys: self.checkpoint_keys(conn).await?,
                checkpoints: Checkpoints::behind(after),
                after,
                hash,
                end,
                end_hash,
                started_at: act.now,
                stage: Stage::Start,
            })
        })
        .await
    }
}

impl AuditExport {
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
            format: 1,
            organization_id: self.organization.uuid(),
            after: self.after,
            hash: hex(&self.hash),
            exported_at: self.started_at.millis(),
        };
        put(lines, &start)?;
        for (&version, public) in &self.keys {
            let key = Line::Key {
                version,
                algorithm: "Ed25519",
                public_key: hex(public),
            };
            put(lines, &key)?;
        }
        Ok(())
    }

    /// Some events, or the end when none are left.
    async fn portion(&mut self, conn: &mut Conn, lines: &mut String) -> Result<(), Error> {
        let of = params![self.organization.bytes(), self.after, self.end, PORTION];
        let rows = conn.query(sql::CHAINED, of).await?;
        if rows.is_empty() {
            let end = Line::End {
                seq: self.end,
                hash: hex(&self.end_hash),
            };
            put(lines, &end)?;
            self.stage = Stage::Done;
            return Ok(());
        }
        for row in rows {
            let (seq, hash, event) = chained(conn, row)
                .await?
                .map_err(|_| Error::internal("an event of the record is damaged"))?;
            put(lines, &event_line(seq, &hash, &event))?;
            self.after = seq;
            while let Some(signed) = self.checkpoint_up_to(conn, seq).await? {
                let checkpoint = Line::Checkpoint {
                    seq: signed.checkpoint.seq,
                    hash: hex(&signed.checkpoint.hash),
                    at: signed.checkpoint.at_millis,
                    key_version: signed.key_version,
                    signature: hex(&signed.signature),
                };
                put(lines, &checkpoint)?;
            }
        }
        Ok(())
    }

    async fn checkpoint_up_to(
        &mut self,
        conn: &mut Conn,
        seq: i64,
    ) -> Result<Option<Signed>, Failure> {
        self.checkpoints
            .next_up_to(conn, self.organization.bytes(), seq)
            .await
    }
}

fn event_line<'l>(seq: i64, hash: &[u8; 32], event: &'l EventRow) -> Line<'l> {
    Line::Event {
        seq,
        id: Uuid::from_bytes(event.id),
        organization_id: Uuid::from_bytes(event.organization),
        at: event.at,
        actor_type: &event.actor_type,
        actor_id: event.actor.map(Uuid::from_bytes),
        credential_id: event.credential.map(Uuid::from_bytes),
        action: &event.action,
        resource_type: &event.resource_type,
        resource_id: event.resource.map(Uuid::from_bytes),
        outcome: &event.outcome,
        details: &event.details,
        address: &event.address,
        count: event.count,
        hash: hex(hash),
    }
}

fn put(lines: &mut String, line: &Line<'_>) -> Result<(), Error> {
    let text = serde_json::to_string(line).map_err(|cause| Error::internal(cause.to_string()))?;
    lines.push_str(&text);
    lines.push('\n');
    Ok(())
}
