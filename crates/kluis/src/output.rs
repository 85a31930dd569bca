//! Data on stdout: records in the format that was asked for, written whole or not at all.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use kluis_client::SecretText;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::environment::quoted;
use crate::failure::{Code, Failure};
use crate::terminal::printable;

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people
    Table,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// NAME='value' lines, quoted for a POSIX shell
    Env,
    /// The main value alone, one a line
    Value,
}

/// Formats of a listing.
pub(crate) const LISTING: &[Format] = &[Format::Table, Format::Json, Format::Yaml, Format::Value];
/// Formats of one secret value.
pub(crate) const SECRET: &[Format] = &[
    Format::Value,
    Format::Json,
    Format::Yaml,
    Format::Env,
    Format::Table,
];

impl Format {
    /// The format asked for, if the command has it; the command's first when none was.
    pub(crate) fn among(asked: Option<Self>, known: &[Self]) -> Result<Self, Failure> {
        let format = asked.or(known.first().copied()).unwrap_or(Self::Table);
        if known.contains(&format) {
            return Ok(format);
        }
        let names: Vec<&str> = known.iter().map(|format| format.name()).collect();
        Err(Failure::usage(
            format!("this command does not write {}", format.name()),
            format!("-o {} was asked for", format.name()),
            format!("use one of {}", names.join(", ")),
        ))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Env => "env",
            Self::Value => "value",
        }
    }
}

/// One datum.
pub(crate) enum Cell {
    /// Not there.
    None,
    /// Text.
    Text(String),
    /// A number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// Several words.
    List(Vec<String>),
    /// A secret value.
    Secret(SecretText),
    /// Anything else that the server sent.
    Json(Value),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

macro_rules! cells {
    ($($from:ty => $cell:ident),*) => {
        $(impl From<$from> for Cell {
            fn from(value: $from) -> Self {
                Self::$cell(value)
            }
        })*
    };
}

cells!(String => Text, u64 => Number, bool => Flag, Vec<String> => List);

impl From<Option<u64>> for Cell {
    fn from(number: Option<u64>) -> Self {
        number.map_or(Self::None, Self::Number)
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::None, Self::Text)
    }
}

/// Records of one kind: a list, or one alone. The first column is what `-o value` prints unless `main` names another.
pub(crate) struct Records {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    is_list: bool,
    main: usize,
}

impl Records {
    /// A list, possibly empty. Columns are named as JSON names them.
    pub(crate) fn list(columns: &[&'static str], rows: Vec<Vec<Cell>>) -> Self {
        Self {
            columns: columns.to_vec(),
            rows,
            is_list: true,
            main: 0,
        }
    }

    /// One record.
    pub(crate) fn one(columns: &[&'static str], row: Vec<Cell>) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: vec![row],
            is_list: false,
            main: 0,
        }
    }

    /// One column more of one record, which `-o value` prints: what is shown this once.
    pub(crate) fn and(mut self, column: &'static str, cell: Cell) -> Self {
        self.main = self.columns.len();
        self.columns.push(column);
        if let Some(row) = self.rows.first_mut() {
            row.push(cell);
        }
        self
    }

    /// Which column `-o value` prints.
    pub(crate) fn main(mut self, column: usize) -> Self {
        self.main = column;
        self
    }

    /// Writes everything to stdout at once. A reader that went away is not a failure.
    pub(crate) fn print(&self, format: Format) -> Result<(), Failure> {
        let mut text = self.text(format);
        // Exact bytes into a pipe or file; on a terminal the prompt should not stick to the value.
        if format == Format::Value
            && !self.is_list
            && io::stdout().is_terminal()
            && !text.ends_with('\n')
        {
            text.push('\n');
        }
        print(text.as_bytes()).map(drop)
    }

    /// The text that [`Records::print`] writes.
    pub(crate) fn text(&self, format: Format) -> Zeroizing<String> {
        match format {
            Format::Table => self.table(),
            Format::Json => self.json(),
            Format::Yaml => self.yaml(),
            Format::Env => self.env(),
            Format::Value => self.values(),
        }
    }

    fn table(&self) -> Zeroizing<String> {
        let heads = self
            .columns
            .iter()
            .map(|name| name.to_uppercase().replace('_', " "))
            .collect();
        let lines: Vec<Vec<String>> = std::iter::once(heads)
            .chain(
                self.rows
                    .iter()
                    .map(|row| row.iter().map(|cell| printable(&plain(cell))).collect()),
            )
            .collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                lines
                    .iter()
                    .filter_map(|line| line.get(column))
                    .map(|text| text.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut text = Zeroizing::new(String::new());
        for line in &lines {
            let mut padded = String::new();
            for (cell, width) in line.iter().zip(&widths) {
                padded.push_str(cell);
                // The width of a format argument ends at 65,535.
                let blanks = width.saturating_sub(cell.chars().count()) + 2;
                padded.extend(std::iter::repeat_n(' ', blanks));
            }
            let _ = writeln!(text, "{}", padded.trim_end());
        }
        text
    }

    fn json(&self) -> Zeroizing<String> {
        let mut records = self.rows.iter().map(|row| {
            let members = self
                .columns
                .iter()
                .zip(row)
                .map(|(name, cell)| ((*name).to_owned(), json(cell)));
            Value::Object(members.collect::<Map<_, _>>())
        });
        let value = if self.is_list {
            Value::Array(records.collect())
        } else {
            records.next().unwrap_or(Value::Null)
        };
        let mut text = Zeroizing::new(format!("{value:#}"));
        text.push('\n');
        text
    }

    /// YAML whose every text is double-quoted, so none can be taken for a number, a flag or a tag.
    fn yaml(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        if self.rows.is_empty() {
            text.push_str("[]\n");
        }
        for row in &self.rows {
            for (position, (name, cell)) in self.columns.iter().zip(row).enumerate() {
                let lead = match (self.is_list, position) {
                    (false, _) => "",
                    (true, 0) => "- ",
                    (true, _) => "  ",
                };
                let value = Zeroizing::new(yaml_safe(&json(cell).to_string()));
                let _ = writeln!(text, "{lead}{name}: {}", *value);
            }
        }
        text
    }

    /// One assignment per record: the first column names, the main one is the value.
    fn env(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for row in &self.rows {
            if let (Some(name), Some(value)) = (row.first(), row.get(self.main)) {
                let _ = writeln!(text, "{}={}", *plain(name), quoted(&plain(value)));
            }
        }
        text
    }

    fn values(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for row in &self.rows {
            text.push_str(&row.get(self.main).map(plain).unwrap_or_default());
            if self.is_list {
                text.push('\n');
            }
        }
        text
    }
}

/// Whether somebody still reads stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// All was taken.
    Listening,
    /// The pipe was closed, as `head` does. No failure: the reader had enough.
    Gone,
}

/// Writes bytes to stdout in one go.
pub(crate) fn print(bytes: &[u8]) -> Result<Reader, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Reader::Listening),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::new(
            Code::Failed,
            "cannot write the result",
            format!("stdout: {error}"),
            "make room, or write to another place",
        )),
    }
}

/// The cell as bare text.
fn plain(cell: &Cell) -> Zeroizing<String> {
    Zeroizing::new(match cell {
        Cell::None => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Cell::List(words) => words.join(","),
        Cell::Secret(secret) => secret.expose().to_owned(),
        Cell::Json(Value::Null) => String::new(),
        Cell::Json(Value::String(text)) => text.clone(),
        Cell::Json(value) => value.to_string(),
    })
}

fn json(cell: &Cell) -> Value {
    match cell {
        Cell::None => Value::Null,
        Cell::Text(text) => text.as_str().into(),
        Cell::Number(number) => (*number).into(),
        Cell::Flag(flag) => (*flag).into(),
        Cell::List(words) => words.iter().map(String::as_str).collect(),
        Cell::Secret(secret) => secret.expose().into(),
        Cell::Json(value) => value.clone(),
    }
}

/// JSON is YAML but for a few characters that JSON leaves raw and YAML does not print.
pub(crate) fn yaml_safe(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Records {
        let row = |name: &str, count| {
            vec![
                Cell::from(name),
                Cell::Number(count),
                Cell::None,
                Cell::Flag(true),
            ]
        };
        Records::list(
            &["name", "secret_count", "note", "live"],
            vec![row("a", 12), row("b\x1b[1m", 3)],
        )
    }

    fn secret(value: &str) -> Records {
        let value = Cell::Secret(SecretText::from(value.to_owned()));
        Records::one(&["key", "value"], vec![Cell::from("K"), value]).main(1)
    }

    #[test]
    fn a_table_is_aligned_and_safe_to_look_at() {
        assert_eq!(
            *rows().table(),
            "NAME        SECRET COUNT  NOTE  LIVE\na           12                  yes\nb\\u{1b}[1m  3                   yes\n"
        );
    }

    #[test]
    fn a_cell_may_be_longer_than_a_format_argument_is_wide() {
        for (name, width) in [
            ("x".repeat(70_000), 70_000),
            // Each is shown in eight characters.
            ("\u{202e}".repeat(21_845), 8 * 21_845),
        ] {
            let row = |name: &str| vec![Cell::from(name), Cell::Number(7)];
            let records = Records::list(&["name", "count"], vec![row(&name), row("a")]);
            let text = records.table();
            let lines: Vec<&str> = text.lines().collect();
            for (line, last) in lines.iter().zip(["COUNT", "7", "7"]) {
                assert!(line.ends_with(&format!(" {last}")));
                assert_eq!(line.len(), width + 2 + last.len());
            }
        }
    }

    #[test]
    fn json_and_yaml_keep_types_and_text() {
        let parsed: Value = serde_json::from_str(&rows().json()).unwrap();
        assert_eq!(
            parsed[1],
            serde_json::json!({"name": "b\u{1b}[1m", "secret_count": 3, "note": null, "live": true})
        );
        assert_eq!(
            *rows().yaml(),
            "- name: \"a\"\n  secret_count: 12\n  note: null\n  live: true\n\
             - name: \"b\\u001b[1m\"\n  secret_count: 3\n  note: null\n  live: true\n"
        );
        assert_eq!(
            *secret("no: \u{85}\"").yaml(),
            "key: \"K\"\nvalue: \"no: \\u0085\\\"\"\n"
        );
        assert_eq!(*Records::list(&["a"], vec![]).yaml(), "[]\n");
        assert_eq!(*Records::list(&["a"], vec![]).json(), "[]\n");
    }

    #[test]
    fn a_value_is_exact() {
        assert_eq!(*secret(" a\nb\n").values(), " a\nb\n");
        assert_eq!(*secret("").values(), "");
        assert_eq!(*rows().values(), "a\nb\u{1b}[1m\n");
    }

    #[test]
    fn an_assignment_is_quoted() {
        assert_eq!(*secret("it's $HOME\n").env(), "K='it'\\''s $HOME\n'\n");
    }

    #[test]
    fn a_format_that_a_command_lacks_is_refused() {
        assert_eq!(Format::among(None, LISTING).unwrap(), Format::Table);
        assert_eq!(
            Format::among(Some(Format::Json), LISTING).unwrap(),
            Format::Json
        );
        assert!(Format::among(Some(Format::Env), LISTING).is_err());
    }
}
