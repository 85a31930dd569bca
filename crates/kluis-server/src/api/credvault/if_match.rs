//! `If-Match: "<version>"`: which version of a record a change is made to (contract B3).

use axum::extract::FromRequestParts;
use http::header::IF_MATCH;
use http::request::Parts;
use kluis_engine::Error;

use super::error::Failure;
use crate::app::App;

/// The version that a request is about; none when it states none, or any.
pub(super) struct IfMatch(pub(super) Option<u32>);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let mut stated = parts.headers.get_all(IF_MATCH).iter();
        let (first, second) = (stated.next(), stated.next());
        let Some(first) = first else {
            return Ok(Self(None));
        };
        let text = first.to_str().ok().filter(|_| second.is_none());
        let version = match text.map(str::trim) {
            Some("*") => Some(None),
            Some(text) => version(text).map(Some),
            None => None,
        };
        let wrong = || Error::invalid("If-Match", "must be one version in quotes, such as \"2\"");
        Ok(Self(version.ok_or_else(wrong)?))
    }
}

fn version(text: &str) -> Option<u32> {
    let quoted = text.strip_prefix('"')?.strip_suffix('"')?;
    let is_number = !quoted.is_empty() && quoted.bytes().all(|byte| byte.is_ascii_digit());
    quoted.parse().ok().filter(|_| is_number)
}
