//! Identities.

#![expect(
    clippy::option_option,
    reason = "a member that is absent and one that is null differ in a PATCH"
)]

use kluis_engine::{AgentDescription, AgentProfile, Error, Granted, NewHandledAgent};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::item;
use crate::api::extract::stated;

/// An identity: an agent.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Identity {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "uuid")]
    organization_id: String,
    #[schema(examples("build-agent"))]
    agent_handle: String,
    #[schema(examples("Build agent"))]
    display_name: String,
    description: Option<String>,
    /// Always null: there is no mail here.
    email_address: Option<String>,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    created_at: String,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    updated_at: String,
}

/// Which identity.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(in super::super) struct IdentityAt {
    /// Its handle.
    #[param(example = "build-agent")]
    agent_handle: String,
}

/// An identity to create.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct IdentityCreate {
    /// Unique in the organization; an `@` before it is dropped.
    #[schema(min_length = 1, max_length = 255, examples("build-agent"))]
    agent_handle: String,
    /// As the handle unless given.
    #[schema(max_length = 255)]
    display_name: Option<String>,
    /// At most 4000 characters.
    description: Option<String>,
    /// The secrets that it may read: an id, some ids, or `all`.
    vault_secret_ids: Option<SecretIds>,
}

/// What to change of an identity.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct IdentityUpdate {
    /// Null makes it the handle.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, max_length = 255)]
    display_name: Option<Option<String>>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
}

/// Some secrets.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "an id, ids, or `all`")]
enum SecretIds {
    One(String),
    Some(Vec<String>),
}

impl IdentityAt {
    /// The handle, without an `@` before it.
    pub(in super::super) fn handle(&self) -> &str {
        bare(&self.agent_handle)
    }
}

impl IdentityCreate {
    pub(in super::super) fn parse(self) -> Result<NewHandledAgent, Error> {
        let granted = match self.vault_secret_ids {
            None => Granted::Items(Vec::new()),
            Some(SecretIds::One(word)) if word == "all" || word == "*" => Granted::All,
            Some(SecretIds::One(id)) => Granted::Items(vec![item(SECRETS, &id)?]),
            Some(SecretIds::Some(ids)) => {
                let ids = ids.iter().enumerate();
                let items = ids.map(|(position, id)| item(&format!("{SECRETS}[{position}]"), id));
                Granted::Items(items.collect::<Result<_, _>>()?)
            }
        };
        Ok(NewHandledAgent {
            handle: bare(&self.agent_handle).to_owned(),
            name: self.display_name.filter(|name| !name.is_empty()),
            description: self.description.unwrap_or_default(),
            granted,
        })
    }
}

impl From<IdentityUpdate> for AgentDescription {
    fn from(body: IdentityUpdate) -> Self {
        let named = |name: Option<String>| name.filter(|name| !name.is_empty());
        Self {
            name: body.display_name.map(named),
            description: body.description.map(Option::unwrap_or_default),
        }
    }
}

impl From<AgentProfile> for Identity {
    fn from(agent: AgentProfile) -> Self {
        let description = agent.limits.description;
        Self {
            id: agent.id.to_string(),
            organization_id: agent.organization.to_string(),
            agent_handle: agent.handle,
            display_name: agent.name,
            description: Some(description).filter(|text| !text.is_empty()),
            email_address: None,
            created_at: agent.created_at.rfc3339(),
            updated_at: agent.updated_at.rfc3339(),
        }
    }
}

fn bare(handle: &str) -> &str {
    handle.strip_prefix('@').unwrap_or(handle)
}

const SECRETS: &str = "vault_secret_ids";
