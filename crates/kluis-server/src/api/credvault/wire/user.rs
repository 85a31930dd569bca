//! Users, organizations, the own profile.

use kluis_engine::{
    Error, NewOrganization, NewUser, Profile, Scope, Secret, UserChange, UserId, UserProfile,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiKey, filled, user_id};
use crate::api::extract::stated;
use crate::api::given::Given;
use crate::api::revealed::Revealed;

/// A user.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct User {
    #[schema(examples("user_01JQ1xA2bC3dE4fG5hI6jK"))]
    id: String,
    /// In lower case, unique on the server.
    #[schema(examples("ada@example.com"))]
    email: String,
    name: String,
    /// `owner`, `admin`, `member` or `viewer`.
    #[schema(examples("member"))]
    role: &'static str,
    /// `standard`, `pro` or `enterprise`.
    #[schema(examples("enterprise"))]
    plan: &'static str,
    /// `active` or `disabled`.
    #[schema(examples("active"))]
    status: &'static str,
    /// Whether the log-in asks for a second factor.
    totp_enabled: bool,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    created_at: String,
    #[schema(examples("2026-01-02T03:04:05Z"))]
    updated_at: String,
}

/// A user to create.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct UserCreate {
    #[schema(examples("ada@example.com"))]
    email: String,
    /// What stands before the `@` of the address unless given.
    name: Option<String>,
    /// 12 or more characters with upper case, lower case, digit and other; a one-time password is made unless given.
    #[schema(value_type = Option<String>, min_length = 12)]
    password: Option<Given>,
    /// `member` unless given.
    role: Option<Role>,
    /// `enterprise` unless given.
    plan: Option<Plan>,
}

/// A user just created.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct UserCreated {
    #[serde(flatten)]
    user: User,
    /// The one-time password, when none was given. Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Revealed>,
}

/// What to change of a user.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct UserUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Role>)]
    role: Option<Option<Role>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<Plan>)]
    plan: Option<Option<Plan>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<UserStatus>)]
    status: Option<Option<UserStatus>>,
}

/// What a user is in its organization.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Role {
    Admin,
    Member,
    Owner,
    Viewer,
}

/// How fast a user may go.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Plan {
    Enterprise,
    Pro,
    Standard,
}

/// Whether a user may log in, and its keys and agents work.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum UserStatus {
    Active,
    Disabled,
}

/// A new password.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct OneTimePassword {
    /// The user.
    id: String,
    /// Shown once.
    password: Revealed,
}

/// Who the caller is.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Me {
    #[serde(flatten)]
    user: User,
    organization_id: String,
    /// What the role and the key together let through; RULES decide within.
    #[schema(examples(json!(["database:read", "metadata:read"])))]
    scopes: Vec<&'static str>,
    /// The API key that was used; null in a session.
    api_key: Option<ApiKey>,
}

/// An organization to create.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct OrganizationCreate {
    #[schema(examples("Second"))]
    pub(in super::super) name: String,
}

/// An organization just created.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Organization {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    owner: OrganizationOwner,
}

/// The first user of an organization.
#[derive(Serialize, ToSchema)]
struct OrganizationOwner {
    id: String,
    email: String,
    /// Shown once.
    password: Revealed,
}

impl From<UserCreate> for NewUser {
    fn from(create: UserCreate) -> Self {
        let UserCreate {
            email,
            name,
            password,
            role,
            plan,
        } = create;
        Self {
            email,
            name,
            password: password.map(Given::into_secret),
            role: role.map(Role::into),
            plan: plan.map(Plan::into),
        }
    }
}

impl TryFrom<UserUpdate> for UserChange {
    type Error = Error;

    fn try_from(update: UserUpdate) -> Result<Self, Error> {
        let UserUpdate {
            name,
            role,
            plan,
            status,
        } = update;
        Ok(Self {
            name: filled("name", name)?,
            role: filled("role", role)?.map(Role::into),
            plan: filled("plan", plan)?.map(Plan::into),
            active: filled("status", status)?.map(|status| status == UserStatus::Active),
        })
    }
}

impl From<Role> for kluis_engine::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Member => Self::Member,
            Role::Owner => Self::Owner,
            Role::Viewer => Self::Viewer,
        }
    }
}

impl From<Plan> for kluis_engine::Plan {
    fn from(plan: Plan) -> Self {
        match plan {
            Plan::Enterprise => Self::Enterprise,
            Plan::Pro => Self::Pro,
            Plan::Standard => Self::Standard,
        }
    }
}

impl From<UserProfile> for User {
    fn from(user: UserProfile) -> Self {
        Self {
            id: user_id(user.id),
            email: user.email,
            name: user.name,
            role: user.role.as_str(),
            plan: user.plan.as_str(),
            status: user_status(user.active),
            totp_enabled: user.totp,
            created_at: user.created_at.rfc3339_seconds(),
            updated_at: user.updated_at.rfc3339_seconds(),
        }
    }
}

impl From<(UserProfile, Option<Secret>)> for UserCreated {
    fn from((user, password): (UserProfile, Option<Secret>)) -> Self {
        Self {
            user: user.into(),
            password: password.map(Revealed::from),
        }
    }
}

impl OneTimePassword {
    /// Of this user.
    pub(in super::super) fn of(user: UserId, password: Secret) -> Self {
        Self {
            id: user_id(user),
            password: password.into(),
        }
    }
}

impl From<Profile> for Me {
    fn from(
        Profile {
            user,
            api_key,
            scopes,
        }: Profile,
    ) -> Self {
        Self {
            organization_id: user.organization.to_string(),
            user: user.into(),
            scopes: scopes.iter().map(Scope::as_str).collect(),
            api_key: api_key.map(ApiKey::from),
        }
    }
}

impl From<NewOrganization> for Organization {
    fn from(made: NewOrganization) -> Self {
        Self {
            id: made.id.to_string(),
            name: made.name,
            owner: OrganizationOwner {
                id: user_id(made.owner),
                email: made.email,
                password: made.password.into(),
            },
        }
    }
}

/// The word for whether a user is active.
pub(in super::super) fn user_status(active: bool) -> &'static str {
    if active { "active" } else { "disabled" }
}
