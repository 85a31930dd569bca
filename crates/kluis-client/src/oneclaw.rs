//! The 1claw API under `/v1`: secrets, versions and policies here, the rest in a file each.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::http::Call;
use crate::{Client, Error, SecretText};

mod agents;
mod audit;
mod enrollment;
mod login;
mod shares;

pub use agents::{Agent, AgentChange, AgentLimits, NewAgent, RegisteredAgent};
pub use audit::{AuditEvent, AuditExport, EventFilter, ExportSpan, Verification, VerifySpan};
pub use enrollment::{Approved, Enrolled, Enrollment, EnrollmentPending, EnrollmentStatus};
pub use login::{AccessToken, DeviceAnswer, DeviceCode, DevicePending, DeviceToken, LoggedIn, Me};
pub use shares::{NewShare, Share, ShareListed, SharedSecret};

impl Client {
    /// The calls of the 1claw API.
    #[must_use]
    pub fn oneclaw(&self) -> OneClaw<'_> {
        OneClaw(self)
    }
}

/// The calls of the 1claw API. A path goes as one percent-encoded segment, whatever slashes it holds.
#[derive(Clone, Copy)]
pub struct OneClaw<'a>(&'a Client);

impl OneClaw<'_> {
    /// The versions of the secret at `path`, newest first, without values.
    pub async fn secret_versions(self, vault: &str, path: &str) -> Result<Vec<Version>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            versions: Vec<Version>,
        }
        let segments = ["v1", "vaults", vault, "secret-versions", path];
        let answer: Answer = self.0.call(Call::get(&segments)).await?;
        Ok(answer.versions)
    }

    /// The secrets of a vault that the caller sees, by path, without values.
    pub async fn secrets(self, vault: &str) -> Result<Vec<Version>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            secrets: Vec<Version>,
        }
        let segments = ["v1", "vaults", vault, "secrets"];
        let answer: Answer = self.0.call(Call::get(&segments)).await?;
        Ok(answer.secrets)
    }

    /// One version of the secret at `path`, with its value; 410 when it is disabled or expired.
    pub async fn secret_version(
        self,
        vault: &str,
        path: &str,
        version: u64,
    ) -> Result<RevealedVersion, Error> {
        let version = version.to_string();
        let segments = ["v1", "vaults", vault, "secret-version", path, &version];
        self.0.call(Call::get(&segments)).await
    }

    /// Takes a version out of use; it is kept, and cannot be read.
    pub async fn secret_version_disable(
        self,
        vault: &str,
        path: &str,
        version: u64,
    ) -> Result<(), Error> {
        let version = version.to_string();
        let segments = [
            "v1",
            "vaults",
            vault,
            "secret-version-disable",
            path,
            &version,
        ];
        self.0.call_unit(Call::post(&segments)).await
    }

    /// Has the server make a new value, which it does not tell.
    pub async fn secret_rotate(
        self,
        vault: &str,
        path: &str,
        rotate: &Rotate<'_>,
    ) -> Result<Version, Error> {
        let segments = ["v1", "vaults", vault, "secret-rotate", path];
        self.0.call(Call::post(&segments).json(rotate)?).await
    }

    /// Closes every version of the secret at `path`; for 30 days it can be restored.
    pub async fn secret_close(self, vault: &str, path: &str) -> Result<(), Error> {
        let segments = ["v1", "vaults", vault, "secrets", path];
        self.0.call_unit(Call::delete(&segments)).await
    }

    /// Opens the closed versions of a secret again. Kluis only.
    pub async fn secret_restore(self, vault: &str, path: &str) -> Result<Version, Error> {
        let segments = ["v1", "vaults", vault, "secret-restore", path];
        self.0.call(Call::post(&segments)).await
    }

    /// Destroys the closed versions of a secret. Kluis only.
    pub async fn secret_purge(self, vault: &str, path: &str) -> Result<(), Error> {
        let segments = ["v1", "vaults", vault, "secret-purge", path];
        self.0.call_unit(Call::post(&segments)).await
    }

    /// The policies on a vault.
    pub async fn policies(self, vault: &str) -> Result<Vec<Policy>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            policies: Vec<Policy>,
        }
        let answer: Answer = self
            .0
            .call(Call::get(&["v1", "vaults", vault, "policies"]))
            .await?;
        Ok(answer.policies)
    }

    /// Grants or denies a principal permissions on the paths that a pattern matches.
    pub async fn policy_create(self, vault: &str, policy: &NewPolicy<'_>) -> Result<Policy, Error> {
        let segments = ["v1", "vaults", vault, "policies"];
        self.0.call(Call::post(&segments).json(policy)?).await
    }

    /// Asks why someone may or may not. Kluis only.
    pub async fn policy_explain(self, question: &Question<'_>) -> Result<Explanation, Error> {
        let segments = ["v1", "policies", "explain"];
        self.0.call(Call::post(&segments).json(question)?).await
    }

    /// Changes a policy; what is `None` stays. Pattern and principal cannot change.
    pub async fn policy_update(
        self,
        vault: &str,
        policy: &str,
        change: &PolicyChange<'_>,
    ) -> Result<Policy, Error> {
        let segments = ["v1", "vaults", vault, "policies", policy];
        self.0.call(Call::put(&segments).json(change)?).await
    }

    /// Removes a policy, effective at once.
    pub async fn policy_delete(self, vault: &str, policy: &str) -> Result<(), Error> {
        self.0
            .call_unit(Call::delete(&["v1", "vaults", vault, "policies", policy]))
            .await
    }
}

/// What to explain; the caller itself unless a principal is named.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Question<'a> {
    /// The vault's id.
    pub vault_id: &'a str,
    /// The path.
    pub path: &'a str,
    /// `read`, `write`, `delete` or `rotate`.
    pub permission: &'a str,
    /// `user` or `agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_type: Option<&'a str>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<&'a str>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<&'a str>,
}

/// A decision, and what led to it.
#[derive(Debug, Clone, Deserialize)]
pub struct Explanation {
    /// Whether it is allowed.
    pub allowed: bool,
    /// `owner`, `maker`, `policy` or `role`.
    #[serde(default)]
    pub basis: Option<String>,
    /// Whether the name may be seen.
    pub sees: bool,
    /// Whether the principal is in force.
    pub active: bool,
    /// The policy that decides.
    #[serde(default)]
    pub deciding_policy_id: Option<String>,
    /// Every policy about the principal, in the order in which they are asked.
    pub policies: Vec<Considered>,
}

/// A policy, and how it fits.
#[derive(Debug, Clone, Deserialize)]
pub struct Considered {
    /// The policy.
    #[serde(flatten)]
    pub policy: Policy,
    /// `applies`, or what rules it out.
    pub fit: String,
}

/// How to make a new value; `None` leaves it to the server.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Rotate<'a> {
    /// Its characters, from 8 to 1024.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// `hex`, `base64`, `alphanumeric` or `ascii`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<&'a str>,
}

/// One version of a secret, with its value. Has no `Debug`.
#[derive(Deserialize)]
pub struct RevealedVersion {
    /// The value.
    pub value: SecretText,
}

/// One version of a secret, without its value.
#[derive(Debug, Clone, Deserialize)]
pub struct Version {
    /// The secret's id, the same for all its versions.
    pub id: String,
    /// The secret's path.
    pub path: String,
    /// A word such as `api_key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// From 1, rising by 1.
    pub version: u64,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC; absent when it never expires.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Whether it was taken out of use.
    #[serde(default)]
    pub is_disabled: bool,
}

/// A policy: who may do what on which paths of one vault, and when.
#[derive(Debug, Clone, Deserialize)]
pub struct Policy {
    /// UUID.
    pub id: String,
    /// The vault's UUID.
    pub vault_id: String,
    /// Glob: `*` is one segment, `**` any number.
    pub secret_path_pattern: String,
    /// `user` or `agent`.
    pub principal_type: String,
    /// The principal's UUID.
    pub principal_id: String,
    /// Some of `read`, `write`, `delete`, `rotate`.
    pub permissions: Vec<String>,
    /// Further conditions, all of which must hold.
    #[serde(default)]
    pub conditions: Map<String, Value>,
    /// `allow` or `deny`; the server leaves `allow` out.
    #[serde(default = "allow")]
    pub effect: String,
    /// The highest that applies decides.
    #[serde(default)]
    pub priority: u64,
    /// RFC 3339, UTC; absent when it never ends.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

fn allow() -> String {
    "allow".to_owned()
}

/// What a new policy is made of.
#[derive(Clone, Serialize)]
pub struct NewPolicy<'a> {
    /// Glob: `*` is one segment, `**` any number.
    pub secret_path_pattern: &'a str,
    /// `user` or `agent`.
    pub principal_type: &'a str,
    /// The principal's id.
    pub principal_id: &'a str,
    /// Some of `read`, `write`, `delete`, `rotate`; at least one.
    pub permissions: &'a [String],
    /// Further conditions, such as `ip_allowlist`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub conditions: Map<String, Value>,
    /// `deny` instead of the default `allow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<&'a str>,
    /// 0 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u64>,
    /// RFC 3339; it stops applying then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<&'a str>,
}

/// What changes about a policy; what is `None` stays.
#[derive(Clone, Default, Serialize)]
pub struct PolicyChange<'a> {
    /// Some of `read`, `write`, `delete`, `rotate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<&'a [String]>,
    /// Replaces all conditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Map<String, Value>>,
    /// `allow` or `deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<&'a str>,
    /// The highest that applies decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u64>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<&'a str>,
}
