//! One SQLite table: reads on the calling thread, inserts through one thread with group commit.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use anyhow::{Context, Result, anyhow};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot};

use super::seal::NonceBytes;

/// A row of about 300 bytes.
pub(super) struct Row {
    pub(super) id: u32,
    pub(super) key: String,
    pub(super) nonce: NonceBytes,
    pub(super) sealed: Vec<u8>,
    /// Made and changed at, in milliseconds.
    pub(super) at: i64,
}

impl Row {
    fn from_sql(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            key: row.get(1)?,
            nonce: row.get(2)?,
            sealed: row.get(3)?,
            at: row.get(4)?,
        })
    }
}

/// The open database.
pub(super) struct Store {
    readers: Vec<Mutex<Connection>>,
    writer: mpsc::Sender<Insert>,
    last_id: AtomicU32,
}

impl Store {
    /// Makes a database that holds the given rows.
    pub(super) fn create(path: &Path, rows: impl Iterator<Item = Result<Row>>) -> Result<Self> {
        let mut connection = open(path)?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(CREATE)?;
        let mut last = 0;
        for row in rows {
            let row = row?;
            insert(&transaction, &row)?;
            last = row.id;
        }
        transaction.commit()?;
        let readers = (0..READERS)
            .map(|_| Ok(Mutex::new(open(path)?)))
            .collect::<Result<_>>()?;
        let (writer, queue) = mpsc::channel(QUEUE);
        std::thread::spawn(move || commit_groups(&mut connection, queue));
        Ok(Self {
            readers,
            writer,
            last_id: AtomicU32::new(last),
        })
    }

    /// An id that no row has.
    pub(super) fn next_id(&self) -> u32 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The row with this id.
    pub(super) fn row(&self, id: u32) -> Result<Option<Row>> {
        let reader = self.reader()?;
        let mut select = reader.prepare_cached(SELECT_ONE)?;
        Ok(select.query_row(params![id], Row::from_sql).optional()?)
    }

    /// `count` rows from `first` on, in the order of their ids.
    pub(super) fn rows(&self, first: u32, count: u32) -> Result<Vec<Row>> {
        let reader = self.reader()?;
        let mut select = reader.prepare_cached(SELECT_RANGE)?;
        let rows = select.query_map(params![first, first + count - 1], Row::from_sql)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Inserts the row; returns when it is on disk.
    pub(super) async fn insert(&self, row: Row) -> Result<()> {
        let (done, committed) = oneshot::channel();
        self.writer
            .send(Insert { row, done })
            .await
            .map_err(|_| anyhow!("the writer has ended"))?;
        committed.await.context("the writer rolled back")
    }

    /// The first connection that nobody uses; with all in use, waits for the first.
    fn reader(&self) -> Result<MutexGuard<'_, Connection>> {
        for reader in &self.readers {
            match reader.try_lock() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let first = self
            .readers
            .first()
            .context("the pool has no connections")?;
        Ok(first.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A row and whom to tell once it is committed; dropped untold, it was not.
struct Insert {
    row: Row,
    done: oneshot::Sender<()>,
}

/// Commits whatever waits, at most [`GROUP`] rows at a time, until every sender is gone.
fn commit_groups(connection: &mut Connection, mut queue: mpsc::Receiver<Insert>) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.blocking_recv_many(&mut group, GROUP) > 0 {
        match commit(connection, &group) {
            Ok(()) => group.drain(..).for_each(|insert| {
                // Nobody listens when the client has gone; the row stands all the same.
                let _ = insert.done.send(());
            }),
            Err(_) => group.clear(),
        }
    }
}

fn commit(connection: &mut Connection, group: &[Insert]) -> Result<()> {
    let transaction = connection.transaction()?;
    for Insert { row, .. } in group {
        insert(&transaction, row)?;
    }
    Ok(transaction.commit()?)
}

fn insert(connection: &Connection, row: &Row) -> Result<()> {
    connection
        .prepare_cached(INSERT)?
        .execute(params![row.id, row.key, row.nonce, row.sealed, row.at])?;
    Ok(())
}

fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "mmap_size", 256 << 20)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}

/// Connections for reads: twice the serving threads.
const READERS: usize = 4;

/// Rows in one transaction at most.
const GROUP: usize = 64;

/// Inserts that wait at most; the next one waits for room.
const QUEUE: usize = 1024;

const CREATE: &str = "CREATE TABLE row (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, nonce BLOB NOT NULL, sealed BLOB NOT NULL, at INTEGER NOT NULL
) STRICT";
const INSERT: &str = "INSERT INTO row (id, key, nonce, sealed, at) VALUES (?1, ?2, ?3, ?4, ?5)";
const SELECT_ONE: &str = "SELECT id, key, nonce, sealed, at FROM row WHERE id = ?1";
const SELECT_RANGE: &str =
    "SELECT id, key, nonce, sealed, at FROM row WHERE id BETWEEN ?1 AND ?2 ORDER BY id";

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u32) -> Row {
        Row {
            id,
            key: format!("K{id}"),
            nonce: [1; 12],
            sealed: vec![2; 40],
            at: 5,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn inserted_rows_are_read_back_and_a_taken_id_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("test.db");
        let store = Store::create(&path, (1..=3).map(|id| Ok(row(id)))).expect("a store");
        assert_eq!(store.next_id(), 4);
        store.insert(row(4)).await.expect("a free id");
        assert!(store.insert(row(4)).await.is_err());
        store
            .insert(row(5))
            .await
            .expect("the writer lives on after a refusal");
        assert_eq!(
            store.row(4).expect("reads").map(|row| row.key),
            Some("K4".to_owned())
        );
        assert!(store.row(9).expect("reads").is_none());
        let ids: Vec<u32> = store
            .rows(2, 3)
            .expect("reads")
            .iter()
            .map(|row| row.id)
            .collect();
        assert_eq!(ids, [2, 3, 4]);
        let synchronous: i64 = open(&path)
            .expect("opens")
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .expect("a pragma");
        assert_eq!(synchronous, 2, "FULL");
    }
}
