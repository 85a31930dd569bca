//! The error table, and who is let in.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Api, Kluis};

#[tokio::test]
async fn every_unauthorized_request_gets_the_one_sentence() {
    let kluis = Kluis::start().await;
    let token = kluis.dev("/tokens/cloudkeep");
    let base = kluis.base();
    let with = |value: String| Api::anonymous(base.as_str()).with("authorization", &value);
    let callers = [
        ("nothing", kluis.anonymous()),
        ("another scheme", with(format!("Basic {token}"))),
        ("another API's scheme", with(format!("ApiKey {token}"))),
        (
            "another API's header",
            kluis.anonymous().with("x-api-key", &token),
        ),
        ("unknown", with("Bearer ck_live_unknown".to_owned())),
        ("empty", with("Bearer ".to_owned())),
        ("no scheme", with(token.clone())),
        ("two words", with(format!("Bearer {token} x"))),
        (
            "other case",
            with(format!("Bearer {}", token.to_uppercase())),
        ),
        (
            "a prefix of it",
            with(format!("Bearer {}", &token[..token.len() - 1])),
        ),
        (
            "twice",
            with(format!("Bearer {token}")).with("authorization", &format!("Bearer {token}")),
        ),
    ];
    for (name, caller) in callers {
        for path in [
            "/api/v1/vaults",
            "/api/v1/me",
            "/api/v1/templates",
            "/api/v1/vaults/x",
            "/api/v1/nothing",
        ] {
            let refused = caller.get(path).await;
            assert_eq!(refused.status, 401, "{name} {path}: {}", refused.string());
            assert_eq!(
                refused.json(),
                json!({"error": {"code": "UNAUTHORIZED", "message": "Invalid or expired API token."}}),
                "{name} {path}"
            );
        }
        // Who is asked before anything about the request is.
        let refused = caller
            .raw(Method::POST, "/api/v1/vaults", &[], b"{".to_vec())
            .await;
        assert_eq!(refused.status, 401, "{name}");
    }
}

#[tokio::test]
async fn a_key_of_any_style_opens_this_api_and_the_scheme_word_has_no_case() {
    let kluis = Kluis::start().await;
    for style in ["cloudkeep", "crate", "credvault", "oneclaw", "inkbox"] {
        let token = kluis.dev(&format!("/tokens/{style}"));
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let api = kluis
                .anonymous()
                .with("authorization", &format!("{scheme} {token}"));
            api.get("/api/v1/me").await.expect(200);
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found_and_a_wrong_method_is_named() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    for path in [
        "/api/v1/nothing",
        "/api/v1/",
        "/api/v1/vaults/",
        "/api/v1/vaults/x/y/z",
        "/api/v1/secrets",
    ] {
        let answer = owner.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.string());
        assert_eq!(answer.text("/error/code"), "NOT_FOUND", "{path}");
    }
    for (method, path, allow) in [
        (Method::PUT, "/api/v1/vaults", "GET,POST"),
        (Method::DELETE, "/api/v1/vaults", "GET,POST"),
        (Method::POST, "/api/v1/me", "GET"),
        (Method::PUT, "/api/v1/vaults/x", "GET,PATCH,DELETE"),
        (
            Method::PUT,
            "/api/v1/vaults/x/secrets/y",
            "GET,PATCH,DELETE",
        ),
    ] {
        let answer = owner.send(method.clone(), path, None).await;
        assert_eq!(answer.status, 405, "{method} {path}: {}", answer.string());
        assert_eq!(answer.text("/error/code"), "METHOD_NOT_ALLOWED");
        let told = answer.header("allow").unwrap();
        for method in allow.split(',') {
            assert!(told.contains(method), "{path} allows {told}");
        }
    }
}

#[tokio::test]
async fn outside_every_api_a_path_is_not_found_without_credentials() {
    let kluis = Kluis::start().await;
    for path in ["/", "/nothing", "/api", "/api/v2/vaults", "/v3/x", "/.env"] {
        let answer = kluis.anonymous().get(path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.string());
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
        assert_eq!(answer.at("/status"), 404, "{path}");
    }
}

#[tokio::test]
async fn answers_are_never_kept_by_caches_and_carry_a_request_id() {
    let kluis = Kluis::start().await;
    let answer = kluis.owner().get("/api/v1/vaults").await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("x-request-id").map(str::len), Some(36));
}

#[tokio::test]
async fn an_expired_or_revoked_key_and_a_disabled_user_are_unauthorized_on_the_next_request() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let member = kluis.user("member").await;
    let api = member.api();
    api.get("/api/v1/me").await.expect(200);
    admin
        .patch(
            &format!("/v1/users/{}", member.id),
            json!({"status": "disabled"}),
        )
        .await
        .expect(200);
    api.get("/api/v1/me").await.expect(401);
    admin
        .patch(
            &format!("/v1/users/{}", member.id),
            json!({"status": "active"}),
        )
        .await
        .expect(200);
    api.get("/api/v1/me").await.expect(200);
    admin
        .delete(&format!("/v1/api-keys/{}", member.key_id))
        .await
        .expect(200);
    api.get("/api/v1/me").await.expect(401);
}
