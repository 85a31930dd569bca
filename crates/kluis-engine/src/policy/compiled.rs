//! Policies in the order in which they decide.

use std::cmp::Reverse;

use super::decision::Subject;
use super::facts::Facts;
use super::index::Index;
use super::permission::{Permission, PermissionSet};
use super::types::{Effect, Policy, PolicyPrincipal};
use crate::ids::VaultId;

/// The policies of one principal on one vault, ordered: highest priority first, denials before grants.
///
/// The first one that applies decides. Whether one applies is judged at each decision, so it depends neither on what
/// else was put in nor on when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compiled {
    /// For each policy, what rules most paths out; apart from the policies, so that many of them stay in the processor's
    /// nearest cache.
    sieves: Box<[Sieve]>,
    policies: Box<[Policy]>,
    /// Which of them can be about a path.
    index: Index,
    /// Whether a denial may stand for every path.
    denies_everywhere: bool,
    /// A grant that holds at all times and from everywhere.
    plain_grant: Option<usize>,
}

/// What a policy asks for at the least: a permission, and the fixed ends of its pattern.
#[derive(Clone, Copy, Debug)]
struct Sieve {
    permissions: PermissionSet,
    head: Bytes,
    tail: Bytes,
}

/// Up to eight bytes of a text, and which of the eight are there.
#[derive(Clone, Copy, Debug)]
struct Bytes {
    bytes: u64,
    mask: u64,
}

impl Compiled {
    /// Put `policies` in order.
    pub(crate) fn new(mut policies: Vec<Policy>) -> Self {
        policies.sort_by_key(|policy| {
            (
                Reverse(policy.priority),
                policy.effect != Effect::Deny,
                policy.id,
            )
        });
        let is_plain = |policy: &Policy| {
            policy.effect == Effect::Allow
                && policy.expires_at.is_none()
                && policy.conditions.are_none()
                && policy.attribute_conditions.are_none()
        };
        Self {
            sieves: policies.iter().map(Sieve::of).collect(),
            index: Index::of(policies.iter().map(|policy| &policy.pattern)),
            denies_everywhere: policies
                .iter()
                .any(|policy| policy.effect == Effect::Deny && policy.pattern.matches_everything()),
            plain_grant: policies.iter().position(is_plain),
            policies: policies.into(),
        }
    }

    /// In the order in which they decide.
    pub(super) fn in_order(&self) -> &[Policy] {
        &self.policies
    }

    /// The policy that decides on `subject`, where each permission asked for would do.
    pub(super) fn deciding(
        &self,
        vault: VaultId,
        principal: PolicyPrincipal,
        facts: &Facts<'_>,
        asked: PermissionSet,
        subject: &Subject<'_>,
    ) -> Option<&Policy> {
        let (head, tail) = (Bytes::first(subject.path), Bytes::last(subject.path));
        let applies = |number: usize| {
            let comes_near = self.sieves.get(number).is_some_and(|sieve| {
                sieve.permissions.intersects(asked)
                    && sieve.head.are_in(head)
                    && sieve.tail.are_in(tail)
            });
            comes_near
                && self.policies.get(number).is_some_and(|policy| {
                    policy.pattern.matches(subject.path)
                        && policy.attribute_conditions.hold_for(subject.tags)
                        && policy.is_live(vault, principal, facts)
                })
        };
        let mut first = self.policies.len();
        self.index.each_near(subject.path, |numbers| {
            let before = numbers.iter().take_while(|&&number| number < first);
            if let Some(number) = before.copied().find(|&number| applies(number)) {
                first = number;
            }
        });
        self.policies.get(first)
    }

    /// Whether some grant opens some path to `principal`: one that is live, and not outdone on every path by a denial.
    pub(super) fn reach_into(
        &self,
        vault: VaultId,
        principal: PolicyPrincipal,
        facts: &Facts<'_>,
    ) -> bool {
        let live = |policy: &&Policy| policy.is_live(vault, principal, facts);
        // Where nothing closes every path, any grant opens one.
        let plain = self.plain_grant.and_then(|plain| self.policies.get(plain));
        if !self.denies_everywhere && plain.as_ref().is_some_and(live) {
            return true;
        }
        let mut open: PermissionSet = Permission::ALL.into_iter().collect();
        for policy in self.policies.iter().filter(live) {
            match policy.effect {
                Effect::Allow if policy.permissions.intersects(open) => return true,
                Effect::Allow => {}
                Effect::Deny => {
                    let always = !policy.attribute_conditions.ask_for_tags();
                    if always && policy.pattern.matches_everything() {
                        open = open.without(policy.permissions);
                    }
                }
            }
        }
        false
    }
}

impl Sieve {
    fn of(policy: &Policy) -> Self {
        let (head, tail) = policy.pattern.ends();
        Self {
            permissions: policy.permissions,
            head: Bytes::first(head),
            tail: Bytes::last(tail),
        }
    }
}

impl Bytes {
    fn first(text: &str) -> Self {
        Self::of(text.bytes())
    }

    fn last(text: &str) -> Self {
        Self::of(text.bytes().rev())
    }

    fn of(text: impl Iterator<Item = u8>) -> Self {
        let (mut bytes, mut mask) = ([0; 8], [0; 8]);
        for ((byte, mask), of_text) in bytes.iter_mut().zip(&mut mask).zip(text) {
            (*byte, *mask) = (of_text, u8::MAX);
        }
        Self {
            bytes: u64::from_ne_bytes(bytes),
            mask: u64::from_ne_bytes(mask),
        }
    }

    /// Whether a text with the bytes `others` could have these at the same places.
    fn are_in(self, others: Self) -> bool {
        (self.bytes ^ others.bytes) & self.mask == 0
    }
}
