//! What webhooks are told of clusters, leases and rotations (contract B7).

use serde_json::{Value, json};

use super::cluster_servers::{cluster, reaching};
use super::rotation::{FIRST, bound, rotated};
use super::webhooks::made;
use crate::harness::{Backend, DatabaseServer, Engine, Receiver, on_both};

on_both! {
    async fn what_happens_to_clusters_and_their_users_is_told_without_a_password(backend: Backend) {
        let kluis = reaching(backend).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        let events = json!(["cluster.*", "lease.*", "rotation.failed", "record.rotated"]);
        made(&admin, &receiver.url(), events).await;
        let server = DatabaseServer::start(Engine::Redis).await;
        let id = cluster(&admin, &server, server.port, json!({})).await;
        let about = |told: &[Value], id: &str| told.iter().filter(|one| one["data"]["id"] == id).count();
        assert_eq!(about(&receiver.events("cluster.created", 1).await, &id), 1);
        admin.patch(&format!("/v1/clusters/{id}"), json!({"region": "eu-1"})).await.expect(200);
        assert_eq!(about(&receiver.events("cluster.updated", 1).await, &id), 1);
        admin.post(&format!("/v1/clusters/{id}/test"), json!({})).await.expect(200);
        let changed = receiver.events("cluster.status_changed", 1).await;
        assert_eq!(changed[0]["data"]["id"], id, "{changed:?}");

        let record = bound(&admin, &server, &id, "svc_app").await;
        rotated(&admin, &id, json!({"record_id": record})).await;
        let done = receiver.events("record.rotated", 1).await;
        assert_eq!(done[0]["data"]["id"], record);
        assert_eq!(done[0]["data"]["version"], 2);
        server.run("ACL DELUSER svc_app");
        let failed = rotated(&admin, &id, json!({"record_id": record})).await;
        assert_eq!(failed.text("/data/status"), "failed", "{failed}");
        assert_eq!(about(&receiver.events("rotation.failed", 1).await, &record), 1);

        let leases = format!("/v1/clusters/{id}/leases");
        let lease = async |seconds: u64| {
            let body = json!({"template": "read-only", "ttl_seconds": seconds});
            admin.post(&leases, body).await.expect(201)
        };
        let (first, second) = (lease(60).await, lease(600).await);
        let [first_id, second_id] = [&first, &second].map(|lease| lease.text("/data/id"));
        let issued = receiver.events("lease.issued", 2).await;
        assert_eq!((about(&issued, &first_id), about(&issued, &second_id)), (1, 1));
        admin.delete(&format!("{leases}/{second_id}")).await.expect(200);
        assert_eq!(about(&receiver.events("lease.revoked", 1).await, &second_id), 1);
        kluis.advance_clock(61).await;
        assert_eq!(about(&receiver.events("lease.expired", 1).await, &first_id), 1);

        admin.delete(&format!("/v1/clusters/{id}?force=true")).await.expect(200);
        assert_eq!(about(&receiver.events("cluster.deleted", 1).await, &id), 1);
        for told in receiver.received() {
            for password in [FIRST, &first.text("/data/password"), &second.text("/data/password")] {
                assert!(!told.body.contains(password), "{}", told.body);
            }
        }
    }
}
