//! What webhooks are told, and how it gets there (contract B7).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::webhooks::made;
use crate::harness::{Api, Backend, Kluis, Receiver, Reply, on_both};

const FLAGS: &[&str] = &["--allow-loopback-webhooks", "--test-clock"];

/// A vault with secrets, through one API.
async fn vault(kluis: &Kluis, name: &str) -> String {
    let body = json!({"name": name});
    let made = kluis.owner().post("/api/v1/vaults", body).await.expect(201);
    format!("/api/v1/vaults/{}/secrets", made.text("/data/id"))
}

async fn secret(kluis: &Kluis, secrets: &str, key: &str) -> String {
    let body = json!({"key": key, "value": "canary-3f9a"});
    let made = kluis.owner().post(secrets, body).await.expect(201);
    format!("{secrets}/{}", made.text("/data/id"))
}

/// The log of a webhook, newest first, when it is as `is` says.
async fn log(admin: &Api, id: &str, is: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/v1/webhooks/{id}/deliveries?sort=-created_at");
    for _ in 0..300 {
        let log = admin.get(&path).await.expect(200).at("/data");
        if is(&log) {
            return log;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the log never was so: {:#}", admin.get(&path).await.json());
}

on_both! {
    /// NT-40
    async fn what_happens_through_every_api_is_told_signed_and_without_values(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let (admin, owner) = (kluis.admin_api(), kluis.owner());
        let receiver = Receiver::start().await;
        let (hook, signing) = made(&admin, &receiver.url(), json!(["record.*", "api_key.*", "auth.*"])).await;
        let secrets = vault(&kluis, "billing").await;
        let one = secret(&kluis, &secrets, "rw").await;

        let created = receiver.events("record.created", 1).await;
        let data = &created[0]["data"];
        assert_eq!((&data["collection"], &data["name"], &data["version"]), (&json!("billing"), &json!("rw"), &json!(1)));
        assert!(data["id"].as_str().unwrap().starts_with("resource_"));
        assert!(created[0]["id"].as_str().unwrap().starts_with("delivery_"));
        assert_eq!(data["actor_type"], json!("user"));
        owner.patch(&one, json!({"value": "canary-3f9a-2"})).await.expect(200);
        let updated = receiver.events("record.updated", 1).await;
        assert_eq!(updated[0]["data"]["version"], json!(2));
        owner.get(&one).await.expect(200);
        assert_eq!(receiver.events("record.revealed", 1).await[0]["data"]["name"], json!("rw"));

        // 1claw: another value of the server's making, a numbered read, a deletion that can be undone.
        let oneclaw = Api::bearer(kluis.base(), kluis.dev("/tokens/oneclaw"));
        let vaults = oneclaw.get("/v1/vaults").await.expect(200).json();
        let vaults = vaults["vaults"].as_array().unwrap().clone();
        let billing = vaults.iter().find(|vault| vault["name"] == "billing").unwrap();
        let at = format!("/v1/vaults/{}", billing["id"].as_str().unwrap());
        let body = json!({"type": "password", "value": "canary-3f9a-3"});
        oneclaw.put(&format!("{at}/secrets/db/main"), body).await.expect(201);
        assert_eq!(receiver.events("record.created", 2).await[1]["data"]["name"], json!("db/main"));
        oneclaw.get(&format!("{at}/secrets/db/main")).await.expect(200);
        receiver.events("record.revealed", 2).await;
        oneclaw.delete(&format!("{at}/secrets/db/main")).await.expect(204);
        assert_eq!(receiver.events("record.deleted", 1).await[0]["data"]["name"], json!("db/main"));
        // CloudKeep's list is one look and a value for each of its names.
        owner.get(&secrets).await.expect(200);
        receiver.events("record.revealed", 3).await;
        owner.delete(&one).await.expect(204);
        receiver.events("record.deleted", 2).await;
        secret(&kluis, &secrets, "last").await;
        let vault = secrets.strip_suffix("/secrets").unwrap();
        owner.delete(vault).await.expect(204);
        assert_eq!(receiver.events("record.deleted", 3).await[2]["data"]["name"], json!("last"));

        let key = admin.post("/v1/api-keys", json!({"name": "ci"})).await.expect(201);
        let made = receiver.events("api_key.created", 1).await;
        assert_eq!(made[0]["data"]["id"], key.at("/data/id"));
        admin.delete(&format!("/v1/api-keys/{}", key.text("/data/id"))).await.expect(200);
        receiver.events("api_key.revoked", 1).await;
        let login = json!({"email": "owner@kluis.local", "password": "canary-3f9a-4"});
        Api::anonymous(kluis.base()).post("/v1/auth/login", login).await.expect(401);
        let failed = receiver.events("auth.login_failed", 1).await;
        assert!(failed[0]["data"]["id"].as_str().unwrap().starts_with("user_"));
        let login = json!({"email": "nobody@kluis.local", "password": "canary-3f9a-5"});
        Api::anonymous(kluis.base()).post("/v1/auth/login", login).await.expect(401);

        for delivered in receiver.received() {
            assert_eq!(delivered.path, "/hook");
            assert_eq!(delivered.header("content-type"), "application/json");
            let body = delivered.json();
            assert_eq!(delivered.header("x-credvault-event"), body["event"]);
            assert_eq!(delivered.header("x-credvault-delivery"), body["id"]);
            assert_eq!(delivered.header("x-credvault-attempt"), "1");
            assert_eq!(delivered.signed_with(&signing), (1, 1));
            assert!(!delivered.body.contains("canary"), "{}", delivered.body);
        }
        let log = log(&admin, &hook, |log| log.as_array().unwrap().iter().all(|one| one["status"] == "succeeded")).await;
        assert!(!log.to_string().contains("canary"));
        // One for each event, and none of a user who is nobody.
        let ids: BTreeSet<String> = receiver.received().iter().map(|one| one.json()["id"].to_string()).collect();
        assert_eq!(ids.len(), receiver.received().len());
        assert_eq!(log.as_array().unwrap().len(), ids.len());
        assert_eq!(receiver.events("auth.login_failed", 1).await.len(), 1);
    }

    async fn records_of_this_api_are_told_one_by_one(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        made(&admin, &receiver.url(), json!(["record.*"])).await;
        admin.post("/v1/collections", json!({"name": "billing"})).await.expect(201);
        let records = "/v1/collections/billing/records";
        let record = |name: &str| json!({"name": name, "secret": {"password": "canary-3f9a"}});
        let one = admin.post(records, record("one")).await.expect(201);
        let created = receiver.events("record.created", 1).await;
        assert_eq!(created[0]["data"]["id"], one.at("/data/id"));
        assert_eq!((&created[0]["data"]["collection"], &created[0]["data"]["name"]), (&json!("billing"), &json!("one")));
        admin.post(records, json!([record("two"), record("three")])).await.expect(201);
        let created = receiver.events("record.created", 3).await;
        let names: BTreeSet<&str> = created.iter().map(|body| body["data"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, BTreeSet::from(["one", "two", "three"]));
        let path = format!("{records}/{}", one.text("/data/id"));
        // Only a value that leaves is a revelation.
        admin.get(&path).await.expect(200);
        admin.get(&format!("{path}?reveal=true")).await.expect(200);
        assert_eq!(receiver.events("record.revealed", 1).await.len(), 1);
        admin.patch(&path, json!({"tags": ["x"]})).await.expect(200);
        receiver.events("record.updated", 1).await;
        admin.post("/v1/collections/billing/delete", json!({"filter": {"name": {"$in": ["two", "three"]}}})).await.expect(200);
        let deleted = receiver.events("record.deleted", 2).await;
        let names: BTreeSet<&str> = deleted.iter().map(|body| body["data"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, BTreeSet::from(["two", "three"]));
        admin.delete("/v1/collections/billing?force=true").await.expect(200);
        assert_eq!(receiver.events("record.deleted", 3).await[2]["data"]["name"], json!("one"));
        assert!(receiver.received().iter().all(|delivered| !delivered.body.contains("canary")));
    }

    async fn a_delivery_that_fails_is_tried_again_when_it_should_be(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        receiver.always(Reply::Answer(500, String::new(), "x".repeat(5_000)));
        let (hook, signing) = made(&admin, &receiver.url(), json!(["record.created"])).await;
        let secrets = vault(&kluis, "v").await;
        secret(&kluis, &secrets, "a").await;
        receiver.wait_for(1).await;
        for (attempt, seconds) in [(2, 10), (3, 60), (4, 300), (5, 1_800), (6, 7_200), (7, 21_600)] {
            let one = &log(&admin, &hook, |log| log[0]["attempts"] == attempt - 1).await[0];
            assert_eq!(one["status"], "pending", "{one}");
            assert_eq!(one["response_body"].as_str().unwrap().len(), 1_024);
            // Not before nine tenths of the time have gone.
            kluis.advance_clock(seconds * 85 / 100).await;
            tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
            assert_eq!(receiver.received().len(), attempt - 1);
            kluis.advance_clock(seconds * 30 / 100).await;
            let received = receiver.wait_for(attempt).await;
            let last = received.last().unwrap();
            assert_eq!(last.header("x-credvault-attempt"), attempt.to_string());
            assert_eq!(last.header("x-credvault-delivery"), received[0].header("x-credvault-delivery"));
            assert_eq!(last.body, received[0].body);
            assert!(last.signed_at() >= received[0].signed_at());
            assert_eq!(last.signed_with(&signing), (1, 1));
        }
        let one = &log(&admin, &hook, |log| log[0]["status"] == "failed").await[0];
        assert_eq!((&one["attempts"], &one["status_code"], &one["next_attempt_at"]), (&json!(7), &json!(500), &Value::Null));
        let read = admin.get(&format!("/v1/webhooks/{hook}")).await.expect(200);
        assert_eq!(read.at("/data/enabled"), json!(true));
        assert_ne!(read.at("/data/failing_since"), Value::Null);
        // Three days after the first failure the next one is the last.
        kluis.advance_clock(3 * 24 * 3_600).await;
        secret(&kluis, &secrets, "b").await;
        receiver.wait_for(8).await;
        log(&admin, &hook, |log| log[0]["attempts"] == 1).await;
        let read = admin.get(&format!("/v1/webhooks/{hook}")).await.expect(200);
        assert_eq!((read.at("/data/enabled"), read.text("/data/disabled_reason")), (json!(false), "failing".to_owned()));
        secret(&kluis, &secrets, "c").await;
        // What waited goes out when somebody has put it right.
        receiver.always(Reply::status(200));
        admin.patch(&format!("/v1/webhooks/{hook}"), json!({"enabled": true})).await.expect(200);
        kluis.advance_clock(60).await;
        receiver.wait_for(9).await;
        let log = log(&admin, &hook, |log| log[0]["status"] == "succeeded").await;
        assert_eq!(log.as_array().unwrap().len(), 2, "{log}");
    }

    async fn a_receiver_that_is_gone_for_good_is_left(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        receiver.always(Reply::status(410));
        let (hook, _) = made(&admin, &receiver.url(), json!(["*"])).await;
        let secrets = vault(&kluis, "v").await;
        secret(&kluis, &secrets, "a").await;
        receiver.wait_for(1).await;
        let one = &log(&admin, &hook, |log| log[0]["status"] == "failed").await[0];
        assert_eq!((&one["attempts"], &one["status_code"]), (&json!(1), &json!(410)));
        let read = admin.get(&format!("/v1/webhooks/{hook}")).await.expect(200);
        assert_eq!((read.at("/data/enabled"), read.text("/data/disabled_reason")), (json!(false), "gone".to_owned()));
        let again = format!("/v1/webhooks/{hook}/deliveries/{}/redeliver", one["id"].as_str().unwrap());
        admin.post(&again, json!({})).await.expect(409);
    }

    /// NT-53
    async fn a_redirect_leads_nowhere(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let (receiver, other) = (Receiver::start().await, Receiver::start().await);
        let to = format!("location: {}\r\n", other.url());
        receiver.always(Reply::Answer(307, to, String::new()));
        let (hook, _) = made(&admin, &receiver.url(), json!(["record.created"])).await;
        let secrets = vault(&kluis, "v").await;
        secret(&kluis, &secrets, "a").await;
        let one = &log(&admin, &hook, |log| log[0]["attempts"] == 1).await[0];
        assert_eq!((&one["status"], &one["status_code"]), (&json!("pending"), &json!(307)));
        assert!(other.received().is_empty());
    }

    async fn a_receiver_that_hangs_delays_nobody_else(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let (slow, quick) = (Receiver::start().await, Receiver::start().await);
        slow.always(Reply::Hang);
        let (hook, _) = made(&admin, &slow.url(), json!(["record.*"])).await;
        made(&admin, &quick.url(), json!(["record.*"])).await;
        let secrets = vault(&kluis, "v").await;
        let begin = std::time::Instant::now();
        for key in ["a", "b", "c"] {
            secret(&kluis, &secrets, key).await;
        }
        quick.wait_for(3).await;
        assert!(begin.elapsed().as_secs() < 8, "one waited for the other");
        assert_eq!(slow.received().len(), 1);
        let log = log(&admin, &hook, |log| log[2]["attempts"] == 1).await;
        assert_eq!(log[2]["error"], "no answer came in time");
        assert!(log[2]["duration_ms"].as_u64().unwrap() >= 9_000, "{log}");
        // One after the other, not all that wait at once.
        assert!(slow.received().len() <= 2);
    }

    async fn after_a_rotation_both_secrets_sign_for_a_day(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        let (hook, first) = made(&admin, &receiver.url(), json!(["record.created"])).await;
        let rotated = admin.post(&format!("/v1/webhooks/{hook}/rotate-secret"), json!({})).await.expect(200);
        let second = rotated.text("/data/secret");
        assert!(second.starts_with("whsec_") && second != first);
        assert_ne!(rotated.at("/data/previous_secret_expires_at"), Value::Null);
        let secrets = vault(&kluis, "v").await;
        secret(&kluis, &secrets, "a").await;
        let received = receiver.wait_for(1).await;
        assert_eq!((received[0].signed_with(&first), received[0].signed_with(&second)), ((1, 2), (1, 2)));
        // Keys of the organization turn as well.
        let keys = json!({"command": "rotate-keys", "keys": "organizations"});
        assert_eq!(kluis.operate(keys).await["ok"], true);
        kluis.advance_clock(23 * 3_600).await;
        secret(&kluis, &secrets, "b").await;
        let received = receiver.wait_for(2).await;
        assert_eq!((received[1].signed_with(&first), received[1].signed_with(&second)), ((1, 2), (1, 2)));
        kluis.advance_clock(3_601).await;
        secret(&kluis, &secrets, "c").await;
        let received = receiver.wait_for(3).await;
        assert_eq!((received[2].signed_with(&first), received[2].signed_with(&second)), ((0, 1), (1, 1)));
    }

    async fn what_was_not_delivered_before_a_crash_is_delivered_after_it(backend: Backend) {
        let mut kluis = backend.start_with(FLAGS).await;
        let receiver = Receiver::start().await;
        let (url, port) = (receiver.url(), receiver.port());
        made(&kluis.admin_api(), &url, json!(["record.created"])).await;
        drop(receiver);
        let secrets = vault(&kluis, "v").await;
        let mut made = BTreeSet::new();
        for number in 0..20 {
            let path = secret(&kluis, &secrets, &format!("key-{number}")).await;
            made.insert(format!("key-{number}"));
            assert!(path.starts_with(&secrets));
        }
        kluis.kill();
        let receiver = Receiver::on(port).await;
        kluis.begin().await;
        // The first of them has failed before, and waits for its time.
        for _ in 0..5 {
            kluis.advance_clock(70).await;
            tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        }
        let told = receiver.wait_for(20).await;
        let names = told.iter().map(|one| one.json()["data"]["name"].as_str().unwrap().to_owned());
        assert_eq!(names.collect::<BTreeSet<_>>(), made);
    }

    /// NT-14
    async fn a_delivery_is_sent_again_as_it_was(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        let (hook, _) = made(&admin, &receiver.url(), json!(["record.created"])).await;
        let (other, _) = made(&admin, &receiver.url(), json!(["lease.issued"])).await;
        let secrets = vault(&kluis, "v").await;
        let one = secret(&kluis, &secrets, "a").await;
        receiver.wait_for(1).await;
        let delivery = log(&admin, &hook, |log| log[0]["status"] == "succeeded").await[0]["id"].clone();
        let delivery = delivery.as_str().unwrap();
        kluis.owner().delete(&one).await.expect(204);
        let again = admin.post(&format!("/v1/webhooks/{hook}/deliveries/{delivery}/redeliver"), json!({})).await.expect(202);
        assert_eq!((again.text("/data/id"), again.text("/data/status")), (delivery.to_owned(), "pending".to_owned()));
        let received = receiver.wait_for(2).await;
        assert_eq!(received[0].body, received[1].body);
        // A delivery belongs to its webhook, and to those who may change that.
        admin.post(&format!("/v1/webhooks/{other}/deliveries/{delivery}/redeliver"), json!({})).await.expect(404);
        let member = kluis.user("member").await.admin_api();
        member.post(&format!("/v1/webhooks/{hook}/deliveries/{delivery}/redeliver"), json!({})).await.expect(403);
        let stranger = kluis.stranger().await.admin_api();
        stranger.post(&format!("/v1/webhooks/{hook}/deliveries/{delivery}/redeliver"), json!({})).await.expect(404);
        assert_eq!(receiver.received().len(), 2);
    }

    async fn an_expiry_is_told_once_also_across_a_crash(backend: Backend) {
        let mut kluis = backend.start_with(FLAGS).await;
        let receiver = Receiver::start().await;
        made(&kluis.admin_api(), &receiver.url(), json!(["record.expired"])).await;
        let oneclaw = Api::bearer(kluis.base(), kluis.dev("/tokens/oneclaw"));
        let vault = oneclaw.post("/v1/vaults", json!({"name": "v"})).await.expect(201).text("/id");
        for (path, at) in [("soon", "2099-01-01T00:00:00Z"), ("late", "2199-01-01T00:00:00Z")] {
            let body = json!({"type": "password", "value": "canary-3f9a", "expires_at": at});
            oneclaw.put(&format!("/v1/vaults/{vault}/secrets/{path}"), body).await.expect(201);
        }
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        assert!(receiver.received().is_empty());
        let until = 4_070_908_800 - std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        kluis.advance_clock(until + 5).await;
        let told = receiver.events("record.expired", 1).await;
        assert_eq!((&told[0]["data"]["name"], &told[0]["data"]["collection"]), (&json!("soon"), &json!("v")));
        kluis.kill();
        kluis.begin().await;
        kluis.advance_clock(until + 60).await;
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        assert_eq!(receiver.received().len(), 1);
    }

    /// NT-58
    async fn the_log_is_paged_and_filtered(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        let (hook, _) = made(&admin, &receiver.url(), json!(["record.*"])).await;
        let secrets = vault(&kluis, "v").await;
        for number in 0..7 {
            let one = secret(&kluis, &secrets, &format!("k{number}")).await;
            if number % 2 == 0 {
                kluis.owner().delete(&one).await.expect(204);
            }
        }
        receiver.wait_for(11).await;
        let all = log(&admin, &hook, |log| log.as_array().unwrap().iter().all(|one| one["status"] == "succeeded")).await;
        let all: Vec<Value> = all.as_array().unwrap().clone();
        assert_eq!(all.len(), 11);
        let path = format!("/v1/webhooks/{hook}/deliveries");
        for (query, expected) in [
            ("event=record.deleted", 4), ("event=record.deleted,record.created", 11), ("event=record", 0),
            ("status=failed,pending", 0), ("status=succeeded", 11), ("created_before=2020-01-01", 0),
            ("created_after=2020-01-01", 11), ("offset=9", 11), ("offset=90", 11),
        ] {
            let answer = admin.get(&format!("{path}?{query}")).await.expect(200);
            assert_eq!(answer.at("/pagination/total"), json!(expected), "{query}");
        }
        for query in ["sort=status", "response_body=x", "error_contains=x", "cursor=x"] {
            admin.get(&format!("{path}?{query}")).await.expect(400);
        }
        // To the end by cursors, and back again, in the order of the list.
        let mut walked = Vec::new();
        let mut next = format!("{path}?sort=-created_at&limit=4");
        let last = loop {
            let page = admin.get(&next).await.expect(200);
            assert_eq!(page.at("/pagination/offset"), json!(walked.len()));
            walked.extend(page.at("/data").as_array().unwrap().clone());
            match page.at("/pagination/next_cursor") {
                Value::String(cursor) => next = format!("{path}?sort=-created_at&limit=4&cursor={cursor}"),
                _ => break page,
            }
        };
        assert_eq!(walked, all);
        let cursor = last.text("/pagination/prev_cursor");
        let back = admin.get(&format!("{path}?sort=-created_at&limit=4&cursor={cursor}")).await.expect(200);
        assert_eq!(back.at("/data").as_array().unwrap()[..], all[4..8]);
        assert_eq!(back.at("/pagination/offset"), json!(4));
        // A cursor belongs to the list that it came from.
        admin.get(&format!("{path}?limit=4&cursor={cursor}")).await.expect(400);
    }
}
