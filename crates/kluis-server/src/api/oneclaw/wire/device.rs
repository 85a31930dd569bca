//! Log-in of devices (contract §4.5).

use kluis_engine::{DeviceCode as Begun, DeviceLogin as Waiting, DeviceToken as Outcome, Error};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AccessToken;
use crate::api::given::Given;
use crate::api::revealed::Revealed;

/// A device that wants to log in.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct DeviceBegin {
    /// What it is; shown to whoever approves it.
    #[schema(examples("kluis on workstation"))]
    client_id: String,
    /// Whom it belongs to; nobody else approves it then.
    #[schema(examples("owner@kluis.local"))]
    email: Option<String>,
}

/// What a device asks with for its token.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct DeviceAsk {
    #[schema(value_type = String)]
    device_code: Given,
    /// `urn:ietf:params:oauth:grant-type:device_code`, if anything.
    grant_type: Option<String>,
}

/// The code that a device shows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct DeviceQuery {
    #[param(example = "BCDF-GHJK")]
    user_code: String,
}

/// The code that a device shows.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct DeviceDecision {
    #[schema(examples("BCDF-GHJK"))]
    user_code: String,
}

/// What a device is given, once.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct DeviceCode {
    #[serde(rename = "device_code")]
    #[schema(value_type = String)]
    code: Revealed,
    /// What it shows to its user.
    #[schema(examples("BCDF-GHJK"))]
    user_code: String,
    /// Where the code can be approved.
    verification_uri: String,
    /// How long both are good for, in seconds.
    #[schema(examples(900))]
    expires_in: u64,
    /// How long it waits before it asks again, in seconds.
    #[schema(examples(5))]
    interval: u64,
}

/// What a device gets that asks for its token.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(in super::super) enum DeviceToken {
    /// Its token, once.
    Granted {
        #[serde(flatten)]
        token: AccessToken,
        email: String,
        #[schema(format = "uuid")]
        user_id: String,
        #[schema(format = "uuid")]
        org_id: String,
    },
    /// Why it gets none.
    Refused {
        /// `authorization_pending`, `access_denied` or `expired_token`.
        #[schema(examples("authorization_pending"))]
        error: &'static str,
    },
}

/// A device that waits for somebody to approve it.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct DeviceLogin {
    #[schema(examples("BCDF-GHJK"))]
    user_code: String,
    /// What it says that it is.
    client_id: String,
    /// Whom it says that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Where it asked from.
    ip_address: String,
    created_at: String,
    expires_at: String,
}

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

impl DeviceBegin {
    /// What the device is, and whom it belongs to.
    pub(in super::super) fn parts(self) -> (String, Option<String>) {
        (self.client_id, self.email)
    }
}

impl DeviceAsk {
    /// Whether it asks for what there is.
    pub(in super::super) fn check(&self) -> Result<(), Error> {
        match self.grant_type.as_deref() {
            None | Some(GRANT_TYPE) => Ok(()),
            Some(_) => Err(Error::invalid(
                "grant_type",
                format!("must be {GRANT_TYPE}"),
            )),
        }
    }

    /// The code that it was given.
    pub(in super::super) fn code(&self) -> &str {
        self.device_code.expose()
    }
}

impl DeviceQuery {
    /// The code.
    pub(in super::super) fn code(&self) -> &str {
        &self.user_code
    }
}

impl DeviceDecision {
    /// The code.
    pub(in super::super) fn code(&self) -> &str {
        &self.user_code
    }
}

impl DeviceCode {
    /// What is given by the server that is reached at `public_url`.
    pub(in super::super) fn at(public_url: &str, begun: Begun) -> Self {
        Self {
            code: begun.device_code.into(),
            user_code: begun.user_code,
            verification_uri: format!(
                "{public_url}/api-docs#/1claw%3A%20device/oneclaw_device_login_approve"
            ),
            expires_in: begun.expires_in,
            interval: begun.interval,
        }
    }
}

impl From<Outcome> for DeviceToken {
    fn from(outcome: Outcome) -> Self {
        let error = match outcome {
            Outcome::Granted { token, user } => {
                return Self::Granted {
                    token: token.into(),
                    email: user.email,
                    user_id: user.id.to_string(),
                    org_id: user.organization.to_string(),
                };
            }
            Outcome::Pending => "authorization_pending",
            Outcome::Denied => "access_denied",
            Outcome::Expired => "expired_token",
        };
        Self::Refused { error }
    }
}

impl From<Waiting> for DeviceLogin {
    fn from(login: Waiting) -> Self {
        Self {
            user_code: login.user_code,
            client_id: login.client,
            email: login.email,
            ip_address: login.address,
            created_at: login.created_at.rfc3339(),
            expires_at: login.expires_at.rfc3339(),
        }
    }
}
