//! Reads through 1claw in vaults with 10, 1,000 and 10,000 policies.

use anyhow::Result;
use serde_json::{Value, json};

use super::reference::READ_ONE;
use super::{Cell, Target};
use crate::client::Exchange;
use crate::kluis::{Kluis, path_get};
use crate::load::Work;

/// Whom the policies of a vault name.
#[derive(Clone, Copy)]
enum Named {
    /// One in twenty the caller, an agent; the others users and agents who never ask.
    Many,
    /// The caller alone, a member.
    One,
}

/// A principal as policies name it: its type and its id.
type Principal = (&'static str, String);

/// Makes the principals, a vault for each number of policies, and the cells that read from it.
pub(super) async fn policy_reads(kluis: &Kluis) -> Result<Vec<Cell>> {
    let mut others: Vec<Principal> = Vec::new();
    for number in 0..OTHERS {
        let name = format!("crowd-{number}");
        others.push(("user", kluis.member_create(&name).await?));
        others.push(("agent", kluis.agent_create(&name).await?.0));
    }
    let member = kluis.member_create("one").await?;
    let member = (("user", member.clone()), kluis.key_create(&member).await?);
    let (agent, key) = kluis.agent_create("many").await?;
    let agent = (("agent", agent), key);
    let mut cells = Vec::new();
    for (named, (caller, authorization), sizes) in
        [(Named::Many, &agent, MANY), (Named::One, &member, ONE)]
    {
        for (name, count, target) in sizes {
            let vault = kluis.vault_create(name).await?;
            let policies = policies(count, caller, named, &others);
            kluis.policies_create(&vault, &policies).await?;
            kluis.secrets_create(&vault, KEYS, key_of).await?;
            let gets: Vec<Exchange> = (0..KEYS)
                .map(|number| path_get(&vault, authorization, &key_of(number)))
                .collect();
            cells.push(Cell::kluis(name, READ_ONE, target, Work::Pick(gets)));
        }
    }
    Ok(cells)
}

/// As many policies; the last lets the caller read what the bench asks for, and no other is about that.
fn policies(count: u64, caller: &Principal, named: Named, others: &[Principal]) -> Vec<Value> {
    let mut elsewhere = others.iter().cycle();
    let mut policies: Vec<Value> = (1..count)
        .map(|number| {
            let principal = match named {
                Named::Many if number % 20 != 0 => elsewhere.next().unwrap_or(caller),
                Named::Many | Named::One => caller,
            };
            idle(number, principal)
        })
        .collect();
    let (kind, id) = caller;
    policies.push(json!({
        "secret_path_pattern": "services/**", "principal_type": kind, "principal_id": id, "permissions": ["read"],
    }));
    policies
}

/// A policy about another service. Its pattern begins or ends like the paths that are read, as names in one house do; some
/// deny, some have conditions or an end.
fn idle(number: u64, (kind, id): &Principal) -> Value {
    let service = 10_000 + number;
    let pattern = match number % 8 {
        0 => format!("services/svc-{service}/production/password"),
        1 => format!("services/svc-{service}/**"),
        2 => format!("services/svc-{service}/*/password"),
        3 => format!("services/*/production/key-{service}"),
        4 => format!("**/key-{service}"),
        5 => format!("services/svc-{service}-*/**"),
        6 => format!("teams/team-{service}/**"),
        _ => format!("services/svc-{service}/production/*"),
    };
    let conditions = if number.is_multiple_of(11) {
        json!({ "ip_allowlist": ["10.0.0.0/8", "127.0.0.0/8"] })
    } else {
        json!({})
    };
    let mut policy = json!({
        "secret_path_pattern": pattern, "principal_type": kind, "principal_id": id, "permissions": ["read"],
        "effect": if number.is_multiple_of(7) { "deny" } else { "allow" }, "priority": number % 5, "conditions": conditions,
    });
    if let Some(members) = policy.as_object_mut()
        && number.is_multiple_of(13)
    {
        members.insert("expires_at".to_owned(), "2099-01-01T00:00:00Z".into());
    }
    policy
}

/// The path of a secret that is read.
fn key_of(number: u64) -> String {
    format!("services/svc-{number:05}/production/password")
}

type Size = (&'static str, u64, Option<Target>);

const MANY: [Size; 3] = [
    (MANY_10, 10, None),
    (
        "1claw read, 1,000 policies of many",
        1_000,
        Some(Target::Of(MANY_10, 1.5)),
    ),
    (
        "1claw read, 10,000 policies of many",
        10_000,
        Some(Target::Of(MANY_10, 1.5)),
    ),
];
const ONE: [Size; 3] = [
    (ONE_10, 10, None),
    (
        "1claw read, 1,000 policies of one",
        1_000,
        Some(Target::Of(ONE_10, 1.5)),
    ),
    (
        "1claw read, 10,000 policies of one",
        10_000,
        Some(Target::Of(ONE_10, 1.5)),
    ),
];
const MANY_10: &str = "1claw read, 10 policies of many";
const ONE_10: &str = "1claw read, 10 policies of one";

/// Users who never ask, and as many agents.
const OTHERS: u64 = 10;

/// Secrets that are read by turns.
const KEYS: u64 = 100;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_vault_has_as_many_policies_as_its_name_says_and_each_is_another() {
        let caller = ("agent", "caller".to_owned());
        let others = [("user", "a".to_owned()), ("agent", "b".to_owned())];
        for (named, count, of_caller) in [
            (Named::Many, 10, 1),
            (Named::Many, 1_000, 50),
            (Named::One, 1_000, 1_000),
        ] {
            let policies = policies(count, &caller, named, &others);
            let patterns: HashSet<_> = policies
                .iter()
                .map(|policy| policy["secret_path_pattern"].to_string())
                .collect();
            assert_eq!(u64::try_from(patterns.len()).expect("few"), count);
            let about_caller = policies
                .iter()
                .filter(|policy| policy["principal_id"] == "caller");
            assert_eq!(about_caller.count(), of_caller);
        }
    }

    #[test]
    fn idle_policies_name_no_service_that_is_read() {
        let last = key_of(KEYS - 1);
        assert!(last.as_str() < "services/svc-10000", "{last}");
        let caller = ("user", "caller".to_owned());
        for number in 1..10_000 {
            let pattern = idle(number, &caller)["secret_path_pattern"].to_string();
            let service = (10_000 + number).to_string();
            assert!(pattern.contains(&service), "{pattern}");
        }
    }
}
