//! Inkbox's errors: `{"detail":…}`, a sentence or, for what is wrong with a request, a list (contract §2.2).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use kluis_engine::{Error, Invalid, Why};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::BODY;
use crate::api::reply::{self, APPLICATION_JSON};

/// An error on its way to a client of this API.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine's.
    Engine(Error),
    /// A handle that another identity has; clients know it by its shape.
    HandleTaken,
    /// Something is wrong with a parameter in this part of the address.
    In(Place, Error),
    /// A key is to be replaced with neither or both of the proofs.
    Proofs,
    /// These members of the body are wrong.
    Wrong(Vec<Invalid>),
}

/// A part of the address.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// The path.
    Path,
    /// The query.
    Query,
}

/// An error.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct Body<'a> {
    detail: Detail<'a>,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Detail<'a> {
    /// In words.
    #[schema(value_type = String)]
    Sentence(String),
    /// What is wrong with the request by itself.
    Wrong(Vec<Wrong<'a>>),
    /// A handle that is taken.
    Taken {
        #[schema(examples("agent_handle_unavailable"))]
        error: &'static str,
        #[schema(examples("identities"))]
        blocking_namespace: &'static str,
    },
}

/// One thing that is wrong with a request.
#[derive(Serialize, ToSchema)]
struct Wrong<'a> {
    /// `missing`, `too_long` or `value_error`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `body`, `path` or `query`, and the way from there.
    loc: Vec<Step<'a>>,
    msg: String,
}

/// A step of the way to a member.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
enum Step<'a> {
    /// Into an array.
    At(usize),
    /// Into an object.
    Member(&'a str),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (place, error) = match &self {
            Self::Engine(error) => (BODY, error),
            Self::In(Place::Path, error) => ("path", error),
            Self::In(Place::Query, error) => ("query", error),
            Self::HandleTaken => {
                let taken = Detail::Taken {
                    error: "agent_handle_unavailable",
                    blocking_namespace: "identities",
                };
                return answer(StatusCode::CONFLICT, taken);
            }
            Self::Wrong(all) => {
                let wrong = all.iter().map(|invalid| Wrong::of(BODY, invalid)).collect();
                return answer(StatusCode::UNPROCESSABLE_ENTITY, Detail::Wrong(wrong));
            }
            Self::Proofs => {
                let proofs = "Exactly one of current_auth_hash and recovery_auth_hash is required.";
                return answer(StatusCode::BAD_REQUEST, Detail::Sentence(proofs.to_owned()));
            }
        };
        let detail = match error {
            Error::Invalid(invalid) => Detail::Wrong(vec![Wrong::of(place, invalid)]),
            Error::TooLarge => Detail::Wrong(vec![Wrong {
                kind: "too_long",
                loc: way(place, BODY),
                msg: error.to_string(),
            }]),
            _ => Detail::Sentence(error.to_string()),
        };
        let body = Body { detail };
        reply::refusal(status(error), APPLICATION_JSON, &body, error, CHALLENGE)
    }
}

impl<'a> Wrong<'a> {
    fn of(place: &'a str, invalid: &'a Invalid) -> Self {
        let (msg, kind) = match &invalid.why {
            Why::Missing => ("is required".to_owned(), "missing"),
            Why::Wrong(why) => (why.to_string(), "value_error"),
        };
        let loc = way(place, &invalid.field);
        Self { kind, loc, msg }
    }
}

/// The answer to a method that a path does not have.
pub(crate) fn method_not_allowed() -> Response {
    let detail = Detail::Sentence("Method Not Allowed".to_owned());
    answer(StatusCode::METHOD_NOT_ALLOWED, detail)
}

fn answer(status: StatusCode, detail: Detail<'_>) -> Response {
    reply::json(status, APPLICATION_JSON, &Body { detail })
}

/// The way to `field`, such as `recovery_keys[0].id`.
fn way<'a>(place: &'a str, field: &'a str) -> Vec<Step<'a>> {
    let mut way = vec![Step::Member(place)];
    if field == BODY {
        return way;
    }
    for member in field.split('.') {
        let mut parts = member.split('[');
        way.extend(parts.next().map(Step::Member));
        let positions = parts.filter_map(|part| part.strip_suffix(']')?.parse().ok());
        way.extend(positions.map(Step::At));
    }
    way
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

/// What a 401 asks for.
const CHALLENGE: &str = "ApiKey";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_member_goes_step_by_step() {
        assert_eq!(way("query", "body"), [Step::Member("query")]);
        assert_eq!(
            way("body", "recovery_keys[3].id"),
            [
                Step::Member("body"),
                Step::Member("recovery_keys"),
                Step::At(3),
                Step::Member("id")
            ]
        );
    }
}
