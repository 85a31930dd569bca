//! Agents: registering them, changing them, their keys.

use serde::{Deserialize, Serialize};

use super::OneClaw;
use crate::http::Call;
use crate::{Error, SecretText};

impl OneClaw<'_> {
    /// The agents that the caller may see, oldest first.
    pub async fn agents(self) -> Result<Vec<Agent>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            agents: Vec<Agent>,
        }
        let answer: Answer = self.0.call(Call::get(&["v1", "agents"])).await?;
        Ok(answer.agents)
    }

    /// One agent.
    pub async fn agent(self, agent: &str) -> Result<Agent, Error> {
        self.0.call(Call::get(&["v1", "agents", agent])).await
    }

    /// The agent that asks; 403 for a user.
    pub async fn agent_self(self) -> Result<Agent, Error> {
        self.0.call(Call::get(&["v1", "agents", "me"])).await
    }

    /// Registers an agent. Its key is told this once.
    pub async fn agent_create(self, agent: &NewAgent<'_>) -> Result<RegisteredAgent, Error> {
        self.0
            .call(Call::post(&["v1", "agents"]).json(agent)?)
            .await
    }

    /// Changes an agent; what is `None` stays.
    pub async fn agent_update(self, agent: &str, change: &AgentChange<'_>) -> Result<Agent, Error> {
        let segments = ["v1", "agents", agent];
        self.0.call(Call::patch(&segments).json(change)?).await
    }

    /// Deletes an agent with its key, its tokens and the policies about it.
    pub async fn agent_delete(self, agent: &str) -> Result<(), Error> {
        self.0
            .call_unit(Call::delete(&["v1", "agents", agent]))
            .await
    }

    /// Replaces the key of an agent; the old one is dead at once.
    pub async fn agent_rotate_key(self, agent: &str) -> Result<SecretText, Error> {
        #[derive(Deserialize)]
        struct Answer {
            api_key: SecretText,
        }
        let segments = ["v1", "agents", agent, "rotate-key"];
        let answer: Answer = self.0.call(Call::post(&segments)).await?;
        Ok(answer.api_key)
    }

    /// Makes the caller responsible for an agent. Kluis only.
    pub async fn agent_take_over(self, agent: &str) -> Result<Agent, Error> {
        let segments = ["v1", "agents", agent, "take-over"];
        self.0.call(Call::post(&segments)).await
    }
}

/// An agent, without its key.
#[derive(Debug, Clone, Deserialize)]
pub struct Agent {
    /// UUID.
    pub id: String,
    /// Its name; need not be unique.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// A ceiling on paths, and labels.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether it may act.
    pub is_active: bool,
    /// Whether private keys are withheld from it.
    #[serde(default)]
    pub intents_api_enabled: bool,
    /// The vaults that it is bound to; none for no binding.
    #[serde(default)]
    pub vault_ids: Vec<String>,
    /// Life of its access tokens.
    #[serde(default)]
    pub token_ttl_seconds: Option<u64>,
    /// A label for conditions of policies.
    #[serde(default)]
    pub environment: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC; absent when it never ends.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// RFC 3339, UTC, to the hour; absent when it has never acted.
    #[serde(default)]
    pub last_active_at: Option<String>,
    /// UUID of its organization; only in [`OneClaw::agent_self`].
    #[serde(default)]
    pub org_id: Option<String>,
    /// UUID of the user who registered it; only in [`OneClaw::agent_self`].
    #[serde(default)]
    pub created_by: Option<String>,
}

/// An agent with its key. Has no `Debug`.
#[derive(Deserialize)]
pub struct RegisteredAgent {
    /// The agent.
    pub agent: Agent,
    /// Its key, told this once.
    pub api_key: SecretText,
}

/// What a new agent is made of; `None` leaves it to the server.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct NewAgent<'a> {
    /// Its name.
    pub name: &'a str,
    /// The rest.
    #[serde(flatten)]
    pub limits: AgentLimits<'a>,
}

/// What changes about an agent; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AgentChange<'a> {
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Whether it may act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// The rest.
    #[serde(flatten)]
    pub limits: AgentLimits<'a>,
}

/// What an agent may at most do, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AgentLimits<'a> {
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// A ceiling on paths, and labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<&'a [String]>,
    /// Ids of the only vaults that it may reach; none for all that policies open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault_ids: Option<&'a [String]>,
    /// A label for conditions of policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<&'a str>,
    /// RFC 3339: from then on it does not act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<&'a str>,
    /// RFC 3339: from then on its key does not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_expires_at: Option<&'a str>,
    /// Life of its access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ttl_seconds: Option<u64>,
    /// Withholds private keys from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intents_api_enabled: Option<bool>,
}
