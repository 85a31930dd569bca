//! `/v1/logs`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Api, Kluis, on_both};

/// All of a list, by cursors; the ids.
async fn walked(api: &Api, query: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut next = format!("/v1/logs?{query}");
    loop {
        let page = api.get(&next).await.expect(200);
        assert_eq!(page.at("/pagination/offset"), json!(all.len()), "{query}");
        all.extend(page.at("/data").as_array().unwrap().clone());
        let Value::String(cursor) = page.at("/pagination/next_cursor") else {
            assert_eq!(page.at("/pagination/total"), json!(all.len()), "{query}");
            return all;
        };
        next = format!("/v1/logs?{query}&cursor={cursor}");
    }
}

on_both! {
    async fn the_log_tells_who_did_what_to_which_thing_and_how_it_ended(kluis: Kluis) {
        let (admin, owner) = (kluis.admin_api(), kluis.owner());
        let vault = owner.post("/api/v1/vaults", json!({"name": "v"})).await.expect(201).text("/data/id");
        let secrets = format!("/api/v1/vaults/{vault}/secrets");
        let secret = owner.post(&secrets, json!({"key": "a", "value": "canary-77"})).await.expect(201).text("/data/id");
        owner.get(&format!("{secrets}/{secret}")).await.expect(200);
        kluis.user("member").await.api().get(&format!("{secrets}/{secret}")).await.expect(404);
        let read = admin.get("/v1/logs?action=secret.read&outcome=success").await.expect(200);
        assert_eq!(read.at("/pagination/total"), json!(1));
        let members = [
            "action", "actor", "actor_type", "at", "created_at", "id", "ip", "outcome", "resource_id", "resource_type",
        ];
        assert_eq!(read.members("/data/0"), members);
        let entry = read.at("/data/0");
        assert_eq!(entry["resource_id"], json!(secret.replace("sec_", "resource_")));
        assert_eq!((&entry["actor_type"], &entry["resource_type"]), (&json!("user"), &json!("secret")));
        let me = admin.get("/v1/me").await.expect(200).text("/data/id");
        assert_eq!((&entry["actor"], &entry["ip"]), (&json!(me), &json!("127.0.0.1")));
        let denied = admin.get("/v1/logs?outcome=denied&action=secret.read").await.expect(200);
        assert_eq!(denied.at("/pagination/total"), json!(1));
        assert_ne!(denied.at("/data/0/actor"), json!(me));
        let all = admin.get("/v1/logs?limit=200").await.expect(200);
        assert!(!all.string().contains("canary"));
        for (query, least) in [
            (format!("resource_id={secret}"), 2),
            (format!("actor={me}&action=secret.read,secret.write"), 2),
            (format!("actor={me},user_0000000000000000000001&action=secret.read"), 1),
            ("ip=127.0.0.1&actor_type=user".to_owned(), 4),
            ("created_after=2020-01-01&created_before=2999-01-01".to_owned(), 5),
        ] {
            let total = admin.get(&format!("/v1/logs?{query}")).await.expect(200).at("/pagination/total");
            assert!(total.as_u64().unwrap() >= least, "{query}: {total}");
        }
        for query in ["ip=10.0.0.1", "actor=nobody", "resource_id=x", "outcome=fine", "created_before=2020-01-01"] {
            let none = admin.get(&format!("/v1/logs?{query}")).await.expect(200);
            assert_eq!(none.at("/pagination/total"), json!(0), "{query}");
        }
        for query in ["details=x", "sort=action", "action_contains=x", "limit=0", "created_after=never"] {
            let refused = admin.get(&format!("/v1/logs?{query}")).await.expect(400);
            assert_eq!(refused.text("/code"), "INVALID_PARAMETER", "{query}");
        }
    }

    /// A row that stands for many reads is as many entries, and a page may end within it. NT-58
    async fn a_walk_ends_and_sees_each_entry_once(kluis: Kluis) {
        let (admin, owner) = (kluis.admin_api(), kluis.owner());
        let vault = owner.post("/api/v1/vaults", json!({"name": "v"})).await.expect(201).text("/data/id");
        let secrets = format!("/api/v1/vaults/{vault}/secrets");
        for number in 0..7 {
            let body = json!({"key": format!("k{number}"), "value": "x"});
            owner.post(&secrets, body).await.expect(201);
        }
        for _ in 0..3 {
            owner.get(&secrets).await.expect(200);
        }
        let up = walked(&admin, "limit=4").await;
        let reads = up.iter().filter(|entry| entry["action"] == "secret.read").count();
        assert_eq!(reads, 21);
        let ids: BTreeSet<String> = up.iter().map(|entry| entry["id"].to_string()).collect();
        assert_eq!(ids.len(), up.len());
        assert!(up.is_sorted_by(|one, other| one["at"].as_str() <= other["at"].as_str()));
        let mut down = walked(&admin, "limit=5&sort=-created_at").await;
        down.reverse();
        assert_eq!(down, up);
        let by_offset = admin.get("/v1/logs?offset=9&limit=6").await.expect(200);
        assert_eq!(by_offset.at("/data").as_array().unwrap()[..], up[9..15]);
        let cursor = by_offset.text("/pagination/prev_cursor");
        let back = admin.get(&format!("/v1/logs?limit=6&cursor={cursor}")).await.expect(200);
        assert_eq!(back.at("/data").as_array().unwrap()[..], up[3..9]);
        assert_eq!(back.at("/pagination/offset"), json!(3));
        // With a filter that no statement decides.
        let of = up.iter().find(|entry| entry["resource_type"] == "secret").unwrap()["resource_id"].as_str().unwrap().to_owned();
        let expected = up.iter().filter(|entry| entry["resource_id"] == of.as_str()).count();
        assert_eq!(walked(&admin, &format!("limit=2&resource_id={of}")).await.len(), expected);
        assert!(expected >= 4);
    }

    async fn everyone_sees_what_concerns_them(kluis: Kluis) {
        let (member, viewer, stranger) = (kluis.user("member").await, kluis.user("viewer").await, kluis.stranger().await);
        let vault = member.api().post("/api/v1/vaults", json!({"name": "mine"})).await.expect(201).text("/data/id");
        kluis.owner().get(&format!("/api/v1/vaults/{vault}")).await.expect(200);
        viewer.api().get("/api/v1/vaults").await.expect(200);
        let actors = async |api: Api| {
            let all = walked(&api, "limit=50").await;
            let actors = all.iter().filter_map(|entry| entry["actor"].as_str().map(str::to_owned));
            actors.collect::<BTreeSet<_>>()
        };
        let owner = kluis.admin_api().get("/v1/me").await.expect(200).text("/data/id");
        let of_member = actors(member.admin_api()).await;
        assert_eq!(of_member, BTreeSet::from([member.id.clone(), owner.clone()]));
        assert_eq!(actors(viewer.admin_api()).await, BTreeSet::from([viewer.id.clone()]));
        assert!(!actors(stranger.admin_api()).await.contains(&owner));
        assert!(actors(kluis.admin_api()).await.is_superset(&of_member));
        let asked = viewer.admin_api().get(&format!("/v1/logs?actor={owner}")).await.expect(200);
        assert_eq!(asked.at("/pagination/total"), json!(0));
        let body = json!({"name": "x", "scopes": ["metadata:read"]});
        let key = kluis.admin_api().post("/v1/api-keys", body).await.expect(201).text("/data/key");
        Api::api_key(kluis.base(), key).get("/v1/logs").await.expect(403);
    }
}
