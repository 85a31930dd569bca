//! `kluis export`: the secrets of a vault on stdout.

use clap::Args;
use kluis_client::SecretText;
use zeroize::Zeroizing;

use super::Context;
use super::selection::{Found, Selection, say_valueless};
use crate::environment::quoted;
use crate::failure::Failure;
use crate::output::{Format, print, yaml_safe};

/// Print the secrets of a vault, for a shell to read or as JSON or YAML
///
/// Without -o, each is a line NAME='value' that sh reads back exactly. A key that cannot be the name of a variable is left
/// out of these lines, and one that would change which code runs, such as LD_PRELOAD or PATH, is refused; -o json and
/// -o yaml write whatever there is. A secret whose value may not be read now is left out, with a word on stderr.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    #[command(flatten)]
    selection: Selection,
}

const EXAMPLES: &str = "\
Examples:
  vars=$(kluis export) && eval \"$vars\"
  kluis export --vault prod -o json | jq -r .DB_URL
  kluis export --vault prod --sealed > prod.env    no proxy on the way sees a value";

const FORMATS: &[Format] = &[Format::Env, Format::Json, Format::Yaml];

impl Export {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(FORMATS)?;
        if format == Format::Env {
            self.selection.check_only(NOTHING_WRITTEN)?;
        }
        let server = context.server()?;
        let found = self.selection.read(&server, NOTHING_WRITTEN).await?;
        let mut secrets = match format {
            Format::Env => self.selection.variables(found, NOTHING_WRITTEN)?.set,
            _ => with_value(found),
        };
        secrets.sort_by(|(one, _), (other, _)| one.cmp(other));
        let text = match format {
            Format::Json => json(&secrets),
            Format::Yaml => yaml(&secrets),
            _ => assignments(&secrets),
        };
        print(text.as_bytes()).map(drop)
    }
}

/// A name with its value.
type Named = (String, SecretText);

fn with_value(found: Vec<Found>) -> Vec<Named> {
    let valued = found.into_iter().filter_map(|(key, value)| {
        if value.is_none() {
            say_valueless(&key);
        }
        Some((key, value?))
    });
    valued.collect()
}

fn assignments(secrets: &[Named]) -> Zeroizing<String> {
    let lines = secrets.iter().map(|(name, value)| {
        let value = Zeroizing::new(quoted(value.expose()));
        Zeroizing::new(format!("{name}={}\n", *value))
    });
    joined(lines, "")
}

fn json(secrets: &[Named]) -> Zeroizing<String> {
    if secrets.is_empty() {
        return Zeroizing::new("{}\n".to_owned());
    }
    let members = secrets.iter().map(|(name, value)| {
        let value = literal(value.expose());
        Zeroizing::new(format!("  {}: {}", *literal(name), *value))
    });
    let members = joined(members, ",\n");
    Zeroizing::new(format!("{{\n{}\n}}\n", *members))
}

/// Names are in quotes like all texts: `no` and `1` stay names.
fn yaml(secrets: &[Named]) -> Zeroizing<String> {
    if secrets.is_empty() {
        return Zeroizing::new("{}\n".to_owned());
    }
    let lines = secrets.iter().map(|(name, value)| {
        let value = Zeroizing::new(yaml_safe(&literal(value.expose())));
        Zeroizing::new(format!("{}: {}\n", yaml_safe(&literal(name)), *value))
    });
    joined(lines, "")
}

/// The text as JSON writes it.
fn literal(text: &str) -> Zeroizing<String> {
    // There is no text that JSON cannot write.
    Zeroizing::new(serde_json::to_string(text).unwrap_or_default())
}

fn joined(parts: impl Iterator<Item = Zeroizing<String>>, between: &str) -> Zeroizing<String> {
    let parts: Vec<_> = parts.collect();
    let length = parts.iter().map(|part| part.len() + between.len()).sum();
    let mut text = Zeroizing::new(String::with_capacity(length));
    for (place, part) in parts.iter().enumerate() {
        if 0 < place {
            text.push_str(between);
        }
        text.push_str(part);
    }
    text
}

const NOTHING_WRITTEN: &str = "nothing was exported";

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(secrets: &[(&str, &str)]) -> Vec<Named> {
        let named = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned().into());
        secrets.iter().map(named).collect()
    }

    #[test]
    fn each_format_writes_every_value_exactly() {
        let odd = secrets(&[("A", "it's\n\"$HOME\"\u{85}"), ("no", "")]);
        assert_eq!(*assignments(&odd), "A='it'\\''s\n\"$HOME\"\u{85}'\nno=''\n");
        let text = json(&odd);
        assert_eq!(
            *text,
            "{\n  \"A\": \"it's\\n\\\"$HOME\\\"\u{85}\",\n  \"no\": \"\"\n}\n"
        );
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        assert_eq!(
            *yaml(&odd),
            "\"A\": \"it's\\n\\\"$HOME\\\"\\u0085\"\n\"no\": \"\"\n"
        );
    }

    #[test]
    fn nothing_is_an_empty_object_and_no_line() {
        assert_eq!(*assignments(&[]), "");
        assert_eq!(*json(&[]), "{}\n");
        assert_eq!(*yaml(&[]), "{}\n");
    }
}
