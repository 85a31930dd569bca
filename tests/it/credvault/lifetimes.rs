//! How long credentials live, and what ends them (RULES §1, §6, §8).

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Backend, Kluis, on_both};

const PASSWORD: &str = "Correct-Horse-7";
const DAY: u64 = 24 * 3600;

async fn user(kluis: &Kluis) -> Answer {
    let email = format!("{}@example.test", crate::harness::unique());
    let body = json!({"email": email, "password": PASSWORD});
    kluis.admin_api().post("/v1/users", body).await.expect(201)
}

async fn log_in(kluis: &Kluis, user: &Answer) -> Answer {
    let body = json!({"email": user.text("/data/email"), "password": PASSWORD});
    kluis.anonymous().post("/v1/auth/login", body).await
}

async fn refresh(kluis: &Kluis, session: &Answer) -> Answer {
    let body = json!({"refresh_token": session.text("/data/refresh_token")});
    kluis.anonymous().post("/v1/auth/refresh", body).await
}

fn caller(kluis: &Kluis, session: &Answer) -> Api {
    Api::bearer(kluis.base(), session.text("/data/access_token"))
}

/// What `api` gets of each API.
async fn everywhere(api: &Api) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in ["/api/v1/me", "/v1/me", "/v1/auth/me"] {
        statuses.push(api.get(path).await.status);
    }
    statuses
}

on_both! {
    /// RULES §1: 1 h; 14 days.
    async fn a_session_lives_an_hour_and_its_refresh_token_two_weeks(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let user = user(&kluis).await;
        let session = log_in(&kluis, &user).await.expect(200);
        let lasting = log_in(&kluis, &user).await.expect(200);
        let api = caller(&kluis, &session);
        // Real time passes too, so the last seconds are left out.
        kluis.advance_clock(3600 - 20).await;
        assert_eq!(everywhere(&api).await, [200; 3]);
        kluis.advance_clock(21).await;
        assert_eq!(everywhere(&api).await, [401; 3]);
        let renewed = refresh(&kluis, &session).await.expect(200);
        assert_ne!(renewed.at("/data/access_token"), session.at("/data/access_token"));
        assert_ne!(renewed.at("/data/refresh_token"), session.at("/data/refresh_token"));
        assert_eq!(everywhere(&caller(&kluis, &renewed)).await, [200; 3]);
        assert_eq!(everywhere(&api).await, [401; 3]);
        kluis.advance_clock(14 * DAY - 3600 - 60).await;
        let lasting = refresh(&kluis, &lasting).await.expect(200);
        kluis.advance_clock(14 * DAY + 1).await;
        refresh(&kluis, &lasting).await.expect(401);
        log_in(&kluis, &user).await.expect(200);
    }

    /// CloudKeep contract §2; RULES §1
    async fn a_key_lives_until_it_expires(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let admin = kluis.admin_api();
        let mut ages = 0;
        for (expires_in, days) in [("30d", 30), ("90d", 90), ("1y", 365)] {
            let body = json!({"name": "brief", "expires_in": expires_in});
            let made = admin.post("/v1/api-keys", body).await.expect(201);
            let api = Api::bearer(kluis.base(), made.text("/data/key"));
            kluis.advance_clock(days * DAY - 20).await;
            assert_eq!(everywhere(&api).await, [200; 3], "{expires_in}");
            // A leap day may lie in the year.
            kluis.advance_clock(21 + if days == 365 { DAY } else { 0 }).await;
            assert_eq!(everywhere(&api).await, [401; 3], "{expires_in}");
            let refused = api.get("/api/v1/vaults").await.expect(401);
            assert_eq!(refused.text("/error/message"), "Invalid or expired API token.");
            let path = format!("/v1/api-keys/{}", made.text("/data/id"));
            let shown = admin.get(&path).await.expect(200);
            assert_eq!(shown.text("/data/status"), "expired");
            ages += days;
        }
        assert!(ages > 400);
        // One that never expires is as good as ever.
        let body = json!({"name": "lasting", "expires_in": "never"});
        let made = admin.post("/v1/api-keys", body).await.expect(201);
        assert_eq!(made.at("/data/expires_at"), Value::Null);
        kluis.owner().get("/api/v1/me").await.expect(200);
    }

    /// RULES §8: disabling ends sessions and stops keys, all at once.
    async fn a_disabled_user_has_no_session_no_key_and_no_log_in(kluis: Kluis) {
        let admin = kluis.admin_api();
        let user = user(&kluis).await;
        let path = format!("/v1/users/{}", user.text("/data/id"));
        let session = log_in(&kluis, &user).await.expect(200);
        let body = json!({"name": "key", "user_id": user.text("/data/id")});
        let key = admin.post("/v1/api-keys", body).await.expect(201);
        let key = Api::bearer(kluis.base(), key.text("/data/key"));
        let status = async |status: &str| {
            let changed = admin.patch(&path, json!({"status": status})).await.expect(200);
            assert_eq!(changed.text("/data/status"), status);
        };
        status("disabled").await;
        assert_eq!(everywhere(&key).await, [401; 3]);
        assert_eq!(everywhere(&caller(&kluis, &session)).await, [401; 3]);
        refresh(&kluis, &session).await.expect(401);
        // Nobody can tell the right password of a disabled user from a wrong one.
        let right = log_in(&kluis, &user).await.expect(401);
        let body = json!({"email": user.text("/data/email"), "password": "Wrong-password-1"});
        let wrong = kluis.anonymous().post("/v1/auth/login", body).await.expect(401);
        assert_eq!(right.body, wrong.body);
        status("active").await;
        assert_eq!(everywhere(&key).await, [200; 3]);
        assert_eq!(everywhere(&caller(&kluis, &session)).await, [401; 3]);
        refresh(&kluis, &session).await.expect(401);
        log_in(&kluis, &user).await.expect(200);
    }

    /// RULES §5, §8: a deleted user's keys, tokens and policies go, its name stays in the record.
    async fn a_deleted_user_leaves_nothing_but_its_acts(kluis: Kluis) {
        let (admin, owner) = (kluis.admin_api(), kluis.owner());
        let user = user(&kluis).await;
        let id = user.text("/data/id");
        let uuid = crate::cloudkeep::vaults::uuid_of(&id);
        let session = log_in(&kluis, &user).await.expect(200);
        let api = caller(&kluis, &session);
        let left = crate::cloudkeep::vaults::vault(&api, "left").await;
        let granted = crate::cloudkeep::vaults::vault(&owner, "granted").await;
        let policies = |vault: &str| {
            format!("/v1/vaults/{}/policies", crate::cloudkeep::vaults::uuid_of(vault))
        };
        let other = kluis.user("member").await;
        for (principal, vault) in [(&uuid, &granted), (&crate::cloudkeep::vaults::uuid_of(&other.id), &left)] {
            let body = json!({
                "secret_path_pattern": "**", "principal_type": "user", "principal_id": principal,
                "permissions": ["read"],
            });
            owner.post(&policies(vault), body).await.expect(201);
        }
        let deleted = admin.delete(&format!("/v1/users/{id}")).await.expect(200);
        assert_eq!(deleted.json(), json!({"status": "success", "data": {"id": id, "deleted": true}}));
        assert_eq!(everywhere(&api).await, [401; 3]);
        refresh(&kluis, &session).await.expect(401);
        log_in(&kluis, &user).await.expect(401);
        admin.get(&format!("/v1/users/{id}")).await.expect(404);
        let list = owner.get(&policies(&granted)).await.expect(200);
        assert_eq!(list.json(), json!({"policies": []}));
        // Its vault and what it gave to others stay, without a maker.
        let list = owner.get(&policies(&left)).await.expect(200);
        assert_eq!(list.at("/policies").as_array().map(Vec::len), Some(1));
        other.api().get(&format!("/api/v1/vaults/{left}")).await.expect(200);
        other.api().patch(&format!("/api/v1/vaults/{left}"), json!({"name": "x"})).await.expect(403);
        let acts = owner.get(&format!("/v1/audit/events?actor_id={uuid}")).await.expect(200);
        let acts = acts.at("/events");
        let made = acts.as_array().unwrap().iter().any(|act| act["action"] == "vault.create");
        assert!(made, "{acts}");
        // The address is free, and whoever has it next is somebody else.
        let body = json!({"email": user.text("/data/email"), "password": PASSWORD});
        let next = admin.post("/v1/users", body).await.expect(201);
        assert_ne!(next.text("/data/id"), id);
        let next = log_in(&kluis, &next).await.expect(200);
        caller(&kluis, &next).get(&format!("/api/v1/vaults/{left}")).await.expect(404);
    }

    /// RULES §8: a new password ends every session, not only the one that asked for it.
    async fn a_password_that_one_changes_ends_all_sessions_of_ones_own(kluis: Kluis) {
        let (user, other) = (user(&kluis).await, user(&kluis).await);
        let asking = log_in(&kluis, &user).await.expect(200);
        let idle = log_in(&kluis, &user).await.expect(200);
        let bystander = log_in(&kluis, &other).await.expect(200);
        let body = json!({"current_password": PASSWORD, "new_password": "Correct-Horse-8"});
        caller(&kluis, &asking).post("/v1/auth/change-password", body).await.expect(200);
        for session in [&asking, &idle] {
            assert_eq!(everywhere(&caller(&kluis, session)).await, [401; 3]);
            refresh(&kluis, session).await.expect(401);
        }
        log_in(&kluis, &user).await.expect(401);
        assert_eq!(everywhere(&caller(&kluis, &bystander)).await, [200; 3]);
        refresh(&kluis, &bystander).await.expect(200);
    }

    /// RULES §8: everyone, by a new password.
    async fn a_password_that_another_resets_ends_sessions_and_keeps_keys(kluis: Kluis) {
        let admin = kluis.admin_api();
        let user = user(&kluis).await;
        let id = user.text("/data/id");
        let body = json!({"name": "key", "user_id": id});
        let key = admin.post("/v1/api-keys", body).await.expect(201);
        let key = Api::bearer(kluis.base(), key.text("/data/key"));
        let session = log_in(&kluis, &user).await.expect(200);
        let path = format!("/v1/users/{id}/reset-password");
        let reset = admin.post(&path, json!({})).await.expect(200);
        assert_eq!(everywhere(&caller(&kluis, &session)).await, [401; 3]);
        refresh(&kluis, &session).await.expect(401);
        log_in(&kluis, &user).await.expect(401);
        assert_eq!(everywhere(&key).await, [200; 3]);
        let again = admin.post(&path, json!({})).await.expect(200);
        assert_ne!(again.text("/data/password"), reset.text("/data/password"));
        let body = json!({"email": user.text("/data/email"), "password": reset.text("/data/password")});
        kluis.anonymous().post("/v1/auth/login", body).await.expect(401);
    }
}

/// RULES §6: passwords, codes and refresh tokens; 60 a minute, each kind alone or all together.
#[tokio::test]
async fn guesses_of_every_kind_are_refused_unread_after_sixty_in_a_minute() {
    let kluis = Kluis::start_with(&["--test-clock"]).await;
    let (anonymous, owner) = (kluis.anonymous(), kluis.owner());
    let guess = async |kind: usize| match kind % 3 {
        0 => {
            let body = json!({"refresh_token": "cvr_unknown"});
            anonymous.post("/v1/auth/refresh", body).await
        }
        1 => {
            let body = json!({"email": "no@one.test", "password": "Wrong-password-1"});
            anonymous.post("/v1/auth/login", body).await
        }
        _ => {
            let body = json!({"current_password": "Wrong-password-1", "new_password": PASSWORD});
            owner.post("/v1/auth/change-password", body).await
        }
    };
    for kind in 0..3 {
        for _ in 0..60 {
            guess(kind).await.expect(401);
        }
        let refused = guess(kind).await.expect(429);
        let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&after), "{after}");
        // Who has a key is let in as ever, and an unknown one is plain 401.
        owner.get("/api/v1/me").await.expect(200);
        Api::bearer(kluis.base(), "ck_live_unknown")
            .get("/api/v1/me")
            .await
            .expect(401);
        kluis.advance_clock(61).await;
    }
    // What is right is no guess.
    let body =
        json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
    let mut session = anonymous.post("/v1/auth/login", body).await.expect(200);
    for _ in 0..80 {
        session = refresh(&kluis, &session).await.expect(200);
    }
}

/// RULES §8: the clock of a server that was not told so stands still for everybody.
#[tokio::test]
async fn only_a_server_that_was_started_for_it_lets_its_clock_be_moved() {
    let kluis = Kluis::start().await;
    let made = user(&kluis).await;
    let session = log_in(&kluis, &made).await.expect(200);
    let command = json!({"command": "advance-clock", "seconds": 7200});
    let answer = kluis.operate(command).await;
    assert_ne!(answer["ok"], true, "{answer}");
    assert_eq!(everywhere(&caller(&kluis, &session)).await, [200; 3]);
    // A server for real use does not know the flag.
    let ended =
        crate::harness::without_settings(&mut std::process::Command::new(crate::harness::binary()))
            .args(["server", "--test-clock"])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let message = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(message.contains("--test-clock"), "{message}");
}
