//! An agent as it is stored, shown and changed.

use super::require_ahead;
use super::scopes::{path_scopes, scopes_checked};
use crate::act::Act;
use crate::caller::Agent;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, OrganizationId, UserId, VaultId};
use crate::store::{Failure, Row, unexpected};

/// An agent.
#[derive(Clone, Debug)]
pub struct AgentProfile {
    /// Its id.
    pub id: AgentId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// The user who is responsible for it; without one it does not act.
    pub registered_by: Option<UserId>,
    /// Who registered it first; none when that user was deleted.
    pub created_by: Option<UserId>,
    /// What it is called.
    pub name: String,
    /// Its name in addresses, unique in the organization; stays when it is renamed.
    pub handle: String,
    /// Whether it may act.
    pub active: bool,
    /// What it is for, and what it is held to.
    pub limits: AgentLimits,
    /// 32 bytes of Ed25519.
    pub ssh_public_key: Option<Vec<u8>>,
    /// A point of P-256, 65 bytes.
    pub ecdh_public_key: Option<Vec<u8>>,
    /// When its key or a token was last used, to the hour.
    pub last_active_at: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What an agent is for, and what it is held to.
#[derive(Clone, Debug, Default)]
pub struct AgentLimits {
    /// What it is for; may be empty.
    pub description: String,
    /// A ceiling on paths, and labels (RULES §1).
    pub scopes: Vec<String>,
    /// The vaults that it is bound to; empty binds it to none in particular.
    pub vaults: Vec<VaultId>,
    /// Whether private keys are withheld from it.
    pub intents_api_enabled: bool,
    /// Its environment, for conditions.
    pub environment: Option<String>,
    /// How long its access tokens live, in seconds; an hour unless stated.
    pub token_ttl: Option<u32>,
    /// From then on it does not act.
    pub expires_at: Option<Timestamp>,
}

/// An agent to register.
#[derive(Clone, Debug)]
pub struct NewAgent {
    /// Trimmed by the engine; 1–255 characters then.
    pub name: String,
    /// What it is for, and what it is held to.
    pub limits: AgentLimits,
    /// When its key stops working; never when `None`.
    pub key_expires_at: Option<Timestamp>,
}

/// What to change of an agent; `None` leaves it alone.
#[derive(Clone, Debug, Default)]
pub struct AgentChange {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Other scopes.
    pub scopes: Option<Vec<String>>,
    /// Other vaults.
    pub vaults: Option<Vec<VaultId>>,
    /// Whether private keys are withheld from it.
    pub intents_api_enabled: Option<bool>,
    /// Another environment; the empty text takes it away.
    pub environment: Option<String>,
    /// Another life of its access tokens.
    pub token_ttl: Option<u32>,
    /// Another end.
    pub expires_at: Option<Timestamp>,
    /// Another end of its key.
    pub key_expires_at: Option<Timestamp>,
    /// Whether it may act.
    pub active: Option<bool>,
}

/// Limits as they are stored.
pub(super) struct Stored {
    pub(super) scopes: String,
    pub(super) vaults: String,
}

/// Lives of access tokens, in seconds: from a minute to a day.
const TOKEN_TTL: std::ops::RangeInclusive<u32> = 60..=86_400;
const MOST_VAULTS: usize = 100;

impl AgentLimits {
    /// The same, if they can be set.
    pub(super) fn checked(mut self, now: Timestamp) -> Result<Self, Error> {
        self.scopes = scopes_checked(self.scopes)?;
        self.environment = self.environment.filter(|tag| !tag.is_empty());
        check_text("description", &self.description, 4_000)?;
        check_text(
            "environment",
            self.environment.as_deref().unwrap_or_default(),
            64,
        )?;
        check_vaults(&self.vaults)?;
        check_ttl(self.token_ttl)?;
        require_ahead("expires_at", self.expires_at, now)?;
        Ok(self)
    }

    pub(super) fn stored(&self) -> Result<Stored, Failure> {
        let json = |texts: &[String]| {
            serde_json::to_string(texts).map_err(|cause| Failure::Other(cause.to_string()))
        };
        let vaults: Vec<_> = self.vaults.iter().map(VaultId::to_string).collect();
        Ok(Stored {
            scopes: json(&self.scopes)?,
            vaults: json(&vaults)?,
        })
    }

    pub(super) fn change(&mut self, change: AgentChange) {
        let AgentChange {
            description,
            scopes,
            vaults,
            intents_api_enabled,
            environment,
            token_ttl,
            expires_at,
            name: _,
            key_expires_at: _,
            active: _,
        } = change;
        if let Some(description) = description {
            self.description = description;
        }
        if let Some(scopes) = scopes {
            self.scopes = scopes;
        }
        if let Some(vaults) = vaults {
            self.vaults = vaults;
        }
        if let Some(withheld) = intents_api_enabled {
            self.intents_api_enabled = withheld;
        }
        if let Some(environment) = environment {
            self.environment = Some(environment).filter(|tag| !tag.is_empty());
        }
        self.token_ttl = token_ttl.or(self.token_ttl);
        self.expires_at = expires_at.or(self.expires_at);
    }
}

impl AgentChange {
    /// The same, if it can be made.
    pub(super) fn checked(mut self, now: Timestamp) -> Result<Self, Error> {
        self.scopes = self.scopes.map(scopes_checked).transpose()?;
        check_text(
            "description",
            self.description.as_deref().unwrap_or_default(),
            4_000,
        )?;
        check_text(
            "environment",
            self.environment.as_deref().unwrap_or_default(),
            64,
        )?;
        check_vaults(self.vaults.as_deref().unwrap_or_default())?;
        check_ttl(self.token_ttl)?;
        require_ahead("expires_at", self.expires_at, now)?;
        require_ahead("api_key_expires_at", self.key_expires_at, now)?;
        Ok(self)
    }
}

impl AgentProfile {
    /// The agent as decisions know it.
    pub(crate) fn into_caller(self) -> Result<Agent, Failure> {
        Ok(Agent {
            id: self.id,
            registered_by: self.registered_by,
            path_scopes: path_scopes(&self.limits.scopes).map_err(|_| unexpected())?,
            vaults: self.limits.vaults,
            intents_api_enabled: self.limits.intents_api_enabled,
            environment: self.limits.environment,
        })
    }

    /// An agent that `act` is about to register, for which `responsible` is responsible.
    pub(super) fn new(
        act: &Act,
        responsible: UserId,
        name: String,
        limits: AgentLimits,
    ) -> Result<Self, Error> {
        Ok(Self {
            id: AgentId::generate(act.now)?,
            organization: act.caller.organization,
            registered_by: Some(responsible),
            created_by: Some(responsible),
            name,
            handle: String::new(),
            active: true,
            limits,
            ssh_public_key: None,
            ecdh_public_key: None,
            last_active_at: None,
            created_at: act.now,
            updated_at: act.now,
        })
    }

    pub(crate) fn from_row(mut row: Row) -> Result<Self, Failure> {
        let id = AgentId::from_bytes(row.array()?);
        let organization = OrganizationId::from_bytes(row.array()?);
        let registered_by = row.optional_array()?.map(UserId::from_bytes);
        let created_by = row.optional_array()?.map(UserId::from_bytes);
        let (name, handle, description) = (row.text()?, row.text()?, row.text()?);
        let active = row.flag()?;
        let mut limits = AgentLimits {
            description,
            scopes: row.json()?,
            vaults: vaults(&mut row)?,
            intents_api_enabled: row.flag()?,
            environment: row.optional_text()?,
            token_ttl: row.optional_number()?,
            expires_at: None,
        };
        let (ssh_public_key, ecdh_public_key) = (row.optional_blob()?, row.optional_blob()?);
        limits.expires_at = row.optional_time()?;
        Ok(Self {
            id,
            organization,
            registered_by,
            created_by,
            name,
            handle,
            active,
            limits,
            ssh_public_key,
            ecdh_public_key,
            last_active_at: row.optional_time()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }
}

/// A column of ids of vaults: a JSON list of UUIDs.
pub(crate) fn vaults(row: &mut Row) -> Result<Vec<VaultId>, Failure> {
    let texts: Vec<String> = row.json()?;
    texts
        .iter()
        .map(|text| VaultId::from_uuid_text(text).ok_or_else(unexpected))
        .collect()
}

pub(super) fn check_text(field: &'static str, text: &str, most: usize) -> Result<(), Error> {
    if text.chars().count() > most {
        return Err(Error::invalid(
            field,
            format!("must have at most {most} characters"),
        ));
    }
    if text.contains('\0') {
        return Err(Error::invalid(field, "must not hold NUL"));
    }
    Ok(())
}

fn check_vaults(vaults: &[VaultId]) -> Result<(), Error> {
    if vaults.len() > MOST_VAULTS {
        return Err(Error::invalid("vault_ids", "must be at most 100"));
    }
    Ok(())
}

fn check_ttl(seconds: Option<u32>) -> Result<(), Error> {
    if seconds.is_some_and(|seconds| !TOKEN_TTL.contains(&seconds)) {
        return Err(Error::invalid(
            "token_ttl_seconds",
            "must be from 60 to 86400",
        ));
    }
    Ok(())
}
