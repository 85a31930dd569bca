//! `POST /crate.v1.{SecretsService,TagService,ProfileService}/…`: gRPC, gRPC-Web and Connect, by content type (contract §6).
//!
//! The protocols, and protobuf's own JSON, are the library's. Each procedure turns its message into what the door in JSON takes, and
//! calls the same function. An error of the engine leaves as a [`Failure`], so that the gate, the log and the metrics see it as they
//! see any other.

mod services;

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use connectrpc::{
    CompressionRegistry, ConnectError, ConnectRpcService, ErrorCode, Limits, RequestContext,
    Router, ServiceResult, unary_interceptor,
};
use http::HeaderMap;
use kluis_engine::Error;
use kluis_proto::v1::{ProfileServiceExt, SecretsServiceExt, TagServiceExt};
use tower::Service as _;

use self::services::Services;
use super::error::Failure;
use crate::api::Dialect;
use crate::api::body::{BODY, bytes_of, is_json};
use crate::app::App;
use crate::caller::Caller;
use crate::grpc::Message;

/// What a procedure is handed with its request, and where it leaves its error.
#[derive(Clone)]
struct Call {
    app: App,
    caller: Caller,
    error: Arc<Mutex<Option<Error>>>,
}

/// What answers the procedures.
pub(crate) fn service() -> ConnectRpcService {
    let services = Arc::new(Services);
    let router = Router::new();
    let router = SecretsServiceExt::register(Arc::clone(&services), router);
    let router = TagServiceExt::register(Arc::clone(&services), router);
    let router = ProfileServiceExt::register(services, router);
    let limit = Dialect::Crate.body_limit();
    ConnectRpcService::new(router)
        .with_limits(
            Limits::default()
                .with_max_request_body_size(limit)
                .with_max_message_size(limit),
        )
        // Nothing is compressed: answers hold secrets beside what the caller chooses.
        .with_compression(CompressionRegistry::new())
        .with_interceptor(unary_interceptor(|request, next| {
            Box::pin(async move {
                let call = request.ctx.extensions().get::<Call>().cloned();
                let answered = next.run(request).await;
                if let (Err(error), Some(call)) = (&answered, call)
                    && error.code == ErrorCode::InvalidArgument
                {
                    // The library's words for what it cannot read may repeat it.
                    call.leave(Error::invalid(BODY, "is not a message of this procedure"));
                }
                answered
            })
        }))
}

/// Answer one call: the body is read within the server's bounds, like any other.
async fn call(app: App, caller: Caller, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(error) = require_timeouts(&parts.headers) {
        return Failure(error).into_response();
    }
    let body = match bytes_of(&parts.headers, body, Dialect::Crate, &app).await {
        // A list would pass for a message whose members are given in order.
        Ok(bytes) if is_json(&parts.headers) && !bytes.trim_ascii_start().starts_with(b"{") => {
            let error = Error::invalid(BODY, "must be a JSON object");
            return Failure(error).into_response();
        }
        Ok(bytes) => Body::from(bytes),
        Err(error) => return Failure(error).into_response(),
    };
    let mut service = app.rpc.clone();
    let call = Call {
        app,
        caller,
        error: Arc::default(),
    };
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(call.clone());
    let answered = service
        .call(request)
        .await
        .unwrap_or_else(|never| match never {});
    let left = call
        .error
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    match left {
        Some(error) => Failure(error).into_response(),
        None => answered.map(Body::new),
    }
}

/// That the time which a client gives is one: the library takes what it cannot read for none at all.
fn require_timeouts(headers: &HeaderMap) -> Result<(), Error> {
    let is_number =
        |text: &[u8], most| (1..=most).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    if let Some(given) = headers.get(CONNECT_TIMEOUT)
        && !is_number(given.as_bytes(), 10)
    {
        let why = "must be a whole number of at most 10 digits";
        return Err(Error::invalid(CONNECT_TIMEOUT, why));
    }
    if let Some(given) = headers.get(GRPC_TIMEOUT) {
        let is_one = given
            .as_bytes()
            .split_last()
            .is_some_and(|(unit, number)| b"HMSmun".contains(unit) && is_number(number, 8));
        if !is_one {
            let why = "must be a whole number of at most 8 digits and a unit";
            return Err(Error::invalid(GRPC_TIMEOUT, why));
        }
    }
    Ok(())
}

const CONNECT_TIMEOUT: &str = "connect-timeout-ms";
const GRPC_TIMEOUT: &str = "grpc-timeout";

impl Call {
    /// The call that this request is of, while there is time for it: what the client does not wait for any more is not begun.
    fn of(context: &RequestContext) -> Result<&Self, ConnectError> {
        if context.time_remaining().is_some_and(|left| left.is_zero()) {
            return Err(ConnectError::deadline_exceeded("the time is over"));
        }
        let call = context.extensions().get();
        call.ok_or_else(|| ConnectError::internal("the call is lost"))
    }

    /// Leave the error that the answer is; the first one counts.
    fn leave(&self, error: Error) {
        let mut left = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        left.get_or_insert(error);
    }

    /// The answer that the engine's comes to.
    fn answer<T, M>(
        &self,
        result: Result<T, Error>,
        message: impl FnOnce(T) -> M,
    ) -> ServiceResult<M> {
        match result {
            Ok(done) => connectrpc::Response::ok(message(done)),
            Err(error) => {
                self.leave(error);
                // What it says goes by the engine's error.
                Err(ConnectError::internal(""))
            }
        }
    }
}

/// Store a secret
#[utoipa::path(
    post,
    path = "/crate.v1.SecretsService/StoreSecret",
    tag = "rpc",
    request_body = Message,
    responses((status = 200, body = Message)),
    extensions(("x-kluis-action" = json!("secret.write")))
)]
pub(super) async fn rpc_store_secret(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Response {
    call(app, caller, request).await
}

/// List the secrets of an environment
#[utoipa::path(
    post,
    path = "/crate.v1.SecretsService/ListSecrets",
    tag = "rpc",
    request_body = Message,
    responses((status = 200, body = Message)),
    extensions(("x-kluis-action" = json!("secret.list")))
)]
pub(super) async fn rpc_list_secrets(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Response {
    call(app, caller, request).await
}

/// Read the organization's public key
#[utoipa::path(
    post,
    path = "/crate.v1.SecretsService/GetPublicKey",
    tag = "rpc",
    request_body = Message,
    responses((status = 200, body = Message)),
    extensions(("x-kluis-action" = json!("public_key.read")))
)]
pub(super) async fn rpc_get_public_key(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Response {
    call(app, caller, request).await
}

/// Retrieve values, sealed
#[utoipa::path(
    post,
    path = "/crate.v1.SecretsService/RetrieveSecrets",
    tag = "rpc",
    request_body = Message,
    responses((status = 200, body = Message)),
    extensions(("x-kluis-action" = json!("secret.read")))
)]
pub(super) async fn rpc_retrieve_secrets(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Response {
    call(app, caller, request).await
}

/// Delete a secret
#[utoipa::path(
    post,
    path = "/crate.v1.SecretsService/DeleteSecret",
    tag = "rpc",
    request_body = Message,
    responses((status = 200, body = Message)),
    extensions(("x-kluis-action" = json!("secret.delete")))
)]
pub(super) async fn rpc_delete_secret(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Response {
    call(app, caller, request).await
}

/// List the tags of an organization
#[utoipa::path(
    post,
    path = "/crate.v1.TagService/ListTags",
    tag = "rpc",
    request_body = Message,
    responses((status = 200, body = Message)),
    extensions(("x-kluis-action" = json!("tag.list")))
)]
pub(super) async fn rpc_list_tags(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Response {
    call(app, caller, request).await
}

/// Read who asks
#[utoipa::path(
    post,
    path = "/crate.v1.ProfileService/GetProfile",
    tag = "rpc",
    request_body = Message,
    responses((status = 200, body = Message)),
    extensions(("x-kluis-action" = json!("profile.read")))
)]
pub(super) async fn rpc_get_profile(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Response {
    call(app, caller, request).await
}
