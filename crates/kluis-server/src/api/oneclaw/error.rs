//! 1claw's errors: problem details with exactly four members (contract §3).

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use kluis_engine::{Error, Why};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::reply::{self, PROBLEM_JSON};

/// An error of the engine on its way to a client of this API.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Error);

/// What an error looks like.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct Body {
    /// `about:blank`, or a short code for programs.
    #[serde(rename = "type")]
    #[schema(examples("about:blank"))]
    kind: &'static str,
    /// The phrase that belongs to the status.
    #[schema(examples("Not Found"))]
    title: &'static str,
    /// The status.
    #[schema(examples(404))]
    status: u16,
    /// A sentence for people.
    #[schema(examples("It does not exist or is not accessible."))]
    detail: String,
    /// What is wrong with which member; only in a 400.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<BTreeMap<String, String>>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = status(&self.0);
        let fields = match &self.0 {
            Error::Invalid(invalid) => {
                let why = match &invalid.why {
                    Why::Missing => "is required".to_owned(),
                    Why::Wrong(why) => why.to_string(),
                };
                Some(BTreeMap::from([(invalid.field.to_string(), why)]))
            }
            _ => None,
        };
        let body = Body {
            fields,
            ..body(status, detail(&self.0))
        };
        reply::refusal(status, PROBLEM_JSON, &body, &self.0, "Bearer")
    }
}

/// The answer to a method that a path does not have.
pub(crate) fn method_not_allowed() -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let body = body(status, "The path does not have this method.".to_owned());
    reply::json(status, PROBLEM_JSON, &body)
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Forbidden | Error::Hidden => StatusCode::FORBIDDEN,
        Error::Gone => StatusCode::GONE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn detail(error: &Error) -> String {
    match error {
        // Told alike, whether the path is there or not (NT-44).
        Error::Forbidden | Error::Hidden => Error::Forbidden.to_string(),
        Error::Gone => "Secret is no longer available".to_owned(),
        Error::Conflict(_)
        | Error::Internal(_)
        | Error::Invalid(_)
        | Error::NotFound
        | Error::RateLimited { .. }
        | Error::TooLarge
        | Error::Unauthenticated
        | Error::Unavailable(_) => error.to_string(),
    }
}

fn body(status: StatusCode, detail: String) -> Body {
    Body {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail,
        fields: None,
    }
}
