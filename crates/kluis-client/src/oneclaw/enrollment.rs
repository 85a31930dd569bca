//! Agents that ask to be registered themselves, and the answers to them.

use serde::{Deserialize, Serialize};

use super::OneClaw;
use super::agents::Agent;
use crate::http::Call;
use crate::{Error, SecretText};

impl OneClaw<'_> {
    /// Asks that an agent be registered. Needs no credential.
    pub async fn agent_enroll(self, ask: &Enrollment<'_>) -> Result<Enrolled, Error> {
        let segments = ["v1", "agents", "enroll"];
        self.0.call(Call::post(&segments).json(ask)?).await
    }

    /// Asks what has become of it. Needs no credential but `poll`, which whoever asked was given.
    pub async fn agent_enrollment(
        self,
        pairing: &str,
        poll: &SecretText,
    ) -> Result<EnrollmentStatus, Error> {
        let segments = ["v1", "agents", "enroll", pairing, "status"];
        let query = [("poll", poll.expose())];
        self.0.call(Call::get(&segments).query(&query)).await
    }

    /// What an agent asks for, by the token of its approval.
    pub async fn agent_enrollment_pending(
        self,
        token: &SecretText,
    ) -> Result<EnrollmentPending, Error> {
        let segments = ["v1", "agents", "enroll", "pending"];
        let query = [("token", token.expose())];
        self.0.call(Call::get(&segments).query(&query)).await
    }

    /// Registers it. Its key is told here, unless it fetches that itself.
    pub async fn agent_enrollment_approve(self, token: &SecretText) -> Result<Approved, Error> {
        let segments = ["v1", "agents", "enroll", "approve"];
        let call = Call::post(&segments).json(&Token::of(token))?;
        self.0.call(call).await
    }

    /// Turns it away.
    pub async fn agent_enrollment_deny(self, token: &SecretText) -> Result<(), Error> {
        let segments = ["v1", "agents", "enroll", "deny"];
        let call = Call::post(&segments).json(&Token::of(token))?;
        self.0.call_unit(call).await
    }
}

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
}

impl<'a> Token<'a> {
    fn of(token: &'a SecretText) -> Self {
        Self {
            token: token.expose(),
        }
    }
}

/// What an agent says of itself.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Enrollment<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// Whom to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_email: Option<&'a str>,
    /// Its public key as OpenSSH writes it; with one it can fetch its key itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<&'a str>,
}

/// What it is told. Has no `Debug`.
#[derive(Deserialize)]
pub struct Enrolled {
    /// A sentence for people.
    #[serde(default)]
    pub message: String,
    /// Where it is approved, if whoever asks is to hand that on.
    #[serde(default)]
    pub approval_url: Option<String>,
    /// Names the request; with a public key.
    #[serde(default)]
    pub pairing_id: Option<String>,
    /// Of the public key.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// For [`OneClaw::agent_enrollment`].
    #[serde(default)]
    pub poll_token: Option<SecretText>,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// What has become of a request. Has no `Debug`.
#[derive(Deserialize)]
pub struct EnrollmentStatus {
    /// `pending`, `approved`, `denied` or `expired`.
    pub status: String,
    /// Id of the agent.
    #[serde(default)]
    pub agent_id: Option<String>,
    /// The key, once, to the first question after the approval.
    #[serde(default)]
    pub api_key: Option<SecretText>,
}

/// What an agent asks for.
#[derive(Debug, Clone, Deserialize)]
pub struct EnrollmentPending {
    /// The name that it gave itself.
    pub name: String,
    /// What it says that it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whom it named to ask.
    #[serde(default)]
    pub human_email: Option<String>,
    /// Of its public key.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// The address that it asked from.
    #[serde(default)]
    pub ip_address: Option<String>,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub created_at: Option<String>,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// An agent that was let in. Has no `Debug`.
#[derive(Deserialize)]
pub struct Approved {
    /// The agent.
    pub agent: Agent,
    /// Its key, unless it fetches that itself.
    #[serde(default)]
    pub api_key: Option<SecretText>,
}
