//! Limits and headers: contract §13.

use serde_json::json;

use super::problem;
use super::shares::secret;
use crate::harness::Kluis;

/// A setting, off by default; other APIs are not held to it, and whoever proves nothing still gets a plain 401.
#[tokio::test]
async fn an_address_can_be_slowed_down() {
    let mut kluis = Kluis::start().await;
    for _ in 0..50 {
        kluis.owner().get("/v1/vaults").await.expect(200);
    }
    kluis
        .serve(&[
            ("KLUIS_LIMITS_ONECLAW_PER_SECOND", "1"),
            ("KLUIS_LIMITS_ONECLAW_AUTH_PER_SECOND", "1"),
        ])
        .await;
    let owner = kluis.owner();
    let mut passed = 0;
    let refused = loop {
        let answer = owner.get("/v1/vaults").await;
        if answer.status != 200 {
            break answer;
        }
        passed += 1;
        assert!(passed < 20, "nothing slows it down");
    };
    assert!(passed >= 2, "{passed}");
    problem(&refused, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    problem(&kluis.anonymous().get("/v1/vaults").await, 401);
    for _ in 0..10 {
        owner.get("/api/v1/vaults").await.expect(200);
    }
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let body = json!({"api_key": "1ck_unknown"});
        let answer = kluis.anonymous().post("/v1/auth/api-key-token", body).await;
        statuses.push(answer.status);
    }
    assert_eq!(statuses[..5], [401; 5]);
    assert!(statuses.contains(&429), "{statuses:?}");
}

/// Headers that describe hosted billing, and those that clients send along, change nothing.
#[tokio::test]
async fn what_belongs_to_a_hosted_service_is_neither_sent_nor_read() {
    let kluis = Kluis::start().await;
    let mut owner = kluis.owner();
    for name in [
        "x-1claw-runtime-id",
        "x-platform-connection",
        "dpop",
        "x-payment",
        "idempotency-key",
        "x-client-share",
    ] {
        owner = owner.with(name, "c4nary");
    }
    let answer = owner.get("/v1/vaults").await.expect(200);
    for name in [
        "x-ratelimit-requests-used",
        "x-ratelimit-requests-limit",
        "x-ratelimit-requests-percent",
        "x-quota-warning",
        "x-overage-method",
        "x-ratelimit-limit",
    ] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

/// NT-56; contract §13: a setting, off by default.
#[tokio::test]
async fn shares_can_be_limited_by_the_minute() {
    let mut kluis = Kluis::start().await;
    kluis
        .serve(&[
            ("KLUIS_LIMITS_SHARES_PER_MINUTE", "2"),
            ("KLUIS_PUBLIC_URL", "https://k.example.test/"),
        ])
        .await;
    let owner = kluis.owner();
    let secret = secret(&owner, "s").await;
    let made = secret.share(&owner, json!({})).await.expect(201);
    assert!(
        made.text("/share_url")
            .starts_with("https://k.example.test/v1/share/")
    );
    secret.share(&owner, json!({})).await.expect(201);
    let refused = secret.share(&owner, json!({})).await;
    problem(&refused, 429);
    assert!(refused.header("retry-after").is_some());
}
