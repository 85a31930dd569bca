//! Who asks, and the policies that stand in the vaults asked.

use anyhow::Result;
use serde_json::{Value, json};

use crate::kluis::Kluis;

/// How the caller came to be let into a vault.
#[derive(Clone, Copy)]
pub(super) enum Access {
    /// The organization's owner, in a vault without policies.
    Owner,
    /// A member, by the one policy of the vault.
    OnePolicy,
    /// A member, by one policy among a thousand of theirs and a thousand of others.
    Crowded,
}

/// The callers of the measurement.
pub(super) struct Callers {
    /// `Authorization` header of the organization's owner.
    owner: String,
    /// `Authorization` header of the member.
    member: String,
    member_id: String,
    /// Users who have policies and nothing else.
    others: Vec<String>,
}

impl Callers {
    /// Makes the members.
    pub(super) async fn create(kluis: &Kluis) -> Result<Self> {
        let member_id = kluis.member_create("member").await?;
        let member = kluis.key_create(&member_id).await?;
        let mut others = Vec::new();
        for name in ["other-1", "other-2", "other-3", "other-4"] {
            others.push(kluis.member_create(name).await?);
        }
        Ok(Self {
            owner: kluis.owner(),
            member,
            member_id,
            others,
        })
    }

    /// Writes the policies that this access takes on a vault. Returns the `Authorization` header of its caller.
    pub(super) async fn admit(&self, kluis: &Kluis, vault: &str, access: Access) -> Result<String> {
        let policies = match access {
            Access::Owner => return Ok(self.owner.clone()),
            Access::OnePolicy => vec![allow_all(&self.member_id)],
            Access::Crowded => {
                let theirs = (1..CROWD).map(|number| idle_policy(number, &self.member_id));
                let others = self.others.iter().cycle().zip(1..=CROWD);
                let foreign = others.map(|(other, number)| idle_policy(number, other));
                theirs
                    .chain(foreign)
                    .chain([allow_all(&self.member_id)])
                    .collect()
            }
        };
        kluis.policies_create(vault, &policies).await?;
        Ok(self.member.clone())
    }
}

/// Lets a user read and write everything in a vault.
fn allow_all(user: &str) -> Value {
    json!({
        "secret_path_pattern": "**", "principal_type": "user", "principal_id": user, "permissions": ["read", "write"],
    })
}

/// A policy that fits no secret of the bench: every shape of pattern, allows and denies, priorities, some with a condition.
fn idle_policy(number: u64, user: &str) -> Value {
    let pattern = match number % 6 {
        0 => format!("OTHER_KEY_{number}"),
        1 => format!("app-{number}/*"),
        2 => format!("team/{number}/**"),
        3 => format!("**/leaf-{number}"),
        4 => format!("OTHER_{number}_*"),
        _ => format!("region/*/service-{number}/**"),
    };
    let conditions = if number.is_multiple_of(11) {
        json!({ "ip_allowlist": ["10.0.0.0/8", "127.0.0.0/8"] })
    } else {
        json!({})
    };
    json!({
        "secret_path_pattern": pattern, "principal_type": "user", "principal_id": user, "permissions": ["read"],
        "effect": if number.is_multiple_of(7) { "deny" } else { "allow" }, "priority": number % 5, "conditions": conditions,
    })
}

/// Policies of the member, the one that lets them in among them; and policies of others.
const CROWD: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_policies_are_all_different_and_name_no_secret_of_the_bench() {
        let mut patterns: Vec<String> = (1..CROWD)
            .map(|number| idle_policy(number, "u"))
            .filter_map(|policy| Some(policy.get("secret_path_pattern")?.as_str()?.to_owned()))
            .collect();
        assert!(
            patterns
                .iter()
                .all(|pattern| pattern.contains('/') || pattern.starts_with("OTHER_"))
        );
        patterns.sort();
        patterns.dedup();
        assert_eq!(u64::try_from(patterns.len()).expect("few"), CROWD - 1);
    }
}
