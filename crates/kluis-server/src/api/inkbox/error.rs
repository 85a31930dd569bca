//! Inkbox's errors: `{"detail":…}`, a sentence or, for what is wrong with a request, a list.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use kluis_engine::{Error, Why};
use serde::Serialize;

use crate::api::body::BODY;
use crate::api::reply::{self, APPLICATION_JSON};

/// An error of the engine on its way to a client of this API.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Error);

#[derive(Serialize)]
struct Body<T> {
    detail: T,
}

/// One thing that is wrong with a request.
#[derive(Serialize)]
struct Wrong<'a> {
    loc: Vec<&'a str>,
    msg: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = status(&self.0);
        let wrong = match &self.0 {
            Error::Invalid(invalid) => {
                let mut loc = vec![BODY];
                if invalid.field != BODY {
                    loc.push(&invalid.field);
                }
                let (msg, kind) = match &invalid.why {
                    Why::Missing => ("Field required".to_owned(), "missing"),
                    Why::Wrong(why) => (why.to_string(), "value_error"),
                };
                Wrong { loc, msg, kind }
            }
            Error::TooLarge => Wrong {
                loc: vec![BODY],
                msg: self.0.to_string(),
                kind: "too_long",
            },
            _ => {
                let body = Body {
                    detail: self.0.to_string(),
                };
                return reply::refusal(status, APPLICATION_JSON, &body, &self.0, "ApiKey");
            }
        };
        reply::refusal(
            status,
            APPLICATION_JSON,
            &Body { detail: [wrong] },
            &self.0,
            "ApiKey",
        )
    }
}

/// The answer to a method that a path does not have.
pub(crate) fn method_not_allowed() -> Response {
    let body = Body {
        detail: "Method Not Allowed",
    };
    reply::json(StatusCode::METHOD_NOT_ALLOWED, APPLICATION_JSON, &body)
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Forbidden => StatusCode::FORBIDDEN,
        Error::Gone | Error::Hidden | Error::NotFound => StatusCode::NOT_FOUND,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Error::Invalid(_) | Error::TooLarge => StatusCode::UNPROCESSABLE_ENTITY,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
