//! Access tokens: exchanged, logged in for, ended (1claw contract §4).

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::problem;
use crate::harness::{Answer, Api, Backend, Kluis, on_both, totp_code};

/// The header and the claims of a JWT whose signature is by the server's key.
async fn claims(kluis: &Kluis, token: &str) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("{token} has not three parts");
    };
    let key = kluis
        .anonymous()
        .get("/v1/auth/jwt-public-key")
        .await
        .expect(200);
    assert_eq!(key.text("/alg"), "EdDSA");
    let public = STANDARD.decode(key.text("/public_key_base64")).unwrap();
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ED25519, &public)
        .verify(signed.as_bytes(), &signature)
        .expect("signed by the server");
    let set = kluis.anonymous().get("/.well-known/jwks.json").await;
    let x = set.expect(200).text("/keys/0/x");
    assert_eq!(URL_SAFE_NO_PAD.decode(x).unwrap(), public);
    let read = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (read(header), read(claims))
}

async fn exchange(kluis: &Kluis, key: &str) -> Answer {
    let body = json!({"api_key": key});
    kluis.anonymous().post("/v1/auth/api-key-token", body).await
}

async fn log_in(kluis: &Kluis, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    kluis.anonymous().post("/v1/auth/token", body).await
}

fn with(kluis: &Kluis, answer: &Answer) -> Api {
    Api::bearer(kluis.base(), answer.text("/access_token"))
}

on_both! {
    /// §4.1, §4.3: a key of any style becomes a JWT that opens every API that takes one, for a quarter of an hour.
    async fn a_key_is_exchanged_for_a_token(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let got = exchange(&kluis, &kluis.dev("/tokens/oneclaw")).await.expect(200);
        assert_eq!(got.members(""), ["access_token", "expires_in", "token_type"]);
        assert_eq!((got.at("/expires_in"), got.text("/token_type")), (json!(900), "Bearer".to_owned()));
        let (header, claims) = claims(&kluis, &got.text("/access_token")).await;
        assert_eq!(header, json!({"alg": "EdDSA", "typ": "JWT"}));
        assert_eq!(claims["sub"], format!("user:{}", kluis.dev("/owner/id")));
        assert_eq!(claims["org"], kluis.dev("/organization_id"));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
        assert!(claims["jti"].is_string() && claims["scopes"].is_array());
        let token = with(&kluis, &got);
        for path in ["/v1/vaults", "/api/v1/vaults", "/v1/auth/me"] {
            token.get(path).await.expect(200);
        }
        Api::bearer(kluis.base(), got.text("/access_token")).get("/v1/me").await.expect(200);
        Api::api_key(kluis.base(), got.text("/access_token")).get("/v1/me").await.expect(401);
        assert_eq!(token.get("/v1/auth/me").await.expect(200).text("/auth_method"), "api_key");
        // One bit more or less, or another signature, and nobody knows it.
        let text = got.text("/access_token");
        for forged in [&text[..text.len() - 1], &format!("{text}A"), &text.replace('.', ".e")] {
            problem(&Api::bearer(kluis.base(), forged).get("/v1/vaults").await, 401);
        }
        kluis.advance_clock(890).await;
        token.get("/v1/vaults").await.expect(200);
        kluis.advance_clock(11).await;
        problem(&token.get("/v1/vaults").await, 401);
        for key in ["1ck_unknown", "", &text] {
            problem(&exchange(&kluis, key).await, 401);
        }
        problem(&kluis.anonymous().post("/v1/auth/api-key-token", json!({})).await, 400);
    }

    /// §4.3, RULES §1: a token ends when it is revoked, with its key, with a new password and with its user; at once.
    async fn a_token_ends_with_whatever_it_rests_on(kluis: Kluis) {
        let admin = kluis.admin_api();
        let member = kluis.user("member").await;
        let revoked = with(&kluis, &exchange(&kluis, member.token()).await.expect(200));
        let other = with(&kluis, &exchange(&kluis, member.token()).await.expect(200));
        assert!(revoked.delete("/v1/auth/token").await.expect(204).body.is_empty());
        problem(&revoked.get("/v1/vaults").await, 401);
        other.get("/v1/vaults").await.expect(200);
        // A key itself is no token to revoke here.
        problem(&member.api().delete("/v1/auth/token").await, 400);
        let body = json!({"name": "k", "scopes": ["metadata:read"]});
        let key = member.admin_api().post("/v1/api-keys", body).await.expect(201);
        let scoped = exchange(&kluis, &key.text("/data/key")).await.expect(200);
        let (_, claims) = claims(&kluis, &scoped.text("/access_token")).await;
        assert_eq!(claims["scopes"], json!(["metadata:read"]));
        let scoped = with(&kluis, &scoped);
        scoped.get("/v1/vaults").await.expect(200);
        problem(&scoped.post("/v1/vaults", json!({"name": "n"})).await, 403);
        let path = format!("/v1/api-keys/{}", key.text("/data/id"));
        member.admin_api().patch(&path, json!({"scopes": ["logs:read"]})).await.expect(200);
        problem(&scoped.get("/v1/vaults").await, 403);
        member.admin_api().delete(&path).await.expect(200);
        problem(&scoped.get("/v1/vaults").await, 401);
        let user = format!("/v1/users/{}", member.id);
        let password = admin.post(&format!("{user}/reset-password"), json!({})).await.expect(200).text("/data/password");
        problem(&other.get("/v1/vaults").await, 401);
        let by_password = with(&kluis, &log_in(&kluis, &member.email, &password).await.expect(200));
        assert_eq!(by_password.get("/v1/auth/me").await.expect(200).text("/auth_method"), "password");
        admin.patch(&user, json!({"status": "disabled"})).await.expect(200);
        problem(&by_password.get("/v1/vaults").await, 401);
        problem(&exchange(&kluis, member.token()).await, 401);
        problem(&log_in(&kluis, &member.email, &password).await, 401);
    }

    /// RULES §8: every door that takes a password wants the second factor, too.
    async fn a_log_in_waits_for_its_second_factor(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let member = kluis.user("member").await;
        let path = format!("/v1/users/{}/reset-password", member.id);
        let password = kluis.admin_api().post(&path, json!({})).await.expect(200).text("/data/password");
        let enrolled = member.admin_api().post("/v1/auth/totp/enroll", json!({})).await.expect(200);
        let secret = enrolled.text("/data/secret");
        let confirm = json!({"code": totp_code(&secret, 0)});
        let confirmed = member.admin_api().post("/v1/auth/totp/confirm", confirm).await.expect(200);
        let recovery = confirmed.text("/data/recovery_codes/0");
        let waiting = log_in(&kluis, &member.email, &password).await.expect(200);
        assert_eq!(waiting.members(""), ["mfa_required", "mfa_token"]);
        assert_eq!(waiting.at("/mfa_required"), true);
        let mfa = |token: &str, code: &str| {
            let body = json!({"mfa_token": token, "code": code});
            let anonymous = kluis.anonymous();
            async move { anonymous.post("/v1/auth/mfa", body).await }
        };
        let token = waiting.text("/mfa_token");
        problem(&Api::bearer(kluis.base(), &token).get("/v1/vaults").await, 401);
        for (token, code) in [(token.as_str(), "000000"), ("forged", recovery.as_str()), (&token[1..], &recovery)] {
            problem(&mfa(token, code).await, 401);
        }
        let got = mfa(&token, &recovery).await.expect(200);
        with(&kluis, &got).get("/v1/vaults").await.expect(200);
        // A code works once, and the wait has an end.
        problem(&mfa(&token, &recovery).await, 401);
        kluis.advance_clock(301).await;
        problem(&mfa(&token, &confirmed.text("/data/recovery_codes/1")).await, 401);
        // Another password is another log-in.
        let waiting = log_in(&kluis, &member.email, &password).await.expect(200).text("/mfa_token");
        kluis.admin_api().post(&path, json!({})).await.expect(200);
        problem(&mfa(&waiting, &confirmed.text("/data/recovery_codes/1")).await, 401);
    }
}

/// §12
#[tokio::test]
async fn health_asks_for_no_credentials() {
    let kluis = Kluis::start().await;
    let health = kluis.anonymous().get("/v1/health").await.expect(200);
    assert_eq!(health.members(""), ["status", "version"]);
    assert_eq!(health.text("/status"), "healthy");
    let keys = kluis.anonymous().get("/v1/health/hsm").await.expect(200);
    assert_eq!(keys.json(), json!({"status": "ok"}));
    kluis.operate(json!({"command": "seal"})).await;
    kluis.anonymous().get("/v1/health").await.expect(200);
    problem(&kluis.anonymous().get("/v1/health/hsm").await, 503);
}
