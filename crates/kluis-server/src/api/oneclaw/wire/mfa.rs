//! The second factor (contract §4.5).

use kluis_engine::{Profile, Secret, TotpEnrollment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::given::Given;
use crate::api::revealed::Revealed;

/// Whether a log-in wants a second factor.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct MfaStatus {
    enabled: bool,
}

/// A second factor, to be confirmed.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct MfaSetup {
    /// In base-32.
    #[schema(value_type = String)]
    secret: Revealed,
    /// The same for a camera.
    #[schema(value_type = String)]
    otpauth_uri: Revealed,
}

/// A code of the second factor.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct MfaCode {
    #[schema(value_type = String, examples("123456"))]
    code: Given,
}

/// What opens the log-in when the second factor is lost; each works once.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct RecoveryCodes {
    #[schema(value_type = Vec<String>)]
    recovery_codes: Vec<Revealed>,
}

impl MfaCode {
    /// The code.
    pub(in super::super) fn code(&self) -> &str {
        self.code.expose()
    }
}

impl From<Profile> for MfaStatus {
    fn from(profile: Profile) -> Self {
        Self {
            enabled: profile.user.totp,
        }
    }
}

impl From<TotpEnrollment> for MfaSetup {
    fn from(enrollment: TotpEnrollment) -> Self {
        Self {
            secret: enrollment.secret.into(),
            otpauth_uri: enrollment.uri.into(),
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
