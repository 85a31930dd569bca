//! When integrations send, with whose rights, and what becomes of it (contract B5).

use std::time::Duration;

use serde_json::{Value, json};

use super::integrations::{collection, made, one, record};
use crate::harness::{Api, Backend, Receiver, Reply, on_both};

pub(super) const FLAGS: &[&str] = &["--allow-loopback-webhooks", "--test-clock"];

/// The newest run, when it is as `is` says.
pub(super) async fn run(admin: &Api, one: &str, is: impl Fn(&Value) -> bool) -> Value {
    let path = format!("{one}/runs?sort=-created_at&limit=1");
    for _ in 0..300 {
        let run = admin.get(&path).await.expect(200).at("/data/0");
        if is(&run) {
            return run;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the run never was so: {:#}", admin.get(&path).await.json());
}

pub(super) fn has(status: &str) -> impl Fn(&Value) -> bool {
    move |run| run["status"] == status
}

/// Have it synced, and wait until the run is as it is to be.
pub(super) async fn synced(admin: &Api, one: &str, status: &str) -> Value {
    let job = admin
        .post(&format!("{one}/sync"), json!({}))
        .await
        .expect(202);
    let job = job.text("/data/id");
    run(admin, one, |run| {
        run["status"] == status && run["job_id"] == job.as_str()
    })
    .await
}

pub(super) async fn changed(admin: &Api, collection: &str, record: &str, secret: Value) {
    let path = format!("/v1/collections/{collection}/records/{record}");
    admin
        .patch(&path, json!({"secret": secret}))
        .await
        .expect(200);
}

/// Wait until `is_so`.
pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..300 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never was so: {what}");
}

/// That nothing more comes of what was done; two looks of the server, and a little.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(2_500)).await;
}

on_both! {
    async fn a_push_brings_everything_signed_and_follows_changes(backend: Backend) {
        let mut kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        let hook = Receiver::start().await;
        super::webhooks::made(&admin, &hook.url(), json!(["integration.*", "record.revealed"])).await;
        collection(&admin, "billing").await;
        let credential = record(&admin, "default", "deploy", json!({"token": "canary-2b7e-token"})).await;
        let first = record(&admin, "billing", "billing-rw", json!({"password": "canary-2b7e-1", "user": "svc"})).await;
        record(&admin, "billing", "left-out", json!({"password": "canary-2b7e-out"})).await;
        let created = made(&admin, json!({
            "name": "push", "type": "http_push", "config": {"url": receiver.url()}, "credential_record_id": credential,
            "selector": {"collection": "billing", "filter": {"name": {"$ne": "left-out"}}}, "sync": {"mode": "on_change"},
        })).await;
        let (one, secret) = (one(&created), created.text("/data/secret"));
        let pushed = receiver.wait_for(1).await.remove(0);
        assert_eq!(pushed.signed_with(&secret), (1, 1));
        assert_eq!(pushed.header("authorization"), "Bearer canary-2b7e-token");
        assert_eq!((pushed.header("x-credvault-event"), pushed.header("x-credvault-attempt")), ("integration.push", "1"));
        let body = pushed.json();
        assert_eq!(body["collection"], "billing");
        assert_eq!(body["records"].as_array().unwrap().len(), 1);
        assert_eq!(body["records"][0]["id"], first.as_str());
        assert_eq!(body["records"][0]["secret"], json!({"password": "canary-2b7e-1", "user": "svc"}));
        let ran = run(&admin, &one, has("succeeded")).await;
        assert_eq!(ran["id"], pushed.header("x-credvault-delivery"));
        assert_eq!((&ran["cause"], &ran["record_count"], &ran["sent_count"]), (&json!("change"), &json!(1), &json!(1)));
        let shown = admin.get(&one).await.expect(200);
        assert_eq!((shown.text("/data/status"), shown.at("/data/last_error")), ("ok".to_owned(), Value::Null));
        // Changes through any API; many of them at once are few pushes, and the last has the last.
        let cloudkeep = kluis.owner();
        let vaults = cloudkeep.get("/api/v1/vaults").await.expect(200).json();
        let vault = vaults["data"].as_array().unwrap().iter().find(|vault| vault["name"] == "billing").unwrap()["id"].clone();
        let secrets = format!("/api/v1/vaults/{}/secrets", vault.as_str().unwrap());
        for number in 0..20 {
            let body = json!({"key": format!("k{number}"), "value": "canary-2b7e-k"});
            cloudkeep.post(&secrets, body).await.expect(201);
        }
        until("the push with all", || {
            receiver.received().last().unwrap().json()["records"].as_array().unwrap().len() == 21
        }).await;
        assert!(receiver.received().len() < 12, "{}", receiver.received().len());
        run(&admin, &one, has("succeeded")).await;
        // A change that it does not select, and one of nothing: no push.
        a_while().await;
        let count = receiver.received().len();
        record(&admin, "default", "elsewhere", json!({"v": "1"})).await;
        a_while().await;
        assert_eq!(receiver.received().len(), count);
        // Who asks gets it sent, although it is there.
        let ran = synced(&admin, &one, "succeeded").await;
        assert_eq!((&ran["cause"], &ran["sent_count"]), (&json!("manual"), &json!(1)));
        assert_eq!(receiver.received().len(), count + 1);
        // Killed between the change and the sync: nothing is lost.
        changed(&admin, "billing", &first, json!({"password": "canary-2b7e-2"})).await;
        kluis.kill();
        kluis.begin().await;
        until("the push after the restart", || {
            receiver.received().last().unwrap().body.contains("canary-2b7e-2")
        }).await;
        let admin = kluis.admin_api();
        let told = hook.events("integration.synced", 1).await;
        assert_eq!((&told[0]["data"]["name"], &told[0]["data"]["records"]), (&json!("push"), &json!(1)));
        hook.events("record.revealed", 2).await;
        // The record says which secrets left, by the server's hand.
        let read = admin.get("/v1/logs?action=secret.read&actor_type=server").await.expect(200);
        assert!(read.at("/pagination/total").as_u64().unwrap() >= 22, "{}", read.string());
        // Deleted: nothing is sent any more.
        admin.delete(&one).await.expect(200);
        let count = receiver.received().len();
        changed(&admin, "billing", &first, json!({"password": "canary-2b7e-3"})).await;
        a_while().await;
        assert_eq!(receiver.received().len(), count);
        // NT-40: values are at the receiver and nowhere else.
        for answer in [
            read.string(), admin.get("/v1/jobs").await.string(), admin.get("/v1/integrations").await.string(),
            kluis.log(), shown.string(),
        ] {
            assert!(!answer.contains("canary"), "{answer}");
        }
        for delivered in hook.received() {
            assert!(!delivered.body.contains("canary"), "{}", delivered.body);
        }
    }

    /// NT-53
    async fn what_fails_is_tried_again_and_told_and_leads_nowhere_else(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let (receiver, hook, elsewhere) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
        super::webhooks::made(&admin, &hook.url(), json!(["integration.*"])).await;
        record(&admin, "default", "a", json!({"v": "canary-5c1d"})).await;
        let body = json!({"name": "push", "type": "http_push", "config": {"url": receiver.url(), "format": "env"}});
        let one = one(&made(&admin, body).await);
        receiver.always(Reply::status(500));
        let ran = synced(&admin, &one, "retrying").await;
        assert_eq!((&ran["error"], &ran["attempts"]), (&json!("The target answered 500."), &json!(1)));
        let shown = admin.get(&one).await.expect(200);
        assert_eq!((shown.text("/data/status"), shown.text("/data/last_error")), ("retrying".to_owned(), "The target answered 500.".to_owned()));
        kluis.advance_clock(12).await;
        receiver.wait_for(2).await;
        receiver.always(Reply::status(204));
        run(&admin, &one, has("retrying")).await;
        kluis.advance_clock(70).await;
        let ran = run(&admin, &one, has("succeeded")).await;
        assert_eq!(ran["attempts"], 3);
        let ids: Vec<_> = receiver.received().iter().map(|push| push.header("x-credvault-delivery").to_owned()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(receiver.received()[2].header("x-credvault-attempt"), "3");
        assert_eq!(receiver.received()[2].body, "A_V='canary-5c1d'\n");
        // A redirect is no success, and is not followed.
        receiver.always(Reply::Answer(307, format!("location: {}\r\n", elsewhere.url()), String::new()));
        let ran = synced(&admin, &one, "retrying").await;
        assert!(ran["error"].as_str().unwrap().contains("redirect"), "{ran}");
        // One that waits makes room for who asks.
        receiver.always(Reply::status(503));
        let ran = synced(&admin, &one, "retrying").await;
        let before = admin.get(&format!("{one}/runs?status=superseded")).await.expect(200);
        assert_eq!(before.at("/pagination/total"), json!(1));
        for (attempts, seconds) in [(2, 12), (3, 70), (4, 340), (5, 2_000)] {
            kluis.advance_clock(seconds).await;
            run(&admin, &one, |run| run["attempts"] == attempts && run["status"] != "running").await;
        }
        let failed = run(&admin, &one, has("failed")).await;
        assert_eq!(failed["id"], ran["id"]);
        let job = admin.get(&format!("/v1/jobs/{}", failed["job_id"].as_str().unwrap())).await.expect(200);
        assert_eq!((job.text("/data/status"), job.text("/data/error")), ("failed".to_owned(), "The target answered 503.".to_owned()));
        let told = hook.events("integration.failed", 1).await;
        assert_eq!(told[0]["data"]["error"], "The target answered 503.");
        assert_eq!(admin.get(&one).await.expect(200).text("/data/status"), "failed");
        assert_eq!(elsewhere.received().len(), 0);
        // One that hangs is given up, and one that has gone is not reached; a test says so at once.
        receiver.always(Reply::Hang);
        let tested = admin.post(&format!("{one}/test"), json!({})).await.expect(200);
        assert_eq!((tested.at("/data/ok"), tested.text("/data/error")), (json!(false), "The target cannot be reached: no answer came in time.".to_owned()));
        drop(receiver);
        let tested = admin.post(&format!("{one}/test"), json!({})).await.expect(200);
        assert!(tested.text("/data/error").starts_with("The target cannot be reached: "), "{}", tested.string());
        // Cancelled while it waits: it has failed.
        let ran = synced(&admin, &one, "retrying").await;
        admin.post(&format!("/v1/jobs/{}/cancel", ran["job_id"].as_str().unwrap()), json!({})).await.expect(200);
        let ran = run(&admin, &one, has("failed")).await;
        assert_eq!(ran["error"], "It was cancelled.");
        // What another configuration takes the place of is not tried again, and does not seem to be.
        synced(&admin, &one, "retrying").await;
        let changed = admin.patch(&one, json!({"enabled": false})).await.expect(200);
        assert_eq!(changed.text("/data/status"), "failed", "{changed}");
    }

    async fn nothing_is_sent_with_rights_that_are_gone(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let owner = kluis.admin_api();
        let receiver = Receiver::start().await;
        let maker = kluis.user("admin").await;
        record(&owner, "default", "a", json!({"v": "1"})).await;
        // Its reading is counted, so it stays.
        let oneclaw = Api::bearer(kluis.base(), kluis.dev("/tokens/oneclaw"));
        let vaults = oneclaw.get("/v1/vaults").await.expect(200).json();
        let default = vaults["vaults"].as_array().unwrap().iter().find(|vault| vault["name"] == "default").unwrap()["id"].clone();
        let default = format!("/v1/vaults/{}", default.as_str().unwrap());
        let limited = json!({"type": "password", "value": "canary-8e0c", "max_access_count": 1});
        oneclaw.put(&format!("{default}/secrets/limited"), limited).await.expect(201);
        let body = json!({"name": "push", "type": "http_push", "config": {"url": receiver.url()}});
        let one = one(&made(&maker.admin_api(), body).await);
        let ran = synced(&owner, &one, "succeeded").await;
        assert_eq!(ran["record_count"], 1);
        assert!(!receiver.received()[0].body.contains("limited"), "{}", receiver.received()[0].body);
        assert_eq!(oneclaw.get(&format!("{default}/secrets/limited")).await.expect(200).text("/value"), "canary-8e0c");
        // One secret that the user may not read stops all of it.
        let denied = json!({
            "secret_path_pattern": "a", "principal_type": "user", "principal_id": maker.id, "permissions": ["read"], "effect": "deny",
        });
        let policy = oneclaw.post(&format!("{default}/policies"), denied).await.expect(201).text("/id");
        let ran = synced(&owner, &one, "failed").await;
        assert!(ran["error"].as_str().unwrap().contains("may not read every secret"), "{ran}");
        oneclaw.delete(&format!("{default}/policies/{policy}")).await.expect(204);
        synced(&owner, &one, "succeeded").await;
        let user = format!("/v1/users/{}", maker.id);
        for change in [json!({"role": "member"}), json!({"role": "admin", "status": "disabled"})] {
            owner.patch(&user, change).await.expect(200);
            let ran = synced(&owner, &one, "failed").await;
            assert!(ran["error"].as_str().unwrap().contains("no administrator any more"), "{ran}");
        }
        owner.delete(&user).await.expect(200);
        synced(&owner, &one, "failed").await;
        assert_eq!(receiver.received().len(), 2);
        // Whoever says anew where to is the one whose rights count.
        owner.patch(&one, json!({"config": {"url": format!("{}?2", receiver.url())}})).await.expect(200);
        synced(&owner, &one, "succeeded").await;
        // A collection that goes ends it.
        collection(&owner, "gone").await;
        owner.patch(&one, json!({"selector": {"collection": "gone"}})).await.expect(200);
        owner.delete("/v1/collections/gone").await.expect(200);
        synced(&owner, &one, "failed").await;
        assert_eq!(owner.get(&one).await.expect(200).at("/data/selector/collection"), Value::Null);
    }

    /// NT-34
    async fn a_schedule_is_kept_and_a_secret_that_expires_goes(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        let (scheduled, following) = (Receiver::start().await, receiver);
        record(&admin, "default", "stays", json!({"v": "1"})).await;
        let made_of = async |name: &str, receiver: &Receiver, sync: Value| {
            let body = json!({"name": name, "type": "http_push", "config": {"url": receiver.url()}, "sync": sync});
            one(&made(&admin, body).await)
        };
        let schedule = made_of("scheduled", &scheduled, json!({"mode": "scheduled", "interval_minutes": 5})).await;
        run(&admin, &schedule, has("succeeded")).await;
        let follow = made_of("following", &following, json!({"mode": "on_change"})).await;
        run(&admin, &follow, has("succeeded")).await;
        // Nothing has changed: it looks when it is time, and sends nothing.
        kluis.advance_clock(290).await;
        a_while().await;
        assert_eq!(admin.get(&format!("{schedule}/runs")).await.expect(200).at("/pagination/total"), json!(1));
        kluis.advance_clock(15).await;
        let ran = run(&admin, &schedule, |run| run["sent_count"] == 0).await;
        assert_eq!((&ran["status"], &ran["cause"]), (&json!("succeeded"), &json!("schedule")));
        assert_eq!(scheduled.received().len(), 1);
        let now = admin.get(&follow).await.expect(200).text("/data/last_sync_at");
        let ends = format!("{}-12-31T00:00:00Z", now[..4].parse::<u32>().unwrap() + 1);
        let body = json!({"name": "ends", "secret": {"v": "2"}, "expires_at": ends});
        admin.post("/v1/resources", body).await.expect(201);
        let records = |push: usize| following.received()[push].json()["records"].as_array().unwrap().len();
        following.wait_for(2).await;
        assert_eq!(records(1), 2);
        run(&admin, &follow, has("succeeded")).await;
        kluis.advance_clock(2 * 366 * 24 * 3_600).await;
        following.wait_for(3).await;
        assert_eq!(records(2), 1);
    }
}
