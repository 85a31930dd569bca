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

/// RULES §7: refused acts too, with what the request named; and with the key that they came with.
#[tokio::test]
async fn an_act_beyond_a_keys_scopes_is_recorded_with_what_it_was_about() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    let body = json!({"name": "none", "scopes": []});
    let key = kluis
        .admin_api()
        .post("/v1/api-keys", body)
        .await
        .expect(201);
    let key_id = crate::cloudkeep::vaults::uuid_of(&key.text("/data/id"));
    let scoped = Api::bearer(kluis.base(), key.text("/data/key"));
    let secrets = format!("/api/v1/vaults/{id}/secrets");
    scoped.get(&secrets).await.expect(403);
    let body = json!({"key": "A", "value": "1"});
    scoped.post(&secrets, body).await.expect(403);
    scoped
        .delete(&format!("/api/v1/vaults/{id}"))
        .await
        .expect(403);
    let seen = events(&owner, "?limit=1000").await;
    let of_key: Vec<&Value> = seen
        .iter()
        .filter(|event| event["details"]["key_id"] == key_id.as_str())
        .collect();
    assert_eq!(of_key.len(), 3, "{of_key:?}");
    for event in &of_key {
        assert_eq!(event["details"]["outcome"], "denied", "{event}");
        assert_eq!(event["details"]["vault_id"], id.as_str(), "{event}");
    }
    assert!(of_key.iter().any(|event| event["details"]["path"] == "A"));
}

/// NT-58: a page is an act too, and must not put off the end of the walk.
#[tokio::test]
async fn a_walk_over_the_record_ends_and_shows_each_event_once() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    for _ in 0..30 {
        owner.get("/api/v1/vaults").await.expect(200);
    }
    for size in [1, 7, 30, 31, 32, 100] {
        let mut seen = Vec::new();
        loop {
            let page = events(&owner, &format!("?limit={size}&offset={}", seen.len())).await;
            if page.is_empty() {
                break;
            }
            seen.extend(page.iter().map(|event| event["id"].to_string()));
            assert!(seen.len() < 200, "the walk does not end");
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all, "pages of {size}");
        assert!(all > 30, "{all}");
    }
    assert!(!events(&owner, "?action=audit.list").await.is_empty());
}

/// RULES §7: the whole chain can be gone through, a part at a time.
#[tokio::test]
async fn a_chain_is_verified_part_by_part_from_its_beginning() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    for _ in 0..40 {
        owner.get("/api/v1/vaults").await.expect(200);
    }
    let (mut after, mut checked) = (0, 0);
    loop {
        let path = format!("/v1/audit/verify?after={after}&limit=15");
        let part = owner.get(&path).await.expect(200);
        assert_eq!(part.at("/chain_valid"), true, "{part}");
        checked += part.at("/events_checked").as_i64().unwrap();
        let through = part.at("/checked_through").as_i64().unwrap();
        assert_eq!(through, checked);
        if part.at("/sealed_through") == through {
            break;
        }
        assert_eq!(through, after + 15);
        after = through;
    }
    assert!(checked > 40, "{checked}");
}
