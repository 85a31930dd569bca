//! A portion of the journal: the records that are carried in one transaction.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use kluis_crypto::record::Entry;

use super::{Position, unreadable};
use crate::store::Failure;

/// What was read behind a position.
pub(in crate::store) struct Portion {
    bytes: Vec<u8>,
    payloads: Vec<Range<usize>>,
    /// The place behind it.
    pub(in crate::store) position: Position,
    /// Whether that was the end of the segment when it was read.
    pub(in crate::store) to_the_end: bool,
}

/// A record at the beginning of some bytes.
enum Record {
    /// Whole and sound: its payload.
    Sound(Range<usize>),
    /// As long as this, but not what was written.
    Damaged(usize),
    /// It wants this many bytes, or more than its head.
    Cut(Option<usize>),
}

pub(super) const LENGTH_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 8;
/// What is carried in one transaction, so that changes never wait long for it.
const PORTION_BYTES: u64 = 1 << 20;

impl Portion {
    /// Nothing more is in this segment: the position goes on to the next one.
    pub(super) fn end_of_segment(position: Position) -> Self {
        Self {
            bytes: Vec::new(),
            payloads: Vec::new(),
            position: Position::start_of(position.segment + 1),
            to_the_end: false,
        }
    }

    /// Read the records behind `position` in a segment that ends at `end`. What is torn or damaged is reported and
    /// passed over: it must not hide what follows.
    pub(super) fn read(file: &File, position: Position, end: u64) -> Result<Self, Failure> {
        let left = end.saturating_sub(position.offset);
        let mut bytes = read_at(file, position.offset, left.min(PORTION_BYTES))?;
        // An event that lists very many secrets can be larger than a portion.
        if let Record::Cut(Some(size)) = record(&bytes)
            && size as u64 <= left
        {
            bytes = read_at(file, position.offset, size as u64)?;
        }
        let mut payloads = Vec::new();
        let mut done = 0;
        let mut damaged = 0;
        loop {
            match record(bytes.get(done..).unwrap_or_default()) {
                Record::Sound(payload) => {
                    payloads.push(payload.start + done..payload.end + done);
                    done += payload.end + CHECKSUM_BYTES;
                }
                Record::Damaged(size) => {
                    damaged += size;
                    done += size;
                }
                Record::Cut(_) => break,
            }
        }
        let torn = done == 0 && left > 0;
        if damaged > 0 || torn {
            tracing::error!(
                segment = position.segment,
                offset = position.offset,
                damaged_bytes = damaged,
                torn_bytes = if torn { left } else { 0 },
                "passed over what is not whole in the journal of reads; a torn end was never acknowledged"
            );
        }
        let read = if torn { left } else { done as u64 };
        Ok(Self {
            bytes,
            payloads,
            position: Position {
                offset: position.offset + read,
                ..position
            },
            to_the_end: read == left,
        })
    }

    /// Its events, each with its canonical bytes.
    pub(in crate::store) fn entries(
        &self,
    ) -> impl Iterator<Item = Result<(Entry<'_>, &[u8]), Failure>> {
        self.payloads.iter().map(|payload| {
            let bytes = self.bytes.get(payload.clone()).unwrap_or_default();
            let entry = Entry::decode(bytes).ok_or_else(|| {
                Failure::Other(
                    "the journal holds an event of another release; start that release to carry it"
                        .to_owned(),
                )
            })?;
            Ok((entry, bytes))
        })
    }
}

/// What stands at the beginning of `bytes`.
fn record(bytes: &[u8]) -> Record {
    let Some((length, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
        return Record::Cut(None);
    };
    let length = u32::from_le_bytes(*length) as usize;
    let size = LENGTH_BYTES + length + CHECKSUM_BYTES;
    let Some((payload, sum)) = rest.split_at_checked(length) else {
        return Record::Cut(Some(size));
    };
    match sum.first_chunk::<CHECKSUM_BYTES>() {
        None => Record::Cut(Some(size)),
        Some(sum) if *sum == checksum(payload) => {
            Record::Sound(LENGTH_BYTES..LENGTH_BYTES + length)
        }
        Some(_) => Record::Damaged(size),
    }
}

pub(super) fn checksum(payload: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = kluis_crypto::hash::sha256(&[payload]);
    digest.first_chunk().copied().unwrap_or_default()
}

fn read_at(file: &File, offset: u64, length: u64) -> Result<Vec<u8>, Failure> {
    let length = usize::try_from(length).map_err(|_| super::super::value::unexpected())?;
    let mut bytes = vec![0; length];
    match file.read_exact_at(&mut bytes, offset) {
        Ok(()) => Ok(bytes),
        Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => Err(Failure::Unavailable(
            "the journal became shorter while it was read".to_owned(),
        )),
        Err(cause) => Err(unreadable(&cause)),
    }
}
