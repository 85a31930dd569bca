//! What the record tells of acts in this API (RULES §7).

use serde_json::{Value, json};

use super::sealing::Crate;
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Kluis, on_both};

/// The entries through this API, oldest first.
async fn entries(kluis: &Kluis) -> Vec<Value> {
    let listed = kluis
        .owner()
        .get("/v1/audit/events?limit=100")
        .await
        .expect(200)
        .json();
    let mut entries: Vec<_> = listed["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["details"]["api"] == "crate")
        .cloned()
        .collect();
    entries.reverse();
    entries
}

fn told(entries: &[Value]) -> Vec<String> {
    let told = |event: &Value| {
        let text = |pointer: &str| {
            event
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or("-")
                .to_owned()
        };
        format!(
            "{} {} {}",
            text("/action"),
            text("/details/path"),
            text("/details/outcome")
        )
    };
    entries.iter().map(told).collect()
}

on_both! {
    async fn names_that_were_asked_for_and_not_given_are_told(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for name in ["DENIED", "GIVEN", "UNTAGGED"] {
            owner.put(name, "v", json!({"tags": if name == "UNTAGGED" { json!([]) } else { json!(["t"]) }})).await.expect(200);
        }
        let vaults = kluis.owner().get("/api/v1/vaults").await.expect(200).json();
        let dev = vaults["data"].as_array().unwrap().iter().find(|vault| vault["name"] == "dev").unwrap();
        let dev = uuid_of(dev["id"].as_str().unwrap());
        let admin = kluis.user("admin").await;
        let deny = json!({
            "secret_path_pattern": "DENIED", "principal_type": "user", "principal_id": uuid_of(&admin.id),
            "permissions": ["read"], "effect": "deny",
        });
        kluis.owner().post(&format!("/v1/vaults/{dev}/policies"), deny).await.expect(201);
        let bait = json!({"vault_id": dev, "secret_path": "ABSENT"});
        kluis.owner().post("/v1/risk/honeytokens", bait).await.expect(201);
        let names = json!({"names": ["ABSENT", "DENIED", "GIVEN", "UNTAGGED"], "tags": ["t"]});
        let values = Crate::of(&kluis, admin.api()).retrieve(names).await;
        assert_eq!(values.into_keys().collect::<Vec<_>>(), ["GIVEN"]);
        let mut told = told(&entries(&kluis).await);
        told.retain(|entry| entry.starts_with("secret.read") || entry.starts_with("honeytoken"));
        told.sort();
        assert_eq!(told, [
            "honeytoken.triggered ABSENT success", "secret.read ABSENT failed", "secret.read DENIED denied", "secret.read GIVEN success",
        ]);
        let many: Vec<_> = (0..1001).map(|number| format!("N{number}")).collect();
        let answer = owner.retrieval(json!({"names": many})).await;
        Crate::refused(&answer, 400, "invalid_argument");
    }

    async fn every_act_is_told_and_every_value_that_left(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        owner.put("A", "canary value", json!({"environment": "prod"})).await.expect(200);
        owner.put("B", "canary value", json!({"environment": "prod"})).await.expect(200);
        owner.retrieve(json!({"environment": "prod"})).await;
        owner.list("?env=prod").await;
        owner.delete("B?env=prod").await.expect(204);
        owner.delete("B?env=prod").await.expect(404);
        let member = Crate::of(&kluis, kluis.user("member").await.api());
        member.retrieval(json!({"environment": "prod"})).await.expect(403);
        let stranger = Crate { organization: "01a1fffe-cea2-7000-ab6a-e69e0dc73c36".to_owned(), ..owner.clone() };
        stranger.put_sealed("C", "AAAA", json!({})).await.expect(403);
        // What does not open is a malformed request, and no act.
        owner.put_sealed("D", "AAAA", json!({})).await.expect(400);
        let entries = entries(&kluis).await;
        let mut told = told(&entries);
        told.sort();
        assert_eq!(told, [
            "public_key.read - success", "public_key.read - success", "secret.delete B failed", "secret.delete B success",
            "secret.list - success", "secret.read - denied", "secret.read A success", "secret.read B success",
            "secret.write A success", "secret.write B success", "secret.write C denied", "vault.create - success",
        ]);
        let text = serde_json::to_string(&entries).unwrap();
        assert!(!text.contains("canary"));
        let verified = kluis.owner().get("/v1/audit/verify").await.expect(200).string();
        assert!(verified.contains("true"), "{verified}");
    }
}
