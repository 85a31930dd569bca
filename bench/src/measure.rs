//! One round of one cell, and the medians over its rounds.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::cells::{Cell, Side};
use crate::load::{Limits, Pool};
use crate::procfs::{CpuTime, Memory};
use crate::stats::{median, percentile};

/// What a cell costs at one number of connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    /// Requests per second.
    pub(crate) rate: f64,
    /// Median latency in microseconds.
    pub(crate) p50: f64,
    /// 99th percentile of the latency in microseconds.
    pub(crate) p99: f64,
    /// CPU time of the server per request in microseconds, work that it puts off included and that of its threads for RSA not.
    pub(crate) cpu: f64,
    /// CPU time of its threads for RSA per request in microseconds.
    pub(crate) rsa: f64,
    /// Resident memory of the server after the round, in bytes.
    pub(crate) resident: f64,
}

impl Figures {
    /// The median of each figure over the rounds, `None` without rounds.
    pub(crate) fn median_of(rounds: &[Self]) -> Option<Self> {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Some(Self {
            rate: of(|f| f.rate)?,
            p50: of(|f| f.p50)?,
            p99: of(|f| f.p99)?,
            cpu: of(|f| f.cpu)?,
            rsa: of(|f| f.rsa)?,
            resident: of(|f| f.resident)?,
        })
    }
}

/// Measures one round of a cell against the server with this process id and address.
pub(crate) async fn measure(
    cell: &Cell,
    pid: u32,
    address: SocketAddr,
    connections: usize,
    duration: Duration,
) -> Result<Figures> {
    let opening = cell.own.as_ref().map(|own| &own.opening);
    let pool = Pool::open(address, connections, &cell.source, opening).await?;
    let before = CpuTime::read(pid)?;
    let round = pool
        .run(Limits {
            duration,
            requests: ROUND_REQUESTS,
        })
        .await?;
    let resident = Memory::read(pid)?.resident;
    let after = match cell.side {
        Side::Kluis => cpu_when_quiet(pid).await?,
        Side::Reference => CpuTime::read(pid)?,
    };
    let rsa = after.rsa_since(&before);
    let cpu = after.since(&before).saturating_sub(rsa);
    let requests = as_f64(u64::try_from(round.latencies.len())?);
    let at = |percent| {
        percentile(&round.latencies, percent).map(|nanoseconds| as_f64(nanoseconds) / 1e3)
    };
    Ok(Figures {
        rate: requests / round.elapsed.as_secs_f64(),
        p50: at(50).context("a round without a single answer")?,
        p99: at(99).context("a round without a single answer")?,
        cpu: cpu.as_secs_f64() * 1e6 / requests,
        rsa: rsa.as_secs_f64() * 1e6 / requests,
        resident: as_f64(resident),
    })
}

/// The CPU time used so far, read when the work that the answers left behind is done.
///
/// Kluis carries the events of reads into its table every 100 ms or so, syncs and extends the hash chain within a second (DESIGN §5,
/// RULES §7). That belongs to the requests that caused it.
async fn cpu_when_quiet(pid: u32) -> Result<CpuTime> {
    tokio::time::sleep(DEFERRED_WORK).await;
    let deadline = Instant::now() + QUIET_TIMEOUT;
    loop {
        let now = CpuTime::read(pid)?;
        tokio::time::sleep(QUIET_INTERVAL).await;
        let later = CpuTime::read(pid)?;
        if later.since(&now) < QUIET_CPU || Instant::now() >= deadline {
            return Ok(later);
        }
    }
}

/// Whole numbers far below 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts, nanoseconds and bytes of one run stay far below 2^53"
)]
pub(crate) fn as_f64(number: u64) -> f64 {
    number as f64
}

/// Requests of a round at most.
const ROUND_REQUESTS: u64 = 200_000;

/// By then a server has begun whatever it does once a second.
const DEFERRED_WORK: Duration = Duration::from_millis(1050);

/// A server that uses less than [`QUIET_CPU`] in this time is done.
const QUIET_INTERVAL: Duration = Duration::from_millis(50);

/// A tenth of one core, rounded down to what the clock of ticks can tell.
const QUIET_CPU: Duration = Duration::from_millis(5);

/// How long a server may go on after a round; then it is measured as it is.
const QUIET_TIMEOUT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_its_own_median() {
        let round = |rate, cpu| Figures {
            rate,
            p50: 1.0,
            p99: 2.0,
            cpu,
            rsa: 4.0,
            resident: 3.0,
        };
        let figures = Figures::median_of(&[round(10.0, 7.0), round(30.0, 9.0), round(20.0, 8.0)]);
        assert_eq!(figures, Some(round(20.0, 8.0)));
        assert_eq!(Figures::median_of(&[]), None);
    }
}
