//! Users, passwords and keys, by role (RULES §2, §8).

use serde_json::{Value, json};

use crate::harness::{Api, Kluis, totp_code};

/// RULES §2: passwords and keys of others.
#[tokio::test]
async fn an_admin_touches_no_password_and_no_key_of_another() {
    let kluis = Kluis::start().await;
    let admin = kluis.user("admin").await;
    let api = admin.admin_api();
    let member = kluis.user("member").await;
    for (key, expected) in [
        (member.key_id.as_str(), "another's"),
        ("key_0000000000000000000001", "no"),
    ] {
        let path = format!("/v1/api-keys/{key}");
        for answer in [
            api.get(&path).await,
            api.patch(&path, json!({"name": "mine"})).await,
            api.post(&format!("{path}/rotate"), json!({})).await,
            api.delete(&path).await,
        ] {
            assert_eq!(answer.status, 404, "{expected} key: {answer}");
            assert_eq!(answer.text("/code"), "NOT_FOUND");
            assert_eq!(answer.members(""), ["code", "message", "status"]);
        }
    }
    let there = api.get(&format!("/v1/api-keys/{}", member.key_id)).await;
    let absent = api.get("/v1/api-keys/key_0000000000000000000001").await;
    assert_eq!(there.body, absent.body);
    let body = json!({"name": "x", "user_id": member.id});
    api.post("/v1/api-keys", body).await.expect(403);
    let reset = format!("/v1/users/{}/reset-password", member.id);
    api.post(&reset, json!({})).await.expect(403);
    member.api().get("/api/v1/me").await.expect(200);
    // An owner does all of it.
    let owner = kluis.admin_api();
    let path = format!("/v1/api-keys/{}", member.key_id);
    owner.get(&path).await.expect(200);
    owner
        .patch(&path, json!({"name": "seen"}))
        .await
        .expect(200);
    let rotated = owner
        .post(&format!("{path}/rotate"), json!({}))
        .await
        .expect(200);
    member.api().get("/api/v1/me").await.expect(401);
    let token = rotated.text("/data/key");
    assert!(token.starts_with("ck_live_"), "a key keeps its style");
    Api::bearer(kluis.base(), token)
        .get("/api/v1/me")
        .await
        .expect(200);
    owner.delete(&path).await.expect(200);
    owner.post(&reset, json!({})).await.expect(200);
}

/// RULES §2: makes and changes members and viewers.
#[tokio::test]
async fn an_admin_changes_neither_owners_nor_admins_and_lifts_nobody_to_them() {
    let kluis = Kluis::start().await;
    let api = kluis.user("admin").await.admin_api();
    for role in ["admin", "owner"] {
        let other = kluis.user(role).await;
        let path = format!("/v1/users/{}", other.id);
        api.get(&path).await.expect(200);
        for change in [
            json!({"name": "x"}),
            json!({"role": "viewer"}),
            json!({"plan": "standard"}),
            json!({"status": "disabled"}),
        ] {
            api.patch(&path, change).await.expect(403);
        }
        api.delete(&path).await.expect(403);
        other.api().get("/api/v1/me").await.expect(200);
    }
    for role in ["member", "viewer"] {
        let body = json!({"email": format!("{role}@made.test"), "role": role});
        let made = api.post("/v1/users", body).await.expect(201);
        let path = format!("/v1/users/{}", made.text("/data/id"));
        for lift in ["admin", "owner"] {
            api.patch(&path, json!({"role": lift})).await.expect(403);
        }
        for change in [
            json!({"name": "x"}),
            json!({"plan": "standard"}),
            json!({"status": "disabled"}),
            json!({"role": "viewer", "status": "active"}),
            json!({"role": "member"}),
        ] {
            let changed = api.patch(&path, change.clone()).await.expect(200);
            for (member, value) in change.as_object().unwrap() {
                assert_eq!(changed.at(&format!("/data/{member}")), *value);
            }
        }
        api.delete(&path).await.expect(200);
    }
    // The owner makes and changes all of them.
    let owner = kluis.admin_api();
    for role in ["owner", "admin", "member", "viewer"] {
        let other = kluis.user(role).await;
        let path = format!("/v1/users/{}", other.id);
        let changed = owner
            .patch(&path, json!({"role": "admin"}))
            .await
            .expect(200);
        assert_eq!(changed.text("/data/role"), "admin");
        owner.delete(&path).await.expect(200);
    }
}

/// RULES §2: own API keys; only the owner sets anything else about users.
#[tokio::test]
async fn everybody_has_keys_of_their_own() {
    let kluis = Kluis::start().await;
    for role in ["owner", "admin", "member", "viewer"] {
        let user = kluis.user(role).await;
        let api = user.admin_api();
        let made = api
            .post("/v1/api-keys", json!({"name": "own"}))
            .await
            .expect(201);
        let token = made.text("/data/key");
        let digits = token.strip_prefix("cvk_").unwrap();
        assert!(
            digits.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{token}"
        );
        let path = format!("/v1/api-keys/{}", made.text("/data/id"));
        let own = Api::api_key(kluis.base(), &token);
        assert_eq!(
            own.get("/v1/me").await.expect(200).text("/data/id"),
            user.id
        );
        api.get(&path).await.expect(200);
        api.patch(&path, json!({"name": "renamed"}))
            .await
            .expect(200);
        let rotated = api
            .post(&format!("{path}/rotate"), json!({}))
            .await
            .expect(200);
        own.get("/v1/me").await.expect(401);
        let own = Api::api_key(kluis.base(), rotated.text("/data/key"));
        own.get("/v1/me").await.expect(200);
        api.delete(&path).await.expect(200);
        own.get("/v1/me").await.expect(401);
    }
}

/// RULES §8: unique on the server, compared in lower case; §3: by contract, that is told.
#[tokio::test]
async fn an_address_is_taken_on_the_whole_server() {
    let kluis = Kluis::start().await;
    let stranger = kluis.stranger().await.admin_api();
    let member = kluis.user("member").await;
    for email in [
        member.email.clone(),
        member.email.to_uppercase(),
        kluis.dev("/owner/email"),
    ] {
        let taken = stranger
            .post("/v1/users", json!({"email": email}))
            .await
            .expect(409);
        assert_eq!(taken.text("/code"), "ALREADY_EXISTS");
        assert!(!taken.string().contains(&member.id), "{taken}");
    }
}

/// RULES §8: 12 or more characters with upper case, lower case, digit and other.
#[tokio::test]
async fn a_password_has_twelve_characters_of_four_kinds() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    for (index, (password, status)) in [
        ("Aa1!Aa1!Aa1", 400),
        ("Aa1!Aa1!Aa1!", 201),
        ("aa1!aa1!aa1!aa1!", 400),
        ("AA1!AA1!AA1!AA1!", 400),
        ("Aaa!Aaa!Aaa!Aaa!", 400),
        ("Aa11Aa11Aa11Aa11", 400),
        ("Pass phrase 1 of mine", 201),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"email": format!("p{index}@x.test"), "password": password});
        let answer = admin.post("/v1/users", body.clone()).await;
        assert_eq!(answer.status, status, "{password}: {answer}");
        assert!(!answer.string().contains(password), "{answer}");
        let login = kluis.anonymous().post("/v1/auth/login", body).await;
        assert_eq!(login.status == 200, status == 201, "{password}: {login}");
    }
}

/// RULES §8: a second factor is on from its confirmation to its end, and a code works once.
#[tokio::test]
async fn a_second_factor_ends_with_a_code_and_not_without() {
    let kluis = Kluis::start_with(&["--test-clock"]).await;
    let admin = kluis.admin_api();
    let login = json!({"email": "two@x.test", "password": "Correct-Horse-7"});
    let made = admin.post("/v1/users", login.clone()).await.expect(201);
    let body = json!({"name": "k", "user_id": made.text("/data/id")});
    let key = admin.post("/v1/api-keys", body).await.expect(201);
    let api = Api::api_key(kluis.base(), key.text("/data/key"));
    let enrolled = api
        .post("/v1/auth/totp/enroll", json!({}))
        .await
        .expect(200);
    let secret = enrolled.text("/data/secret");
    let mut offset = 0;
    let wrong = json!({"code": "000000"});
    let refused = api.post("/v1/auth/totp/confirm", wrong.clone()).await;
    assert!([400, 401, 403].contains(&refused.status), "{refused}");
    let confirmed = api
        .post(
            "/v1/auth/totp/confirm",
            json!({"code": totp_code(&secret, offset)}),
        )
        .await
        .expect(200);
    let recovery = confirmed.at("/data/recovery_codes");
    let recovery: Vec<&str> = recovery
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    assert_eq!(recovery.len(), 10);
    let with = async |otp: Option<&str>| {
        let mut body = login.clone();
        if let Some(otp) = otp {
            body["otp"] = otp.into();
        }
        kluis.anonymous().post("/v1/auth/login", body).await.status
    };
    assert_eq!(with(None).await, 401);
    assert_eq!(with(Some("000000")).await, 401);
    for _ in 0..2 {
        kluis.advance_clock(60).await;
        offset += 60;
        let present = totp_code(&secret, offset);
        assert_eq!(with(Some(&present)).await, 200);
        assert_eq!(with(Some(&present)).await, 401, "a code works once");
    }
    for code in &recovery[..2] {
        assert_eq!(with(Some(code)).await, 200);
        assert_eq!(with(Some(code)).await, 401, "a recovery code works once");
    }
    for body in [wrong, json!({"code": recovery[0]})] {
        let refused = api.post("/v1/auth/totp/disable", body).await;
        assert!([400, 401, 403].contains(&refused.status), "{refused}");
    }
    api.post("/v1/auth/totp/disable", json!({}))
        .await
        .expect(400);
    assert_eq!(with(None).await, 401);
    kluis.advance_clock(60).await;
    offset += 60;
    let body = json!({"code": totp_code(&secret, offset)});
    api.post("/v1/auth/totp/disable", body).await.expect(200);
    assert_eq!(with(None).await, 200);
    let me = api.get("/v1/me").await.expect(200);
    assert_eq!(me.at("/data/totp_enabled"), Value::Bool(false));
}

/// RULES §8: every door that takes a password wants a code, whoever set the password.
#[tokio::test]
async fn a_reset_password_is_no_way_around_the_second_factor() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let member = kluis.user("member").await;
    let api = member.admin_api();
    let enrolled = api
        .post("/v1/auth/totp/enroll", json!({}))
        .await
        .expect(200);
    let body = json!({"code": totp_code(&enrolled.text("/data/secret"), 0)});
    let confirmed = api.post("/v1/auth/totp/confirm", body).await.expect(200);
    let reset = format!("/v1/users/{}/reset-password", member.id);
    let password = admin.post(&reset, json!({})).await.expect(200);
    let mut login = json!({"email": member.email, "password": password.text("/data/password")});
    let anonymous = kluis.anonymous();
    anonymous
        .post("/v1/auth/login", login.clone())
        .await
        .expect(401);
    login["otp"] = confirmed.at("/data/recovery_codes/9");
    anonymous.post("/v1/auth/login", login).await.expect(200);
}

/// RULES §8: the last *active* owner.
#[tokio::test]
async fn an_owner_that_is_disabled_does_not_let_the_last_one_go() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let first = format!("/v1/users/{}", kluis.dev("/owner/id"));
    let other = kluis.user("owner").await;
    let second = format!("/v1/users/{}", other.id);
    let disabled = json!({"status": "disabled"});
    admin.patch(&second, disabled.clone()).await.expect(200);
    admin
        .patch(&first, json!({"role": "viewer"}))
        .await
        .expect(409);
    admin.patch(&first, disabled).await.expect(409);
    admin.delete(&first).await.expect(409);
    // What changes nothing about that is fine.
    admin
        .patch(
            &first,
            json!({"name": "Last", "role": "owner", "status": "active"}),
        )
        .await
        .expect(200);
    admin
        .patch(&second, json!({"status": "active"}))
        .await
        .expect(200);
    admin.delete(&first).await.expect(200);
    admin.get("/v1/me").await.expect(401);
    other.api().get("/api/v1/me").await.expect(200);
}

/// RULES §2: the server owner makes organizations, and nothing of theirs is its own.
#[tokio::test]
async fn the_server_owner_sees_nothing_of_another_organization() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let stranger = kluis.stranger().await;
    let vault = crate::cloudkeep::vaults::vault(&stranger.api(), "theirs").await;
    let unified = format!("/v1/vaults/{}", crate::cloudkeep::vaults::uuid_of(&vault));
    let (user, key) = (
        format!("/v1/users/{}", stranger.id),
        format!("/v1/api-keys/{}", stranger.key_id),
    );
    for answer in [
        admin.get(&user).await,
        admin.patch(&user, json!({"role": "viewer"})).await,
        admin
            .post(&format!("{user}/reset-password"), json!({}))
            .await,
        admin.delete(&user).await,
        admin.get(&key).await,
        admin.post(&format!("{key}/rotate"), json!({})).await,
        admin.delete(&key).await,
        kluis.owner().get(&format!("/api/v1/vaults/{vault}")).await,
        kluis.owner().get(&format!("{unified}/policies")).await,
        kluis
            .owner()
            .post(&format!("{unified}/take-over"), json!({}))
            .await,
    ] {
        assert_eq!(answer.status, 404, "{answer}");
    }
    let list = admin.get("/v1/users").await.expect(200);
    assert_eq!(list.at("/pagination/total"), 1);
    let list = stranger.admin_api().get("/v1/users").await.expect(200);
    assert_eq!(list.at("/pagination/total"), 1);
    assert_eq!(list.text("/data/0/id"), stranger.id);
    let events = kluis
        .owner()
        .get("/v1/audit/events?limit=1000")
        .await
        .expect(200);
    let stranger_id = crate::cloudkeep::vaults::uuid_of(&stranger.id);
    let mut events = events.at("/events").as_array().unwrap().clone();
    events.retain(|event| event["actor_id"] == stranger_id.as_str());
    assert!(events.is_empty(), "{events:?}");
    // Only the server owner makes organizations, whatever else one is an owner of.
    let body = json!({"name": "third"});
    stranger
        .admin_api()
        .post("/v1/organizations", body)
        .await
        .expect(403);
    stranger.api().get("/api/v1/me").await.expect(200);
}
