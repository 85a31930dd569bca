//! The table that a run prints.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::cells::{Cell, Target};
use crate::measure::Figures;
use crate::stats::ratio;

/// The figures of every cell at every number of connections.
pub(crate) type Results = HashMap<(&'static str, usize), Figures>;

/// A figure that is not of a request: start-up, memory, size.
pub(crate) struct Fact {
    /// What it is.
    pub(crate) name: String,
    /// The figure, in `unit`.
    pub(crate) value: f64,
    /// The unit of value and target.
    pub(crate) unit: &'static str,
    /// The most that the project allows.
    pub(crate) limit: Option<f64>,
}

/// A target and whether it was met.
#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    /// What is asked, and `ok` or `MISSED`.
    pub(crate) text: String,
    /// Whether the figure is within the target.
    pub(crate) met: bool,
}

impl Verdict {
    fn new(text: &str, met: bool) -> Self {
        Self {
            text: format!("{text} {}", if met { "ok" } else { "MISSED" }),
            met,
        }
    }
}

/// Writes the table: a line for each cell and number of connections, then the facts, then the count of targets met.
pub(crate) fn table(
    cells: &[&Cell],
    connections: &[usize],
    results: &Results,
    facts: &[Fact],
) -> String {
    let mut lines = vec![HEADINGS.map(str::to_owned).to_vec()];
    let mut verdicts = Vec::new();
    for cell in cells {
        for &count in connections {
            let Some(figures) = results.get(&(cell.name, count)) else {
                continue;
            };
            let base = cell.against.and_then(|name| results.get(&(name, count)));
            let verdict = if count == judged_at(cell) {
                judge(cell, figures, results)
            } else {
                None
            };
            lines.push(line(cell.name, count, figures, base, verdict.as_ref()));
            verdicts.extend(verdict);
        }
    }
    let mut text = if lines.len() > 1 {
        align(&lines)
    } else {
        String::new()
    };

    let mut fact_lines = Vec::new();
    for fact in facts {
        let verdict = fact
            .limit
            .map(|limit| Verdict::new(&format!("≤ {limit:.0} {}", fact.unit), fact.value <= limit));
        let asked = verdict
            .as_ref()
            .map_or_else(String::new, |verdict| verdict.text.clone());
        fact_lines.push(vec![
            fact.name.clone(),
            format!("{} {}", number(fact.value), fact.unit),
            asked,
        ]);
        verdicts.extend(verdict);
    }
    if !fact_lines.is_empty() {
        text.push('\n');
        text.push_str(&align(&fact_lines));
    }
    let met = verdicts.iter().filter(|verdict| verdict.met).count();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\ntargets: {met} ok, {} MISSED", verdicts.len() - met);
    text
}

fn line(
    name: &str,
    connections: usize,
    figures: &Figures,
    base: Option<&Figures>,
    verdict: Option<&Verdict>,
) -> Vec<String> {
    let mut line = vec![name.to_owned(), connections.to_string()];
    let columns: [fn(&Figures) -> f64; 5] = [
        |f| f.rate,
        |f| f.p50,
        |f| f.p99,
        |f| f.cpu,
        |f| f.resident / 1e6,
    ];
    for column in columns {
        line.push(number(column(figures)));
        let times = base.and_then(|base| ratio(column(figures), column(base)));
        line.push(times.map_or_else(String::new, |times| format!("{times:.2}×")));
    }
    line.push(verdict.map_or_else(String::new, |verdict| verdict.text.clone()));
    line
}

/// The number of connections at which a cell's target holds.
fn judged_at(cell: &Cell) -> usize {
    let own = cell.own.as_ref().and_then(|own| own.connections.last());
    own.copied().unwrap_or(TARGET_CONNECTIONS)
}

/// Compares a cell's CPU time with its target, `None` when it has none or its base was not measured.
fn judge(cell: &Cell, figures: &Figures, results: &Results) -> Option<Verdict> {
    let count = judged_at(cell);
    let cpu_of = |name| results.get(&(name, count)).map(|figures| figures.cpu);
    Some(match cell.target? {
        Target::OfReference(limit) => {
            let times = ratio(figures.cpu, cpu_of(cell.against?)?)?;
            Verdict::new(&format!("CPU ≤ {limit}× reference"), times <= limit)
        }
        Target::Of(name, limit) => {
            let times = ratio(figures.cpu, cpu_of(name)?)?;
            // What stands last in a name is what sets it apart.
            let base = name.rsplit(", ").next().unwrap_or(name);
            Verdict::new(
                &format!("CPU {times:.2}×, ≤ {limit}× with {base}"),
                times <= limit,
            )
        }
        Target::Micros(limit) => Verdict::new(&format!("CPU ≤ {limit} µs"), figures.cpu <= limit),
        Target::Further {
            than,
            secrets,
            limit,
        } => {
            let each = (figures.cpu - cpu_of(than)?) / f64::from(secrets);
            let each_text = number(each);
            Verdict::new(
                &format!("CPU {each_text} µs, ≤ {limit} µs for each further secret"),
                each <= limit,
            )
        }
    })
}

/// Three digits that mean something, and no more decimals than that takes.
fn number(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Pads every column but the last to its widest cell: the first to the left, the others to the right.
fn align(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut padded = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            // Writing to a String cannot fail.
            let _ = match column {
                0 => write!(padded, "{cell:<width$}"),
                _ if column + 1 == columns => write!(padded, "  {cell}"),
                _ => write!(padded, "  {cell:>width$}"),
            };
        }
        text.push_str(padded.trim_end());
        text.push('\n');
    }
    text
}

/// The number of connections at which targets hold, unless a cell has its own.
const TARGET_CONNECTIONS: usize = 64;

const HEADINGS: [&str; 13] = [
    "",
    "conn",
    "req/s",
    "",
    "p50 µs",
    "",
    "p99 µs",
    "",
    "CPU µs/req",
    "",
    "RSS MB",
    "",
    "target",
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cells::{Schedule, Side};
    use crate::client::Exchange;
    use crate::load::{Source, Work};

    fn cell(name: &'static str, against: Option<&'static str>, target: Option<Target>) -> Cell {
        Cell {
            name,
            side: Side::Kluis,
            source: Source::new(Work::Pick(Vec::new())),
            against,
            target,
            own: None,
        }
    }

    fn figures(cpu: f64) -> Figures {
        Figures {
            rate: 20_000.0,
            p50: 40.0,
            p99: 90.0,
            cpu,
            rsa: 0.0,
            resident: 8e6,
        }
    }

    #[test]
    fn targets_are_judged_at_64_connections_against_their_base() {
        let results = Results::from([(("base", 64), figures(20.0)), (("one", 64), figures(30.0))]);
        let judged = |target, cpu| {
            judge(
                &cell("x", Some("base"), Some(target)),
                &figures(cpu),
                &results,
            )
        };
        let met = |target, cpu| judged(target, cpu).map(|verdict| verdict.met);
        assert_eq!(met(Target::OfReference(2.0), 40.0), Some(true));
        assert_eq!(met(Target::OfReference(2.0), 40.1), Some(false));
        assert_eq!(met(Target::Of("one", 1.5), 45.0), Some(true));
        assert_eq!(met(Target::Of("one", 1.5), 45.1), Some(false));
        assert_eq!(met(Target::Micros(400.0), 400.0), Some(true));
        assert_eq!(met(Target::Micros(400.0), 400.1), Some(false));
        let further = Target::Further {
            than: "one",
            secrets: 9,
            limit: 15.0,
        };
        assert_eq!(met(further, 165.0), Some(true));
        assert_eq!(met(further, 165.1), Some(false));
        assert_eq!(judged(Target::Of("absent", 1.5), 1.0), None);
        assert_eq!(judge(&cell("x", None, None), &figures(1.0), &results), None);
    }

    #[test]
    fn a_cell_with_connections_of_its_own_is_judged_at_the_last() {
        let own = Cell {
            own: Some(Schedule {
                connections: &[1, 10],
                duration: Duration::from_secs(1),
                opening: Exchange::get("/", "", ""),
            }),
            ..cell("own", None, Some(Target::Micros(5.0)))
        };
        let results = Results::from([(("own", 1), figures(9.0)), (("own", 10), figures(5.0))]);
        let text = table(&[&own], &[1, 10, 64], &results, &[]);
        assert_eq!(text.matches("CPU ≤ 5 µs ok").count(), 1);
        assert!(text.ends_with("targets: 1 ok, 0 MISSED\n"));
    }

    #[test]
    fn the_table_shows_figures_ratios_and_verdicts() {
        let (base, read) = (
            cell("base", None, None),
            cell("read", Some("base"), Some(Target::OfReference(2.0))),
        );
        let results = Results::from([
            (("base", 1), figures(20.0)),
            (("base", 64), figures(20.0)),
            (("read", 1), figures(90.0)),
            (("read", 64), figures(50.0)),
        ]);
        let fact = Fact {
            name: "idle memory".to_owned(),
            value: 12.0,
            unit: "MB",
            limit: Some(30.0),
        };
        let text = table(&[&base, &read], &[1, 64], &results, &[fact]);
        let expected = "      conn  req/s         p50 µs         p99 µs         CPU µs/req         RSS MB         target
base     1  20000           40.0           90.0               20.0           8.00
base    64  20000           40.0           90.0               20.0           8.00
read     1  20000  1.00×    40.0  1.00×    90.0  1.00×        90.0  4.50×    8.00  1.00×
read    64  20000  1.00×    40.0  1.00×    90.0  1.00×        50.0  2.50×    8.00  1.00×  CPU ≤ 2× reference MISSED

idle memory  12.0 MB  ≤ 30 MB ok

targets: 1 ok, 1 MISSED
";
        assert_eq!(text, expected);
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(
            [1.234, 12.34, 123.4, 12_345.6].map(number),
            ["1.23", "12.3", "123", "12346"]
        );
    }
}
