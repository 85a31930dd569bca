//! Secrets as variables: what they are called, and how their values are written so that they are read back.
//!
//! A value stands in single quotes, inside of which nothing means anything, unless it holds a single quote or a backslash; then in
//! double quotes, with a backslash before each `\`, `"`, `$` and backtick. POSIX shells, systemd's `EnvironmentFile` and the parsers
//! of the godotenv family (Docker Compose) read both back exactly, line breaks included.

use std::collections::BTreeMap;

use kluis_crypto::Secret;
use zeroize::Zeroizing;

use crate::process_env::runs_code;
use crate::secrets::{NamedFields, Outgoing};

/// Of secrets with one value, what it is called inside.
const LONE: &str = "value";

/// One assignment for each value, sorted by name. The error is a sentence that names a variable, never a value.
pub(super) fn assignments(secrets: &[Outgoing]) -> Result<Secret, String> {
    let mut variables: BTreeMap<String, Secret> = BTreeMap::new();
    for secret in secrets {
        let Some(value) = &secret.value else { continue };
        let members = NamedFields::of(value)
            .map_err(|_| "A value cannot be read.".to_owned())?
            .into_members();
        let is_lone = matches!(members.as_slice(), [(name, _)] if name == LONE);
        for (member, text) in members {
            let name = if is_lone {
                variable(&secret.info.path, None)
            } else {
                variable(&secret.info.path, Some(&member))
            };
            if runs_code(&name) {
                return Err(format!(
                    "The variable {name} would change which code runs where the file is read."
                ));
            }
            if text.expose().contains(&0) {
                return Err(format!(
                    "The value of {name} holds a NUL byte, which no variable can."
                ));
            }
            if variables.insert(name.clone(), text).is_some() {
                return Err(format!("Two values would become the variable {name}."));
            }
        }
    }
    let longest: usize = variables
        .iter()
        .map(|(name, text)| name.len() + 2 * text.len() + 4)
        .sum();
    // Its size is known beforehand, so that no half-written copy of it is left behind.
    let mut lines = Zeroizing::new(Vec::with_capacity(longest));
    for (name, text) in &variables {
        lines.extend_from_slice(name.as_bytes());
        lines.push(b'=');
        quote(text.expose(), &mut lines);
        lines.push(b'\n');
    }
    Ok(Secret::from(lines))
}

/// What a value is called: the secret's path, and the value's own name where there are several, in capitals, with `_` for whatever
/// a name cannot hold.
fn variable(path: &str, member: Option<&str>) -> String {
    let mut name = String::with_capacity(path.len() + 1);
    if path.starts_with(|first: char| first.is_ascii_digit()) {
        name.push('_');
    }
    let parts = [Some(path), member.map(|_| "_"), member];
    for character in parts.into_iter().flatten().flat_map(str::chars) {
        name.push(if character.is_ascii_alphanumeric() {
            character.to_ascii_uppercase()
        } else {
            '_'
        });
    }
    name
}

fn quote(value: &[u8], lines: &mut Vec<u8>) {
    if !value.iter().any(|byte| b"'\\".contains(byte)) {
        lines.push(b'\'');
        lines.extend_from_slice(value);
        lines.push(b'\'');
        return;
    }
    lines.push(b'"');
    for byte in value {
        if b"\\\"$`".contains(byte) {
            lines.push(b'\\');
        }
        lines.push(*byte);
    }
    lines.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a shell makes of one quoted word: the rules of POSIX 2.2.2 and 2.2.3.
    fn shell(quoted: &str) -> String {
        let mut characters = quoted.chars();
        let quote = characters.next().unwrap();
        let mut value = String::new();
        loop {
            match characters.next().unwrap() {
                end if end == quote => break,
                '\\' if quote == '"' => match characters.next().unwrap() {
                    escaped @ ('$' | '`' | '"' | '\\') => value.push(escaped),
                    '\n' => {}
                    other => value.extend(['\\', other]),
                },
                character => {
                    assert!(quote == '\'' || !"$`".contains(character), "{quoted}");
                    value.push(character);
                }
            }
        }
        assert_eq!(characters.next(), None, "{quoted}");
        value
    }

    fn quoted(value: &str) -> String {
        let mut lines = Vec::new();
        quote(value.as_bytes(), &mut lines);
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn names_are_made_of_paths_and_members() {
        for (path, member, name) in [
            ("billing-rw", None, "BILLING_RW"),
            ("billing-rw", Some("password"), "BILLING_RW_PASSWORD"),
            (
                "db/main",
                Some("connection.string"),
                "DB_MAIN_CONNECTION_STRING",
            ),
            ("2fa", None, "_2FA"),
            ("ключ", Some("a"), "_____A"),
            ("$(id)", None, "__ID_"),
        ] {
            assert_eq!(variable(path, member), name);
        }
    }

    #[test]
    fn values_are_quoted_as_little_as_can_be() {
        for (value, written) in [
            ("", "''"),
            ("plain", "'plain'"),
            ("$HOME `id` \"x\"\n", "'$HOME `id` \"x\"\n'"),
            ("it's", "\"it's\""),
            ("it's $5", "\"it's \\$5\""),
            ("a\\", "\"a\\\\\""),
        ] {
            assert_eq!(quoted(value), written);
        }
    }

    proptest! {
        #[test]
        fn a_shell_reads_every_value_back(value in r#"(['"$`\\\n!#a-c {}]|\PC){0,40}"#) {
            prop_assert_eq!(shell(&quoted(&value)), value);
        }
    }
}
