//! Where values come from: flags, the environment and the files it names, the configuration file, defaults.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Explained;
use super::parse::{Raw, without_password};
use super::settings::{SETTINGS, Setting};
use crate::failure::Failure;
use crate::suggest::did_you_mean;

/// A value from the command line.
pub(crate) struct Flag {
    /// Dotted name of the setting.
    pub(crate) key: String,
    /// The value.
    pub(crate) value: String,
    /// The flag as the user wrote it, such as `--listen`.
    pub(crate) name: String,
}

/// What a configuration is read from.
pub(crate) struct Sources {
    /// Values from the command line.
    pub(crate) flags: Vec<Flag>,
    /// The environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The configuration file, if any.
    pub(crate) file: Option<PathBuf>,
}

/// Every setting's value and its origin.
pub(super) struct Resolved {
    values: BTreeMap<&'static str, (Raw, Origin)>,
}

/// Where a value came from.
pub(super) enum Origin {
    Flag(String),
    Variable(String),
    VariableFile { variable: String, path: PathBuf },
    File { path: PathBuf, line: usize },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Variable(name) => f.write_str(name),
            Self::VariableFile { variable, path } => write!(f, "{} ({variable})", path.display()),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Flag {
    /// Whether it is a storage URL with a password in it.
    pub(super) fn holds_password(&self) -> bool {
        self.key == "storage" && without_password(&self.value) != self.value
    }
}

impl Resolved {
    /// Reads all sources, the weakest first so that the stronger replace them.
    pub(super) fn from(sources: &Sources) -> Result<Self, Failure> {
        let defaults = SETTINGS
            .iter()
            .filter_map(|setting| Some((setting.key, setting.default?)));
        let mut values: BTreeMap<_, _> = defaults
            .map(|(key, value)| (key, (Raw::Text(value.to_owned()), Origin::Default)))
            .collect();
        if let Some(path) = &sources.file {
            values.extend(from_file(path)?);
        }
        values.extend(from_environment(&sources.environment)?);
        for flag in &sources.flags {
            let key = known(&flag.key, &flag.name)?.key;
            values.insert(
                key,
                (
                    Raw::Text(flag.value.clone()),
                    Origin::Flag(flag.name.clone()),
                ),
            );
        }
        Ok(Self { values })
    }

    /// Refuse a password in an argument, which every user of the machine sees (NT-42).
    pub(super) fn refuse_passwords(flags: &[Flag]) -> Result<(), Failure> {
        match flags.iter().find(|flag| flag.holds_password()) {
            None => Ok(()),
            Some(flag) => Err(Failure::usage(
                "a password on the command line is not taken",
                format!(
                    "{} holds one, {}; arguments are seen by every user of this machine",
                    flag.name,
                    without_password(&flag.value)
                ),
                "put the URL into KLUIS_STORAGE, or into a file named by KLUIS_STORAGE_FILE",
            )),
        }
    }

    /// A setting that has a value at all times.
    pub(super) fn needed<'a, T>(
        &'a self,
        key: &str,
        parse: impl Fn(&'a Raw) -> Result<T, String>,
    ) -> Result<T, Failure> {
        self.optional(key, parse)?.ok_or_else(|| {
            Failure::usage(
                format!("{key} is not set"),
                "it has no default",
                "set it in the configuration file",
            )
        })
    }

    /// A setting that may be unset.
    pub(super) fn optional<'a, T>(
        &'a self,
        key: &str,
        parse: impl Fn(&'a Raw) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        let Some((raw, origin)) = self.values.get(key) else {
            return Ok(None);
        };
        parse(raw).map(Some).map_err(|wanted| {
            // What is no URL has its password anywhere.
            let value = if key == "storage" {
                "what it is set to".to_owned()
            } else {
                format!("'{}'", without_password(&raw.show()))
            };
            Failure::usage(
                format!("{key} has an unusable value"),
                format!("{value} (from {origin}): {wanted}"),
                "correct it; kluis config explain shows every value and where it comes from",
            )
        })
    }

    /// Two settings that do not go together: the one named is set, and `why` it cannot be.
    pub(super) fn clash(&self, key: &str, why: &str) -> Failure {
        let origin = self
            .values
            .get(key)
            .map(|(_, origin)| origin.to_string())
            .unwrap_or_default();
        Failure::usage(
            format!("{key} does not fit the other settings"),
            format!("it is set (from {origin}), and {why}"),
            "correct one of them; kluis config explain shows every value and where it comes from",
        )
    }

    /// Every setting in the order of the table.
    pub(super) fn explained(&self) -> Vec<Explained> {
        let explain = |setting: &Setting| {
            let (value, origin) = match self.values.get(setting.key) {
                Some((raw, origin)) => (without_password(&raw.show()), origin.to_string()),
                None => (String::new(), "unset".to_owned()),
            };
            Explained {
                key: setting.key,
                value,
                origin,
                help: setting.help,
            }
        };
        SETTINGS.iter().map(explain).collect()
    }
}

fn known(key: &str, origin: &str) -> Result<&'static Setting, Failure> {
    SETTINGS
        .iter()
        .find(|setting| setting.key == key)
        .ok_or_else(|| {
            let hint = did_you_mean(key, SETTINGS.iter().map(|setting| setting.key));
            Failure::usage(
                format!("there is no setting '{key}'"),
                format!("it stands in {origin}{hint}"),
                "kluis config explain lists the settings",
            )
        })
}

type Found = Vec<(&'static str, (Raw, Origin))>;

/// `KLUIS_…` variables. Empty ones count as unset, those of the command line itself are not ours, and neither are those that
/// a container platform makes up for a service called `kluis`.
fn from_environment(environment: &[(OsString, OsString)]) -> Result<Found, Failure> {
    let mut found = Found::new();
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|name| name.starts_with("KLUIS_")) else {
            continue;
        };
        if value.is_empty() || COMMAND_LINE.contains(&name) || is_service_link(name) {
            continue;
        }
        let Some(value) = value.to_str() else {
            return Err(Failure::usage(
                format!("{name} cannot be read"),
                "its value is not UTF-8",
                "correct or unset the variable",
            ));
        };
        let named = |name: &str| SETTINGS.iter().find(|setting| setting.variable() == name);
        let (key, raw, origin) = if let Some(setting) = named(name) {
            (
                setting.key,
                value.to_owned(),
                Origin::Variable(name.to_owned()),
            )
        } else if let Some(setting) = name.strip_suffix("_FILE").and_then(named) {
            let path = PathBuf::from(value);
            let content =
                fs::read_to_string(&path).map_err(|error| unreadable(&path, name, &error))?;
            let origin = Origin::VariableFile {
                variable: name.to_owned(),
                path,
            };
            (setting.key, content.trim_end().to_owned(), origin)
        } else {
            let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            return Err(Failure::usage(
                format!("there is no setting for {name}"),
                format!("it stands in the environment{hint}"),
                "correct or unset the variable; kluis config explain lists the settings",
            ));
        };
        if found.iter().any(|(taken, _)| *taken == key) {
            return Err(Failure::usage(
                format!("{key} is set twice"),
                format!(
                    "{} and its _FILE form are both in the environment",
                    name.trim_end_matches("_FILE")
                ),
                "unset one of them",
            ));
        }
        found.push((key, (Raw::Text(raw), origin)));
    }
    Ok(found)
}

/// `KLUIS_PORT`, `KLUIS_SERVICE_HOST`, `KLUIS_PORT_8200_TCP` and the like.
fn is_service_link(name: &str) -> bool {
    name == "KLUIS_PORT" || name.starts_with("KLUIS_PORT_") || name.starts_with("KLUIS_SERVICE_")
}

/// The TOML file: tables become dotted names.
fn from_file(path: &Path) -> Result<Found, Failure> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, "--config", &error))?;
    let line_of = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let table = DeTable::parse(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| line_of(span.start));
        Failure::usage(
            "the configuration file is not TOML",
            // The message may span lines; the place is in ours.
            format!(
                "{}:{line}: {}",
                path.display(),
                error.message().replace('\n', ", ")
            ),
            "correct the line",
        )
    })?;
    let mut leaves = Vec::new();
    flatten("", table.get_ref(), &mut leaves);
    let mut found = Found::new();
    for (key, value, at) in leaves {
        let origin = Origin::File {
            path: path.to_owned(),
            line: line_of(at),
        };
        let key = known(&key, &origin.to_string())?.key;
        found.push((key, (value, origin)));
    }
    Ok(found)
}

/// Collects values with their dotted names and places. A table under the name of a setting is a value of a wrong kind.
fn flatten(prefix: &str, table: &DeTable<'_>, leaves: &mut Vec<(String, Raw, usize)>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        match value.get_ref() {
            DeValue::Table(inner) if !SETTINGS.iter().any(|setting| setting.key == key) => {
                flatten(&key, inner, leaves);
            }
            _ => leaves.push((key, raw(value), name.span().start)),
        }
    }
}

fn raw(value: &Spanned<DeValue<'_>>) -> Raw {
    match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Raw::Other("a number out of range"), Raw::Integer),
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            });
            texts.collect::<Option<_>>().map_or(
                Raw::Other("an array of something else than text"),
                Raw::List,
            )
        }
        DeValue::Float(_) => Raw::Other("a number with a point"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

fn unreadable(path: &Path, named_by: &str, error: &std::io::Error) -> Failure {
    Failure::usage(
        "the configuration cannot be read",
        format!("{} (named by {named_by}): {error}", path.display()),
        "correct the path or the file's permissions",
    )
}

/// Variables of the command line, which are no settings of the server.
const COMMAND_LINE: &[&str] = &[
    "KLUIS_CA_FILE",
    "KLUIS_CONFIG",
    "KLUIS_TOKEN",
    "KLUIS_TOKEN_FILE",
    "KLUIS_URL",
    "KLUIS_VAULT",
    "KLUIS_VAULT_KEY",
    "KLUIS_VAULT_KEY_FILE",
];
