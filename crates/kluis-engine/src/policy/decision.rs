//! The decision: what a caller may do in a vault (RULES §2).

use super::compiled::Compiled;
use super::facts::Facts;
use super::permission::{Permission, PermissionSet};
use super::types::{Effect, Maker, PolicyPrincipal};
use crate::caller::{Agent, Caller, Principal, Role};
use crate::clock::Timestamp;
use crate::ids::{PolicyId, VaultId};

/// What decisions need to know of a vault of the caller's organization.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VaultFacts {
    /// The vault.
    pub(crate) id: VaultId,
    /// Whether it is `default`, which the organization's members share.
    pub(crate) default: bool,
    /// Whether it stands in no list, as `__agent-keys`: owners and admins reach it by id, nobody else does.
    pub(crate) hidden: bool,
    /// Who made it; nobody made `default`, a hidden vault, or one that was taken over.
    pub(crate) maker: Option<Maker>,
}

/// What a decision is about: a secret, or a path at which none is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// Its path.
    pub(crate) path: &'a str,
    /// Its type, or the one that it is to have.
    pub(crate) kind: Option<&'a str>,
    /// The tags that it has, none where no secret is. What a caller sends in a request is no fact about a secret.
    pub(crate) tags: &'a [String],
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Yes, on this ground.
    Allow(Basis),
    /// No.
    Deny,
}

/// On what ground something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The caller made the vault.
    Maker,
    /// The caller owns the organization.
    Owner,
    /// A policy allows it.
    Policy(PolicyId),
    /// The caller's role allows it: an admin's anywhere, a member's in `default`.
    Role,
}

/// A caller before a vault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing<'a> {
    /// Who asks.
    pub(crate) caller: &'a Caller,
    /// The vault; of the caller's organization, or the question does not arise (RULES §2, step 1).
    pub(crate) vault: &'a VaultFacts,
    /// The policies that name the caller on the vault; may be empty where [`needs_policies`] says no.
    pub(crate) policies: &'a Compiled,
    /// When the caller asks.
    pub(crate) now: Timestamp,
}

/// What there is to say about a caller and a vault before any path is known.
#[derive(Clone, Copy, Debug)]
enum Ground {
    /// Nothing is allowed.
    Nothing,
    /// Everything is, within the caller's ceilings (step 3).
    Everything(Basis),
    /// Policies decide (step 4); where none speaks, the role does (steps 5 and 6).
    Policies { role_allows: bool },
}

/// Whether decisions about `caller` in `vault` depend on policies at all.
pub(crate) fn needs_policies(caller: &Caller, vault: &VaultFacts) -> bool {
    matches!(Ground::of(caller, vault), Ground::Policies { .. })
}

impl Standing<'_> {
    /// Whether the caller has `permission` on `subject`.
    pub(crate) fn decide(&self, permission: Permission, subject: &Subject<'_>) -> Verdict {
        self.decide_any(&[permission], subject)
    }

    /// Whether the caller may do what each of `permissions` is enough for: deleting is such an act for `write` and
    /// `delete`, rotating for `write` and `rotate` (1claw contract §8).
    ///
    /// Of the policies that name one of them the highest priority decides, and a denial wins at equal priority, as for
    /// a single permission: each of these policies speaks about the act. So `deny delete` stops deleting for one who is
    /// allowed to `write` with the same priority, and not for one allowed to with a higher one.
    pub(crate) fn decide_any(&self, permissions: &[Permission], subject: &Subject<'_>) -> Verdict {
        let asked = self.possible(permissions.iter().copied().collect());
        if asked.is_empty() || !self.within_paths(subject.path) || self.is_withheld(subject.kind) {
            return Verdict::Deny;
        }
        match self.ground() {
            Ground::Nothing => Verdict::Deny,
            Ground::Everything(basis) => Verdict::Allow(basis),
            Ground::Policies { role_allows } => match self.policy_verdict(asked, subject) {
                Some(verdict) => verdict,
                None if role_allows => Verdict::Allow(Basis::Role),
                None => Verdict::Deny,
            },
        }
    }

    /// Whether the caller may know that the vault exists.
    pub(crate) fn knows_vault(&self) -> bool {
        match self.ground() {
            Ground::Nothing => false,
            Ground::Everything(_) => true,
            Ground::Policies { role_allows } => {
                role_allows
                    || self.is_viewer()
                    || self.policies.reach_into(
                        self.vault.id,
                        PolicyPrincipal::of(self.caller),
                        &Facts::of(self.caller, self.now),
                    )
            }
        }
    }

    /// Whether the caller may know the name and metadata of `subject`, or that nothing is at its path.
    ///
    /// Its type makes no difference: a type that is withheld from an agent is withheld openly (1claw contract §6.4).
    pub(crate) fn sees(&self, subject: &Subject<'_>) -> bool {
        let permitted = |permission: Permission| {
            matches!(
                self.policy_verdict(permission.into(), subject),
                Some(Verdict::Allow(_))
            )
        };
        self.within_paths(subject.path)
            && match self.ground() {
                Ground::Nothing => false,
                Ground::Everything(_) => true,
                Ground::Policies { role_allows } => {
                    role_allows
                        || self.is_viewer()
                        || permitted(Permission::Read)
                        || permitted(Permission::Write)
                }
            }
    }

    /// Whether the caller sees every name in the vault, whatever policies say.
    pub(crate) fn sees_all(&self) -> bool {
        self.has_every_path()
            && match self.ground() {
                Ground::Nothing => false,
                Ground::Everything(_) => true,
                Ground::Policies { role_allows } => role_allows || self.is_viewer(),
            }
    }

    /// Whether the caller may rename or delete the vault and write its policies. No policy gives this.
    ///
    /// An agent with a ceiling on paths may not, not even in a vault that it made: all this reaches past its ceiling.
    pub(crate) fn administers(&self) -> bool {
        self.has_every_path() && self.may_administer()
    }

    /// Whether the caller may restore and purge at `path`.
    pub(crate) fn administers_path(&self, path: &str) -> bool {
        self.within_paths(path) && self.may_administer()
    }

    /// Whether the caller may take the vault from its maker.
    pub(crate) fn may_take_over(&self) -> bool {
        self.caller.role() >= Some(Role::Admin)
    }

    /// Whether the caller may write or remove a policy about `principal`: only the vault's maker and owners may where
    /// it is about themselves.
    pub(crate) fn may_set_policy_about(&self, principal: PolicyPrincipal) -> bool {
        self.administers()
            && (principal != PolicyPrincipal::of(self.caller)
                || matches!(self.ground(), Ground::Everything(_)))
    }

    /// Whether no ceiling keeps the caller from `subject` (step 2); grants nothing.
    pub(crate) fn is_within_ceilings(&self, subject: &Subject<'_>) -> bool {
        self.agent().is_none_or(|agent| {
            (agent.vaults.is_empty() || agent.vaults.contains(&self.vault.id))
                && self.within_paths(subject.path)
                && !self.is_withheld(subject.kind)
        })
    }

    fn ground(&self) -> Ground {
        Ground::of(self.caller, self.vault)
    }

    /// What the policies say, if any speaks (step 4).
    fn policy_verdict(&self, asked: PermissionSet, subject: &Subject<'_>) -> Option<Verdict> {
        let facts = Facts::of(self.caller, self.now);
        let principal = PolicyPrincipal::of(self.caller);
        let policy = self
            .policies
            .deciding(self.vault.id, principal, &facts, asked, subject)?;
        Some(match policy.effect {
            Effect::Allow => Verdict::Allow(Basis::Policy(policy.id)),
            Effect::Deny => Verdict::Deny,
        })
    }

    /// What is left of `asked`: a viewer has nothing but `read` anywhere (step 2).
    fn possible(&self, asked: PermissionSet) -> PermissionSet {
        if self.is_viewer() {
            asked.intersection(Permission::Read.into())
        } else {
            asked
        }
    }

    fn may_administer(&self) -> bool {
        match self.ground() {
            Ground::Nothing => false,
            Ground::Everything(_) => true,
            Ground::Policies { .. } => self.caller.role() == Some(Role::Admin),
        }
    }

    /// Whether an agent's ceiling leaves it `path` (step 2).
    fn within_paths(&self, path: &str) -> bool {
        self.agent().is_none_or(|agent| {
            agent.path_scopes.is_empty() || agent.path_scopes.iter().any(|glob| glob.matches(path))
        })
    }

    fn has_every_path(&self) -> bool {
        self.agent().is_none_or(|agent| {
            agent.path_scopes.is_empty()
                || agent
                    .path_scopes
                    .iter()
                    .any(super::Glob::matches_everything)
        })
    }

    /// Whether secrets of this type are withheld from the caller (step 2).
    fn is_withheld(&self, kind: Option<&str>) -> bool {
        matches!(kind, Some("private_key" | "ssh_key"))
            && self.agent().is_some_and(|agent| agent.intents_api_enabled)
    }

    fn is_viewer(&self) -> bool {
        self.caller.role() == Some(Role::Viewer)
    }

    fn agent(&self) -> Option<&Agent> {
        match &self.caller.principal {
            Principal::Agent(agent) => Some(agent),
            Principal::User(_) => None,
        }
    }
}

impl Ground {
    fn of(caller: &Caller, vault: &VaultFacts) -> Self {
        let role = match &caller.principal {
            Principal::Agent(agent) => {
                if !agent.vaults.is_empty() && !agent.vaults.contains(&vault.id) {
                    return Self::Nothing;
                }
                None
            }
            Principal::User(user) => Some(user.role),
        };
        let is_maker = vault
            .maker
            .is_some_and(|maker| maker.is(PolicyPrincipal::of(caller)));
        match role {
            Some(Role::Owner) => Self::Everything(Basis::Owner),
            Some(Role::Viewer | Role::Member) | None if vault.hidden => Self::Nothing,
            Some(Role::Admin | Role::Member) | None if is_maker => Self::Everything(Basis::Maker),
            Some(Role::Admin) => Self::Policies { role_allows: true },
            Some(Role::Member) => Self::Policies {
                role_allows: vault.default,
            },
            Some(Role::Viewer) | None => Self::Policies { role_allows: false },
        }
    }
}

#[cfg(test)]
mod ceilings;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
