//! Where a secret value comes from: never from the arguments, which every user of the machine can read.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use kluis_client::SecretText;
use zeroize::Zeroizing;

use crate::failure::{Code, Failure};
use crate::terminal::{agreed, ask_hidden, confirm, is_interactive};

/// Reads a value: from `file`, byte for byte (`-` is stdin); else from a prompt on a terminal; else from stdin.
pub(super) fn value(file: Option<&Path>, prompt: &str) -> Result<SecretText, Failure> {
    match file {
        Some(path) if path.as_os_str() == "-" => text(io::stdin().lock(), "stdin"),
        Some(path) => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| unreadable(&name, &error))?;
            text(file, &name)
        }
        None if io::stdin().is_terminal() => {
            ask_hidden(prompt).map_err(|error| unreadable("the terminal", &error))
        }
        None => text(io::stdin().lock(), "stdin").map(without_line_end),
    }
}

/// Reads a line from stdin, whatever that is.
pub(super) fn line_of_stdin() -> Result<SecretText, Failure> {
    text(io::stdin().lock(), "stdin").map(without_line_end)
}

/// Makes sure that something irreversible is meant: by the flag, or by typing `expected` on a terminal.
pub(super) fn make_sure(yes: bool, what: &str, expected: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let question = format!("This deletes {what} for good. Type '{expected}' to go on:");
    if is_interactive()
        && confirm(&question, expected).map_err(|error| unreadable("the terminal", &error))?
    {
        return Ok(());
    }
    Err(Failure::usage(
        format!("{what} was not deleted"),
        "nobody confirmed it",
        "type the name when asked, or say --yes",
    ))
}

/// Makes sure that what stands on the terminal is meant: by the flag, or by a yes.
pub(super) fn agree(yes: bool, question: &str, not_done: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let unreadable = |error: io::Error| unreadable("the terminal", &error);
    if is_interactive() && agreed(question).map_err(unreadable)? {
        return Ok(());
    }
    Err(Failure::usage(
        not_done,
        "nobody agreed to it",
        "answer y when asked, or say --yes",
    ))
}

/// A line that `echo` or an editor ended is meant without its end; a text of several lines, such as a key in PEM, is meant
/// as it is.
pub(super) fn without_line_end(value: SecretText) -> SecretText {
    let text = value.expose();
    match text
        .strip_suffix("\r\n")
        .or_else(|| text.strip_suffix('\n'))
    {
        Some(line) if !line.contains('\n') => SecretText::from(line.to_owned()),
        _ => value,
    }
}

fn text(source: impl Read, name: &str) -> Result<SecretText, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(FIRST_BUFFER));
    source
        .take(MAX_VALUE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(name, &error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_VALUE) {
        return Err(Failure::usage(
            "the value is too long",
            format!("{name} holds more than {MAX_VALUE} bytes"),
            "keep large files elsewhere and their key here",
        ));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(SecretText::from(text.to_owned())),
        Err(error) => Err(Failure::usage(
            "the value is not text",
            format!("{name} is not UTF-8 at byte {}", error.valid_up_to()),
            "encode it first, for example with base64",
        )),
    }
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::new(
        Code::Usage,
        "cannot read the value",
        format!("{name}: {error}"),
        "name a readable file with --value-file, or pipe the value into stdin",
    )
}

/// The longest value that any of the APIs takes.
const MAX_VALUE: u64 = 5 << 20;

/// Large enough for nearly every value, so that none is copied while the buffer grows.
const FIRST_BUFFER: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_loses_its_end_and_several_keep_theirs() {
        for (typed, kept) in [
            ("pw\n", "pw"),
            ("pw\r\n", "pw"),
            ("pw", "pw"),
            ("\n", ""),
            (" pw \n", " pw "),
            ("pw\n\n", "pw\n\n"),
            ("-----BEGIN\nx\n-----END\n", "-----BEGIN\nx\n-----END\n"),
        ] {
            assert_eq!(
                without_line_end(SecretText::from(typed.to_owned())).expose(),
                kept,
                "{typed:?}"
            );
        }
    }

    #[test]
    fn a_value_is_read_exactly_and_within_bounds() {
        assert_eq!(
            text(&b"a\xc3\xa9\0\n"[..], "x").ok().unwrap().expose(),
            "a\u{e9}\0\n"
        );
        let binary = text(&b"canary\xff"[..], "x").err().unwrap().to_string();
        assert!(
            binary.contains("byte 6") && !binary.contains("canary"),
            "{binary}"
        );
        assert!(
            text(io::repeat(b'a'), "x")
                .err()
                .unwrap()
                .to_string()
                .contains("too long")
        );
    }
}
