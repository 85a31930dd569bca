//! `POST /v1/collections/{name}/query` (contract B3): the query language from outside.

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Kluis, on_both};

const QUERY: &str = "/v1/collections/default/query";

/// Records of several kinds.
async fn stocked(kluis: &Kluis) -> Api {
    let api = kluis.admin_api();
    for body in [
        json!({"name": "billing-rw", "type": "database", "tags": ["prod", "eu"], "secret": {"p": "1"},
            "fields": {"host": "db1.internal", "port": 5432, "tls": {"mode": "require"}}}),
        json!({"name": "billing-ro", "type": "database", "tags": ["prod"], "expires_at": "2031-06-01T00:00:00Z", "secret": {"p": "1"},
            "fields": {"host": "db2.internal", "port": 5433.5}}),
        json!({"name": "stripe", "type": "api_key", "status": "disabled", "fields": {"port": "5432", "none": null}}),
        json!({"name": "cert", "type": "certificate", "secret": {"p": "1"}, "expires_at": "2001-01-01T00:00:00Z"}),
    ] {
        api.post("/v1/resources", body).await.expect(201);
    }
    api
}

fn names(answer: &Answer) -> Vec<String> {
    let list = answer.at("/data");
    let items = list.as_array().unwrap().iter();
    items
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

on_both! {
    async fn every_operator_finds_what_it_says(kluis: Kluis) {
        let api = stocked(&kluis).await;
        for (filter, expected) in [
            (json!({}), vec!["billing-rw", "billing-ro", "stripe", "cert"]),
            (json!({"name": "stripe"}), vec!["stripe"]),
            (json!({"type": "database"}), vec!["billing-rw", "billing-ro"]),
            (json!({"type": {"$ne": "database"}}), vec!["stripe", "cert"]),
            (json!({"type": {"$in": ["api_key", "certificate"]}}), vec!["stripe", "cert"]),
            (json!({"type": {"$nin": ["api_key", "certificate"]}}), vec!["billing-rw", "billing-ro"]),
            (json!({"status": "expired"}), vec!["cert"]),
            (json!({"status": {"$in": ["disabled", "expired"]}}), vec!["stripe", "cert"]),
            (json!({"tags": "eu"}), vec!["billing-rw"]),
            (json!({"tags": {"$contains": "prod"}}), vec!["billing-rw", "billing-ro"]),
            (json!({"tags": ["prod"]}), vec!["billing-ro"]),
            (json!({"fields.port": 5432}), vec!["billing-rw"]),
            (json!({"fields.port": {"$gt": 5432}}), vec!["billing-ro"]),
            (json!({"fields.port": {"$gte": 5432, "$lt": 5433}}), vec!["billing-rw"]),
            (json!({"fields.port": {"$lte": 5433.5}}), vec!["billing-rw", "billing-ro"]),
            (json!({"fields.tls.mode": "require"}), vec!["billing-rw"]),
            (json!({"fields.tls": {"mode": "require"}}), vec!["billing-rw"]),
            (json!({"fields.host": {"$contains": "INTERNAL"}}), vec!["billing-rw", "billing-ro"]),
            (json!({"fields.none": null}), vec!["billing-rw", "billing-ro", "stripe", "cert"]),
            (json!({"fields.port": {"$exists": false}}), vec!["cert"]),
            (json!({"expires_at": null}), vec!["billing-rw", "stripe"]),
            (json!({"expires_at": {"$gt": "2031-01-01"}}), vec!["billing-ro"]),
            (json!({"expires_at": {"$lt": "2031-06-01T02:00:00+02:00"}}), vec!["cert"]),
            (json!({"has_secret": false}), vec!["stripe"]),
            (json!({"version": {"$gte": 1}}), vec!["billing-rw", "billing-ro", "cert"]),
            (json!({"$or": [{"name": "cert"}, {"tags": "eu"}]}), vec!["billing-rw", "cert"]),
            (json!({"$and": [{"type": "database"}, {"$not": {"tags": "eu"}}]}), vec!["billing-ro"]),
            (json!({"type": "database", "fields.host": "db2.internal"}), vec!["billing-ro"]),
            (json!({"id": "resource_0000000000000000000000"}), vec![]),
            (json!({"id": "nonsense"}), vec![]),
        ] {
            let found = api.post(QUERY, json!({"filter": filter})).await.expect(200);
            assert_eq!(names(&found), expected, "{filter}");
        }
        let id = api.get("/v1/resources?name=cert").await.expect(200).text("/data/0/id");
        let uuid = crate::cloudkeep::vaults::uuid_of(&id.replace("resource_", "vlt_"));
        for spelled in [id, uuid] {
            let found = api.post(QUERY, json!({"filter": {"id": spelled}})).await.expect(200);
            assert_eq!(names(&found), ["cert"]);
        }
    }

    async fn a_query_is_sorted_paged_and_cut_to_the_members_asked_for(kluis: Kluis) {
        let api = stocked(&kluis).await;
        let body = json!({"sort": ["type", "-name"], "limit": 3, "fields": ["name", "fields.host", "fields.tls.mode"]});
        let first = api.post(QUERY, body.clone()).await.expect(200);
        assert_eq!(names(&first), ["stripe", "cert", "billing-rw"]);
        assert_eq!(first.at("/pagination/total"), 4);
        assert_eq!(first.at("/pagination/limit"), 3);
        assert_eq!(first.members("/data/2"), ["fields", "id", "name"]);
        assert_eq!(first.at("/data/2/fields"), json!({"host": "db1.internal", "tls": {"mode": "require"}}));
        assert_eq!(first.at("/data/1/fields"), json!({}));
        let mut next = body.clone();
        next["cursor"] = first.at("/pagination/next_cursor");
        let second = api.post(QUERY, next.clone()).await.expect(200);
        assert_eq!(names(&second), ["billing-ro"]);
        assert_eq!(second.at("/pagination/has_more"), false);
        // A cursor belongs to its filter, its order and its collection.
        next["filter"] = json!({"type": "database"});
        api.post(QUERY, next.clone()).await.expect(400);
        next["filter"] = Value::Null;
        api.post(QUERY, next.clone()).await.expect(200);
        next["sort"] = json!(["name"]);
        api.post(QUERY, next).await.expect(400);
        api.post("/v1/collections", json!({"name": "other"})).await.expect(201);
        let mut elsewhere = body;
        elsewhere["cursor"] = first.at("/pagination/next_cursor");
        api.post("/v1/collections/other/query", elsewhere).await.expect(400);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_named() {
    let kluis = Kluis::start().await;
    let api = stocked(&kluis).await;
    for (body, named) in [
        (json!({"filter": {"secret.password": "x"}}), "filter"),
        (json!({"filter": {"secret": {"$exists": true}}}), "filter"),
        (json!({"filter": {"colour": "x"}}), "filter"),
        (json!({"filter": {"name": {"$where": "x"}}}), "filter"),
        (json!({"filter": []}), "filter"),
        (json!({"sort": ["secret"]}), "sort"),
        (json!({"sort": ["name", "name"]}), "sort"),
        (
            json!({"sort": ["name", "type", "status", "created_at"]}),
            "sort",
        ),
        (json!({"limit": 0}), "limit"),
        (json!({"limit": -1}), "limit"),
        (json!({"limit": 1.5}), "limit"),
        (json!({"cursor": "forged"}), "cursor"),
        (json!({"fields": ["secret"]}), "secret"),
        (json!({"fields": ["colour"]}), "member"),
    ] {
        let answer = api.post(QUERY, body.clone()).await.expect(400);
        assert_eq!(answer.text("/code"), "INVALID_PARAMETER", "{body}");
        assert!(
            answer.text("/message").contains(named),
            "{body}: {}",
            answer.string()
        );
    }
    let clamped = api.post(QUERY, json!({"limit": 100_000})).await.expect(200);
    assert_eq!(clamped.at("/pagination/limit"), 200);
}
