//! Log-in, sessions, second factors.

use kluis_engine::{Secret, SessionTokens};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::User;
use crate::api::given::Given;
use crate::api::revealed::Revealed;

/// Who logs in.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct Login {
    #[schema(examples("owner@kluis.local"))]
    email: String,
    #[schema(value_type = String)]
    password: Given,
    /// A code of the second factor, or a recovery code, where one is asked for.
    otp: Option<String>,
}

/// What renews a session.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct Refresh {
    #[schema(value_type = String)]
    refresh_token: Given,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Session {
    /// Goes into `Authorization: Bearer`.
    access_token: Revealed,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    token_type: &'static str,
    /// The access token's life in seconds.
    #[schema(examples(3600))]
    expires_in: u64,
    #[schema(examples("2026-01-02T04:04:05Z"))]
    expires_at: String,
    /// Renews the session, once.
    refresh_token: Revealed,
    user: User,
}

/// The session has ended.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct LoggedOut {
    /// Always true.
    revoked: bool,
}

/// A second factor that is not asked for yet.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct TotpEnrollment {
    /// In base-32.
    secret: Revealed,
    /// The same for a camera.
    uri: Revealed,
}

/// A code.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct Code {
    #[schema(value_type = String, examples("123456"))]
    code: Given,
}

/// What opens the log-in when the second factor is lost; each works once.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct RecoveryCodes {
    recovery_codes: Vec<Revealed>,
}

/// Whether a second factor is asked for.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct TotpState {
    totp_enabled: bool,
}

impl From<Login> for kluis_engine::Login {
    fn from(login: Login) -> Self {
        let Login {
            email,
            password,
            otp,
        } = login;
        Self {
            email,
            password: password.into_secret(),
            otp,
        }
    }
}

impl Refresh {
    /// The refresh token.
    pub(in super::super) fn token(&self) -> &str {
        self.refresh_token.expose()
    }
}

impl Code {
    /// The code, as it was typed.
    pub(in super::super) fn code(&self) -> &str {
        self.code.expose()
    }
}

impl From<SessionTokens> for Session {
    fn from(tokens: SessionTokens) -> Self {
        Self {
            access_token: tokens.access.into(),
            token_type: "Bearer",
            expires_in: tokens.expires_in,
            expires_at: tokens.access_expires_at.rfc3339_seconds(),
            refresh_token: tokens.refresh.into(),
            user: tokens.user.into(),
        }
    }
}

impl LoggedOut {
    /// It has.
    pub(in super::super) fn done() -> Self {
        Self { revoked: true }
    }
}

impl From<kluis_engine::TotpEnrollment> for TotpEnrollment {
    fn from(enrollment: kluis_engine::TotpEnrollment) -> Self {
        Self {
            secret: enrollment.secret.into(),
            uri: enrollment.uri.into(),
        }
    }
}

impl From<Vec<Secret>> for RecoveryCodes {
    fn from(codes: Vec<Secret>) -> Self {
        Self {
            recovery_codes: codes.into_iter().map(Revealed::from).collect(),
        }
    }
}

impl TotpState {
    /// It is not.
    pub(in super::super) fn off() -> Self {
        Self {
            totp_enabled: false,
        }
    }
}
