//! Tokens that nobody issued: contract §4.3.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::agents::register;
use super::problem;
use crate::harness::{Api, Kluis, on_both};

fn part(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

fn parts(token: &str) -> Vec<Value> {
    let parts = token.split('.').take(2);
    parts
        .map(|part| serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap())
        .collect()
}

on_both! {
    /// NT-25
    async fn a_token_that_was_not_issued_opens_nothing(kluis: Kluis) {
        let (owner, anyone) = (kluis.owner(), kluis.anonymous());
        let agent = register(&kluis, &owner, json!({})).await;
        let of_user = json!({"api_key": kluis.dev("/tokens/oneclaw")});
        let of_agent = json!({"api_key": agent.key});
        let key = anyone.get("/v1/auth/jwt-public-key").await.expect(200).text("/public_key_base64");
        for (path, body) in [("/v1/auth/api-key-token", of_user), ("/v1/auth/agent-token", of_agent)] {
            let token = anyone.post(path, body).await.expect(200).text("/access_token");
            Api::bearer(kluis.base(), &token).get("/v1/vaults").await.expect(200);
            let [header, claims] = &parts(&token)[..] else { panic!("{token}") };
            let signature = token.rsplit('.').next().unwrap();
            let mut forged = Vec::new();
            for header in [
                json!({"alg": "none", "typ": "JWT"}),
                json!({"alg": "none"}),
                json!({"alg": "EdDSA", "typ": "JWT", "kid": "../../dev/null"}),
                json!({"alg": "EdDSA", "typ": "JWT", "jku": "http://127.0.0.1:1/keys"}),
                json!({"alg": ["EdDSA"], "typ": "JWT"}),
            ] {
                for signature in ["", signature] {
                    forged.push(format!("{}.{}.{signature}", part(&header), part(claims)));
                }
            }
            // The public key is no secret to sign with.
            let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
            for secret in [key.as_bytes().to_vec(), base64::engine::general_purpose::STANDARD.decode(&key).unwrap()] {
                let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
                forged.push(format!("{signed}.{}", BASE64.encode(tag)));
            }
            for (claim, value) in [
                ("sub", json!(format!("user:{}", kluis.dev("/owner/id")))),
                ("sub", Value::Null),
                ("exp", json!(4_000_000_000_u64)),
                ("jti", json!("00000000-0000-4000-8000-000000000000")),
                ("scopes", json!(["**"])),
            ] {
                let mut claims = claims.clone();
                if claims[claim] == value {
                    continue;
                }
                claims[claim] = value;
                forged.push(format!("{}.{}.{signature}", part(header), part(&claims)));
            }
            forged.push(token.replacen('.', "..", 1));
            forged.push(format!("{token}="));
            forged.push(token.rsplit_once('.').unwrap().0.to_owned());
            for forged in forged {
                problem(&Api::bearer(kluis.base(), &forged).get("/v1/vaults").await, 401);
            }
            let twice = Api::bearer(kluis.base(), &token).with("authorization", &format!("Bearer {token}"));
            problem(&twice.get("/v1/vaults").await, 401);
        }
    }
}
