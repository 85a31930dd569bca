//! Rate-limit tiers.

use serde_json::json;

use crate::harness::Kluis;

#[tokio::test]
async fn a_standard_user_has_sixty_requests_a_minute_over_all_keys_and_apis() {
    let kluis = Kluis::start_with(&["--test-clock"]).await;
    let member = kluis
        .user_of(&kluis.admin_api(), "member", "standard")
        .await;
    let (one, other) = (member.api(), member.admin_api());
    for count in 1..=60 {
        let answer = if count % 2 == 0 {
            one.get("/api/v1/me").await.expect(200)
        } else {
            other.get("/v1/me").await.expect(200)
        };
        assert_eq!(answer.header("x-ratelimit-limit"), Some("60"));
        assert_eq!(
            answer.header("x-ratelimit-remaining"),
            Some((60 - count).to_string().as_str())
        );
        answer
            .header("x-ratelimit-reset")
            .unwrap()
            .parse::<u64>()
            .unwrap();
    }
    for _ in 0..3 {
        let refused = one.get("/api/v1/me").await.expect(429);
        assert_eq!(refused.text("/error/code"), "RATE_LIMITED");
        let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&after), "{after}");
        assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    }
    let refused = other.get("/v1/me").await.expect(429);
    assert_eq!(refused.text("/code"), "RATE_LIMIT_EXCEEDED");
    // Who you are comes before how fast you are; how fast before whether there is such a route.
    kluis.anonymous().get("/api/v1/me").await.expect(401);
    one.get("/api/v1/nothing").await.expect(429);
}

#[tokio::test]
async fn the_plan_shows_and_an_unlimited_one_has_no_headers() {
    let kluis = Kluis::start().await;
    let member = kluis.user_of(&kluis.admin_api(), "member", "pro").await;
    let me = member.api().get("/api/v1/me").await.expect(200);
    assert_eq!(me.text("/data/plan"), "pro");
    assert_eq!(me.header("x-ratelimit-limit"), Some("300"));
    let owner = kluis.owner().get("/api/v1/me").await.expect(200);
    assert_eq!(owner.header("x-ratelimit-limit"), None);
}

#[tokio::test]
async fn sixty_of_two_hundred_concurrent_requests_pass() {
    let kluis = Kluis::start().await;
    let member = kluis
        .user_of(&kluis.admin_api(), "member", "standard")
        .await;
    let requests: Vec<_> = (0..200)
        .map(|_| {
            let api = member.api();
            tokio::spawn(async move { api.get("/api/v1/me").await.status })
        })
        .collect();
    let mut passed = 0;
    for request in requests {
        match request.await.unwrap() {
            200 => passed += 1,
            status => assert_eq!(status, 429),
        }
    }
    assert_eq!(passed, 60);
    kluis
        .owner()
        .post("/api/v1/vaults", json!({"name": "unharmed"}))
        .await
        .expect(201);
}
