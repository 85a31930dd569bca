//! `/v1/auth/me`, `/v1/auth/change-password`.

use serde_json::json;

use super::problem;
use crate::harness::{Api, Backend, Kluis, on_both, totp_code};

#[tokio::test]
async fn the_own_profile_says_who_and_how_it_was_proven() {
    let kluis = Kluis::start().await;
    let with_key = kluis.owner().get("/v1/auth/me").await.expect(200);
    assert_eq!(
        with_key.members(""),
        [
            "auth_method",
            "created_at",
            "display_name",
            "email",
            "email_verified",
            "id",
            "org_id",
            "role"
        ]
    );
    assert_eq!(with_key.text("/id"), kluis.dev("/owner/id"));
    assert_eq!(with_key.text("/email"), kluis.dev("/owner/email"));
    assert_eq!(with_key.text("/org_id"), kluis.dev("/organization_id"));
    assert_eq!(with_key.text("/auth_method"), "api_key");
    assert_eq!(with_key.text("/role"), "owner");
    let body =
        json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
    let session = kluis
        .anonymous()
        .post("/v1/auth/login", body)
        .await
        .expect(200);
    let api = Api::bearer(kluis.base(), session.text("/data/access_token"));
    let with_session = api.get("/v1/auth/me").await.expect(200);
    assert_eq!(with_session.text("/auth_method"), "password");
    let refused = kluis.anonymous().get("/v1/auth/me").await;
    problem(&refused, 401);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    // This API reads no other scheme.
    problem(&kluis.admin_api().get("/v1/auth/me").await, 401);
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = "/v1/auth/change-password";
    let old = kluis.dev("/owner/password");
    let missing = owner.post(path, json!({"current_password": old})).await;
    problem(&missing, 400);
    assert_eq!(missing.members("/fields"), ["new_password"]);
    let wrong = json!({"current_password": "Wrong-password-1", "new_password": "A-new-Password-1"});
    problem(&owner.post(path, wrong).await, 401);
    let right = json!({"current_password": old, "new_password": "A-new-Password-1"});
    let changed = owner.post(path, right).await.expect(200);
    assert_eq!(changed.members(""), ["message"]);
    assert!(!changed.string().contains("A-new-Password-1"));
}

on_both! {
    async fn a_second_factor_is_begun_confirmed_used_and_ended(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let owner = kluis.owner();
        assert_eq!(owner.get("/v1/auth/mfa/status").await.expect(200).json(), json!({"enabled": false}));
        let setup = owner.send(reqwest::Method::POST, "/v1/auth/mfa/setup", None).await.expect(200);
        assert_eq!(setup.members(""), ["otpauth_uri", "secret"]);
        let secret = setup.text("/secret");
        let verify = "/v1/auth/mfa/verify-setup";
        let wrong = owner.post(verify, json!({"code": "000000"})).await;
        problem(&wrong, 400);
        assert_eq!(wrong.members("/fields"), ["code"]);
        let confirmed = owner.post(verify, json!({"code": totp_code(&secret, 0)})).await.expect(200);
        assert_eq!(confirmed.members(""), ["recovery_codes"]);
        assert_eq!(owner.get("/v1/auth/mfa/status").await.expect(200).json(), json!({"enabled": true}));

        let login = json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
        let waiting = kluis.anonymous().post("/v1/auth/token", login).await.expect(200);
        assert_eq!(waiting.members(""), ["mfa_required", "mfa_token"]);
        let code = |code: String| json!({"mfa_token": waiting.text("/mfa_token"), "code": code});
        let verify = "/v1/auth/mfa/verify";
        problem(&kluis.anonymous().post(verify, code("000000".to_owned())).await, 401);
        kluis.advance_clock(60).await;
        let token = kluis.anonymous().post(verify, code(totp_code(&secret, 60))).await.expect(200);
        assert_eq!(token.members(""), ["access_token", "expires_in", "token_type"]);

        let end = |code: serde_json::Value| owner.send(reqwest::Method::DELETE, "/v1/auth/mfa", Some(json!({"code": code})));
        problem(&end(json!("000000")).await, 400);
        end(confirmed.at("/recovery_codes/0")).await.expect(204);
        assert_eq!(owner.get("/v1/auth/mfa/status").await.expect(200).json(), json!({"enabled": false}));
    }
}

/// Contract §4.5: off unless configured.
#[tokio::test]
async fn whoever_signs_up_owns_an_organization_of_its_own() {
    let mut kluis = Kluis::start().await;
    let path = "/v1/auth/signup";
    let body = json!({"email": "New@Example.test", "password": "Signs-Up-123!", "display_name": "New One"});
    problem(&kluis.anonymous().post(path, body.clone()).await, 401);
    problem(&kluis.owner().post(path, body.clone()).await, 404);
    kluis.serve(&[("KLUIS_ORGANIZATIONS_SIGNUP", "true")]).await;
    let anyone = kluis.anonymous();
    let made = anyone.post(path, body.clone()).await.expect(201);
    assert_eq!(
        made.members(""),
        ["access_token", "expires_in", "token_type"]
    );
    let new = Api::bearer(kluis.base(), made.text("/access_token"));
    let me = new.get("/v1/auth/me").await.expect(200);
    assert_eq!(me.text("/role"), "owner");
    assert_eq!(me.text("/email"), "new@example.test");
    assert_ne!(me.text("/org_id"), kluis.dev("/organization_id"));
    new.post("/v1/vaults", json!({"name": "mine"}))
        .await
        .expect(201);
    assert!(
        !kluis
            .owner()
            .get("/v1/vaults")
            .await
            .string()
            .contains("mine")
    );
    let events = new
        .get("/v1/audit/events?action=organization.create")
        .await
        .expect(200);
    assert_eq!(events.text("/events/0/actor_id"), me.text("/id"));
    // It is no owner of the server.
    Api::api_key(kluis.base(), kluis.dev("/tokens/credvault"))
        .get("/v1/users")
        .await
        .expect(200);
    problem(&anyone.post(path, body.clone()).await, 409);
    let login = json!({"email": "new@example.test", "password": "Signs-Up-123!"});
    anyone.post("/v1/auth/token", login).await.expect(200);
    for (member, value) in [
        ("email", "no"),
        ("password", "short"),
        ("display_name", "a\u{7}"),
    ] {
        let mut wrong = body.clone();
        wrong[member] = value.into();
        problem(&anyone.post(path, wrong).await, 400);
    }
    for _ in 0..12 {
        let answer = anyone.post(path, body.clone()).await;
        assert!([409, 429].contains(&answer.status));
    }
    problem(&anyone.post(path, body).await, 429);
}
