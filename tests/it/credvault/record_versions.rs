//! Versions of a record's secret, and restoring one (contract B3, RULES §4).

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Kluis, on_both};

const RECORDS: &str = "/v1/collections/default/records";

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.string());
    assert_eq!(answer.text("/code"), code, "{}", answer.string());
}

/// A record whose secret had the passwords `1`, `2`, … in this order.
async fn changed(api: &Api, times: u32) -> String {
    let made = api
        .post(RECORDS, json!({"name": "r", "secret": {"p": "1"}}))
        .await
        .expect(201);
    let one = format!("{RECORDS}/{}", made.text("/data/id"));
    for number in 2..=times {
        let body = json!({"secret": {"p": number.to_string()}});
        api.patch(&one, body).await.expect(200);
    }
    one
}

async fn password(api: &Api, one: &str) -> String {
    let shown = api.get(&format!("{one}?reveal=true")).await.expect(200);
    shown.text("/data/secret/p")
}

on_both! {
    async fn an_old_version_becomes_a_new_one(kluis: Kluis) {
        let api = kluis.admin_api();
        let one = changed(&api, 3).await;
        let versions = api.get(&format!("{one}/versions")).await.expect(200);
        assert_eq!(versions.at("/pagination/total"), 3);
        assert_eq!(
            versions.members("/data/0"),
            ["created_at", "created_by", "expires_at", "status", "version"]
        );
        assert_eq!(versions.at("/data/0/version"), 1);
        assert!(!versions.string().contains("secret"));
        let page = api.get(&format!("{one}/versions?sort=-created_at&limit=1")).await.expect(200);
        assert_eq!(page.at("/pagination/has_more"), true);
        let restored = api.post(&format!("{one}/restore"), json!({"version": 1})).await.expect(200);
        assert_eq!(restored.at("/data/version"), 4);
        assert!(!restored.string().contains("\"p\""));
        assert_eq!(password(&api, &one).await, "1");
        refused(&api.post(&format!("{one}/restore"), json!({"version": 9})).await, 404, "NOT_FOUND");
        for body in [json!({"version": 0}), json!({"version": -1}), json!({"version": "1"})] {
            let answer = api.post(&format!("{one}/restore"), body.clone()).await;
            assert!([400, 404].contains(&answer.status), "{body}: {}", answer.string());
        }
        refused(&api.post(&format!("{one}/restore"), json!({})).await, 400, "MISSING_PARAMETER");
    }

    /// Restoring gives no read that the version does not have left.
    async fn a_restored_version_keeps_its_expiry_and_its_remaining_reads(kluis: Kluis) {
        let (api, bearer) = (kluis.admin_api(), kluis.owner());
        let vault = crate::cloudkeep::vaults::uuid_of(&bearer.get("/api/v1/vaults").await.expect(200).text("/data/0/id"));
        let path = format!("/v1/vaults/{vault}/secrets/few");
        let put = json!({"value": "v", "max_access_count": 2, "expires_at": "2099-01-01T00:00:00Z"});
        bearer.put(&path, put).await.expect(201);
        bearer.get(&path).await.expect(200);
        bearer.put(&path, json!({"value": "w"})).await.expect(201);
        let id = api.get(RECORDS).await.expect(200).text("/data/0/id");
        let one = format!("{RECORDS}/{id}");
        let restored = api.post(&format!("{one}/restore"), json!({"version": 1})).await.expect(200);
        assert_eq!(restored.text("/data/expires_at"), "2099-01-01T00:00:00Z");
        bearer.get(&path).await.expect(200);
        bearer.get(&path).await.expect(410);
        // What is used up, expired or disabled is not brought back.
        refused(&api.post(&format!("{one}/restore"), json!({"version": 3})).await, 409, "CONFLICT");
        bearer.put(&path, json!({"value": "x", "expires_at": "2001-01-01T00:00:00Z"})).await.expect(201);
        refused(&api.post(&format!("{one}/restore"), json!({"version": 4})).await, 409, "CONFLICT");
        bearer.post(&format!("/v1/vaults/{vault}/secret-version-disable/few/2"), Value::Null).await.expect(204);
        refused(&api.post(&format!("{one}/restore"), json!({"version": 2})).await, 409, "CONFLICT");
    }

    /// Reads that go over to a new version are gone from the old one: a limit is never multiplied. NT-74
    async fn no_change_multiplies_the_reads_of_a_secret(kluis: Kluis) {
        let (api, bearer) = (kluis.admin_api(), kluis.owner());
        let vaults = bearer.get("/api/v1/vaults").await.expect(200);
        let vault = crate::cloudkeep::vaults::uuid_of(&vaults.text("/data/0/id"));
        let path = format!("/v1/vaults/{vault}/secrets/once");
        bearer.put(&path, json!({"value": "v", "max_access_count": 1})).await.expect(201);
        let id = api.get(RECORDS).await.expect(200).text("/data/0/id");
        let one = format!("{RECORDS}/{id}");
        api.post(&format!("{one}/restore"), json!({"version": 1})).await.expect(200);
        let version = async |number: u32| {
            let path = format!("/v1/vaults/{vault}/secret-version/once/{number}");
            bearer.get(&path).await
        };
        version(1).await.expect(410);
        refused(&api.post(&format!("{one}/restore"), json!({"version": 1})).await, 409, "CONFLICT");
        api.patch(&one, json!({"secret": {"more": "m"}})).await.expect(200);
        version(2).await.expect(410);
        version(3).await.expect(200);
        version(3).await.expect(410);
    }

    /// Who may write but not read restores, and learns nothing by it. NT-02
    async fn restoring_shows_nothing(kluis: Kluis) {
        let owner = kluis.admin_api();
        owner.post("/v1/collections", json!({"name": "own"})).await.expect(201);
        let records = "/v1/collections/own/records";
        let made = owner.post(records, json!({"name": "r", "secret": {"p": "canary-value"}})).await.expect(201);
        let one = format!("{records}/{}", made.text("/data/id"));
        owner.patch(&one, json!({"secret": {"p": "second-value"}})).await.expect(200);
        let writer = kluis.user("member").await;
        let vault = owner.get("/v1/collections/own").await.expect(200).text("/data/id");
        let vault = crate::cloudkeep::vaults::uuid_of(&vault.replace("collection_", "vlt_"));
        let body = json!({
            "secret_path_pattern": "**", "principal_type": "user", "principal_id": writer.id, "permissions": ["write"],
        });
        kluis.owner().post(&format!("/v1/vaults/{vault}/policies"), body).await.expect(201);
        let restored = writer.admin_api().post(&format!("{one}/restore"), json!({"version": 1})).await.expect(200);
        assert!(!restored.string().contains("value"), "{}", restored.string());
        assert_eq!(password(&owner, &one).await, "canary-value");
        let viewer = kluis.user("viewer").await.admin_api();
        refused(&viewer.post(&format!("{one}/restore"), json!({"version": 1})).await, 403, "FORBIDDEN");
    }
}
