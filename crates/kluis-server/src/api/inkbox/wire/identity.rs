//! Identities.

use kluis_engine::{
    AgentDescription, AgentHandle, AgentProfile, DisplayName, Error, Granted, NewHandledAgent,
    Remark,
};
use serde::de::SeqAccess;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::error::Failure;
use super::item;
use super::members::{Member, Readable, Wrong};

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
    #[schema(value_type = String, required, min_length = 1, max_length = 255, examples("build-agent"))]
    #[serde(default)]
    agent_handle: Member<String>,
    /// As the handle unless given.
    #[schema(value_type = Option<String>, max_length = 255)]
    #[serde(default)]
    display_name: Member<String>,
    /// At most 4000 characters.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    description: Member<String>,
    /// The secrets that it may read: ids, one id as a text, or `all`.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    vault_secret_ids: Member<SecretIds>,
}

/// What to change of an identity.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct IdentityUpdate {
    /// Null makes it the handle.
    #[schema(value_type = Option<String>, max_length = 255)]
    #[serde(default)]
    display_name: Member<String>,
    /// Null takes it away.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    description: Member<String>,
}

/// Some secrets.
enum SecretIds {
    One(String),
    Some(Vec<Member<String>>),
}

impl Readable for SecretIds {
    fn of_text(text: &str) -> Member<Self> {
        Member::Given(Self::One(text.to_owned()))
    }

    fn of_array<'de, A: SeqAccess<'de>>(array: A) -> Result<Member<Self>, A::Error> {
        Ok(match Vec::of_array(array)? {
            Member::Given(ids) => Member::Given(Self::Some(ids)),
            _ => Member::Other,
        })
    }
}

impl IdentityAt {
    /// The handle as it is: an `@` before it is dropped where it is given, and nowhere else.
    pub(in super::super) fn handle(&self) -> &str {
        &self.agent_handle
    }
}

impl IdentityCreate {
    pub(in super::super) fn parse(self) -> Result<NewHandledAgent, Failure> {
        let mut wrong = Wrong::default();
        let handle = wrong.required(HANDLE, self.agent_handle).and_then(|text| {
            let handle = text.strip_prefix('@').unwrap_or(&text).to_owned();
            wrong.fit(AgentHandle::parse(HANDLE, handle))
        });
        let name = wrong.optional(NAME, self.display_name);
        let name = wrong.fit_some(name.map(named));
        let description = wrong.optional("description", self.description);
        let description = wrong.fit_some(description.map(|text| text.map(described)));
        let granted = wrong
            .optional(SECRETS, self.vault_secret_ids)
            .and_then(|ids| granted(ids, &mut wrong));
        let made = || {
            Some(NewHandledAgent {
                handle: handle?,
                name: name?,
                description: description?,
                granted: granted?,
            })
        };
        wrong.end(made())
    }
}

impl IdentityUpdate {
    pub(in super::super) fn parse(self) -> Result<AgentDescription, Failure> {
        let mut wrong = Wrong::default();
        let name = match wrong.clearable(NAME, self.display_name) {
            Some(Some(text)) => wrong.fit_some(Some(named(text))).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let description = match wrong.clearable("description", self.description) {
            Some(Some(text)) => wrong.fit_some(Some(text.map(described))).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let made = || {
            Some(AgentDescription {
                name: name?,
                description: description?,
            })
        };
        wrong.end(made())
    }
}

/// A name; an empty one is none.
fn named(text: Option<String>) -> Option<Result<DisplayName, Error>> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| DisplayName::parse(NAME, &text))
}

fn described(text: String) -> Result<Remark, Error> {
    Remark::parse(text, LONGEST_DESCRIPTION)
}

/// The secrets that are meant.
fn granted(ids: Option<SecretIds>, wrong: &mut Wrong) -> Option<Granted> {
    match ids {
        None => Some(Granted::Items(Vec::new())),
        Some(SecretIds::One(word)) if word == "all" || word == "*" => Some(Granted::All),
        Some(SecretIds::One(id)) => {
            let item = wrong.fit(item(SECRETS, &id))?;
            Some(Granted::Items(vec![item]))
        }
        Some(SecretIds::Some(ids)) if ids.len() > MOST_SECRETS => {
            let many = Err(Error::invalid(SECRETS, "must be at most 10000"));
            wrong.fit(many)
        }
        Some(SecretIds::Some(ids)) => {
            let mut items = Vec::with_capacity(ids.len());
            for (position, id) in ids.into_iter().enumerate() {
                let at = format!("{SECRETS}[{position}]");
                let id = wrong.required(&at, id)?;
                items.push(wrong.fit(item(&at, &id))?);
            }
            Some(Granted::Items(items))
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

const HANDLE: &str = "agent_handle";
const NAME: &str = "display_name";
const SECRETS: &str = "vault_secret_ids";

/// Secrets that are granted one by one.
const MOST_SECRETS: usize = 10_000;

/// Characters of a description.
const LONGEST_DESCRIPTION: usize = 4_000;
