//! A whole run: both servers side by side, every cell in turn, one table.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use aws_lc_rs::rand;

use crate::cells::{Cell, Side, kluis_cells, reference_cells, rsa_facts};
use crate::footprint::{MANY, binary_size, many_secrets, start_up};
use crate::kluis::Kluis;
use crate::measure::{Figures, measure};
use crate::process::Reference;
use crate::reference::TOKEN_PREFIX;
use crate::report::{Results, table};

/// What to measure, and how long.
pub(crate) struct Plan {
    /// The release build of Kluis; without it the reference alone is measured.
    pub(crate) kluis: Option<PathBuf>,
    /// Where data directories are made, and removed at the end. Durable writes are as fast as this disk.
    pub(crate) directory: PathBuf,
    /// Measures only what has one of these words in its name; everything when empty.
    pub(crate) only: Vec<String>,
    /// One round at 64 connections instead of medians at 1, 16 and 64.
    pub(crate) quick: bool,
}

impl Plan {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word.as_str()))
    }

    fn connections(&self) -> &'static [usize] {
        if self.quick { &[64] } else { &[1, 16, 64] }
    }

    fn rounds(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    fn duration(&self) -> Duration {
        Duration::from_millis(if self.quick { 500 } else { 400 })
    }

    fn many(&self) -> u64 {
        if self.quick { MANY / 10 } else { MANY }
    }
}

/// Runs the plan and prints the table on standard output, progress on standard error.
pub(crate) async fn run(plan: &Plan) -> Result<()> {
    let begin = Instant::now();
    fs::create_dir_all(&plan.directory)?;
    let scratch = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(&plan.directory)?;
    let directory = scratch.path();

    let mut facts = Vec::new();
    if let Some(program) = &plan.kluis {
        facts.push(binary_size(program)?);
        if plan.wants("start-up") {
            progress("start-up");
            facts.extend(start_up(program, directory).await?);
        }
    }
    let (cells, results) = drive_cells(plan, directory).await?;
    facts.extend(rsa_facts(&results));
    if let Some(program) = &plan.kluis
        && plan.wants("memory")
    {
        progress(&format!("{} secrets", plan.many()));
        facts.extend(many_secrets(program, directory, plan.many()).await?);
    }
    let shown: Vec<&Cell> = cells.iter().collect();
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}\n", machine())?;
    write!(
        output,
        "{}",
        table(&shown, &counts(&cells, plan), &results, &facts)
    )?;
    writeln!(output, "measured in {:.0} s", begin.elapsed().as_secs_f64())?;
    Ok(())
}

/// Measures the cells that the plan wants, the reference's and those compared with it by turns.
async fn drive_cells(plan: &Plan, directory: &Path) -> Result<(Vec<Cell>, Results)> {
    let token = new_token()?;
    let reference = Reference::start(directory, &token).await?;
    let mut cells = reference_cells(&token);
    let kluis = match &plan.kluis {
        Some(program) => {
            progress("filling vaults");
            let (kluis, _) = Kluis::start(
                program,
                &directory.join("data"),
                &directory.join("kluis.log"),
            )
            .await?;
            cells.extend(kluis_cells(&kluis).await?);
            Some(kluis)
        }
        None => None,
    };
    let cells = selected(cells, plan);

    let mut rounds: HashMap<(&'static str, usize), Vec<Figures>> = HashMap::new();
    for round in 1..=plan.rounds() {
        for connections in counts(&cells, plan) {
            progress(&format!(
                "round {round} of {}, {connections} connections",
                plan.rounds()
            ));
            for cell in by_turns(&cells).filter(|cell| is_due(cell, &cells, connections, plan)) {
                let (pid, address) = match (cell.side, &kluis) {
                    (Side::Kluis, Some(kluis)) => (kluis.server.pid, kluis.address),
                    _ => (reference.server.pid, reference.address),
                };
                let duration = cell
                    .own
                    .as_ref()
                    .map_or(plan.duration(), |own| own.duration);
                let figures = measure(cell, pid, address, connections, duration)
                    .await
                    .with_context(|| {
                        format!("measuring “{}” at {connections} connections", cell.name)
                    })?;
                rounds
                    .entry((cell.name, connections))
                    .or_default()
                    .push(figures);
            }
        }
    }
    reference.server.stop().await?;
    if let Some(kluis) = kluis {
        kluis.stop().await?;
    }
    let medians = rounds
        .into_iter()
        .filter_map(|(key, rounds)| Some((key, Figures::median_of(&rounds)?)));
    Ok((cells, medians.collect()))
}

/// The cells whose name is wanted, and the reference's that those are compared with.
fn selected(mut cells: Vec<Cell>, plan: &Plan) -> Vec<Cell> {
    let bases: Vec<&str> = cells
        .iter()
        .filter(|cell| plan.wants(cell.name))
        .filter_map(|cell| cell.against)
        .collect();
    cells.retain(|cell| plan.wants(cell.name) || bases.contains(&cell.name));
    cells
}

/// Each cell of the reference, followed at once by those compared with it: a slow minute of the machine then hits both.
fn by_turns(cells: &[Cell]) -> impl Iterator<Item = &Cell> {
    let bases = cells.iter().filter(|cell| cell.against.is_none());
    bases.flat_map(|base| {
        let compared = cells.iter().filter(|cell| cell.against == Some(base.name));
        std::iter::once(base).chain(compared)
    })
}

/// Every number of connections at which something is measured, ascending.
fn counts(cells: &[Cell], plan: &Plan) -> Vec<usize> {
    let counts: BTreeSet<usize> = cells
        .iter()
        .flat_map(|cell| counts_of(cell, plan))
        .copied()
        .collect();
    counts.into_iter().collect()
}

/// Whether a cell, or one that is compared with it, is measured at this number of connections.
fn is_due(cell: &Cell, cells: &[Cell], connections: usize, plan: &Plan) -> bool {
    let is_own = |cell: &Cell| counts_of(cell, plan).contains(&connections);
    is_own(cell)
        || cells
            .iter()
            .any(|other| other.against == Some(cell.name) && is_own(other))
}

/// The numbers of connections at which a cell is measured for its own sake.
fn counts_of<'a>(cell: &Cell, plan: &'a Plan) -> &'a [usize] {
    cell.own
        .as_ref()
        .map_or(plan.connections(), |own| own.connections)
}

fn new_token() -> Result<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).ok().context("no randomness")?;
    Ok(format!("{TOKEN_PREFIX}{:032x}", u128::from_be_bytes(bytes)))
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores, Linux {}, load generator on the same machine",
        kernel.trim()
    )
}

fn progress(step: &str) {
    // A closed standard error stops no measurement.
    let _ = writeln!(std::io::stderr(), "bench: {step}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::Schedule;
    use crate::client::Exchange;
    use crate::load::{Source, Work};

    fn cell(name: &'static str, against: Option<&'static str>) -> Cell {
        let side = if against.is_some() {
            Side::Kluis
        } else {
            Side::Reference
        };
        Cell {
            name,
            side,
            source: Source::new(Work::Pick(Vec::new())),
            against,
            target: None,
            own: None,
        }
    }

    fn cells() -> Vec<Cell> {
        vec![
            cell("base a", None),
            cell("base b", None),
            cell("read", Some("base b")),
            cell("list", Some("base a")),
        ]
    }

    fn names<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Vec<&'static str> {
        cells.into_iter().map(|cell| cell.name).collect()
    }

    fn plan(only: &[&str]) -> Plan {
        let only = only.iter().map(|&word| word.to_owned()).collect();
        Plan {
            kluis: None,
            directory: PathBuf::new(),
            only,
            quick: true,
        }
    }

    #[test]
    fn a_selected_cell_brings_its_base() {
        assert_eq!(
            names(&selected(cells(), &plan(&["read"]))),
            ["base b", "read"]
        );
        assert_eq!(names(&selected(cells(), &plan(&["base a"]))), ["base a"]);
        assert_eq!(selected(cells(), &plan(&[])).len(), 4);
    }

    #[test]
    fn a_base_is_measured_wherever_one_compared_with_it_is() {
        let mut cells = cells();
        cells.push(Cell {
            own: Some(Schedule {
                connections: &[10],
                duration: plan(&[]).duration(),
                opening: Exchange::get("/", "", ""),
            }),
            ..cell("own", Some("base b"))
        });
        let plan = plan(&[]);
        assert_eq!(counts(&cells, &plan), [10, 64]);
        let due = |connections| {
            names(
                cells
                    .iter()
                    .filter(|cell| is_due(cell, &cells, connections, &plan)),
            )
        };
        assert_eq!(due(10), ["base b", "own"]);
        assert_eq!(due(64), ["base a", "base b", "read", "list"]);
    }

    #[test]
    fn every_cell_follows_its_base() {
        assert_eq!(
            names(by_turns(&cells())),
            ["base a", "list", "base b", "read"]
        );
    }
}
