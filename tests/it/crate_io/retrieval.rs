//! What a retrieval selects, leaves out and uses up (contract §5; RULES §4).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sealing::{Crate, READER};
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Kluis, on_both};

/// The path of a secret in the vault of `dev`, in 1claw's API.
async fn dev(kluis: &Kluis, rest: &str) -> String {
    let vaults = kluis.owner().get("/api/v1/vaults").await.expect(200).json();
    let vaults = vaults["data"].as_array().unwrap().iter();
    let mut dev = vaults.filter(|vault| vault["name"] == "dev");
    let id = uuid_of(dev.next().unwrap()["id"].as_str().unwrap());
    format!("/v1/vaults/{id}/{rest}")
}

on_both! {
    async fn names_and_tags_select_and_both_have_to_hold(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for (name, tags) in [("A", json!(["one", "two"])), ("B", json!(["two"])), ("C", json!([]))] {
            owner.put(name, name, json!({"tags": tags})).await.expect(200);
        }
        owner.put("A", "of prod", json!({"environment": "prod"})).await.expect(200);
        for (body, names) in [
            (json!({}), "ABC"),
            (json!({"names": [], "tags": []}), "ABC"),
            (json!({"names": null, "tags": null, "environment": null}), "ABC"),
            (json!({"names": ["C", "A", "A", "absent"]}), "AC"),
            (json!({"names": ["absent"]}), ""),
            (json!({"names": ["a"]}), ""),
            (json!({"tags": ["two"]}), "AB"),
            (json!({"tags": ["one", "two"]}), "A"),
            (json!({"tags": ["one", "two"], "tag_match": "any"}), "AB"),
            (json!({"tags": ["one", "absent"]}), ""),
            (json!({"tags": [""]}), ""),
            (json!({"names": ["B", "C"], "tags": ["two"]}), "B"),
            (json!({"names": ["C"], "tags": ["two"]}), ""),
            (json!({"environment": "nowhere"}), ""),
        ] {
            let values = owner.retrieve(body.clone()).await;
            assert_eq!(values.keys().cloned().collect::<String>(), names, "{body}");
            assert!(values.iter().all(|(name, value)| name == value));
        }
        assert_eq!(owner.retrieve(json!({"environment": "prod"})).await["A"], "of prod");
        let answer = owner.retrieval(json!({"tag_match": "some"})).await;
        Crate::refused(&answer, 400, "invalid_argument");
    }

    async fn the_plaintext_is_a_flat_object_in_the_order_of_names(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        assert_eq!(READER.plaintext(&owner.retrieval(json!({})).await.expect(200)), b"{}");
        for (name, value) in [("b", "\"\\\n\u{1}é"), ("B", "{\"json\":1}"), ("_", "")] {
            owner.put(name, value, json!({})).await.expect(200);
        }
        let answers = [owner.retrieval(json!({})).await, owner.retrieval(json!({})).await];
        let plaintext = READER.plaintext(&answers[0]);
        let text = r#"{"B":"{\"json\":1}","_":"","b":"\"\\\n\u0001é"}"#;
        assert_eq!(String::from_utf8(plaintext).unwrap(), text);
        // Nonce and key are new each time.
        assert_ne!(answers[0].text("/encrypted_secrets")[..16], answers[1].text("/encrypted_secrets")[..16]);
        assert_ne!(answers[0].text("/encrypted_key"), answers[1].text("/encrypted_key"));
    }

    async fn limited_values_use_up_a_read_each_and_are_left_out_then(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for name in ["LIMITED", "PLAIN"] {
            owner.put(name, name, json!({})).await.expect(200);
        }
        let limited = dev(&kluis, "secrets/LIMITED").await;
        kluis.owner().put(&limited, json!({"value": "LIMITED", "max_access_count": 2})).await.expect(201);
        assert_eq!(owner.names("").await, ["LIMITED", "PLAIN"], "a list uses up nothing");
        owner.retrieve(json!({"names": ["PLAIN"]})).await;
        for left in ["LIMITED PLAIN", "LIMITED PLAIN", "PLAIN", "PLAIN"] {
            let names: Vec<_> = owner.retrieve(json!({})).await.into_keys().collect();
            assert_eq!(names.join(" "), left);
        }
        // A new value carries the limit over, counted afresh.
        assert_eq!(owner.put("LIMITED", "again", json!({})).await.expect(200).at("/version"), 3);
        for left in [2, 2, 1] {
            assert_eq!(owner.retrieve(json!({})).await.len(), left);
        }
    }

    /// NT-74
    async fn a_limit_is_exact_with_many_at_once(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for name in ["A", "B", "C"] {
            owner.put(name, name, json!({})).await.expect(200);
        }
        for (name, most) in [("A", 7), ("B", 13)] {
            let path = dev(&kluis, &format!("secrets/{name}")).await;
            kluis.owner().put(&path, json!({"value": name, "max_access_count": most})).await.expect(201);
        }
        let asked = (0..40).map(|_| {
            let owner = owner.clone();
            tokio::spawn(async move { owner.retrieve(json!({})).await })
        });
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for values in asked.collect::<Vec<_>>() {
            for name in values.await.unwrap().into_keys() {
                *counts.entry(name).or_default() += 1;
            }
        }
        let counts: Vec<_> = counts.into_iter().collect();
        assert_eq!(counts, [("A".to_owned(), 7), ("B".to_owned(), 13), ("C".to_owned(), 40)]);
    }

    async fn what_is_unavailable_or_denied_is_left_out(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for name in ["CLOSED", "DENIED", "DISABLED", "EXPIRED", "PLAIN"] {
            owner.put(name, name, json!({})).await.expect(200);
        }
        let expired = dev(&kluis, "secrets/EXPIRED").await;
        kluis.owner().put(&expired, json!({"value": "v", "expires_at": "2001-01-01T00:00:00Z"})).await;
        kluis.owner().delete(&dev(&kluis, "secrets/CLOSED").await).await.expect(204);
        let disable = dev(&kluis, "secret-version-disable/DISABLED/1").await;
        kluis.owner().send("POST".parse().unwrap(), &disable, None).await.expect(204);
        let admin = kluis.user("admin").await;
        let deny = json!({
            "secret_path_pattern": "DENIED", "principal_type": "user", "principal_id": uuid_of(&admin.id),
            "permissions": ["read"], "effect": "deny",
        });
        kluis.owner().post(&dev(&kluis, "policies").await, deny).await.expect(201);
        let admin = Crate::of(&kluis, admin.api());
        let names: Vec<_> = admin.retrieve(json!({})).await.into_keys().collect();
        assert!(names.contains(&"PLAIN".to_owned()), "{names:?}");
        for left_out in ["CLOSED", "DENIED", "DISABLED"] {
            assert!(!names.contains(&left_out.to_owned()), "{names:?}");
        }
        assert!(owner.retrieve(json!({})).await.contains_key("DENIED"));
        // Names stand in the list, but for what is closed.
        let listed: Vec<Value> = admin.list("").await;
        let listed: Vec<_> = listed.iter().map(|secret| secret["name"].as_str().unwrap()).collect();
        assert_eq!(listed, ["DENIED", "DISABLED", "EXPIRED", "PLAIN"]);
        Crate::refused(&owner.delete("CLOSED").await, 404, "not_found");
        // A store opens a closed name again: the next version, the older stays closed.
        assert_eq!(owner.put("CLOSED", "again", json!({})).await.expect(200).at("/version"), 2);
    }

    async fn an_expired_value_is_left_out(kluis: crate::harness::Backend) {
        let kluis = kluis.start_with(&["--test-clock"]).await;
        let owner = Crate::owner(&kluis);
        owner.put("A", "v", json!({})).await.expect(200);
        let body = json!({"value": "v", "expires_at": "2099-01-01T00:00:00Z"});
        kluis.owner().put(&dev(&kluis, "secrets/A").await, body).await.expect(201);
        assert_eq!(owner.retrieve(json!({})).await.len(), 1);
        // What is still ahead is carried over.
        owner.put("A", "again", json!({})).await.expect(200);
        kluis.advance_clock(100 * 365 * 24 * 3600).await;
        assert!(owner.retrieve(json!({})).await.is_empty());
        assert_eq!(owner.names("").await, ["A"]);
        owner.put("A", "anew", json!({})).await.expect(200);
        assert_eq!(owner.retrieve(json!({})).await["A"], "anew");
    }
}
