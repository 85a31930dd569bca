//! Names and texts inside of statements, by each server's own rules (NT-46).
//!
//! A name is never cut by us, nor left to a server to cut: a longer one would be another user's.

use super::{DatabaseKind, TargetError};

/// What something is in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quoted {
    /// The name of a user.
    Name,
    /// A text.
    Text,
}

/// The longest name of PostgreSQL, in bytes; it would cut a longer one.
const POSTGRES_NAME: usize = 63;
/// The longest name of a user of MariaDB, in characters; MySQL refuses those over 32 itself.
const MYSQL_NAME: usize = 80;

/// `text` as a statement for a server of this kind has it. `Unsupported` when it cannot be said there.
pub(crate) fn quoted(
    kind: DatabaseKind,
    text: &str,
    quoted: Quoted,
) -> Result<String, TargetError> {
    if text.contains('\0') {
        return Err(TargetError::Unsupported);
    }
    match (kind, quoted) {
        (DatabaseKind::Postgres, Quoted::Name) => {
            if text.is_empty() || text.len() > POSTGRES_NAME {
                return Err(TargetError::Unsupported);
            }
            Ok(enclosed(text, '"'))
        }
        (DatabaseKind::Postgres, Quoted::Text) => {
            // Backslashes mean nothing in a plain literal, but the setting that says so can be off; in this form they
            // mean the same whatever it says.
            if text.contains('\\') {
                let doubled = text.replace('\\', "\\\\");
                Ok(format!(" E{}", enclosed(&doubled, '\'')))
            } else {
                Ok(enclosed(text, '\''))
            }
        }
        (DatabaseKind::MySql, Quoted::Name) => {
            if text.is_empty() || text.chars().count() > MYSQL_NAME {
                return Err(TargetError::Unsupported);
            }
            // Whatever the session's mode, nothing but a backtick means anything between backticks.
            Ok(enclosed(text, '`'))
        }
        (DatabaseKind::MySql, Quoted::Text) => {
            // What a backslash or a double quote means is a matter of the session's mode; what hexadecimal digits mean is not,
            // but a password is not told in them.
            if text.contains('\\') {
                return Err(TargetError::Unsupported);
            }
            Ok(enclosed(text, '\''))
        }
        // Arguments are told apart before anything is put into them.
        (DatabaseKind::Redis, Quoted::Name) => {
            if text.is_empty() || text.contains(char::is_whitespace) {
                return Err(TargetError::Unsupported);
            }
            Ok(text.to_owned())
        }
        (DatabaseKind::Redis, Quoted::Text) => Ok(text.to_owned()),
        (DatabaseKind::MongoDb, _) => Err(TargetError::Unsupported),
    }
}

/// `text` between two of `mark`, with each inside of it doubled.
fn enclosed(text: &str, mark: char) -> String {
    let mut enclosed = String::with_capacity(text.len() + 2);
    enclosed.push(mark);
    for character in text.chars() {
        if character == mark {
            enclosed.push(mark);
        }
        enclosed.push(character);
    }
    enclosed.push(mark);
    enclosed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a doubled quotation back, and what stands behind it.
    fn read_back(text: &str, mark: char) -> Option<(String, String)> {
        let mut rest = text.strip_prefix(mark)?.chars().peekable();
        let mut read = String::new();
        loop {
            let next = rest.next()?;
            if next == mark {
                if rest.peek() != Some(&mark) {
                    return Some((read, rest.collect()));
                }
                rest.next();
            }
            read.push(next);
        }
    }

    proptest! {
        /// NT-46
        #[test]
        fn a_name_ends_where_its_quotation_does(name in "\\PC{1,15}", tail in "['\"`; x-]{0,5}") {
            let name = format!("{name}{tail}");
            for (kind, mark) in [(DatabaseKind::Postgres, '"'), (DatabaseKind::MySql, '`')] {
                if let Ok(text) = quoted(kind, &name, Quoted::Name) {
                    let read = read_back(&text, mark);
                    prop_assert_eq!(read, Some((name.clone(), String::new())));
                }
            }
        }

        /// NT-46
        #[test]
        fn a_text_ends_where_its_quotation_does(text in "\\PC{0,20}['\"`;\\\\]{0,4}") {
            let postgres = quoted(DatabaseKind::Postgres, &text, Quoted::Text).unwrap();
            match postgres.strip_prefix(" E") {
                None => {
                    prop_assert!(!text.contains('\\'));
                    prop_assert_eq!(read_back(&postgres, '\''), Some((text.clone(), String::new())));
                }
                Some(escaped) => {
                    let (read, behind) = read_back(escaped, '\'').unwrap();
                    prop_assert_eq!(read.replace("\\\\", "\\"), text.clone());
                    // Every backslash stands with another, so none of them takes a quotation mark with it.
                    prop_assert_eq!(read.matches('\\').count(), 2 * text.matches('\\').count());
                    prop_assert_eq!(behind, "");
                }
            }
            match quoted(DatabaseKind::MySql, &text, Quoted::Text) {
                Ok(mysql) => prop_assert_eq!(read_back(&mysql, '\''), Some((text, String::new()))),
                Err(_) => prop_assert!(text.contains('\\')),
            }
        }
    }

    /// NT-46
    #[test]
    fn what_a_server_would_cut_or_cannot_hold_is_refused() {
        let long = "x".repeat(64);
        for (kind, name) in [
            (DatabaseKind::Postgres, ""),
            (DatabaseKind::Postgres, long.as_str()),
            (DatabaseKind::Postgres, "a\0b"),
            (DatabaseKind::MySql, ""),
            (DatabaseKind::MySql, "a\0b"),
            (DatabaseKind::Redis, ""),
            (DatabaseKind::Redis, "two words"),
            (DatabaseKind::Redis, "two\nlines"),
            (DatabaseKind::MongoDb, "name"),
        ] {
            let refused = quoted(kind, name, Quoted::Name);
            assert_eq!(refused, Err(TargetError::Unsupported), "{kind:?} {name:?}");
        }
        let most = "é".repeat(31);
        let name = quoted(DatabaseKind::Postgres, &most, Quoted::Name).unwrap();
        assert_eq!(name, format!("\"{most}\""));
    }
}
