//! The journal of reads: their events, written by the serving threads, carried into the event table by the writer.
//!
//! A record is `length (u32, LE) ‖ event ‖ first 8 bytes of SHA-256(event)`, appended by one `write` call. What the
//! process has written survives its end at once; the writer's next commit makes it survive a power loss. The position
//! up to which the journal is carried is kept in the same transaction as the events, so each is carried exactly once.
//!
//! A process appends only to segments of its own: what an earlier one left is read to its end and removed. So a torn
//! tail, left by a crash in the middle of a write, never has anything behind it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::sql::journal as sql;
use super::{Failure, params, sqlite};
use crate::audit::Event;
use crate::error::Error;

mod portion;
#[cfg(test)]
mod tests;

pub(super) use portion::Portion;
use portion::{LENGTH_BYTES, checksum};

/// The journal of one data directory.
pub(super) struct Journal {
    directory: PathBuf,
    segment_bytes: u64,
    active: Mutex<Segment>,
    /// Whether something was appended since the end of the journal was last reached; changed with `active` locked.
    news: AtomicBool,
}

struct Segment {
    number: u64,
    file: File,
    /// Its whole records.
    length: u64,
    /// Whether bytes of a failed append still stand behind them.
    torn: bool,
}

/// A place in the journal: everything before it is in the event table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    segment: u64,
    offset: u64,
}

/// A segment that has grown to this is followed by a new one.
pub(super) const SEGMENT_BYTES: u64 = 16 << 20;

impl Journal {
    /// Open the journal, with segments of about `segment_bytes`.
    pub(super) fn open(
        directory: &Path,
        connection: &Connection,
        segment_bytes: u64,
    ) -> Result<(Self, Position), Error> {
        let position = Position::kept(connection)?;
        let unusable = |cause| unusable(directory, &cause);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(unusable)?;
        let (carried, left): (Vec<u64>, Vec<u64>) = segments(directory)
            .map_err(unusable)?
            .into_iter()
            .partition(|&number| number < position.segment);
        for number in carried {
            std::fs::remove_file(path(directory, number)).map_err(unusable)?;
        }
        let newest = left.last().copied().unwrap_or(0).max(position.segment);
        let active = Segment::create(directory, newest + 1).map_err(unusable)?;
        let position = match left.first() {
            Some(&oldest) if oldest == position.segment => position,
            Some(&oldest) => Position::start_of(oldest),
            None => Position::start_of(active.number),
        };
        let journal = Self {
            directory: directory.to_owned(),
            segment_bytes,
            active: Mutex::new(active),
            news: AtomicBool::new(true),
        };
        Ok((journal, position))
    }

    /// Append one event; when this returns, it survives the end of the process.
    pub(super) fn append(&self, event: &Event) -> io::Result<()> {
        let mut record = vec![0; LENGTH_BYTES];
        record.reserve(512);
        event.entry().encode(&mut record);
        let (head, payload) = record.split_at_mut(LENGTH_BYTES);
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        head.copy_from_slice(&length.to_le_bytes());
        let checksum = checksum(payload);
        record.extend_from_slice(&checksum);

        let mut active = self.active();
        active.append(&record)?;
        self.news.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether something waits to be carried.
    pub(super) fn has_news(&self) -> bool {
        self.news.load(Ordering::Relaxed)
    }

    /// The next portion behind `position`, or `None` when all is carried. Only the writer asks.
    pub(super) fn next(&self, position: Position) -> Result<Option<Portion>, Failure> {
        let end_of_active = self.end_of(position);
        let file = match File::open(path(&self.directory, position.segment)) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && end_of_active.is_none() => {
                return Ok(Some(Portion::end_of_segment(position)));
            }
            Err(cause) => return Err(unreadable(&cause)),
        };
        if let Some(end) = end_of_active {
            let more = position.offset < end;
            return more
                .then(|| Portion::read(&file, position, end))
                .transpose();
        }
        let end = file.metadata().map_err(|cause| unreadable(&cause))?.len();
        if position.offset >= end {
            return Ok(Some(Portion::end_of_segment(position)));
        }
        let mut portion = Portion::read(&file, position, end)?;
        // Another segment follows.
        portion.to_the_end = false;
        Ok(Some(portion))
    }

    /// `position` is committed: remove what lies before it. A file that stays is removed at the next start.
    pub(super) fn forget(&self, before: Position, position: Position) {
        for number in before.segment..position.segment {
            match std::fs::remove_file(path(&self.directory, number)) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%cause, "a carried segment of the journal cannot be removed");
                }
                _ => {}
            }
        }
    }

    /// Make what is appended survive a power loss.
    pub(super) fn sync(&self) -> io::Result<()> {
        let file = self.active().file.try_clone()?;
        file.sync_data()
    }

    /// Where the active segment ends, if `position` is in it and nothing follows; a full one is followed by a new one.
    fn end_of(&self, position: Position) -> Option<u64> {
        let (number, length) = {
            let active = self.active();
            if position.segment == active.number && position.offset >= active.length {
                self.news.store(false, Ordering::Relaxed);
            }
            (active.number, active.length)
        };
        if position.segment != number {
            return None;
        }
        if length < self.segment_bytes {
            return Some(length);
        }
        // Made before the lock is taken: nobody's append waits for the directory.
        match Segment::create(&self.directory, number + 1) {
            Ok(next) => {
                *self.active() = next;
                None
            }
            // This one goes on; what it holds is carried all the same.
            Err(cause) => {
                tracing::warn!(%cause, "the journal cannot begin a new segment");
                Some(self.active().length)
            }
        }
    }

    fn active(&self) -> MutexGuard<'_, Segment> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Segment {
    fn create(directory: &Path, number: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path(directory, number))?;
        File::open(directory)?.sync_all()?;
        Ok(Self {
            number,
            length: file.metadata()?.len(),
            file,
            torn: false,
        })
    }

    /// Append all of `record`, or nothing.
    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if self.torn {
            // A torn record would hide every later one.
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        match write_once(&mut self.file, record) {
            Ok(written) if written == record.len() => {
                self.length += record.len() as u64;
                Ok(())
            }
            outcome => {
                self.torn = self.file.set_len(self.length).is_err();
                Err(outcome
                    .err()
                    .unwrap_or_else(|| io::ErrorKind::StorageFull.into()))
            }
        }
    }
}

/// One call that writes: a record is whole at once, or torn and taken back.
fn write_once(file: &mut File, record: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(record) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

impl Position {
    fn kept(connection: &Connection) -> Result<Self, Failure> {
        let Some(mut row) = sqlite::query_one(connection, sql::POSITION, &[])? else {
            return Ok(Self::start_of(0));
        };
        let number = |stored| u64::try_from(stored).map_err(|_| super::value::unexpected());
        Ok(Self {
            segment: number(row.int()?)?,
            offset: number(row.int()?)?,
        })
    }

    /// Keep it in the transaction that carries what lies before it.
    pub(super) fn keep(self, connection: &Connection) -> Result<(), Failure> {
        let signed = |number| i64::try_from(number).map_err(|_| super::value::unexpected());
        let (segment, offset) = (signed(self.segment)?, signed(self.offset)?);
        sqlite::execute(connection, sql::KEEP_POSITION, params![segment, offset]).map(drop)
    }

    fn start_of(segment: u64) -> Self {
        Self { segment, offset: 0 }
    }
}

fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:016x}.journal"))
}

/// The numbers of the segments, in order.
fn segments(directory: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_suffix(".journal"))
            .and_then(|hex| u64::from_str_radix(hex, 16).ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn unusable(directory: &Path, cause: &io::Error) -> Error {
    Error::storage(format!(
        "the journal in {} cannot be used: {cause}",
        directory.display()
    ))
}

fn unreadable(cause: &io::Error) -> Failure {
    Failure::Unavailable(format!("the journal cannot be read: {cause}"))
}
