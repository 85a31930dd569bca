//! Files that an argument names, and that hold no secret.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;

/// The longest file that a request could hold.
const LONGEST: u64 = 1 << 20;

/// A file's text; `-` is stdin.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    let unreadable = |error: io::Error| {
        Failure::usage(
            "cannot read a file",
            format!("{}: {error}", path.display()),
            "name a readable text file, or - for stdin",
        )
    };
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    let mut text = String::new();
    source
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= LONGEST) {
        return Ok(text);
    }
    Err(unreadable(io::Error::other(format!(
        "it holds more than {LONGEST} bytes"
    ))))
}

/// A file of JSON; `-` is stdin. The complaint tells the place and not what stands there.
pub(super) fn json(path: &Path) -> Result<Value, Failure> {
    serde_json::from_str(&text(path)?).map_err(|error| {
        Failure::usage(
            "cannot read a file",
            format!(
                "{} is not JSON at line {}, column {}",
                path.display(),
                error.line(),
                error.column()
            ),
            "correct it there",
        )
    })
}
