//! `POST /crate.v1.{SecretsService,TagService,ProfileService}/…`: gRPC, gRPC-Web and Connect, by content type (contract §6).
//!
//! The protocols, and protobuf's own JSON, are the library's. Each procedure turns its message into what the door in JSON takes, and
//! calls the same function. An error of the engine leaves as a [`Failure`], so that the gate, the log and the metrics see it as they
//! see any other.

#![expect(
    refining_impl_trait,
    reason = "the services say which message they answer with"
)]

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use buffa_types::google::protobuf::Timestamp;
use connectrpc::{
    CompressionRegistry, ConnectError, ConnectRpcService, ErrorCode, Limits, RequestContext,
    Router, ServiceRequest, ServiceResult, unary_interceptor,
};
use kluis_engine::Error;
use kluis_proto::v1::{
    DeleteSecretRequest, DeleteSecretResponse, GetProfileRequest, GetProfileResponse,
    GetPublicKeyRequest, GetPublicKeyResponse, ListSecretsRequest, ListSecretsResponse,
    ListTagsRequest, ListTagsResponse, OrganizationMembership, ProfileService, ProfileServiceExt,
    RetrieveSecretsRequest, RetrieveSecretsResponse, SecretMetadata, SecretsService,
    SecretsServiceExt, StoreSecretRequest, StoreSecretResponse, Tag, TagMetadata, TagService,
    TagServiceExt,
};
use tower::Service as _;

use super::error::Failure;
use super::{public_key, secrets, tags, wire};
use crate::api::Dialect;
use crate::api::body::{BODY, bytes_of};
use crate::app::App;
use crate::caller::Caller;
use crate::grpc::Message;

/// The three services. They hold nothing: what a procedure needs comes with the request.
struct Services;

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
    let body = match bytes_of(&parts.headers, body, Dialect::Crate, &app).await {
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

impl Call {
    /// The call that this request is of.
    fn of(context: &RequestContext) -> Result<&Self, ConnectError> {
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

impl SecretsService for Services {
    async fn store_secret(
        &self,
        context: RequestContext,
        request: ServiceRequest<'_, StoreSecretRequest>,
    ) -> ServiceResult<StoreSecretResponse> {
        let call = Call::of(&context)?;
        let request = request.to_owned_message();
        let body = wire::SecretPut {
            name: request.name,
            environment: stated(request.environment),
            encrypted_value: request.encrypted_value,
            sealed: wire::IsTrue(request.sealed),
            tags: request.tag_list.into_option().map(|list| list.tags),
            encrypted_key: stated(request.encrypted_key),
        };
        let stored = secrets::put(&call.app, &call.caller, &request.organization_id, body).await;
        call.answer(stored, |secret| StoreSecretResponse {
            secret: SecretMetadata::from(secret).into(),
            ..Default::default()
        })
    }

    async fn list_secrets(
        &self,
        context: RequestContext,
        request: ServiceRequest<'_, ListSecretsRequest>,
    ) -> ServiceResult<ListSecretsResponse> {
        let call = Call::of(&context)?;
        let request = request.to_owned_message();
        let listing = wire::Listing {
            environment: ("environment", stated(request.environment)),
            tags: request.tags,
            tag_match: stated(request.tag_match),
        };
        let organization = &request.organization_id;
        let listed = secrets::list(&call.app, &call.caller, organization, listing).await;
        call.answer(listed, |listed| ListSecretsResponse {
            secrets: listed.secrets.into_iter().map(Into::into).collect(),
            ..Default::default()
        })
    }

    async fn get_public_key(
        &self,
        context: RequestContext,
        request: ServiceRequest<'_, GetPublicKeyRequest>,
    ) -> ServiceResult<GetPublicKeyResponse> {
        let call = Call::of(&context)?;
        let organization = request.view().organization_id;
        let read = public_key::read(&call.app, &call.caller, organization).await;
        call.answer(read, |key| GetPublicKeyResponse {
            public_key_pem: key.public_key_pem,
            ..Default::default()
        })
    }

    async fn retrieve_secrets(
        &self,
        context: RequestContext,
        request: ServiceRequest<'_, RetrieveSecretsRequest>,
    ) -> ServiceResult<RetrieveSecretsResponse> {
        let call = Call::of(&context)?;
        let request = request.to_owned_message();
        let body = wire::Retrieval {
            environment: stated(request.environment),
            names: Some(request.names),
            tags: Some(request.tags),
            tag_match: stated(request.tag_match),
            public_key_pem: request.public_key_pem,
        };
        let organization = &request.organization_id;
        let retrieved = secrets::retrieve(&call.app, &call.caller, organization, body).await;
        call.answer(retrieved, |sealed| RetrieveSecretsResponse {
            encrypted_secrets: sealed.encrypted_secrets,
            encrypted_key: sealed.encrypted_key,
            ..Default::default()
        })
    }

    async fn delete_secret(
        &self,
        context: RequestContext,
        request: ServiceRequest<'_, DeleteSecretRequest>,
    ) -> ServiceResult<DeleteSecretResponse> {
        let call = Call::of(&context)?;
        let DeleteSecretRequest {
            organization_id,
            name,
            environment,
            ..
        } = request.to_owned_message();
        let environment = ("environment", stated(environment));
        let (app, caller) = (&call.app, &call.caller);
        let deleted = secrets::delete(app, caller, &organization_id, environment, &name).await;
        call.answer(deleted, |()| DeleteSecretResponse::default())
    }
}

impl TagService for Services {
    async fn list_tags(
        &self,
        context: RequestContext,
        request: ServiceRequest<'_, ListTagsRequest>,
    ) -> ServiceResult<ListTagsResponse> {
        let call = Call::of(&context)?;
        let organization = request.view().organization_id;
        let listed = tags::list(&call.app, &call.caller, organization).await;
        let shown = |wire::Tag { name, metadata }| Tag {
            name,
            metadata: TagMetadata {
                color: metadata.color,
                description: metadata.description,
                ..Default::default()
            }
            .into(),
            ..Default::default()
        };
        call.answer(listed, |listed| ListTagsResponse {
            tags: listed.tags.into_iter().map(shown).collect(),
            ..Default::default()
        })
    }
}

impl ProfileService for Services {
    async fn get_profile(
        &self,
        context: RequestContext,
        _: ServiceRequest<'_, GetProfileRequest>,
    ) -> ServiceResult<GetProfileResponse> {
        let call = Call::of(&context)?;
        let read = call.app.engine.profile_of_admin(&call.caller).await;
        call.answer(read, |(user, organization)| GetProfileResponse {
            id: user.id.to_string(),
            email: user.email,
            name: user.name,
            organizations: vec![OrganizationMembership {
                id: user.organization.to_string(),
                name: organization,
                role: user.role.as_str().to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        })
    }
}

impl From<wire::SecretMetadata> for SecretMetadata {
    fn from(secret: wire::SecretMetadata) -> Self {
        Self {
            name: secret.name,
            environment: secret.environment,
            version: i32::try_from(secret.version).unwrap_or(i32::MAX),
            tags: secret.tags,
            updated_at: timestamp(secret.updated_millis).into(),
            ..Default::default()
        }
    }
}

fn timestamp(millis: i64) -> Timestamp {
    let nanos = i32::try_from(millis.rem_euclid(1_000)).unwrap_or(0) * 1_000_000;
    Timestamp::from_unix(millis.div_euclid(1_000), nanos)
}

/// A text that is stated: in protobuf an empty one is as good as absent.
fn stated(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// One procedure for the router and the documents.
macro_rules! procedures {
    ($($handler:ident, $path:literal, $action:literal, $summary:literal;)*) => {$(
        #[doc = $summary]
        #[utoipa::path(
            post,
            path = $path,
            tag = "rpc",
            request_body = Message,
            responses((status = 200, body = Message)),
            extensions(("x-kluis-action" = json!($action)))
        )]
        pub(super) async fn $handler(
            State(app): State<App>,
            caller: Caller,
            request: Request,
        ) -> Response {
            call(app, caller, request).await
        }
    )*};
}

procedures! {
    rpc_store_secret, "/crate.v1.SecretsService/StoreSecret", "secret.write", "Store a secret";
    rpc_list_secrets, "/crate.v1.SecretsService/ListSecrets", "secret.list", "List the secrets of an environment";
    rpc_get_public_key, "/crate.v1.SecretsService/GetPublicKey", "public_key.read", "Read the organization's public key";
    rpc_retrieve_secrets, "/crate.v1.SecretsService/RetrieveSecrets", "secret.read", "Retrieve values, sealed";
    rpc_delete_secret, "/crate.v1.SecretsService/DeleteSecret", "secret.delete", "Delete a secret";
    rpc_list_tags, "/crate.v1.TagService/ListTags", "tag.list", "List the tags of an organization";
    rpc_get_profile, "/crate.v1.ProfileService/GetProfile", "profile.read", "Read who asks";
}
