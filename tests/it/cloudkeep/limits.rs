//! Rate-limit tiers.

use serde_json::json;

use crate::harness::{Api, Kluis};

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

/// CloudKeep contract §4
#[tokio::test]
async fn retry_after_is_the_time_until_the_oldest_counted_request_leaves() {
    let kluis = Kluis::start_with(&["--test-clock"]).await;
    let member = kluis
        .user_of(&kluis.admin_api(), "member", "standard")
        .await;
    let api = member.api();
    let number = |answer: &crate::harness::Answer, name: &str| -> u64 {
        answer.header(name).unwrap().parse().unwrap()
    };
    let first = api.get("/api/v1/me").await.expect(200);
    let reset = number(&first, "x-ratelimit-reset");
    assert!(reset > 1_700_000_000, "{reset} are no epoch seconds");
    kluis.advance_clock(20).await;
    for _ in 1..60 {
        // Whatever comes of it, a request that is not too fast counts.
        let answer = api.get("/api/v1/vaults/nothing").await.expect(404);
        assert_eq!(answer.header("x-ratelimit-limit"), Some("60"));
    }
    for (advance, expected) in [(0, 40), (25, 15), (10, 5)] {
        kluis.advance_clock(advance).await;
        let refused = api.get("/api/v1/me").await.expect(429);
        let after = number(&refused, "retry-after");
        // Real time passes too.
        assert!((expected - 4..=expected).contains(&after), "{after}");
        assert!(number(&refused, "x-ratelimit-reset").abs_diff(reset) <= 1);
        assert_eq!(refused.members("/error"), ["code", "message"]);
    }
    let after = number(&api.get("/api/v1/me").await.expect(429), "retry-after");
    assert!(after >= 1);
    kluis.advance_clock(after).await;
    // One has left, so one may come.
    api.get("/api/v1/me").await.expect(200);
    api.get("/api/v1/me").await.expect(429);
}

/// RULES §6
#[tokio::test]
async fn one_counter_counts_all_keys_and_sessions_of_a_user_in_all_apis() {
    let kluis = Kluis::start_with(&["--test-clock"]).await;
    let admin = kluis.admin_api();
    let login = json!({"email": "slow@example.test", "password": "Correct-Horse-7"});
    let mut user = login.clone();
    user["plan"] = "standard".into();
    let user = admin.post("/v1/users", user).await.expect(201);
    let session = kluis
        .anonymous()
        .post("/v1/auth/login", login)
        .await
        .expect(200);
    let mut callers = vec![Api::bearer(
        kluis.base(),
        session.text("/data/access_token"),
    )];
    for style in ["cloudkeep", "crate"] {
        let body = json!({"name": style, "style": style, "user_id": user.text("/data/id")});
        let key = admin.post("/v1/api-keys", body).await.expect(201);
        callers.push(Api::bearer(kluis.base(), key.text("/data/key")));
    }
    let paths = ["/api/v1/me", "/v1/me", "/v1/auth/me"];
    for count in 0..60 {
        let answer = callers[count % 3].get(paths[count / 3 % 3]).await;
        assert_eq!(answer.status, 200, "{count}: {answer}");
    }
    for api in &callers {
        for path in paths {
            let refused = api.get(path).await.expect(429);
            assert!(refused.header("retry-after").is_some(), "{refused}");
        }
    }
    // Another user of the same address is as free as before.
    kluis.owner().get("/api/v1/me").await.expect(200);
    // A better plan counts at once.
    let path = format!("/v1/users/{}", user.text("/data/id"));
    for (plan, status) in [("pro", 200), ("standard", 429), ("enterprise", 200)] {
        admin.patch(&path, json!({"plan": plan})).await.expect(200);
        let me = callers[1].get("/api/v1/me").await.expect(status);
        if status == 200 {
            assert_eq!(me.text("/data/plan"), plan);
        }
    }
}

/// CloudKeep contract §4
#[tokio::test]
async fn each_plan_has_its_number_of_requests_a_minute() {
    let kluis = Kluis::start_with(&["--test-clock"]).await;
    for (plan, requests, passing) in [
        ("standard", 70, 60),
        ("pro", 310, 300),
        ("enterprise", 310, 310),
    ] {
        let member = kluis.user_of(&kluis.admin_api(), "member", plan).await;
        let requests: Vec<_> = (0..requests)
            .map(|_| {
                let api = member.api();
                tokio::spawn(async move { api.get("/api/v1/me").await })
            })
            .collect();
        let mut passed = 0;
        for request in requests {
            let answer = request.await.unwrap();
            passed += usize::from(answer.status == 200);
            assert_eq!(
                answer.header("x-ratelimit-remaining").is_none(),
                plan == "enterprise"
            );
        }
        assert_eq!(passed, passing, "{plan}");
    }
}
