//! What no policy and no making of vaults gives: the ceilings of RULES §2.

use super::fixture::*;
use super::*;
use crate::policy::Glob;

/// RULES §2, step 2: a viewer never writes, whatever policies give and even in a vault it made.
#[test]
fn a_viewer_never_writes() {
    let all = ["allow read,write,delete,rotate ** 9"];
    for vault in [
        others(),
        made_by_user(USER),
        made_by_agent(AGENT, USER),
        default_vault(),
    ] {
        assert_eq!(
            rights_at(&user(Role::Viewer), &vault, &all, "db/main"),
            "ksr"
        );
    }
}

/// RULES §1 and §2, step 2: an agent's limits hold before anything gives it a right.
#[test]
fn an_agents_limits_are_ceilings() {
    let all = ["allow read,write,delete,rotate ** 9"];
    let own = made_by_agent(AGENT, USER);
    let scoped = |globs: &[&str]| {
        agent(|agent| {
            agent.path_scopes = globs
                .iter()
                .map(|glob| Glob::parse(glob).unwrap())
                .collect();
        })
    };
    for (what, caller, in_others, in_own) in [
        ("bound to no vault", agent(|_| {}), "ksrwdt", "ksrwdta"),
        (
            "bound here",
            agent(|agent| agent.vaults = vec![ELSEWHERE, VAULT]),
            "ksrwdt",
            "ksrwdta",
        ),
        (
            "bound elsewhere",
            agent(|agent| agent.vaults = vec![ELSEWHERE]),
            "",
            "",
        ),
        ("scoped to it", scoped(&["x/*", "db/*"]), "ksrwdt", "ksrwdt"),
        ("scoped to all", scoped(&["x/*", "**"]), "ksrwdt", "ksrwdta"),
        ("scoped to others", scoped(&["x/*", "db"]), "k", "k"),
    ] {
        assert_eq!(
            rights_at(&caller, &others(), &all, "db/main"),
            in_others,
            "{what}"
        );
        assert_eq!(rights_at(&caller, &own, &[], "db/main"), in_own, "{what}");
    }
    let none = Compiled::default();
    let (limited, whole) = (scoped(&["db/**"]), agent(|_| {}));
    let standing = |caller| Standing {
        caller,
        vault: &own,
        policies: &none,
        now: NOW,
    };
    assert!(standing(&limited).administers_path("db/main"));
    assert!(!standing(&limited).administers_path("web/main"));
    assert!(!standing(&limited).sees_all());
    assert!(standing(&whole).administers_path("web/main"));
    assert!(standing(&whole).sees_all());
}

/// RULES §2, step 2; 1claw contract §6.4: private keys are withheld, openly, whoever made the vault.
#[test]
fn private_keys_are_withheld_from_agents_with_intents() {
    let all = ["allow read,write,delete,rotate ** 9"];
    let with = agent(|agent| agent.intents_api_enabled = true);
    let without = agent(|_| {});
    for (caller, kind, expected) in [
        (&with, Some("private_key"), "ks"),
        (&with, Some("ssh_key"), "ks"),
        (&with, Some("password"), "ksrwdt"),
        (&with, None, "ksrwdt"),
        (&without, Some("private_key"), "ksrwdt"),
    ] {
        let subject = Subject {
            kind,
            ..at("db/main")
        };
        let policies = policies(caller, &all);
        let standing = Standing {
            caller,
            vault: &others(),
            policies: &policies,
            now: NOW,
        };
        assert_eq!(rights(&standing, &subject), expected, "{kind:?}");
        let own = made_by_agent(AGENT, USER);
        let standing = Standing {
            vault: &own,
            ..standing
        };
        assert_eq!(
            rights(&standing, &subject),
            format!("{expected}a"),
            "{kind:?}, own"
        );
    }
}

/// RULES §2: taking over, and policies about oneself.
#[test]
fn admins_take_over_and_set_no_policy_about_themselves() {
    let none = Compiled::default();
    let own = made_by_agent(AGENT, USER);
    for ((who, caller), (takes_over, about_self, about_others, in_own)) in everyone().iter().zip([
        (true, true, true, true),
        (true, false, true, true),
        (false, false, false, true),
        (false, false, false, false),
        (false, false, false, true),
    ]) {
        let standing = Standing {
            caller,
            vault: &others(),
            policies: &none,
            now: NOW,
        };
        let myself = PolicyPrincipal::of(caller);
        assert_eq!(standing.may_take_over(), takes_over, "{who}");
        assert_eq!(standing.may_set_policy_about(myself), about_self, "{who}");
        let other = PolicyPrincipal::User(STRANGER);
        assert_eq!(standing.may_set_policy_about(other), about_others, "{who}");
        let standing = Standing {
            vault: &own,
            ..standing
        };
        assert_eq!(standing.may_set_policy_about(myself), in_own, "{who}");
    }
}
