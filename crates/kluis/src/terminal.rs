//! What a person sees and types: words on stderr, questions, hidden input.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write};

use kluis_client::SecretText;

mod echo;

/// Writes one line to stderr. A closed stderr is nobody's loss.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(line));
}

/// Whether a question would reach a person.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether stderr takes colour: a terminal, and no `NO_COLOR`.
pub(crate) fn is_coloured() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Asks for a line that is not echoed, on the terminal itself. A signal that ends the process gives the echo back first.
pub(crate) fn ask_hidden(prompt: &str) -> io::Result<SecretText> {
    let restored = echo::Restored::begin()?;
    let typed = rpassword::prompt_password(printable(prompt)).map(SecretText::from);
    // Of Ctrl-C rpassword makes a signal, and goes on.
    if matches!(&typed, Err(error) if error.kind() == io::ErrorKind::Interrupted) {
        echo::wait_for_the_end();
    }
    drop(restored);
    typed
}

/// Asks for a line and tells whether it is exactly `expected`.
pub(crate) fn confirm(question: &str, expected: &str) -> io::Result<bool> {
    ask(question).map(|line| line == expected)
}

/// Asks whether to go on; all but a yes is a no.
pub(crate) fn agreed(question: &str) -> io::Result<bool> {
    let line = ask(&format!("{question} [y/N]"))?;
    Ok(matches!(line.to_lowercase().as_str(), "y" | "yes"))
}

fn ask(question: &str) -> io::Result<String> {
    let mut stderr = io::stderr();
    write!(stderr, "{} ", printable(question))?;
    stderr.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The text with everything escaped that would move a cursor, change colours or reorder what is read. Names and messages
/// come from a server, and through it from anyone who may write there.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_reordering(character) {
            let _ = write!(safe, "{}", character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Unicode's explicit direction marks.
fn is_reordering(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        assert_eq!(printable("caf\u{e9} \u{1f511}"), "caf\u{e9} \u{1f511}");
        assert_eq!(
            printable("a\x1b[2Jb\r\n\tc\x07\u{9b}"),
            "a\\u{1b}[2Jb\\r\\n\\tc\\u{7}\\u{9b}"
        );
        assert_eq!(printable("user\u{202e}nimda"), "user\\u{202e}nimda");
    }
}
