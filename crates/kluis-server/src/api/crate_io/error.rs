//! Crate's errors: `{"code":…,"message":…}`, with the code words of gRPC (contract §3, §6).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use kluis_engine::{Conflict, Error};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::reply::{self, APPLICATION_JSON};
use crate::grpc::{Code, Status};

/// An error of the engine on its way to a client of this API.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Error);

/// What an error looks like.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct Body {
    /// A word for programs.
    #[schema(examples("invalid_argument"))]
    code: &'static str,
    /// A sentence for people.
    #[schema(examples("sealed must be true"))]
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
        let message = self.0.to_string();
        // Sentences have no full stop in this API.
        let message = message.strip_suffix('.').unwrap_or(&message).to_owned();
        let body = Body {
            code: code.word(),
            message: message.clone(),
        };
        let mut response = reply::refusal(status, APPLICATION_JSON, &body, &self.0, "Bearer");
        response.extensions_mut().insert(Status { code, message });
        response
    }
}

/// The answer to a method that a path does not have.
pub(crate) fn method_not_allowed() -> Response {
    let message = "the path does not have this method";
    unimplemented(StatusCode::METHOD_NOT_ALLOWED, message)
}

/// The answer to a path of RPC that leads nowhere.
pub(crate) fn no_such_procedure() -> Response {
    unimplemented(StatusCode::NOT_FOUND, "there is no such procedure")
}

fn unimplemented(status: StatusCode, message: &str) -> Response {
    let (code, message) = (Code::Unimplemented, message.to_owned());
    let body = Body {
        code: code.word(),
        message: message.clone(),
    };
    let mut response = reply::json(status, APPLICATION_JSON, &body);
    response.extensions_mut().insert(Status { code, message });
    response
}

fn status_and_code(error: &Error) -> (StatusCode, Code) {
    match error {
        Error::Conflict(Conflict::Exists) => (StatusCode::CONFLICT, Code::AlreadyExists),
        Error::Conflict(
            Conflict::Full
            | Conflict::InUse
            | Conflict::LastKey
            | Conflict::LastOwner
            | Conflict::NotTakenOver
            | Conflict::Protected
            | Conflict::State
            | Conflict::Version,
        ) => (StatusCode::CONFLICT, Code::Aborted),
        Error::Forbidden | Error::Hidden => (StatusCode::FORBIDDEN, Code::PermissionDenied),
        Error::Gone | Error::NotFound => (StatusCode::NOT_FOUND, Code::NotFound),
        Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal),
        Error::Invalid(_) | Error::TooLarge => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        Error::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, Code::ResourceExhausted),
        Error::Unauthenticated => (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
        Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
    }
}
