//! `/v1/intelligence` (contract B6).

use serde_json::{Value, json};

use crate::harness::{Api, Kluis};

const CLASSIFY: &str = "/v1/intelligence/classify";

async fn label(api: &Api, text: &str) -> String {
    let found = api.post(CLASSIFY, json!({"text": text})).await.expect(200);
    assert_eq!(found.members("/data"), ["confidence", "label", "reasons"]);
    let confidence = found.at("/data/confidence").as_f64().unwrap();
    assert!((0.0..=1.0).contains(&confidence), "{confidence}");
    assert_ne!(found.at("/data/reasons/0"), Value::Null);
    found.text("/data/label")
}

#[tokio::test]
async fn texts_are_taken_for_what_they_are() {
    let kluis = Kluis::start().await;
    let api = kluis.admin_api();
    for (text, expected) in [
        ("AKIAIOSFODNN7EXAMPLE", "api_key"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "api_key"),
        (
            "postgres://svc:s3cr3t-pass@db1.internal:5432/billing",
            "database",
        ),
        ("Tr0ub4dor&3", "password"),
        ("DB_PASSWORD=hunter2!", "password"),
        (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx3h2kq0ZrU9vVJ8l1m me@host",
            "ssh_key",
        ),
        (
            "Please update the report before the meeting on Friday.",
            "not_secret",
        ),
        ("https://www.example.com/docs?page=4", "not_secret"),
        ("password: ${DB_PASSWORD}", "not_secret"),
        ("hello world", "not_secret"),
        ("Good morning!", "not_secret"),
        ("thank you", "not_secret"),
        ("-----BEGIN CERTIFICATE-----", "certificate"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "ssh_key"),
        ("-----BEGIN PRIVATE KEY-----", "generic"),
    ] {
        assert_eq!(label(&api, text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn many_texts_are_answered_in_their_order_and_the_same_every_time() {
    let kluis = Kluis::start().await;
    let api = kluis.admin_api();
    let items = json!([
        "AKIAIOSFODNN7EXAMPLE",
        "The quick brown fox jumps over the lazy dog.",
        ""
    ]);
    let first = api
        .post(CLASSIFY, json!({"items": items}))
        .await
        .expect(200);
    assert_eq!(first.at("/data").as_array().unwrap().len(), 3);
    assert_eq!(first.text("/data/0/label"), "api_key");
    assert_eq!(first.text("/data/1/label"), "not_secret");
    let again = api
        .post(CLASSIFY, json!({"items": items}))
        .await
        .expect(200);
    assert_eq!(first.json(), again.json());
    for (body, named) in [
        (json!({}), "text"),
        (json!({"text": 5}), "text"),
        (json!({"text": "a", "items": ["b"]}), "body"),
        (json!({"items": []}), "items"),
        (json!({"items": vec!["x"; 101]}), "items"),
        (json!({"text": "x".repeat(65_537)}), "text"),
        (json!({"items": ["x".repeat(8_193)]}), "items"),
    ] {
        let refused = api.post(CLASSIFY, body).await.expect(400);
        assert!(
            refused.text("/message").contains(named),
            "{}",
            refused.string()
        );
    }
}

/// The most of the longest are one request.
#[tokio::test]
async fn a_hundred_of_the_longest_texts_are_taken() {
    let kluis = Kluis::start().await;
    let items = vec!["x".repeat(8_192); 100];
    let api = kluis.admin_api();
    let found = api
        .post(CLASSIFY, json!({"items": items}))
        .await
        .expect(200);
    assert_eq!(found.at("/data").as_array().unwrap().len(), 100);
    let longest = json!({"text": "x".repeat(65_536)});
    api.post(CLASSIFY, longest).await.expect(200);
}

/// NT-40: a text is looked at and forgotten.
#[tokio::test]
async fn nothing_of_a_text_is_kept_or_told() {
    let kluis = Kluis::start_with(&["--log-level", "trace"]).await;
    let api = kluis.admin_api();
    let text = "canary-7f3a-PASSWORD-9d1c";
    let found = api.post(CLASSIFY, json!({"text": text})).await.expect(200);
    assert!(!found.string().contains("canary"), "{}", found.string());
    let events = kluis
        .owner()
        .get("/v1/audit/events?action=intelligence.classify")
        .await
        .expect(200);
    assert_eq!(events.at("/events").as_array().unwrap().len(), 1);
    assert!(!events.string().contains("canary"));
    assert!(!kluis.log().contains("canary-7f3a"));
}

#[tokio::test]
async fn the_models_say_what_they_go_by() {
    let kluis = Kluis::start().await;
    let models = kluis
        .admin_api()
        .get("/v1/intelligence/models")
        .await
        .expect(200);
    assert_eq!(
        models.members("/data/0"),
        ["features", "id", "purpose", "version"]
    );
    assert_eq!(models.text("/data/0/id"), "text-classifier");
    let viewer = kluis.user("viewer").await.admin_api();
    viewer.get("/v1/intelligence/models").await.expect(200);
}
