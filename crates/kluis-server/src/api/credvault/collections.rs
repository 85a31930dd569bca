//! `GET, POST /v1/collections`; `GET, PATCH, DELETE /v1/collections/{name}`.

use axum::extract::State;
use kluis_engine::{Contents, Vault};

use super::paging::{Field, List, ListItem};
use super::wire::{self, Answer, ListAnswer, created, success};
use super::{Json, Path, Query};
use crate::app::App;
use crate::caller::Caller;

impl ListItem for Vault {
    const NAME: &'static str = "collections";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |vault| vault.created_at.into()),
        Field::time("updated_at", |vault| vault.updated_at.into()),
        Field::text("name", |vault| vault.name.as_str().into()),
    ];

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

/// List collections
///
/// Those that the caller can reach.
#[utoipa::path(
    get,
    path = "/v1/collections",
    tag = "Data operations",
    params(List::<Vault>),
    responses((status = 200, body = wire::Listed<wire::Collection>)),
    extensions(("x-kluis-action" = json!("vault.list")), ("x-kluis-file" = json!("collections")))
)]
pub(super) async fn collection_list(
    State(app): State<App>,
    caller: Caller,
    list: List<Vault>,
) -> ListAnswer<wire::Collection> {
    let list = list.open(&app.engine, &caller)?;
    list.page(app.engine.vault_list(&caller).await?)
}

/// Create a collection
///
/// 409 when the name is taken.
#[utoipa::path(
    post,
    path = "/v1/collections",
    tag = "Data operations",
    request_body = wire::CollectionCreate,
    responses((status = 201, body = wire::Success<wire::Collection>)),
    extensions(("x-kluis-action" = json!("vault.create")), ("x-kluis-file" = json!("collections")))
)]
pub(super) async fn collection_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::CollectionCreate>,
) -> Answer<wire::Collection> {
    let vault = app.engine.vault_create(&caller, body.try_into()?).await?;
    created(vault.into())
}

/// Read a collection
#[utoipa::path(
    get,
    path = "/v1/collections/{name}",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection")),
    responses((status = 200, body = wire::Success<wire::Collection>)),
    extensions(("x-kluis-action" = json!("vault.view")), ("x-kluis-file" = json!("collections")))
)]
pub(super) async fn collection_read(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Answer<wire::Collection> {
    success(app.engine.vault_by_name(&caller, &name).await?.into())
}

/// Rename or describe a collection
///
/// 409 when the name is taken, or the collection is `default`, which keeps its name.
#[utoipa::path(
    patch,
    path = "/v1/collections/{name}",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection")),
    request_body = wire::CollectionUpdate,
    responses((status = 200, body = wire::Success<wire::Collection>)),
    extensions(("x-kluis-action" = json!("vault.update")), ("x-kluis-file" = json!("collections")))
)]
pub(super) async fn collection_update(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<wire::CollectionUpdate>,
) -> Answer<wire::Collection> {
    let change = body.try_into()?;
    let vault = app.engine.vault_id(&caller, &name).await?;
    success(
        app.engine
            .vault_update(&caller, vault, change)
            .await?
            .into(),
    )
}

/// Delete a collection
///
/// 409 when something is in it, unless `force=true` says that it goes too; `default` stays in any case.
#[utoipa::path(
    delete,
    path = "/v1/collections/{name}",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection"), wire::Force),
    responses((status = 200, body = wire::Success<wire::Deleted>)),
    extensions(("x-kluis-action" = json!("vault.delete")), ("x-kluis-file" = json!("collections")))
)]
pub(super) async fn collection_delete(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(with): Query<wire::Force>,
) -> Answer<wire::Deleted> {
    let contents = if with.force {
        Contents::Any
    } else {
        Contents::None
    };
    let vault = app.engine.vault_id(&caller, &name).await?;
    app.engine.vault_delete(&caller, vault, contents).await?;
    success(wire::Deleted::collection(vault))
}
