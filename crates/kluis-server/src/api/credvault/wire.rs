//! What CredVault's requests and answers look like (contract A4, B1).
//!
//! | file | what |
//! |---|---|
//! | `session.rs` | log-in, sessions, second factors |
//! | `user.rs` | users, organizations, the own profile |
//! | `api_key.rs` | API keys |

mod api_key;
mod session;
mod user;

use http::StatusCode;
use kluis_engine::{ApiKeyId, Error, UserId};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use self::api_key::{ApiKey, ApiKeyCreate, ApiKeyShown, ApiKeyUpdate};
pub(super) use self::session::{
    Code, LoggedOut, Login, RecoveryCodes, Refresh, Session, TotpEnrollment, TotpState,
};
pub(super) use self::user::{
    Me, OneTimePassword, Organization, OrganizationCreate, User, UserCreate, UserCreated,
    UserUpdate, user_status,
};
use super::error::Failure;
use crate::api::ids::prefixed;
use crate::api::reply;

/// A success with one thing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Success<T> {
    /// Always `success`.
    #[schema(examples("success"))]
    status: &'static str,
    data: T,
}

/// A success of which there is more on other pages.
#[derive(Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    /// Always `success`.
    #[schema(examples("success"))]
    status: &'static str,
    /// The things on this page.
    data: Vec<T>,
    /// Where the page stands.
    pagination: Pagination,
}

/// Where a page stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pagination {
    /// All that there are, on all pages.
    pub(crate) total: usize,
    /// The most on one page.
    pub(crate) limit: usize,
    /// How many stand before this page.
    pub(crate) offset: usize,
    /// Whether another page follows.
    pub(crate) has_more: bool,
    /// Leads to the next page; null on the last one.
    pub(crate) next_cursor: Option<String>,
    /// Leads to the page before; null on the first one.
    pub(crate) prev_cursor: Option<String>,
}

/// What is gone.
#[derive(Serialize, ToSchema)]
pub(super) struct Deleted {
    /// The id that it had.
    id: String,
    /// Always true.
    deleted: bool,
}

impl Deleted {
    /// The user is gone.
    pub(super) fn user(id: UserId) -> Self {
        Self {
            id: user_id(id),
            deleted: true,
        }
    }

    /// The key is gone.
    pub(super) fn api_key(id: ApiKeyId) -> Self {
        Self {
            id: prefixed("key_", id.bytes()),
            deleted: true,
        }
    }
}

/// An answer of this API, or a failure in its shape.
pub(crate) type Answer<T> = Result<reply::Json<Success<T>>, Failure>;

/// 200 with `data`.
#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
pub(crate) fn success<T>(data: T) -> Answer<T> {
    Ok(reply::Json(
        StatusCode::OK,
        Success {
            status: "success",
            data,
        },
    ))
}

/// 201 with `data`.
#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
pub(crate) fn created<T>(data: T) -> Answer<T> {
    Ok(reply::Json(
        StatusCode::CREATED,
        Success {
            status: "success",
            data,
        },
    ))
}

/// A page of a list, or a failure in the shape of this API.
pub(crate) type ListAnswer<T> = Result<reply::Json<Listed<T>>, Failure>;

/// 200 with a page of a list.
#[expect(clippy::unnecessary_wraps, reason = "what a handler ends with")]
pub(crate) fn listed<T>(data: Vec<T>, pagination: Pagination) -> ListAnswer<T> {
    Ok(reply::Json(
        StatusCode::OK,
        Listed {
            status: "success",
            data,
            pagination,
        },
    ))
}

fn user_id(id: UserId) -> String {
    prefixed("user_", id.bytes())
}

/// A member of a change that may be left out, but has nothing that null could mean.
fn filled<T>(field: &'static str, stated: Option<Option<T>>) -> Result<Option<T>, Error> {
    match stated {
        Some(None) => Err(Error::invalid(field, "must not be null")),
        stated => Ok(stated.flatten()),
    }
}
