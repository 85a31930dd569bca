//! The one error of every engine operation; each dialect has one function from it to a response (DESIGN §2).

use std::borrow::Cow;
use std::fmt;

use crate::ids::SecretId;

/// Why an operation did not happen.
///
/// `Display` is the public text: safe to send to any caller, free of values, tokens and internals.
/// The internal cause of [`Error::Internal`] and [`Error::Unavailable`] is only reachable by name.
#[derive(Debug)]
pub enum Error {
    /// The request does not fit what is stored.
    Conflict(Conflict),
    /// The caller sees the name but may not do this (RULES §3).
    Forbidden,
    /// It was there and is no longer available: closed, expired, used up or disabled.
    Gone,
    /// Out of the caller's reach; existing or not is not told (RULES §3).
    Hidden,
    /// A defect or a broken store. The cause is for the log, never for the caller.
    Internal(Cause),
    /// Something is wrong with the request by itself.
    Invalid(Invalid),
    /// The caller could see it, and it is not there.
    NotFound,
    /// Too fast, or too many guesses.
    RateLimited {
        /// Whole seconds until another attempt can pass, at least 1.
        retry_after: u64,
    },
    /// A body or value over the limit of what is stored.
    TooLarge,
    /// No valid credential.
    Unauthenticated,
    /// Kluis cannot serve this now: sealed, or its storage is out of reach.
    Unavailable(Unavailable),
}

/// What a request does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The name, path or address is taken.
    Exists,
    /// There are as many as there can be.
    Full,
    /// It is still in use.
    InUse,
    /// A zero-knowledge vault keeps its primary key: it is replaced, never just revoked.
    LastKey,
    /// The last active owner of an organization stays (RULES §8).
    LastOwner,
    /// The vault was made by a member or an agent, and nobody has taken it over (RULES §2).
    NotTakenOver,
    /// `default` and the hidden vaults cannot be renamed or deleted (RULES §2).
    Protected,
    /// The state does not allow it: an unavailable version cannot be restored, a second factor is already on.
    State,
    /// Another version than the one stated is current.
    Version,
}

/// A member or parameter that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Name of the member or parameter, in the engine's words.
    pub field: Cow<'static, str>,
    /// Missing, or what is wrong with it; never holds the value itself.
    pub why: Why,
}

/// How a member is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has to be there.
    Missing,
    /// It is there and wrong; the text finishes a sentence that begins with the field's name.
    Wrong(Cow<'static, str>),
}

/// Why Kluis cannot serve now.
#[derive(Debug)]
pub enum Unavailable {
    /// The event of an act could not be recorded, so the act did not happen (DESIGN §5).
    NotRecorded(Cause),
    /// The root key is not in memory: unseal first.
    Sealed,
    /// The password of this secret is being changed on a server, so its value may open nothing at this moment. Never leaves
    /// the engine: whoever reads waits.
    Switching(SecretId),
    /// The database or the disk did not answer, or refused.
    Storage(Cause),
    /// A database server of the organization did not answer, or refused; why, in words for the caller.
    Target(String),
}

/// An internal cause: for logs, never for callers, so it has no `Display`.
#[derive(Debug)]
pub struct Cause(String);

impl Cause {
    /// Keep `text` for the log. It must not hold values or tokens.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text for the log.
    pub fn for_log(&self) -> &str {
        &self.0
    }
}

impl Error {
    /// A member that has to be there and is not.
    pub fn missing(field: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(Invalid {
            field: field.into(),
            why: Why::Missing,
        })
    }

    /// A member that is wrong; `why` finishes the sentence "`field` …" and never quotes the value.
    pub fn invalid(field: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(Invalid {
            field: field.into(),
            why: Why::Wrong(why.into()),
        })
    }

    /// A defect, with its cause for the log.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::Internal(Cause::new(cause))
    }

    /// The storage is out of reach, with the cause for the log.
    pub fn storage(cause: impl Into<String>) -> Self {
        Self::Unavailable(Unavailable::Storage(Cause::new(cause)))
    }

    /// The cause for the log, where there is one.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Internal(cause)
            | Self::Unavailable(Unavailable::Storage(cause) | Unavailable::NotRecorded(cause)) => {
                Some(cause.for_log())
            }
            Self::Conflict(_)
            | Self::Forbidden
            | Self::Gone
            | Self::Hidden
            | Self::Invalid(_)
            | Self::NotFound
            | Self::RateLimited { .. }
            | Self::TooLarge
            | Self::Unauthenticated
            | Self::Unavailable(
                Unavailable::Sealed | Unavailable::Switching(_) | Unavailable::Target(_),
            ) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(conflict) => conflict.fmt(f),
            Self::Forbidden => f.write_str("You do not have permission for this."),
            Self::Gone => f.write_str("It is no longer available."),
            Self::Hidden | Self::NotFound => f.write_str("It does not exist or is not accessible."),
            Self::Internal(_) => f.write_str("Something went wrong on the server."),
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::RateLimited { retry_after } => {
                write!(f, "Too many requests. Retry after {retry_after} s.")
            }
            Self::TooLarge => f.write_str("The request or value is too large."),
            Self::Unauthenticated => f.write_str("The credentials are missing or invalid."),
            Self::Unavailable(Unavailable::Sealed) => f.write_str("The server is sealed."),
            Self::Unavailable(Unavailable::Target(why)) => {
                write!(f, "The database server could not do this: {why}.")
            }
            Self::Unavailable(_) => f.write_str("The server cannot serve this now. Try again."),
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exists => "It already exists.",
            Self::Full => "There are as many as there can be.",
            Self::InUse => "It is still in use.",
            Self::LastKey => "A vault keeps its last primary key. Replace it instead.",
            Self::LastOwner => "An organization keeps at least one active owner.",
            Self::NotTakenOver => {
                "A member or an agent made this vault: an owner or admin has to take it over first."
            }
            Self::Protected => "It cannot be renamed or deleted.",
            Self::State => "Its state does not allow this.",
            Self::Version => "Another version is current.",
        })
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Missing => write!(f, "{} is required.", self.field),
            Why::Wrong(why) => write!(f, "{} {why}.", self.field),
        }
    }
}

impl std::error::Error for Error {}

impl From<kluis_crypto::Error> for Error {
    fn from(error: kluis_crypto::Error) -> Self {
        Self::internal(error.to_string())
    }
}
