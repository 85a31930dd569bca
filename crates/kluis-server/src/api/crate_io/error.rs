//! Crate's errors: `{"code":…,"message":…}`, with the code words of gRPC.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use kluis_engine::{Conflict, Error};
use serde::Serialize;

use crate::api::reply::{self, APPLICATION_JSON};

/// An error of the engine on its way to a client of this API.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Error);

#[derive(Serialize)]
struct Body {
    code: &'static str,
    message: String,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, code) = status_and_code(&self.0);
        let body = Body {
            code,
            message: self.0.to_string(),
        };
        reply::refusal(status, APPLICATION_JSON, &body, &self.0, "Bearer")
    }
}

/// The answer to a method that a path does not have.
pub(crate) fn method_not_allowed() -> Response {
    let message = "the path does not have this method".to_owned();
    let body = Body {
        code: "unimplemented",
        message,
    };
    reply::json(StatusCode::METHOD_NOT_ALLOWED, APPLICATION_JSON, &body)
}

fn status_and_code(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::Conflict(Conflict::Exists) => (StatusCode::CONFLICT, "already_exists"),
        Error::Conflict(
            Conflict::Full
            | Conflict::InUse
            | Conflict::LastOwner
            | Conflict::Protected
            | Conflict::State
            | Conflict::Version,
        ) => (StatusCode::CONFLICT, "aborted"),
        Error::Forbidden | Error::Hidden => (StatusCode::FORBIDDEN, "permission_denied"),
        Error::Gone | Error::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        Error::Invalid(_) | Error::TooLarge => (StatusCode::BAD_REQUEST, "invalid_argument"),
        Error::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "resource_exhausted"),
        Error::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}
