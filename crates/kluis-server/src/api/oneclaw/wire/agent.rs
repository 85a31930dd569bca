//! Agents (contract §9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kluis_engine::{
    AgentChange, AgentId, AgentLimits, AgentProfile, Error, NewAgent, Timestamp, Token, VaultId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AccessToken, optional_instant};
use crate::api::given::Given;
use crate::api::ids::Kind;
use crate::api::revealed::Revealed;

/// An agent. What is not set is left out.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Agent {
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("nightly-report"))]
    name: String,
    description: String,
    /// Always `api_key`.
    #[schema(examples("api_key"))]
    auth_method: &'static str,
    /// A ceiling on paths, and labels.
    #[schema(examples(json!(["db/**"])))]
    scopes: Vec<String>,
    /// Whether it may act.
    is_active: bool,
    /// Whether private keys are withheld from it.
    intents_api_enabled: bool,
    /// Always false.
    shroud_enabled: bool,
    /// The vaults that it is bound to; an empty list binds it to none in particular.
    vault_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_ttl_seconds: Option<u32>,
    /// 32 bytes of Ed25519 in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_public_key: Option<String>,
    /// A point of P-256 in base64, 65 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    ecdh_public_key: Option<String>,
    #[schema(examples("2026-03-01T09:35:00Z"))]
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// To the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_active_at: Option<String>,
}

/// The agent that asks.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct AgentSelf {
    #[serde(flatten)]
    agent: Agent,
    #[schema(format = "uuid")]
    org_id: String,
    /// Left out when it enrolled itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    created_by: Option<String>,
}

/// The agents that the caller may see, oldest first.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Agents {
    agents: Vec<Agent>,
}

/// An agent with its key.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct AgentShown {
    agent: Agent,
    /// Shown once.
    api_key: Revealed,
}

/// A new key of an agent.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct AgentKeyShown {
    /// Shown once.
    api_key: Revealed,
}

/// The vault with the private keys of agents.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct AgentKeysVault {
    #[schema(format = "uuid")]
    vault_id: String,
}

/// An agent to register.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct AgentCreate {
    #[schema(min_length = 1, max_length = 255, examples("nightly-report"))]
    name: String,
    description: Option<String>,
    /// `api_key`; nothing else is offered.
    auth_method: Option<String>,
    /// Path patterns: a ceiling on what policies give. Words such as `vaults:read` are labels and restrict nothing.
    scopes: Option<Vec<String>>,
    /// From then on it does not act.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// From then on its key does not work.
    #[schema(format = DateTime)]
    api_key_expires_at: Option<String>,
    /// Life of its access tokens; 3600 unless given.
    #[schema(minimum = 60, maximum = 86400)]
    token_ttl_seconds: Option<u32>,
    /// The only vaults that it may reach; an empty list for all that policies open.
    vault_ids: Option<Vec<String>>,
    /// Withholds private keys and SSH keys from it.
    intents_api_enabled: Option<bool>,
    /// For conditions of policies.
    #[schema(max_length = 64)]
    environment: Option<String>,
}

/// What to change of an agent.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct AgentUpdate {
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    description: Option<String>,
    /// `api_key`; nothing else is offered.
    auth_method: Option<String>,
    scopes: Option<Vec<String>>,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    api_key_expires_at: Option<String>,
    #[schema(minimum = 60, maximum = 86400)]
    token_ttl_seconds: Option<u32>,
    vault_ids: Option<Vec<String>>,
    intents_api_enabled: Option<bool>,
    /// The empty text takes it away.
    #[schema(max_length = 64)]
    environment: Option<String>,
    /// Whether it may act.
    is_active: Option<bool>,
}

/// A key of an agent to exchange.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct AgentKeyExchange {
    #[schema(value_type = String)]
    api_key: Given,
    /// The agent of the key, where it is known.
    #[schema(format = "uuid")]
    agent_id: Option<String>,
}

/// An access token of an agent.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct AgentToken {
    #[serde(flatten)]
    token: AccessToken,
    #[schema(format = "uuid")]
    agent_id: String,
    /// The vaults that it is bound to; those that it reaches now, when it is bound to none.
    vault_ids: Vec<String>,
}

impl TryFrom<AgentCreate> for NewAgent {
    type Error = Error;

    fn try_from(body: AgentCreate) -> Result<Self, Error> {
        api_key_only(body.auth_method.as_deref())?;
        Ok(Self {
            name: body.name,
            limits: AgentLimits {
                description: body.description.unwrap_or_default(),
                scopes: body.scopes.unwrap_or_default(),
                vaults: vaults(&body.vault_ids.unwrap_or_default())?,
                intents_api_enabled: body.intents_api_enabled.unwrap_or(false),
                environment: body.environment,
                token_ttl: body.token_ttl_seconds,
                expires_at: optional_instant("expires_at", body.expires_at.as_deref())?,
            },
            key_expires_at: optional_instant(
                "api_key_expires_at",
                body.api_key_expires_at.as_deref(),
            )?,
        })
    }
}

impl TryFrom<AgentUpdate> for AgentChange {
    type Error = Error;

    fn try_from(body: AgentUpdate) -> Result<Self, Error> {
        api_key_only(body.auth_method.as_deref())?;
        Ok(Self {
            name: body.name,
            description: body.description,
            scopes: body.scopes,
            vaults: body.vault_ids.as_deref().map(vaults).transpose()?,
            intents_api_enabled: body.intents_api_enabled,
            environment: body.environment,
            token_ttl: body.token_ttl_seconds,
            expires_at: optional_instant("expires_at", body.expires_at.as_deref())?,
            key_expires_at: optional_instant(
                "api_key_expires_at",
                body.api_key_expires_at.as_deref(),
            )?,
            active: body.is_active,
        })
    }
}

impl AgentKeyExchange {
    /// The key.
    pub(in super::super) fn key(&self) -> &str {
        self.api_key.expose()
    }

    /// The agent that it is said to be of.
    pub(in super::super) fn agent(&self) -> Option<AgentId> {
        self.agent_id.as_deref().map(AgentId::named)
    }
}

impl From<AgentProfile> for Agent {
    fn from(agent: AgentProfile) -> Self {
        let AgentLimits {
            description,
            scopes,
            vaults,
            intents_api_enabled,
            environment: _,
            token_ttl,
            expires_at,
        } = agent.limits;
        let base64 = |key: Option<Vec<u8>>| key.map(|bytes| BASE64.encode(bytes));
        Self {
            id: agent.id.to_string(),
            name: agent.name,
            description,
            auth_method: API_KEY,
            scopes,
            is_active: agent.active,
            intents_api_enabled,
            shroud_enabled: false,
            vault_ids: vaults.iter().map(VaultId::to_string).collect(),
            token_ttl_seconds: token_ttl,
            ssh_public_key: base64(agent.ssh_public_key),
            ecdh_public_key: base64(agent.ecdh_public_key),
            created_at: agent.created_at.rfc3339(),
            expires_at: expires_at.map(Timestamp::rfc3339),
            last_active_at: agent.last_active_at.map(Timestamp::rfc3339),
        }
    }
}

impl From<AgentProfile> for AgentSelf {
    fn from(agent: AgentProfile) -> Self {
        Self {
            org_id: agent.organization.to_string(),
            created_by: agent.created_by.map(|user| user.to_string()),
            agent: agent.into(),
        }
    }
}

impl From<Vec<AgentProfile>> for Agents {
    fn from(agents: Vec<AgentProfile>) -> Self {
        Self {
            agents: agents.into_iter().map(Agent::from).collect(),
        }
    }
}

impl From<(AgentProfile, Token)> for AgentShown {
    fn from((agent, token): (AgentProfile, Token)) -> Self {
        Self {
            agent: agent.into(),
            api_key: token.into(),
        }
    }
}

impl From<Token> for AgentKeyShown {
    fn from(token: Token) -> Self {
        Self {
            api_key: token.into(),
        }
    }
}

impl From<VaultId> for AgentKeysVault {
    fn from(vault: VaultId) -> Self {
        Self {
            vault_id: vault.to_string(),
        }
    }
}

impl From<kluis_engine::AgentToken> for AgentToken {
    fn from(token: kluis_engine::AgentToken) -> Self {
        Self {
            token: token.token.into(),
            agent_id: token.agent.to_string(),
            vault_ids: token.vaults.iter().map(VaultId::to_string).collect(),
        }
    }
}

const API_KEY: &str = "api_key";

fn api_key_only(method: Option<&str>) -> Result<(), Error> {
    if method.is_none_or(|method| method == API_KEY) {
        Ok(())
    } else {
        Err(Error::invalid("auth_method", "must be api_key"))
    }
}

fn vaults(ids: &(impl AsRef<[String]> + ?Sized)) -> Result<Vec<VaultId>, Error> {
    let ids = ids.as_ref().iter().map(|id| {
        VaultId::parse(id).ok_or_else(|| Error::invalid("vault_ids", "must be ids of vaults"))
    });
    ids.collect()
}
