//! Why a decision is what it is: every policy that was looked at, and what ruled it out.

use super::decision::{Standing, Subject, Verdict};
use super::facts::Facts;
use super::permission::{Permission, PermissionSet};
use super::types::{Policy, PolicyPrincipal};

/// How a policy fits what is asked; the first thing that rules it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It applies.
    Applies,
    /// One of its conditions does not hold.
    Conditions,
    /// It has expired.
    Expired,
    /// It is about other permissions.
    Permissions,
    /// Its pattern does not match the path.
    Path,
    /// It asks for tags that the secret does not have.
    Tags,
}

/// A decision with what led to it.
#[derive(Clone, Debug)]
pub(crate) struct Reasons {
    pub(crate) verdict: Verdict,
    /// Whether the name may be seen.
    pub(crate) sees: bool,
    /// Whether policies are asked at all: not of makers and owners, nor of those who may nothing.
    pub(crate) by_policies: bool,
    /// The policies about the principal in the order in which they are asked; the first that applies decides.
    pub(crate) policies: Vec<(Policy, Fit)>,
}

impl Standing<'_> {
    /// The same decision as [`Standing::decide_any`], with its reasons.
    pub(crate) fn explain(&self, permissions: &[Permission], subject: &Subject<'_>) -> Reasons {
        let facts = Facts::of(self.caller, self.now);
        let asked: PermissionSet = permissions.iter().copied().collect();
        let fits = |policy: &Policy| {
            if !policy.permissions.intersects(asked) {
                Fit::Permissions
            } else if !policy.pattern.matches(subject.path) {
                Fit::Path
            } else if policy.expires_at.is_some_and(|at| at <= self.now) {
                Fit::Expired
            } else if !policy.attribute_conditions.hold_for(subject.tags) {
                Fit::Tags
            } else if policy.is_live(self.vault.id, PolicyPrincipal::of(self.caller), &facts) {
                Fit::Applies
            } else {
                Fit::Conditions
            }
        };
        let policies = self.policies.in_order();
        Reasons {
            verdict: self.decide_any(permissions, subject),
            sees: self.sees(subject),
            by_policies: super::needs_policies(self.caller, self.vault),
            policies: policies
                .iter()
                .map(|policy| (policy.clone(), fits(policy)))
                .collect(),
        }
    }
}
