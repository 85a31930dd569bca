//! Answers of any length as lines of JSON, made while they are sent: what is in memory is one portion.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use hyper::body::Frame;
use kluis_engine::{AuditExport, Error};

/// An export as the body of an answer. When it cannot go on, the connection breaks off: a body that ends is whole.
pub(crate) struct Lines(pub(crate) AuditExport);

/// A portion being made; none when the last one was taken.
struct Portions(Option<Pin<Box<dyn Future<Output = Portion> + Send>>>);

/// An export, and what it gave.
type Portion = (AuditExport, Result<Option<String>, Error>);

/// The answer could not be brought to its end.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
struct BrokenOff;

impl IntoResponse for Lines {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::new(Portions::behind(self.0)));
        response.headers_mut().insert(CONTENT_TYPE, LINES_OF_JSON);
        response
    }
}

impl Portions {
    fn behind(mut export: AuditExport) -> Self {
        Self(Some(Box::pin(async move {
            // Other requests of this thread have their turn between portions.
            tokio::task::yield_now().await;
            let portion = export.next().await;
            (export, portion)
        })))
    }
}

impl hyper::body::Body for Portions {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let Some(making) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let (export, portion) = ready!(making.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(match portion {
            Ok(Some(lines)) => {
                *self = Self::behind(export);
                Some(Ok(Frame::data(lines.into())))
            }
            Ok(None) => None,
            Err(error) => {
                let cause = error.cause();
                tracing::error!(target: "kluis::request", cause, "an answer broke off");
                Some(Err(BrokenOff))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

const LINES_OF_JSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");
