//! Storing, listing and deleting (contract §2, §3), and tags.

use serde_json::json;

use super::sealing::Crate;
use crate::harness::{Kluis, on_both};

on_both! {
    async fn a_secret_is_stored_sealed_and_shown_without_its_value(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let stored = owner.put("QUEUE_URL", "amqp://queue", json!({"environment": "staging", "tags": ["worker", "b"]})).await.expect(200);
        assert_eq!(stored.members(""), ["environment", "name", "tags", "updated_at", "version"]);
        assert_eq!(stored.at("/name"), "QUEUE_URL");
        assert_eq!(stored.at("/environment"), "staging");
        assert_eq!(stored.at("/version"), 1);
        assert_eq!(stored.at("/tags"), json!(["worker", "b"]), "in the order given");
        let at = stored.text("/updated_at");
        assert!(at.len() == 20 && at.ends_with('Z') && at.as_bytes()[10] == b'T', "{at}");
        let listed = owner.list("?env=staging").await;
        assert_eq!(listed, [stored.json()]);
        assert_eq!(owner.retrieve(json!({"environment": "staging"})).await["QUEUE_URL"], "amqp://queue");
    }

    async fn each_store_is_the_next_version_and_tags_stay_unless_stated(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let tags = |stored: crate::harness::Answer, version: u32| {
            let stored = stored.expect(200);
            assert_eq!(stored.at("/version"), version);
            stored.at("/tags")
        };
        assert_eq!(tags(owner.put("A", "1", json!({})).await, 1), json!([]));
        assert_eq!(tags(owner.put("A", "2", json!({"tags": ["x", "y", "x"]})).await, 2), json!(["x", "y"]));
        assert_eq!(tags(owner.put("A", "2", json!({})).await, 3), json!(["x", "y"]));
        assert_eq!(tags(owner.put("A", "4", json!({"tags": null})).await, 4), json!(["x", "y"]));
        assert_eq!(tags(owner.put("A", "5", json!({"tags": []})).await, 5), json!([]));
        assert_eq!(owner.retrieve(json!({})).await["A"], "5");
    }

    async fn long_values_go_with_a_key_of_their_own(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let fits = "x".repeat(318);
        owner.put("FITS", &fits, json!({})).await.expect(200);
        let pem = "-----BEGIN PRIVATE KEY-----\n\"é\\\n".repeat(100);
        owner.put_long("PEM", pem.as_bytes(), json!({"tags": ["tls"]})).await.expect(200);
        let largest = "y".repeat(1 << 20);
        owner.put_long("LARGEST", largest.as_bytes(), json!({})).await.expect(200);
        owner.put_long("EMPTY", b"", json!({})).await.expect(200);
        owner.put("ALSO_EMPTY", "", json!({})).await.expect(200);
        let values = owner.retrieve(json!({})).await;
        assert_eq!((&values["FITS"], &values["PEM"], &values["LARGEST"]), (&fits, &pem, &largest));
        assert_eq!((&*values["EMPTY"], &*values["ALSO_EMPTY"]), ("", ""));
        let larger = "y".repeat((1 << 20) + 1);
        let answer = owner.put_long("LARGER", larger.as_bytes(), json!({})).await;
        let message = Crate::refused(&answer, 400, "invalid_argument");
        assert_eq!(message, "encrypted_value must hold at most 1 MiB");
    }

    async fn a_list_is_ordered_by_bytes_and_filtered_by_tags(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for (name, tags) in [
            ("b", json!(["one", "two"])), ("B", json!(["two"])), ("_", json!([])), ("a.b-c", json!(["one"])),
        ] {
            owner.put(name, "v", json!({"tags": tags})).await.expect(200);
        }
        for (query, names) in [
            ("", &["B", "_", "a.b-c", "b"][..]),
            ("?env=dev", &["B", "_", "a.b-c", "b"]),
            ("?tags=", &["B", "_", "a.b-c", "b"]),
            ("?tags=one", &["a.b-c", "b"]),
            ("?tags=one,two", &["b"]),
            ("?tags=%20two%20,,one,", &["b"]),
            ("?tags=one,two&tag_match=all", &["b"]),
            ("?tags=one,two&tag_match=any", &["B", "a.b-c", "b"]),
            ("?tag_match=any", &["B", "_", "a.b-c", "b"]),
            ("?tags=One", &[]),
            ("?tags=absent,one", &[]),
        ] {
            assert_eq!(owner.names(query).await, names, "{query}");
        }
        assert!(owner.list("?env=nowhere").await.is_empty());
        for query in ["?env=no%20name", "?env=", "?env=a/b", "?tag_match=some", "?env=a&env=b"] {
            let answer = owner.api.get(&owner.path(&format!("secrets{query}"))).await;
            Crate::refused(&answer, 400, "invalid_argument");
        }
    }

    async fn a_deletion_is_for_good_and_in_one_environment(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for environment in ["dev", "prod"] {
            owner.put("A", "v", json!({"environment": environment})).await.expect(200);
        }
        let deleted = owner.delete("A?env=prod").await.expect(204);
        assert!(deleted.body.is_empty());
        assert!(owner.names("?env=prod").await.is_empty());
        assert_eq!(owner.names("?env=dev").await, ["A"]);
        for absent in ["A?env=prod", "B", "A?env=nowhere"] {
            Crate::refused(&owner.delete(absent).await, 404, "not_found");
        }
        owner.delete("A").await.expect(204);
        assert_eq!(owner.put("A", "v", json!({})).await.expect(200).at("/version"), 1);
    }

    async fn secrets_with_the_names_of_paths_can_go(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for name in ["public-key", "retrieve", "secrets"] {
            owner.put(name, "v", json!({})).await.expect(200);
            owner.public_key().await;
            owner.delete(name).await.expect(204);
            Crate::refused(&owner.delete(name).await, 404, "not_found");
        }
    }

    async fn tags_of_all_environments_are_listed_once(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        assert_eq!(owner.api.get(&owner.path("tags")).await.expect(200).json(), json!({"tags": []}));
        owner.put("A", "v", json!({"tags": ["worker", "db"]})).await.expect(200);
        owner.put("A", "v", json!({"environment": "prod", "tags": ["worker", "Web"]})).await.expect(200);
        let tag = |name: &str| json!({"name": name, "metadata": {"color": "", "description": ""}});
        let listed = owner.api.get(&owner.path("tags")).await.expect(200).json();
        assert_eq!(listed, json!({"tags": [tag("Web"), tag("db"), tag("worker")]}));
        owner.delete("A?env=prod").await.expect(204);
        let listed = owner.api.get(&owner.path("tags")).await.expect(200).json();
        assert_eq!(listed, json!({"tags": [tag("db"), tag("worker")]}));
    }
}
