//! The 1claw API: vaults, secrets, versions, policies, the record, the own account.

mod account;
mod agent_limits;
pub mod agents;
mod api_keys;
mod audit;
mod both_ways;
mod clients;
mod devices;
mod enrollment;
mod env_vars;
mod explain;
pub mod export;
mod export_altered;
mod forged;
mod honeytokens;
mod ip_rules;
mod limits;
mod policies;
mod record;
mod roles;
mod rotation;
mod secrets;
pub mod shares;
mod tampering;
mod tokens;
mod vaults;
mod versions;

use serde_json::{Value, json};

use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Answer, Api};

/// Makes a vault and gives its UUID.
async fn vault(api: &Api, name: &str) -> String {
    uuid_of(
        &api.post("/api/v1/vaults", json!({"name": name}))
            .await
            .expect(201)
            .text("/data/id"),
    )
}

/// A problem has exactly the four members, and says its status.
#[track_caller]
fn problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.string());
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let members: Vec<_> = answer
        .members("")
        .into_iter()
        .filter(|member| member != "fields")
        .collect();
    assert_eq!(members, ["detail", "status", "title", "type"]);
    assert_eq!(answer.at("/status"), status);
    assert_eq!(answer.at("/type"), Value::from("about:blank"));
}
