//! The order of checks, and the one shape of refusals (RULES §3, CloudKeep contract §6).

use reqwest::Method;
use serde_json::{Value, json};

use super::permissions::{ABSENT, grant, secret};
use super::vaults::vault;
use crate::harness::{Answer, Kluis};

#[track_caller]
fn refusal(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/json"),
        "{answer}"
    );
    assert_eq!(answer.members(""), ["error"], "{answer}");
    assert_eq!(answer.members("/error"), ["code", "message"], "{answer}");
    assert_eq!(answer.text("/error/code"), code, "{answer}");
    assert!(!answer.text("/error/message").is_empty(), "{answer}");
}

/// CloudKeep contract §6
#[tokio::test]
async fn every_refusal_has_its_code_in_the_one_envelope() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "here").await;
    let one = secret(&owner, &here, "A", "1").await;
    let viewer = kluis.user("viewer").await.api();
    let path = format!("/api/v1/vaults/{here}");
    let body = json!({"key": "A", "value": "1"});
    let secrets = format!("{path}/secrets");
    refusal(&owner.post(&secrets, json!({})).await, 400, "BAD_REQUEST");
    refusal(&kluis.anonymous().get(&path).await, 401, "UNAUTHORIZED");
    refusal(&viewer.post(&secrets, body.clone()).await, 403, "FORBIDDEN");
    refusal(
        &viewer.get(&format!("{secrets}/{one}")).await,
        403,
        "FORBIDDEN",
    );
    refusal(&viewer.delete(&path).await, 403, "FORBIDDEN");
    refusal(&owner.get(&format!("{secrets}/x")).await, 404, "NOT_FOUND");
    refusal(
        &owner.delete(&format!("{secrets}/{one}x")).await,
        404,
        "NOT_FOUND",
    );
    refusal(&owner.get("/api/v1/nothing").await, 404, "NOT_FOUND");
    refusal(
        &owner.put(&path, json!({})).await,
        405,
        "METHOD_NOT_ALLOWED",
    );
    refusal(&owner.post(&secrets, body).await, 409, "CONFLICT");
    let taken = json!({"name": "here"});
    refusal(&owner.post("/api/v1/vaults", taken).await, 409, "CONFLICT");
}

/// CloudKeep contract §6: for every path, every method that is not documented.
#[tokio::test]
async fn a_known_path_allows_its_documented_methods_and_names_them() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "here").await;
    let one = secret(&owner, &here, "A", "1").await;
    for (path, allowed) in [
        ("/api/v1/vaults".to_owned(), "GET, POST"),
        (format!("/api/v1/vaults/{here}"), "DELETE, GET, PATCH"),
        (format!("/api/v1/vaults/{ABSENT}"), "DELETE, GET, PATCH"),
        (format!("/api/v1/vaults/{here}/secrets"), "GET, POST"),
        (
            format!("/api/v1/vaults/{here}/secrets/{one}"),
            "DELETE, GET, PATCH",
        ),
        ("/api/v1/templates".to_owned(), "GET"),
        ("/api/v1/me".to_owned(), "GET"),
    ] {
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE",
        ] {
            let anonymous = kluis
                .anonymous()
                .send(method.parse().unwrap(), &path, None)
                .await;
            assert_eq!(anonymous.status, 401, "{anonymous}");
            if allowed.split(", ").any(|one| one == method) {
                continue;
            }
            let answer = owner.send(method.parse().unwrap(), &path, None).await;
            assert_eq!(answer.status, 405, "{answer}");
            if method != "HEAD" {
                refusal(&answer, 405, "METHOD_NOT_ALLOWED");
            }
            let mut told: Vec<_> = answer.header("allow").unwrap().split(", ").collect();
            told.sort_unstable();
            assert_eq!(told.join(", "), allowed, "{answer}");
        }
    }
    for path in [
        "/api/v1",
        "/api/v1/me/",
        "/api/v1/templates/",
        "/api/v1/templates/tpl_aws",
        "/api/v1/tokens",
        "/api/v1/users",
        &format!("/api/v1/vaults/{here}/"),
        &format!("/api/v1/vaults/{here}/secrets/"),
        &format!("/api/v1/vaults/{here}/templates"),
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = owner.send(method, path, None).await;
            refusal(&answer, 404, "NOT_FOUND");
        }
    }
}

/// RULES §3: 3 before 4 before 5 before 6 before 7.
#[tokio::test]
async fn what_is_wrong_is_told_in_the_one_order() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "here").await;
    let one = secret(&owner, &here, "A", "1").await;
    let reader = kluis.user("member").await;
    grant(&owner, &here, &reader, "**", &["read"]).await;
    let callers = [
        kluis.stranger().await.api(),
        kluis.user("viewer").await.api(),
        kluis.user("member").await.api(),
        reader.api(),
        kluis.owner(),
    ];
    let json_type = [("content-type", "application/json")];
    for api in &callers {
        // No such route or method, whatever the body.
        for (method, path, status) in [
            (Method::POST, "/api/v1/nothing", 404),
            (Method::PUT, "/api/v1/vaults", 405),
        ] {
            let answer = api.raw(method, path, &json_type, b"{".to_vec()).await;
            assert_eq!(answer.status, status, "{answer}");
        }
        // A request that is wrong by itself, whoever asks and whether it is there.
        for vault in [here.as_str(), ABSENT, "x"] {
            let path = format!("/api/v1/vaults/{vault}");
            for (method, path, body) in [
                (Method::PATCH, path.clone(), json!({})),
                (Method::PATCH, path.clone(), json!({"name": ""})),
                (Method::POST, format!("{path}/secrets"), json!({"key": "A"})),
                (
                    Method::POST,
                    format!("{path}/secrets"),
                    json!({"key": "", "value": "1"}),
                ),
                (Method::PATCH, format!("{path}/secrets/{one}"), json!({})),
                (
                    Method::PATCH,
                    format!("{path}/secrets/x"),
                    json!({"value": 1}),
                ),
            ] {
                refusal(
                    &api.send(method, &path, Some(body)).await,
                    400,
                    "BAD_REQUEST",
                );
            }
        }
        let body = json!({"name": ""});
        refusal(&api.post("/api/v1/vaults", body).await, 400, "BAD_REQUEST");
    }
    // Whether one may, before whether it fits.
    let viewer = &callers[1];
    let taken = json!({"name": "here"});
    refusal(
        &viewer.post("/api/v1/vaults", taken.clone()).await,
        403,
        "FORBIDDEN",
    );
    let path = format!("/api/v1/vaults/{here}");
    let default = json!({"name": "default"});
    refusal(
        &viewer.patch(&path, default.clone()).await,
        403,
        "FORBIDDEN",
    );
    refusal(
        &reader.api().patch(&path, default.clone()).await,
        403,
        "FORBIDDEN",
    );
    let body = json!({"key": "A", "value": "2"});
    let again = reader.api().post(&format!("{path}/secrets"), body).await;
    refusal(&again, 403, "FORBIDDEN");
    // Whether it is there, before whether it fits.
    refusal(
        &callers[2].patch(&path, default.clone()).await,
        404,
        "NOT_FOUND",
    );
    let absent = format!("/api/v1/vaults/{ABSENT}");
    refusal(&owner.patch(&absent, default).await, 404, "NOT_FOUND");
    // A key that differs can only be told by who may see the one that is stored.
    let renamed = json!({"key": "B", "value": "2"});
    let there = format!("{path}/secrets/{one}");
    refusal(
        &callers[2].patch(&there, renamed.clone()).await,
        404,
        "NOT_FOUND",
    );
    refusal(&owner.patch(&there, renamed).await, 400, "BAD_REQUEST");
}

/// CloudKeep contract §6: not JSON, not an object, another `Content-Type`.
#[tokio::test]
async fn every_change_wants_a_json_object() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "here").await;
    let one = secret(&owner, &here, "A", "1").await;
    let path = format!("/api/v1/vaults/{here}");
    let before = look(&owner, &path).await;
    let good = json!({"name": "n", "key": "A", "value": "2"}).to_string();
    for (method, path) in [
        (Method::POST, "/api/v1/vaults".to_owned()),
        (Method::PATCH, path.clone()),
        (Method::POST, format!("{path}/secrets")),
        (Method::PATCH, format!("{path}/secrets/{one}")),
    ] {
        for (content_type, body) in [
            (None, good.as_str()),
            (Some("text/plain"), &good),
            (Some("application/x-www-form-urlencoded"), &good),
            (Some("application/jsonx"), &good),
            (Some("application/json"), ""),
            (Some("application/json"), "{"),
            (Some("application/json"), "[]"),
            (Some("application/json"), "null"),
            (Some("application/json"), "\"name\""),
            (Some("application/json"), "1"),
            (Some("application/json"), "name=n&value=2"),
        ] {
            let headers: Vec<_> = content_type
                .map(|word| ("content-type", word))
                .into_iter()
                .collect();
            let answer = owner
                .raw(method.clone(), &path, &headers, body.as_bytes().to_vec())
                .await;
            refusal(&answer, 400, "BAD_REQUEST");
        }
    }
    assert_eq!(look(&owner, &path).await, before);
}

/// All that there is, as one sees it.
async fn look(owner: &crate::harness::Api, vault: &str) -> [Value; 3] {
    let secrets = format!("{vault}/secrets");
    [
        owner.get("/api/v1/vaults").await.expect(200).json(),
        owner.get(vault).await.expect(200).json(),
        owner.get(&secrets).await.expect(200).json(),
    ]
}
