//! What a client still sends when its answer is ready.
//!
//! A connection that is closed with bytes unread is reset by the system, and the client may lose the answer that says what
//! was wrong. So the rest is read and forgotten, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::timeout;

/// A request's body. What its handler leaves unread is forgotten in the background.
pub(crate) struct Unread(Option<Incoming>);

/// Bytes that are read to be forgotten: what a client that was refused at its first byte has on its way.
const MOST: usize = 4 << 20;
/// How long they may take.
const PATIENCE: Duration = Duration::from_secs(2);

impl Unread {
    pub(crate) fn new(body: Incoming) -> Self {
        Self(Some(body))
    }
}

impl Body for Unread {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(body) = self.0.take()
            && !body.is_end_stream()
        {
            #[expect(
                clippy::disallowed_methods,
                reason = "it ends by itself, soon, and has nothing to finish"
            )]
            tokio::spawn(timeout(PATIENCE, forget(body)));
        }
    }
}

async fn forget(mut body: Incoming) {
    let mut left = MOST;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Buf::remaining);
        match left.checked_sub(length) {
            Some(less) => left = less,
            None => return,
        }
    }
}
