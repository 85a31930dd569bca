//! The single writer: one thread, many callers' changes in one durable commit (DESIGN §5).
//!
//! Each change runs in a savepoint of its own, so one that fails takes none of the others with it. Events are chained
//! when the batch is complete, so the chain never has to be unwound. Nobody is answered before the commit is on disk.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Notify, mpsc, oneshot};

use super::journal::{Journal, Portion, Position};
use super::{Conn, Failure, Generations, Touches, Tx, Work, sqlite};
use crate::audit::{Chain, ChainSigner, Event};
use crate::blocking;
use crate::clock::Clock;
use crate::error::Error;

/// Something for the writer to do.
pub(super) enum Job {
    /// Bring what the journal holds into the event table, and sign what is due.
    Carry,
    /// Run this in the next transaction.
    Change(Box<dyn Change>),
    /// Carry, and tell when all that the journal holds now is in the event table.
    Settle(oneshot::Sender<Result<(), Error>>),
    /// Carry, then end.
    Stop(oneshot::Sender<Result<(), Error>>),
}

/// A change that waits for its turn.
pub(super) trait Change: Send {
    /// Do it, inside the transaction.
    fn run(self: Box<Self>, tx: &mut Tx) -> Box<dyn Attempt>;
    /// What it can alter.
    fn touches(&self) -> Touches;
    /// Tell the caller that it cannot be done.
    fn refuse(self: Box<Self>, cause: &str);
}

/// A change that has run and waits for the commit.
pub(super) trait Attempt {
    /// Whether its savepoint is kept.
    fn succeeded(&self) -> bool;
    /// Tell the caller: its own outcome, or why nothing of the batch was committed.
    fn answer(self: Box<Self>, commit: Result<(), &str>);
}

struct Waiting<T, F> {
    touches: Touches,
    work: F,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Change for Waiting<T, F>
where
    F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Send,
    T: Send + 'static,
{
    fn run(self: Box<Self>, tx: &mut Tx) -> Box<dyn Attempt> {
        let Self { work, reply, .. } = *self;
        let outcome = catch_unwind(AssertUnwindSafe(|| ready(work(tx))))
            .unwrap_or_else(|_| Some(Err(Error::internal("a change panicked"))))
            .unwrap_or_else(|| Err(Error::internal("a change waited inside its transaction")));
        let bells = std::mem::take(&mut tx.bells);
        Box::new(Ran {
            outcome,
            bells,
            reply,
        })
    }

    fn touches(&self) -> Touches {
        self.touches
    }

    fn refuse(self: Box<Self>, cause: &str) {
        let _ = self.reply.send(Err(Error::storage(cause)));
    }
}

struct Ran<T> {
    outcome: Result<T, Error>,
    bells: Vec<Arc<Notify>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T> Attempt for Ran<T> {
    fn succeeded(&self) -> bool {
        self.outcome.is_ok()
    }

    fn answer(self: Box<Self>, commit: Result<(), &str>) {
        let outcome = match (self.outcome, commit) {
            // What broke the batch says it best itself.
            (Err(error @ (Error::Internal(_) | Error::Unavailable(_))), _) => Err(error),
            // Decided on what the rest of the batch had changed, and that is not kept.
            (_, Err(cause)) => Err(Error::storage(cause)),
            (outcome, Ok(())) => outcome,
        };
        if outcome.is_ok() {
            for bell in self.bells {
                bell.notify_one();
            }
        }
        // A caller that went away does not undo what is committed.
        let _ = self.reply.send(outcome);
    }
}

impl Job {
    pub(super) fn change<T, F>(
        touches: Touches,
        work: F,
        reply: oneshot::Sender<Result<T, Error>>,
    ) -> Self
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Send + 'static,
        T: Send + 'static,
    {
        Self::Change(Box::new(Waiting {
            touches,
            work,
            reply,
        }))
    }
}

/// Statements on SQLite never wait, so what a change does is ready when first asked.
pub(super) fn ready<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

/// Start the thread; what is in the journal from before is carried first.
pub(super) fn start(
    connection: Connection,
    journal: Arc<Journal>,
    position: Position,
    generations: Arc<Generations>,
    clock: Clock,
    signer: ChainSigner,
) -> Result<(mpsc::Sender<Job>, JoinHandle<()>), Error> {
    let (jobs, queue) = mpsc::channel(QUEUE);
    let mut writer = Writer {
        tx: Tx::new(Conn::Sqlite(connection)),
        chain: Chain::new(signer),
        journal: Arc::clone(&journal),
        position,
        generations,
        clock,
        failing: false,
    };
    writer.carry_all()?;
    let thread = blocking::thread("kluis-writer", move || writer.run(queue))?;
    let ticks = jobs.downgrade();
    blocking::background(async move {
        let mut tick = tokio::time::interval(CARRY_EVERY);
        for count in 1_u64.. {
            tick.tick().await;
            // Held only for a moment: the writer ends when the store does.
            let Some(jobs) = ticks.upgrade() else { return };
            if journal.has_news() || count.is_multiple_of(SIGN_EVERY) {
                // A full queue means that the writer is busy: the next tick will do.
                let _ = jobs.try_send(Job::Carry);
            }
        }
    });
    Ok((jobs, thread))
}

struct Writer {
    tx: Tx,
    chain: Chain,
    journal: Arc<Journal>,
    position: Position,
    /// Moved after every commit of changes, before it is acknowledged.
    generations: Arc<Generations>,
    clock: Clock,
    /// Whether the last attempt to carry failed, so that it is told once.
    failing: bool,
}

/// What the writer does next.
#[derive(Default)]
struct Turn {
    changes: Vec<Box<dyn Change>>,
    carry: bool,
    settling: Vec<oneshot::Sender<Result<(), Error>>>,
    stopping: Option<oneshot::Sender<Result<(), Error>>>,
}

/// Callers that can wait for the writer before the next one is held back.
const QUEUE: usize = 1_024;
/// Changes in one commit.
const BATCH: usize = 64;
/// How often the journal is looked at.
const CARRY_EVERY: Duration = Duration::from_millis(100);
/// How many looks pass until an idle chain is looked at for a checkpoint that is due.
const SIGN_EVERY: u64 = 10;

impl Writer {
    /// Changes and portions of the journal take turns, so that neither waits long for the other.
    fn run(&mut self, mut queue: mpsc::Receiver<Job>) {
        let mut turn = Turn::default();
        while turn.fill(&mut queue) {
            self.commit(std::mem::take(&mut turn.changes));
            if let Some(reply) = turn.stopping.take() {
                let _ = reply.send(self.carry_all());
                return;
            }
            if turn.carry {
                let carried = self.carry();
                self.tell(&carried);
                turn.carry = matches!(carried, Ok(true));
                if !turn.carry {
                    for reply in turn.settling.drain(..) {
                        let _ = reply.send(match &carried {
                            Ok(_) => Ok(()),
                            Err(failure) => Err(Error::storage(failure.cause())),
                        });
                    }
                }
            }
        }
        // Every sender is gone: the rest of the journal is carried at the next start.
    }

    fn commit(&mut self, changes: Vec<Box<dyn Change>>) {
        if changes.is_empty() {
            return;
        }
        let mut attempts = Vec::with_capacity(changes.len());
        let mut changes = changes.into_iter();
        let touched: Vec<Touches> = changes
            .as_slice()
            .iter()
            .map(|change| change.touches())
            .collect();
        let outcome = self.batch(&mut changes, &mut attempts);
        // Whatever came of it: what anyone remembers may be outdated.
        for touched in touched {
            self.generations.moved(touched);
        }
        if outcome.is_err() {
            self.abandon();
        }
        let outcome = outcome.as_ref().map(|&()| ()).map_err(Failure::cause);
        for attempt in attempts {
            attempt.answer(outcome);
        }
        for change in changes {
            change.refuse(outcome.err().unwrap_or("the batch ended early"));
        }
    }

    /// Run the changes and commit; those behind the one that broke the transaction stay in `changes`.
    fn batch(
        &mut self,
        changes: &mut std::vec::IntoIter<Box<dyn Change>>,
        attempts: &mut Vec<Box<dyn Attempt>>,
    ) -> Result<(), Failure> {
        execute(&mut self.tx, "BEGIN IMMEDIATE")?;
        while !changes.as_slice().is_empty() {
            execute(&mut self.tx, "SAVEPOINT change")?;
            let kept = self.tx.events.len();
            let Some(change) = changes.next() else { break };
            let attempt = change.run(&mut self.tx);
            let succeeded = attempt.succeeded();
            attempts.push(attempt);
            let refusals = std::mem::take(&mut self.tx.refusals);
            if !succeeded {
                self.tx.events.truncate(kept);
                self.tx.events.extend(refusals);
                execute(&mut self.tx, "ROLLBACK TO change")?;
            }
            execute(&mut self.tx, "RELEASE change")?;
        }
        let events = std::mem::take(&mut self.tx.events);
        self.append(&events)?;
        execute(&mut self.tx, "COMMIT")
    }

    /// Chain the events of changes.
    fn append(&mut self, events: &[Event]) -> Result<(), Failure> {
        let now = self.clock.now();
        let Self { tx, chain, .. } = self;
        at_once(async {
            let mut bytes = Vec::with_capacity(512);
            for event in events {
                let entry = event.entry();
                bytes.clear();
                entry.encode(&mut bytes);
                chain.append(&mut tx.conn, &entry, &bytes, now).await?;
            }
            chain.keep_heads(&mut tx.conn, now).await
        })
    }

    fn abandon(&mut self) {
        self.tx.events.clear();
        self.tx.refusals.clear();
        self.chain.forget();
        // Fails harmlessly when the failed statement has already ended the transaction.
        let _ = execute(&mut self.tx, "ROLLBACK");
    }

    fn carry_all(&mut self) -> Result<(), Error> {
        while self.carry()? {}
        Ok(())
    }

    /// Carry one portion of the journal, or sign what is due at its end; whether there was more when it was read.
    fn carry(&mut self) -> Result<bool, Failure> {
        let carried = self.carry_portion();
        if carried.is_err() {
            self.abandon();
        }
        carried
    }

    fn carry_portion(&mut self) -> Result<bool, Failure> {
        let portion = self.journal.next(self.position)?;
        if portion.is_none() && !self.chain.is_due(self.clock.now()) {
            return Ok(false);
        }
        execute(&mut self.tx, "BEGIN IMMEDIATE")?;
        let now = self.clock.now();
        let Self { tx, chain, .. } = self;
        at_once(async {
            for entry in portion.iter().flat_map(Portion::entries) {
                let (entry, bytes) = entry?;
                chain.append(&mut tx.conn, &entry, bytes, now).await?;
            }
            chain.keep_heads(&mut tx.conn, now).await
        })?;
        if let Some(portion) = &portion {
            portion.position.keep(sqlite_of(&mut self.tx)?)?;
        }
        execute(&mut self.tx, "COMMIT")?;
        let Some(portion) = portion else {
            return Ok(false);
        };
        let before = std::mem::replace(&mut self.position, portion.position);
        self.journal.forget(before, self.position);
        Ok(!portion.to_the_end)
    }

    /// Say when carrying begins to fail and when it goes on. The journal itself is then made durable instead.
    fn tell(&mut self, carried: &Result<bool, Failure>) {
        match carried {
            Err(failure) => {
                let synced = self.journal.sync().is_ok();
                if !self.failing {
                    tracing::error!(
                        cause = failure.cause(),
                        synced,
                        "events of reads cannot be brought into the event table; they stay in the journal"
                    );
                }
            }
            Ok(_) if self.failing => {
                tracing::info!("events of reads are brought into the event table again");
            }
            Ok(_) => {}
        }
        self.failing = carried.is_err();
    }
}

impl Turn {
    /// Take what is there to do, waiting for it only when nothing is left; `false` when nobody can ask any more.
    fn fill(&mut self, queue: &mut mpsc::Receiver<Job>) -> bool {
        let mut next = if self.carry {
            match queue.try_recv() {
                Ok(job) => Some(job),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return false,
            }
        } else {
            match queue.blocking_recv() {
                Some(job) => Some(job),
                None => return false,
            }
        };
        while let Some(job) = next {
            match job {
                Job::Carry => self.carry = true,
                Job::Change(change) => self.changes.push(change),
                Job::Settle(reply) => {
                    self.carry = true;
                    self.settling.push(reply);
                }
                Job::Stop(reply) => {
                    self.stopping = Some(reply);
                    break;
                }
            }
            if self.changes.len() == BATCH {
                break;
            }
            next = queue.try_recv().ok();
        }
        true
    }
}

fn sqlite_of(tx: &mut Tx) -> Result<&mut Connection, Failure> {
    match &mut tx.conn {
        Conn::Sqlite(connection) => Ok(connection),
        Conn::Closed | Conn::Postgres(_) => {
            Err(Failure::Other("the writer has another database".to_owned()))
        }
    }
}

fn execute(tx: &mut Tx, sql: &'static str) -> Result<(), Failure> {
    sqlite::execute(sqlite_of(tx)?, sql, &[]).map(|_| ())
}

fn at_once(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    ready(work).unwrap_or_else(|| {
        Err(Failure::Other(
            "the chain waited inside its transaction".to_owned(),
        ))
    })
}
