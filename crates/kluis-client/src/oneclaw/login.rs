//! Logging in: from a device without a credential, with a password, and out again.

use serde::{Deserialize, Serialize};

use super::OneClaw;
use crate::http::Call;
use crate::{Error, SecretText};

impl OneClaw<'_> {
    /// Asks for a log-in that somebody approves elsewhere; nobody but the user with this e-mail address, if one is named.
    pub async fn device_code(self, client: &str, email: Option<&str>) -> Result<DeviceCode, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            client_id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            email: Option<&'a str>,
        }
        let body = Body {
            client_id: client,
            email,
        };
        let segments = ["v1", "auth", "device", "code"];
        self.0.call(Call::post(&segments).json(&body)?).await
    }

    /// Asks whether it has been approved.
    pub async fn device_token(self, device_code: &SecretText) -> Result<DeviceAnswer, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            device_code: &'a str,
            grant_type: &'a str,
        }
        let body = Body {
            device_code: device_code.expose(),
            grant_type: "urn:ietf:params:oauth:grant-type:device_code",
        };
        let segments = ["v1", "auth", "device", "token"];
        self.0.call(Call::post(&segments).json(&body)?).await
    }

    /// Who asks for a log-in, by the code that they were shown.
    pub async fn device_pending(self, user_code: &str) -> Result<DevicePending, Error> {
        let segments = ["v1", "auth", "device", "pending"];
        let query = [("user_code", user_code)];
        self.0.call(Call::get(&segments).query(&query)).await
    }

    /// Lets them in, as the caller.
    pub async fn device_approve(self, user_code: &str) -> Result<(), Error> {
        self.device_decide("approve", user_code).await
    }

    /// Turns them away.
    pub async fn device_deny(self, user_code: &str) -> Result<(), Error> {
        self.device_decide("deny", user_code).await
    }

    async fn device_decide(self, word: &str, user_code: &str) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            user_code: &'a str,
        }
        let segments = ["v1", "auth", "device", word];
        let call = Call::post(&segments).json(&Body { user_code })?;
        self.0.call_unit(call).await
    }

    /// Logs in with a password.
    pub async fn log_in(self, email: &str, password: &SecretText) -> Result<LoggedIn, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            email: &'a str,
            password: &'a str,
        }
        let body = Body {
            email,
            password: password.expose(),
        };
        let segments = ["v1", "auth", "token"];
        self.0.call(Call::post(&segments).json(&body)?).await
    }

    /// Goes on with a code of the second factor.
    pub async fn log_in_confirm(
        self,
        waiting: &SecretText,
        code: &SecretText,
    ) -> Result<AccessToken, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            mfa_token: &'a str,
            code: &'a str,
        }
        let body = Body {
            mfa_token: waiting.expose(),
            code: code.expose(),
        };
        let segments = ["v1", "auth", "mfa"];
        self.0.call(Call::post(&segments).json(&body)?).await
    }

    /// Revokes the access token that the client has.
    pub async fn log_out(self) -> Result<(), Error> {
        self.0
            .call_unit(Call::delete(&["v1", "auth", "token"]))
            .await
    }

    /// The user who asks.
    pub async fn me(self) -> Result<Me, Error> {
        self.0.call(Call::get(&["v1", "auth", "me"])).await
    }
}

/// A log-in that waits for an approval. Has no `Debug`.
#[derive(Deserialize)]
pub struct DeviceCode {
    /// What whoever asked keeps to itself.
    pub device_code: SecretText,
    /// What the one who approves is told.
    pub user_code: String,
    /// A page to approve it on.
    #[serde(default)]
    pub verification_uri: Option<String>,
    /// Its life in seconds.
    pub expires_in: u64,
    /// Seconds between questions.
    #[serde(default)]
    pub interval: Option<u64>,
}

/// What has become of it. Has no `Debug`.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum DeviceAnswer {
    /// It was approved.
    Token(DeviceToken),
    /// It was not, or not yet.
    Not {
        /// `authorization_pending`, `slow_down`, `expired_token` or `access_denied`.
        error: String,
    },
}

/// An access token, and whose it is. Has no `Debug`.
#[derive(Deserialize)]
pub struct DeviceToken {
    /// The token.
    #[serde(flatten)]
    pub token: AccessToken,
    /// E-mail address of the user.
    #[serde(default)]
    pub email: Option<String>,
    /// Id of the user.
    #[serde(default)]
    pub user_id: Option<String>,
    /// Id of the organization.
    #[serde(default)]
    pub org_id: Option<String>,
}

/// An access token. Has no `Debug`.
#[derive(Deserialize)]
pub struct AccessToken {
    /// The token.
    pub access_token: SecretText,
    /// Its life in seconds.
    pub expires_in: u64,
}

/// A log-in with a password. Has no `Debug`.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum LoggedIn {
    /// The password was enough.
    Token(AccessToken),
    /// A code is wanted.
    SecondFactor {
        /// For [`OneClaw::log_in_confirm`].
        mfa_token: SecretText,
    },
}

/// Who asks for a log-in, and from where.
#[derive(Debug, Clone, Deserialize)]
pub struct DevicePending {
    /// The code.
    pub user_code: String,
    /// What the program calls itself.
    pub client_id: String,
    /// E-mail address that it named.
    #[serde(default)]
    pub email: Option<String>,
    /// The address that it asked from.
    #[serde(default)]
    pub ip_address: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub expires_at: String,
}

/// The own account.
#[derive(Debug, Clone, Deserialize)]
pub struct Me {
    /// UUID.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// A name to show.
    #[serde(default)]
    pub display_name: String,
    /// `owner`, `admin`, `member` or `viewer`.
    pub role: String,
    /// UUID of the organization.
    pub org_id: String,
}
