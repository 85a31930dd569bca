//! Access rules.

use kluis_engine::{AgentId, ZkAccess, ZkItemId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::error::Failure;
use super::members::{Member, Wrong};
use super::{agent, in_path, item};

/// A rule that lets an identity read a secret.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct AccessRule {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "uuid")]
    vault_secret_id: String,
    #[schema(format = "uuid")]
    identity_id: String,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    created_at: String,
}

/// Who is to read a secret.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct AccessGrant {
    #[schema(value_type = String, required, format = "uuid")]
    #[serde(default)]
    identity_id: Member<String>,
}

/// Which rule.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(in super::super) struct AccessAt {
    /// Id of the secret.
    #[param(example = "0b9d6c0e-6f0e-4f43-8a57-3f2f0c9d1e21")]
    secret_id: String,
    /// Id of the identity.
    #[param(example = "7a112c50-9f3e-4b0c-8d60-2f7a1b6f4e02")]
    identity_id: String,
}

impl AccessGrant {
    pub(in super::super) fn agent(self) -> Result<AgentId, Failure> {
        let mut wrong = Wrong::default();
        let identity = wrong.required(IDENTITY, self.identity_id);
        let identity = identity.and_then(|id| wrong.fit(agent(IDENTITY, &id)));
        wrong.end(identity)
    }
}

impl AccessAt {
    pub(in super::super) fn parse(&self) -> Result<(ZkItemId, AgentId), Failure> {
        let secret = item("secret_id", &self.secret_id).map_err(in_path)?;
        let identity = agent(IDENTITY, &self.identity_id).map_err(in_path)?;
        Ok((secret, identity))
    }
}

impl From<ZkAccess> for AccessRule {
    fn from(rule: ZkAccess) -> Self {
        Self {
            id: rule.id.to_string(),
            vault_secret_id: rule.item.to_string(),
            identity_id: rule.agent.to_string(),
            created_at: rule.created_at.rfc3339(),
        }
    }
}

const IDENTITY: &str = "identity_id";
