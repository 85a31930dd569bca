//! `/v1/collections` (contract B3): vaults, found by name.

use serde_json::json;

use crate::harness::{Answer, Kluis, on_both};

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.string());
    assert_eq!(answer.text("/code"), code, "{}", answer.string());
}

on_both! {
    async fn a_collection_is_made_found_by_name_renamed_and_deleted(kluis: Kluis) {
        let api = kluis.admin_api();
        let made = api.post("/v1/collections", json!({"name": "billing", "description": "d"})).await.expect(201);
        assert_eq!(
            made.members("/data"),
            ["created_at", "description", "id", "name", "record_count", "updated_at"]
        );
        assert!(made.text("/data/id").starts_with("collection_"));
        refused(&api.post("/v1/collections", json!({"name": "billing"})).await, 409, "ALREADY_EXISTS");
        assert_eq!(api.get("/v1/collections/billing").await.expect(200).json(), made.json());
        let list = api.get("/v1/collections?sort=name").await.expect(200);
        assert_eq!(list.text("/data/0/name"), "billing");
        assert_eq!(list.text("/data/1/name"), "default");
        let renamed = api.patch("/v1/collections/billing", json!({"name": "bills", "description": null})).await.expect(200);
        assert_eq!(renamed.text("/data/id"), made.text("/data/id"));
        assert_eq!(renamed.text("/data/description"), "");
        refused(&api.get("/v1/collections/billing").await, 404, "NOT_FOUND");

        let record = api.post("/v1/collections/bills/records", json!({"name": "r"})).await.expect(201);
        assert_eq!(record.text("/data/collection"), "bills");
        assert_eq!(api.get("/v1/collections/bills").await.expect(200).at("/data/record_count"), 1);
        refused(&api.delete("/v1/collections/bills").await, 409, "CONFLICT");
        refused(&api.delete("/v1/collections/bills?force=maybe").await, 400, "INVALID_PARAMETER");
        let gone = api.delete("/v1/collections/bills?force=true").await.expect(200);
        assert_eq!(gone.at("/data"), json!({"id": made.text("/data/id"), "deleted": true}));
        refused(&api.delete("/v1/collections/bills").await, 404, "NOT_FOUND");
        refused(&api.get("/v1/collections/bills/records").await, 404, "NOT_FOUND");
        refused(&api.delete("/v1/collections/default?force=true").await, 409, "CONFLICT");
        refused(&api.patch("/v1/collections/default", json!({"name": "main"})).await, 409, "CONFLICT");
    }

    /// What can still be restored, or is a variable, is something in it.
    async fn a_collection_that_looks_empty_is_not_deleted_with_what_is_left_in_it(kluis: Kluis) {
        let (api, bearer) = (kluis.admin_api(), kluis.owner());
        let made = api.post("/v1/collections", json!({"name": "closing"})).await.expect(201);
        let vault = crate::cloudkeep::vaults::uuid_of(&made.text("/data/id").replace("collection_", "vlt_"));
        let path = format!("/v1/vaults/{vault}/secrets/a");
        bearer.put(&path, json!({"value": "v"})).await.expect(201);
        bearer.delete(&path).await.expect(204);
        refused(&api.delete("/v1/collections/closing").await, 409, "CONFLICT");
        api.delete("/v1/collections/closing?force=true").await.expect(200);
        let made = api.post("/v1/collections", json!({"name": "variables"})).await.expect(201);
        let vault = crate::cloudkeep::vaults::uuid_of(&made.text("/data/id").replace("collection_", "vlt_"));
        let body = json!({"key": "KEY", "value": "v"});
        bearer.post(&format!("/v1/vaults/{vault}/env-vars"), body).await.expect(201);
        refused(&api.delete("/v1/collections/variables").await, 409, "CONFLICT");
        api.post("/v1/collections", json!({"name": "empty"})).await.expect(201);
        api.delete("/v1/collections/empty").await.expect(200);
    }
}

#[tokio::test]
async fn a_collection_made_here_has_a_narrow_name_and_any_vault_is_found() {
    let kluis = Kluis::start().await;
    let (api, bearer) = (kluis.admin_api(), kluis.owner());
    let long = "x".repeat(65);
    for name in [
        "",
        "A",
        "1a",
        "a b",
        "a.b",
        "ä",
        "__agent-keys",
        long.as_str(),
    ] {
        let answer = api.post("/v1/collections", json!({"name": name})).await;
        refused(&answer, 400, "INVALID_PARAMETER");
    }
    let missing = api.post("/v1/collections", json!({})).await;
    refused(&missing, 400, "MISSING_PARAMETER");
    let longest = "x".repeat(64);
    api.post("/v1/collections", json!({"name": longest}))
        .await
        .expect(201);
    bearer
        .post("/api/v1/vaults", json!({"name": "Ünser Lager/1"}))
        .await
        .expect(201);
    let path = "/v1/collections/%C3%9Cnser%20Lager%2F1";
    assert_eq!(
        api.get(path).await.expect(200).text("/data/name"),
        "Ünser Lager/1"
    );
    api.post(&format!("{path}/records"), json!({"name": "r"}))
        .await
        .expect(201);
    refused(
        &api.get("/v1/collections/__agent-keys").await,
        404,
        "NOT_FOUND",
    );
}

/// NT-44, RULES §2 and §3
#[tokio::test]
async fn a_collection_out_of_reach_is_as_absent() {
    let kluis = Kluis::start().await;
    let owner = kluis.admin_api();
    owner
        .post("/v1/collections", json!({"name": "closed"}))
        .await
        .expect(201);
    let record = owner
        .post(
            "/v1/collections/closed/records",
            json!({"name": "r", "secret": {"p": "1"}}),
        )
        .await;
    let id = record.expect(201).text("/data/id");
    let member = kluis.user("member").await.admin_api();
    let stranger = kluis.stranger().await.admin_api();
    for api in [&member, &stranger] {
        for (method, suffix, body) in [
            ("GET", String::new(), None),
            ("PATCH", String::new(), Some(json!({"description": "x"}))),
            ("DELETE", "?force=true".to_owned(), None),
            ("GET", "/records".to_owned(), None),
            ("POST", "/records".to_owned(), Some(json!({"name": "x"}))),
            ("POST", "/query".to_owned(), Some(json!({}))),
            (
                "POST",
                "/delete".to_owned(),
                Some(json!({"filter": {"name": "r"}})),
            ),
            ("GET", format!("/records/{id}"), None),
            ("GET", format!("/records/{id}?reveal=true"), None),
            ("PUT", format!("/records/{id}"), Some(json!({"name": "r"}))),
            ("PATCH", format!("/records/{id}"), Some(json!({"tags": []}))),
            ("DELETE", format!("/records/{id}"), None),
            ("GET", format!("/records/{id}/versions"), None),
            (
                "POST",
                format!("/records/{id}/restore"),
                Some(json!({"version": 1})),
            ),
        ] {
            let ask = async |name: &str| {
                let path = format!("/v1/collections/{name}{suffix}");
                api.send(method.parse().unwrap(), &path, body.clone()).await
            };
            let (there, absent) = (ask("closed").await, ask("absent").await);
            refused(&there, 404, "NOT_FOUND");
            assert_eq!(there.body, absent.body, "{method} {suffix}");
        }
    }
    let list = member.get("/v1/collections").await.expect(200);
    assert_eq!(list.at("/pagination/total"), 1);
    assert_eq!(list.text("/data/0/name"), "default");
}

/// What the server keeps for itself is found by no name here.
#[tokio::test]
async fn the_vault_of_agents_keys_is_no_collection() {
    let kluis = Kluis::start().await;
    let (api, bearer) = (kluis.admin_api(), kluis.owner());
    bearer
        .post("/v1/agents", json!({"name": "keeper"}))
        .await
        .expect(201);
    for path in ["", "/records"] {
        let path = format!("/v1/collections/__agent-keys{path}");
        refused(&api.get(&path).await, 404, "NOT_FOUND");
    }
    let records = "/v1/collections/__agent-keys/records";
    let made = api.post(records, json!({"name": "agents/x"})).await;
    refused(&made, 404, "NOT_FOUND");
    let query = api
        .post("/v1/collections/__agent-keys/query", json!({}))
        .await;
    refused(&query, 404, "NOT_FOUND");
    let gone = api.delete("/v1/collections/__agent-keys?force=true").await;
    refused(&gone, 404, "NOT_FOUND");
}
