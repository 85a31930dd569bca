//! `GET, POST /v1/api-keys`; `GET, PATCH, DELETE /v1/api-keys/{id}`; `POST /v1/api-keys/{id}/rotate`.

use axum::extract::State;
use kluis_engine::{ApiKey, ApiKeyId, KeysOf, UserId};

use super::paging::{Field, List, ListItem};
use super::wire::{self, Answer, ListAnswer, created, success};
use super::{Json, NoBody, Path};
use crate::api::ids::{Id, Kind as _};
use crate::app::App;
use crate::caller::Caller;

impl ListItem for ApiKey {
    const NAME: &'static str = "api-keys";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |key| key.created_at.into()),
        Field::time("updated_at", |key| key.updated_at.into()),
        Field::time("expires_at", |key| key.expires_at.into()),
        Field::time("last_used_at", |key| key.last_used_at.into()),
        Field::time("last_rotated_at", |key| key.last_rotated_at.into()),
        Field::text("name", |key| key.name.as_str().into()),
        Field::word("prefix", |key| key.prefix.as_str().into()),
        Field::word("status", |key| key.status.as_str().into()),
    ];
    const SELECTORS: &'static [(&'static str, &'static str)] = &[(
        USER,
        "Whose keys; the caller's own unless given. Those of others are for owners.",
    )];

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

/// List API keys
///
/// Never shows a key itself.
#[utoipa::path(
    get,
    path = "/v1/api-keys",
    tag = "Authentication",
    params(List::<ApiKey>),
    responses((status = 200, body = wire::Listed<wire::ApiKey>)),
    extensions(("x-kluis-action" = json!("api_key.list")), ("x-kluis-file" = json!("api_keys")))
)]
pub(super) async fn api_key_list(
    State(app): State<App>,
    caller: Caller,
    list: List<ApiKey>,
) -> ListAnswer<wire::ApiKey> {
    let list = list.open(&app.engine, &caller)?;
    let of = list
        .selector(USER)
        .map_or(KeysOf::Caller, |user| KeysOf::User(UserId::named(user)));
    list.page(app.engine.api_key_list(&caller, of).await?)
}

/// Create an API key
///
/// The key is shown once. It can be given only scopes that its maker has.
#[utoipa::path(
    post,
    path = "/v1/api-keys",
    tag = "Authentication",
    request_body = wire::ApiKeyCreate,
    responses(
        (status = 201, body = wire::Success<wire::ApiKeyShown>),
        (status = 404, description = "There is no such user")
    ),
    extensions(("x-kluis-action" = json!("api_key.create")), ("x-kluis-file" = json!("api_keys")))
)]
pub(super) async fn api_key_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::ApiKeyCreate>,
) -> Answer<wire::ApiKeyShown> {
    let new = body.parse(app.engine.clock().now())?;
    created(app.engine.api_key_create(&caller, new).await?.into())
}

/// Read an API key
#[utoipa::path(
    get,
    path = "/v1/api-keys/{id}",
    tag = "Authentication",
    params(("id" = String, Path, description = "Id of the key")),
    responses((status = 200, body = wire::Success<wire::ApiKey>)),
    extensions(("x-kluis-action" = json!("api_key.view")), ("x-kluis-file" = json!("api_keys")))
)]
pub(super) async fn api_key_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(key)): Path<Id<ApiKeyId>>,
) -> Answer<wire::ApiKey> {
    success(app.engine.api_key_read(&caller, key).await?.into())
}

/// Change an API key's name, scopes or expiry
///
/// Members that are left out stay as they are; null takes a ceiling or an expiry away.
#[utoipa::path(
    patch,
    path = "/v1/api-keys/{id}",
    tag = "Authentication",
    params(("id" = String, Path, description = "Id of the key")),
    request_body = wire::ApiKeyUpdate,
    responses((status = 200, body = wire::Success<wire::ApiKey>)),
    extensions(("x-kluis-action" = json!("api_key.update")), ("x-kluis-file" = json!("api_keys")))
)]
pub(super) async fn api_key_update(
    State(app): State<App>,
    caller: Caller,
    Path(Id(key)): Path<Id<ApiKeyId>>,
    Json(body): Json<wire::ApiKeyUpdate>,
) -> Answer<wire::ApiKey> {
    let change = body.parse(app.engine.clock().now())?;
    success(
        app.engine
            .api_key_update(&caller, key, change)
            .await?
            .into(),
    )
}

/// Revoke an API key
///
/// It is dead at once.
#[utoipa::path(
    delete,
    path = "/v1/api-keys/{id}",
    tag = "Authentication",
    params(("id" = String, Path, description = "Id of the key")),
    responses((status = 200, body = wire::Success<wire::Deleted>)),
    extensions(("x-kluis-action" = json!("api_key.revoke")), ("x-kluis-file" = json!("api_keys")))
)]
pub(super) async fn api_key_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(key)): Path<Id<ApiKeyId>>,
) -> Answer<wire::Deleted> {
    app.engine.api_key_delete(&caller, key).await?;
    success(wire::Deleted::api_key(key))
}

/// Replace an API key
///
/// The new key is shown once; the old one is dead at once.
#[utoipa::path(
    post,
    path = "/v1/api-keys/{id}/rotate",
    tag = "Authentication",
    params(("id" = String, Path, description = "Id of the key")),
    responses((status = 200, body = wire::Success<wire::ApiKeyShown>)),
    extensions(("x-kluis-action" = json!("api_key.rotate")), ("x-kluis-file" = json!("api_keys")))
)]
pub(super) async fn api_key_rotate(
    State(app): State<App>,
    caller: Caller,
    Path(Id(key)): Path<Id<ApiKeyId>>,
    _: NoBody,
) -> Answer<wire::ApiKeyShown> {
    success(app.engine.api_key_rotate(&caller, key).await?.into())
}

/// The parameter that says whose keys.
const USER: &str = "user_id";
