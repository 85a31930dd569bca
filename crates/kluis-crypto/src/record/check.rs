//! Walking along a chain, entry by entry.

use super::{Checkpoint, Entry, START, link};

/// How far a chain has been checked, and with which hash it goes on.
#[derive(Clone, Debug)]
pub struct ChainCheck {
    organization: [u8; 16],
    seq: i64,
    hash: [u8; 32],
    /// Room for canonical bytes, kept from entry to entry.
    bytes: Vec<u8>,
}

/// Where and how a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// The place in the chain that does not hold.
    pub seq: i64,
    /// Id of the entry there, where there is one.
    pub entry: Option<[u8; 16]>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong at a place of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A checkpoint's hash is not the one at its place: the chain was computed anew behind an altered entry.
    CheckpointHash,
    /// A checkpoint is not signed by the key it names.
    CheckpointSignature,
    /// The entry, or its hash, is not what was recorded.
    Entry,
    /// The head of the chain names another hash than its last entry.
    Head,
    /// An entry is missing, or stands where none belongs.
    Missing,
}

impl Fault {
    /// What is wrong, as the end of a sentence that begins with the place.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CheckpointHash => "has another hash than its signed checkpoint",
            Self::CheckpointSignature => "has a checkpoint with a wrong signature",
            Self::Entry => "is not what was recorded",
            Self::Head => "has another hash than the head of the chain",
            Self::Missing => "is missing or out of place",
        }
    }
}

impl ChainCheck {
    /// A check of an organization's chain from its first entry on.
    #[must_use]
    pub fn from_start(organization: [u8; 16]) -> Self {
        Self::after(organization, 0, START)
    }

    /// A check from the entry behind `seq` on, whose hash is taken on trust.
    #[must_use]
    pub fn after(organization: [u8; 16], seq: i64, hash: [u8; 32]) -> Self {
        Self {
            organization,
            seq,
            hash,
            bytes: Vec::new(),
        }
    }

    /// The place up to which the chain holds.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// The hash at that place.
    #[must_use]
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Go on to the entry that stands at `seq` with `hash`.
    ///
    /// # Errors
    /// [`Fault::Missing`] if `seq` is not the next place, [`Fault::Entry`] if the hash is not that of the entry.
    pub fn entry(&mut self, seq: i64, entry: &Entry<'_>, hash: &[u8; 32]) -> Result<(), Break> {
        let broken = |fault| Break {
            seq,
            entry: Some(*entry.id),
            fault,
        };
        if self.seq.checked_add(1) != Some(seq) {
            return Err(broken(Fault::Missing));
        }
        self.bytes.clear();
        entry.encode(&mut self.bytes);
        let linked = link(&self.hash, &self.bytes);
        if linked != *hash || *entry.organization != self.organization {
            return Err(broken(Fault::Entry));
        }
        self.seq = seq;
        self.hash = linked;
        Ok(())
    }

    /// Hold the place that was reached against its checkpoint.
    ///
    /// # Errors
    /// [`Fault::CheckpointSignature`] if it is not signed by the key to `public`, [`Fault::Missing`] if more was signed
    /// than there is, [`Fault::CheckpointHash`] if something else was signed here.
    pub fn checkpoint(
        &self,
        checkpoint: &Checkpoint,
        public: Option<&[u8; 32]>,
        signature: &[u8],
    ) -> Result<(), Break> {
        let broken = |fault| Break {
            seq: checkpoint.seq,
            entry: None,
            fault,
        };
        if !public.is_some_and(|public| checkpoint.is_signed(public, signature)) {
            return Err(broken(Fault::CheckpointSignature));
        }
        if checkpoint.organization == self.organization && checkpoint.seq > self.seq {
            return Err(broken(Fault::Missing));
        }
        let here = (self.organization, self.seq, self.hash);
        if (checkpoint.organization, checkpoint.seq, checkpoint.hash) != here {
            return Err(broken(Fault::CheckpointHash));
        }
        Ok(())
    }
    /// Hold the place that was reached against the head of the chain.
    ///
    /// # Errors
    /// [`Fault::Missing`] if the chain is to go on, [`Fault::Head`] if it is to end before or otherwise.
    pub fn head(&self, seq: i64, hash: &[u8; 32]) -> Result<(), Break> {
        let broken = |seq, fault| {
            let entry = None;
            Err(Break { seq, entry, fault })
        };
        if seq > self.seq {
            return broken(self.seq.saturating_add(1), Fault::Missing);
        }
        if (seq, hash) != (self.seq, &self.hash) {
            return broken(self.seq, Fault::Head);
        }
        Ok(())
    }
}
