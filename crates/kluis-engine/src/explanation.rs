//! Why someone may or may not: the decision of RULES §2 for a principal, a permission and a path.

use std::net::IpAddr;
use std::sync::Arc;

use crate::action::Action;
use crate::agents::agent_of;
use crate::caller::{Caller, Principal, User};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, PolicyId, VaultId};
use crate::policy::{
    Basis, Effect, Fit, Permission, Policy, PolicyPrincipal, Reasons, Standing, Subject, Verdict,
    needs_policies,
};
use crate::secrets::Path;
use crate::store::Conn;
use crate::users::user_find;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The vault.
    pub vault: VaultId,
    /// The path in it, whether a secret is there or not.
    pub path: Path,
    /// What is to be done there.
    pub permission: Permission,
    /// Who is to do it; the caller when `None`.
    pub principal: Option<PolicyPrincipal>,
    /// From which address; the caller's own when `None`.
    pub address: Option<IpAddr>,
}

/// The answer, as it would be for an API key without a ceiling.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Whether it is allowed.
    pub allowed: bool,
    /// On what ground, if it is.
    pub basis: Option<Basis>,
    /// Whether the principal sees the name.
    pub sees: bool,
    /// Whether the principal is in force: a disabled user or agent may nothing.
    pub active: bool,
    /// Whether policies are asked at all; makers and owners pass without.
    pub by_policies: bool,
    /// The policy that decides, if one does.
    pub deciding: Option<PolicyId>,
    /// The policies of the vault about the principal, in the order in which they are asked.
    pub policies: Vec<(Policy, Fit)>,
}

impl Engine {
    /// Explain a decision. About oneself to whoever knows the vault, about others to those who administer it. `NotFound` for
    /// a principal that the organization does not have.
    pub async fn policy_explain(
        &self,
        caller: &Caller,
        question: Question,
    ) -> Result<Explanation, Error> {
        self.look(caller, Action::PolicyExplain, async |conn, act| {
            let access = self.access(conn, act, question.vault).await?;
            act.names_path(question.path.as_str());
            let own = PolicyPrincipal::of(&act.caller);
            let principal = question.principal.unwrap_or(own);
            let may_know = access.standing(&act.caller).administers();
            if principal != own && !may_know {
                return Err(Error::Forbidden);
            }
            let mut asked = act.caller.clone();
            asked.scopes = None;
            asked.origin.address = question.address.or(asked.origin.address);
            let mut active = true;
            if principal != own {
                (asked.principal, active) =
                    principal_of(conn, asked.organization, principal, act.now).await?;
            }
            let vault = access.vault.clone();
            let policies = if needs_policies(&asked, &vault.facts) {
                self.policies_of(conn, &asked, &vault).await?
            } else {
                Arc::default()
            };
            let standing = Standing {
                caller: &asked,
                vault: &vault.facts,
                policies: &policies,
                now: act.now,
            };
            // What a secret is like is told to those who see it.
            let stored = self
                .secret_subject(conn, act, question.vault, &question.path)
                .await?
                .filter(|(kind, tags)| {
                    access.standing(&act.caller).sees(&Subject {
                        path: question.path.as_str(),
                        kind: Some(kind),
                        tags,
                    })
                });
            let subject = Subject {
                path: question.path.as_str(),
                kind: stored.as_ref().map(|(kind, _)| kind.as_str()),
                tags: stored.as_ref().map_or(&[], |(_, tags)| tags.as_slice()),
            };
            let reasons = standing.explain(enough(question.permission), &subject);
            Ok(Explanation::of(reasons, active))
        })
        .await
    }
}

/// Who a request of the principal would come from, and whether the principal is in force.
pub(crate) async fn principal_of(
    conn: &mut Conn,
    organization: OrganizationId,
    principal: PolicyPrincipal,
    now: Timestamp,
) -> Result<(Principal, bool), Error> {
    match principal {
        PolicyPrincipal::Agent(agent) => {
            let agent = agent_of(conn, organization, agent).await?;
            let responsible = match agent.registered_by {
                Some(user) => user_find(conn, organization, user).await?.active,
                None => false,
            };
            let alive = agent.limits.expires_at.is_none_or(|at| now < at);
            let active = agent.active && alive && responsible;
            Ok((Principal::Agent(Arc::new(agent.into_caller()?)), active))
        }
        PolicyPrincipal::User(user) => {
            let user = user_find(conn, organization, user).await?;
            let principal = Principal::User(User {
                id: user.id,
                role: user.role,
                server_owner: false,
            });
            Ok((principal, user.active))
        }
    }
}

impl Explanation {
    fn of(reasons: Reasons, active: bool) -> Self {
        let basis = match reasons.verdict {
            Verdict::Allow(basis) if active => Some(basis),
            Verdict::Allow(_) | Verdict::Deny => None,
        };
        let mut applying = reasons
            .policies
            .iter()
            .filter(|(_, fit)| *fit == Fit::Applies);
        // One that would allow decides nothing where something before the policies says no.
        let deciding = applying.next().map(|(policy, _)| policy);
        let deciding = deciding.filter(|policy| match reasons.verdict {
            Verdict::Allow(basis) => basis == Basis::Policy(policy.id),
            Verdict::Deny => policy.effect == Effect::Deny,
        });
        Self {
            allowed: basis.is_some(),
            basis,
            sees: reasons.sees && active,
            active,
            by_policies: reasons.by_policies,
            deciding: deciding.map(|policy| policy.id),
            policies: reasons.policies,
        }
    }
}

/// The permissions each of which is enough (1claw contract §8).
fn enough(permission: Permission) -> &'static [Permission] {
    match permission {
        Permission::Read => &[Permission::Read],
        Permission::Write => &[Permission::Write],
        Permission::Delete => &[Permission::Delete, Permission::Write],
        Permission::Rotate => &[Permission::Rotate, Permission::Write],
    }
}
