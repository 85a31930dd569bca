//! `createdAt` and `updatedAt` (CloudKeep contract §1, §5).

use serde_json::{Value, json};

use crate::harness::{Answer, Backend, on_both};

/// The two times of an object; both are RFC 3339 in UTC with whole seconds.
#[track_caller]
fn times(answer: &Answer, object: &str) -> (String, String) {
    let time = |member: &str| {
        let time = answer.text(&format!("{object}/{member}"));
        let shape: String = time
            .chars()
            .map(|one| if one.is_ascii_digit() { '0' } else { one })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00Z", "{answer}");
        time
    };
    (time("createdAt"), time("updatedAt"))
}

on_both! {
    /// CloudKeep contract §5: adding, changing or removing secrets does not move a vault's `updatedAt`.
    async fn a_vaults_updated_at_moves_with_its_own_fields_alone(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let owner = kluis.owner();
        let made = owner.post("/api/v1/vaults", json!({"name": "a"})).await.expect(201);
        let path = format!("/api/v1/vaults/{}", made.text("/data/id"));
        let secrets = format!("{path}/secrets");
        let (created, mut updated) = times(&made, "/data");
        assert_eq!(created, updated);
        kluis.advance_clock(100).await;
        let body = json!({"key": "A", "value": "1"});
        let one = format!("{secrets}/{}", owner.post(&secrets, body).await.expect(201).text("/data/id"));
        owner.patch(&one, json!({"value": "2"})).await.expect(200);
        owner.patch(&path, json!({"name": ""})).await.expect(400);
        owner.patch(&path, json!({"name": "default"})).await.expect(409);
        let seen = owner.get(&path).await.expect(200);
        assert_eq!(seen.at("/data/secretCount"), 1);
        assert_eq!(times(&seen, "/data"), (created.clone(), updated.clone()));
        owner.delete(&one).await.expect(204);
        let seen = owner.get(&path).await.expect(200);
        assert_eq!(seen.at("/data/secretCount"), 0);
        assert_eq!(times(&seen, "/data"), (created.clone(), updated.clone()));
        for change in [json!({"name": "b"}), json!({"description": "c"})] {
            kluis.advance_clock(100).await;
            let changed = owner.patch(&path, change.clone()).await.expect(200);
            let (still, moved) = times(&changed, "/data");
            assert_eq!(still, created, "{change}");
            assert!(moved > updated, "{change}: {changed}");
            updated = moved;
            assert_eq!(owner.get(&path).await.expect(200).json(), changed.json());
        }
        let list = owner.get("/api/v1/vaults").await.expect(200);
        assert_eq!(times(&list, "/data/1"), (created, updated));
    }

    async fn a_secrets_updated_at_moves_with_each_change_and_with_no_look(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let owner = kluis.owner();
        let made = owner.post("/api/v1/vaults", json!({"name": "a"})).await.expect(201);
        let secrets = format!("/api/v1/vaults/{}/secrets", made.text("/data/id"));
        let body = json!({"key": "A", "value": "1"});
        let made = owner.post(&secrets, body).await.expect(201);
        let (created, mut updated) = times(&made, "/data");
        let one = format!("{secrets}/{}", made.text("/data/id"));
        kluis.advance_clock(100).await;
        owner.post(&secrets, json!({"key": "A", "value": "2"})).await.expect(409);
        owner.patch(&one, json!({"value": Value::Null})).await.expect(400);
        let read = owner.get(&one).await.expect(200);
        assert_eq!(times(&read, "/data"), (created.clone(), updated.clone()));
        let list = owner.get(&secrets).await.expect(200);
        assert_eq!(times(&list, "/data/0"), (created.clone(), updated.clone()));
        for change in [json!({"value": "2"}), json!({"type": "note"}), json!({"notes": "n"})] {
            kluis.advance_clock(100).await;
            let changed = owner.patch(&one, change.clone()).await.expect(200);
            let (still, moved) = times(&changed, "/data");
            assert_eq!(still, created, "{change}");
            assert!(moved > updated, "{change}: {changed}");
            updated = moved;
            assert_eq!(owner.get(&one).await.expect(200).json(), changed.json());
        }
        let list = owner.get(&secrets).await.expect(200);
        assert_eq!(times(&list, "/data/0"), (created, updated));
    }
}
