//! Who may have what analyzed, and who sees what of it (contract B6, RULES §2).

use serde_json::{Value, json};

use super::insights::{INSIGHTS, analyzed, insights, record, weak};
use crate::harness::{Api, Kluis, on_both};

const ANALYZE: &str = "/v1/intelligence/analyze";

async fn collection(api: &Api, name: &str) {
    api.post("/v1/collections", json!({"name": name}))
        .await
        .expect(201);
}

async fn scoped(kluis: &Kluis, scopes: Value) -> Api {
    let body = json!({"name": "scoped", "scopes": scopes});
    let made = kluis
        .admin_api()
        .post("/v1/api-keys", body)
        .await
        .expect(201);
    Api::api_key(kluis.base(), made.text("/data/key"))
}

on_both! {
    async fn an_analysis_is_for_who_sees_all_of_what_is_looked_through(kluis: Kluis) {
        let admin = kluis.admin_api();
        let (member, viewer) = (kluis.user("member").await.admin_api(), kluis.user("viewer").await.admin_api());
        collection(&admin, "theirs").await;
        collection(&member, "own").await;
        let cluster = json!({"name": "c", "engine": "postgresql", "nodes": [{"host": "db.example.test"}]});
        let cluster = admin.post("/v1/clusters", cluster).await.expect(201).text("/data/id");
        let of_cluster = json!({"scope": {"cluster_id": cluster}});
        for (api, body, status) in [
            (&member, json!({}), 403),
            (&member, of_cluster.clone(), 403),
            (&member, json!({"scope": {"cluster_id": "cluster_0000000000000000000001"}}), 403),
            (&member, json!({"scope": {"collection": "theirs"}}), 404),
            (&member, json!({"scope": {"collection": "nowhere"}}), 404),
            (&viewer, json!({"scope": {"collection": "default"}}), 403),
            (&admin, json!({"scope": {"collection": "nowhere"}}), 404),
            (&admin, json!({"scope": {"cluster_id": "cluster_0000000000000000000001"}}), 404),
            (&admin, json!({"scope": {"cluster_id": "x"}}), 404),
        ] {
            api.post(ANALYZE, body).await.expect(status);
        }
        for scope in [json!("default"), json!({}), json!({"collection": "default", "cluster_id": cluster}), json!([])] {
            let refused = admin.post(ANALYZE, json!({"scope": scope})).await.expect(400);
            assert_eq!(refused.text("/code"), "INVALID_PARAMETER", "{scope}");
        }
        for checks in [json!(["weak"]), json!([]), json!("weak_secret"), json!([7])] {
            admin.post(ANALYZE, json!({"checks": checks})).await.expect(400);
        }
        analyzed(&member, json!({"scope": {"collection": "own"}})).await;
        analyzed(&member, json!({"scope": {"collection": "default"}})).await;
        analyzed(&kluis.user("admin").await.admin_api(), of_cluster).await;
        let whole = analyzed(&admin, json!({"scope": null})).await;
        assert_eq!(whole.at("/data/result/checks").as_array().unwrap().len(), 7);
        // What is no matter of a part is left out of one, and the result says so; how many were found it does not.
        let checks = json!(["weak_secret", "access_anomaly", "over_privileged_key"]);
        let part = analyzed(&admin, json!({"scope": {"collection": "own"}, "checks": checks})).await;
        assert_eq!(part.at("/data/result"), json!({
            "checks": ["weak_secret"], "not_of_a_part": ["access_anomaly", "over_privileged_key"], "records": 0, "left_out": 0,
        }));
    }

    async fn analyses_need_their_scopes_and_do_not_pile_up(kluis: Kluis) {
        let admin = kluis.admin_api();
        for (scopes, list, analyze) in [
            (json!(["metadata:read"]), 200, 403),
            (json!(["experiment:write"]), 403, 202),
            (json!(["database:read"]), 403, 403),
            (json!(["settings:modify"]), 403, 403),
            (json!([]), 403, 403),
        ] {
            let key = scoped(&kluis, scopes).await;
            for path in ["insights", "anomalies", "recommendations"] {
                key.get(&format!("/v1/intelligence/{path}")).await.expect(list);
            }
            let asked = key.post(ANALYZE, json!({"checks": ["expiring_secret"]})).await.expect(analyze);
            if asked.status == 202 {
                super::rotation::ended(&admin, &asked.text("/data/id")).await;
            }
        }
        // Nobody keeps more than two waiting: asked for at once, some are refused, and none is lost.
        let asked: Vec<_> = (0..12)
            .map(|_| {
                let admin = admin.clone();
                tokio::spawn(async move { admin.post(ANALYZE, json!({})).await })
            })
            .collect();
        for asked in asked {
            let answer = asked.await.unwrap();
            assert!([202, 409].contains(&answer.status), "{answer}");
            if answer.status == 202 {
                super::rotation::ended(&admin, &answer.text("/data/id")).await;
            }
        }
    }

    async fn insights_are_seen_within_what_is_seen_of_the_records(kluis: Kluis) {
        let admin = kluis.admin_api();
        let (member, viewer) = (kluis.user("member").await, kluis.user("viewer").await.admin_api());
        let (member, member_id) = (member.admin_api(), member.id.clone());
        let stranger = kluis.stranger().await.admin_api();
        collection(&admin, "theirs").await;
        let hidden = weak(&admin, "theirs", "hidden").await;
        let shared = weak(&admin, "default", "shared").await;
        analyzed(&admin, json!({"checks": ["weak_secret", "reused_secret"]})).await;
        assert_eq!(insights(&admin, "").await.len(), 4);
        // Two have the same value; the member reads one of them, and is not told that there is another.
        let seen = insights(&member, "").await;
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!((&seen[0]["kind"], &seen[0]["resource_id"]), (&json!("weak_secret"), &json!(shared)));
        assert_eq!(seen[0]["evidence"]["bound_bits"], json!(36));
        let reused = &insights(&admin, &format!("kind=reused_secret&resource_id={shared}")).await[0];
        assert_eq!(reused["evidence"], json!({"record_count": 2, "other_record_ids": [hidden]}));
        let at = format!("{INSIGHTS}/{}", reused["id"].as_str().unwrap());
        for (api, status) in [(&admin, 200), (&member, 404), (&viewer, 404), (&stranger, 404)] {
            api.get(&at).await.expect(status);
        }
        let vote = json!({"insight_id": reused["id"], "useful": true});
        member.post("/v1/intelligence/feedback", vote).await.expect(404);
        // A viewer sees the names of both, and how grave it is, and no more.
        let seen = insights(&viewer, "").await;
        assert_eq!(seen.len(), 2);
        for insight in &seen {
            assert_eq!((&insight["kind"], &insight["evidence"]), (&json!("weak_secret"), &json!({})));
            let score = insight["score"].as_f64().unwrap();
            assert!([0.0, 0.25, 0.5, 0.75].contains(&score), "{score}");
            assert!(!insight["summary"].as_str().unwrap().contains("bits"));
        }
        // As is what a key sees that may not read values.
        let names_only = scoped(&kluis, json!(["metadata:read"])).await;
        let seen = insights(&names_only, "").await;
        assert!(seen.len() == 2 && seen.iter().all(|one| one["evidence"] == json!({})), "{seen:?}");
        assert_eq!(insights(&stranger, "").await.len(), 0);
        for (api, status) in [(&member, 403), (&viewer, 403), (&stranger, 404)] {
            let path = format!("{INSIGHTS}/{}", insights(&member, "").await[0]["id"].as_str().unwrap());
            api.patch(&path, json!({"status": "dismissed"})).await.expect(status);
        }
        // Recommendations rest on what is seen.
        let of = |api: Api| async move { api.get("/v1/intelligence/recommendations").await.expect(200).at("/pagination/total") };
        assert_eq!((of(admin.clone()).await, of(member.clone()).await, of(stranger).await), (json!(2), json!(1), json!(0)));

        // With a policy that lets it read the other, the member is told of both.
        let vaults = kluis.owner().get("/v1/vaults").await.expect(200).json();
        let theirs = vaults["vaults"].as_array().unwrap().iter().find(|vault| vault["name"] == "theirs").unwrap();
        let policy = json!({"secret_path_pattern": "**", "principal_type": "user", "principal_id": crate::cloudkeep::vaults::uuid_of(&member_id), "permissions": ["read"]});
        kluis.owner().post(&format!("/v1/vaults/{}/policies", theirs["id"].as_str().unwrap()), policy).await.expect(201);
        assert_eq!(insights(&member, "kind=reused_secret").await.len(), 2);
    }

    /// Somebody writes guesses, and has them looked at: nothing tells which one is another's password.
    async fn guesses_are_not_answered_by_reuse(kluis: Kluis) {
        let admin = kluis.admin_api();
        let member = kluis.user("member").await.admin_api();
        collection(&admin, "theirs").await;
        collection(&member, "guesses").await;
        record(&admin, "theirs", "real", "password", json!({"password": "The-Real-One-2931"})).await;
        let right = record(&member, "guesses", "right", "password", json!({"password": "The-Real-One-2931"})).await;
        let wrong = record(&member, "guesses", "wrong", "password", json!({"password": "The-Real-One-2932"})).await;
        let told = async || {
            let job = analyzed(&member, json!({"scope": {"collection": "guesses"}})).await;
            let of = async |id: &str| {
                let seen = insights(&member, &format!("resource_id={id}")).await;
                seen.iter().map(|one| (one["kind"].clone(), one["score"].clone(), one["status"].clone())).collect::<Vec<_>>()
            };
            let mut result = job.at("/data/result");
            // When it began, in seconds.
            result.as_object_mut().unwrap().remove("record_from");
            (result, of(&right).await, of(&wrong).await)
        };
        let (before, right_before, wrong_before) = told().await;
        assert_eq!(right_before, wrong_before);
        let hook = json!({"url": "https://hooks.example.com/", "events": ["insight.*"]});
        let hook = admin.post("/v1/webhooks", hook).await.expect(201).text("/data/id");
        let whole = analyzed(&admin, json!({})).await;
        assert_eq!(insights(&admin, "kind=reused_secret").await.len(), 2);
        // Neither a count nor an event says so: others read those too.
        assert_eq!(whole.at("/data/result/found/reused_secret"), Value::Null, "{whole}");
        let log = admin.get(&format!("/v1/webhooks/{hook}/deliveries")).await.expect(200);
        assert!(!log.string().contains("reused_secret"), "{log}");
        let (after, right_after, wrong_after) = told().await;
        assert_eq!((before, right_after.len()), (after, wrong_after.len()));
        assert_eq!(right_after, wrong_after);
        // And what was known of all stays known when a part is looked at.
        assert_eq!(insights(&admin, "kind=reused_secret&status=open").await.len(), 2);
    }
}
