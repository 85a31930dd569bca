//! What Kluis costs beside requests: start-up, idle memory, size on disk.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::kluis::{Kluis, SETUP_CONNECTIONS, secret_post};
use crate::load::{Limits, Pool, Source, Work};
use crate::measure::as_f64;
use crate::procfs::Memory;
use crate::report::Fact;
use crate::stats::median;

/// Starts Kluis on fresh directories and again on one of them; the medians, and the memory at rest after a restart.
pub(crate) async fn start_up(program: &Path, directory: &Path) -> Result<Vec<Fact>> {
    let mut fresh = Vec::new();
    for number in 0..STARTS {
        let data = directory.join(format!("fresh-{number}"));
        let (kluis, ready) = Kluis::start(program, &data, &directory.join("start-up.log")).await?;
        kluis.stop().await?;
        fresh.push(milliseconds(ready));
    }
    let data = directory.join("fresh-0");
    let mut again = Vec::new();
    let mut memory = None;
    for _ in 0..STARTS {
        let (kluis, ready) = Kluis::start(program, &data, &directory.join("start-up.log")).await?;
        if again.len() + 1 == STARTS {
            memory = Some(memory_at_rest(&kluis).await?);
        }
        kluis.stop().await?;
        again.push(milliseconds(ready));
    }
    let memory = memory.context("no start")?;
    Ok(vec![
        fact(
            format!("start to ready, fresh directory (median of {STARTS})"),
            median(fresh),
            "ms",
            None,
        )?,
        fact(
            format!("start to ready, restart (median of {STARTS})"),
            median(again),
            "ms",
            Some(READY_LIMIT),
        )?,
        fact(
            "idle after a restart: anonymous memory",
            Some(megabytes(memory.anonymous)),
            "MB",
            Some(30.0),
        )?,
        fact(
            "idle after a restart: resident memory",
            Some(megabytes(memory.resident)),
            "MB",
            None,
        )?,
    ])
}

/// Stores `secrets` secrets in ten vaults, starts Kluis again and looks at its memory.
pub(crate) async fn many_secrets(
    program: &Path,
    directory: &Path,
    secrets: u64,
) -> Result<Vec<Fact>> {
    let (data, log) = (directory.join("many"), directory.join("many.log"));
    let (kluis, _) = Kluis::start(program, &data, &log).await?;
    let mut vaults = Vec::new();
    for number in 0..VAULTS {
        vaults.push(kluis.vault_create(&format!("many-{number}")).await?);
    }
    let owner = kluis.owner();
    let post = move |number: u64| {
        let vault = vaults
            .get(usize::try_from(number % VAULTS).unwrap_or(0))
            .map_or("", String::as_str);
        secret_post(vault, &owner, &format!("BENCH_KEY_{number:09}"))
    };
    let source = Source::new(Work::Make(Box::new(post)));
    let begin = Instant::now();
    let pool = Pool::open(kluis.address, SETUP_CONNECTIONS, &source, None).await?;
    let opening = u64::try_from(SETUP_CONNECTIONS)?;
    let round = pool
        .run(Limits {
            duration: FILL_TIMEOUT,
            requests: secrets.saturating_sub(opening),
        })
        .await?;
    let filled = begin.elapsed();
    let stored = u64::try_from(round.latencies.len())? + opening;
    ensure!(
        stored == secrets,
        "only {stored} of {secrets} secrets could be stored in {} s",
        FILL_TIMEOUT.as_secs()
    );
    kluis.stop().await?;

    let (kluis, ready) = Kluis::start(program, &data, &log).await?;
    let memory = memory_at_rest(&kluis).await?;
    kluis.stop().await?;
    let limit = (secrets >= MANY).then_some(100.0);
    Ok(vec![
        fact(
            format!("{secrets} secrets: stored over {SETUP_CONNECTIONS} connections in"),
            Some(filled.as_secs_f64()),
            "s",
            None,
        )?,
        fact(
            format!("{secrets} secrets: start to ready, restart"),
            Some(milliseconds(ready)),
            "ms",
            Some(READY_LIMIT),
        )?,
        fact(
            format!("{secrets} secrets: anonymous memory after a restart"),
            Some(megabytes(memory.anonymous)),
            "MB",
            limit,
        )?,
        fact(
            format!("{secrets} secrets: resident memory after a restart"),
            Some(megabytes(memory.resident)),
            "MB",
            None,
        )?,
    ])
}

/// The size of the program.
pub(crate) fn binary_size(program: &Path) -> Result<Fact> {
    let size = fs::metadata(program)
        .with_context(|| format!("no program at {}", program.display()))?
        .len();
    fact("size of the program", Some(megabytes(size)), "MB", None)
}

async fn memory_at_rest(kluis: &Kluis) -> Result<Memory> {
    tokio::time::sleep(REST).await;
    Memory::read(kluis.server.pid)
}

fn fact(
    name: impl Into<String>,
    value: Option<f64>,
    unit: &'static str,
    limit: Option<f64>,
) -> Result<Fact> {
    Ok(Fact {
        name: name.into(),
        value: value.context("a figure without measurements")?,
        unit,
        limit,
    })
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn megabytes(bytes: u64) -> f64 {
    as_f64(bytes) / 1e6
}

/// Secrets at which the larger memory target holds.
pub(crate) const MANY: u64 = 100_000;

/// Vaults that the many secrets are spread over.
const VAULTS: u64 = 10;

/// Starts of each kind.
const STARTS: usize = 5;

/// How long storing the many secrets may take.
const FILL_TIMEOUT: Duration = Duration::from_mins(2);

/// From ready to the reading of memory: work that a start leaves behind is done by then.
const REST: Duration = Duration::from_millis(1200);

/// Milliseconds from the start of the process to ready.
const READY_LIMIT: f64 = 300.0;
