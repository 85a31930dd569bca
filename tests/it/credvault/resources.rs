//! `/v1/resources`: the plain door to records (contract B2), with the samples of the vendor's page.

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Kluis, on_both};

/// The members of a record.
pub(super) const MEMBERS: [&str; 14] = [
    "cluster_id",
    "collection",
    "created_at",
    "expires_at",
    "fields",
    "has_secret",
    "id",
    "last_rotated_at",
    "name",
    "status",
    "tags",
    "type",
    "updated_at",
    "version",
];

#[track_caller]
pub(super) fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.string());
    assert_eq!(answer.members(""), ["code", "message", "status"]);
    assert_eq!(answer.text("/status"), "error");
    assert_eq!(answer.text("/code"), code, "{}", answer.string());
}

on_both! {
    async fn the_samples_of_the_page_are_true(kluis: Kluis) {
        let api = kluis.admin_api();
        let made = api.post("/v1/resources", json!({"name": "My Resource"})).await.expect(201);
        assert_eq!(made.text("/status"), "success");
        assert_eq!(made.text("/data/name"), "My Resource");
        assert!(made.text("/data/id").starts_with("resource_"));
        assert!(made.text("/data/created_at").ends_with('Z'));
        let listed = api.get("/v1/resources").await.expect(200);
        assert_eq!(listed.at("/data/0"), made.at("/data"));
        let missing = api.post("/v1/resources", json!({})).await;
        refused(&missing, 400, "MISSING_PARAMETER");
        assert_eq!(
            missing.text("/message"),
            "Required parameter 'name' is missing from request"
        );
        // As the page's cURL sample sends it: a GET that says what its absent body would be.
        let sample = api.with("content-type", "application/json");
        sample.get("/v1/resources").await.expect(200);
    }

    async fn a_resource_is_made_read_changed_replaced_and_deleted(kluis: Kluis) {
        let api = kluis.admin_api();
        let body = json!({
            "name": "billing-rw", "type": "database", "tags": ["prod"], "expires_at": "2099-01-02T03:04:05Z",
            "fields": {"engine": "postgresql", "host": "db1.internal", "port": 5432},
            "secret": {"username": "svc", "password": "first-pass"},
        });
        let made = api.post("/v1/resources", body).await.expect(201);
        assert_eq!(made.members("/data"), MEMBERS);
        assert!(!made.string().contains("first-pass"));
        for (member, value) in [
            ("collection", json!("default")),
            ("type", json!("database")),
            ("has_secret", json!(true)),
            ("status", json!("active")),
            ("version", json!(1)),
            ("expires_at", json!("2099-01-02T03:04:05Z")),
            ("last_rotated_at", Value::Null),
        ] {
            assert_eq!(made.at(&format!("/data/{member}")), value, "{member}");
        }
        let one = format!("/v1/resources/{}", made.text("/data/id"));
        assert_eq!(api.get(&one).await.expect(200).json(), made.json());

        let patch = json!({"fields": {"port": null, "host": "db2"}, "secret": {"password": "second-pass"}, "tags": null});
        let patched = api.patch(&one, patch).await.expect(200);
        assert_eq!(patched.at("/data/fields"), json!({"engine": "postgresql", "host": "db2"}));
        assert_eq!(patched.at("/data/tags"), json!([]));
        assert_eq!(patched.at("/data/version"), 2);
        assert_ne!(patched.at("/data/last_rotated_at"), Value::Null);
        assert_eq!(patched.at("/data/type"), "database");
        assert_eq!(patched.text("/data/expires_at"), "2099-01-02T03:04:05Z");
        let shown = api.get(&format!("{one}?reveal=true")).await.expect(200);
        assert_eq!(
            shown.at("/data/secret"),
            json!({"username": "svc", "password": "second-pass"})
        );

        // PUT resets what it leaves out, but for the secret.
        let put = api.put(&one, json!({"name": "billing-ro"})).await.expect(200);
        for (member, value) in [
            ("name", json!("billing-ro")),
            ("type", json!("generic")),
            ("fields", json!({})),
            ("expires_at", Value::Null),
            ("has_secret", json!(true)),
            ("version", json!(2)),
        ] {
            assert_eq!(put.at(&format!("/data/{member}")), value, "{member}");
        }
        let missing = api.put(&one, json!({"type": "database"})).await;
        refused(&missing, 400, "MISSING_PARAMETER");

        let gone = api.delete(&one).await.expect(200);
        assert_eq!(gone.at("/data"), json!({"id": made.text("/data/id"), "deleted": true}));
        refused(&api.get(&one).await, 404, "NOT_FOUND");
        refused(&api.delete(&one).await, 404, "NOT_FOUND");
    }

    /// NT-66
    async fn a_patch_leaves_alone_what_it_does_not_name(kluis: Kluis) {
        let api = kluis.admin_api();
        let body = json!({
            "name": "whole", "type": "api_key", "tags": ["a"], "status": "disabled", "expires_at": "2099-01-01T00:00:00Z",
            "fields": {"deep": {"kept": 1, "gone": 2}}, "secret": {"a": "1", "b": "2"},
        });
        let made = api.post("/v1/resources", body).await.expect(201);
        let one = format!("/v1/resources/{}", made.text("/data/id"));
        let mut expected = made.json();
        for (patch, pointer, value) in [
            (json!({}), "/data/type", json!("api_key")),
            (json!({"type": null}), "/data/type", json!("generic")),
            (json!({"fields": {"deep": {"gone": null}}}), "/data/fields", json!({"deep": {"kept": 1}})),
            (json!({"fields": {"new": [null, 1]}}), "/data/fields", json!({"deep": {"kept": 1}, "new": [null, 1]})),
            (json!({"fields": null}), "/data/fields", json!({})),
            (json!({"expires_at": null}), "/data/expires_at", Value::Null),
            (json!({"status": null}), "/data/status", json!("active")),
            (json!({"tags": ["b", "c"]}), "/data/tags", json!(["b", "c"])),
            (json!({"name": "other"}), "/data/name", json!("other")),
            (json!({"secret": {}}), "/data/version", json!(1)),
        ] {
            let answer = api.patch(&one, patch.clone()).await.expect(200);
            *expected.pointer_mut(pointer).unwrap() = value;
            expected["data"]["updated_at"] = answer.at("/data/updated_at");
            assert_eq!(answer.json(), expected, "{patch}");
        }
        api.patch(&one, json!({"secret": {"b": null, "c": "3"}})).await.expect(200);
        let shown = api.get(&format!("{one}?reveal=true")).await.expect(200);
        assert_eq!(shown.at("/data/secret"), json!({"a": "1", "c": "3"}));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_resource_is_named() {
    let kluis = Kluis::start().await;
    let api = kluis.admin_api();
    let made = api.post("/v1/resources", json!({"name": "a"})).await;
    let one = format!("/v1/resources/{}", made.expect(201).text("/data/id"));
    let long = "x".repeat(70_000);
    for (body, named) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "a\u{0}"}), "name"),
        (json!({"name": "x".repeat(1025)}), "name"),
        (json!({"name": 5}), "name"),
        (json!({"name": "b", "type": "vault"}), "type"),
        (json!({"name": "b", "status": "expired"}), "status"),
        (json!({"name": "b", "fields": []}), "fields"),
        (json!({"name": "b", "fields": {"long": long}}), "fields"),
        (json!({"name": "b", "tags": "x"}), "tags"),
        (json!({"name": "b", "tags": [""]}), "tags"),
        (json!({"name": "b", "tags": vec!["x"; 51]}), "tags"),
        (json!({"name": "b", "secret": "x"}), "secret"),
        (json!({"name": "b", "secret": {}}), "secret"),
        (json!({"name": "b", "secret": {"password": 5}}), "secret"),
        (json!({"name": "b", "secret": {"password": null}}), "secret"),
        (json!({"name": "b", "expires_at": "soon"}), "expires_at"),
        (
            json!({"name": "b", "expires_at": "2099-01-01T00:00:00Z"}),
            "expires_at",
        ),
        (json!({"name": "b", "collection": "other"}), "collection"),
    ] {
        let answer = api.post("/v1/resources", body.clone()).await;
        refused(&answer, 400, "INVALID_PARAMETER");
        assert!(
            answer.text("/message").contains(named),
            "{body}: {}",
            answer.string()
        );
        let put = api.put(&one, body.clone()).await;
        assert_eq!(put.status, 400, "{body}");
    }
    for (body, named) in [
        (json!({"name": null}), "name"),
        (json!({"secret": null}), "secret"),
        (json!({"secret": {"password": null}}), "secret"),
        (json!({"tags": [1]}), "tags"),
    ] {
        let answer = api.patch(&one, body.clone()).await;
        refused(&answer, 400, "INVALID_PARAMETER");
        assert!(
            answer.text("/message").contains(named),
            "{body}: {}",
            answer.string()
        );
    }
    let list = api.get("/v1/resources").await.expect(200);
    assert_eq!(list.at("/pagination/total"), 1);
    for query in ["reveal=1", "reveal=", "reveal=yes"] {
        refused(
            &api.get(&format!("{one}?{query}")).await,
            400,
            "INVALID_PARAMETER",
        );
    }
    let twice = br#"{"name":"b","secret":{"a":"1","a":"2"}}"#.to_vec();
    let json = [("content-type", "application/json")];
    let answer = api
        .raw("POST".parse().unwrap(), "/v1/resources", &json, twice)
        .await;
    refused(&answer, 400, "INVALID_PARAMETER");
}

#[tokio::test]
async fn a_name_is_taken_once_however_a_resource_gets_it() {
    let kluis = Kluis::start().await;
    let api = kluis.admin_api();
    let create = async |name: &str| {
        let body = json!({"name": name, "secret": {"a": "b"}});
        api.post("/v1/resources", body).await
    };
    let first = create("a").await.expect(201);
    refused(&create("a").await, 409, "ALREADY_EXISTS");
    let second = create("b").await.expect(201).text("/data/id");
    let one = format!("/v1/resources/{second}");
    refused(
        &api.patch(&one, json!({"name": "a"})).await,
        409,
        "ALREADY_EXISTS",
    );
    refused(
        &api.put(&one, json!({"name": "a"})).await,
        409,
        "ALREADY_EXISTS",
    );
    assert_eq!(api.get(&one).await.expect(200).text("/data/name"), "b");
    api.delete(&format!("/v1/resources/{}", first.text("/data/id")))
        .await
        .expect(200);
    assert_eq!(
        api.patch(&one, json!({"name": "a"}))
            .await
            .expect(200)
            .text("/data/id"),
        second
    );
}

#[tokio::test]
async fn a_list_is_filtered_by_every_member_that_the_contract_names() {
    let kluis = Kluis::start().await;
    let api = kluis.admin_api();
    for body in [
        json!({"name": "a", "type": "database", "tags": ["prod", "eu"], "secret": {"p": "1"}, "expires_at": "2031-01-01T00:00:00Z"}),
        json!({"name": "B", "type": "database", "tags": ["test"], "status": "disabled"}),
        json!({"name": "ab", "secret": {"p": "1"}, "expires_at": "2001-01-01T00:00:00Z"}),
    ] {
        api.post("/v1/resources", body).await.expect(201);
    }
    for (query, names) in [
        ("type=database", vec!["a", "B"]),
        ("type=generic,password", vec!["ab"]),
        ("status=disabled", vec!["B"]),
        ("status=expired", vec!["ab"]),
        ("status=active", vec!["a"]),
        ("tag=prod", vec!["a"]),
        ("tag=eu,test", vec!["a", "B"]),
        ("tag=pro", vec![]),
        ("name=a,ab", vec!["a", "ab"]),
        ("name_contains=b", vec!["B", "ab"]),
        ("expires_after=2030-01-01", vec!["a"]),
        ("expires_before=2030-01-01T00:00:00Z", vec!["ab"]),
        ("created_after=2020-01-01&sort=-name", vec!["ab", "a", "B"]),
        ("updated_before=2020-01-01", vec![]),
    ] {
        let list = api.get(&format!("/v1/resources?{query}")).await.expect(200);
        let listed = list.at("/data");
        let found: Vec<_> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap())
            .collect();
        assert_eq!(found, names, "{query}");
        assert_eq!(list.at("/pagination/total"), names.len(), "{query}");
    }
    for (query, named) in [
        ("secret=x", "secret"),
        ("colour=red", "colour"),
        ("sort=tag", "tag"),
        ("sort=secret", "secret"),
    ] {
        let answer = api.get(&format!("/v1/resources?{query}")).await;
        refused(&answer, 400, "INVALID_PARAMETER");
        assert!(
            answer.text("/message").contains(named),
            "{}",
            answer.string()
        );
    }
}

#[tokio::test]
async fn every_change_can_state_the_version_that_it_is_made_to() {
    let kluis = Kluis::start().await;
    let api = kluis.admin_api();
    let made = api
        .post("/v1/resources", json!({"name": "a", "secret": {"p": "1"}}))
        .await
        .expect(201);
    let one = format!("/v1/resources/{}", made.text("/data/id"));
    let at = |version: &str| api.with("if-match", version);
    at("\"1\"")
        .patch(&one, json!({"secret": {"p": "2"}}))
        .await
        .expect(200);
    for stale in [
        at("\"1\"").patch(&one, json!({"tags": []})).await,
        at("\"1\"").put(&one, json!({"name": "a"})).await,
        at("\"1\"").delete(&one).await,
        at("\"3\"").delete(&one).await,
    ] {
        refused(&stale, 409, "VERSION_CONFLICT");
    }
    for wrong in [
        "2",
        "\"2",
        "\"x\"",
        "W/\"2\"",
        "\"1\", \"2\"",
        "\"\"",
        "\"+2\"",
        "\"99999999999\"",
    ] {
        refused(&at(wrong).delete(&one).await, 400, "INVALID_PARAMETER");
    }
    refused(
        &at("\"2\"").with("if-match", "\"2\"").delete(&one).await,
        400,
        "INVALID_PARAMETER",
    );
    at("*").put(&one, json!({"name": "a"})).await.expect(200);
    at("\"2\"").delete(&one).await.expect(200);
}

/// Only a GET of one record reveals, each time with an entry in the record.
#[tokio::test]
async fn every_revelation_is_recorded_and_nothing_else_is() {
    let kluis = Kluis::start().await;
    let api = kluis.admin_api();
    let made = api
        .post(
            "/v1/resources",
            json!({"name": "seen", "secret": {"p": "canary-value"}}),
        )
        .await
        .expect(201);
    let one = format!("/v1/resources/{}", made.text("/data/id"));
    for answer in [
        api.get(&one).await,
        api.get(&format!("{one}?reveal=false")).await,
        api.get("/v1/resources").await,
        api.patch(&one, json!({"tags": ["x"]})).await,
        api.put(&one, json!({"name": "seen"})).await,
    ] {
        assert!(!answer.expect(200).string().contains("canary-value"));
    }
    assert_eq!(reads(&kluis.owner()).await, 0);
    api.get(&format!("{one}?reveal=true")).await.expect(200);
    assert_eq!(reads(&kluis.owner()).await, 1);
}

async fn reads(owner: &Api) -> usize {
    let events = owner
        .get("/v1/audit/events?action=secret.read")
        .await
        .expect(200);
    events.at("/events").as_array().unwrap().len()
}
