//! Each kind of insight, found and resolved (contract B6).

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

use super::insights::{DAY, analyzed, insights, record};
use crate::harness::{Api, Backend, Kluis, on_both};

const STRONG: &str = "kV7pWn3cXt9QbH2mLz5RxY8s";
const WEEK: u64 = 7 * DAY;

async fn clocked(backend: Backend) -> Kluis {
    backend.start_with(&["--test-clock"]).await
}

async fn found(api: &Api, kind: &str) -> Vec<Value> {
    insights(api, &format!("kind={kind}&status=open")).await
}

async fn looked(api: &Api, kind: &str) -> Vec<Value> {
    analyzed(api, json!({"checks": [kind]})).await;
    found(api, kind).await
}

async fn changed(api: &Api, record: &str, secret: &str) {
    let body = json!({"secret": {"password": secret}});
    api.patch(&format!("/v1/resources/{record}"), body)
        .await
        .expect(200);
}

on_both! {
    async fn weak_values_are_judged_by_what_they_are(backend: Backend) {
        let kluis = clocked(backend).await;
        let admin = kluis.admin_api();
        for (name, kind, secret, judged_as) in [
            ("common", "password", json!({"password": "password1"}), Some("password")),
            ("address", "database", json!({"connection_string": "postgres://svc:summer@db/x"}), Some("password")),
            ("named like its user", "database", json!({"password": "svc_user9", "username": "svc_user9"}), Some("password")),
            ("short token", "api_key", json!({"token": "a1b2c3d4"}), Some("token")),
            ("repeated token", "api_key", json!({"value": "changeme-changeme-changeme"}), Some("token")),
            ("dsa", "ssh_key", json!({"private_key": "-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----\n"}), Some("key")),
            ("good", "password", json!({"password": STRONG}), None),
            ("good token", "api_key", json!({"token": "9f86d081884c7d659a2feaa0c55ad015"}), None),
            ("nothing secret", "generic", json!({"note": "Please update the report before the meeting."}), None),
        ] {
            record(&admin, "default", name, kind, secret).await;
            let all = looked(&admin, "weak_secret").await;
            let of_it: Vec<&Value> = all.iter().filter(|one| one["resource_name"] == name).collect();
            let told = of_it.first().map(|one| one["evidence"]["judged_as"].as_str().unwrap());
            assert_eq!(told, judged_as, "{name}: {of_it:?}");
        }
        // A secret whose reads are counted is left out, as is a disabled one.
        let limited = json!({"value": "hunter2", "type": "password", "max_access_count": 3});
        let vaults = kluis.owner().get("/v1/vaults").await.expect(200).json();
        let default = vaults["vaults"].as_array().unwrap().iter().find(|vault| vault["name"] == "default").unwrap();
        let path = format!("/v1/vaults/{}/secrets/limited", default["id"].as_str().unwrap());
        kluis.owner().put(&path, limited).await.expect(201);
        let job = analyzed(&admin, json!({})).await;
        assert_eq!(job.at("/data/result/left_out"), json!(1));
        assert!(insights(&admin, "").await.iter().all(|one| one["resource_name"] != "limited"));
        assert_eq!(kluis.owner().get(&path).await.expect(200).text("/value"), "hunter2");
    }

    async fn equal_values_are_found_wherever_they_are_until_they_differ(backend: Backend) {
        let kluis = clocked(backend).await;
        let admin = kluis.admin_api();
        admin.post("/v1/collections", json!({"name": "other"})).await.expect(201);
        let one = record(&admin, "default", "one", "password", json!({"password": STRONG})).await;
        let address = format!("mysql://svc:{STRONG}@db:3306/x");
        record(&admin, "other", "two", "database", json!({"connection_string": address})).await;
        record(&admin, "other", "three", "api_key", json!({"token": STRONG})).await;
        record(&admin, "other", "four", "password", json!({"password": "another-Value-77x"})).await;
        let all = looked(&admin, "reused_secret").await;
        assert_eq!(all.len(), 3);
        assert!(all.iter().all(|one| one["evidence"]["record_count"] == json!(3) && one["severity"] == "high"));
        changed(&admin, &one, "Quite-Another-Value-1").await;
        let left = looked(&admin, "reused_secret").await;
        assert!(left.len() == 2 && left.iter().all(|one| one["evidence"]["record_count"] == json!(2)), "{left:?}");
        let of_one = insights(&admin, &format!("resource_id={one}")).await;
        assert_eq!(of_one[0]["status"], "resolved");
    }

    async fn old_expiring_and_idle_secrets_are_found_when_their_time_comes(backend: Backend) {
        let kluis = clocked(backend).await;
        let admin = kluis.admin_api();
        let old = record(&admin, "default", "old", "password", json!({"password": STRONG})).await;
        let ends = kluis.owner().get("/v1/audit/events?limit=1").await.expect(200).text("/events/0/created_at");
        let year: u32 = ends[..4].parse().unwrap();
        let body = json!({"name": "ends", "secret": {"password": "Another-Value-5512"}, "expires_at": format!("{}-01-01T00:00:00Z", year + 5)});
        let ending = admin.post("/v1/resources", body).await.expect(201).text("/data/id");
        for kind in ["stale_secret", "unused_secret", "expiring_secret"] {
            assert_eq!(looked(&admin, kind).await, Vec::<Value>::new(), "{kind}");
        }
        // NT-34: a day before, not; on the day, yes.
        kluis.advance_clock(89 * DAY).await;
        assert_eq!(looked(&admin, "stale_secret").await.len(), 0);
        assert_eq!(looked(&admin, "unused_secret").await.len(), 0);
        kluis.advance_clock(DAY).await;
        assert_eq!(looked(&admin, "stale_secret").await.len(), 1);
        let idle = looked(&admin, "unused_secret").await;
        assert_eq!(idle.len(), 2);
        assert_eq!((&idle[0]["evidence"]["idle_days"], &idle[0]["severity"]), (&json!(90), &json!("low")));
        admin.get(&format!("/v1/resources/{old}?reveal=true")).await.expect(200);
        assert_eq!(looked(&admin, "unused_secret").await.len(), 1);
        // A list with values is a read of each.
        let vaults = kluis.owner().get("/api/v1/vaults").await.expect(200).json();
        let default = vaults["data"].as_array().unwrap().iter().find(|vault| vault["name"] == "default").unwrap();
        kluis.owner().get(&format!("/api/v1/vaults/{}/secrets", default["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(looked(&admin, "unused_secret").await.len(), 0);
        changed(&admin, &old, "Yet-Another-Value-5513").await;
        assert_eq!(looked(&admin, "stale_secret").await.len(), 0);
        let soon = json!({"expires_at": null});
        admin.patch(&format!("/v1/resources/{ending}"), soon).await.expect(200);
        assert_eq!(looked(&admin, "expiring_secret").await.len(), 0);
    }

    async fn an_end_that_comes_near_grows_grave(backend: Backend) {
        let kluis = clocked(backend).await;
        let admin = kluis.admin_api();
        let now = admin.post("/v1/resources", json!({"name": "n"})).await.expect(201).text("/data/created_at");
        let year: u32 = now[..4].parse().unwrap();
        let body = json!({"name": "ends", "secret": {"password": STRONG}, "expires_at": format!("{}-06-01T00:00:00Z", year + 1)});
        admin.post("/v1/resources", body).await.expect(201);
        let mut severities = Vec::new();
        for _ in 0..100 {
            kluis.advance_clock(10 * DAY).await;
            match looked(&admin, "expiring_secret").await.as_slice() {
                [] if severities.is_empty() => {}
                [] => break,
                all => severities.push(all[0]["severity"].as_str().unwrap().to_owned()),
            }
        }
        assert!((5..=6).contains(&severities.len()), "{severities:?}");
        assert_eq!(severities.last().unwrap(), "critical");
        assert!(["low", "medium"].contains(&severities[0].as_str()));
    }

    async fn a_key_is_told_what_it_does_not_use_after_thirty_days(backend: Backend) {
        let kluis = clocked(backend).await;
        let admin = kluis.admin_api();
        let member = kluis.user("member").await.admin_api();
        let scopes = json!(["database:read", "database:write", "metadata:read"]);
        let made = admin.post("/v1/api-keys", json!({"name": "ci", "scopes": scopes})).await.expect(201);
        let (id, key) = (made.text("/data/id"), Api::api_key(kluis.base(), made.text("/data/key")));
        let secret = record(&admin, "default", "one", "password", json!({"password": STRONG})).await;
        let of_key = async || {
            let all = looked(&admin, "over_privileged_key").await;
            all.into_iter().find(|one| one["resource_id"] == json!(id))
        };
        kluis.advance_clock(29 * DAY).await;
        assert_eq!(of_key().await, None);
        kluis.advance_clock(DAY + 60).await;
        key.get(&format!("/v1/resources/{secret}?reveal=true")).await.expect(200);
        let told = of_key().await.unwrap();
        assert_eq!(told["evidence"], json!({
            "used_scopes": ["database:read"], "unused_scopes": ["database:write", "metadata:read"], "unscoped": false, "days": 30,
        }));
        assert_eq!((&told["resource_type"], &told["resource_name"]), (&json!("api_key"), &json!("ci")));
        let actions = admin.get("/v1/intelligence/recommendations?action=narrow_api_key").await.expect(200);
        let of_it = actions.at("/data").as_array().unwrap().iter().find(|one| one["resource_id"] == json!(id)).cloned();
        assert_eq!(of_it.unwrap()["scopes"], json!(["database:read"]));
        // The member sees its own key's, and no other.
        let seen = insights(&member, "kind=over_privileged_key").await;
        assert!(seen.iter().all(|one| one["resource_name"] == "test"), "{seen:?}");
        admin.patch(&format!("/v1/api-keys/{id}"), json!({"scopes": ["database:read"]})).await.expect(200);
        assert_eq!(of_key().await, None);
        // Without a read for 30 days, there is nothing that it needs; revoked, there is nothing that it may.
        kluis.advance_clock(31 * DAY).await;
        let idle = of_key().await.unwrap();
        let actions = admin.get("/v1/intelligence/recommendations?action=revoke_api_key").await.expect(200);
        assert!(actions.string().contains(idle["id"].as_str().unwrap()));
        admin.delete(&format!("/v1/api-keys/{id}")).await.expect(200);
        assert_eq!(of_key().await, None);
    }

    async fn unusual_reads_are_found_and_forgotten_after_a_week(backend: Backend) {
        let kluis = clocked(backend).await;
        let admin = kluis.admin_api();
        let reader = kluis.user("member").await;
        let secret = record(&admin, "default", "one", "password", json!({"password": STRONG})).await;
        let path = format!("/v1/resources/{secret}?reveal=true");
        let reads = async |count: usize| {
            for _ in 0..count {
                reader.admin_api().get(&path).await.expect(200);
            }
        };
        for _ in 0..5 {
            reads(4).await;
            kluis.advance_clock(WEEK).await;
        }
        let of_reader = async || {
            let all = looked(&admin, "access_anomaly").await;
            all.into_iter().find(|one| one["resource_id"] == json!(reader.id))
        };
        assert_eq!(of_reader().await, None);
        reads(60).await;
        let told = of_reader().await.unwrap();
        let hour = &told["evidence"]["hour"];
        assert!(hour["reads"].as_u64().unwrap() >= 30 && hour["robust_z"].as_f64().unwrap() > 3.5, "{told}");
        assert!(hour["weeks"].as_u64().unwrap() >= 4);
        assert_eq!(told["evidence"]["new_address_count"], 0);
        let listed = admin.get("/v1/intelligence/anomalies").await.expect(200);
        assert_eq!(listed.at("/data/0/id"), told["id"]);
        // Whoever it is about sees it; others do not.
        assert_eq!(insights(&reader.admin_api(), "kind=access_anomaly").await.len(), 1);
        assert_eq!(insights(&kluis.user("member").await.admin_api(), "kind=access_anomaly").await.len(), 0);
        kluis.advance_clock(WEEK + 7_200).await;
        assert_eq!(of_reader().await, None);
        // From another address, once.
        let client = reqwest::Client::builder()
            .no_proxy()
            .local_address(IpAddr::from(Ipv4Addr::new(127, 0, 0, 9)))
            .build()
            .unwrap();
        let asked = client.get(format!("{}{path}", kluis.base())).header("authorization", format!("ApiKey {}", reader.token()));
        assert_eq!(asked.send().await.unwrap().status().as_u16(), 200);
        let told = of_reader().await.unwrap();
        assert_eq!(told["evidence"]["new_addresses"], json!(["127.0.0.9"]));
        assert_eq!(told["severity"], "high");
    }
}

/// The same records give the same scores, on whichever server and database, in whatever order they came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_records_have_the_same_scores_everywhere() {
    let mut told = Vec::new();
    for (backend, backward) in [
        (Backend::Sqlite, false),
        (Backend::Sqlite, true),
        (Backend::Postgres, false),
    ] {
        let kluis = clocked(backend).await;
        let admin = kluis.admin_api();
        let mut records = vec![
            ("a", "password", json!({"password": "hunter2"})),
            ("b", "password", json!({"password": "hunter2"})),
            (
                "c",
                "database",
                json!({"password": "Summer2026!", "username": "svc"}),
            ),
            ("d", "api_key", json!({"token": "a1b2c3d4e5f6"})),
            ("e", "generic", json!({"value": "hunter2"})),
        ];
        if backward {
            records.reverse();
        }
        for (name, kind, secret) in records {
            record(&admin, "default", name, kind, secret).await;
        }
        kluis.advance_clock(120 * DAY).await;
        analyzed(&admin, json!({})).await;
        let all = insights(&admin, "").await;
        let of_records = all.iter().filter(|one| one["resource_type"] == "record");
        let mut scores: Vec<String> = of_records
            .map(|one| {
                format!(
                    "{} {} {} {}",
                    one["resource_name"], one["kind"], one["score"], one["summary"]
                )
            })
            .collect();
        scores.sort();
        assert!(scores.len() > 12, "{scores:?}");
        told.push(scores);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
}
