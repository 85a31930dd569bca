//! The decision against a plain, slow reading of RULES §2, over random worlds.
//!
//! The model shares no code with what it checks: a [`World`] is words and numbers, and only [`World::built`] turns it
//! into what the engine takes.

mod world;

use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use self::world::*;
use super::*;
use crate::caller::{Credential, Origin, Plan, User};
use crate::ids::{AgentId, ApiKeyId, OrganizationId, RequestId, SessionId, UserId};
use crate::policy::{AttributeConditions, Conditions, Glob, Policy};

/// What the engine takes.
struct Built {
    caller: Caller,
    vault: VaultFacts,
    policies: Compiled,
    now: Timestamp,
    tags: Vec<String>,
}

const USER: PolicyPrincipal = PolicyPrincipal::User(UserId::from_bytes([0; 16]));
const AGENT: PolicyPrincipal = PolicyPrincipal::Agent(AgentId::from_bytes([0; 16]));
const OTHER: PolicyPrincipal = PolicyPrincipal::User(UserId::from_bytes([9; 16]));

impl World {
    fn built(&self) -> Built {
        let now = Timestamp::parse(&format!("2026-03-02T{:02}:30:00Z", self.hour)).unwrap();
        let principal = match &self.who {
            Who::User { role } => Principal::User(User {
                id: UserId::from_bytes([0; 16]),
                role: Role::parse(role).unwrap(),
                server_owner: false,
            }),
            Who::Agent {
                bound_to,
                scopes,
                intents,
                environment,
            } => Principal::Agent(Arc::new(Agent {
                id: AgentId::from_bytes([0; 16]),
                registered_by: Some(UserId::from_bytes([0; 16])),
                vaults: bound_to
                    .iter()
                    .map(|number| VaultId::from_bytes([*number; 16]))
                    .collect(),
                path_scopes: scopes
                    .iter()
                    .map(|scope| Glob::parse(scope).unwrap())
                    .collect(),
                intents_api_enabled: *intents,
                environment: environment.map(str::to_owned),
            })),
        };
        let caller = Caller {
            principal,
            organization: OrganizationId::from_bytes([0; 16]),
            credential: if self.with_key {
                Credential::ApiKey(ApiKeyId::from_bytes([0; 16]))
            } else {
                Credential::Session(SessionId::from_bytes([0; 16]))
            },
            scopes: None,
            plan: Plan::Enterprise,
            subscribed: crate::webhooks::EventSet::default(),
            followed: false,
            origin: Origin {
                address: self
                    .address
                    .map(|number| ADDRESSES[number].parse::<IpAddr>().unwrap()),
                request: RequestId::from_bytes([0; 16]),
                api: "test",
            },
        };
        let user = Some(UserId::from_bytes([0; 16]));
        let maker = match self.vault {
            "user's" => Some(Maker {
                principal: USER,
                user,
            }),
            "user's agent's" => Some(Maker {
                principal: AGENT,
                user,
            }),
            "another's" => Some(Maker {
                principal: OTHER,
                user: Some(UserId::from_bytes([9; 16])),
            }),
            _ => None,
        };
        let vault = VaultFacts {
            id: VaultId::from_bytes([1; 16]),
            default: self.vault == "default",
            hidden: self.vault == "hidden",
            maker,
        };
        let policies = (0u8..)
            .zip(&self.policies)
            .map(|(number, policy)| policy.built(number, &caller, now))
            .collect();
        Built {
            caller,
            vault,
            policies: Compiled::new(policies),
            now,
            tags: self.tags.iter().map(|tag| (*tag).to_owned()).collect(),
        }
    }
}

impl ModelPolicy {
    fn built(&self, number: u8, caller: &Caller, now: Timestamp) -> Policy {
        let asker = PolicyPrincipal::of(caller);
        let principal = match (self.about_asker, self.about_same_number_of_other_kind) {
            (true, false) => asker,
            (true, true) => {
                if asker == USER {
                    AGENT
                } else {
                    USER
                }
            }
            (false, _) => OTHER,
        };
        let (conditions, attribute_conditions) = match &self.condition {
            None => (Value::Null, Value::Null),
            Some(condition) => condition.json(),
        };
        Policy {
            id: PolicyId::from_bytes([number; 16]),
            vault: VaultId::from_bytes([if self.here { 1 } else { 2 }; 16]),
            pattern: Glob::parse(self.pattern).unwrap(),
            principal,
            permissions: PermissionSet::parse(self.permissions.iter().copied()).unwrap(),
            effect: if self.deny {
                Effect::Deny
            } else {
                Effect::Allow
            },
            priority: self.priority,
            conditions: Conditions::parse(&conditions).unwrap(),
            attribute_conditions: AttributeConditions::parse(&attribute_conditions).unwrap(),
            expires_at: self
                .expires_in
                .map(|hours| Timestamp::from_millis(now.millis() + hours * 3_600_000)),
            created_by: OTHER,
            created_at: now,
        }
    }
}

impl Condition {
    fn json(&self) -> (Value, Value) {
        match self {
            Self::Networks(networks) => {
                let networks: Vec<_> = networks.iter().map(|number| NETWORKS[*number].0).collect();
                (json!({"ip_allowlist": networks}), Value::Null)
            }
            Self::Hours { after, before } => (
                json!({"time_window": {
                    "after": format!("{after:02}:00"), "before": format!("{before:02}:00"),
                }}),
                Value::Null,
            ),
            Self::Environments(environments) => {
                (json!({"environment_in": environments}), Value::Null)
            }
            Self::Tags(tags) => (Value::Null, json!({"required_tags": tags})),
            Self::Roles(roles) => (Value::Null, json!({"principal_role": roles})),
            Self::Method(method) => (Value::Null, json!({"auth_method": method})),
        }
    }
}

fn some_of<T: Clone + std::fmt::Debug + 'static>(
    all: &'static [T],
) -> impl Strategy<Value = Vec<T>> {
    subsequence(all, 1..=all.len())
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        3 => select(&["owner", "admin", "member", "member", "viewer"][..]).prop_map(|role| Who::User { role }),
        2 => (
            prop_oneof![3 => Just(vec![]), 1 => Just(vec![1]), 1 => Just(vec![2]), 1 => Just(vec![2, 1])],
            prop_oneof![2 => Just(vec![]), 1 => some_of(&PATTERNS)],
            any::<bool>(),
            select(&[None, Some("prod"), Some("dev")][..]),
        ).prop_map(|(bound_to, scopes, intents, environment)| Who::Agent { bound_to, scopes, intents, environment }),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        some_of(&[0, 1, 2, 3]).prop_map(Condition::Networks),
        (0..DAY, 1..DAY).prop_map(|(after, length)| Condition::Hours {
            after,
            before: (after + length) % DAY
        }),
        some_of(&["prod", "dev"]).prop_map(Condition::Environments),
        some_of(&["a", "b"]).prop_map(Condition::Tags),
        some_of(&["owner", "admin", "member", "viewer"]).prop_map(Condition::Roles),
        select(&["api_key", "password"][..]).prop_map(Condition::Method),
    ]
}

fn model_policy() -> impl Strategy<Value = ModelPolicy> {
    (
        (
            prop::bool::weighted(0.9),
            prop::bool::weighted(0.9),
            prop::bool::weighted(0.1),
        ),
        select(&PATTERNS[..]),
        some_of(&PERMISSIONS),
        prop::bool::weighted(0.4),
        0..3_i64,
        prop::option::weighted(0.3, -1..=1_i64),
        prop::option::weighted(0.4, condition()),
    )
        .prop_map(
            |(
                (here, about_asker, other_kind),
                pattern,
                permissions,
                deny,
                priority,
                expires_in,
                condition,
            )| {
                ModelPolicy {
                    here,
                    about_asker,
                    about_same_number_of_other_kind: other_kind,
                    pattern,
                    permissions,
                    deny,
                    priority,
                    expires_in,
                    condition,
                }
            },
        )
}

fn world() -> impl Strategy<Value = World> {
    (
        who(),
        any::<bool>(),
        prop::option::weighted(0.9, 0..ADDRESSES.len()),
        0..DAY,
        select(
            &[
                "another's",
                "another's",
                "nobody's",
                "user's",
                "user's agent's",
                "default",
                "hidden",
            ][..],
        ),
        prop_oneof![
            7 => prop::collection::vec(model_policy(), 0..8),
            // So many that they are not tried one after the other.
            1 => prop::collection::vec(model_policy(), 17..40),
        ],
        select(&PATHS[..]),
        prop::option::weighted(0.9, select(&KINDS[..])),
        subsequence(&["a", "b"][..], 0..=2),
    )
        .prop_map(
            |(who, with_key, address, hour, vault, policies, path, kind, tags)| World {
                who,
                with_key,
                address,
                hour,
                vault,
                policies,
                path,
                kind,
                tags,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_192))]

    /// RULES §2, all of it; NT-04, NT-05, NT-07, NT-50.
    #[test]
    fn decides_as_the_rules_read(world in world()) {
        let built = world.built();
        let standing = Standing {
            caller: &built.caller,
            vault: &built.vault,
            policies: &built.policies,
            now: built.now,
        };
        let subject = Subject { path: world.path, kind: world.kind, tags: &built.tags };
        // Where policies are said not to be needed, they make no difference.
        let none = Compiled::default();
        let without = Standing { policies: &none, ..standing };
        let needed = needs_policies(&built.caller, &built.vault);
        for asked in [
            &["read"][..], &["write"], &["delete"], &["rotate"], &["delete", "write"], &["write", "rotate"],
            &["read", "write", "delete", "rotate"], &[],
        ] {
            let permissions: Vec<_> = asked.iter().filter_map(|word| Permission::parse(word)).collect();
            let verdict = standing.decide_any(&permissions, &subject);
            let agrees = match (world.answer(asked), verdict) {
                (Answer::No, Verdict::Deny)
                | (Answer::AsOwner, Verdict::Allow(Basis::Maker | Basis::Owner))
                | (Answer::ByRole, Verdict::Allow(Basis::Role)) => true,
                (Answer::ByPolicy(numbers), Verdict::Allow(Basis::Policy(id))) => {
                    numbers.contains(&usize::from(id.bytes()[0]))
                }
                _ => false,
            };
            prop_assert!(agrees, "{asked:?}: {:?}, not {verdict:?}", world.answer(asked));
            if let &[permission] = &permissions[..] {
                prop_assert_eq!(standing.decide(permission, &subject), verdict);
            }
            prop_assert!(needed || without.decide_any(&permissions, &subject) == verdict);
        }
        prop_assert_eq!(standing.knows_vault(), world.knows_vault());
        prop_assert_eq!(standing.sees(&subject), world.sees());
        prop_assert_eq!(standing.sees_all(), world.sees_every_name() && !world.some_path_out_of_scope());
        prop_assert_eq!(standing.administers(), world.administers());
        prop_assert!(needed || without.knows_vault() == standing.knows_vault());
        prop_assert!(needed || without.sees(&subject) == standing.sees(&subject));
        // What follows from each other (RULES §3): a permitted read or write is of a name that is seen, in a vault
        // that is known.
        for permission in [Permission::Read, Permission::Write] {
            if standing.decide(permission, &subject) != Verdict::Deny {
                prop_assert!(standing.sees(&subject));
            }
        }
        if standing.sees(&subject) {
            prop_assert!(standing.knows_vault());
        }
    }
}
