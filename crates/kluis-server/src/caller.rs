//! Who asks: any credential in any API's header form, turned into the engine's caller. The one place (RULES §1).

use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use kluis_engine::{Accepts, Engine, Error};

use crate::api::Dialect;

/// The proven caller of the request in hand, put there before any handler runs.
#[derive(Clone)]
pub(crate) struct Caller(pub(crate) kluis_engine::Caller);

/// Where a request to a public route came from.
#[derive(Clone)]
pub(crate) struct Origin(pub(crate) kluis_engine::Origin);

/// What a request brought to prove who asks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Credential<'a> {
    /// The key or token.
    pub(crate) token: &'a str,
    /// What it may be.
    pub(crate) accepts: Accepts,
}

impl<'a> Credential<'a> {
    /// The credential in the header that `dialect` reads. None when the header is missing, is there twice, has another
    /// scheme, or holds more than a scheme and one word.
    pub(crate) fn find(dialect: Dialect, headers: &'a HeaderMap) -> Option<Self> {
        match dialect {
            Dialect::CloudKeep | Dialect::Crate | Dialect::OneClaw => {
                let (scheme, token) = authorization(headers)?;
                let accepts = Accepts::ApiKeysAndSessions;
                scheme
                    .eq_ignore_ascii_case("Bearer")
                    .then_some(Self { token, accepts })
            }
            Dialect::CredVault => {
                let (scheme, token) = authorization(headers)?;
                let accepts = if scheme.eq_ignore_ascii_case("ApiKey") {
                    Accepts::ApiKeysOnly
                } else if scheme.eq_ignore_ascii_case("Bearer") {
                    Accepts::ApiKeysAndSessions
                } else {
                    return None;
                };
                Some(Self { token, accepts })
            }
            Dialect::Inkbox => {
                let name = if headers.contains_key(API_KEY) {
                    API_KEY
                } else {
                    SERVICE_TOKEN
                };
                let mut words = only(headers, name)?.split_ascii_whitespace();
                let (Some(token), None) = (words.next(), words.next()) else {
                    return None;
                };
                Some(Self {
                    token,
                    accepts: Accepts::ApiKeysOnly,
                })
            }
        }
    }
}

/// Who asks at a public route, if anyone in particular does: a credential that proves nothing is as good as none there.
/// `RateLimited` when its user goes too fast.
pub(crate) async fn anyone(
    engine: &Engine,
    dialect: Dialect,
    headers: &HeaderMap,
    origin: &kluis_engine::Origin,
) -> Result<Option<kluis_engine::Caller>, Error> {
    let Some(credential) = Credential::find(dialect, headers) else {
        return Ok(None);
    };
    let caller = engine
        .authenticate(credential.token, credential.accepts, origin.clone())
        .await;
    match caller {
        Ok(caller) => {
            engine.admit(&caller).await?;
            Ok(Some(caller))
        }
        // Nor is one from where its organization may not be asked.
        Err(Error::Unauthenticated | Error::Forbidden) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The token after `Authorization: Bearer`, whoever reads it.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = authorization(headers)?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}

fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let mut words = only(headers, AUTHORIZATION.as_str())?.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(scheme), Some(token), None) => Some((scheme, token)),
        _ => None,
    }
}

/// The value of a header that stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

const API_KEY: &str = "x-api-key";
const SERVICE_TOKEN: &str = "x-service-token";

impl Deref for Caller {
    type Target = kluis_engine::Caller;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    /// A public route has no caller: a handler that asks for one there is closed to everybody.
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.remove().ok_or(StatusCode::UNAUTHORIZED)
    }
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts
            .extensions
            .remove()
            .ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
