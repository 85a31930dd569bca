//! `/v1/collections/{name}/records` (contract B3): one by one, and many at once.

use serde_json::{Value, json};

use super::resources::MEMBERS;
use crate::harness::{Answer, Api, Kluis, on_both};

const RECORDS: &str = "/v1/collections/billing/records";

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.string());
    assert_eq!(answer.text("/code"), code, "{}", answer.string());
}

/// The owner, with the collection `billing`.
async fn with_collection(kluis: &Kluis) -> Api {
    let api = kluis.admin_api();
    api.post("/v1/collections", json!({"name": "billing"}))
        .await
        .expect(201);
    api
}

async fn names(api: &Api) -> Vec<String> {
    let list = api
        .get(&format!("{RECORDS}?sort=name&limit=200"))
        .await
        .expect(200)
        .json();
    let items = list["data"].as_array().unwrap().iter();
    items
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

on_both! {
    async fn a_list_is_inserted_whole_or_not_at_all(kluis: Kluis) {
        let api = with_collection(&kluis).await;
        let body = json!([
            {"name": "a", "secret": {"p": "1"}},
            {"name": "b", "tags": ["x"]},
        ]);
        let made = api.post(RECORDS, body).await.expect(201);
        assert_eq!(made.at("/data").as_array().unwrap().len(), 2);
        assert_eq!(made.members("/data/0"), MEMBERS);
        assert_eq!(made.text("/data/1/name"), "b");
        let clash = json!([{"name": "c"}, {"name": "a"}]);
        refused(&api.post(RECORDS, clash).await, 409, "ALREADY_EXISTS");
        let twice = json!([{"name": "c"}, {"name": "c"}]);
        refused(&api.post(RECORDS, twice).await, 409, "ALREADY_EXISTS");
        let missing = api.post(RECORDS, json!([{"name": "c"}, {}])).await;
        refused(&missing, 400, "MISSING_PARAMETER");
        assert!(missing.text("/message").contains("[1].name"), "{}", missing.string());
        for body in [json!([]), json!(vec![json!({"name": "x"}); 101])] {
            assert_eq!(api.post(RECORDS, body).await.status, 400);
        }
        assert_eq!(names(&api).await, ["a", "b"]);
        let hundred: Vec<_> = (0..100).map(|number| json!({"name": format!("n{number}")})).collect();
        api.post(RECORDS, Value::Array(hundred)).await.expect(201);
        assert_eq!(names(&api).await.len(), 102);
        // One entry in the record for each.
        let events = kluis.owner().get("/v1/audit/events?action=secret.write&limit=200").await.expect(200);
        assert_eq!(events.at("/events").as_array().unwrap().len(), 102 + 2, "two refusals besides");
    }

    async fn many_are_updated_and_deleted_by_a_filter(kluis: Kluis) {
        let api = with_collection(&kluis).await;
        let body: Vec<_> = (0..5).map(|number| json!({
            "name": format!("r{number}"), "tags": [if number < 3 { "old" } else { "new" }],
            "fields": {"number": number}, "secret": {"p": "1", "q": "2"},
        })).collect();
        api.post(RECORDS, Value::Array(body)).await.expect(201);
        let update = json!({"filter": {"tags": "old"}, "changes": {"fields": {"seen": true}, "secret": {"p": "3"}}});
        let updated = api.patch(RECORDS, update).await.expect(200);
        assert_eq!(updated.at("/data"), json!({"matched": 3, "modified": 3}));
        let found = api.get(&format!("{RECORDS}?name=r1")).await.expect(200);
        assert_eq!(found.at("/data/0/fields"), json!({"number": 1, "seen": true}));
        assert_eq!(found.at("/data/0/version"), 2);
        let shown = api.get(&format!("{RECORDS}/{}?reveal=true", found.text("/data/0/id"))).await.expect(200);
        assert_eq!(shown.at("/data/secret"), json!({"p": "3", "q": "2"}));
        let none = api.patch(RECORDS, json!({"filter": {"name": "x"}, "changes": {"tags": []}})).await.expect(200);
        assert_eq!(none.at("/data"), json!({"matched": 0, "modified": 0}));

        let deleted = api.post("/v1/collections/billing/delete", json!({"filter": {"fields.number": {"$gte": 2}}})).await;
        assert_eq!(deleted.expect(200).at("/data"), json!({"deleted": 3}));
        assert_eq!(names(&api).await, ["r0", "r1"]);
        for (path, body) in [
            ("/delete", json!({"filter": {}})),
            ("/delete", json!({})),
            ("/delete", json!({"filter": {"secret.p": "1"}})),
            ("/delete", json!({"filter": {"colour": "red"}})),
        ] {
            let answer = api.post(&format!("/v1/collections/billing{path}"), body.clone()).await;
            assert_eq!(answer.status, 400, "{body}");
        }
        for body in [
            json!({"filter": {}, "changes": {"tags": []}}),
            json!({"filter": {"name": "r0"}}),
            json!({"filter": {"name": "r0"}, "changes": {"name": "x"}}),
            json!({"filter": {"name": "r0"}, "changes": {"secret": null}}),
            json!({"filter": {"name": "r0"}, "changes": {}}),
            json!({"filter": {"name": {"$contains": ""}}, "changes": {"tags": []}}),
            json!({"filter": {"name": {"$nin": []}}, "changes": {"tags": []}}),
        ] {
            let answer = api.patch(RECORDS, body.clone()).await;
            assert_eq!(answer.status, 400, "{body}");
        }
        assert_eq!(names(&api).await, ["r0", "r1"]);
    }

    /// RULES §4: bulk actions skip what is not permitted, and counts count the names that are seen. NT-05
    async fn what_a_caller_may_not_change_is_passed_over(kluis: Kluis) {
        let api = with_collection(&kluis).await;
        for name in ["mine/a", "mine/b", "seen/c", "hidden/d"] {
            api.post(RECORDS, json!({"name": name, "secret": {"p": "1"}})).await.expect(201);
        }
        let member = kluis.user("member").await;
        let vault = api.get("/v1/collections/billing").await.expect(200).text("/data/id");
        let vault = crate::cloudkeep::vaults::uuid_of(&vault.replace("collection_", "vlt_"));
        for (pattern, permissions) in [("mine/*", json!(["write", "delete"])), ("seen/*", json!(["read"]))] {
            let body = json!({
                "secret_path_pattern": pattern, "principal_type": "user", "principal_id": member.id, "permissions": permissions,
            });
            kluis.owner().post(&format!("/v1/vaults/{vault}/policies"), body).await.expect(201);
        }
        let member = member.admin_api();
        assert_eq!(names(&member).await, ["mine/a", "mine/b", "seen/c"]);
        let everything = json!({"name": {"$exists": true}});
        let found = member.post("/v1/collections/billing/query", json!({"filter": everything})).await.expect(200);
        assert_eq!(found.at("/pagination/total"), 3);
        let update = json!({"filter": everything, "changes": {"tags": ["changed"]}});
        let updated = member.patch(RECORDS, update).await.expect(200);
        assert_eq!(updated.at("/data"), json!({"matched": 3, "modified": 2}));
        let list = api.get(&format!("{RECORDS}?tag=changed")).await.expect(200);
        assert_eq!(list.at("/pagination/total"), 2);
        // A write without read reveals nothing, and moves nothing to where it could be read.
        let mine = list.text("/data/0/id");
        let one = format!("{RECORDS}/{mine}");
        refused(&member.get(&format!("{one}?reveal=true")).await, 403, "FORBIDDEN");
        refused(&member.patch(&one, json!({"name": "mine/moved"})).await, 403, "FORBIDDEN");
        member.patch(&one, json!({"secret": {"p": "2"}})).await.expect(200);
        let deleted = member.post("/v1/collections/billing/delete", json!({"filter": everything})).await.expect(200);
        assert_eq!(deleted.at("/data"), json!({"deleted": 2}));
        assert_eq!(names(&api).await, ["hidden/d", "seen/c"]);
    }
}

#[tokio::test]
async fn a_record_is_found_in_its_own_collection_alone() {
    let kluis = Kluis::start().await;
    let api = with_collection(&kluis).await;
    let made = api
        .post(RECORDS, json!({"name": "a", "secret": {"p": "1"}}))
        .await
        .expect(201);
    let id = made.text("/data/id");
    for path in [
        format!("/v1/resources/{id}"),
        format!("/v1/collections/default/records/{id}"),
    ] {
        refused(&api.get(&path).await, 404, "NOT_FOUND");
        refused(
            &api.get(&format!("{path}?reveal=true")).await,
            404,
            "NOT_FOUND",
        );
        refused(
            &api.patch(&path, json!({"tags": []})).await,
            404,
            "NOT_FOUND",
        );
        refused(
            &api.put(&path, json!({"name": "a"})).await,
            404,
            "NOT_FOUND",
        );
        refused(&api.delete(&path).await, 404, "NOT_FOUND");
    }
    api.get(&format!("{RECORDS}/{id}")).await.expect(200);
    // NT-12: an id of another kind names nothing.
    let other = id.replace("resource_", "collection_");
    refused(
        &api.get(&format!("{RECORDS}/{other}")).await,
        404,
        "NOT_FOUND",
    );
}

/// Contract A2: what a key is made for is all that it opens.
#[tokio::test]
async fn scopes_bound_what_a_key_does_with_records() {
    let kluis = Kluis::start().await;
    let api = with_collection(&kluis).await;
    let id = api
        .post(RECORDS, json!({"name": "a", "secret": {"p": "1"}}))
        .await
        .expect(201)
        .text("/data/id");
    let one = format!("{RECORDS}/{id}");
    for (scopes, list, reveal, write, query) in [
        (json!(["database:read"]), 200, 200, 403, 403),
        (json!(["metadata:read"]), 200, 403, 403, 403),
        (json!(["database:write"]), 403, 403, 200, 403),
        (json!(["query:execute"]), 403, 403, 403, 200),
        (json!([]), 403, 403, 403, 403),
    ] {
        let key = api
            .post("/v1/api-keys", json!({"name": "k", "scopes": scopes}))
            .await
            .expect(201);
        let scoped = Api::api_key(kluis.base(), key.text("/data/key"));
        assert_eq!(scoped.get(RECORDS).await.status, list, "{scopes}");
        assert_eq!(scoped.get(&one).await.status, list, "{scopes}");
        assert_eq!(
            scoped.get(&format!("{one}/versions")).await.status,
            list,
            "{scopes}"
        );
        assert_eq!(
            scoped.get(&format!("{one}?reveal=true")).await.status,
            reveal,
            "{scopes}"
        );
        assert_eq!(
            scoped.patch(&one, json!({"tags": []})).await.status,
            write,
            "{scopes}"
        );
        // Other policies hold at another name: whoever cannot read here could there.
        let moved = scoped.patch(&one, json!({"name": "moved"})).await;
        assert_eq!(moved.status, 403, "{scopes}");
        assert_eq!(
            scoped
                .post("/v1/collections/billing/query", json!({}))
                .await
                .status,
            query,
            "{scopes}"
        );
    }
}
