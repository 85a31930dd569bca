//! `/v1/auth/{login,refresh,logout}`, `/v1/me`, passwords.

use serde_json::json;

use crate::harness::{Answer, Api, Kluis};

/// The refusal of everyone who cannot prove who they are.
fn unauthorized(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.string());
    assert_eq!(answer.text("/status"), "error");
    assert_eq!(answer.text("/code"), "UNAUTHORIZED");
    assert_eq!(answer.header("www-authenticate"), Some("ApiKey, Bearer"));
}

async fn login(kluis: &Kluis) -> Answer {
    let body =
        json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
    kluis
        .anonymous()
        .post("/v1/auth/login", body)
        .await
        .expect(200)
}

#[tokio::test]
async fn a_log_in_gives_a_session_with_the_members_of_the_contract() {
    let kluis = Kluis::start().await;
    let session = login(&kluis).await;
    assert_eq!(session.text("/status"), "success");
    assert_eq!(
        session.members("/data"),
        [
            "access_token",
            "expires_at",
            "expires_in",
            "refresh_token",
            "token_type",
            "user"
        ]
    );
    assert_eq!(session.text("/data/token_type"), "Bearer");
    assert_eq!(session.at("/data/expires_in"), 3600);
    let access = session.text("/data/access_token");
    assert!(access.starts_with("cvs_") && access.len() == 47);
    let refresh = session.text("/data/refresh_token");
    assert!(refresh.starts_with("cvr_") && refresh.len() == 47);
    let api = Api::bearer(kluis.base(), &access);
    assert_eq!(
        api.get("/v1/me").await.expect(200).text("/data/email"),
        "owner@kluis.local"
    );
    // A session opens every API that reads Bearer, and none by the scheme for keys.
    api.get("/api/v1/me").await.expect(200);
    unauthorized(&Api::api_key(kluis.base(), &access).get("/v1/me").await);
    // A key goes in either scheme here.
    let key = kluis.dev("/tokens/crate");
    Api::api_key(kluis.base(), &key)
        .get("/v1/me")
        .await
        .expect(200);
    Api::bearer(kluis.base(), &key)
        .get("/v1/users")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let kluis = Kluis::start().await;
    let anonymous = kluis.anonymous();
    let email = kluis.dev("/owner/email");
    let wrong = anonymous
        .post(
            "/v1/auth/login",
            json!({"email": email, "password": "Wrong-password-1"}),
        )
        .await;
    let unknown = anonymous
        .post(
            "/v1/auth/login",
            json!({"email": "no@one.test", "password": "Wrong-password-1"}),
        )
        .await;
    unauthorized(&wrong);
    assert_eq!(wrong.body, unknown.body);
    let missing = anonymous
        .post("/v1/auth/login", json!({"email": email}))
        .await
        .expect(400);
    assert_eq!(missing.text("/code"), "MISSING_PARAMETER");
    assert_eq!(
        missing.text("/message"),
        "Required parameter 'password' is missing from request"
    );
}

/// NT-16
#[tokio::test]
async fn an_address_is_one_identity_in_any_case_and_spaces_are_no_way_around() {
    let kluis = Kluis::start().await;
    let password = kluis.dev("/owner/password");
    let anonymous = kluis.anonymous();
    let upper = json!({"email": "OWNER@Kluis.local", "password": password});
    anonymous.post("/v1/auth/login", upper).await.expect(200);
    let admin = kluis.admin_api();
    admin
        .post("/v1/users", json!({"email": "Owner@KLUIS.local"}))
        .await
        .expect(409);
}

/// NT-32
#[tokio::test]
async fn a_logged_out_session_is_dead() {
    let kluis = Kluis::start().await;
    let session = login(&kluis).await;
    let api = Api::bearer(kluis.base(), session.text("/data/access_token"));
    let answer = api.post("/v1/auth/logout", json!({})).await.expect(200);
    assert_eq!(
        answer.json(),
        json!({"status": "success", "data": {"revoked": true}})
    );
    unauthorized(&api.get("/v1/me").await);
    let refresh = json!({"refresh_token": session.text("/data/refresh_token")});
    unauthorized(&kluis.anonymous().post("/v1/auth/refresh", refresh).await);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_reuse_ends_the_family() {
    let kluis = Kluis::start().await;
    let anonymous = kluis.anonymous();
    let session = login(&kluis).await;
    let first = json!({"refresh_token": session.text("/data/refresh_token")});
    let renewed = anonymous
        .post("/v1/auth/refresh", first.clone())
        .await
        .expect(200);
    assert_eq!(renewed.members("/data"), session.members("/data"));
    let api = Api::bearer(kluis.base(), renewed.text("/data/access_token"));
    api.get("/v1/me").await.expect(200);
    unauthorized(&anonymous.post("/v1/auth/refresh", first).await);
    unauthorized(&api.get("/v1/me").await);
    let second = json!({"refresh_token": renewed.text("/data/refresh_token")});
    unauthorized(&anonymous.post("/v1/auth/refresh", second).await);
}

/// NT-31
#[tokio::test]
async fn a_new_password_ends_sessions_and_keeps_keys() {
    let kluis = Kluis::start().await;
    let session = login(&kluis).await;
    let api = Api::bearer(kluis.base(), session.text("/data/access_token"));
    let old = kluis.dev("/owner/password");
    for weak in [
        "Short-1a",
        "alllowercase-1",
        "ALLUPPERCASE-1",
        "NoDigitsHere-",
        "NoOther12345",
    ] {
        let body = json!({"current_password": old, "new_password": weak});
        let refused = api.post("/v1/auth/change-password", body).await;
        assert_eq!(refused.status, 400, "{weak}: {}", refused.string());
        assert!(!refused.string().contains(weak));
    }
    let wrong = json!({"current_password": "Wrong-password-1", "new_password": "A-new-Password-1"});
    api.post("/v1/auth/change-password", wrong)
        .await
        .expect(401);
    let right = json!({"current_password": old, "new_password": "A-new-Password-1"});
    let changed = api.post("/v1/auth/change-password", right).await;
    assert!(changed.status < 300, "{}", changed.string());
    unauthorized(&api.get("/v1/me").await);
    kluis.owner().get("/api/v1/me").await.expect(200);
    let anonymous = kluis.anonymous();
    let with = |password: &str| json!({"email": "owner@kluis.local", "password": password});
    unauthorized(&anonymous.post("/v1/auth/login", with(&old)).await);
    anonymous
        .post("/v1/auth/login", with("A-new-Password-1"))
        .await
        .expect(200);
}

#[tokio::test]
async fn the_sixty_first_wrong_password_in_a_minute_is_refused_unread() {
    let kluis = Kluis::start().await;
    let anonymous = kluis.anonymous();
    let wrong = json!({"email": "no@one.test", "password": "Wrong-password-1"});
    for _ in 0..60 {
        unauthorized(&anonymous.post("/v1/auth/login", wrong.clone()).await);
    }
    let refused = anonymous.post("/v1/auth/login", wrong).await.expect(429);
    assert_eq!(refused.text("/code"), "RATE_LIMIT_EXCEEDED");
    assert!(
        refused
            .header("retry-after")
            .unwrap()
            .parse::<u64>()
            .unwrap()
            >= 1
    );
    // Valid credentials are never slowed, and an unknown key is plain 401.
    kluis.owner().get("/api/v1/me").await.expect(200);
    unauthorized(
        &Api::api_key(kluis.base(), "cvk_unknown")
            .get("/v1/me")
            .await,
    );
}

#[tokio::test]
async fn an_unknown_version_and_an_unknown_path_are_not_found() {
    let kluis = Kluis::start().await;
    for path in ["/v1/nothing", "/v2/resources", "/v2"] {
        let refused = kluis.anonymous().get(path).await;
        unauthorized(&refused);
        let answer = kluis.admin_api().get(path).await.expect(404);
        assert_eq!(answer.text("/code"), "NOT_FOUND", "{path}");
    }
}
