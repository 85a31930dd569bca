//! Answers as JSON: one place that serializes, so that every dialect's bodies and headers are made alike.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use kluis_engine::Error;
use serde::Serialize;

/// A body of JSON with its status.
pub(crate) struct Json<T>(pub(crate) StatusCode, pub(crate) T);

/// What went wrong, for the log of the request that it went wrong in. Never for the caller.
#[derive(Clone, Debug)]
pub(crate) struct Cause(pub(crate) String);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(self.0, APPLICATION_JSON, &self.1)
    }
}

/// 200 with a body of JSON. `kept` goes when the last byte of it has gone out, or nobody waits for it any more.
pub(crate) fn json_keeping<K: Send + 'static>(body: &impl Serialize, kept: K) -> Response {
    struct Keeping<K>(Vec<u8>, K);

    impl<K> AsRef<[u8]> for Keeping<K> {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    written(body, |bytes| {
        let mut response = Response::new(Body::from(Bytes::from_owner(Keeping(bytes, kept))));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, APPLICATION_JSON);
        response
    })
}

/// A response with this JSON body and media type.
pub(crate) fn json(status: StatusCode, media_type: HeaderValue, body: &impl Serialize) -> Response {
    written(body, |bytes| {
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        response
    })
}

/// What `answer` makes of the body as JSON.
fn written(body: &impl Serialize, answer: impl FnOnce(Vec<u8>) -> Response) -> Response {
    let mut bytes = Vec::with_capacity(256);
    if let Err(error) = serde_json::to_writer(&mut bytes, body) {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response
            .extensions_mut()
            .insert(Cause(format!("an answer cannot be written: {error}")));
        return response;
    }
    answer(bytes)
}

/// A response to `error` with this body: `Retry-After` where waiting helps, the challenge that belongs to a 401, and the
/// cause for the log.
pub(crate) fn refusal(
    status: StatusCode,
    media_type: HeaderValue,
    body: &impl Serialize,
    error: &Error,
    challenge: &'static str,
) -> Response {
    let mut response = json(status, media_type, body);
    match error {
        Error::RateLimited { retry_after } => {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from((*retry_after).max(1)));
        }
        Error::Unauthenticated => {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        _ => {}
    }
    if let Some(cause) = error.cause() {
        response.extensions_mut().insert(Cause(cause.to_owned()));
    }
    response
}

/// The media type of JSON.
pub(crate) const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The media type of problem details (RFC 9457).
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
