//! The bytes of a body: within the limits of its dialect, of the server, of time, and of what all bodies may take together.

use axum::body::Body;
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt;
use kluis_engine::Error;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::Dialect;
use crate::app::App;

/// The field name that stands for the body as a whole.
pub(crate) const BODY: &str = "body";

/// Whether the body is said to be JSON, in any character set: JSON has only one.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(media_type), None) = (types.next(), types.next()) else {
        return false;
    };
    let media_type = media_type.to_str().unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// The whole body, if it is within the limits of its dialect, of the server and of time.
pub(crate) async fn body_of(request: Request, dialect: Dialect, app: &App) -> Result<Bytes, Error> {
    if is_encoded(request.headers()) {
        return Err(Error::invalid(BODY, "must not have a content encoding"));
    }
    let (parts, body) = request.into_parts();
    bytes_of(&parts.headers, body, dialect, app).await
}

/// The same, encoded or not: for who knows what to do with it.
pub(crate) async fn bytes_of(
    headers: &HeaderMap,
    body: Body,
    dialect: Dialect,
    app: &App,
) -> Result<Bytes, Error> {
    let limit = dialect.body_limit().min(app.limits.max_body_bytes);
    if announced(headers).is_some_and(|length| length > limit as u64) {
        return Err(Error::TooLarge);
    }
    let body = collected(body, limit, &app.body_budget);
    let body = timeout(app.limits.body_timeout, body).await;
    body.map_err(|_| Error::invalid(BODY, "did not arrive in time"))?
}

/// The parts of a body put together. What is more than a little waits for its share of the budget, so that all bodies
/// under way together have a bound (NT-55).
async fn collected(mut body: Body, limit: usize, budget: &Semaphore) -> Result<Bytes, Error> {
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    let mut share: Option<SemaphorePermit<'_>> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::invalid(BODY, "ended too early"))?;
        let Ok(part) = frame.into_data() else {
            continue;
        };
        if first.len().max(all.len()) + part.len() > limit {
            return Err(Error::TooLarge);
        }
        if first.is_empty() {
            // Most bodies come in one part, which is taken as it is.
            first = part;
            continue;
        }
        let wanted = u32::try_from(part.len()).unwrap_or(u32::MAX);
        let more = budget.acquire_many(wanted).await;
        let more = more.map_err(|_| Error::internal("the budget of bodies is closed"))?;
        match &mut share {
            Some(share) => share.merge(more),
            None => share = Some(more),
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&part);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// Whether the body is said to be compressed. It is not unpacked, and must not be taken for what it is not.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// A body that comes in these parts.
    struct Parted(VecDeque<Bytes>);

    impl hyper::body::Body for Parted {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|part| Ok(Frame::data(part))))
        }
    }

    /// NT-55
    #[tokio::test]
    async fn bodies_are_bounded_one_by_one_and_together() {
        let parts = |parts: &[&'static [u8]]| {
            Body::new(Parted(
                parts.iter().map(|part| Bytes::from_static(part)).collect(),
            ))
        };
        let budget = Semaphore::new(4);
        let whole = collected(parts(&[b"ab", b"", b"cd", b"ef"]), 6, &budget).await;
        assert_eq!(whole.unwrap(), "abcdef");
        assert_eq!(budget.available_permits(), 4);
        let over = collected(parts(&[b"ab", b"cde"]), 4, &budget).await;
        assert!(matches!(over, Err(Error::TooLarge)));
        let held = budget.acquire_many(3).await.unwrap();
        let waiting = collected(parts(&[b"ab", b"cd"]), 6, &budget);
        assert!(timeout(std::time::Duration::ZERO, waiting).await.is_err());
        drop(held);
        assert_eq!(
            collected(parts(&[b"ab", b"cd"]), 6, &budget).await.unwrap(),
            "abcd"
        );
    }

    #[test]
    fn only_json_is_json() {
        for (sent, taken) in [
            (&["application/json"][..], true),
            (&["Application/JSON; charset=utf-8"], true),
            (&["application/json;"], true),
            (&[], false),
            (&["text/plain"], false),
            (&["application/jsonp"], false),
            (&["application/x-www-form-urlencoded"], false),
            (&["application/json", "application/json"], false),
        ] {
            let headers = sent
                .iter()
                .map(|value| (CONTENT_TYPE, value.parse().unwrap()))
                .collect();
            assert_eq!(is_json(&headers), taken, "{sent:?}");
        }
    }
}
