//! The own profile and password.

use kluis_engine::{Profile, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::given::Given;

/// Who the caller is.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Me {
    #[schema(format = "uuid")]
    id: String,
    email: String,
    display_name: String,
    /// `api_key` or `password`.
    #[schema(examples("api_key"))]
    auth_method: &'static str,
    /// `owner`, `admin`, `member` or `viewer`.
    #[schema(examples("owner"))]
    role: &'static str,
    /// Always true: addresses are given by administrators.
    email_verified: bool,
    #[schema(format = "uuid")]
    org_id: String,
    #[schema(examples("2026-03-01T09:30:00Z"))]
    created_at: String,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct PasswordChange {
    #[schema(value_type = String)]
    current_password: Given,
    /// 12 or more characters with upper case, lower case, digit and other.
    #[schema(value_type = String, min_length = 12)]
    new_password: Given,
}

/// Somebody who signs up.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct SignUp {
    #[schema(examples("someone@example.com"))]
    email: String,
    /// 12 or more characters with upper case, lower case, digit and other.
    #[schema(value_type = String, min_length = 12)]
    password: Given,
    /// What the user and the organization are called.
    display_name: Option<String>,
}

impl From<SignUp> for kluis_engine::SignUp {
    fn from(body: SignUp) -> Self {
        Self {
            email: body.email,
            password: body.password.into_secret(),
            name: body.display_name,
        }
    }
}

/// A sentence for people.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Message {
    message: &'static str,
}

impl From<Profile> for Me {
    fn from(Profile { user, api_key, .. }: Profile) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email,
            display_name: user.name,
            auth_method: if api_key.is_some() {
                "api_key"
            } else {
                "password"
            },
            role: user.role.as_str(),
            email_verified: true,
            org_id: user.organization.to_string(),
            created_at: user.created_at.rfc3339(),
        }
    }
}

impl PasswordChange {
    /// The present password and the new one.
    pub(in super::super) fn parse(self) -> (Secret, Secret) {
        (
            self.current_password.into_secret(),
            self.new_password.into_secret(),
        )
    }
}

impl Message {
    /// This one.
    pub(in super::super) const fn of(message: &'static str) -> Self {
        Self { message }
    }
}
