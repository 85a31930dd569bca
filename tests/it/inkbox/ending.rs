//! Rights end at once, whoever takes them away and through whichever API (Inkbox contract §2.1; RULES §2, §5, §6).

use serde_json::json;

use super::{
    API_KEYS, IDENTITIES, VAULT, agent, at, grant, initialize, is_time, item, key_for, opens,
    owner, refused, secret, store, unlock, with_key,
};
use crate::harness::{Api, Backend, Kluis, on_both};

const WHOAMI: &str = "/api/whoami";

/// Whoever is let in by nothing.
async fn is_dead(api: &Api) {
    for path in [
        WHOAMI,
        &format!("{VAULT}/info"),
        &format!("{VAULT}/secrets"),
        &format!("{API_KEYS}/self"),
    ] {
        refused(&api.get(path).await, 401);
    }
}

on_both! {
    /// NT-32
    async fn an_agent_that_is_stopped_opens_nothing(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let id = secret(&api, "s").await;
        let bot = agent(&kluis, &api, "bot").await;
        grant(&api, &id, &bot.id).await.expect(201);
        assert!(opens(&bot.api, &vault.hash()).await);
        let path = format!("/v1/agents/{}", bot.id);
        kluis.owner().patch(&path, json!({"is_active": false})).await.expect(200);
        is_dead(&bot.api).await;
        refused(&unlock(&bot.api, &vault.hash()).await, 401);
        kluis.owner().patch(&path, json!({"is_active": true})).await.expect(200);
        let minted = with_key(&kluis, &key_for(&api, &bot.id).await);
        minted.get(&at(&id)).await.expect(200);
        kluis.owner().delete(&path).await.expect(204);
        is_dead(&minted).await;
        refused(&api.get(&format!("{IDENTITIES}/bot")).await, 404);
        assert_eq!(api.get(&at(&id)).await.expect(200).at("/access"), json!([]));
    }

    /// RULES §5: agents of a user who is gone do not act.
    async fn an_admin_that_is_disabled_takes_its_agents_along(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let user = kluis.user("admin").await;
        let admin = with_key(&kluis, user.token());
        let bot = agent(&kluis, &admin, "bot").await;
        let id = secret(&admin, "s").await;
        grant(&admin, &id, &bot.id).await.expect(201);
        bot.api.get(&at(&id)).await.expect(200);
        let disabled = json!({"status": "disabled"});
        kluis.admin_api().patch(&format!("/v1/users/{}", user.id), disabled).await.expect(200);
        is_dead(&admin).await;
        let status = unlock(&bot.api, &vault.hash()).await.status;
        assert!([401, 403].contains(&status), "{status}");
        let status = bot.api.get(&at(&id)).await.status;
        assert!([401, 403].contains(&status), "{status}");
        // What it stored stays.
        assert_eq!(api.get(&at(&id)).await.expect(200).text("/name"), "s");
    }

    async fn a_role_that_is_taken_away_is_gone_on_the_next_request(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let user = kluis.user("admin").await;
        let admin = with_key(&kluis, user.token());
        let id = secret(&admin, "s").await;
        assert!(opens(&admin, &vault.hash()).await);
        for role in ["member", "viewer"] {
            kluis.admin_api().patch(&format!("/v1/users/{}", user.id), json!({"role": role})).await.expect(200);
            refused(&unlock(&admin, &vault.hash()).await, 403);
            refused(&admin.get(&at(&id)).await, 403);
            refused(&store(&admin, item("t")).await, 403);
            admin.get(WHOAMI).await.expect(200);
        }
        kluis.admin_api().patch(&format!("/v1/users/{}", user.id), json!({"role": "admin"})).await.expect(200);
        assert!(opens(&admin, &vault.hash()).await);
    }

    /// NT-34
    async fn a_key_ends_when_its_time_is_over(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        initialize(&owner(&kluis)).await;
        let body = json!({"name": "short", "expires_in": "30d"});
        let made = kluis.admin_api().post("/v1/api-keys", body).await.expect(201);
        let short = with_key(&kluis, &made.text("/data/key"));
        is_time(&short.get(WHOAMI).await.expect(200).at("/expires_at"));
        is_time(&short.get(&format!("{API_KEYS}/self")).await.expect(200).at("/expires_at"));
        kluis.advance_clock(30 * 24 * 3600 - 60).await;
        short.get(WHOAMI).await.expect(200);
        kluis.advance_clock(120).await;
        is_dead(&short).await;
    }

    /// RULES §6: one count for a user and all its agents, over all APIs.
    async fn a_plan_holds_here_too(kluis: Kluis) {
        let user = kluis.user_of(&kluis.admin_api(), "admin", "standard").await;
        let admin = with_key(&kluis, user.token());
        let bot = agent(&kluis, &admin, "bot").await;
        let mut passed = 2;
        let limited = loop {
            let caller = if passed % 2 == 0 { &admin } else { &bot.api };
            let answer = caller.get(WHOAMI).await;
            if answer.status != 200 {
                break answer;
            }
            passed += 1;
            assert!(passed < 100, "nothing slows it down");
        };
        assert_eq!(passed, 60);
        refused(&limited, 429);
        let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        refused(&user.api().get("/api/v1/vault/info").await, 401);
        assert_eq!(user.api().get("/api/v1/vaults").await.status, 429, "and in the other APIs");
        owner(&kluis).get(WHOAMI).await.expect(200);
    }

    /// Inkbox contract §5.1: a handle is any text of 1 to 255 characters, so it may need escapes in a path.
    async fn handles_are_found_however_they_are_escaped(kluis: Kluis) {
        let api = owner(&kluis);
        for (handle, path) in [("plain", "pl%61in"), ("with space", "with%20space"), ("ünï-漢", "%C3%BCn%C3%AF-%E6%BC%A2"), ("a?b#c", "a%3Fb%23c"), ("100%", "100%25"), ("a+b", "a+b")] {
            let made = api.post(&format!("{IDENTITIES}/"), json!({"agent_handle": handle})).await.expect(201);
            assert_eq!(made.text("/agent_handle"), handle);
            let one = format!("{IDENTITIES}/{path}");
            assert_eq!(api.get(&one).await.expect(200).at("/id"), made.at("/id"), "{handle}");
            api.patch(&format!("{one}/"), json!({"description": "found"})).await.expect(200);
            api.delete(&one).await.expect(204);
            refused(&api.get(&one).await, 404);
        }
    }
}
