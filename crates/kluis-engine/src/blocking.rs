//! Where threads and background tasks are started, and the small pool for password hashing (DESIGN §4).
//!
//! Nothing else in the engine starts one, so what runs beside the requests can be read here.

use std::future::Future;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::Semaphore;

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
