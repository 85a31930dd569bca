//! The id of a request: made here, never taken from the client; in the answer, the log and the record.

use http::{HeaderMap, HeaderName, HeaderValue};
use kluis_engine::RequestId;

/// Put the id into an answer's `X-Request-Id`.
pub(crate) fn tell(id: RequestId, headers: &mut HeaderMap) {
    let mut text = [0; 36];
    let text = id.uuid().hyphenated().encode_lower(&mut text);
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(X_REQUEST_ID, value);
    }
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
