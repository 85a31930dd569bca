//! `/v1/webhooks`: made, seen, changed, removed.

use serde_json::{Value, json};

use crate::harness::{Api, Backend, Kluis, Receiver, on_both};

const URL: &str = "https://hooks.example.com/kluis";

/// Make a webhook; its id and secret.
pub(super) async fn made(admin: &Api, url: &str, events: Value) -> (String, String) {
    let body = json!({"url": url, "events": events});
    let made = admin.post("/v1/webhooks", body).await.expect(201);
    (made.text("/data/id"), made.text("/data/secret"))
}

on_both! {
    async fn a_webhook_is_made_seen_changed_and_removed(kluis: Kluis) {
        let admin = kluis.admin_api();
        let body = json!({"url": URL, "events": ["record.*", "api_key.revoked"], "description": "Operations"});
        let made = admin.post("/v1/webhooks", body).await.expect(201);
        let secret = made.text("/data/secret");
        assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{secret}");
        let id = made.text("/data/id");
        assert!(id.starts_with("webhook_") && id.len() == 8 + 22, "{id}");
        let one = format!("/v1/webhooks/{id}");
        let read = admin.get(&one).await.expect(200);
        assert!(!read.string().contains(&secret) && !read.string().contains("whsec_"));
        let members = [
            "created_at", "created_by", "description", "disabled_reason", "enabled", "events", "failing_since", "id",
            "previous_secret_expires_at", "updated_at", "url",
        ];
        assert_eq!(read.members("/data"), members);
        assert_eq!(read.at("/data/events"), json!(["record.*", "api_key.revoked"]));
        assert_eq!(read.at("/data/enabled"), json!(true));
        assert_eq!(read.text("/data/description"), "Operations");

        let patched = admin.patch(&one, json!({"enabled": false})).await.expect(200);
        assert_eq!(patched.at("/data/enabled"), json!(false));
        assert_eq!(patched.text("/data/description"), "Operations");
        let patched = admin.patch(&one, json!({"description": null, "events": ["*"]})).await.expect(200);
        assert_eq!(patched.text("/data/description"), "");
        assert_eq!(patched.at("/data/enabled"), json!(false));
        // What a PUT leaves out begins anew (contract A3).
        admin.patch(&one, json!({"description": "kept?"})).await.expect(200);
        let body = json!({"url": "http://10.1.2.3/x", "events": ["lease.issued"]});
        let put = admin.put(&one, body).await.expect(200);
        assert_eq!(put.text("/data/url"), "http://10.1.2.3/x");
        assert_eq!((put.text("/data/description"), put.at("/data/enabled")), (String::new(), json!(true)));
        for body in [json!({"url": URL}), json!({"events": ["*"]}), json!({})] {
            let refused = admin.put(&one, body).await.expect(400);
            assert_eq!(refused.text("/code"), "MISSING_PARAMETER");
        }

        let listed = admin.get("/v1/webhooks?enabled=true").await.expect(200);
        assert_eq!(listed.at("/pagination/total"), json!(1));
        assert_eq!(listed.at("/data/0"), put.at("/data"));
        let deleted = admin.delete(&one).await.expect(200);
        assert_eq!(deleted.at("/data"), json!({"id": id, "deleted": true}));
        admin.get(&one).await.expect(404);
        admin.delete(&one).await.expect(404);
        assert_eq!(admin.get("/v1/webhooks").await.expect(200).at("/data"), json!([]));
    }

    async fn behind_the_host_a_url_is_for_owners_and_admins(kluis: Kluis) {
        let url = "https://hooks.example.com:8443/services/T0/canary-in-a-path";
        let (id, _) = made(&kluis.admin_api(), url, json!(["*"])).await;
        for role in ["member", "viewer"] {
            let api = kluis.user(role).await.admin_api();
            for path in ["/v1/webhooks".to_owned(), format!("/v1/webhooks/{id}")] {
                let seen = api.get(&path).await.expect(200);
                assert!(seen.string().contains("https://hooks.example.com:8443/…"), "{seen}");
                assert!(!seen.string().contains("canary"), "{seen}");
            }
        }
        assert_eq!(kluis.admin_api().get(&format!("/v1/webhooks/{id}")).await.expect(200).text("/data/url"), url);
    }

    /// NT-53
    async fn what_is_wrong_with_a_webhook_is_named(kluis: Kluis) {
        let admin = kluis.admin_api();
        for (body, code, named) in [
            (json!({"events": ["*"]}), "MISSING_PARAMETER", "url"),
            (json!({"url": URL}), "MISSING_PARAMETER", "events"),
            (json!({"url": URL, "events": []}), "INVALID_PARAMETER", "events"),
            (json!({"url": URL, "events": "*"}), "INVALID_PARAMETER", "events"),
            (json!({"url": URL, "events": ["record"]}), "INVALID_PARAMETER", "events"),
            (json!({"url": URL, "events": ["record.made"]}), "INVALID_PARAMETER", "events"),
            (json!({"url": URL, "events": ["*.created"]}), "INVALID_PARAMETER", "events"),
            (json!({"url": URL, "events": vec!["*"; 51]}), "INVALID_PARAMETER", "events"),
            (json!({"url": "hooks", "events": ["*"]}), "INVALID_PARAMETER", "url"),
            (json!({"url": "ftp://a.example/", "events": ["*"]}), "INVALID_PARAMETER", "url"),
            (json!({"url": "https://u:p@a.example/", "events": ["*"]}), "INVALID_PARAMETER", "url"),
            (json!({"url": URL, "events": ["*"], "enabled": "yes"}), "INVALID_PARAMETER", "enabled"),
            (json!({"url": URL, "events": ["*"], "description": "x".repeat(4_001)}), "INVALID_PARAMETER", "description"),
        ] {
            let refused = admin.post("/v1/webhooks", body.clone()).await;
            assert_eq!(refused.status, 400, "{body}: {}", refused.string());
            assert_eq!(refused.text("/code"), code, "{body}");
            assert!(refused.text("/message").contains(&format!("'{named}'")), "{body}: {}", refused.string());
        }
        for host in [
            "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0",
            "169.254.169.254", "[fd00:ec2::254]", "[fe80::1]", "100.64.0.1", "224.0.0.1", "255.255.255.255",
            "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
        ] {
            let body = json!({"url": format!("http://{host}:1/"), "events": ["*"]});
            let refused = admin.post("/v1/webhooks", body).await.expect(400);
            assert_eq!(refused.text("/code"), "INVALID_PARAMETER", "{host}");
        }
        assert_eq!(admin.get("/v1/webhooks").await.expect(200).at("/data"), json!([]));
    }

    /// NT-10, NT-44
    async fn only_administrators_of_the_organization_change_webhooks(kluis: Kluis) {
        let admin = kluis.admin_api();
        let (id, _) = made(&admin, URL, json!(["*"])).await;
        let one = format!("/v1/webhooks/{id}");
        let stranger = kluis.stranger().await.admin_api();
        let absent = "/v1/webhooks/webhook_0000000000000000000001";
        for (role, looks, changes, log) in [
            ("admin", 200, 200, 200), ("member", 200, 403, 403), ("viewer", 200, 403, 403),
        ] {
            let caller = kluis.user(role).await.admin_api();
            caller.get("/v1/webhooks").await.expect(looks);
            caller.get("/v1/webhooks/events").await.expect(looks);
            caller.get(&one).await.expect(looks);
            caller.patch(&one, json!({"description": role})).await.expect(changes);
            caller.get(&format!("{one}/deliveries")).await.expect(log);
            // Permission is decided before existence.
            caller.patch(absent, json!({})).await.expect(if changes == 200 { 404 } else { 403 });
        }
        let of_absent = stranger.get(absent).await.expect(404);
        for answer in [
            stranger.get(&one).await,
            stranger.patch(&one, json!({"enabled": false})).await,
            stranger.put(&one, json!({"url": URL, "events": ["*"]})).await,
            stranger.delete(&one).await,
            stranger.post(&format!("{one}/rotate-secret"), json!({})).await,
            stranger.post(&format!("{one}/test"), json!({})).await,
            stranger.get(&format!("{one}/deliveries")).await,
            stranger.post(&format!("{one}/deliveries/delivery_0000000000000000000001/redeliver"), json!({})).await,
        ] {
            assert_eq!(answer.expect(404).string(), of_absent.string());
        }
        assert_eq!(stranger.get("/v1/webhooks").await.expect(200).at("/data"), json!([]));
        for (scopes, list, change, log) in [
            (json!(["metadata:read"]), 200, 403, 403),
            (json!(["settings:modify"]), 403, 200, 403),
            (json!(["logs:read"]), 403, 403, 200),
        ] {
            let body = json!({"name": "x", "scopes": scopes});
            let key = admin.post("/v1/api-keys", body).await.expect(201).text("/data/key");
            let scoped = Api::api_key(kluis.base(), key);
            scoped.get(&one).await.expect(list);
            scoped.patch(&one, json!({"description": "x"})).await.expect(change);
            scoped.get(&format!("{one}/deliveries")).await.expect(log);
        }
    }

    async fn an_organization_has_fifty_webhooks_at_most(kluis: Kluis) {
        let admin = kluis.admin_api();
        for _ in 0..50 {
            made(&admin, URL, json!(["lease.issued"])).await;
        }
        let body = json!({"url": URL, "events": ["*"]});
        let refused = admin.post("/v1/webhooks", body).await.expect(409);
        assert_eq!(refused.text("/code"), "CONFLICT");
        assert_eq!(admin.get("/v1/webhooks").await.expect(200).at("/pagination/total"), json!(50));
    }

    async fn a_cursor_of_one_webhook_opens_no_list_of_another(kluis: Kluis) {
        let admin = kluis.admin_api();
        let mut deliveries = Vec::new();
        for _ in 0..2 {
            let body = json!({"url": "http://localhost:9/", "events": ["lease.issued"]});
            let made = admin.post("/v1/webhooks", body).await.expect(201);
            let webhook = format!("/v1/webhooks/{}", made.text("/data/id"));
            for _ in 0..2 {
                admin.post(&format!("{webhook}/test"), json!({})).await.expect(200);
            }
            deliveries.push(format!("{webhook}/deliveries?limit=1"));
        }
        let first = admin.get(&deliveries[0]).await.expect(200);
        let cursor = first.text("/pagination/next_cursor");
        admin.get(&format!("{}&cursor={cursor}", deliveries[0])).await.expect(200);
        admin.get(&format!("{}&cursor={cursor}", deliveries[1])).await.expect(400);
    }

    async fn the_catalogue_names_every_event(kluis: Kluis) {
        let listed = kluis.admin_api().get("/v1/webhooks/events").await.expect(200).json();
        let names: Vec<&str> = listed["data"].as_array().unwrap().iter()
            .map(|event| event["name"].as_str().unwrap()).collect();
        assert_eq!(names, [
            "record.created", "record.updated", "record.deleted", "record.revealed", "record.expired", "record.rotated",
            "rotation.failed", "cluster.created", "cluster.updated", "cluster.deleted", "cluster.status_changed",
            "lease.issued", "lease.revoked", "lease.expired", "integration.synced", "integration.failed",
            "insight.opened", "insight.resolved", "api_key.created", "api_key.revoked", "auth.login_failed", "webhook.test",
        ]);
        assert!(listed["data"].as_array().unwrap().iter().all(|event| event["description"].is_string()));
    }

    async fn a_test_says_at_once_what_came_of_it(backend: Backend) {
        let kluis = backend.start_with(&["--allow-loopback-webhooks"]).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        let (id, secret) = made(&admin, &receiver.url(), json!(["lease.issued"])).await;
        let test = format!("/v1/webhooks/{id}/test");
        let told = admin.post(&test, json!({})).await.expect(200);
        assert_eq!(told.text("/data/event"), "webhook.test");
        assert_eq!((told.text("/data/status"), told.at("/data/status_code")), ("succeeded".to_owned(), json!(204)));
        let received = receiver.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].json()["id"], told.at("/data/id"));
        assert_eq!(received[0].json()["data"], json!({"id": id}));
        assert_eq!(received[0].signed_with(&secret), (1, 1));
        // Nobody there is an answer too, and nothing is tried again.
        drop(receiver);
        let told = admin.post(&test, json!({})).await.expect(200);
        assert_eq!(told.text("/data/status"), "failed");
        assert_eq!((told.at("/data/status_code"), told.at("/data/next_attempt_at")), (Value::Null, Value::Null));
        assert_ne!(told.at("/data/error"), Value::Null);
        let read = admin.get(&format!("/v1/webhooks/{id}")).await.expect(200);
        assert_eq!(read.at("/data/failing_since"), Value::Null);
    }
}
