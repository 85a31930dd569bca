//! A policy, whom it names, and who made the vault that it is on.

use super::conditions::{AttributeConditions, Conditions};
use super::facts::Facts;
use super::glob::Glob;
use super::permission::PermissionSet;
use crate::caller::{Caller, Principal};
use crate::clock::Timestamp;
use crate::ids::{AgentId, PolicyId, UserId, VaultId};

/// What a policy does with the permissions that it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// `allow`: gives them.
    #[default]
    Allow,
    /// `deny`: withholds them, whoever gives them with the same or a lower priority.
    Deny,
}

/// A user or an agent, as policies and vaults name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyPrincipal {
    /// An agent.
    Agent(AgentId),
    /// A user.
    User(UserId),
}

/// Who made a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Maker {
    /// Who asked for it to be made.
    pub(crate) principal: PolicyPrincipal,
    /// The user who counts as its maker: that user, or the one who registered that agent.
    pub(crate) user: Option<UserId>,
}

/// A policy on a vault: a grant, or a denial (1claw contract §8).
#[derive(Clone, Debug)]
pub struct Policy {
    /// The policy.
    pub id: PolicyId,
    /// The vault that it is on.
    pub vault: VaultId,
    /// The paths that it is about.
    pub pattern: Glob,
    /// Whom it is about.
    pub principal: PolicyPrincipal,
    /// What it allows or denies.
    pub permissions: PermissionSet,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// The highest among those that apply decides; never below 0.
    pub priority: i64,
    /// Where, when and in which environment it applies.
    pub conditions: Conditions,
    /// To which secrets, roles and ways of authentication it applies.
    pub attribute_conditions: AttributeConditions,
    /// From then on it does not apply.
    pub expires_at: Option<Timestamp>,
    /// Who wrote it.
    pub created_by: PolicyPrincipal,
    /// When it was written.
    pub created_at: Timestamp,
}

impl Effect {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }

    /// The effect that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "allow" => Some(Self::Allow),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}

impl PolicyPrincipal {
    /// The principal of `caller`.
    pub fn of(caller: &Caller) -> Self {
        match &caller.principal {
            Principal::Agent(agent) => Self::Agent(agent.id),
            Principal::User(user) => Self::User(user.id),
        }
    }

    /// The principal with this [`kind`](Self::kind) and these 16 bytes.
    pub fn from_stored(kind: &str, id: [u8; 16]) -> Option<Self> {
        match kind {
            "agent" => Some(Self::Agent(AgentId::from_bytes(id))),
            "user" => Some(Self::User(UserId::from_bytes(id))),
            _ => None,
        }
    }

    /// `user` or `agent`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Agent(_) => "agent",
            Self::User(_) => "user",
        }
    }

    /// The 16 bytes of its id.
    pub const fn id_bytes(&self) -> &[u8; 16] {
        match self {
            Self::Agent(id) => id.bytes(),
            Self::User(id) => id.bytes(),
        }
    }
}

impl Maker {
    /// What `caller` is of a vault that it makes now.
    pub(crate) fn of(caller: &Caller) -> Self {
        let user = match &caller.principal {
            Principal::Agent(agent) => agent.registered_by,
            Principal::User(user) => Some(user.id),
        };
        Self {
            principal: PolicyPrincipal::of(caller),
            user,
        }
    }

    /// Whether `principal` has a maker's rights: it made the vault, or its agent did.
    pub(super) fn is(&self, principal: PolicyPrincipal) -> bool {
        self.principal == principal
            || matches!(principal, PolicyPrincipal::User(user) if self.user == Some(user))
    }
}

impl Policy {
    /// Whether it stands in `vault`, for `principal`, now and under these circumstances; for some path, permission
    /// and tags.
    pub(super) fn is_live(
        &self,
        vault: VaultId,
        principal: PolicyPrincipal,
        facts: &Facts<'_>,
    ) -> bool {
        self.vault == vault
            && self.principal == principal
            && self
                .expires_at
                .is_none_or(|expires_at| facts.now < expires_at)
            && self.conditions.hold(facts)
            && self.attribute_conditions.hold(facts)
    }
}
