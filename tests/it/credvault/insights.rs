//! `/v1/intelligence/{analyze,insights,recommendations,feedback}`: what becomes of insights (contract B6).

use std::time::Duration;

use serde_json::{Value, json};

use super::rotation::ended;
use super::webhooks::made;
use crate::harness::{Answer, Api, Backend, Receiver, on_both};

pub(super) const INSIGHTS: &str = "/v1/intelligence/insights";
pub(super) const DAY: u64 = 24 * 60 * 60;
const FEEDBACK: &str = "/v1/intelligence/feedback";

/// The job of an analysis, when it has succeeded.
pub(super) async fn analyzed(api: &Api, body: Value) -> Answer {
    let job = api.post("/v1/intelligence/analyze", body).await.expect(202);
    assert_eq!(job.text("/data/kind"), "analysis");
    let ended = ended(api, &job.text("/data/id")).await;
    assert_eq!(ended.text("/data/status"), "succeeded", "{ended}");
    ended
}

/// The insights that the caller sees and that are like `query`.
pub(super) async fn insights(api: &Api, query: &str) -> Vec<Value> {
    let listed = api
        .get(&format!("{INSIGHTS}?limit=200&{query}"))
        .await
        .expect(200);
    listed.at("/data").as_array().unwrap().clone()
}

/// A record of a collection; its id.
pub(super) async fn record(
    api: &Api,
    collection: &str,
    name: &str,
    kind: &str,
    secret: Value,
) -> String {
    let body = json!({"name": name, "type": kind, "secret": secret});
    let path = format!("/v1/collections/{collection}/records");
    api.post(&path, body).await.expect(201).text("/data/id")
}

pub(super) async fn weak(api: &Api, collection: &str, name: &str) -> String {
    record(
        api,
        collection,
        name,
        "password",
        json!({"password": "hunter2"}),
    )
    .await
}

/// The only insight of a kind about a record.
async fn only(api: &Api, kind: &str, record: &str) -> Value {
    let found = insights(api, &format!("kind={kind}&resource_id={record}")).await;
    let [one] = found.as_slice() else {
        panic!("{found:?}")
    };
    one.clone()
}

async fn stands(api: &Api, insight: &Value) -> String {
    let id = insight["id"].as_str().unwrap();
    api.get(&format!("{INSIGHTS}/{id}"))
        .await
        .expect(200)
        .text("/data/status")
}

async fn put_down(api: &Api, insight: &Value, status: &str) -> Answer {
    let path = format!("{INSIGHTS}/{}", insight["id"].as_str().unwrap());
    api.patch(&path, json!({"status": status})).await
}

on_both! {
    /// NT-40
    async fn an_insight_opens_and_is_resolved_by_itself_and_both_are_told(backend: Backend) {
        let kluis = backend.start_with(&["--allow-loopback-webhooks", "--test-clock", "--log-level", "trace"]).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        made(&admin, &receiver.url(), json!(["insight.*"])).await;
        let canary = "canary7";
        let secret = json!({"password": canary, "username": "svc"});
        let id = record(&admin, "default", "billing-rw", "database", secret).await;
        let job = analyzed(&admin, json!({"checks": ["weak_secret"]})).await;
        assert_eq!(job.at("/data/result"), json!({
            "checks": ["weak_secret"], "not_of_a_part": [], "records": 1, "left_out": 0, "found": {"weak_secret": 1},
        }));
        let insight = only(&admin, "weak_secret", &id).await;
        for (member, expected) in [
            ("resource_id", json!(id)), ("resource_type", json!("record")), ("resource_name", json!("billing-rw")),
            ("collection", json!("default")), ("status", json!("open")), ("resolved_at", Value::Null),
        ] {
            assert_eq!(insight[member], expected, "{member}");
        }
        assert_eq!(insight["evidence"]["member"], "password");
        assert_eq!(insight["evidence"]["judged_as"], "password");
        assert!(insight["score"].as_f64().unwrap() > 0.25);
        let opened = receiver.events("insight.opened", 1).await;
        assert_eq!(opened[0]["data"]["id"], insight["id"]);
        assert_eq!((&opened[0]["data"]["kind"], &opened[0]["data"]["name"]), (&json!("weak_secret"), &json!("billing-rw")));

        // Found again: still the same, told once.
        analyzed(&admin, json!({"checks": ["weak_secret"]})).await;
        assert_eq!(only(&admin, "weak_secret", &id).await, insight);
        let strong = json!({"secret": {"password": "kV7pWn3cXt9QbH2mLz5R"}});
        admin.patch(&format!("/v1/resources/{id}"), strong).await.expect(200);
        analyzed(&admin, json!({"scope": {"collection": "default"}})).await;
        let resolved = only(&admin, "weak_secret", &id).await;
        assert_eq!(resolved["status"], "resolved");
        assert_ne!(resolved["resolved_at"], Value::Null);
        receiver.events("insight.resolved", 1).await;
        assert_eq!(receiver.events("insight.opened", 1).await.len(), 1);

        // A deleted record takes its insights along.
        admin.delete(&format!("/v1/resources/{id}")).await.expect(200);
        assert_eq!(insights(&admin, "").await, Vec::<Value>::new());
        let events = kluis.owner().get("/v1/audit/events?limit=1000").await.expect(200);
        for told in [events.string(), kluis.log(), insight.to_string(), format!("{:?}", receiver.received())] {
            assert!(!told.contains(canary), "{told}");
        }
    }

    async fn what_is_put_down_stays_down_while_it_rests_on_the_same(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let admin = kluis.admin_api();
        let checks = json!({"checks": ["weak_secret"]});
        for (number, status) in ["acknowledged", "dismissed"].into_iter().enumerate() {
            let id = weak(&admin, "default", status).await;
            analyzed(&admin, checks.clone()).await;
            let insight = only(&admin, "weak_secret", &id).await;
            let changed = put_down(&admin, &insight, status).await.expect(200);
            assert_eq!(changed.text("/data/status"), status);
            kluis.advance_clock(DAY).await;
            analyzed(&admin, checks.clone()).await;
            assert_eq!(stands(&admin, &insight).await, status);
            let another = json!({"secret": {"password": format!("hunter{}", number + 3)}});
            admin.patch(&format!("/v1/resources/{id}"), another).await.expect(200);
            analyzed(&admin, checks.clone()).await;
            let again = only(&admin, "weak_secret", &id).await;
            assert_eq!((&again["id"], &again["status"]), (&insight["id"], &json!("open")));
            assert_ne!(again["detected_at"], insight["detected_at"]);
            // What is said to be resolved and is not comes back.
            put_down(&admin, &insight, "resolved").await.expect(200);
            analyzed(&admin, checks.clone()).await;
            assert_eq!(stands(&admin, &insight).await, "open");
        }
        let insight = &insights(&admin, "kind=weak_secret").await[0];
        for body in [json!({"status": "done"}), json!({"status": null}), json!({"status": 5}), json!([])] {
            let path = format!("{INSIGHTS}/{}", insight["id"].as_str().unwrap());
            admin.patch(&path, body.clone()).await.expect(400);
        }
        admin.patch(&format!("{INSIGHTS}/insight_0000000000000000000001"), json!({"status": "open"})).await.expect(404);
    }

    async fn lists_are_filtered_sorted_and_paged_and_lead_to_actions(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let admin = kluis.admin_api();
        admin.post("/v1/collections", json!({"name": "billing"})).await.expect(201);
        let one = weak(&admin, "billing", "one").await;
        let two = weak(&admin, "default", "two").await;
        let token = json!({"token": "kV7pWn3cXt9QbH2mLz5RxY8s"});
        let three = record(&admin, "default", "three", "api_key", token).await;
        kluis.advance_clock(200 * DAY).await;
        analyzed(&admin, json!({"checks": ["weak_secret", "reused_secret", "stale_secret"]})).await;
        let kinds = |found: &[Value]| {
            let mut kinds: Vec<String> = found.iter().map(|one| one["kind"].to_string()).collect();
            kinds.dedup();
            kinds.len()
        };
        assert_eq!(insights(&admin, "kind=weak_secret").await.len(), 2);
        assert_eq!(insights(&admin, "kind=weak_secret,stale_secret").await.len(), 5);
        assert_eq!(insights(&admin, "collection=billing").await.len(), 3);
        assert_eq!(insights(&admin, &format!("resource_id={three}")).await.len(), 1);
        assert_eq!(insights(&admin, "status=resolved,dismissed").await.len(), 0);
        assert_eq!(insights(&admin, "detected_after=2099-01-01").await.len(), 0);
        assert_eq!(insights(&admin, "created_before=2099-01-01").await.len(), 7);
        assert!(kinds(&insights(&admin, "sort=kind").await) == 3);
        let scores: Vec<f64> = insights(&admin, "sort=-score").await.iter().map(|one| one["score"].as_f64().unwrap()).collect();
        assert!(scores.is_sorted_by(|one, other| one >= other), "{scores:?}");
        let first = admin.get(&format!("{INSIGHTS}?limit=4&sort=-score,kind")).await.expect(200);
        let cursor = first.text("/pagination/next_cursor");
        let rest = admin.get(&format!("{INSIGHTS}?limit=4&sort=-score,kind&cursor={cursor}")).await.expect(200);
        assert_eq!((first.at("/pagination/total"), rest.at("/data").as_array().unwrap().len()), (json!(7), 3));
        admin.get(&format!("/v1/intelligence/anomalies?limit=4&sort=-score,kind&cursor={cursor}")).await.expect(400);
        for query in ["kind_contains=x", "score=1", "evidence=x", "sort=evidence"] {
            admin.get(&format!("{INSIGHTS}?{query}")).await.expect(400);
        }
        assert_eq!(admin.get("/v1/intelligence/anomalies").await.expect(200).at("/data"), json!([]));

        // One action for all that there is about a record, the weightiest first.
        let listed = admin.get("/v1/intelligence/recommendations").await.expect(200);
        let actions = listed.at("/data").as_array().unwrap().clone();
        assert_eq!(actions.len(), 3);
        assert_eq!(actions[2]["resource_id"], json!(three));
        let resources = [&actions[0], &actions[1]].map(|one| one["resource_id"].as_str().unwrap().to_owned());
        assert!(resources.contains(&one) && resources.contains(&two));
        for (rank, action) in (1..).zip(&actions) {
            assert_eq!((&action["rank"], &action["action"]), (&json!(rank), &json!("rotate_secret")));
        }
        assert_eq!(actions[0]["insight_ids"].as_array().unwrap().len(), 3);
        let again = admin.get("/v1/intelligence/recommendations").await.expect(200);
        assert_eq!(again.json(), listed.json());
        for insight in insights(&admin, &format!("resource_id={three}")).await {
            put_down(&admin, &insight, "dismissed").await.expect(200);
        }
        let fewer = admin.get("/v1/intelligence/recommendations?severity=low,medium,high,critical").await.expect(200);
        assert_eq!(fewer.at("/pagination/total"), json!(2));
    }

    async fn feedback_moves_a_bound_once_for_each_person_and_not_beyond(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let admin = kluis.admin_api();
        let stale = json!({"checks": ["stale_secret"]});
        for name in ["a", "b", "c", "d", "e"] {
            weak(&admin, "default", name).await;
        }
        kluis.advance_clock(91 * DAY).await;
        analyzed(&admin, stale.clone()).await;
        let found = insights(&admin, "kind=stale_secret").await;
        assert_eq!(found.len(), 5);
        assert_eq!(found[0]["evidence"]["bound_days"], 90);
        let vote = async |api: &Api, insight: &Value, useful: bool| {
            let voted = api.post(FEEDBACK, json!({"insight_id": insight["id"], "useful": useful})).await.expect(200);
            assert_eq!(voted.text("/data/kind"), "stale_secret");
            voted.at("/data/threshold_percent")
        };
        assert_eq!(vote(&admin, &found[0], false).await, json!(110));
        // Said twice is said once, and can be taken back.
        assert_eq!(vote(&admin, &found[0], false).await, json!(110));
        assert_eq!(vote(&admin, &found[0], true).await, json!(90));
        for insight in &found {
            vote(&admin, insight, false).await;
        }
        assert_eq!(vote(&admin, &found[0], false).await, json!(120));
        let members = [kluis.user("member").await.admin_api(), kluis.user("member").await.admin_api(), kluis.user("member").await.admin_api()];
        for member in &members {
            for insight in &found {
                vote(member, insight, false).await;
            }
        }
        assert_eq!(vote(&admin, &found[0], false).await, json!(140));
        analyzed(&admin, stale.clone()).await;
        assert_eq!(insights(&admin, "kind=stale_secret&status=open").await.len(), 0);
        kluis.advance_clock(35 * DAY).await;
        analyzed(&admin, stale.clone()).await;
        let moved = insights(&admin, "kind=stale_secret&status=open").await;
        assert_eq!((moved.len(), &moved[0]["evidence"]["bound_days"]), (5, &json!(126)));
        for (body, status) in [
            (json!({"insight_id": found[0]["id"]}), 400),
            (json!({"useful": true}), 400),
            (json!({"insight_id": found[0]["id"], "useful": "yes"}), 400),
            (json!({"insight_id": "insight_0000000000000000000001", "useful": true}), 404),
            (json!({"insight_id": "x", "useful": true}), 404),
        ] {
            admin.post(FEEDBACK, body).await.expect(status);
        }
        let missing = admin.post(FEEDBACK, json!({"useful": true})).await.expect(400);
        assert_eq!(missing.text("/code"), "MISSING_PARAMETER");
    }

    /// Killed in the middle, the analysis goes on where it was, and judges by the time at which it began.
    async fn a_killed_analysis_is_finished_after_the_next_start(backend: Backend) {
        let mut kluis = backend.start_with(&["--test-clock"]).await;
        let admin = kluis.admin_api();
        admin.post("/v1/collections", json!({"name": "many"})).await.expect(201);
        for portion in 0..4 {
            let records: Vec<Value> = (0..100)
                .map(|number| json!({"name": format!("r{portion}-{number}"), "type": "password", "secret": {"password": format!("Sommer-{portion}{number}-Regen")}}))
                .collect();
            admin.post("/v1/collections/many/records", json!(records)).await.expect(201);
        }
        let job = admin.post("/v1/intelligence/analyze", json!({})).await.expect(202).text("/data/id");
        for _ in 0..200 {
            let read = admin.get(&format!("/v1/jobs/{job}")).await.expect(200);
            if read.at("/data/progress").as_u64().unwrap() > 5 || read.text("/data/status") == "succeeded" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        kluis.kill();
        kluis.begin().await;
        let admin = kluis.admin_api();
        if backend == Backend::Postgres {
            // Nobody says any more that it is run.
            kluis.advance_clock(61).await;
        }
        let ended = ended(&admin, &job).await;
        assert_eq!(ended.text("/data/status"), "succeeded", "{ended}");
        assert_eq!(ended.at("/data/result/records"), json!(400));
        let found = ended.at("/data/result/found/weak_secret").as_u64().unwrap_or(0);
        let listed = admin.get(&format!("{INSIGHTS}?kind=weak_secret&limit=1")).await.expect(200);
        assert_eq!(listed.at("/pagination/total"), json!(found));
    }
}
