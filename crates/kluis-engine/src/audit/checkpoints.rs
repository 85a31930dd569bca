//! The signed checkpoints of a chain, and the keys that they are signed with.

use std::collections::{BTreeMap, VecDeque};

use kluis_crypto::hash::hex;
use kluis_crypto::record::{Break, ChainCheck, Checkpoint};
use kluis_crypto::signing::SigningKey;

use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::keys::CHECKPOINT;
use crate::store::sql::events as sql;
use crate::store::{Conn, Failure, Row, params};

/// A signed place of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCheckpoint {
    /// Number of the event.
    pub seq: i64,
    /// When it was signed.
    pub at: Timestamp,
    /// The hash there, in hexadecimal.
    pub hash: String,
    /// Version of the key that signed it.
    pub key_version: u32,
    /// That key's public half, in hexadecimal.
    pub public_key: String,
    /// The signature, in hexadecimal.
    pub signature: String,
}

/// A checkpoint as it is stored.
pub(super) struct Signed {
    pub(super) checkpoint: Checkpoint,
    pub(super) key_version: u32,
    pub(super) signature: Vec<u8>,
}

/// Public keys by version.
pub(super) type PublicKeys = BTreeMap<u32, [u8; 32]>;

/// The checkpoints along a walk, read as they come.
pub(super) struct Checkpoints {
    after: i64,
    read: VecDeque<Signed>,
    at_the_end: bool,
}

impl Checkpoints {
    /// Those behind a place; from the very first on also those that belong nowhere.
    pub(super) fn behind(after: i64) -> Self {
        Self {
            after: if after == 0 { i64::MIN } else { after },
            read: VecDeque::new(),
            at_the_end: false,
        }
    }

    /// Hold the place that `check` has reached against its checkpoint, if there is one.
    pub(super) async fn check(
        &mut self,
        conn: &mut Conn,
        organization: &[u8; 16],
        keys: &PublicKeys,
        check: &ChainCheck,
    ) -> Result<Option<Break>, Failure> {
        while let Some(signed) = self.next_up_to(conn, organization, check.seq()).await? {
            if let Err(broken) = signed.check(check, keys) {
                return Ok(Some(broken));
            }
        }
        Ok(None)
    }

    /// The next one, unless it lies behind `seq`.
    pub(super) async fn next_up_to(
        &mut self,
        conn: &mut Conn,
        organization: &[u8; 16],
        seq: i64,
    ) -> Result<Option<Signed>, Failure> {
        if self.read.is_empty() && !self.at_the_end {
            let of = params![organization, self.after, PORTION];
            let rows = conn.query(sql::CHECKPOINTS, of).await?;
            self.at_the_end = rows.is_empty();
            for mut row in rows {
                let signed = Signed::from_columns(organization, &mut row)?;
                self.after = signed.checkpoint.seq;
                self.read.push_back(signed);
            }
        }
        let due = |signed: &mut Signed| signed.checkpoint.seq <= seq;
        Ok(self.read.pop_front_if(due))
    }
}

/// Checkpoints read at once.
const PORTION: i64 = 200;

impl Engine {
    /// The public halves of the keys that sign checkpoints, made from the private ones: those are sealed, so nobody
    /// who only has the database can put others in their place.
    pub(super) async fn checkpoint_keys(&self, conn: &mut Conn) -> Result<PublicKeys, Error> {
        let unsealed = self.keys()?;
        let mut roots = unsealed.roots();
        let mut keys = BTreeMap::new();
        for mut row in conn.query(sql::CHECKPOINT_KEYS, &[]).await? {
            let (version, root_version, sealed) = (row.number()?, row.number()?, row.blob()?);
            if roots.version(root_version).is_err() {
                roots = unsealed.reload_roots(conn).await?;
            }
            let root = roots.version(root_version)?;
            let seed = root.open_server_key(CHECKPOINT, version, &sealed)?;
            keys.insert(version, SigningKey::from_seed(&seed)?.public_key());
        }
        Ok(keys)
    }
}

impl Signed {
    pub(super) fn from_columns(organization: &[u8; 16], row: &mut Row) -> Result<Self, Failure> {
        Ok(Self {
            checkpoint: Checkpoint {
                organization: *organization,
                seq: row.int()?,
                // One of another length holds against no signature.
                hash: row.blob()?.try_into().unwrap_or_default(),
                at_millis: row.int()?,
            },
            key_version: u32::try_from(row.int()?).unwrap_or(0),
            signature: row.blob()?,
        })
    }

    pub(super) fn check(&self, check: &ChainCheck, keys: &PublicKeys) -> Result<(), Break> {
        let public = keys.get(&self.key_version);
        check.checkpoint(&self.checkpoint, public, &self.signature)
    }

    pub(super) fn shown(&self, keys: &PublicKeys) -> AuditCheckpoint {
        AuditCheckpoint {
            seq: self.checkpoint.seq,
            at: Timestamp::from_millis(self.checkpoint.at_millis),
            hash: hex(&self.checkpoint.hash),
            key_version: self.key_version,
            public_key: keys
                .get(&self.key_version)
                .map(|key| hex(key))
                .unwrap_or_default(),
            signature: hex(&self.signature),
        }
    }
}
