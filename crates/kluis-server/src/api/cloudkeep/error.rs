//! CloudKeep's errors: `{"error":{"code":…,"message":…}}`.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use kluis_engine::{Error, Why};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::reply::{self, APPLICATION_JSON};

/// An error of the engine on its way to a client of this API.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Error);

/// What an error looks like.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct Body {
    error: Inner,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ErrorDetail)]
struct Inner {
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
        reply::refusal(status, APPLICATION_JSON, &body, &self.0, "Bearer")
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
        Error::Conflict(_) => (StatusCode::CONFLICT, "CONFLICT"),
        Error::Forbidden => (StatusCode::FORBIDDEN, "FORBIDDEN"),
        // Out of reach, absent, no longer available: to a client of this API all the same.
        Error::Gone | Error::Hidden | Error::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
        Error::Invalid(_) | Error::TooLarge => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        Error::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
        Error::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
        Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
    }
}

fn message(error: &Error) -> String {
    match error {
        Error::Gone | Error::Hidden | Error::NotFound => Error::NotFound.to_string(),
        Error::Invalid(invalid) => {
            let field = if invalid.field == "path" {
                "key"
            } else {
                &invalid.field
            };
            match &invalid.why {
                Why::Missing => format!("'{field}' is required."),
                Why::Wrong(why) => format!("'{field}' {why}."),
            }
        }
        Error::Unauthenticated => "Invalid or expired API token.".to_owned(),
        Error::Conflict(_)
        | Error::Forbidden
        | Error::Internal(_)
        | Error::RateLimited { .. }
        | Error::TooLarge
        | Error::Unavailable(_) => error.to_string(),
    }
}

fn body(code: &'static str, message: String) -> Body {
    Body {
        error: Inner { code, message },
    }
}
