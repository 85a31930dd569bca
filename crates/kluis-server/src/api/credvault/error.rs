//! CredVault's errors: `{"status":"error","code":…,"message":…}` (contract A5).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use kluis_engine::{Conflict, Error, Invalid, Why};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::BODY;
use crate::api::reply::{self, APPLICATION_JSON};

/// An error of the engine on its way to a client of this API.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Error);

/// What an error looks like.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct Body {
    /// Always `error`.
    #[schema(examples("error"))]
    status: &'static str,
    /// A word that stays.
    #[schema(examples("NOT_FOUND"))]
    code: &'static str,
    /// A sentence for people.
    #[schema(examples("It does not exist or is not accessible."))]
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
        let body = body(code, message(&self.0));
        reply::refusal(status, APPLICATION_JSON, &body, &self.0, "ApiKey, Bearer")
    }
}

/// The answer to a method that a path does not have.
pub(crate) fn method_not_allowed() -> Response {
    let body = body(
        "METHOD_NOT_ALLOWED",
        "The path does not have this method.".to_owned(),
    );
    reply::json(StatusCode::METHOD_NOT_ALLOWED, APPLICATION_JSON, &body)
}

fn status_and_code(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::Conflict(Conflict::Exists) => (StatusCode::CONFLICT, "ALREADY_EXISTS"),
        Error::Conflict(Conflict::Version) => (StatusCode::CONFLICT, "VERSION_CONFLICT"),
        Error::Conflict(
            Conflict::Full
            | Conflict::InUse
            | Conflict::LastKey
            | Conflict::LastOwner
            | Conflict::NotTakenOver
            | Conflict::Protected
            | Conflict::State,
        ) => (StatusCode::CONFLICT, "CONFLICT"),
        Error::Forbidden => (StatusCode::FORBIDDEN, "FORBIDDEN"),
        Error::Gone | Error::Hidden | Error::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
        Error::Invalid(invalid) => (StatusCode::BAD_REQUEST, invalid_code(invalid)),
        Error::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED"),
        Error::TooLarge => (StatusCode::BAD_REQUEST, "INVALID_PARAMETER"),
        Error::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
        Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
    }
}

fn invalid_code(invalid: &Invalid) -> &'static str {
    match invalid.why {
        Why::Missing => "MISSING_PARAMETER",
        Why::Wrong(_) if invalid.field == BODY => "MALFORMED_REQUEST",
        Why::Wrong(_) => "INVALID_PARAMETER",
    }
}

fn message(error: &Error) -> String {
    match error {
        Error::Gone | Error::Hidden | Error::NotFound => Error::NotFound.to_string(),
        Error::Invalid(Invalid { field, why }) => match why {
            Why::Missing => format!("Required parameter '{field}' is missing from request"),
            Why::Wrong(why) if field == BODY => format!("The body {why}"),
            Why::Wrong(why) => format!("Parameter '{field}' {why}"),
        },
        Error::Conflict(_)
        | Error::Forbidden
        | Error::Internal(_)
        | Error::RateLimited { .. }
        | Error::TooLarge
        | Error::Unauthenticated
        | Error::Unavailable(_) => error.to_string(),
    }
}

fn body(code: &'static str, message: String) -> Body {
    Body {
        status: "error",
        code,
        message,
    }
}
