//! The hash chain of each organization, and its signed checkpoints (RULES §7).
//!
//! Every 1,000 events, or a minute after the last time, the head of a chain is signed with Ed25519. While the server is
//! sealed nothing can be signed: what is due then is signed as soon as it is unsealed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use kluis_crypto::record::{Checkpoint, Entry, START, link};
use kluis_crypto::signing::SigningKey;

use super::row::{EventRow, insert_chained};
use crate::clock::Timestamp;
use crate::ids::OrganizationId;
use crate::store::sql::events as sql;
use crate::store::{Conn, Failure, Row, params};

/// Extends the chains; only one at a time may exist for a database.
pub(crate) struct Chain {
    heads: BTreeMap<OrganizationId, Head>,
    /// Whether `heads` holds every chain whose end is not signed.
    knows_unsigned: bool,
    signer: ChainSigner,
}

/// The key that signs checkpoints, while the server is unsealed.
#[derive(Clone, Default)]
pub(crate) struct ChainSigner(Arc<RwLock<Option<Signer>>>);

struct Signer {
    version: u32,
    key: SigningKey,
}

pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) hash: [u8; 32],
    signed_seq: i64,
    signed_at: Timestamp,
    /// Whether it has moved since it was kept.
    moved: bool,
}

/// Events between two checkpoints, at most.
const EVENTS_PER_CHECKPOINT: i64 = 1_000;
/// Events chained in one transaction of PostgreSQL.
const SEAL_PORTION: i64 = 1_000;
/// Time between an event and the checkpoint that covers it, at most.
const CHECKPOINT_AFTER: Duration = Duration::from_mins(1);

impl Chain {
    pub(crate) fn new(signer: ChainSigner) -> Self {
        Self {
            heads: BTreeMap::new(),
            knows_unsigned: false,
            signer,
        }
    }

    /// Store `entry`, whose canonical bytes are `bytes`, at the next place of its chain. One that is stored already
    /// keeps its place.
    pub(crate) async fn append(
        &mut self,
        conn: &mut Conn,
        entry: &Entry<'_>,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Self { heads, signer, .. } = self;
        let head = Head::of(heads, conn, entry).await?;
        let (seq, hash) = (head.seq + 1, link(&head.hash, bytes));
        if insert_chained(conn, entry, seq, &hash).await? {
            head.advance(conn, entry, hash, signer, now).await?;
        }
        Ok(())
    }

    /// PostgreSQL: give a portion of the events that are stored without a place the next ones of their chains, and
    /// keep the heads; whether there may be more.
    pub(crate) async fn seal_open(
        mut self,
        conn: &mut Conn,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let rows = conn.query(sql::OPEN, params![SEAL_PORTION]).await?;
        let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == SEAL_PORTION);
        let mut places = Vec::with_capacity(rows.len());
        let mut bytes = Vec::with_capacity(512);
        for mut row in rows {
            let mut event = EventRow::from_columns(&mut row)?;
            event.complete(conn).await?;
            let entry = event.entry();
            bytes.clear();
            entry.encode(&mut bytes);
            let head = Head::of(&mut self.heads, conn, &entry).await?;
            let hash = link(&head.hash, &bytes);
            head.advance(conn, &entry, hash, &self.signer, now).await?;
            places.push((event.organization, event.id, head.seq, hash));
        }
        let places: Vec<_> = places
            .iter()
            .map(|(organization, id, seq, hash)| params![organization, id, *seq, hash].to_vec())
            .collect();
        conn.execute_each(sql::CHAIN, &places).await?;
        self.keep_heads(conn, now).await?;
        Ok(full)
    }

    /// Keep the heads that moved, and sign those that are due, in the transaction that moved them.
    pub(crate) async fn keep_heads(
        &mut self,
        conn: &mut Conn,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if !self.knows_unsigned {
            for mut row in conn.query(sql::UNSIGNED_HEADS, &[]).await? {
                let organization = OrganizationId::from_bytes(row.array()?);
                let head = Head::from_columns(&mut row)?;
                self.heads.entry(organization).or_insert(head);
            }
            self.knows_unsigned = true;
        }
        for (organization, head) in &mut self.heads {
            if head.is_due(now) {
                head.sign(conn, organization.bytes(), &self.signer, now)
                    .await?;
            }
            if head.moved {
                let place = params![
                    organization.bytes(),
                    head.seq,
                    &head.hash,
                    head.signed_seq,
                    head.signed_at
                ];
                conn.execute(sql::KEEP_HEAD, place).await?;
                head.moved = false;
            }
        }
        Ok(())
    }

    /// Whether a checkpoint may be due although nothing new happened.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        !self.knows_unsigned || self.heads.values().any(|head| head.is_due(now))
    }

    /// Forget what a transaction that was not committed has moved.
    pub(crate) fn forget(&mut self) {
        self.heads.clear();
        self.knows_unsigned = false;
    }
}

impl Head {
    async fn of<'h>(
        heads: &'h mut BTreeMap<OrganizationId, Self>,
        conn: &mut Conn,
        entry: &Entry<'_>,
    ) -> Result<&'h mut Self, Failure> {
        match heads.entry(OrganizationId::from_bytes(*entry.organization)) {
            Slot::Occupied(slot) => Ok(slot.into_mut()),
            Slot::Vacant(slot) => {
                let stored = Self::load(conn, entry.organization).await?;
                Ok(slot.insert(stored.unwrap_or(Self {
                    seq: 0,
                    hash: START,
                    signed_seq: 0,
                    signed_at: Timestamp::from_millis(entry.at_millis),
                    moved: false,
                })))
            }
        }
    }

    /// The head of an organization's chain as it is stored.
    pub(super) async fn load(
        conn: &mut Conn,
        organization: &[u8; 16],
    ) -> Result<Option<Self>, Failure> {
        match conn.query_one(sql::HEAD, params![organization]).await? {
            Some(mut row) => Self::from_columns(&mut row).map(Some),
            None => Ok(None),
        }
    }

    fn from_columns(row: &mut Row) -> Result<Self, Failure> {
        Ok(Self {
            seq: row.int()?,
            hash: row.array()?,
            signed_seq: row.int()?,
            signed_at: row.time()?,
            moved: false,
        })
    }

    /// `entry` with `hash` has taken the next place.
    async fn advance(
        &mut self,
        conn: &mut Conn,
        entry: &Entry<'_>,
        hash: [u8; 32],
        signer: &ChainSigner,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.seq += 1;
        self.hash = hash;
        self.moved = true;
        if self.seq - self.signed_seq >= EVENTS_PER_CHECKPOINT {
            self.sign(conn, entry.organization, signer, now).await?;
        }
        Ok(())
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.seq > self.signed_seq && self.signed_at.after(CHECKPOINT_AFTER) <= now
    }

    async fn sign(
        &mut self,
        conn: &mut Conn,
        organization: &[u8; 16],
        signer: &ChainSigner,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let checkpoint = Checkpoint {
            organization: *organization,
            seq: self.seq,
            hash: self.hash,
            at_millis: now.millis(),
        };
        let Some((version, signature)) = signer.sign(&checkpoint) else {
            return Ok(());
        };
        let signed = params![organization, self.seq, &self.hash, now, version, &signature];
        conn.execute(sql::INSERT_CHECKPOINT, signed).await?;
        self.signed_seq = self.seq;
        self.signed_at = now;
        self.moved = true;
        Ok(())
    }
}

impl ChainSigner {
    /// Begin to sign with the key of this version, or stop.
    pub(crate) fn set(&self, signer: Option<(u32, SigningKey)>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) =
            signer.map(|(version, key)| Signer { version, key });
    }

    fn sign(&self, checkpoint: &Checkpoint) -> Option<(u32, [u8; 64])> {
        let signer = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Signer { version, key } = signer.as_ref()?;
        Some((*version, checkpoint.sign(key)))
    }
}
