//! `/v1/clusters` (contract B4), without servers: those are in `cluster_servers.rs`, `leases.rs` and `rotation.rs`.

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Backend, Kluis, on_both, unique};

/// A cluster whose server is nowhere.
pub(super) fn nowhere() -> Value {
    json!({
        "name": format!("cluster {}", unique()), "engine": "postgresql",
        "nodes": [{"host": "db.example.test", "port": 5432}],
    })
}

/// A record that names a user and has a password; its id.
pub(super) async fn record(api: &Api, username: &str, password: &str) -> String {
    let body = json!({
        "name": format!("record {}", unique()), "type": "database",
        "fields": {"username": username}, "secret": {"password": password},
    });
    let made = api.post("/v1/resources", body).await.expect(201);
    made.text("/data/id")
}

async fn patched(api: &Api, cluster: &str, change: Value) -> Answer {
    api.patch(&format!("/v1/clusters/{cluster}"), change).await
}

on_both! {
    async fn a_cluster_begins_as_usual_and_is_changed_in_part(kluis: Kluis) {
        let admin = kluis.admin_api();
        let made = admin.post("/v1/clusters", nowhere()).await.expect(201);
        let id = made.text("/data/id");
        assert!(id.starts_with("cluster_") && id.len() == 30, "{id}");
        assert_eq!(
            made.members("/data"),
            [
                "admin_record_id", "created_at", "engine", "id", "last_checked_at", "lease", "name", "nodes",
                "record_count", "region", "rotation", "status", "tls", "updated_at"
            ]
        );
        assert_eq!(made.at("/data/nodes"), json!([{"host": "db.example.test", "port": 5432, "role": "primary"}]));
        assert_eq!(made.at("/data/tls"), json!({"mode": "verify-full", "ca_pem": null}));
        assert_eq!(made.at("/data/rotation"), json!({"enabled": false, "interval_days": 30, "next_run_at": null}));
        let usual = json!({"default_ttl_seconds": 3600, "max_ttl_seconds": 86400, "templates": []});
        assert_eq!(made.at("/data/lease"), usual);
        assert_eq!(made.text("/data/status"), "unknown");
        assert_eq!(made.at("/data/record_count"), 0);

        let change = json!({"region": "eu-1", "tls": {"mode": "require"}, "rotation": {"enabled": true}});
        let changed = patched(&admin, &id, change).await.expect(200);
        assert_eq!(changed.text("/data/region"), "eu-1");
        assert_eq!(changed.at("/data/tls"), json!({"mode": "require", "ca_pem": null}));
        assert_eq!(changed.at("/data/rotation/interval_days"), 30);
        assert_ne!(changed.at("/data/rotation/next_run_at"), Value::Null);
        let again = patched(&admin, &id, json!({"lease": {"max_ttl_seconds": 7200}})).await.expect(200);
        assert_eq!(again.at("/data/lease/max_ttl_seconds"), 7200);
        for member in ["/data/region", "/data/tls", "/data/rotation", "/data/nodes", "/data/name"] {
            assert_eq!(again.at(member), changed.at(member), "{member}");
        }
        let reset = patched(&admin, &id, json!({"tls": null, "rotation": {"enabled": null}})).await.expect(200);
        assert_eq!(reset.at("/data/tls/mode"), "verify-full");
        assert_eq!(reset.at("/data/rotation/next_run_at"), Value::Null);

        let door = format!("/v1/clusters/{id}/configuration");
        let change = json!({"tls": {"mode": "disable"}, "name": "not here"});
        let through = admin.patch(&door, change).await.expect(200);
        assert_eq!(through.members("/data"), ["lease", "rotation", "tls"]);
        assert_eq!(admin.get(&door).await.expect(200).at("/data"), through.at("/data"));
        let read = admin.get(&format!("/v1/clusters/{id}")).await.expect(200);
        assert_eq!(read.at("/data/name"), made.at("/data/name"));
        assert_eq!(read.at("/data/tls/mode"), "disable");

        let put = admin.put(&format!("/v1/clusters/{id}"), nowhere()).await.expect(200);
        assert_eq!(put.at("/data/lease"), usual);
        assert_eq!(put.at("/data/tls/mode"), "verify-full");
        assert_eq!(put.text("/data/region"), "");
        let gone = admin.delete(&format!("/v1/clusters/{id}")).await.expect(200);
        assert_eq!(gone.at("/data"), json!({"id": id, "deleted": true}));
        admin.get(&format!("/v1/clusters/{id}")).await.expect(404);
    }

    /// NT-70
    async fn what_is_wrong_with_a_cluster_is_named(kluis: Kluis) {
        let admin = kluis.admin_api();
        let missing = admin.post("/v1/clusters", json!({})).await.expect(400);
        assert_eq!(missing.text("/code"), "MISSING_PARAMETER");
        assert_eq!(missing.text("/message"), "Required parameter 'name' is missing from request");
        let makes = json!(["CREATE ROLE {{username}} PASSWORD {{password}}"]);
        let template = |change: Value| {
            let mut template = json!({"name": "read", "statements": makes, "principals": "members"});
            for (name, value) in change.as_object().unwrap() {
                template[name] = value.clone();
            }
            json!({"lease": {"templates": [template]}})
        };
        for (change, word) in [
            (json!({"engine": "oracle"}), "engine"),
            (json!({"engine": "PostgreSQL"}), "engine"),
            (json!({"nodes": []}), "nodes"),
            (json!({"nodes": [{"host": "", "port": 1}]}), "nodes"),
            (json!({"nodes": [{"host": "a b", "port": 1}]}), "nodes"),
            (json!({"nodes": [{"host": "a/b", "port": 1}]}), "nodes"),
            (json!({"nodes": [{"host": "a", "port": 0}]}), "port"),
            (json!({"nodes": [{"host": "a", "port": 65536}]}), "port"),
            (json!({"nodes": [{"host": "a", "role": "primary"}, {"host": "b", "role": "primary"}]}), "nodes"),
            (json!({"tls": {"mode": "verify"}}), "mode"),
            (json!({"tls": {"ca_pem": "no certificate"}}), "ca_pem"),
            (json!({"admin_record_id": "resource_0000000000000000000000"}), "admin_record_id"),
            (json!({"rotation": {"interval_days": 0}}), "interval_days"),
            (json!({"rotation": {"interval_days": 366}}), "interval_days"),
            (json!({"lease": {"default_ttl_seconds": 7200, "max_ttl_seconds": 3600}}), "default_ttl_seconds"),
            (json!({"lease": {"max_ttl_seconds": 59}}), "max_ttl_seconds"),
            (template(json!({"name": "Read"})), "name"),
            (template(json!({"statements": []})), "statements"),
            (template(json!({"statements": ["CREATE ROLE {{username}}"]})), "statements"),
            (template(json!({"statements": [makes[0], "GRANT {{role}}"]})), "statements"),
            (template(json!({"statements": [makes[0], "SELECT '{{username}}'"]})), "statements"),
            (template(json!({"revocation_statements": ["SELECT {{password}}"]})), "revocation_statements"),
            (template(json!({"principals": "everybody"})), "principals"),
            (template(json!({"principals": ["user_0000000000000000000000"]})), "templates"),
        ] {
            let mut body = nowhere();
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            let refused = admin.post("/v1/clusters", body).await.expect(400);
            assert!(refused.text("/message").contains(word), "{change}: {}", refused.string());
        }
        let taken = nowhere();
        admin.post("/v1/clusters", taken.clone()).await.expect(201);
        let again = admin.post("/v1/clusters", taken).await.expect(409);
        assert_eq!(again.text("/code"), "ALREADY_EXISTS");
    }

    async fn clusters_are_listed_by_what_they_are(kluis: Kluis) {
        let admin = kluis.admin_api();
        for (engine, region) in [("postgresql", "eu-1"), ("redis", "eu-1"), ("mongodb", "us-2")] {
            let mut body = nowhere();
            body["engine"] = engine.into();
            body["region"] = region.into();
            admin.post("/v1/clusters", body).await.expect(201);
        }
        for (query, total) in [
            ("", 3),
            ("?engine=redis", 1),
            ("?engine=redis,mongodb", 2),
            ("?region=eu-1", 2),
            ("?status=unknown", 3),
            ("?status=healthy", 0),
        ] {
            let listed = admin.get(&format!("/v1/clusters{query}")).await.expect(200);
            assert_eq!(listed.at("/pagination/total"), total, "{query}");
        }
        admin.get("/v1/clusters?tls=disable").await.expect(400);
    }

    /// RULES §2, §3
    async fn owners_and_admins_change_clusters_and_others_look(kluis: Kluis) {
        let owner = kluis.admin_api();
        let id = owner.post("/v1/clusters", nowhere()).await.expect(201).text("/data/id");
        let path = format!("/v1/clusters/{id}");
        let (admin, member, viewer) = (
            kluis.user("admin").await.admin_api(),
            kluis.user("member").await.admin_api(),
            kluis.user("viewer").await.admin_api(),
        );
        patched(&admin, &id, json!({"region": "by an admin"})).await.expect(200);
        for api in [&member, &viewer] {
            api.get(&path).await.expect(200);
            api.get(&format!("{path}/configuration")).await.expect(200);
            api.get(&format!("{path}/records")).await.expect(200);
            api.get(&format!("{path}/leases")).await.expect(200);
            assert_eq!(api.get("/v1/clusters").await.expect(200).at("/pagination/total"), 1);
            api.post("/v1/clusters", nowhere()).await.expect(403);
            api.put(&path, nowhere()).await.expect(403);
            patched(api, &id, json!({"region": "x"})).await.expect(403);
            api.patch(&format!("{path}/configuration"), json!({})).await.expect(403);
            api.delete(&path).await.expect(403);
            api.post(&format!("{path}/test"), json!({})).await.expect(403);
            api.post(&format!("{path}/rotate"), json!({})).await.expect(403);
            api.post(&format!("{path}/leases"), json!({"template": "none"})).await.expect(403);
        }
        let stranger = kluis.stranger().await.admin_api();
        assert_eq!(stranger.get("/v1/clusters").await.expect(200).at("/pagination/total"), 0);
        let absent = stranger.get("/v1/clusters/cluster_0000000000000000000000").await.expect(404);
        for answer in [
            stranger.get(&path).await,
            stranger.get(&format!("{path}/records")).await,
            stranger.get(&format!("{path}/leases")).await,
            stranger.delete(&path).await,
            stranger.post(&format!("{path}/test"), json!({})).await,
            stranger.post(&format!("{path}/rotate"), json!({})).await,
            stranger.post(&format!("{path}/leases"), json!({"template": "none"})).await,
        ] {
            assert_eq!(answer.status, 404);
            assert_eq!(answer.body, absent.body);
        }
        owner.get(&path).await.expect(200);
    }

    async fn what_a_scope_does_not_open_stays_closed(kluis: Kluis) {
        let admin = kluis.admin_api();
        let id = admin.post("/v1/clusters", nowhere()).await.expect(201).text("/data/id");
        let path = format!("/v1/clusters/{id}");
        for (scope, looks, changes, tests, rotates) in [
            ("metadata:read", 200, 403, 403, 403),
            ("settings:modify", 403, 200, 403, 403),
            ("query:execute", 403, 403, 200, 403),
            ("orchestration:execute", 403, 403, 403, 202),
        ] {
            let body = json!({"name": "scoped", "scopes": [scope]});
            let key = admin.post("/v1/api-keys", body).await.expect(201).text("/data/key");
            let scoped = Api::api_key(kluis.base(), key);
            scoped.get(&path).await.expect(looks);
            scoped.patch(&path, json!({})).await.expect(changes);
            scoped.post(&format!("{path}/test"), json!({})).await.expect(tests);
            scoped.post(&format!("{path}/rotate"), json!({})).await.expect(rotates);
        }
    }

    async fn nothing_is_done_on_an_engine_that_is_not_served(kluis: Kluis) {
        let admin = kluis.admin_api();
        let mut body = nowhere();
        body["engine"] = "mongodb".into();
        let id = admin.post("/v1/clusters", body).await.expect(201).text("/data/id");
        for (action, body) in [
            ("test", json!({})),
            ("rotate", json!({})),
            ("leases", json!({"template": "read"})),
        ] {
            let refused = admin.post(&format!("/v1/clusters/{id}/{action}"), body).await.expect(400);
            assert_eq!(refused.text("/code"), "INVALID_PARAMETER");
            let message = refused.text("/message");
            assert!(message.contains("engine not supported for this action"), "{message}");
        }
    }

    /// NT-53; RULES §8: without the flag no call reaches this machine, in whatever spelling.
    async fn a_cluster_leads_to_no_address_of_this_machine(kluis: Kluis) {
        let admin = kluis.admin_api();
        let port = kluis.base().rsplit(':').next().unwrap().parse::<u16>().unwrap();
        let login = record(&admin, "user", "password").await;
        for host in ["127.0.0.1", "localhost", "0.0.0.0", "::1", "::ffff:127.0.0.1", "169.254.169.254", "2130706433"] {
            let mut body = nowhere();
            body["nodes"] = json!([{"host": host, "port": port}]);
            body["admin_record_id"] = login.as_str().into();
            let id = admin.post("/v1/clusters", body).await.expect(201).text("/data/id");
            let tested = admin.post(&format!("/v1/clusters/{id}/test"), json!({})).await.expect(200);
            assert_eq!(
                tested.at("/data"),
                json!({
                    "reachable": false, "latency_ms": null, "server_version": null,
                    "error": "the address is unknown or may not be called",
                }),
                "{host}"
            );
            let read = admin.get(&format!("/v1/clusters/{id}")).await.expect(200);
            assert_eq!(read.text("/data/status"), "unreachable");
            assert_ne!(read.at("/data/last_checked_at"), Value::Null);
        }
    }

    async fn a_record_is_bound_by_owners_and_admins_alone(kluis: Kluis) {
        let admin = kluis.admin_api();
        let member = kluis.user("member").await.admin_api();
        let id = admin.post("/v1/clusters", nowhere()).await.expect(201).text("/data/id");
        let bound = record(&admin, "svc_billing", "password").await;
        let path = format!("/v1/resources/{bound}");
        member.patch(&path, json!({"cluster_id": id})).await.expect(403);
        let mut body = json!({"name": "inserted", "cluster_id": id, "fields": {"username": "x"}});
        member.post("/v1/resources", body.clone()).await.expect(403);
        admin.patch(&path, json!({"cluster_id": "cluster_0000000000000000000000"})).await.expect(400);
        let patched = admin.patch(&path, json!({"cluster_id": id})).await.expect(200);
        assert_eq!(patched.text("/data/cluster_id"), id);
        body["name"] = "without a user".into();
        body["fields"] = json!({});
        let refused = admin.post("/v1/resources", body).await.expect(400);
        assert!(refused.text("/message").contains("username"), "{}", refused.string());

        let read = admin.get(&format!("/v1/clusters/{id}")).await.expect(200);
        assert_eq!(read.at("/data/record_count"), 1);
        let listed = admin.get(&format!("/v1/clusters/{id}/records")).await.expect(200);
        assert_eq!(listed.at("/pagination/total"), 1);
        assert_eq!(listed.text("/data/0/id"), bound);
        assert_eq!(listed.text("/data/0/collection"), "default");
        let filtered = admin.get(&format!("/v1/resources?cluster_id={id}")).await.expect(200);
        for (filter, count) in [
            (json!({"cluster_id": id}), 1),
            (json!({"cluster_id": {"$in": [id, "cluster_0000000000000000000000"]}}), 1),
            (json!({"cluster_id": {"$exists": true}}), 1),
            (json!({"cluster_id": "cluster_0000000000000000000000"}), 0),
        ] {
            let query = json!({"filter": filter});
            let found = admin.post("/v1/collections/default/query", query).await.expect(200);
            assert_eq!(found.at("/pagination/total"), count, "{filter}");
        }
        assert_eq!(filtered.at("/pagination/total"), 1);
        // A member writes what it may, and the record stays bound.
        member.patch(&path, json!({"secret": {"note": "mine"}})).await.expect(200);
        member.patch(&path, json!({"cluster_id": null})).await.expect(403);
        assert_eq!(admin.get(&path).await.expect(200).text("/data/cluster_id"), id);

        let refused = admin.delete(&format!("/v1/clusters/{id}")).await.expect(409);
        assert_eq!(refused.text("/code"), "CONFLICT");
        admin.delete(&format!("/v1/clusters/{id}?force=true")).await.expect(200);
        assert_eq!(admin.get(&path).await.expect(200).at("/data/cluster_id"), Value::Null);
    }

    /// RULES §4: counts count the names seen.
    /// Whoever says where an administrator's password is sent can have it, so has to be allowed to read it. NT-09
    async fn the_password_of_an_administrator_is_led_nowhere_by_who_cannot_read_it(kluis: Kluis) {
        let owner = kluis.admin_api();
        let admin = record(&owner, "root", "pass-word").await;
        let body = json!({"name": "key", "scopes": ["settings:modify"]});
        let key = owner.post("/v1/api-keys", body).await.expect(201);
        let scoped = Api::api_key(kluis.base(), key.text("/data/key"));
        let mut with_admin = nowhere();
        with_admin["admin_record_id"] = json!(admin);
        let refused = scoped.post("/v1/clusters", with_admin.clone()).await.expect(400);
        assert!(refused.text("/message").contains("admin_record_id"), "{}", refused.string());
        let cluster = owner.post("/v1/clusters", with_admin).await.expect(201).text("/data/id");
        for change in [
            json!({"nodes": [{"host": "elsewhere.example.test", "port": 5432}]}),
            json!({"tls": {"mode": "disable"}}),
            json!({"engine": "redis"}),
        ] {
            patched(&scoped, &cluster, change.clone()).await.expect(400);
            patched(&owner, &cluster, change).await.expect(200);
        }
        // Nor are those of the records that are bound to it.
        let bound = record(&owner, "svc_app", "pass-word").await;
        let binding = json!({"cluster_id": cluster});
        owner.patch(&format!("/v1/resources/{bound}"), binding).await.expect(200);
        patched(&owner, &cluster, json!({"admin_record_id": null})).await.expect(200);
        let away = json!({"nodes": [{"host": "far.example.test", "port": 6379}]});
        patched(&scoped, &cluster, away.clone()).await.expect(403);
        patched(&owner, &cluster, away).await.expect(200);
        patched(&scoped, &cluster, json!({"region": "eu-1"})).await.expect(200);
    }

    async fn who_does_not_see_a_record_does_not_see_it_in_its_cluster(kluis: Kluis) {
        let admin = kluis.admin_api();
        let id = admin.post("/v1/clusters", nowhere()).await.expect(201).text("/data/id");
        let collection = format!("c{}", unique().replace('-', "_"));
        admin.post("/v1/collections", json!({"name": collection})).await.expect(201);
        let body = json!({"name": "hidden", "fields": {"username": "x"}, "cluster_id": id});
        admin.post(&format!("/v1/collections/{collection}/records"), body).await.expect(201);
        let member = kluis.user("member").await.admin_api();
        let read = member.get(&format!("/v1/clusters/{id}")).await.expect(200);
        assert_eq!(read.at("/data/record_count"), 0);
        let listed = member.get(&format!("/v1/clusters/{id}/records")).await.expect(200);
        assert_eq!(listed.at("/data"), json!([]));
        let viewer = kluis.user("viewer").await.admin_api();
        let read = viewer.get(&format!("/v1/clusters/{id}")).await.expect(200);
        assert_eq!(read.at("/data/record_count"), 1);
    }
}

#[tokio::test]
async fn a_cluster_outlives_a_restart() {
    let mut kluis = Backend::Sqlite.start_with(&[]).await;
    let made = kluis
        .admin_api()
        .post("/v1/clusters", nowhere())
        .await
        .expect(201);
    kluis.kill();
    kluis.begin().await;
    let path = format!("/v1/clusters/{}", made.text("/data/id"));
    let read = kluis.admin_api().get(&path).await.expect(200);
    assert_eq!(read.at("/data"), made.at("/data"));
}
