//! `/v1/audit/events` and `/v1/audit/verify`.

use serde_json::{Value, json};

use super::vault;
use crate::harness::{Api, Kluis};

async fn events(api: &Api, query: &str) -> Vec<Value> {
    let answer = api
        .get(&format!("/v1/audit/events{query}"))
        .await
        .expect(200);
    let events = answer.at("/events").as_array().unwrap().clone();
    assert_eq!(answer.at("/count"), events.len());
    events
}

#[tokio::test]
async fn every_act_of_every_api_is_one_event_without_values() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    let secrets = format!("/api/v1/vaults/{id}/secrets");
    let made = owner
        .post(&secrets, json!({"key": "A", "value": "canary-1"}))
        .await
        .expect(201);
    let secret = made.text("/data/id");
    owner.get(&format!("{secrets}/{secret}")).await.expect(200);
    owner
        .post(&secrets, json!({"key": "B", "value": "canary-2"}))
        .await
        .expect(201);
    owner.get(&secrets).await.expect(200);
    let reads = events(&owner, "?action=secret.read").await;
    assert_eq!(reads.len(), 3, "one by one, and two in a list");
    for read in &reads {
        assert_eq!(read["resource_type"], "secret");
        assert_eq!(read["actor_type"], "user");
        assert_eq!(read["actor_id"], kluis.dev("/owner/id"));
        assert_eq!(read["org_id"], kluis.dev("/organization_id"));
        assert_eq!(read["details"]["vault_id"], id.as_str());
        assert_eq!(read["ip_address"], "127.0.0.1");
    }
    let ids: std::collections::HashSet<_> =
        reads.iter().map(|read| read["id"].to_string()).collect();
    assert_eq!(ids.len(), 3, "each event has an id of its own");
    assert_eq!(events(&owner, "?action=secret.write").await.len(), 2);
    let by_path = events(&owner, "?resource_id=A&action=secret.read").await;
    assert_eq!(by_path.len(), 2);
    let by_vault = events(&owner, &format!("?resource_id={id}")).await;
    assert!(by_vault.len() >= 6, "{}", by_vault.len());
    let all = events(&owner, "?limit=1000").await;
    assert!(!Value::from(all.clone()).to_string().contains("canary"));
    let page = events(&owner, "?limit=2&offset=1").await;
    assert_eq!(page.len(), 2);
}

#[tokio::test]
async fn a_refused_act_is_recorded_with_what_the_request_named() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    let member = kluis.user("member").await;
    member
        .api()
        .get(&format!("/api/v1/vaults/{id}"))
        .await
        .expect(404);
    let user = crate::cloudkeep::vaults::uuid_of(&member.id);
    let seen = events(&owner, &format!("?actor_id={user}")).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["details"]["vault_id"], id.as_str());
    // A member sees its own acts only.
    let own = events(&member.api(), "").await;
    assert!(
        own.iter().all(|event| event["actor_id"] == user.as_str()),
        "{own:?}"
    );
}

/// NT-08
#[tokio::test]
async fn a_limit_out_of_range_is_refused() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    for query in [
        "limit=0",
        "limit=-1",
        "limit=NaN",
        "limit=1e9",
        "limit=-9223372036854775808",
        "offset=-1",
        "from=yesterday",
    ] {
        super::problem(&owner.get(&format!("/v1/audit/events?{query}")).await, 400);
    }
}

#[tokio::test]
async fn the_chain_verifies() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    for key in 0..20 {
        let body = json!({"key": format!("K{key}"), "value": "1"});
        owner
            .post(&format!("/api/v1/vaults/{id}/secrets"), body)
            .await
            .expect(201);
        owner
            .get(&format!("/api/v1/vaults/{id}/secrets"))
            .await
            .expect(200);
    }
    let verified = owner.get("/v1/audit/verify").await.expect(200);
    assert_eq!(verified.at("/chain_valid"), true);
    assert_eq!(verified.at("/broken_at_event_id"), Value::Null);
    assert!(verified.at("/events_verified").as_u64().unwrap() >= 40);
    assert_eq!(
        verified.at("/events_verified"),
        verified.at("/events_checked")
    );
    assert_eq!(verified.text("/scheme/algorithm"), "SHA-256");
    super::problem(
        &kluis
            .user("member")
            .await
            .api()
            .get("/v1/audit/verify")
            .await,
        403,
    );
}
