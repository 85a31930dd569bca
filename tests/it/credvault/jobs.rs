//! `/v1/jobs`.

use serde_json::json;

use crate::harness::{Api, Kluis, on_both};

on_both! {
    async fn a_list_of_no_jobs_is_a_list(kluis: Kluis) {
        let admin = kluis.admin_api();
        let listed = admin.get("/v1/jobs?status=queued,running&sort=-finished_at").await.expect(200);
        assert_eq!(listed.at("/data"), json!([]));
        assert_eq!(listed.at("/pagination/total"), json!(0));
        for role in ["admin", "member", "viewer"] {
            let caller = kluis.user(role).await.admin_api();
            caller.get("/v1/jobs").await.expect(200);
        }
        for query in ["payload=x", "sort=result", "kind_contains=x"] {
            let refused = admin.get(&format!("/v1/jobs?{query}")).await.expect(400);
            assert_eq!(refused.text("/code"), "INVALID_PARAMETER", "{query}");
        }
    }

    async fn a_job_that_is_not_there_is_neither_read_nor_cancelled(kluis: Kluis) {
        let admin = kluis.admin_api();
        for id in ["job_0000000000000000000001", "cluster_0000000000000000000001", "x"] {
            let read = admin.get(&format!("/v1/jobs/{id}")).await.expect(404);
            assert_eq!(read.text("/code"), "NOT_FOUND");
            admin.post(&format!("/v1/jobs/{id}/cancel"), json!({})).await.expect(404);
        }
    }

    async fn jobs_need_their_scopes(kluis: Kluis) {
        let admin = kluis.admin_api();
        for (scopes, list, cancel) in [
            (json!(["metadata:read"]), 200, 403),
            (json!(["database:read"]), 403, 403),
            (json!(["orchestration:execute"]), 403, 404),
            (json!(["settings:modify"]), 403, 404),
            (json!(["experiment:write"]), 403, 404),
            (json!([]), 403, 403),
        ] {
            let body = json!({"name": "x", "scopes": scopes});
            let key = admin.post("/v1/api-keys", body).await.expect(201).text("/data/key");
            let scoped = Api::api_key(kluis.base(), key);
            scoped.get("/v1/jobs").await.expect(list);
            let job = "/v1/jobs/job_0000000000000000000001/cancel";
            scoped.post(job, json!({})).await.expect(cancel);
        }
        let viewer = kluis.user("viewer").await.admin_api();
        let job = "/v1/jobs/job_0000000000000000000001/cancel";
        viewer.post(job, json!({})).await.expect(403);
    }
}
