//! Callers, vaults and policies for the tests of the decision.

use std::sync::Arc;

use super::*;
use crate::caller::{Credential, Origin, Plan, User};
use crate::ids::{AgentId, ApiKeyId, OrganizationId, RequestId, UserId};
use crate::policy::{AttributeConditions, Conditions, Glob, Policy};

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_772_452_800_000);
pub(super) const VAULT: VaultId = VaultId::from_bytes([1; 16]);
pub(super) const ELSEWHERE: VaultId = VaultId::from_bytes([2; 16]);
pub(super) const USER: UserId = UserId::from_bytes([3; 16]);
pub(super) const STRANGER: UserId = UserId::from_bytes([4; 16]);
pub(super) const AGENT: AgentId = AgentId::from_bytes([5; 16]);
pub(super) const OTHER_AGENT: AgentId = AgentId::from_bytes([6; 16]);

pub(super) fn caller(principal: Principal) -> Caller {
    Caller {
        principal,
        organization: OrganizationId::from_bytes([7; 16]),
        credential: Credential::ApiKey(ApiKeyId::from_bytes([8; 16])),
        scopes: None,
        plan: Plan::Enterprise,
        subscribed: crate::webhooks::EventSet::default(),
        followed: false,
        origin: Origin {
            address: Some([192, 0, 2, 7].into()),
            request: RequestId::from_bytes([9; 16]),
            api: "test",
        },
    }
}

pub(super) fn user(role: Role) -> Caller {
    caller(Principal::User(User {
        id: USER,
        role,
        server_owner: false,
    }))
}

pub(super) fn plain_agent() -> Agent {
    Agent {
        id: AGENT,
        registered_by: Some(USER),
        vaults: Vec::new(),
        path_scopes: Vec::new(),
        intents_api_enabled: false,
        environment: None,
    }
}

pub(super) fn agent(limits: impl FnOnce(&mut Agent)) -> Caller {
    let mut agent = plain_agent();
    limits(&mut agent);
    caller(Principal::Agent(Arc::new(agent)))
}

pub(super) fn everyone() -> [(&'static str, Caller); 5] {
    [
        ("owner", user(Role::Owner)),
        ("admin", user(Role::Admin)),
        ("member", user(Role::Member)),
        ("viewer", user(Role::Viewer)),
        ("agent", agent(|_| {})),
    ]
}

pub(super) fn vault(maker: Option<Maker>) -> VaultFacts {
    VaultFacts {
        id: VAULT,
        default: false,
        hidden: false,
        maker,
    }
}

pub(super) fn made_by_user(user: UserId) -> VaultFacts {
    vault(Some(Maker {
        principal: PolicyPrincipal::User(user),
        user: Some(user),
    }))
}

pub(super) fn made_by_agent(agent: AgentId, registered_by: UserId) -> VaultFacts {
    vault(Some(Maker {
        principal: PolicyPrincipal::Agent(agent),
        user: Some(registered_by),
    }))
}

/// Made by somebody who is nobody in these tests.
pub(super) fn others() -> VaultFacts {
    made_by_user(STRANGER)
}

pub(super) fn default_vault() -> VaultFacts {
    VaultFacts {
        default: true,
        ..vault(None)
    }
}

pub(super) fn hidden_vault() -> VaultFacts {
    VaultFacts {
        hidden: true,
        ..vault(None)
    }
}

/// A policy about `caller`, as `allow read,write db/** 3` says it.
pub(super) fn policy(number: u8, caller: &Caller, text: &str) -> Policy {
    let mut words = text.split(' ');
    let mut word = || words.next().unwrap();
    Policy {
        id: PolicyId::from_bytes([number; 16]),
        vault: VAULT,
        effect: Effect::parse(word()).unwrap(),
        permissions: PermissionSet::parse(word().split(',')).unwrap(),
        pattern: Glob::parse(word()).unwrap(),
        priority: word().parse().unwrap(),
        principal: PolicyPrincipal::of(caller),
        conditions: Conditions::default(),
        attribute_conditions: AttributeConditions::default(),
        expires_at: None,
        created_by: PolicyPrincipal::User(STRANGER),
        created_at: NOW,
    }
}

pub(super) fn policies(caller: &Caller, texts: &[&str]) -> Compiled {
    let policies = (1..)
        .zip(texts)
        .map(|(number, text)| policy(number, caller, text));
    Compiled::new(policies.collect())
}

pub(super) fn at(path: &str) -> Subject<'_> {
    Subject {
        path,
        kind: Some("generic"),
        tags: &[],
    }
}

pub(super) const DELETING: &[Permission] = &[Permission::Write, Permission::Delete];
pub(super) const ROTATING: &[Permission] = &[Permission::Rotate, Permission::Write];

/// What the caller may: know the vault, see the name, read, write, delete, rotate, administer.
pub(super) fn rights(standing: &Standing<'_>, subject: &Subject<'_>) -> String {
    let allows = |permissions: &[Permission]| {
        matches!(standing.decide_any(permissions, subject), Verdict::Allow(_))
    };
    [
        ('k', standing.knows_vault()),
        ('s', standing.sees(subject)),
        ('r', allows(&[Permission::Read])),
        ('w', allows(&[Permission::Write])),
        ('d', allows(DELETING)),
        ('t', allows(ROTATING)),
        ('a', standing.administers()),
    ]
    .into_iter()
    .filter_map(|(letter, has)| has.then_some(letter))
    .collect()
}

pub(super) fn rights_at(caller: &Caller, vault: &VaultFacts, texts: &[&str], path: &str) -> String {
    let policies = policies(caller, texts);
    rights(
        &Standing {
            caller,
            vault,
            policies: &policies,
            now: NOW,
        },
        &at(path),
    )
}
