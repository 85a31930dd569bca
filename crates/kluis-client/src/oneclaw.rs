//! The 1claw API's secrets, versions, policies and audit record, under `/v1`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::http::Call;
use crate::{Client, Error, SecretText};

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

    /// Events of the audit record, newest first.
    pub async fn audit_events(self, filter: &EventFilter<'_>) -> Result<Vec<AuditEvent>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            events: Vec<AuditEvent>,
        }
        let (limit, offset) = (filter.limit.to_string(), filter.offset.to_string());
        let mut query = vec![("limit", limit.as_str()), ("offset", offset.as_str())];
        query.extend(
            [
                ("resource_id", filter.resource_id),
                ("actor_id", filter.actor_id),
                ("action", filter.action),
                ("from", filter.from),
                ("to", filter.to),
            ]
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value))),
        );
        let answer: Answer = self
            .0
            .call(Call::get(&["v1", "audit", "events"]).query(&query))
            .await?;
        Ok(answer.events)
    }

    /// Has the server check the hash chain of the organization's audit record.
    pub async fn audit_verify(self, span: &VerifySpan<'_>) -> Result<Verification, Error> {
        let limit = span.limit.map(|limit| limit.to_string());
        let after = span.after.map(|after| after.to_string());
        let query: Vec<(&str, &str)> = [
            ("from", span.from),
            ("to", span.to),
            ("after", after.as_deref()),
            ("limit", limit.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect();
        self.0
            .call(Call::get(&["v1", "audit", "verify"]).query(&query))
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

/// Which audit events to show; `None` means any.
#[derive(Debug, Clone, Copy)]
pub struct EventFilter<'a> {
    /// A secret's or vault's id, or a path.
    pub resource_id: Option<&'a str>,
    /// A user's or agent's id.
    pub actor_id: Option<&'a str>,
    /// An action such as `secret.read`.
    pub action: Option<&'a str>,
    /// RFC 3339: not before.
    pub from: Option<&'a str>,
    /// RFC 3339: not after.
    pub to: Option<&'a str>,
    /// How many at most.
    pub limit: u32,
    /// How many of the newest to leave out.
    pub offset: u32,
}

/// One event of the audit record.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct AuditEvent {
    /// UUID.
    pub id: String,
    /// An action such as `secret.read`.
    pub action: String,
    /// `user`, `agent` or `system`.
    #[serde(default)]
    pub actor_type: Option<String>,
    /// The actor's UUID.
    #[serde(default)]
    pub actor_id: Option<String>,
    /// A word such as `secret` or `vault`.
    #[serde(default)]
    pub resource_type: Option<String>,
    /// UUID of what was acted upon.
    #[serde(default)]
    pub resource_id: Option<String>,
    /// Path, version, API, request and more; never a value.
    #[serde(default)]
    pub details: Map<String, Value>,
    /// The caller's address.
    #[serde(default)]
    pub ip_address: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// Members that the contract does not name, such as the chain's hashes.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What part of the audit record to verify; `None` means the server's default.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifySpan<'a> {
    /// RFC 3339: not before.
    pub from: Option<&'a str>,
    /// RFC 3339: not after.
    pub to: Option<&'a str>,
    /// From behind the event of this number on.
    pub after: Option<i64>,
    /// How many events at most, up to 10,000: the first of them after `from` or `after`, else the newest.
    pub limit: Option<u32>,
}

/// The outcome of a verification.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Verification {
    /// Whether every link that was checked holds.
    pub chain_valid: bool,
    /// Events whose link holds.
    pub events_verified: u64,
    /// Events looked at.
    pub events_checked: u64,
    /// The first event whose link does not hold.
    #[serde(default)]
    pub broken_at_event_id: Option<String>,
    /// Number of the last event that was to be checked; other servers do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_through: Option<i64>,
    /// Number of the last event in the chain; other servers do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_through: Option<i64>,
    /// How far the chain reaches, its open tail, the last checkpoint, and how hashes are made.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
