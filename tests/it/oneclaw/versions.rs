//! `/v1/vaults/{vault}/secret-versions/{path}`.

use reqwest::Method;
use serde_json::json;

use super::{problem, vault};
use crate::harness::Kluis;

#[tokio::test]
async fn versions_are_listed_newest_first_without_values() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    let secrets = format!("/api/v1/vaults/{id}/secrets");
    let body = json!({"key": "db/main/password", "value": "canary-1"});
    let made = owner.post(&secrets, body).await.expect(201);
    let one = format!("{secrets}/{}", made.text("/data/id"));
    owner
        .patch(&one, json!({"value": "canary-2"}))
        .await
        .expect(200);
    owner
        .patch(&one, json!({"notes": "no new version"}))
        .await
        .expect(200);
    for path in ["db/main/password", "db%2Fmain%2Fpassword"] {
        let list = owner
            .get(&format!("/v1/vaults/{id}/secret-versions/{path}"))
            .await
            .expect(200);
        let numbers: Vec<_> = list.json()["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| version["version"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, [2, 1]);
        assert!(!list.string().contains("canary"));
    }
    problem(
        &owner
            .get(&format!("/v1/vaults/{id}/secret-versions/absent"))
            .await,
        404,
    );
    problem(
        &owner
            .get(&format!("/v1/vaults/{id}/secret-versions/has%20space"))
            .await,
        400,
    );
    let member = kluis.user("member").await.api();
    problem(
        &member
            .get(&format!("/v1/vaults/{id}/secret-versions/db/main/password"))
            .await,
        403,
    );
    problem(
        &member
            .get(&format!("/v1/vaults/{id}/secret-versions/absent"))
            .await,
        403,
    );
}

/// NT-18
#[tokio::test]
async fn a_malformed_path_is_refused_before_anything_is_looked_up() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    let body = json!({"key": "a/b", "value": "1"});
    owner
        .post(&format!("/api/v1/vaults/{id}/secrets"), body)
        .await
        .expect(201);
    for path in [
        "/lead",
        "trail/",
        "%2Flead",
        "trail%2F",
        "a//b",
        "a%2F%2Fb",
        "has%20space",
        "dot.ted",
        "a%5Cb",
        "colon:x",
        "at@x",
        "%C3%A9t%C3%A9",
        "a%00",
        "%FF",
        "a%252Fb",
    ] {
        for (method, route) in [
            (Method::GET, "secret-versions"),
            (Method::POST, "secret-restore"),
            (Method::POST, "secret-purge"),
        ] {
            let answer = owner
                .send(method, &format!("/v1/vaults/{id}/{route}/{path}"), None)
                .await;
            assert_eq!(answer.status, 400, "{route} {path}: {}", answer.string());
            problem(&answer, 400);
        }
    }
    let long = "a".repeat(1025);
    problem(
        &owner
            .get(&format!("/v1/vaults/{id}/secret-versions/{long}"))
            .await,
        400,
    );
    // A path that could be is looked up with the vault, whoever asks.
    let stranger = kluis.stranger().await.api();
    problem(
        &stranger
            .get(&format!("/v1/vaults/{id}/secret-versions/a/b"))
            .await,
        404,
    );
    problem(
        &stranger
            .get(&format!("/v1/vaults/{id}/secret-versions/dot.ted"))
            .await,
        400,
    );
}

#[tokio::test]
async fn what_is_not_closed_is_neither_restored_nor_purged() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    let body = json!({"key": "a/b", "value": "canary-1"});
    owner
        .post(&format!("/api/v1/vaults/{id}/secrets"), body)
        .await
        .expect(201);
    let member = kluis.user("member").await.api();
    for route in ["secret-restore", "secret-purge"] {
        let at = |path: &str| format!("/v1/vaults/{id}/{route}/{path}");
        problem(&owner.post(&at("a/b"), json!({})).await, 409);
        problem(&owner.post(&at("a%2Fb"), json!({})).await, 409);
        problem(&owner.post(&at("absent"), json!({})).await, 404);
        problem(&member.post(&at("a/b"), json!({})).await, 403);
        problem(&member.post(&at("absent"), json!({})).await, 403);
    }
    let versions = owner
        .get(&format!("/v1/vaults/{id}/secret-versions/a/b"))
        .await
        .expect(200);
    assert_eq!(
        versions.members("/versions/0"),
        [
            "created_at",
            "id",
            "is_disabled",
            "metadata",
            "path",
            "type",
            "version"
        ]
    );
    assert_eq!(versions.at("/versions/0/is_disabled"), false);
    assert_eq!(versions.at("/versions/0/metadata"), json!({}));
}
