//! `/v1/users`.

use serde_json::json;

use crate::harness::{Kluis, totp_code};

#[tokio::test]
async fn a_user_is_made_with_defaults_and_a_one_time_password() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let made = admin
        .post("/v1/users", json!({"email": "New@Example.test"}))
        .await
        .expect(201);
    assert_eq!(made.text("/data/email"), "new@example.test");
    assert_eq!(made.text("/data/role"), "member");
    assert_eq!(made.text("/data/plan"), "enterprise");
    assert_eq!(made.text("/data/status"), "active");
    assert!(made.text("/data/id").starts_with("user_"));
    let password = made.text("/data/password");
    let login = json!({"email": "new@example.test", "password": password});
    kluis
        .anonymous()
        .post("/v1/auth/login", login)
        .await
        .expect(200);
    let id = made.text("/data/id");
    let read = admin.get(&format!("/v1/users/{id}")).await.expect(200);
    assert!(!read.string().contains(&password));
    assert_eq!(read.at("/data/password"), serde_json::Value::Null);
    for body in [
        json!({}),
        json!({"email": "not an address"}),
        json!({"email": "x@y.test", "role": "king"}),
        json!({"email": "x@y.test", "plan": "gold"}),
        json!({"email": "x@y.test", "password": "weak"}),
        json!({"email": 1}),
    ] {
        admin.post("/v1/users", body).await.expect(400);
    }
    admin
        .post("/v1/users", json!({"email": "new@example.test"}))
        .await
        .expect(409);
}

#[tokio::test]
async fn admins_make_and_change_members_and_viewers_only_and_see_all() {
    let kluis = Kluis::start().await;
    let admin = kluis.user("admin").await;
    let api = admin.admin_api();
    let member = kluis.user("member").await;
    let owner_id = kluis.dev("/owner/id");
    assert_eq!(
        api.get("/v1/users")
            .await
            .expect(200)
            .at("/pagination/total"),
        3
    );
    api.post("/v1/users", json!({"email": "m@x.test", "role": "viewer"}))
        .await
        .expect(201);
    api.post("/v1/users", json!({"email": "a@x.test", "role": "admin"}))
        .await
        .expect(403);
    api.post("/v1/users", json!({"email": "o@x.test", "role": "owner"}))
        .await
        .expect(403);
    let path = format!("/v1/users/{}", member.id);
    api.patch(&path, json!({"role": "viewer"}))
        .await
        .expect(200);
    api.patch(&path, json!({"role": "admin"})).await.expect(403);
    api.patch(&format!("/v1/users/{owner_id}"), json!({"name": "x"}))
        .await
        .expect(403);
    api.delete(&format!("/v1/users/{owner_id}"))
        .await
        .expect(403);
    api.post(
        &format!("/v1/users/{}/reset-password", member.id),
        json!({}),
    )
    .await
    .expect(403);
    api.delete(&path).await.expect(200);
    api.get(&path).await.expect(404);
}

/// NT-11, NT-44
#[tokio::test]
async fn members_see_themselves_and_nobody_else() {
    let kluis = Kluis::start().await;
    let other = kluis.user("member").await;
    for role in ["member", "viewer"] {
        let user = kluis.user(role).await;
        let api = user.admin_api();
        let list = api.get("/v1/users").await.expect(200);
        assert_eq!(list.at("/pagination/total"), 1);
        assert_eq!(list.text("/data/0/id"), user.id);
        api.get(&format!("/v1/users/{}", user.id)).await.expect(200);
        let hidden = api
            .get(&format!("/v1/users/{}", other.id))
            .await
            .expect(404);
        let absent = api
            .get("/v1/users/user_0000000000000000000001")
            .await
            .expect(404);
        assert_eq!(hidden.body, absent.body);
        api.post("/v1/users", json!({"email": "x@y.test"}))
            .await
            .expect(403);
        api.delete(&format!("/v1/users/{}", user.id))
            .await
            .expect(403);
        // Only what is one's own to change.
        api.patch(&format!("/v1/users/{}", user.id), json!({"role": "owner"}))
            .await
            .expect(403);
        api.patch(&format!("/v1/users/{}", user.id), json!({"plan": "pro"}))
            .await
            .expect(403);
    }
}

#[tokio::test]
async fn the_last_active_owner_stays() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let path = format!("/v1/users/{}", kluis.dev("/owner/id"));
    for body in [json!({"role": "admin"}), json!({"status": "disabled"})] {
        let refused = admin.patch(&path, body).await.expect(409);
        assert_eq!(refused.text("/status"), "error");
    }
    admin.delete(&path).await.expect(409);
    let second = kluis.user("owner").await;
    admin
        .patch(&path, json!({"role": "admin"}))
        .await
        .expect(200);
    let second_path = format!("/v1/users/{}", second.id);
    second.admin_api().delete(&second_path).await.expect(409);
}

/// NT-10
#[tokio::test]
async fn a_user_of_another_organization_is_absent() {
    let kluis = Kluis::start().await;
    let stranger = kluis.stranger().await;
    let member = kluis.user("member").await;
    let path = format!("/v1/users/{}", member.id);
    let api = stranger.admin_api();
    api.get(&path).await.expect(404);
    api.patch(&path, json!({"name": "x"})).await.expect(404);
    api.delete(&path).await.expect(404);
    api.post(&format!("{path}/reset-password"), json!({}))
        .await
        .expect(404);
    let body = json!({"name": "mine", "user_id": member.id});
    api.post("/v1/api-keys", body).await.expect(404);
    member.api().get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn a_reset_password_is_given_once_and_ends_sessions() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let made = admin
        .post("/v1/users", json!({"email": "r@x.test"}))
        .await
        .expect(201);
    let first = made.text("/data/password");
    let login = |password: &str| json!({"email": "r@x.test", "password": password});
    let session = kluis
        .anonymous()
        .post("/v1/auth/login", login(&first))
        .await
        .expect(200);
    let api = crate::harness::Api::bearer(kluis.base(), session.text("/data/access_token"));
    let path = format!("/v1/users/{}/reset-password", made.text("/data/id"));
    let reset = admin.post(&path, json!({})).await.expect(200);
    api.get("/v1/me").await.expect(401);
    kluis
        .anonymous()
        .post("/v1/auth/login", login(&first))
        .await
        .expect(401);
    let second = reset.text("/data/password");
    kluis
        .anonymous()
        .post("/v1/auth/login", login(&second))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_deleted_user_takes_keys_along_and_leaves_vaults_without_a_maker() {
    let kluis = Kluis::start().await;
    let member = kluis.user("member").await;
    let api = member.api();
    let vault = api
        .post("/api/v1/vaults", json!({"name": "left"}))
        .await
        .expect(201)
        .text("/data/id");
    kluis
        .admin_api()
        .delete(&format!("/v1/users/{}", member.id))
        .await
        .expect(200);
    api.get("/api/v1/me").await.expect(401);
    kluis
        .owner()
        .get(&format!("/api/v1/vaults/{vault}"))
        .await
        .expect(200);
    let email = json!({"email": member.email});
    kluis.admin_api().post("/v1/users", email).await.expect(201);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_a_code_works_once() {
    let kluis = Kluis::start_with(&["--test-clock"]).await;
    let member = kluis.user("member").await;
    let admin = kluis.admin_api();
    let reset = admin
        .post(
            &format!("/v1/users/{}/reset-password", member.id),
            json!({}),
        )
        .await
        .expect(200);
    let password = reset.text("/data/password");
    let api = member.admin_api();
    let enrolled = api
        .post("/v1/auth/totp/enroll", json!({}))
        .await
        .expect(200);
    assert!(enrolled.text("/data/uri").starts_with("otpauth://totp/"));
    let secret = enrolled.text("/data/secret");
    // Not on before it is confirmed.
    let login = json!({"email": member.email, "password": password});
    kluis
        .anonymous()
        .post("/v1/auth/login", login.clone())
        .await
        .expect(200);
    let confirmed = api
        .post(
            "/v1/auth/totp/confirm",
            json!({"code": totp_code(&secret, 0)}),
        )
        .await
        .expect(200);
    let codes = confirmed.at("/data/recovery_codes");
    assert_eq!(codes.as_array().map(Vec::len), Some(10));
    kluis
        .anonymous()
        .post("/v1/auth/login", login)
        .await
        .expect(401);
    let with = |otp: &str| json!({"email": member.email, "password": password, "otp": otp});
    let recovery = codes[0].as_str().unwrap();
    kluis
        .anonymous()
        .post("/v1/auth/login", with(recovery))
        .await
        .expect(200);
    kluis
        .anonymous()
        .post("/v1/auth/login", with(recovery))
        .await
        .expect(401);
    // The code that confirmed is spent.
    kluis
        .anonymous()
        .post("/v1/auth/login", with(&totp_code(&secret, 0)))
        .await
        .expect(401);
}
