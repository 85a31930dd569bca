//! Refusals to clients of gRPC and gRPC-Web: whatever refuses a request, before or behind its handler, answers in HTTP, and is
//! told here in the words of the protocol (Crate contract §6).

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use utoipa::ToSchema;

/// A refusal in the words of gRPC, beside a response that says the same in HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    /// Which kind it is of.
    pub(crate) code: Code,
    /// A sentence for people.
    pub(crate) message: String,
}

/// A message as protobuf's JSON. Its `.proto` file says what is in it; binary protobuf, gRPC and gRPC-Web are taken as well.
#[derive(ToSchema)]
pub(crate) struct Message {}

/// The codes of gRPC that this server gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// 10: it does not fit what is stored.
    Aborted,
    /// 6: it is there already.
    AlreadyExists,
    /// 13: a defect.
    Internal,
    /// 3: something is wrong with the request by itself.
    InvalidArgument,
    /// 5: it is not there.
    NotFound,
    /// 7: the caller may not.
    PermissionDenied,
    /// 8: too fast.
    ResourceExhausted,
    /// 16: no valid credential.
    Unauthenticated,
    /// 14: the server cannot now.
    Unavailable,
    /// 12: there is no such procedure.
    Unimplemented,
}

/// A client of gRPC or gRPC-Web, by the content type of its request.
pub(crate) struct Client(HeaderValue);

impl Code {
    /// Its word, as Connect spells it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::AlreadyExists => "already_exists",
            Self::Internal => "internal",
            Self::InvalidArgument => "invalid_argument",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::ResourceExhausted => "resource_exhausted",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            Self::Unimplemented => "unimplemented",
        }
    }

    const fn number(self) -> u16 {
        match self {
            Self::InvalidArgument => 3,
            Self::NotFound => 5,
            Self::AlreadyExists => 6,
            Self::PermissionDenied => 7,
            Self::ResourceExhausted => 8,
            Self::Aborted => 10,
            Self::Unimplemented => 12,
            Self::Internal => 13,
            Self::Unavailable => 14,
            Self::Unauthenticated => 16,
        }
    }

    /// What a status of HTTP comes to, for refusals outside of the API that has RPC.
    fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST => Self::InvalidArgument,
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::PermissionDenied,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Self::Unimplemented,
            StatusCode::TOO_MANY_REQUESTS => Self::ResourceExhausted,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            _ => Self::Internal,
        }
    }
}

impl Client {
    /// The client that sent these headers, if it is one.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(CONTENT_TYPE)?;
        let essence = content_type.to_str().ok()?.split(';').next()?.trim();
        let rest = essence.strip_prefix("application/grpc")?;
        let rest = rest.strip_prefix("-web").unwrap_or(rest);
        let is_one = rest.is_empty() || rest.starts_with('+');
        is_one.then(|| Self(content_type.clone()))
    }

    /// `response` as this client reads it: a refusal becomes 200 with the status in its headers and no body. What its handler has
    /// written for it stays as it is.
    pub(crate) fn told(&self, mut response: Response) -> Response {
        if Self::of(response.headers()).is_some() {
            return response;
        }
        let status = response.extensions_mut().remove::<Status>();
        let Status { code, message } = status.unwrap_or_else(|| Status {
            code: Code::of(response.status()),
            message: response
                .status()
                .canonical_reason()
                .unwrap_or_default()
                .to_owned(),
        });
        *response.status_mut() = StatusCode::OK;
        *response.body_mut() = Body::empty();
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, self.0.clone());
        headers.insert(GRPC_STATUS, HeaderValue::from(code.number()));
        if let Ok(message) = HeaderValue::from_str(&percent_encoded(&message)) {
            headers.insert(GRPC_MESSAGE, message);
        }
        response
    }
}

/// `text` with all but printable ASCII, and the percent sign, as `%XX` (the gRPC protocol's `grpc-message`).
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use kluis_engine::Error;

    use super::*;
    use crate::api::Dialect;

    fn client(content_type: &'static str) -> Option<Client> {
        let content_type = HeaderValue::from_static(content_type);
        Client::of(&HeaderMap::from_iter([(CONTENT_TYPE, content_type)]))
    }

    #[test]
    fn clients_are_known_by_their_content_type() {
        for is_one in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc-web",
            "application/grpc-web+proto; charset=utf-8",
        ] {
            assert!(client(is_one).is_some(), "{is_one}");
        }
        for is_none in ["application/json", "application/grpcx", "text/grpc", ""] {
            assert!(client(is_none).is_none(), "{is_none}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_headers() {
        let client = client("application/grpc+proto").unwrap();
        let told = client.told(Dialect::Crate.refuse(Error::RateLimited { retry_after: 7 }));
        assert_eq!(told.status(), StatusCode::OK);
        assert_eq!(told.headers()["grpc-status"], "8");
        assert_eq!(told.headers()["retry-after"], "7");
        assert_eq!(told.headers()[CONTENT_TYPE], "application/grpc+proto");
        let message = "Too many requests. Retry after 7 s";
        assert_eq!(told.headers()["grpc-message"], message);
        let told = client.told(StatusCode::NOT_FOUND.into_response());
        assert_eq!(told.headers()["grpc-status"], "12");
        let again = client.told(told);
        assert_eq!(again.headers()["grpc-status"], "12");
    }

    #[test]
    fn messages_are_printable_ascii() {
        assert_eq!(percent_encoded("50 % é\n"), "50 %25 %C3%A9%0A");
    }
}
