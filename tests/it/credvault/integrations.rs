//! `/v1/integrations`: made, seen, changed, removed, and by whom (contract B5).

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Kluis, on_both};

const URL: &str = "https://deploy.example.com/hook";

/// Make an integration; the answer.
pub(super) async fn made(admin: &Api, body: Value) -> Answer {
    admin.post("/v1/integrations", body).await.expect(201)
}

/// The address of an integration that was made.
pub(super) fn one(made: &Answer) -> String {
    format!("/v1/integrations/{}", made.text("/data/id"))
}

/// A record of a collection; its id.
pub(super) async fn record(admin: &Api, collection: &str, name: &str, secret: Value) -> String {
    let records = format!("/v1/collections/{collection}/records");
    let body = json!({"name": name, "secret": secret});
    admin
        .post(&records, body)
        .await
        .expect(201)
        .text("/data/id")
}

pub(super) async fn collection(admin: &Api, name: &str) {
    admin
        .post("/v1/collections", json!({"name": name}))
        .await
        .expect(201);
}

fn push(name: &str) -> Value {
    json!({"name": name, "type": "http_push", "config": {"url": URL}})
}

on_both! {
    async fn an_integration_is_made_seen_changed_and_removed(kluis: Kluis) {
        let admin = kluis.admin_api();
        collection(&admin, "billing").await;
        let credential = record(&admin, "billing", "token", json!({"token": "canary-9d2e"})).await;
        let filter = json!({"tags": {"$contains": "prod"}, "$not": {"status": {"$in": ["disabled"]}}});
        let body = json!({
            "name": "deploy-push", "type": "http_push", "config": {"url": URL, "format": "env"},
            "credential_record_id": credential, "selector": {"collection": "billing", "filter": filter},
            "sync": {"mode": "scheduled", "interval_minutes": 60},
        });
        let created = made(&admin, body).await;
        let secret = created.text("/data/secret");
        assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{secret}");
        let id = created.text("/data/id");
        assert!(id.starts_with("integration_") && id.len() == 12 + 22, "{id}");
        let one = one(&created);
        let read = admin.get(&one).await.expect(200);
        assert!(!read.string().contains("whsec_"));
        assert_eq!(read.members("/data"), [
            "config", "created_at", "credential_record_id", "enabled", "id", "last_error", "last_sync_at", "name",
            "next_sync_at", "runs_as", "selector", "status", "sync", "type", "updated_at",
        ]);
        assert_eq!(read.at("/data/config"), json!({"url": URL, "format": "env"}));
        assert_eq!(read.at("/data/selector"), json!({"collection": "billing", "filter": filter}));
        assert_eq!(read.at("/data/sync"), json!({"mode": "scheduled", "interval_minutes": 60}));
        assert_eq!(read.at("/data/credential_record_id"), json!(credential));

        // What a PATCH does not name stays, to the byte (NT-66).
        let patched = admin.patch(&one, json!({"config": {"format": null}, "enabled": false})).await.expect(200);
        assert_eq!(patched.at("/data/config"), json!({"url": URL, "format": "json"}));
        assert_eq!(patched.at("/data/enabled"), json!(false));
        for member in ["name", "selector", "sync", "credential_record_id", "type"] {
            assert_eq!(patched.at(&format!("/data/{member}")), read.at(&format!("/data/{member}")), "{member}");
        }
        let patched = admin.patch(&one, json!({"selector": {"filter": null}, "sync": {"mode": "on_change"}})).await.expect(200);
        assert_eq!(patched.at("/data/selector"), json!({"collection": "billing", "filter": {}}));
        assert_eq!(patched.at("/data/sync"), json!({"mode": "on_change", "interval_minutes": null}));
        admin.patch(&one, json!({"config": {"zz": null}})).await.expect(400);
        let patched = admin.patch(&one, json!({"selector": null, "credential_record_id": null})).await.expect(200);
        assert_eq!(patched.at("/data/selector"), json!({"collection": "default", "filter": {}}));
        assert_eq!(patched.at("/data/credential_record_id"), Value::Null);
        // What a PUT leaves out begins anew (contract A3).
        let put = admin.put(&one, push("renamed")).await.expect(200);
        assert_eq!(put.text("/data/name"), "renamed");
        assert_eq!(put.at("/data/sync"), json!({"mode": "manual", "interval_minutes": null}));
        assert_eq!(put.at("/data/enabled"), json!(true));

        made(&admin, push("another")).await;
        let listed = admin.get("/v1/integrations?name_contains=REN&type=http_push&status=pending").await.expect(200);
        assert_eq!(listed.at("/pagination/total"), json!(1));
        assert_eq!(listed.at("/data/0"), put.at("/data"));
        let page = admin.get("/v1/integrations?sort=-name&limit=1").await.expect(200);
        assert_eq!((page.text("/data/0/name"), page.at("/pagination/total")), ("renamed".to_owned(), json!(2)));
        let deleted = admin.delete(&one).await.expect(200);
        assert_eq!(deleted.at("/data"), json!({"id": id, "deleted": true}));
        for answer in [
            admin.get(&one).await, admin.delete(&one).await, admin.get(&format!("{one}/runs")).await,
            admin.post(&format!("{one}/sync"), json!({})).await, admin.post(&format!("{one}/test"), json!({})).await,
        ] {
            answer.expect(404);
        }
        made(&admin, push("renamed")).await;
    }

    async fn every_type_says_what_its_configuration_may_be(kluis: Kluis) {
        let types = kluis.admin_api().get("/v1/integrations/types").await.expect(200).json();
        let told: Vec<_> = types["data"].as_array().unwrap().iter().map(|one| {
            assert_eq!(one["config_schema"]["type"], "object", "{one}");
            assert_eq!(one["config_schema"]["additionalProperties"], false, "{one}");
            (one["type"].as_str().unwrap(), one["available"].as_bool().unwrap(), one["credential"].as_str().unwrap())
        }).collect();
        assert_eq!(told, [
            ("chat_webhook", true, "optional"), ("env_file", false, "none"), ("http_push", true, "optional"),
            ("kv_v2", true, "required"),
        ]);
    }

    /// NT-37, NT-53, NT-70
    async fn what_is_wrong_with_an_integration_is_named(kluis: Kluis) {
        let admin = kluis.admin_api();
        let credential = record(&admin, "default", "credential", json!({"token": "t"})).await;
        let kv = |config: Value| json!({"name": "x", "type": "kv_v2", "config": config, "credential_record_id": credential});
        let with = |member: &str, value: Value| {
            let mut body = push("x");
            body[member] = value;
            body
        };
        for (body, code, named) in [
            (json!({"type": "http_push", "config": {"url": URL}}), "MISSING_PARAMETER", "name"),
            (json!({"name": "x", "config": {"url": URL}}), "MISSING_PARAMETER", "type"),
            (json!({"name": "x", "type": "http_push"}), "MISSING_PARAMETER", "config"),
            (json!({"name": "x", "type": "ftp", "config": {}}), "INVALID_PARAMETER", "type"),
            (with("config", json!({})), "MISSING_PARAMETER", "config.url"),
            (with("config", json!({"url": null})), "MISSING_PARAMETER", "config.url"),
            (with("config", json!({"url": 5})), "INVALID_PARAMETER", "config.url"),
            (with("config", json!({"url": URL, "format": "xml"})), "INVALID_PARAMETER", "config.format"),
            (with("config", json!({"url": URL, "path": "/etc/passwd"})), "INVALID_PARAMETER", "config"),
            (with("config", json!("x")), "INVALID_PARAMETER", "config"),
            (with("sync", json!({"mode": "hourly"})), "INVALID_PARAMETER", "sync.mode"),
            (with("sync", json!({"mode": "scheduled"})), "MISSING_PARAMETER", "sync.interval_minutes"),
            (with("sync", json!({"mode": "scheduled", "interval_minutes": 4})), "INVALID_PARAMETER", "sync.interval_minutes"),
            (with("sync", json!({"mode": "scheduled", "interval_minutes": 43201})), "INVALID_PARAMETER", "sync.interval_minutes"),
            (with("sync", json!({"mode": "manual", "interval_minutes": 60})), "INVALID_PARAMETER", "sync.interval_minutes"),
            (with("selector", json!({"collecton": "billing"})), "INVALID_PARAMETER", "selector"),
            (with("sync", json!({"mod": "on_change"})), "INVALID_PARAMETER", "sync"),
            (with("selector", json!({"collection": "nowhere"})), "INVALID_PARAMETER", "selector.collection"),
            (with("selector", json!({"collection": "__agent-keys"})), "INVALID_PARAMETER", "selector.collection"),
            (with("selector", json!({"filter": {"secret.password": "x"}})), "INVALID_PARAMETER", "selector.filter"),
            (with("selector", json!({"filter": {"name": "x".repeat(20_000)}})), "INVALID_PARAMETER", "selector.filter"),
            (with("credential_record_id", json!("resource_0000000000000000000001")), "INVALID_PARAMETER", "credential_record_id"),
            (json!({"name": "x", "type": "env_file", "config": {"name": "app"}}), "INVALID_PARAMETER", "type"),
            (json!({"name": "x", "type": "kv_v2", "config": {"address": URL}}), "MISSING_PARAMETER", "credential_record_id"),
            (kv(json!({"address": URL, "mount": "../sys"})), "INVALID_PARAMETER", "config.mount"),
            (kv(json!({"address": URL, "path": "a//b"})), "INVALID_PARAMETER", "config.path"),
            (kv(json!({"address": URL, "namespace": "a\nb"})), "INVALID_PARAMETER", "config.namespace"),
            (kv(json!({"address": "https://kv.example/?x=1"})), "INVALID_PARAMETER", "config.address"),
            (json!({"name": "x", "type": "chat_webhook", "config": {}}), "MISSING_PARAMETER", "config.url"),
            (json!({"name": "x", "type": "chat_webhook", "config": {"url": URL}, "credential_record_id": credential}), "INVALID_PARAMETER", "config.url"),
        ] {
            let refused = admin.post("/v1/integrations", body.clone()).await;
            assert_eq!(refused.status, 400, "{body}: {}", refused.string());
            assert_eq!(refused.text("/code"), code, "{body}");
            assert!(refused.text("/message").contains(&format!("'{named}'")), "{body}: {}", refused.string());
        }
        for host in ["127.0.0.1", "127.1", "2130706433", "[::1]", "0.0.0.0", "169.254.169.254", "[fd00:ec2::254]", "[::ffff:127.0.0.1]"] {
            let url = format!("http://{host}:1/");
            for body in [
                with("config", json!({"url": url})), kv(json!({"address": url})),
                json!({"name": "x", "type": "chat_webhook", "config": {"url": url}}),
            ] {
                let refused = admin.post("/v1/integrations", body).await.expect(400);
                assert_eq!(refused.text("/code"), "INVALID_PARAMETER", "{host}");
            }
        }
        assert_eq!(admin.get("/v1/integrations").await.expect(200).at("/data"), json!([]));
        let one = one(&made(&admin, push("x")).await);
        admin.post("/v1/integrations", push("x")).await.expect(409);
        for body in [json!({"type": "kv_v2"}), json!({"config": {"address": URL}}), json!({"config": {"url": null}}), json!({"name": null})] {
            admin.patch(&one, body).await.expect(400);
        }
        admin.patch(&one, json!({"enabled": false})).await.expect(200);
        assert_eq!(admin.post(&format!("{one}/sync"), json!({})).await.expect(409).text("/code"), "CONFLICT");
    }

    /// NT-10, NT-44
    async fn others_see_what_is_sent_where_they_see_every_name(kluis: Kluis) {
        let admin = kluis.admin_api();
        collection(&admin, "private").await;
        let shared = one(&made(&admin, push("shared")).await);
        let mut body = push("private");
        body["selector"] = json!({"collection": "private"});
        let private = one(&made(&admin, body).await);
        let absent = "/v1/integrations/integration_0000000000000000000001";
        for (role, of_private) in [("admin", 200), ("member", 404), ("viewer", 200)] {
            let caller = kluis.user(role).await.admin_api();
            let changes = role == "admin";
            let url = caller.get(&shared).await.expect(200).text("/data/config/url");
            assert_eq!(url.ends_with("/…"), !changes, "{role}: {url}");
            for (path, sees) in [(&shared, 200), (&private, of_private)] {
                caller.get(path).await.expect(sees);
                caller.get(&format!("{path}/runs")).await.expect(sees);
            }
            let total = if of_private == 200 { 2 } else { 1 };
            assert_eq!(caller.get("/v1/integrations").await.expect(200).at("/pagination/total"), json!(total), "{role}");
            caller.get("/v1/integrations/types").await.expect(200);
            caller.patch(&shared, json!({"enabled": true})).await.expect(if changes { 200 } else { 403 });
            // Permission is decided before existence.
            for path in [absent, &private] {
                caller.patch(path, json!({})).await.expect(match (changes, path == absent) {
                    (true, true) => 404, (true, false) => 200, (false, _) => 403,
                });
                let told = caller.get(path).await;
                if told.status == 404 {
                    assert_eq!(told.string(), caller.get(absent).await.string());
                }
            }
        }
        let stranger = kluis.stranger().await.admin_api();
        let of_absent = stranger.get(absent).await.expect(404);
        for answer in [
            stranger.get(&shared).await, stranger.patch(&shared, json!({"enabled": false})).await,
            stranger.put(&shared, push("x")).await, stranger.delete(&shared).await,
            stranger.post(&format!("{shared}/sync"), json!({})).await,
            stranger.post(&format!("{shared}/test"), json!({})).await, stranger.get(&format!("{shared}/runs")).await,
        ] {
            assert_eq!(answer.expect(404).string(), of_absent.string());
        }
        for (scopes, list, change, sync, test) in [
            (json!(["metadata:read"]), 200, 403, 403, 403),
            (json!(["settings:modify"]), 403, 200, 403, 403),
            (json!(["orchestration:execute"]), 403, 403, 202, 403),
            (json!(["query:execute"]), 403, 403, 403, 200),
        ] {
            let body = json!({"name": "x", "scopes": scopes});
            let key = admin.post("/v1/api-keys", body).await.expect(201).text("/data/key");
            let scoped = Api::api_key(kluis.base(), key);
            scoped.get(&shared).await.expect(list);
            scoped.patch(&shared, json!({"enabled": true})).await.expect(change);
            scoped.post(&format!("{shared}/sync"), json!({})).await.expect(sync);
            scoped.post(&format!("{shared}/test"), json!({})).await.expect(test);
            // Who may not read does not say what is read, nor where it goes.
            scoped.patch(&shared, json!({"config": {"url": "https://elsewhere.example/"}})).await.expect(403);
        }
    }

    /// Nobody moves out by an integration what they cannot read, nor leads elsewhere what others have set up.
    async fn only_who_may_read_it_all_says_what_is_sent_and_where(kluis: Kluis) {
        let owner = kluis.admin_api();
        let deputy = kluis.user("admin").await;
        let admin = deputy.admin_api();
        collection(&owner, "payroll").await;
        record(&owner, "payroll", "open", json!({"v": "1"})).await;
        let closed = record(&owner, "payroll", "closed", json!({"token": "2"})).await;
        let vaults = Api::bearer(kluis.base(), kluis.dev("/tokens/oneclaw")).get("/v1/vaults").await.expect(200).json();
        let vault = vaults["vaults"].as_array().unwrap().iter().find(|vault| vault["name"] == "payroll").unwrap()["id"].clone();
        let denied = json!({
            "secret_path_pattern": "closed", "principal_type": "user", "principal_id": deputy.id, "permissions": ["read"],
            "effect": "deny",
        });
        let policies = format!("/v1/vaults/{}/policies", vault.as_str().unwrap());
        Api::bearer(kluis.base(), kluis.dev("/tokens/oneclaw")).post(&policies, denied).await.expect(201);
        let of = |name: &str, filter: Value, credential: Value| json!({
            "name": name, "type": "http_push", "config": {"url": URL}, "credential_record_id": credential,
            "selector": {"collection": "payroll", "filter": filter},
        });
        admin.post("/v1/integrations", of("all", json!({}), Value::Null)).await.expect(403);
        let refused = admin.post("/v1/integrations", of("led", json!({"name": "open"}), json!(closed))).await.expect(400);
        assert!(refused.text("/message").contains("'credential_record_id'"), "{}", refused.string());
        let own = one(&made(&admin, of("some", json!({"name": "open"}), Value::Null)).await);
        assert_eq!(admin.get(&own).await.expect(200).text("/data/runs_as"), deputy_id(&admin).await);
        admin.patch(&own, json!({"selector": {"filter": {}}})).await.expect(403);
        admin.patch(&own, json!({"credential_record_id": closed})).await.expect(400);
        let theirs = one(&made(&owner, of("theirs", json!({}), json!(closed))).await);
        for body in [json!({"config": {"url": "https://elsewhere.example/"}}), json!({"selector": {"filter": {"name": "closed"}}})] {
            let answer = admin.patch(&theirs, body).await;
            assert!([400, 403].contains(&answer.status), "{}", answer.string());
        }
        admin.put(&theirs, of("theirs", json!({"name": "closed"}), Value::Null)).await.expect(403);
        // What leads nothing elsewhere is any administrator's, and leaves the rights as they are.
        admin.patch(&theirs, json!({"name": "renamed", "enabled": false})).await.expect(200);
        assert_eq!(admin.get(&theirs).await.expect(200).at("/data/runs_as"), owner.get("/v1/me").await.expect(200).at("/data/id"));
    }
}

async fn deputy_id(api: &Api) -> String {
    api.get("/v1/me").await.expect(200).text("/data/id")
}
