//! The shared database: a pool of connections, a transaction per change, events of reads in batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::NoTls;
use tokio_postgres::config::Host;

use super::{Conn, Failure, Tx, Work, migrate};
use crate::audit::{Chain, ChainSigner, Event, insert_open};
use crate::blocking;
use crate::clock::Clock;
use crate::error::{Cause, Error, Unavailable};

mod driver;

use driver::with_causes;
pub(super) use driver::{ddl, dialect, execute, execute_each, lock, query, take};

/// A pooled connection.
pub(crate) type Client = Object;

/// The pool, and what runs beside it.
pub(crate) struct Postgres {
    pool: Pool,
    events: mpsc::Sender<Recording>,
    sealer: Sealer,
}

/// An event to insert, and who waits for it.
type Recording = (Event, oneshot::Sender<Result<(), Error>>);

/// Gives stored events their place in the chain; a lock in the database lets one node at a time do it.
#[derive(Clone)]
struct Sealer {
    pool: Pool,
    clock: Clock,
    signer: ChainSigner,
}

/// Connections of one node.
const CONNECTIONS: usize = 16;
/// How long a database that does not answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Events of reads in one transaction.
const EVENT_BATCH: usize = 256;
/// How often open events are chained.
const SEAL_EVERY: Duration = Duration::from_millis(500);
/// Names the sealer's lock among the advisory locks of the database.
const SEAL_LOCK: &str = "SELECT pg_advisory_xact_lock(7740101855893713765)";

impl Postgres {
    pub(crate) async fn open(url: &str, clock: &Clock, signer: ChainSigner) -> Result<Self, Error> {
        let mut config: tokio_postgres::Config = url
            .parse()
            .map_err(|_| Error::invalid("storage", "is not a PostgreSQL URL"))?;
        config
            .connect_timeout(TIMEOUT)
            .keepalives_idle(TIMEOUT)
            .tcp_user_timeout(TIMEOUT);
        let place = place(&config);
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let pool = Pool::builder(Manager::from_config(config, NoTls, recycling))
            .max_size(CONNECTIONS)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .wait_timeout(Some(TIMEOUT))
            .create_timeout(Some(TIMEOUT))
            .build()
            .map_err(|cause| Error::internal(cause.to_string()))?;
        let mut client = pool.get().await.map_err(|cause| {
            Error::storage(format!("PostgreSQL at {place} cannot be reached: {cause}"))
        })?;
        migrate::postgres(&mut client).await?;
        drop(client);
        let (events, queue) = mpsc::channel(EVENT_BATCH * 4);
        blocking::background(insert_events(pool.clone(), queue));
        let sealer = Sealer {
            pool: pool.clone(),
            clock: clock.clone(),
            signer,
        };
        let running = sealer.clone();
        let alive = events.downgrade();
        blocking::background(async move {
            let mut tick = tokio::time::interval(SEAL_EVERY);
            loop {
                tick.tick().await;
                if alive.upgrade().is_none() {
                    return;
                }
                if let Err(error) = running.seal_all().await {
                    tracing::warn!(
                        cause = error.cause(),
                        "the audit chain could not be extended"
                    );
                }
            }
        });
        Ok(Self {
            pool,
            events,
            sealer,
        })
    }

    pub(crate) async fn client(&self) -> Result<Client, Error> {
        self.pool.get().await.map_err(unreachable)
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Send + 'static,
        T: Send + 'static,
    {
        let client = self.client().await?;
        let events = self.events.clone();
        blocking::detached(async move {
            let mut tx = Tx::new(Conn::Postgres(client));
            control(&mut tx.conn, "BEGIN").await?;
            let error = match caught(work(&mut tx)).await {
                Ok(done) => match commit(&mut tx).await {
                    Ok(()) => {
                        for bell in tx.bells {
                            bell.notify_one();
                        }
                        return Ok(done);
                    }
                    Err(failure) => failure.into(),
                },
                Err(error) => error,
            };
            control(&mut tx.conn, "ROLLBACK").await?;
            let refusals = std::mem::take(&mut tx.refusals);
            // Back to the pool before the recorder needs a connection of it.
            drop(tx);
            for event in refusals {
                record(&events, event).await?;
            }
            Err(error)
        })
        .await
    }

    pub(crate) async fn record(&self, event: Event) -> Result<(), Error> {
        record(&self.events, event).await
    }

    pub(crate) async fn seal_chain(&self) -> Result<(), Error> {
        let sealer = self.sealer.clone();
        blocking::detached(async move { sealer.seal_all().await }).await
    }

    pub(crate) async fn close(&self) -> Result<(), Error> {
        self.seal_chain().await?;
        self.pool.close();
        Ok(())
    }
}

impl Sealer {
    async fn seal_all(&self) -> Result<(), Error> {
        while self.seal().await? {}
        Ok(())
    }

    /// Chain one portion; whether there may be more.
    async fn seal(&self) -> Result<bool, Error> {
        let mut conn = Conn::Postgres(self.pool.get().await.map_err(unreachable)?);
        control(&mut conn, "BEGIN").await?;
        let sealed = self.seal_in(&mut conn).await;
        let end = if sealed.is_ok() { "COMMIT" } else { "ROLLBACK" };
        control(&mut conn, end).await?;
        Ok(sealed?)
    }

    async fn seal_in(&self, conn: &mut Conn) -> Result<bool, Failure> {
        control(conn, SEAL_LOCK).await?;
        // Another node may have moved the heads since, so nothing is remembered between two turns.
        let chain = Chain::new(self.signer.clone());
        chain.seal_open(conn, self.clock.now()).await
    }
}

/// What a change does; one that panics is undone like one that fails.
async fn caught<T>(mut work: Work<'_, T>) -> Result<T, Error> {
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
            .unwrap_or_else(|_| Poll::Ready(Err(Error::internal("a change panicked"))))
    })
    .await
}

async fn record(recorder: &mpsc::Sender<Recording>, event: Event) -> Result<(), Error> {
    let (reply, answer) = oneshot::channel();
    let stopped = || not_recorded("the recorder has stopped");
    recorder.send((event, reply)).await.map_err(|_| stopped())?;
    answer.await.map_err(|_| stopped())?
}

async fn commit(tx: &mut Tx) -> Result<(), Failure> {
    insert_open(&mut tx.conn, std::mem::take(&mut tx.events).iter()).await?;
    control(&mut tx.conn, "COMMIT").await
}

/// Insert events of reads, as many as wait, in one transaction that does not wait for the disk.
async fn insert_events(pool: Pool, mut queue: mpsc::Receiver<Recording>) {
    let mut waiting = Vec::with_capacity(EVENT_BATCH);
    while queue.recv_many(&mut waiting, EVENT_BATCH).await > 0 {
        let outcome = insert_batch(&pool, &waiting).await;
        for (_, reply) in waiting.drain(..) {
            let _ = reply.send(match &outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(not_recorded(error.cause().unwrap_or("unknown"))),
            });
        }
    }
}

async fn insert_batch(pool: &Pool, waiting: &[Recording]) -> Result<(), Error> {
    let mut conn = Conn::Postgres(pool.get().await.map_err(unreachable)?);
    control(&mut conn, "BEGIN; SET LOCAL synchronous_commit = off").await?;
    let inserted = insert_open(&mut conn, waiting.iter().map(|(event, _)| event)).await;
    let end = if inserted.is_ok() {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    control(&mut conn, end).await?;
    Ok(inserted?)
}

/// Run statements that have neither parameters nor rows.
async fn control(conn: &mut Conn, sql: &str) -> Result<(), Failure> {
    match conn {
        Conn::Postgres(client) => Ok(client.batch_execute(sql).await?),
        Conn::Closed | Conn::Sqlite(_) => {
            Err(Failure::Other("the pool has another database".to_owned()))
        }
    }
}

/// Where a URL leads, without the user and password in it.
fn place(config: &tokio_postgres::Config) -> String {
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    let hosts = config.get_hosts().iter().enumerate();
    let places: Vec<String> = hosts
        .map(|(index, host)| match host {
            Host::Tcp(name) => format!("{name}:{}", port(index)),
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    places.join(", ")
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unreachable(cause: deadpool_postgres::PoolError) -> Error {
    Error::storage(with_causes(&cause))
}

fn not_recorded(cause: &str) -> Error {
    Error::Unavailable(Unavailable::NotRecorded(Cause::new(cause)))
}
