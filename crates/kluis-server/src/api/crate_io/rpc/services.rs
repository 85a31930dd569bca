//! The procedures, from their messages to what the other door takes and back.

#![expect(
    refining_impl_trait,
    reason = "the services say which message they answer with"
)]

use buffa_types::google::protobuf::Timestamp;
use connectrpc::{RequestContext, ServiceRequest, ServiceResult};
use kluis_proto::v1::{
    DeleteSecretRequest, DeleteSecretResponse, GetProfileRequest, GetProfileResponse,
    GetPublicKeyRequest, GetPublicKeyResponse, ListSecretsRequest, ListSecretsResponse,
    ListTagsRequest, ListTagsResponse, OrganizationMembership, ProfileService,
    RetrieveSecretsRequest, RetrieveSecretsResponse, SecretMetadata, SecretsService,
    StoreSecretRequest, StoreSecretResponse, Tag, TagMetadata, TagService,
};

use super::super::{public_key, secrets, tags, wire};
use super::Call;

/// The three services. They hold nothing: what a procedure needs comes with the request.
pub(super) struct Services;

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
