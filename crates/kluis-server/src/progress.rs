//! Answers that are made while they are sent, and the connections that they keep alive.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use hyper::body::{Body as _, Frame, SizeHint};

/// A body that tells of each part that it gives.
struct Progress<F> {
    body: Body,
    moved: F,
}

/// `response`, calling `moved` for each part of a body whose length is not known beforehand.
pub(crate) fn watched<F>(response: Response<Body>, moved: F) -> Response<Body>
where
    F: Fn() + Send + Unpin + 'static,
{
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| Body::new(Progress { body, moved }))
}

impl<F: Fn() + Unpin> hyper::body::Body for Progress<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        (self.moved)();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use http_body_util::BodyExt;

    use super::*;

    struct Parts(VecDeque<&'static str>);

    impl hyper::body::Body for Parts {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let part = self.0.pop_front();
            Poll::Ready(part.map(|part| Ok(Frame::data(part.into()))))
        }
    }

    #[tokio::test]
    async fn each_part_of_a_body_of_unknown_length_is_told() {
        let told = Arc::new(AtomicU32::new(0));
        for (body, expected) in [
            (Body::from("whole"), 0),
            (Body::empty(), 0),
            (Body::new(Parts(["a", "b", "c"].into())), 4),
        ] {
            told.store(0, Ordering::Relaxed);
            let counter = Arc::clone(&told);
            let response = watched(Response::new(body), move || {
                counter.fetch_add(1, Ordering::Relaxed);
            });
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(told.load(Ordering::Relaxed), expected, "{bytes:?}");
        }
    }
}
