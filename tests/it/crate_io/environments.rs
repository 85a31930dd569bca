//! An environment is the organization's vault of that name (contract §2, RULES §2).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::sealing::{Crate, seal};
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Kluis, on_both};

async fn vaults(kluis: &Kluis) -> Vec<(String, String)> {
    let listed = kluis.owner().get("/api/v1/vaults").await.expect(200).json();
    let vaults = listed["data"].as_array().unwrap().iter();
    let text = |vault: &Value, member: &str| vault[member].as_str().unwrap().to_owned();
    vaults
        .map(|vault| (text(vault, "name"), text(vault, "id")))
        .collect()
}

on_both! {
    async fn the_first_store_makes_the_vault_and_reading_makes_none(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        owner.list("?env=staging").await;
        assert!(owner.retrieve(json!({"environment": "staging"})).await.is_empty());
        owner.delete("A?env=staging").await.expect(404);
        assert!(vaults(&kluis).await.iter().all(|(name, _)| name == "default"));
        owner.put("A", "v", json!({"environment": "staging"})).await.expect(200);
        let names: Vec<_> = vaults(&kluis).await.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["default", "staging"]);
        // The name is compared byte by byte.
        assert!(owner.list("?env=Staging").await.is_empty());
    }

    async fn a_vault_of_the_name_is_the_environment(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let made = kluis.owner().post("/api/v1/vaults", json!({"name": "prod"})).await.expect(201);
        owner.put("A", "v", json!({"environment": "prod"})).await.expect(200);
        owner.put("A", "v", json!({"environment": "default"})).await.expect(200);
        assert_eq!(vaults(&kluis).await.len(), 2);
        let path = format!("/api/v1/vaults/{}/secrets", made.text("/data/id"));
        assert_eq!(kluis.owner().get(&path).await.expect(200).text("/data/0/key"), "A");
        let path = format!("/api/v1/vaults/{}", made.text("/data/id"));
        kluis.owner().delete(&path).await.expect(204);
        assert!(owner.list("?env=prod").await.is_empty());
        assert_eq!(owner.put("A", "v", json!({"environment": "prod"})).await.expect(200).at("/version"), 1);
    }

    async fn reserved_names_are_no_environments(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for environment in ["__agent-keys", "Default", "DEFAULT"] {
            let answer = owner.put("A", "v", json!({"environment": environment})).await;
            Crate::refused(&answer, 400, "invalid_argument");
        }
        assert_eq!(vaults(&kluis).await.len(), 1);
    }

    async fn what_a_member_or_agent_made_is_written_to_when_it_is_taken_over(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let admin = Crate::of(&kluis, kluis.user("admin").await.api());
        let member = kluis.user("member").await;
        let made = member.api().post("/api/v1/vaults", json!({"name": "prod"})).await.expect(201);
        let vault = made.text("/data/id");
        let secrets = format!("/api/v1/vaults/{vault}/secrets");
        member.api().post(&secrets, json!({"key": "OWN", "value": "theirs"})).await.expect(201);
        for who in [&owner, &admin] {
            let answer = who.put("A", "v", json!({"environment": "prod"})).await;
            let message = Crate::refused(&answer, 409, "aborted");
            assert!(message.contains("take it over"), "{message}");
            // Reading and deleting are an administrator's anyway.
            assert_eq!(who.names("?env=prod").await, ["OWN"]);
            assert_eq!(who.retrieve(json!({"environment": "prod"})).await["OWN"], "theirs");
        }
        let take_over = format!("/v1/vaults/{}/take-over", uuid_of(&vault));
        kluis.owner().send("POST".parse().unwrap(), &take_over, None).await.expect(200);
        admin.put("A", "v", json!({"environment": "prod"})).await.expect(200);

        // An agent's, even one that an owner has registered.
        let agent = kluis.owner().post("/v1/agents", json!({"name": "bot"})).await.expect(201).text("/api_key");
        let agent = crate::harness::Api::bearer(kluis.base(), agent);
        agent.post("/v1/vaults", json!({"name": "bots"})).await.expect(201);
        let answer = owner.put("A", "v", json!({"environment": "bots"})).await;
        Crate::refused(&answer, 409, "aborted");

        // Who made it as a member and is an admin now may own what administrators put there.
        let made = member.api().post("/api/v1/vaults", json!({"name": "later"})).await;
        made.expect(201);
        let role = json!({"role": "admin"});
        kluis.admin_api().patch(&format!("/v1/users/{}", member.id), role).await.expect(200);
        owner.put("A", "v", json!({"environment": "later"})).await.expect(200);
    }

    async fn what_a_store_makes_is_the_organizations(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let admin = kluis.user("admin").await;
        Crate::of(&kluis, admin.api()).put("A", "v", json!({"environment": "prod"})).await.expect(200);
        let vaults = vaults(&kluis).await;
        let vault = &vaults.iter().find(|(name, _)| name == "prod").unwrap().1;
        let path = format!("/v1/vaults/{}/secrets/A", uuid_of(vault));
        admin.api().get(&path).await.expect(200);
        let role = json!({"role": "member"});
        kluis.admin_api().patch(&format!("/v1/users/{}", admin.id), role).await.expect(200);
        // Who is an administrator no more owns nothing of what administrators put there, and is in nobody's way.
        admin.api().get(&path).await.expect(403);
        owner.put("A", "w", json!({"environment": "prod"})).await.expect(200);
    }

    async fn many_first_stores_make_one_vault_and_every_version(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let sealed = seal(&owner.public_key().await, b"v");
        let stores = (0..40).map(|_| {
            let (owner, sealed) = (owner.clone(), sealed.clone());
            tokio::spawn(async move {
                let more = json!({"environment": "new"});
                owner.put_sealed("A", &sealed, more).await.expect(200).at("/version").as_u64().unwrap()
            })
        });
        let mut versions = BTreeSet::new();
        for store in stores.collect::<Vec<_>>() {
            versions.insert(store.await.unwrap());
        }
        assert_eq!(versions, (1..=40).collect());
        assert_eq!(vaults(&kluis).await.len(), 2);
    }
}
