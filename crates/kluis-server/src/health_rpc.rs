//! `grpc.health.v1.Health` and server reflection, for clients of RPC; open to all, like `/healthz` (RULES §3).

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use connectrpc::{
    CompressionRegistry, ConnectError, ConnectRpcService, DeadlinePolicy, ErrorCode, Router,
    unary_interceptor,
};
use connectrpc_health::{Checker, HealthExt, HealthService, Status, StatusStream};
use connectrpc_reflection::{ReflectionError, Reflector};
use futures::stream;
use kluis_engine::Engine;
use tower::Service as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Dialect;
use crate::api::body::bytes_of;
use crate::app::App;
use crate::grpc::Message;
use crate::server::Stopping;

/// The descriptors of the services cannot be served: a defect, which the first start shows.
#[derive(Debug, thiserror::Error)]
#[error("the services cannot be described: {0}")]
pub struct Undescribed(#[from] ReflectionError);

/// How the server is: the same for all of its services.
struct Health {
    engine: Engine,
    stopping: Stopping,
}

/// How often whoever watches is told of a change.
const WATCH_EVERY: Duration = Duration::from_secs(5);
/// How long a stream may last; who still wants to know asks again.
const LONGEST: Duration = Duration::from_secs(30);
/// The whole server, and its services.
const SERVICES: [&str; 4] = [
    "",
    "crate.v1.ProfileService",
    "crate.v1.SecretsService",
    "crate.v1.TagService",
];

/// The routes of this file.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health_check))
        .routes(routes!(health_watch))
        .routes(routes!(reflection))
        .routes(routes!(reflection_alpha))
}

/// What answers these procedures. Anyone may call them, so no stream is held for long.
pub(crate) fn service(
    engine: Engine,
    stopping: Stopping,
) -> Result<ConnectRpcService, Undescribed> {
    let health = HealthService::new(Health { engine, stopping });
    let router = HealthExt::register(std::sync::Arc::new(health), Router::new());
    let limits = connectrpc_health::request_limits();
    let router = connectrpc_health::apply_request_limits(router, limits);
    let reflector = Reflector::from_descriptor_set_bytes(kluis_proto::DESCRIPTORS)?;
    let router = connectrpc_reflection::install(router, reflector);
    let deadlines = DeadlinePolicy::new()
        .with_max(LONGEST)
        .with_default_timeout(LONGEST)
        .with_enforce_on_streams(true);
    Ok(ConnectRpcService::new(router)
        .with_compression(CompressionRegistry::new())
        .with_deadline_policy(deadlines)
        .with_interceptor(unary_interceptor(|request, next| {
            Box::pin(async move {
                // The library's words for what it cannot read may repeat it.
                next.run(request).await.map_err(|error| match error.code {
                    ErrorCode::InvalidArgument => {
                        ConnectError::invalid_argument("the message cannot be read")
                    }
                    _ => error,
                })
            })
        })))
}

impl Health {
    async fn status(&self) -> Status {
        match self.engine.ready().await {
            Ok(()) => Status::Serving,
            Err(_) => Status::NotServing,
        }
    }
}

impl Checker for Health {
    async fn check(&self, service: &str) -> Result<Status, ConnectError> {
        known(service)?;
        Ok(self.status().await)
    }

    /// The status now, and then whenever it has changed, until the server stops.
    async fn watch(&self, service: &str) -> Result<StatusStream, ConnectError> {
        known(service)?;
        let health = Self {
            engine: self.engine.clone(),
            stopping: self.stopping.clone(),
        };
        let told = stream::unfold((health, None), |(mut health, last)| async move {
            loop {
                let now = health.status().await;
                if last != Some(now) {
                    return Some((now, (health, Some(now))));
                }
                tokio::select! {
                    () = tokio::time::sleep(WATCH_EVERY) => {}
                    () = health.stopping.wait() => return None,
                }
            }
        });
        Ok(StatusStream::new(told))
    }
}

fn known(service: &str) -> Result<(), ConnectError> {
    if SERVICES.contains(&service) {
        Ok(())
    } else {
        Err(ConnectError::not_found("there is no such service"))
    }
}

/// Whether a service can serve
#[utoipa::path(
    post,
    path = "/grpc.health.v1.Health/Check",
    tag = "health_rpc",
    request_body = Message,
    responses(
        (status = 200, body = Message),
        (status = 400, body = Message, description = "The message cannot be read"),
        (status = 415, description = "The media type is none of RPC's")
    )
)]
async fn health_check(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // Crate's bounds and shape: of all APIs it is the one with RPC.
    match bytes_of(&parts.headers, body, Dialect::Crate, &app).await {
        Ok(bytes) => call(app, Request::from_parts(parts, Body::from(bytes))).await,
        Err(error) => Dialect::Crate.refuse(error),
    }
}

/// Whether a service can serve, now and whenever it changes
#[utoipa::path(
    post,
    path = "/grpc.health.v1.Health/Watch",
    tag = "health_rpc",
    request_body = Message,
    responses(
        (status = 200, body = Message, description = "A stream of messages, in a media type for streams"),
        (status = 415, description = "The media type is none of RPC's"),
        (status = 501, body = Message, description = "The media type is one for single messages")
    )
)]
async fn health_watch(State(app): State<App>, request: Request) -> Response {
    call(app, request).await
}

/// Descriptors of the services
#[utoipa::path(
    post,
    path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    tag = "health_rpc",
    request_body = Message,
    responses(
        (status = 200, body = Message, description = "A stream of messages, in a media type for streams"),
        (status = 415, description = "The media type is none of RPC's"),
        (status = 501, body = Message, description = "The media type is one for single messages")
    )
)]
async fn reflection(State(app): State<App>, request: Request) -> Response {
    call(app, request).await
}

/// The same, as older clients ask for it
#[utoipa::path(
    post,
    path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    tag = "health_rpc",
    request_body = Message,
    responses(
        (status = 200, body = Message, description = "A stream of messages, in a media type for streams"),
        (status = 415, description = "The media type is none of RPC's"),
        (status = 501, body = Message, description = "The media type is one for single messages")
    )
)]
async fn reflection_alpha(State(app): State<App>, request: Request) -> Response {
    call(app, request).await
}

async fn call(app: App, request: Request) -> Response {
    let answered = app.system_rpc.clone().call(request).await;
    answered
        .unwrap_or_else(|never| match never {})
        .map(Body::new)
}
