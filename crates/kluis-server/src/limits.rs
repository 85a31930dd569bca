//! What a limited caller is told about its limit, in every answer (RULES §6).

use http::{HeaderMap, HeaderName, HeaderValue};
use kluis_engine::{Admission, Error, Refusal, Timestamp};

/// How a caller stands against its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    limit: u32,
    remaining: u32,
    reset: Timestamp,
}

impl Standing {
    /// What came of counting a request: how its caller stands, unless it has no limit, and why the request is refused,
    /// if it is.
    pub(crate) fn of(counted: Result<Admission, Refusal>) -> (Option<Self>, Option<Error>) {
        match counted {
            Ok(Admission::Unlimited) => (None, None),
            Ok(Admission::Limited {
                limit,
                remaining,
                reset,
            }) => (
                Some(Self {
                    limit,
                    remaining,
                    reset,
                }),
                None,
            ),
            Err(Refusal::TooFast {
                limit,
                reset,
                retry_after,
            }) => {
                let standing = Self {
                    limit,
                    remaining: 0,
                    reset,
                };
                (Some(standing), Some(Error::RateLimited { retry_after }))
            }
            Err(Refusal::Failed(error)) => (None, Some(error)),
        }
    }

    /// Tell it.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset.seconds()));
    }
}

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
