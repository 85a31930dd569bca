//! What a vault key must look like when it is set (Inkbox contract §6.4). Unlocking asks nothing of it.

use thiserror::Error;

/// The fewest characters of a vault key.
pub const MIN_CHARACTERS: usize = 16;

/// Which rule a vault key breaks.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Fault {
    /// It is too short.
    #[error("it has fewer than 16 characters")]
    TooShort,
    /// It has no upper-case letter of ASCII.
    #[error("it has no upper-case letter A to Z")]
    NoUpperCase,
    /// It has no lower-case letter of ASCII.
    #[error("it has no lower-case letter a to z")]
    NoLowerCase,
    /// It has no digit of ASCII.
    #[error("it has no digit 0 to 9")]
    NoDigit,
    /// It has letters and digits of ASCII alone.
    #[error("it has no character besides the letters A to Z and a to z and the digits")]
    NoOther,
}

/// Checks a vault key that is to be set.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(vault_key: &str) -> Result<(), Fault> {
    let has = |kind: fn(&char) -> bool| vault_key.chars().any(|character| kind(&character));
    let rules = [
        (MIN_CHARACTERS <= vault_key.chars().count(), Fault::TooShort),
        (has(char::is_ascii_uppercase), Fault::NoUpperCase),
        (has(char::is_ascii_lowercase), Fault::NoLowerCase),
        (has(char::is_ascii_digit), Fault::NoDigit),
        (
            has(|character| !character.is_ascii_alphanumeric()),
            Fault::NoOther,
        ),
    ];
    let broken = rules.into_iter().find(|(holds, _)| !holds);
    broken.map_or(Ok(()), |(_, fault)| Err(fault))
}
