//! `PUT, GET /organization/{id}/secrets`; `POST …/secrets/retrieve`; `DELETE …/secrets/{name}`.
//!
//! The functions after the handlers are what both doors do, here and in `rpc.rs`.

use axum::extract::State;
use http::StatusCode;
use kluis_engine::Error;

use super::error::Failure;
use super::{Answer, Json, Path, Query, found, wire};
use crate::app::App;
use crate::caller::Caller;

/// Store a secret
///
/// Makes it, or gives it a new version; an environment that is not there is made. The value has to come sealed.
#[utoipa::path(
    put,
    path = "/organization/{id}/secrets",
    tag = "secrets",
    params(wire::OrganizationAt),
    request_body = wire::SecretPut,
    responses((status = 200, body = wire::SecretMetadata)),
    extensions(("x-kluis-action" = json!("secret.write")))
)]
pub(super) async fn secret_put(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::OrganizationAt>,
    Json(body): Json<wire::SecretPut>,
) -> Answer<wire::SecretMetadata> {
    found(put(&app, &caller, &at.id, body).await?)
}

/// List the secrets of an environment
///
/// By name in byte order, never with values. An environment that is not there has none.
#[utoipa::path(
    get,
    path = "/organization/{id}/secrets",
    tag = "secrets",
    params(wire::OrganizationAt, wire::ListQuery),
    responses((status = 200, body = wire::Secrets)),
    extensions(("x-kluis-action" = json!("secret.list")))
)]
pub(super) async fn secret_list(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::OrganizationAt>,
    Query(query): Query<wire::ListQuery>,
) -> Answer<wire::Secrets> {
    found(list(&app, &caller, &at.id, query.into()).await?)
}

/// Retrieve values, sealed
///
/// Values that are not there, not permitted or not available are left out; each that is given uses one of its reads where they
/// are limited.
#[utoipa::path(
    post,
    path = "/organization/{id}/secrets/retrieve",
    tag = "secrets",
    params(wire::OrganizationAt),
    request_body = wire::Retrieval,
    responses((status = 200, body = wire::SealedSecrets)),
    extensions(("x-kluis-action" = json!("secret.read")))
)]
pub(super) async fn secret_retrieve(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::OrganizationAt>,
    Json(body): Json<wire::Retrieval>,
) -> Answer<wire::SealedSecrets> {
    found(retrieve(&app, &caller, &at.id, body).await?)
}

/// Delete a secret
///
/// All its versions are gone at once and for good, in this environment only.
#[utoipa::path(
    delete,
    path = "/organization/{id}/secrets/{name}",
    tag = "secrets",
    params(wire::SecretAt, wire::DeleteQuery),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("secret.delete")))
)]
pub(super) async fn secret_delete(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::SecretAt>,
    Query(query): Query<wire::DeleteQuery>,
) -> Result<StatusCode, Failure> {
    delete(&app, &caller, &at.id, ("env", query.env), &at.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete the secret of the name `public-key`
#[utoipa::path(
    delete,
    path = "/organization/{id}/secrets/public-key",
    tag = "secrets",
    params(wire::OrganizationAt, wire::DeleteQuery),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("secret.delete")))
)]
pub(super) async fn secret_delete_public_key(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::OrganizationAt>,
    Query(query): Query<wire::DeleteQuery>,
) -> Result<StatusCode, Failure> {
    delete(&app, &caller, &at.id, ("env", query.env), "public-key").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete the secret of the name `retrieve`
#[utoipa::path(
    delete,
    path = "/organization/{id}/secrets/retrieve",
    tag = "secrets",
    params(wire::OrganizationAt, wire::DeleteQuery),
    responses((status = 204)),
    extensions(("x-kluis-action" = json!("secret.delete")))
)]
pub(super) async fn secret_delete_retrieve(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<wire::OrganizationAt>,
    Query(query): Query<wire::DeleteQuery>,
) -> Result<StatusCode, Failure> {
    delete(&app, &caller, &at.id, ("env", query.env), "retrieve").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Store a secret.
pub(super) async fn put(
    app: &App,
    caller: &Caller,
    organization: &str,
    body: wire::SecretPut,
) -> Result<wire::SecretMetadata, Error> {
    let put = body.parse(organization)?;
    let environment = put.at.vault.clone();
    let written = app.engine.sealed_secret_put(caller, put).await?;
    Ok(wire::SecretMetadata::of(&environment, written))
}

/// List the secrets of an environment.
pub(super) async fn list(
    app: &App,
    caller: &Caller,
    organization: &str,
    listing: wire::Listing,
) -> Result<wire::Secrets, Error> {
    let (at, selection) = listing.parse(organization)?;
    let listed = app.engine.sealed_secret_list(caller, &at, &selection);
    let shown = |secret| wire::SecretMetadata::of(&at.vault, secret);
    Ok(wire::Secrets {
        secrets: listed.await?.into_iter().map(shown).collect(),
    })
}

/// Retrieve values.
pub(super) async fn retrieve(
    app: &App,
    caller: &Caller,
    organization: &str,
    body: wire::Retrieval,
) -> Result<wire::SealedSecrets, Error> {
    let (at, selection, reader) = body.parse(organization)?;
    let engine = &app.engine;
    let retrieved = engine.sealed_secret_retrieve(caller, &at, selection, reader);
    Ok(retrieved.await?.into())
}

/// Delete a secret; the environment comes with the word that this door has for it.
pub(super) async fn delete(
    app: &App,
    caller: &Caller,
    organization: &str,
    (field, environment): (&'static str, Option<String>),
    name: &str,
) -> Result<(), Error> {
    let at = wire::environment(organization, field, environment)?;
    let path = wire::name(name)?;
    app.engine.sealed_secret_delete(caller, &at, path).await
}
