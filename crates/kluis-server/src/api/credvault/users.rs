//! `GET, POST /v1/users`; `GET, PATCH, DELETE /v1/users/{id}`; `POST /v1/users/{id}/reset-password`.

use axum::extract::State;
use kluis_engine::{UserId, UserProfile};

use super::paging::{Field, List, ListItem};
use super::wire::{self, Answer, ListAnswer, created, success};
use super::{Json, NoBody, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

impl ListItem for UserProfile {
    const NAME: &'static str = "users";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |user| user.created_at.into()),
        Field::time("updated_at", |user| user.updated_at.into()),
        Field::text("name", |user| user.name.as_str().into()),
        Field::word("email", |user| user.email.as_str().into()),
        Field::word("role", |user| user.role.as_str().into()),
        Field::word("plan", |user| user.plan.as_str().into()),
        Field::word("status", |user| wire::user_status(user.active).into()),
    ];

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

/// List users
///
/// Owners and admins see all of their organization, anyone else only themselves.
#[utoipa::path(
    get,
    path = "/v1/users",
    tag = "Users",
    params(List::<UserProfile>),
    responses((status = 200, body = wire::Listed<wire::User>)),
    extensions(("x-kluis-action" = json!("user.list")), ("x-kluis-file" = json!("users")))
)]
pub(super) async fn user_list(
    State(app): State<App>,
    caller: Caller,
    list: List<UserProfile>,
) -> ListAnswer<wire::User> {
    let list = list.open(&app.engine, &caller)?;
    list.page(app.engine.user_list(&caller).await?)
}

/// Create a user
///
/// Without a password the answer shows a one-time one. 409 when the address is taken.
#[utoipa::path(
    post,
    path = "/v1/users",
    tag = "Users",
    request_body = wire::UserCreate,
    responses((status = 201, body = wire::Success<wire::UserCreated>)),
    extensions(("x-kluis-action" = json!("user.create")), ("x-kluis-file" = json!("users")))
)]
pub(super) async fn user_create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::UserCreate>,
) -> Answer<wire::UserCreated> {
    created(app.engine.user_create(&caller, body.into()).await?.into())
}

/// Read a user
#[utoipa::path(
    get,
    path = "/v1/users/{id}",
    tag = "Users",
    params(("id" = String, Path, description = "Id of the user")),
    responses((status = 200, body = wire::Success<wire::User>)),
    extensions(("x-kluis-action" = json!("user.view")), ("x-kluis-file" = json!("users")))
)]
pub(super) async fn user_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(user)): Path<Id<UserId>>,
) -> Answer<wire::User> {
    success(app.engine.user_read(&caller, user).await?.into())
}

/// Change a user's name, role, plan or status
///
/// Members that are left out stay as they are. 409 for the last active owner.
#[utoipa::path(
    patch,
    path = "/v1/users/{id}",
    tag = "Users",
    params(("id" = String, Path, description = "Id of the user")),
    request_body = wire::UserUpdate,
    responses((status = 200, body = wire::Success<wire::User>)),
    extensions(("x-kluis-action" = json!("user.update")), ("x-kluis-file" = json!("users")))
)]
pub(super) async fn user_update(
    State(app): State<App>,
    caller: Caller,
    Path(Id(user)): Path<Id<UserId>>,
    Json(body): Json<wire::UserUpdate>,
) -> Answer<wire::User> {
    success(
        app.engine
            .user_update(&caller, user, body.try_into()?)
            .await?
            .into(),
    )
}

/// Delete a user
///
/// Its keys, sessions and policies go with it; vaults that it made are left without a maker.
#[utoipa::path(
    delete,
    path = "/v1/users/{id}",
    tag = "Users",
    params(("id" = String, Path, description = "Id of the user")),
    responses((status = 200, body = wire::Success<wire::Deleted>)),
    extensions(("x-kluis-action" = json!("user.delete")), ("x-kluis-file" = json!("users")))
)]
pub(super) async fn user_delete(
    State(app): State<App>,
    caller: Caller,
    Path(Id(user)): Path<Id<UserId>>,
) -> Answer<wire::Deleted> {
    app.engine.user_delete(&caller, user).await?;
    success(wire::Deleted::user(user))
}

/// Give a user a one-time password
///
/// Shown once. The user's sessions end.
#[utoipa::path(
    post,
    path = "/v1/users/{id}/reset-password",
    tag = "Users",
    params(("id" = String, Path, description = "Id of the user")),
    responses((status = 200, body = wire::Success<wire::OneTimePassword>)),
    extensions(("x-kluis-action" = json!("user.reset_password")), ("x-kluis-file" = json!("users")))
)]
pub(super) async fn user_reset_password(
    State(app): State<App>,
    caller: Caller,
    Path(Id(user)): Path<Id<UserId>>,
    _: NoBody,
) -> Answer<wire::OneTimePassword> {
    let password = app.engine.user_reset_password(&caller, user).await?;
    success(wire::OneTimePassword::of(user, password))
}
