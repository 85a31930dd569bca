//! Where threads and background tasks are started, and the small pools for password hashing and RSA (DESIGN §4).
//!
//! Nothing else in the engine starts one, so what runs beside the requests can be read here.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// Turns for work that costs so much time and memory that it must not run everywhere at once, or that waits for a disk.
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
///
/// When much waits, a thread does several pieces before it tells the outcome of any: those who asked then go on together, and
/// what they do next (a commit, above all) is shared by them.
pub(crate) struct Threads {
    work: SyncSender<Job>,
    waiting: Arc<AtomicUsize>,
}

/// Does the work; what it gives tells the outcome.
type Job = Box<dyn FnOnce() -> Tell + Send>;
type Tell = Box<dyn FnOnce()>;

/// Where the threads find their work.
struct Queue {
    jobs: Mutex<Receiver<Job>>,
    waiting: Arc<AtomicUsize>,
    threads: usize,
}

/// Pieces of work that may wait; with more, whoever asks is told to come again.
const WAITING: usize = 1_024;
/// Pieces of work whose outcome is told together.
const TOGETHER: usize = 8;

impl Threads {
    /// As many threads of this name; they end when this is dropped.
    pub(crate) fn start((name, count): (&str, usize)) -> Result<Self, Error> {
        let (work, jobs) = mpsc::sync_channel(WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let queue = Arc::new(Queue {
            jobs: Mutex::new(jobs),
            waiting: Arc::clone(&waiting),
            threads: count,
        });
        for _ in 0..count {
            let queue = Arc::clone(&queue);
            thread(name, move || {
                while let Some(jobs) = queue.next() {
                    // Whoever waits for one that panics is told when its answer is dropped; the thread goes on.
                    let done = |job| catch_unwind(AssertUnwindSafe(job)).ok();
                    let told: Vec<Tell> = jobs.into_iter().filter_map(done).collect();
                    for tell in told {
                        tell();
                    }
                }
            })?;
        }
        Ok(Self { work, waiting })
    }

    /// Run `work` on one of the threads. `Unavailable` when too much waits already.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Whoever has gone away meanwhile needs no answer.
            let done = (!answer.is_closed()).then(work);
            Box::new(move || {
                if let Some(done) = done {
                    let _ = answer.send(done);
                }
            })
        });
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.work.try_send(job).map_err(|refused| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => Error::storage("too much waits for the threads"),
                TrySendError::Disconnected(_) => Error::internal("the threads have ended"),
            }
        })?;
        answered
            .await
            .map_err(|_| Error::internal("work on a thread panicked"))
    }
}

impl Queue {
    /// The next pieces of work, half of a thread's share of what waits; none when there will be no more.
    fn next(&self) -> Option<Vec<Job>> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = vec![jobs.recv().ok()?];
        let waiting = self.waiting.load(Ordering::Relaxed);
        let share = (waiting / (2 * self.threads)).min(TOGETHER);
        taken.extend(jobs.try_iter().take(share.saturating_sub(1)));
        self.waiting.fetch_sub(taken.len(), Ordering::Relaxed);
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_piece_of_work_is_told_beside_one_that_panics() {
        let threads = Arc::new(Threads::start(("test", 1)).unwrap());
        let (go, held) = mpsc::channel::<()>();
        let mut held = Some(held);
        let mut asked = tokio::task::JoinSet::new();
        for number in 0..100 {
            let threads = Arc::clone(&threads);
            let held = held.take();
            asked.spawn(async move {
                let work = move || {
                    // The first waits until all the others are queued.
                    let _ = held.map(|held| held.recv());
                    assert_ne!(number, 50, "one that panics");
                    number
                };
                (number, threads.run(work).await.ok())
            });
        }
        tokio::task::yield_now().await;
        drop(go);
        for (number, told) in asked.join_all().await {
            assert_eq!(told, (number != 50).then_some(number));
        }
        assert_eq!(threads.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_thread_takes_half_its_share_and_never_more_than_are_told_together() {
        let taken = |queued: usize, threads| {
            let (work, jobs) = mpsc::sync_channel::<Job>(WAITING);
            for _ in 0..queued {
                work.send(Box::new(|| Box::new(|| {}))).unwrap();
            }
            let queue = Queue {
                jobs: Mutex::new(jobs),
                waiting: Arc::new(AtomicUsize::new(queued)),
                threads,
            };
            queue.next().unwrap().len()
        };
        assert_eq!(
            [1, 2, 7, 8, 1_000].map(|queued| taken(queued, 2)),
            [1, 1, 1, 2, TOGETHER]
        );
    }
}
