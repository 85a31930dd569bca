//! Where threads and background tasks are started, and the small pools for password hashing and RSA (DESIGN §4).
//!
//! Nothing else in the engine starts one, so what runs beside the requests can be read here.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{Semaphore, oneshot};

use crate::error::Error;

/// Start a thread of the engine; it ends when `body` does.
pub(crate) fn thread(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|cause| Error::internal(format!("no thread for {name}: {cause}")))
}

/// Start a background task; it ends when `task` does or with the runtime.
pub(crate) fn background(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts background tasks"
    )]
    tokio::spawn(task);
}

/// Run `task` to its end even when the one who asked goes away.
pub(crate) async fn detached<T: Send + 'static>(
    task: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a transaction is never dropped half-way"
    )]
    let running = tokio::spawn(task);
    running
        .await
        .map_err(|_| Error::internal("a task panicked"))?
}

/// Turns for work that costs so much time and memory that it must not run everywhere at once.
#[derive(Clone)]
pub(crate) struct Pool {
    turns: Arc<Semaphore>,
}

impl Pool {
    /// A pool in which `turns` pieces of work run at the same time.
    pub(crate) fn new(turns: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(turns)),
        }
    }

    /// Run `work` off the serving threads, when it is its turn.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| Error::internal("the pool is closed"))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that hands work to other threads"
        )]
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        working
            .await
            .map_err(|_| Error::internal("work in the pool panicked"))
    }
}

/// Threads of their own for work that must neither wait for other work nor make it wait.
pub(crate) struct Threads {
    work: SyncSender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

/// Pieces of work that may wait; with more, whoever asks is told to come again.
const WAITING: usize = 1_024;

impl Threads {
    /// As many threads of this name; they end when this is dropped.
    pub(crate) fn start((name, count): (&str, usize)) -> Result<Self, Error> {
        let (work, jobs) = mpsc::sync_channel(WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..count {
            let jobs = Arc::clone(&jobs);
            thread(name, move || {
                while let Some(job) = next(&jobs) {
                    // Whoever waits for it is told when its answer is dropped; the thread goes on.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            })?;
        }
        Ok(Self { work })
    }

    /// Run `work` on one of the threads. `Unavailable` when too much waits already.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Whoever has gone away meanwhile needs no answer.
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        });
        self.work.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::storage("too much waits for the threads"),
            TrySendError::Disconnected(_) => Error::internal("the threads have ended"),
        })?;
        answered
            .await
            .map_err(|_| Error::internal("work on a thread panicked"))
    }
}

/// The next piece of work; none when there will be no more.
fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
    jobs.recv().ok()
}
