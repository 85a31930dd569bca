//! Closed-loop load: each connection sends its next request when the answer to the last one is there.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use crate::client::{Connection, Exchange};

/// What is asked of a server, request by request.
pub(crate) enum Work {
    /// Requests made beforehand, in an order that jumps through them.
    Pick(Vec<Exchange>),
    /// A new request for each number; no number comes twice.
    Make(Box<dyn Fn(u64) -> Exchange + Send + Sync>),
}

impl Work {
    fn exchange(&self, number: u64) -> Option<Cow<'_, Exchange>> {
        match self {
            Self::Pick(exchanges) => {
                // A stride prime to any small count visits all of them before one comes again.
                let place = number.wrapping_mul(2_654_435_761)
                    % u64::try_from(exchanges.len()).ok()?.max(1);
                exchanges
                    .get(usize::try_from(place).ok()?)
                    .map(Cow::Borrowed)
            }
            Self::Make(make) => Some(Cow::Owned(make(number))),
        }
    }
}

/// Work with the numbers already given out, which rise over all rounds.
pub(crate) struct Source {
    work: Work,
    next: AtomicU64,
}

impl Source {
    /// Numbers from 0.
    pub(crate) fn new(work: Work) -> Arc<Self> {
        Arc::new(Self {
            work,
            next: AtomicU64::new(0),
        })
    }

    fn next(&self) -> Result<Cow<'_, Exchange>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.work
            .exchange(number)
            .context("no request to choose from")
    }
}

/// When a round ends: at the earlier of the two.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// No request begins after this long.
    pub(crate) duration: Duration,
    /// Requests in all.
    pub(crate) requests: u64,
}

/// What a round measured.
pub(crate) struct Round {
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// Nanoseconds from request to answer, ascending; one for each request.
    pub(crate) latencies: Vec<u64>,
}

/// Open connections, each past its first exchange.
pub(crate) struct Pool {
    connections: Vec<Connection>,
    source: Arc<Source>,
}

impl Pool {
    /// Connects and does one unmeasured exchange on each connection: `opening`, or one of the source.
    pub(crate) async fn open(
        address: SocketAddr,
        connections: usize,
        source: &Arc<Source>,
        opening: Option<&Exchange>,
    ) -> Result<Self> {
        let mut open = Vec::with_capacity(connections);
        for _ in 0..connections {
            let mut connection = Connection::open(address).await?;
            let first = match opening {
                Some(exchange) => Cow::Borrowed(exchange),
                None => source.next()?,
            };
            connection.exchange(first.as_ref()).await?;
            open.push(connection);
        }
        Ok(Self {
            connections: open,
            source: Arc::clone(source),
        })
    }

    /// Runs one round on all connections and closes them. The first answer that is not as expected ends it.
    pub(crate) async fn run(self, limits: Limits) -> Result<Round> {
        let begin = Instant::now();
        let end = begin + limits.duration;
        let left = Arc::new(AtomicU64::new(limits.requests));
        let mut tasks = JoinSet::new();
        for connection in self.connections {
            tasks.spawn(ask(
                connection,
                Arc::clone(&self.source),
                end,
                Arc::clone(&left),
            ));
        }
        let mut latencies = Vec::new();
        let all = async {
            while let Some(joined) = tasks.join_next().await {
                latencies.append(&mut joined??);
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(limits.duration + ANSWER_TIMEOUT, all)
            .await
            .context("the server stopped answering")??;
        let elapsed = begin.elapsed();
        latencies.sort_unstable();
        Ok(Round { elapsed, latencies })
    }
}

async fn ask(
    mut connection: Connection,
    source: Arc<Source>,
    end: Instant,
    left: Arc<AtomicU64>,
) -> Result<Vec<u64>> {
    let mut latencies = Vec::new();
    let mut sent = Instant::now();
    while sent < end && take_one(&left) {
        let exchange = source.next()?;
        sent = Instant::now();
        connection.exchange(exchange.as_ref()).await?;
        let answered = Instant::now();
        latencies.push(u64::try_from((answered - sent).as_nanos())?);
        sent = answered;
    }
    Ok(latencies)
}

fn take_one(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    })
    .is_ok()
}

/// How long past its end a round waits for answers.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picking_visits_every_request_before_one_comes_again() {
        let exchanges: Vec<Exchange> = (0..10_000)
            .map(|i| Exchange::get(&format!("/{i}"), "", ""))
            .collect();
        let work = Work::Pick(exchanges);
        let mut seen: Vec<Vec<u8>> = (0..10_000)
            .filter_map(|number| work.exchange(number))
            .map(|exchange| exchange.request.clone())
            .collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 10_000);
        assert!(Work::Pick(Vec::new()).exchange(0).is_none());
    }

    #[test]
    fn the_number_of_requests_is_a_hard_cap() {
        let left = AtomicU64::new(3);
        assert_eq!((0..10).filter(|_| take_one(&left)).count(), 3);
    }
}
