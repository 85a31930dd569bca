//! What every request passes before its handler, and every answer after it: the order of checks of RULES §3.
//!
//! One function instead of a stack of layers, so that the order can be read and nothing is paid twice: request id, seal,
//! 401, addresses that an organization does not admit, 429, 404 and 405, handler, headers, counts, log.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, HOST, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use kluis_engine::{Error, RequestId, Unavailable};
use serde::Serialize;
use tokio::time::{Instant, timeout};
use tower::Service;
use tracing::field::display;

use crate::address_limit::AddressLimits;
use crate::api::Dialect;
use crate::api::inkbox::spelling;
use crate::api::reply::{self, Cause, PROBLEM_JSON};
use crate::app::App;
use crate::caller::{Caller, Credential, Origin};
use crate::config::Network;
use crate::grpc;
use crate::limits::Standing;
use crate::metrics::{Counts, Held};
use crate::peer::{client_address, is_local};
use crate::request_id;
use crate::router::{Routes, Template};
use crate::unread::Unread;

/// What stands before the handlers.
pub(crate) struct Gate {
    /// What handlers reach.
    pub(crate) app: App,
    /// Where each path leads.
    pub(crate) routes: Routes,
    /// The handlers.
    pub(crate) handlers: Router,
    /// How fast one address may go through 1claw's API.
    pub(crate) address_limits: AddressLimits,
    /// Proxies that are believed about where a request came from.
    pub(crate) trusted_proxies: Vec<Network>,
}

/// Whether a request to a public route came from this very machine.
#[derive(Clone, Copy)]
pub(crate) struct Local(pub(crate) bool);

impl Gate {
    /// Answer one request of a connection from `peer`.
    pub(crate) async fn answer(
        self: Arc<Self>,
        peer: IpAddr,
        request: Request<Incoming>,
    ) -> Response {
        let started = Instant::now();
        let gauges = &self.app.metrics.gauges;
        let _in_flight = Held::up(gauges, |gauges| &gauges.in_flight);
        let (mut parts, body) = request.into_parts();
        if let Some(uri) = spelling::canonical(&parts.uri) {
            parts.uri = uri;
        }
        let grpc = grpc::Client::of(&parts.headers);
        // A body that has ended needs no box.
        let body = if body.is_end_stream() {
            Body::empty()
        } else {
            Body::new(Unread::new(body))
        };
        let request = Request::from_parts(parts, body);

        let (template, dialect) = self
            .routes
            .dialect_of(request.uri().path(), request.headers());
        let operation = template.and_then(|template| template.operation(request.method()));
        let counts = match operation {
            Some(operation) => Some(&operation.counts),
            None => self.routes.elsewhere(dialect),
        };
        let id = RequestId::generate(self.app.engine.clock().now());
        let mut standing = None;
        let mut response = match &id {
            Ok(id) => {
                let passing = self.pass(peer, *id, template, dialect, request, &mut standing);
                match timeout(self.app.limits.request_timeout, caught(passing)).await {
                    Ok(Ok(response)) => response,
                    Ok(Err(Panicked)) => {
                        gauges.panics.fetch_add(1, Ordering::Relaxed);
                        refuse(
                            dialect,
                            Error::internal("the handling of the request panicked"),
                        )
                    }
                    Err(_) => refuse(dialect, Error::storage("the request took too long")),
                }
            }
            Err(_) => refuse(
                dialect,
                Error::internal("no random bytes for the request's id"),
            ),
        };

        let headers = response.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        if let Ok(id) = id {
            request_id::tell(id, headers);
        }
        if let Some(standing) = standing
            && dialect.is_some_and(Dialect::tells_limits)
        {
            standing.tell(headers);
        }
        let took = started.elapsed();
        if let Some(counts) = counts {
            counts.answered(response.status(), took);
            log(id.ok(), counts, &response, took.as_micros());
        }
        match grpc {
            Some(client) => client.told(response),
            None => response,
        }
    }

    async fn pass(
        &self,
        peer: IpAddr,
        id: RequestId,
        template: Option<&Template>,
        dialect: Option<Dialect>,
        mut request: Request<Body>,
        standing: &mut Option<Standing>,
    ) -> Response {
        if request.version() == Version::HTTP_11 && !has_one_host(request.headers()) {
            return refuse(dialect, Error::invalid("Host", "must stand once"));
        }
        if self.app.engine.is_sealed() && !template.is_some_and(|template| template.answers_sealed)
        {
            return refuse(dialect, Error::Unavailable(Unavailable::Sealed));
        }
        let operation = template.and_then(|template| template.operation(request.method()));
        let is_public = operation.is_some_and(|operation| operation.is_public);
        if let Some(dialect) = dialect {
            let origin = kluis_engine::Origin {
                address: Some(client_address(
                    peer,
                    request.headers(),
                    &self.trusted_proxies,
                )),
                request: id,
                api: dialect.name(),
            };
            let address = origin.address;
            if is_public {
                request.extensions_mut().insert(Origin(origin));
            } else {
                match self
                    .admitted(dialect, origin, request.headers(), standing)
                    .await
                {
                    Ok(caller) => request.extensions_mut().insert(caller),
                    Err(error) => return dialect.refuse(error),
                };
            }
            if dialect == Dialect::OneClaw {
                let path = request.uri().path();
                if let Err(error) = self.address_limits.admit(address, path, is_public) {
                    return dialect.refuse(error);
                }
            }
        } else {
            let local = Local(is_local(peer, request.headers()));
            request.extensions_mut().insert(local);
        }
        match (template, operation) {
            (None, _) => match dialect {
                Some(dialect) => dialect.refuse_path(request.uri().path()),
                None => refuse_path(),
            },
            (Some(template), None) => refuse_method(dialect, template.allow.clone()),
            (Some(_), Some(_)) => {
                let answered = self.handlers.clone().call(request).await;
                answered.unwrap_or_else(|never| match never {})
            }
        }
    }

    /// The caller, proven and within its limit.
    async fn admitted(
        &self,
        dialect: Dialect,
        origin: kluis_engine::Origin,
        headers: &HeaderMap,
        standing: &mut Option<Standing>,
    ) -> Result<Caller, Error> {
        let engine = &self.app.engine;
        let credential = Credential::find(dialect, headers).ok_or(Error::Unauthenticated)?;
        let caller = engine
            .authenticate(credential.token, credential.accepts, origin)
            .await?;
        let (stands, refused) = Standing::of(engine.admit(&caller).await);
        *standing = stands;
        match refused {
            Some(error) => Err(error),
            None => Ok(Caller(caller)),
        }
    }
}

/// Whether the request says once for whom it is (RFC 9112 §3.2): two servers on its way could read two differently.
fn has_one_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    hosts.next().is_some() && hosts.next().is_none()
}

/// `error` in the shape of the API; outside of them all, as problem details.
fn refuse(dialect: Option<Dialect>, error: Error) -> Response {
    if let Some(dialect) = dialect {
        return dialect.refuse(error);
    }
    let status = match error {
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let body = Problem::new(status);
    reply::refusal(status, PROBLEM_JSON, &body, &error, "Bearer")
}

/// A 404 outside of all APIs.
pub(crate) fn refuse_path() -> Response {
    refuse(None, Error::NotFound)
}

fn refuse_method(dialect: Option<Dialect>, allow: HeaderValue) -> Response {
    if let Some(dialect) = dialect {
        return dialect.refuse_method(allow);
    }
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = reply::json(status, PROBLEM_JSON, &Problem::new(status));
    response.headers_mut().insert(http::header::ALLOW, allow);
    response
}

/// Problem details (RFC 9457).
#[derive(Serialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
}

impl Problem {
    fn new(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or_default();
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
        }
    }
}

/// The handling of a request panicked.
struct Panicked;

/// What `future` gives, or that it panicked (NT-60).
async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(move |context| {
        // After a panic the future is not polled again; what it shares with others is behind locks that outlive it.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => std::task::Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

/// One line for each request, by its operation: a path may hold names, and ids that open doors. A failure of ours is told
/// with its cause, at any level but `off`.
fn log(id: Option<RequestId>, counts: &Counts, response: &Response, microseconds: u128) {
    let request = id.map(display);
    let (api, operation, status) = (counts.api, &counts.operation, response.status().as_u16());
    if let Some(Cause(cause)) = response.extensions().get() {
        tracing::error!(target: LOG, request, api, operation, status, cause, "failed");
    } else {
        tracing::debug!(target: LOG, request, api, operation, status, microseconds, "answered");
    }
}

/// What these lines are filtered by.
const LOG: &str = "kluis::request";
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

#[cfg(test)]
mod tests {
    use super::*;

    /// NT-60
    #[tokio::test]
    async fn a_panic_is_caught_wherever_it_happens() {
        assert!(caught(async { 1 }).await.is_ok_and(|one| one == 1));
        assert!(caught(async { panic!("at once") }).await.is_err());
        let later = async {
            tokio::task::yield_now().await;
            panic!("later");
        };
        assert!(caught(later).await.is_err());
    }

    #[test]
    fn refusals_outside_of_all_apis_are_problem_details() {
        for (error, status) in [
            (Error::NotFound, 404),
            (Error::Unavailable(Unavailable::Sealed), 503),
            (Error::internal("cause"), 500),
        ] {
            let response = refuse(None, error);
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers()[http::header::CONTENT_TYPE], PROBLEM_JSON);
        }
    }
}
