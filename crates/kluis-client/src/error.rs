//! What can go wrong between a caller and the server, in one enum for all five APIs.

use std::time::Duration;

use serde_json::Value;

/// Why a call did not succeed. No variant holds a credential or a secret value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server understood the call and said no.
    #[error("{0}")]
    Refused(Refusal),

    /// Status 429: too many calls.
    #[error("{refusal}")]
    RateLimited {
        /// What the server asked to wait, from `Retry-After`; absent when it named nothing readable.
        retry_after: Option<Duration>,
        /// The answer itself.
        refusal: Refusal,
    },

    /// No connection, or it broke before a whole answer came.
    #[error("no answer from {url}: {why}")]
    Unreachable {
        /// Base URL of the server.
        url: String,
        /// The innermost cause, such as "Connection refused".
        why: String,
    },

    /// The TLS handshake failed: unknown issuer, wrong name, expired certificate, or a server that speaks plain HTTP.
    #[error("no secure connection to {url}: {why}")]
    Tls {
        /// Base URL of the server.
        url: String,
        /// What rustls says.
        why: String,
    },

    /// The server took longer than the client waits.
    #[error("no answer from {url} in time: {why}")]
    TimedOut {
        /// Base URL of the server.
        url: String,
        /// Which wait ended.
        why: String,
    },

    /// Something answered, but not as the API describes. Another program at that address, or a proxy, is the usual reason.
    #[error("unexpected answer from {url}: {why}")]
    Malformed {
        /// Base URL of the server.
        url: String,
        /// What was wrong with it, without its content.
        why: String,
    },

    /// The answer is longer than any that the API describes. It was not read to its end.
    #[error("the answer from {url} is longer than {limit} bytes")]
    TooLong {
        /// Base URL of the server.
        url: String,
        /// How many bytes are read at most.
        limit: usize,
    },

    /// A sealed answer does not open, or a key is too weak to seal for. It was altered on the way, or whoever answers is not
    /// to be trusted.
    #[error("what came from {url} fails a check: {why}")]
    Integrity {
        /// Base URL of the server.
        url: String,
        /// Which check, without what was checked.
        why: String,
    },

    /// The call cannot be made at all: unusable base URL, token, path or value.
    #[error("{0}")]
    Request(String),
}

impl Error {
    /// HTTP status of the server's refusal, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) | Self::RateLimited { refusal, .. } => Some(refusal.status),
            _ => None,
        }
    }
}

/// An error answer of the server, whichever API's shape it came in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {}{message}", code.as_deref().map(|code| format!("{code}: ")).unwrap_or_default())]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Machine-readable code such as `NOT_FOUND`; problem details and Inkbox have none.
    pub code: Option<String>,
    /// The sentence meant for people; never empty.
    pub message: String,
}

impl Refusal {
    /// Whether the server is sealed. All five APIs say it in the same sentence.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.status == 503 && self.message.contains("sealed")
    }

    /// Reads an error body in any of the five shapes. A body in none of them leaves the bare status.
    pub(crate) fn parse(status: u16, body: &[u8]) -> Self {
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        // CloudKeep nests its members; all others have them at the top.
        let members = match body.get("error") {
            Some(nested @ Value::Object(_)) => nested,
            _ => &body,
        };
        let code = text(members.get("code"))
            .or_else(|| text(members.get("type")).filter(|word| word != "about:blank"));
        let message = text(members.get("message"))
            .or_else(|| detail(members.get("detail")))
            .or_else(|| text(members.get("title")))
            .or_else(|| text(members.get("error")))
            .unwrap_or_else(|| {
                format!("the server answered with status {status} and no explanation")
            });
        Self {
            status,
            code,
            message,
        }
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    value?
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// Inkbox puts a sentence in `detail`, and for invalid input a list of `{loc, msg}`.
fn detail(value: Option<&Value>) -> Option<String> {
    let Some(Value::Array(faults)) = value else {
        return text(value);
    };
    let sentences: Vec<String> = faults
        .iter()
        .filter_map(|fault| text(fault.get("msg")))
        .collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> (Option<String>, String) {
        let refusal = Refusal::parse(400, body.as_bytes());
        (refusal.code, refusal.message)
    }

    fn expected(code: Option<&str>, message: &str) -> (Option<String>, String) {
        (code.map(str::to_owned), message.to_owned())
    }

    #[test]
    fn every_error_shape_is_read() {
        for (body, code, message) in [
            (
                r#"{"error":{"code":"BAD_REQUEST","message":"no name"}}"#,
                Some("BAD_REQUEST"),
                "no name",
            ),
            (
                r#"{"status":"error","code":"MISSING_PARAMETER","message":"no name"}"#,
                Some("MISSING_PARAMETER"),
                "no name",
            ),
            (
                r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"no name"}"#,
                None,
                "no name",
            ),
            (
                r#"{"type":"resource_limit_exceeded","title":"T","status":400,"detail":"full"}"#,
                Some("resource_limit_exceeded"),
                "full",
            ),
            (
                r#"{"code":"invalid_argument","message":"no name"}"#,
                Some("invalid_argument"),
                "no name",
            ),
            (r#"{"detail":"no name"}"#, None, "no name"),
            (
                r#"{"detail":[{"loc":["body","name"],"msg":"a"},{"msg":"b"}]}"#,
                None,
                "a; b",
            ),
        ] {
            assert_eq!(parsed(body), expected(code, message), "{body}");
        }
    }

    #[test]
    fn an_unreadable_body_leaves_the_status() {
        for body in [
            "",
            "<html>",
            "[]",
            "{}",
            "null",
            r#"{"error":7,"message":[]}"#,
        ] {
            assert_eq!(
                parsed(body),
                expected(
                    None,
                    "the server answered with status 400 and no explanation"
                ),
                "{body}"
            );
        }
    }
}
