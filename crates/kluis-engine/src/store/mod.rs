//! Storage: one SQL text for two databases (DESIGN §5).
//!
//! * [`Store::reader`] gives a connection for short reads; on SQLite they run on the serving thread.
//! * [`Store::write`] runs a closure in a transaction. On SQLite one writer thread commits many of them at once; on
//!   PostgreSQL each is a transaction of its own. The answer comes after the commit is durable.
//! * [`Store::record`] records the event of a read, or of a refusal, before the caller learns the outcome.

mod generations;
mod journal;
mod migrate;
mod postgres;
pub(crate) mod sql;
mod sqlite;
#[cfg(test)]
mod tests;
mod value;
mod writer;

use std::fs::DirBuilder;
use std::future::Future;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

pub(crate) use generations::{Generations, Touches};
use tokio::sync::Notify;
pub(crate) use value::{Param, Row, params, unexpected};

use crate::audit::{ChainSigner, Event};
use crate::clock::Clock;
use crate::error::{Cause, Conflict, Error, Unavailable};

/// Where everything is kept.
pub(crate) enum Store {
    Postgres(postgres::Postgres),
    Sqlite(sqlite::Sqlite),
}

/// One connection to either database.
pub(crate) enum Conn {
    /// Neither: every statement fails. What an act is given that is refused before it begins.
    Closed,
    Postgres(postgres::Client),
    Sqlite(rusqlite::Connection),
}

/// A transaction under way: its connection, the events that commit with it, and who is told when it has.
pub(crate) struct Tx {
    conn: Conn,
    events: Vec<Event>,
    refusals: Vec<Event>,
    bells: Vec<Arc<Notify>>,
}

/// What runs inside a transaction.
pub(crate) type Work<'t, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 't>>;

/// Why a statement failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database file is not sound.
    Damaged(String),
    /// Anything else: a defect, or a damaged database.
    Other(String),
    /// What a row hangs on is not there: on PostgreSQL it may go between two statements.
    Parent,
    /// The database or the disk is out of reach, full or read-only.
    Unavailable(String),
    /// A unique constraint.
    Unique,
}

/// Where to keep things, from the `storage` setting.
#[derive(Clone, Debug)]
pub enum Storage {
    /// A PostgreSQL database, by URL.
    Postgres(String),
    /// The file `kluis.db` in the data directory.
    Sqlite,
}

impl Store {
    /// Open the storage, bring its schema up to date, and carry what the journal still holds. The data directory is made
    /// with mode 0700 when absent, whichever the storage: keys and the operator's socket are there.
    pub(crate) async fn open(
        storage: &Storage,
        data_dir: &Path,
        clock: &Clock,
        signer: ChainSigner,
    ) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)
            .map_err(|cause| sqlite::startup(data_dir, "cannot be made", &cause))?;
        match storage {
            Storage::Postgres(url) => Ok(Self::Postgres(
                postgres::Postgres::open(url, clock, signer).await?,
            )),
            Storage::Sqlite => Ok(Self::Sqlite(sqlite::Sqlite::open(data_dir, clock, signer)?)),
        }
    }

    /// The generations of what is stored; none where changes can come from other processes too. Events of reads are no changes.
    pub(crate) fn generations(&self) -> Option<&Generations> {
        match self {
            Self::Postgres(_) => None,
            Self::Sqlite(sqlite) => Some(sqlite.generations()),
        }
    }

    /// A connection for short reads.
    pub(crate) async fn reader(&self) -> Result<Reader<'_>, Error> {
        match self {
            Self::Postgres(postgres) => Ok(Reader::owned(Conn::Postgres(postgres.client().await?))),
            Self::Sqlite(sqlite) => sqlite.reader(),
        }
    }

    /// Run `work` in a transaction; answer when it is durable.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Send + 'static,
        T: Send + 'static,
    {
        self.write_touching(Touches::Anything, work).await
    }

    /// The same for work that changes nothing but what `touches` names.
    pub(crate) async fn write_touching<T, F>(&self, touches: Touches, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Send + 'static,
        T: Send + 'static,
    {
        match self {
            Self::Postgres(postgres) => postgres.write(work).await,
            Self::Sqlite(sqlite) => sqlite.write(touches, work).await,
        }
    }

    /// Record an event without waiting for the disk: it survives a crash of the process at once.
    pub(crate) async fn record(&self, event: Event) -> Result<(), Error> {
        match self {
            Self::Postgres(postgres) => postgres.record(event).await,
            Self::Sqlite(sqlite) => sqlite.record(&event),
        }
    }

    /// Bring every event recorded so far into the event table, chained.
    pub(crate) async fn settle(&self) -> Result<(), Error> {
        match self {
            Self::Postgres(postgres) => postgres.seal_chain().await,
            Self::Sqlite(sqlite) => sqlite.settle().await,
        }
    }

    /// Settle what is recorded and end the background work.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        match self {
            Self::Postgres(postgres) => postgres.close().await,
            Self::Sqlite(sqlite) => sqlite.close().await,
        }
    }
}

/// A connection for reads; on SQLite it goes back to the pool when dropped.
pub(crate) struct Reader<'s> {
    conn: Option<Conn>,
    pool: Option<&'s sqlite::Readers>,
}

impl<'s> Reader<'s> {
    fn owned(conn: Conn) -> Self {
        Self {
            conn: Some(conn),
            pool: None,
        }
    }

    fn pooled(conn: Conn, pool: &'s sqlite::Readers) -> Self {
        Self {
            conn: Some(conn),
            pool: Some(pool),
        }
    }

    /// The connection.
    pub(crate) fn conn(&mut self) -> Result<&mut Conn, Error> {
        self.conn
            .as_mut()
            .ok_or_else(|| Error::internal("a reader was used after its end"))
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let (Some(pool), Some(conn)) = (self.pool, self.conn.take()) {
            pool.put_back(conn);
        }
    }
}

impl Tx {
    pub(crate) fn new(conn: Conn) -> Self {
        Self {
            conn,
            events: Vec::new(),
            refusals: Vec::new(),
            bells: Vec::new(),
        }
    }

    /// The connection that the transaction runs on.
    pub(crate) fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    /// Record `event` with this transaction: both are kept, or neither.
    pub(crate) fn record(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Ring `bell` when this transaction is committed: background work of this node waits there for what it puts into the store.
    pub(crate) fn rings(&mut self, bell: Arc<Notify>) {
        self.bells.push(bell);
    }

    /// Record `event` although what this transaction has done is undone, because it is refused.
    pub(crate) fn record_refusal(&mut self, event: Event) {
        self.refusals.push(event);
    }
}

impl Conn {
    /// Take the rows that a `LOCK` of `store/sql` selects, until the transaction ends: what is read of them afterwards stays
    /// true until then. Whether any is taken: what is read afterwards may have come meanwhile. On SQLite the writer is alone
    /// anyway.
    pub(crate) async fn lock(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<bool, Failure> {
        match self {
            Self::Closed => Err(Failure::closed()),
            Self::Sqlite(_) => Ok(true),
            Self::Postgres(client) => postgres::lock(client, sql, params).await,
        }
    }

    /// All rows of a statement of `store/sql`.
    pub(crate) async fn query(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Failure> {
        match self {
            Self::Closed => Err(Failure::closed()),
            Self::Sqlite(connection) => sqlite::query(connection, sql, params),
            Self::Postgres(client) => postgres::query(client, sql, params).await,
        }
    }

    /// All rows of a statement of `store/sql` that no other transaction has taken; they are taken until this one ends, so that nodes
    /// share work without waiting for each other. On SQLite the writer is alone anyway.
    pub(crate) async fn take(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Failure> {
        match self {
            Self::Closed => Err(Failure::closed()),
            Self::Sqlite(connection) => sqlite::query(connection, sql, params),
            Self::Postgres(client) => postgres::take(client, sql, params).await,
        }
    }

    /// The only row, or none.
    pub(crate) async fn query_one(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Option<Row>, Failure> {
        match self {
            Self::Closed => Err(Failure::closed()),
            Self::Sqlite(connection) => sqlite::query_one(connection, sql, params),
            Self::Postgres(client) => Ok(postgres::query(client, sql, params)
                .await?
                .into_iter()
                .next()),
        }
    }

    /// The number of rows that a statement changed.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<u64, Failure> {
        match self {
            Self::Closed => Err(Failure::closed()),
            Self::Sqlite(connection) => sqlite::execute(connection, sql, params),
            Self::Postgres(client) => postgres::execute(client, sql, params).await,
        }
    }
}

impl Conn {
    /// Run a statement once for each row of parameters.
    pub(crate) async fn execute_each(
        &mut self,
        sql: &'static str,
        rows: &[Vec<Param<'_>>],
    ) -> Result<(), Failure> {
        match self {
            Self::Closed => Err(Failure::closed()),
            Self::Sqlite(connection) => {
                for row in rows {
                    sqlite::execute(connection, sql, row)?;
                }
                Ok(())
            }
            Self::Postgres(client) => postgres::execute_each(client, sql, rows).await,
        }
    }
}

impl Failure {
    fn closed() -> Self {
        Self::Other("the act was refused before it began".to_owned())
    }

    /// The cause, for the log.
    pub(crate) fn cause(&self) -> &str {
        match self {
            Self::Damaged(cause) | Self::Other(cause) | Self::Unavailable(cause) => cause,
            Self::Parent => "a foreign key does not hold",
            Self::Unique => "a unique constraint does not hold",
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Other(cause) => Self::Internal(Cause::new(cause)),
            Failure::Damaged(cause) | Failure::Unavailable(cause) => {
                Self::Unavailable(Unavailable::Storage(Cause::new(cause)))
            }
            Failure::Parent => Self::NotFound,
            Failure::Unique => Self::Conflict(Conflict::Exists),
        }
    }
}
