//! Log-in of devices: contract §4.5, RFC 8628.

use serde_json::{Value, json};

use super::{problem, vault};
use crate::harness::{Answer, Api, Backend, Kluis, on_both};

/// A device that waits: what it asks with, and what it shows.
struct Device {
    device_code: String,
    user_code: String,
}

async fn begin(kluis: &Kluis, members: Value) -> Device {
    let begun = kluis
        .anonymous()
        .post("/v1/auth/device/code", members)
        .await
        .expect(200);
    assert_eq!(
        begun.members(""),
        [
            "device_code",
            "expires_in",
            "interval",
            "user_code",
            "verification_uri"
        ]
    );
    Device {
        device_code: begun.text("/device_code"),
        user_code: begun.text("/user_code"),
    }
}

impl Device {
    async fn ask(&self, kluis: &Kluis) -> Answer {
        let body = json!({
            "device_code": self.device_code,
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        });
        kluis
            .anonymous()
            .post("/v1/auth/device/token", body)
            .await
            .expect(200)
    }

    async fn decide(&self, api: &Api, word: &str) -> Answer {
        let body = json!({"user_code": self.user_code});
        api.post(&format!("/v1/auth/device/{word}"), body).await
    }
}

on_both! {
    /// NT-24, NT-93: whoever approves sees who asks and from where, and the code alone gives nothing.
    async fn a_device_acts_as_whoever_approves_its_code(kluis: Kluis) {
        let owner = kluis.owner();
        let device = begin(&kluis, json!({"client_id": "kluis on workstation"})).await;
        assert_eq!(device.ask(&kluis).await.json(), json!({"error": "authorization_pending"}));

        let at = format!("/v1/auth/device/pending?user_code={}", device.user_code);
        problem(&kluis.anonymous().get(&at).await, 401);
        let shown = owner.get(&at).await.expect(200);
        assert_eq!(
            shown.members(""),
            ["client_id", "created_at", "expires_at", "ip_address", "user_code"]
        );
        assert_eq!(shown.text("/client_id"), "kluis on workstation");
        assert_eq!(shown.text("/ip_address"), "127.0.0.1");

        let member = kluis.user("member").await;
        assert!(device.decide(&member.api(), "approve").await.expect(200).json().is_object());
        problem(&device.decide(&owner, "approve").await, 409);
        problem(&device.decide(&owner, "deny").await, 409);
        let granted = device.ask(&kluis).await;
        assert_eq!(
            granted.members(""),
            ["access_token", "email", "expires_in", "org_id", "token_type", "user_id"]
        );
        assert_eq!(granted.at("/expires_in"), 86_400);
        assert_eq!(granted.text("/email"), member.email);
        assert_eq!(granted.text("/token_type"), "Bearer");
        let holder = Api::bearer(kluis.base(), granted.text("/access_token"));
        let me = holder.get("/v1/auth/me").await.expect(200);
        assert_eq!(me.text("/id"), granted.text("/user_id"));
        vault(&holder, "made by a device").await;
        // It is given once.
        assert_eq!(device.ask(&kluis).await.json(), json!({"error": "expired_token"}));
        holder.delete("/v1/auth/token").await.expect(204);
        problem(&holder.get("/v1/auth/me").await, 401);
    }

    async fn a_token_of_a_device_lives_a_day_and_ends_with_its_user(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let member = kluis.user("member").await;
        let mut holders = Vec::new();
        for _ in 0..2 {
            let device = begin(&kluis, json!({"client_id": "c"})).await;
            device.decide(&member.api(), "approve").await.expect(200);
            let token = device.ask(&kluis).await.text("/access_token");
            holders.push(Api::bearer(kluis.base(), token));
        }
        kluis.advance_clock(86_000).await;
        holders[0].get("/v1/auth/me").await.expect(200);
        kluis.advance_clock(401).await;
        problem(&holders[0].get("/v1/auth/me").await, 401);
        let device = begin(&kluis, json!({"client_id": "c"})).await;
        device.decide(&member.api(), "approve").await.expect(200);
        let user = format!("/v1/users/{}", member.id);
        kluis.admin_api().patch(&user, json!({"status": "disabled"})).await.expect(200);
        assert_eq!(device.ask(&kluis).await.json(), json!({"error": "expired_token"}));
    }

    /// NT-31, RULES §8: a new password ends what was approved before, too.
    async fn what_was_approved_ends_with_a_new_password(kluis: Kluis) {
        let member = kluis.user("member").await;
        let device = begin(&kluis, json!({"client_id": "c"})).await;
        device.decide(&member.api(), "approve").await.expect(200);
        let path = format!("/v1/users/{}/reset-password", member.id);
        kluis.admin_api().post(&path, json!({})).await.expect(200);
        assert_eq!(device.ask(&kluis).await.json(), json!({"error": "expired_token"}));
    }

    async fn a_code_is_refused_or_ends_by_itself(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let owner = kluis.owner();
        let denied = begin(&kluis, json!({"client_id": "c"})).await;
        denied.decide(&owner, "deny").await.expect(200);
        problem(&denied.decide(&owner, "approve").await, 409);
        assert_eq!(denied.ask(&kluis).await.json(), json!({"error": "access_denied"}));
        let late = begin(&kluis, json!({"client_id": "c"})).await;
        let typed = Device {
            user_code: late.user_code.to_lowercase().replace('-', " "),
            device_code: late.device_code.clone(),
        };
        kluis.advance_clock(901).await;
        problem(&typed.decide(&owner, "approve").await, 404);
        assert_eq!(late.ask(&kluis).await.json(), json!({"error": "expired_token"}));
        let again = begin(&kluis, json!({"client_id": "c"})).await;
        let typed = Device {
            user_code: again.user_code.to_lowercase().replace('-', " "),
            device_code: again.device_code,
        };
        typed.decide(&owner, "approve").await.expect(200);
        typed.ask(&kluis).await.text("/access_token");
    }

    async fn a_code_for_somebody_is_for_nobody_else(kluis: Kluis) {
        let (member, other) = (kluis.user("member").await, kluis.user("admin").await);
        let email = member.email.to_uppercase();
        let device = begin(&kluis, json!({"client_id": "c", "email": email})).await;
        problem(&device.decide(&other.api(), "approve").await, 404);
        problem(&device.decide(&other.api(), "deny").await, 404);
        device.decide(&member.api(), "approve").await.expect(200);
        assert_eq!(device.ask(&kluis).await.text("/email"), member.email);
        // Whether there is such a user is not told.
        begin(&kluis, json!({"client_id": "c", "email": "nobody@example.test"})).await;
    }

    /// NT-09
    async fn a_key_with_a_ceiling_and_an_agent_approve_nothing(kluis: Kluis) {
        let owner = kluis.owner();
        let device = begin(&kluis, json!({"client_id": "c"})).await;
        let key = owner
            .post("/v1/auth/api-keys", json!({"name": "scoped", "scopes": ["team:manage"]}))
            .await
            .expect(201);
        let scoped = Api::bearer(kluis.base(), key.text("/api_key"));
        let agent = super::agents::register(&kluis, &owner, json!({})).await;
        for api in [&scoped, &agent.api] {
            problem(&device.decide(api, "approve").await, 403);
            problem(&device.decide(api, "deny").await, 403);
        }
    }
}

#[tokio::test]
async fn what_a_device_asks_is_checked_and_not_asked_too_often() {
    let kluis = Kluis::start().await;
    let anyone = kluis.anonymous();
    for (body, field) in [
        (json!({}), "client_id"),
        (json!({"client_id": ""}), "client_id"),
        (json!({"client_id": "a\u{1b}[2J"}), "client_id"),
        (json!({"client_id": "c".repeat(101)}), "client_id"),
        (json!({"client_id": "c", "email": "no"}), "email"),
    ] {
        let refused = anyone.post("/v1/auth/device/code", body).await;
        problem(&refused, 400);
        assert_eq!(refused.members("/fields"), [field]);
    }
    let body = json!({"device_code": "x", "grant_type": "password"});
    problem(&anyone.post("/v1/auth/device/token", body).await, 400);
    for _ in 0..10 {
        begin(&kluis, json!({"client_id": "c"})).await;
    }
    let refused = anyone
        .post("/v1/auth/device/code", json!({"client_id": "c"}))
        .await;
    problem(&refused, 429);
    assert!(refused.header("retry-after").is_some());
}

/// Codes are short: who guesses at them is stopped.
#[tokio::test]
async fn codes_cannot_be_guessed() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let device = begin(&kluis, json!({"client_id": "c"})).await;
    for _ in 0..60 {
        let body = json!({"user_code": "BCDF-GHJK"});
        problem(&owner.post("/v1/auth/device/approve", body).await, 404);
    }
    problem(&device.decide(&owner, "approve").await, 429);
}
