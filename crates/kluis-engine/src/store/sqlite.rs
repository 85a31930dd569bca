//! The embedded database: readers on the serving threads, one writer thread, a journal of reads.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use super::journal::{self, Journal};
use super::value::Value;
use super::writer::{self, Job};
use super::{Conn, Failure, Generations, Param, Reader, Row, Touches, Tx, Work, migrate};
use crate::audit::{ChainSigner, Event};
use crate::clock::Clock;
use crate::error::{Cause, Error, Unavailable};

/// The open database of one data directory.
pub(crate) struct Sqlite {
    readers: Readers,
    /// Taken when the writer is to end.
    writer: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    journal: Arc<Journal>,
    /// Moved by the writer with every commit of changes.
    generations: Arc<Generations>,
    /// Held as long as the process has the directory.
    _lock: File,
}

/// Connections for reads, opened when needed and kept for the next one.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Sqlite {
    /// Open `kluis.db` in `data_dir`.
    pub(crate) fn open(data_dir: &Path, clock: &Clock, signer: ChainSigner) -> Result<Self, Error> {
        let lock = lock(data_dir)?;
        let path = data_dir.join("kluis.db");
        create_private(&path).map_err(|cause| startup(&path, "cannot be made", &cause))?;
        let mut connection = connect(&path, Use::Write).map_err(|error| unsound(&path, &error))?;
        check(&connection, &path)?;
        migrate::sqlite(&mut connection).map_err(|error| located(&path, error))?;
        let (journal, position) = Journal::open(
            &data_dir.join("journal"),
            &connection,
            journal::SEGMENT_BYTES,
        )?;
        let journal = Arc::new(journal);
        let generations = Arc::new(Generations::default());
        let (writer, thread) = writer::start(
            connection,
            Arc::clone(&journal),
            position,
            Arc::clone(&generations),
            clock.clone(),
            signer,
        )?;
        Ok(Self {
            readers: Readers {
                path,
                idle: Mutex::new(Vec::new()),
            },
            writer: Some(writer),
            thread: Some(thread),
            journal,
            generations,
            _lock: lock,
        })
    }

    pub(crate) fn generations(&self) -> &Generations {
        &self.generations
    }

    pub(crate) fn reader(&self) -> Result<Reader<'_>, Error> {
        let idle = self
            .readers
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.readers.path, Use::Read)?,
        };
        Ok(Reader::pooled(Conn::Sqlite(connection), &self.readers))
    }

    pub(crate) async fn write<T, F>(&self, touches: Touches, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit(Job::change(touches, work, reply)).await?;
        answer.await.map_err(|_| stopped())?
    }

    pub(crate) fn record(&self, event: &Event) -> Result<(), Error> {
        self.journal.append(event).map_err(|cause| {
            Error::Unavailable(Unavailable::NotRecorded(Cause::new(cause.to_string())))
        })
    }

    pub(crate) async fn settle(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.submit(Job::Settle(reply)).await?;
        answer.await.map_err(|_| stopped())?
    }

    pub(crate) async fn close(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.submit(Job::Stop(reply)).await?;
        answer.await.map_err(|_| stopped())?
    }

    async fn submit(&self, job: Job) -> Result<(), Error> {
        let writer = self.writer.as_ref().ok_or_else(stopped)?;
        writer.send(job).await.map_err(|_| stopped())
    }
}

impl Drop for Sqlite {
    /// The directory is free for the next process only when nothing writes to it any more.
    fn drop(&mut self) {
        self.writer = None;
        if let Some(thread) = self.thread.take()
            // A change that outlives everyone else drops the store on the writer's own thread.
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl Readers {
    pub(super) fn put_back(&self, conn: Conn) {
        let Conn::Sqlite(connection) = conn else {
            return;
        };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE_READERS {
            idle.push(connection);
        }
    }
}

/// More readers than this are only open while they are used.
const MOST_IDLE_READERS: usize = 16;

/// Every row of a statement.
pub(crate) fn query(
    connection: &Connection,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<Vec<Row>, Failure> {
    let mut statement = bound(connection, sql, params)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row, columns)?);
    }
    Ok(all)
}

/// The first row of a statement.
pub(crate) fn query_one(
    connection: &Connection,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<Option<Row>, Failure> {
    let mut statement = bound(connection, sql, params)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let first = rows.next()?.map(|row| read(row, columns)).transpose()?;
    // An INSERT or UPDATE with RETURNING is only done when its rows are read to the end.
    while rows.next()?.is_some() {}
    Ok(first)
}

/// The number of rows that a statement changed.
pub(crate) fn execute(
    connection: &Connection,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<u64, Failure> {
    let mut statement = bound(connection, sql, params)?;
    Ok(u64::try_from(statement.raw_execute()?).unwrap_or(u64::MAX))
}

fn bound<'c>(
    connection: &'c Connection,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<rusqlite::CachedStatement<'c>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    if statement.parameter_count() != params.len() {
        return Err(Failure::Other(
            "a statement has another number of parameters".to_owned(),
        ));
    }
    for (index, param) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, param)?;
    }
    Ok(statement)
}

fn read(row: &rusqlite::Row<'_>, columns: usize) -> Result<Row, Failure> {
    let mut values = Vec::with_capacity(columns);
    for index in 0..columns {
        values.push(match row.get_ref(index)? {
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
            ValueRef::Integer(int) => Value::Int(int),
            ValueRef::Null => Value::Null,
            ValueRef::Real(_) => return Err(super::value::unexpected()),
            ValueRef::Text(text) => Value::Text(
                String::from_utf8(text.to_vec()).map_err(|_| super::value::unexpected())?,
            ),
        });
    }
    Ok(Row::new(values))
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::Int(int) => ValueRef::Integer(int),
            Self::Null => ValueRef::Null,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error() else {
            return Self::Other(error.to_string());
        };
        match code.code {
            ErrorCode::ConstraintViolation
                if matches!(
                    code.extended_code,
                    rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
                        | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                ) =>
            {
                Self::Unique
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                Self::Damaged(error.to_string())
            }
            ErrorCode::CannotOpen
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure => Self::Unavailable(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
}

/// A connection with the settings that durability and speed rest on.
pub(super) fn connect(path: &Path, to: Use) -> Result<Connection, Failure> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(256);
    // Without this, SQLite plans a statement anew when a parameter changes that its plan could depend on: nearly always.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A page that many commits change is brought from the log into the database once for all of them.
    let (cache_kib, query_only, log_pages) = match to {
        Use::Read => (512, "ON", 0),
        Use::Write => (8_192, "OFF", 4_000),
    };
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA busy_timeout = 5000;
         PRAGMA temp_store = MEMORY;
         PRAGMA mmap_size = 1073741824;
         PRAGMA cache_size = -{cache_kib};
         PRAGMA wal_autocheckpoint = {log_pages};
         PRAGMA query_only = {query_only};"
    ))?;
    Ok(connection)
}

/// Refuse a damaged database before anything is written to it.
fn check(connection: &Connection, path: &Path) -> Result<(), Error> {
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|cause| unsound(path, &cause.into()))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(damaged(path, &verdict))
}

/// Tell damage from a disk or a directory that does not let itself be used.
fn unsound(path: &Path, failure: &Failure) -> Error {
    match failure {
        Failure::Damaged(cause) => damaged(path, cause),
        other => Error::storage(format!(
            "{} cannot be opened: {}",
            path.display(),
            other.cause()
        )),
    }
}

/// Say which file it is about.
fn located(path: &Path, error: Error) -> Error {
    match error {
        Error::Unavailable(Unavailable::Storage(cause)) => {
            Error::storage(format!("{}: {}", path.display(), cause.for_log()))
        }
        other => other,
    }
}

fn damaged(path: &Path, cause: &str) -> Error {
    Error::storage(format!(
        "{} is damaged ({cause}). Restore it from a backup; nothing was changed.",
        path.display()
    ))
}

fn lock(data_dir: &Path) -> Result<File, Error> {
    let path = data_dir.join("kluis.lock");
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(|cause| startup(&path, "cannot be opened", &cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::storage(format!(
            "{} is in use by another kluis process. Stop it, or choose another data directory.",
            data_dir.display()
        ))),
        Err(TryLockError::Error(cause)) => Err(startup(&path, "cannot be locked", &cause)),
    }
}

/// SQLite gives its `-wal` and `-shm` files the mode of the database, so it is made private before SQLite sees it.
fn create_private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    Ok(())
}

pub(super) fn startup(path: &Path, what: &str, cause: &std::io::Error) -> Error {
    Error::storage(format!("{} {what}: {cause}", path.display()))
}

fn stopped() -> Error {
    Error::storage("the writer has stopped")
}
