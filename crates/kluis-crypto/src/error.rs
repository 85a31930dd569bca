//! Why a cryptographic operation did not happen.

use thiserror::Error;

/// Why a cryptographic operation did not happen.
///
/// No variant carries anything derived from a secret.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Error {
    /// An input does not have the length or form that its place requires. Seen when a caller passes a key or seed of the
    /// wrong length, a label that is empty or too long, or asks for text of bytes that are not UTF-8.
    #[error("the input does not have the required length or form")]
    Encoding,

    /// A sealed text does not open. Seen after a restore with the wrong key, or when stored bytes were moved, altered or cut.
    /// Which of these it was cannot be known, and is not told.
    #[error("the sealed text does not open: wrong key, or it was moved, altered or cut")]
    Open,

    /// A password hash or its parameters cannot be used: not a PHC string of Argon2id, cost out of range, or not enough memory.
    #[error("the password hash or its parameters cannot be used")]
    Password,

    /// The operating system gave no random bytes.
    #[error("no random bytes could be had from the operating system")]
    Random,

    /// Shares cannot be made, read or combined; the text says why, in words for whoever typed them.
    #[error("{0}")]
    Shares(&'static str),

    /// A sealed text has a format that this release does not know: it was written by a newer release, or altered.
    #[error("the sealed text has the unknown format {0}")]
    UnknownFormat(u8),
}
