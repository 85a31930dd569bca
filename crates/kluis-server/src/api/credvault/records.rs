//! `GET, POST, PATCH /v1/collections/{name}/records`; `POST …/{query,delete}`; `GET, PUT, PATCH, DELETE …/records/{id}`; `GET …/versions`,
//! `POST …/restore`.

use axum::extract::State;
use kluis_engine::{Engine, SecretAt, SecretId, VersionInfo};

use super::if_match::IfMatch;
use super::paging::{Field, List, ListItem};
use super::record::{Entry, Records};
use super::wire::{self, Answer, ListAnswer, success};
use super::{Json, JsonOneOrMany, Path, Query};
use crate::api::extract::OneOrMany;
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

fn records<'a>(engine: &'a Engine, caller: &'a Caller, collection: &'a str) -> Records<'a> {
    Records {
        engine,
        caller,
        collection,
    }
}

/// A version of a record's secret.
pub(super) struct Version(pub(super) VersionInfo, pub(super) kluis_engine::Timestamp);

impl ListItem for Version {
    const NAME: &'static str = "versions";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |version| version.0.created_at.into()),
        Field::time("expires_at", |version| version.0.expires_at.into()),
        Field::word("status", |version| wire::version_status(version).into()),
    ];

    fn id(&self) -> [u8; 16] {
        u128::from(self.0.number).to_be_bytes()
    }
}

/// List the records of a collection
///
/// Never shows a secret.
#[utoipa::path(
    get,
    path = "/v1/collections/{name}/records",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection"), List::<Entry>),
    responses((status = 200, body = wire::Listed<wire::Record>)),
    extensions(("x-kluis-action" = json!("secret.list")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_list(
    State(app): State<App>,
    caller: Caller,
    Path(collection): Path<String>,
    list: List<Entry>,
) -> ListAnswer<wire::Record> {
    let records = records(&app.engine, &caller, &collection);
    records.list(list).await
}

/// Insert records
///
/// One, or a list of at most 100, of which all are inserted or none. 409 when a name is taken.
#[utoipa::path(
    post,
    path = "/v1/collections/{name}/records",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection")),
    request_body = wire::RecordPuts,
    responses((status = 201, body = wire::Success<wire::Inserted>)),
    extensions(("x-kluis-action" = json!("secret.write")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_create(
    State(app): State<App>,
    caller: Caller,
    Path(collection): Path<String>,
    JsonOneOrMany(body): JsonOneOrMany<wire::RecordPut>,
) -> Answer<wire::Inserted> {
    let records = records(&app.engine, &caller, &collection);
    match body {
        OneOrMany::One(body) => records.create(body).await,
        OneOrMany::Many(bodies) => records.create_many(bodies).await,
    }
}

/// Update all records that a filter finds
///
/// Those that the caller may write, at most 1000 at once.
#[utoipa::path(
    patch,
    path = "/v1/collections/{name}/records",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection")),
    request_body = wire::UpdateMany,
    responses((status = 200, body = wire::Success<wire::Updated>)),
    extensions(("x-kluis-action" = json!("secret.write")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_update_many(
    State(app): State<App>,
    caller: Caller,
    Path(collection): Path<String>,
    Json(body): Json<wire::UpdateMany>,
) -> Answer<wire::Updated> {
    let filter = body.filter()?;
    let change = body.changes.change_of_many(&collection)?;
    let vault = app.engine.vault_id(&caller, &collection).await?;
    let updated = app
        .engine
        .secret_update_where(&caller, vault, filter, change);
    success(updated.await?.into())
}

/// Query the records of a collection
///
/// Never shows a secret, and cannot search them.
#[utoipa::path(
    post,
    path = "/v1/collections/{name}/query",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection")),
    request_body = wire::Query,
    responses((status = 200, body = wire::Listed<wire::RecordPart>)),
    extensions(("x-kluis-action" = json!("secret.query")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_query(
    State(app): State<App>,
    caller: Caller,
    Path(collection): Path<String>,
    Json(body): Json<wire::Query>,
) -> ListAnswer<wire::RecordPart> {
    let records = records(&app.engine, &caller, &collection);
    records.query(body).await
}

/// Delete all records that a filter finds
///
/// Those that the caller may delete, at most 1000 at once; with all their versions.
#[utoipa::path(
    post,
    path = "/v1/collections/{name}/delete",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection")),
    request_body = wire::DeleteMany,
    responses((status = 200, body = wire::Success<wire::DeletedMany>)),
    extensions(("x-kluis-action" = json!("secret.delete")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_delete_many(
    State(app): State<App>,
    caller: Caller,
    Path(collection): Path<String>,
    Json(body): Json<wire::DeleteMany>,
) -> Answer<wire::DeletedMany> {
    let filter = body.filter()?;
    let vault = app.engine.vault_id(&caller, &collection).await?;
    let deleted = app.engine.secret_delete_where(&caller, vault, filter);
    success(wire::DeletedMany {
        deleted: deleted.await?,
    })
}

/// Read a record
///
/// With its secret, if `reveal=true` asks for that: 404 then when there is none to be had. Every revelation is recorded.
#[utoipa::path(
    get,
    path = "/v1/collections/{name}/records/{id}",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection"), ("id" = String, Path, description = "Id of the record"), wire::Reveal),
    responses((status = 200, body = wire::Success<wire::RecordShown>)),
    extensions(("x-kluis-action" = json!("secret.view")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_read(
    State(app): State<App>,
    caller: Caller,
    Path((collection, Id(record))): Path<(String, Id<SecretId>)>,
    Query(with): Query<wire::Reveal>,
) -> Answer<wire::RecordShown> {
    let records = records(&app.engine, &caller, &collection);
    records.read(record, with.reveal).await
}

/// Replace a record
///
/// What is left out is reset, but for the secret, which stays.
#[utoipa::path(
    put,
    path = "/v1/collections/{name}/records/{id}",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection"), ("id" = String, Path, description = "Id of the record"), wire::IfMatchHeader),
    request_body = wire::RecordPut,
    responses((status = 200, body = wire::Success<wire::Record>)),
    extensions(("x-kluis-action" = json!("secret.write")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_replace(
    State(app): State<App>,
    caller: Caller,
    Path((collection, Id(record))): Path<(String, Id<SecretId>)>,
    IfMatch(expected): IfMatch,
    Json(body): Json<wire::RecordPut>,
) -> Answer<wire::Record> {
    let write = body.replace(&collection, expected)?;
    let records = records(&app.engine, &caller, &collection);
    records.write(record, write).await
}

/// Change a record
///
/// As a JSON merge patch: what is left out stays, null resets.
#[utoipa::path(
    patch,
    path = "/v1/collections/{name}/records/{id}",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection"), ("id" = String, Path, description = "Id of the record"), wire::IfMatchHeader),
    request_body = wire::RecordUpdate,
    responses((status = 200, body = wire::Success<wire::Record>)),
    extensions(("x-kluis-action" = json!("secret.write")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_update(
    State(app): State<App>,
    caller: Caller,
    Path((collection, Id(record))): Path<(String, Id<SecretId>)>,
    IfMatch(expected): IfMatch,
    Json(body): Json<wire::RecordUpdate>,
) -> Answer<wire::Record> {
    let write = body.change(&collection, expected)?;
    let records = records(&app.engine, &caller, &collection);
    records.write(record, write).await
}

/// Delete a record
///
/// With all its versions, at once.
#[utoipa::path(
    delete,
    path = "/v1/collections/{name}/records/{id}",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection"), ("id" = String, Path, description = "Id of the record"), wire::IfMatchHeader),
    responses((status = 200, body = wire::Success<wire::Deleted>)),
    extensions(("x-kluis-action" = json!("secret.delete")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_delete(
    State(app): State<App>,
    caller: Caller,
    Path((collection, Id(record))): Path<(String, Id<SecretId>)>,
    IfMatch(expected): IfMatch,
) -> Answer<wire::Deleted> {
    let records = records(&app.engine, &caller, &collection);
    records.delete(record, expected).await
}

/// List the versions of a record's secret
///
/// Without the secrets themselves.
#[utoipa::path(
    get,
    path = "/v1/collections/{name}/records/{id}/versions",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection"), ("id" = String, Path, description = "Id of the record"), List::<Version>),
    responses((status = 200, body = wire::Listed<wire::RecordVersion>)),
    extensions(("x-kluis-action" = json!("secret.versions")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_version_list(
    State(app): State<App>,
    caller: Caller,
    Path((collection, Id(record))): Path<(String, Id<SecretId>)>,
    list: List<Version>,
) -> ListAnswer<wire::RecordVersion> {
    let list = list
        .within(&record.to_string())
        .open(&app.engine, &caller)?;
    let vault = app.engine.vault_id(&caller, &collection).await?;
    let at = SecretAt::Id(record);
    let (_, versions) = app.engine.secret_version_list(&caller, vault, &at).await?;
    let now = app.engine.clock().now();
    let versions = versions.into_iter();
    list.page(versions.map(|version| Version(version, now)).collect())
}

/// Restore an old version of a record's secret
///
/// As a new version. 409 when it cannot be had any more: expired, disabled, read as often as it may be.
#[utoipa::path(
    post,
    path = "/v1/collections/{name}/records/{id}/restore",
    tag = "Data operations",
    params(("name" = String, Path, description = "Name of the collection"), ("id" = String, Path, description = "Id of the record")),
    request_body = wire::Restore,
    responses((status = 200, body = wire::Success<wire::Record>)),
    extensions(("x-kluis-action" = json!("secret.version_restore")), ("x-kluis-file" = json!("records")))
)]
pub(super) async fn record_restore(
    State(app): State<App>,
    caller: Caller,
    Path((collection, Id(record))): Path<(String, Id<SecretId>)>,
    Json(body): Json<wire::Restore>,
) -> Answer<wire::Record> {
    let vault = app.engine.vault_id(&caller, &collection).await?;
    let at = SecretAt::Id(record);
    let restored = app
        .engine
        .secret_version_restore(&caller, vault, at, body.version);
    success(wire::Record::of(&collection, restored.await?))
}
