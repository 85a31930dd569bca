//! The tables of RULES §2 and of the 1claw contract §8, line by line.

use serde_json::json;

use super::fixture::*;
use super::*;
use crate::ids::AgentId;
use crate::policy::{AttributeConditions, Conditions, Policy};

/// RULES §2, the table of roles: what each may without any policy.
#[test]
fn roles_give_what_the_table_says() {
    const ALL: &str = "ksrwdta";
    for (what, vault, expected) in [
        //                                                     owner admin member    viewer agent
        ("another's", others(), [ALL, ALL, "", "ks", ""]),
        ("nobody's", vault(None), [ALL, ALL, "", "ks", ""]),
        ("the user's", made_by_user(USER), [ALL, ALL, ALL, "ks", ""]),
        (
            "the agent's",
            made_by_agent(AGENT, USER),
            [ALL, ALL, ALL, "ks", ALL],
        ),
        (
            "the user's other agent's",
            made_by_agent(OTHER_AGENT, USER),
            [ALL, ALL, ALL, "ks", ""],
        ),
        (
            "another's agent's",
            made_by_agent(OTHER_AGENT, STRANGER),
            [ALL, ALL, "", "ks", ""],
        ),
        ("default", default_vault(), [ALL, ALL, "ksrwdt", "ks", ""]),
        ("__agent-keys", hidden_vault(), [ALL, ALL, "", "", ""]),
    ] {
        for ((who, caller), expected) in everyone().iter().zip(expected) {
            let rights = rights_at(caller, &vault, &[], "db/main");
            assert_eq!(rights, expected, "{who} in {what} vault");
        }
    }
}

/// RULES §2, the same table: what a policy adds for those to whom the role gives too little. NT-04: a permission alone
/// gives what it names and nothing else.
#[test]
fn policies_give_what_they_name() {
    for (texts, member, viewer) in [
        (["allow read db/** 0"], "ksr", "ksr"),
        (["allow write db/** 0"], "kswdt", "ks"),
        (["allow delete db/** 0"], "kd", "ks"),
        (["allow rotate db/** 0"], "kt", "ks"),
        (["allow read,write,delete,rotate db/** 0"], "ksrwdt", "ksr"),
        (["allow read other/** 0"], "k", "ks"),
        (["deny read db/** 0"], "", "ks"),
    ] {
        let agent = agent(|_| {});
        for (who, caller, expected) in [
            ("member", &user(Role::Member), member),
            ("viewer", &user(Role::Viewer), viewer),
            ("agent", &agent, member),
        ] {
            let rights = rights_at(caller, &others(), &texts, "db/main");
            assert_eq!(rights, expected, "{who} with {texts:?}");
        }
        for (_, caller) in everyone().iter().skip(2) {
            assert_eq!(rights_at(caller, &hidden_vault(), &texts, "db/main"), "");
        }
    }
}

/// RULES §2, step 4; NT-07: at equal priority a denial wins, for every verb, at each specificity, and over admins.
#[test]
fn the_highest_priority_decides_and_then_the_denial() {
    let member = user(Role::Member);
    for (texts, expected) in [
        (&["allow read db/** 0", "deny read db/main 0"][..], "k"),
        (&["allow read db/main 0", "deny read db/** 0"], "k"),
        (&["allow read db/main 1", "deny read db/** 0"], "ksr"),
        (&["allow read db/** 0", "deny read db/main 1"], "k"),
        (&["allow read db/main 0", "deny read ** 0"], ""),
        (&["allow read db/main 1", "deny read ** 0"], "ksr"),
        (
            &[
                "deny read db/main 2",
                "allow read db/main 3",
                "deny read db/main 1",
            ],
            "ksr",
        ),
        (
            &[
                "allow read db/main 9223372036854775807",
                "deny read ** 9223372036854775806",
            ],
            "ksr",
        ),
        (&["allow read,write ** 0", "deny read ** 0"], "kswdt"),
        (&["allow read,write ** 0", "deny write ** 0"], "ksr"),
    ] {
        assert_eq!(
            rights_at(&member, &others(), texts, "db/main"),
            expected,
            "{texts:?}"
        );
    }
    for (texts, expected) in [
        (&["deny read ** 0"][..], "kswdta"),
        (&["deny write db/* 0"], "ksra"),
        (&["deny delete db/main 0"], "ksrwta"),
        (&["deny rotate db/main 0"], "ksrwda"),
        (&["deny read,write,delete,rotate ** 0"], "ksa"),
        (&["deny read ** 0", "allow read db/main 1"], "ksrwdta"),
    ] {
        let admin = user(Role::Admin);
        assert_eq!(
            rights_at(&admin, &others(), texts, "db/main"),
            expected,
            "admin, {texts:?}"
        );
        let in_default = rights_at(&member, &default_vault(), texts, "db/main");
        assert_eq!(
            in_default,
            expected.replace('a', ""),
            "member in default, {texts:?}"
        );
    }
}

/// 1claw contract §8: `write` is enough to delete and to rotate, and so is each word alone. A denial of any of them is
/// about the act, and so wins at equal priority.
#[test]
fn an_act_with_two_permissions_is_decided_once() {
    let member = user(Role::Member);
    for (texts, expected) in [
        (&["allow write ** 0", "deny delete db/** 0"][..], "kswt"),
        (&["allow write ** 1", "deny delete db/** 0"], "kswdt"),
        (&["allow write ** 0", "deny rotate ** 1"], "kswd"),
        (&["allow delete ** 0", "deny write ** 0"], "k"),
        (&["allow delete ** 1", "deny write ** 0"], "kd"),
        (&["allow delete,rotate ** 0"], "kdt"),
    ] {
        assert_eq!(
            rights_at(&member, &others(), texts, "db/main"),
            expected,
            "{texts:?}"
        );
    }
    for nobody in everyone() {
        let none = Compiled::default();
        let standing = Standing {
            caller: &nobody.1,
            vault: &others(),
            policies: &none,
            now: NOW,
        };
        assert_eq!(
            standing.decide_any(&[], &at("db/main")),
            Verdict::Deny,
            "nothing asked for"
        );
    }
}

/// RULES §2, step 3; NT-13: neither policies nor their absence matter to the vault's maker or an owner, and the ground is
/// told.
#[test]
fn makers_and_owners_pass_with_a_named_basis() {
    let deny = ["deny read,write,delete,rotate ** 9"];
    let basis = |caller: &Caller, vault: &VaultFacts, texts: &[&str]| {
        let policies = policies(caller, texts);
        Standing {
            caller,
            vault,
            policies: &policies,
            now: NOW,
        }
        .decide(Permission::Read, &at("db/main"))
    };
    let (owner, admin, member) = (user(Role::Owner), user(Role::Admin), user(Role::Member));
    assert_eq!(
        basis(&owner, &others(), &deny),
        Verdict::Allow(Basis::Owner)
    );
    assert_eq!(
        basis(&owner, &hidden_vault(), &deny),
        Verdict::Allow(Basis::Owner)
    );
    for maker in [&admin, &member] {
        assert_eq!(
            basis(maker, &made_by_user(USER), &deny),
            Verdict::Allow(Basis::Maker)
        );
        let by_agent = made_by_agent(OTHER_AGENT, USER);
        assert_eq!(basis(maker, &by_agent, &deny), Verdict::Allow(Basis::Maker));
    }
    let agent = agent(|_| {});
    assert_eq!(
        basis(&agent, &made_by_agent(AGENT, STRANGER), &deny),
        Verdict::Allow(Basis::Maker)
    );
    assert_eq!(basis(&admin, &others(), &[]), Verdict::Allow(Basis::Role));
    assert_eq!(
        basis(&member, &default_vault(), &[]),
        Verdict::Allow(Basis::Role)
    );
    let first = PolicyId::from_bytes([1; 16]);
    assert_eq!(
        basis(&member, &others(), &["allow read db/* 0"]),
        Verdict::Allow(Basis::Policy(first))
    );
    assert_eq!(
        basis(&admin, &others(), &["allow read db/* 0"]),
        Verdict::Allow(Basis::Policy(first))
    );
    // Not while a viewer.
    assert_eq!(
        basis(&user(Role::Viewer), &made_by_user(USER), &[]),
        Verdict::Deny
    );
}

/// RULES §2, step 4: a policy applies to its vault, its principal, its time and its conditions, and to nothing else.
#[test]
fn only_live_policies_count() {
    let caller = user(Role::Member);
    let base = policy(1, &caller, "allow read db/** 0");
    let expiring = |at: Timestamp| Policy {
        expires_at: Some(at),
        ..base.clone()
    };
    let limited = |conditions| Policy {
        conditions: Conditions::parse(&conditions).unwrap(),
        ..base.clone()
    };
    let for_attributes = |conditions| Policy {
        attribute_conditions: AttributeConditions::parse(&conditions).unwrap(),
        ..base.clone()
    };
    let about = |principal| Policy {
        principal,
        ..base.clone()
    };
    let agent_with_same_id = PolicyPrincipal::Agent(AgentId::from_bytes(*USER.bytes()));
    let second = std::time::Duration::from_secs(1);
    for (what, policy, expected) in [
        ("as it is", base.clone(), "ksr"),
        (
            "of another vault",
            Policy {
                vault: ELSEWHERE,
                ..base.clone()
            },
            "",
        ),
        (
            "about another user",
            about(PolicyPrincipal::User(STRANGER)),
            "",
        ),
        ("about an agent", about(agent_with_same_id), ""),
        ("expiring", expiring(NOW.after(second)), "ksr"),
        ("expiring now", expiring(NOW), ""),
        ("expired", expiring(NOW.before(second)), ""),
        (
            "from here",
            limited(json!({"ip_allowlist": ["192.0.2.0/24"]})),
            "ksr",
        ),
        (
            "from elsewhere",
            limited(json!({"ip_allowlist": ["198.51.100.0/24"]})),
            "",
        ),
        (
            "at this hour",
            limited(json!({"time_window": {"after": "12:00", "before": "12:01"}})),
            "ksr",
        ),
        (
            "at another hour",
            limited(json!({"time_window": {"after": "12:01"}})),
            "",
        ),
        (
            "for agents only",
            limited(json!({"environment_in": ["prod"]})),
            "",
        ),
        (
            "for members",
            for_attributes(json!({"principal_role": "member"})),
            "ksr",
        ),
        (
            "for admins",
            for_attributes(json!({"principal_role": "admin"})),
            "",
        ),
        (
            "for keys",
            for_attributes(json!({"auth_method": "api_key"})),
            "ksr",
        ),
        (
            "for passwords",
            for_attributes(json!({"auth_method": "password"})),
            "",
        ),
        (
            "for tags it has",
            for_attributes(json!({"required_tags": ["a"]})),
            "ksr",
        ),
        (
            "for tags it has not",
            for_attributes(json!({"required_tags": ["a", "b"]})),
            "k",
        ),
    ] {
        let tags = ["a".to_owned()];
        let subject = Subject {
            tags: &tags,
            ..at("db/main")
        };
        let policies = Compiled::new(vec![policy]);
        let standing = Standing {
            caller: &caller,
            vault: &others(),
            policies: &policies,
            now: NOW,
        };
        assert_eq!(rights(&standing, &subject), expected, "{what}");
    }
}

/// RULES §2: a vault is known through a live grant into it; not through one that is denied on every path.
#[test]
fn a_vault_is_known_through_a_grant_that_opens_something() {
    let member = user(Role::Member);
    for (texts, known) in [
        (&["allow read a/b 0"][..], true),
        (&["allow read a/b 0", "deny read a/b 0"], true),
        (&["allow read a/b 0", "deny read ** 0"], false),
        (&["allow read a/b 1", "deny read ** 0"], true),
        (&["allow read,write a/b 0", "deny read ** 0"], true),
        (
            &[
                "allow read,write a/b 0",
                "deny read ** 0",
                "deny write,delete,rotate ** 5",
            ],
            false,
        ),
        (&["allow read a/b 0", "deny write,delete,rotate ** 5"], true),
        (&["deny read ** 0"], false),
        (&[], false),
    ] {
        let rights = rights_at(&member, &others(), texts, "z");
        assert_eq!(rights.contains('k'), known, "{texts:?}");
    }
    let denial_of_some = Policy {
        attribute_conditions: AttributeConditions::parse(&json!({"required_tags": ["a"]})).unwrap(),
        ..policy(2, &member, "deny read ** 5")
    };
    let policies = Compiled::new(vec![policy(1, &member, "allow read a/b 0"), denial_of_some]);
    let standing = Standing {
        caller: &member,
        vault: &others(),
        policies: &policies,
        now: NOW,
    };
    assert!(standing.knows_vault());
}
