//! What is refused, and that refusals tell no more than they should (contract §3, §4; RULES §3).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use super::sealing::{Crate, READER, der, pem, seal, seal_long, seal_raw};
use crate::harness::{Answer, Kluis, on_both};

/// All that a refusal tells, less what differs from one request to the next.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let same = headers.filter(|(name, _)| name != "x-request-id" && name != "date");
    (answer.status, same.collect(), answer.string())
}

on_both! {
    async fn only_sealed_values_are_taken(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let sealed = seal(&owner.public_key().await, b"v");
        let mut bodies = vec![json!({"name": "A", "encrypted_value": sealed})];
        for unsealed in [json!(false), json!(null), json!("true"), json!(1), json!([true]), json!({})] {
            bodies.push(json!({"name": "A", "encrypted_value": sealed, "sealed": unsealed}));
        }
        for body in bodies {
            let answer = owner.api.put(&owner.path("secrets"), body.clone()).await;
            assert_eq!(Crate::refused(&answer, 400, "invalid_argument"), "sealed must be true", "{body}");
        }
        let plain = json!({"name": "A", "value": "plain", "sealed": true});
        let answer = owner.api.put(&owner.path("secrets"), plain).await;
        assert_eq!(Crate::refused(&answer, 400, "invalid_argument"), "encrypted_value is required");
        assert!(owner.list("").await.is_empty());
    }

    async fn names_environments_and_tags_have_a_grammar(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let sealed = seal(&owner.public_key().await, b"v");
        let long = |length: usize| "n".repeat(length);
        for name in ["", "1A", "-A", ".A", "A/B", "A B", "Ä", "A\u{0}", "A\n", &long(256)] {
            let answer = owner.put_sealed(name, &sealed, json!({})).await;
            let message = Crate::refused(&answer, 400, "invalid_argument");
            assert!(message.starts_with("name "), "{message}");
        }
        for name in ["A", "_", "a.b-c_9", &long(255)] {
            owner.put_sealed(name, &sealed, json!({})).await.expect(200);
        }
        for environment in ["", "_x", "-x", "a.b", "a b", "é", &long(65)] {
            let answer = owner.put_sealed("A", &sealed, json!({"environment": environment})).await;
            let message = Crate::refused(&answer, 400, "invalid_argument");
            assert!(message.starts_with("environment "), "{message}");
        }
        for environment in ["9", "a-b_C", &long(64)] {
            owner.put_sealed("A", &sealed, json!({"environment": environment})).await.expect(200);
        }
        for tag in ["", "_x", "a,b", "a b", "é", &long(65)] {
            let answer = owner.put_sealed("A", &sealed, json!({"tags": [tag]})).await;
            let message = Crate::refused(&answer, 400, "invalid_argument");
            assert!(message.starts_with("tags "), "{message}");
        }
        let many: Vec<_> = (0..33).map(|number| format!("t{number}")).collect();
        let answer = owner.put_sealed("A", &sealed, json!({"tags": many})).await;
        Crate::refused(&answer, 400, "invalid_argument");
        let stored = owner.put_sealed("A", &sealed, json!({"tags": &many[..32]})).await.expect(200);
        assert_eq!(stored.at("/tags").as_array().unwrap().len(), 32);
        for wrong in ["1A", "A%20B", "A%2FB", "%C3%84"] {
            Crate::refused(&owner.delete(wrong).await, 400, "invalid_argument");
        }
    }

    async fn base64_is_taken_in_both_alphabets_padded_or_not(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let key = owner.public_key().await;
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            for _ in 0..4 {
                let sealed = engine.encode(seal_raw(&key, b"v", None));
                owner.put_sealed("A", &sealed, json!({})).await.expect(200);
            }
        }
        let sealed = seal(&key, b"v");
        let lines = format!("{}\n{}", &sealed[..64], &sealed[64..]);
        for wrong in ["?", "a", &lines, &format!("{sealed} "), &sealed.replace(&sealed[4..6], "+_")] {
            let answer = owner.put_sealed("A", wrong, json!({})).await;
            let message = Crate::refused(&answer, 400, "invalid_argument");
            assert_eq!(message, "encrypted_value must be base64");
        }
    }

    async fn whatever_does_not_open_is_refused_alike(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let key = owner.public_key().await;
        let raw = seal_raw(&key, b"value", None);
        let flipped = |at: usize| {
            let mut flipped = raw.clone();
            flipped[at] ^= 1;
            flipped
        };
        let mut refusals = Vec::new();
        for wrong in [
            flipped(0), flipped(200), flipped(383), raw[1..].to_vec(), raw[..383].to_vec(), [&raw[..], &[0]].concat(),
            vec![], vec![0; 384], vec![0xff; 384], seal_raw(&key, b"value", Some(b"label")), seal_raw(&READER.pem, b"value", None),
            seal_raw(&key, b"\xff not UTF-8", None),
        ] {
            refusals.push(owner.put_sealed("A", &STANDARD.encode(wrong), json!({})).await);
        }
        let (body, wrapped) = seal_long(&key, b"value");
        let (other, _) = seal_long(&key, b"value");
        let altered = |text: &str| {
            let mut bytes = STANDARD.decode(text).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            STANDARD.encode(bytes)
        };
        for (body, wrapped) in [
            (&*altered(&body), &*wrapped), (&body, &altered(&wrapped)), (&other, &wrapped), ("", &wrapped), (&body, ""),
            (&body, &seal(&key, &[7; 31])), (&STANDARD.encode(&raw), &wrapped), (&body, &body),
            (&seal_long(&key, b"\xff").0, &wrapped),
        ] {
            refusals.push(owner.put_sealed("A", body, json!({"encrypted_key": wrapped})).await);
        }
        for refusal in &refusals {
            assert_eq!(told(refusal), told(&refusals[0]));
        }
        let message = Crate::refused(&refusals[0], 400, "invalid_argument");
        assert_eq!(message, "encrypted_value does not open with the organization's key");
        assert!(owner.list("").await.is_empty());
    }

    async fn the_readers_key_has_to_be_rsa_and_strong(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        owner.put("A", "v", json!({})).await.expect(200);
        let ask = async |key: Value| {
            owner.api.post(&owner.path("secrets/retrieve"), json!({"public_key_pem": key})).await
        };
        let good = READER.pem.clone();
        let crlf = good.replace('\n', "\r\n");
        let pkcs1 = pem("RSA PUBLIC KEY", &der(&good)[24..]);
        for key in [&good, &crlf, &pkcs1, &format!("\n \t{good}\n\n"), good.trim_end()] {
            let answer = ask(json!(key)).await;
            assert_eq!(READER.open(&answer.expect(200))["A"], "v");
        }
        let cut = &good[..good.len() - 40];
        for key in ["", "no key", cut, &good.replace("PUBLIC", "PRIVATE"), &format!("{good}{good}"), SMALL_KEY, EC_KEY] {
            Crate::refused(&ask(json!(key)).await, 400, "invalid_argument");
        }
        for key in [json!(null), json!(7), json!([good])] {
            Crate::refused(&ask(key).await, 400, "invalid_argument");
        }
        let answer = owner.api.post(&owner.path("secrets/retrieve"), json!({})).await;
        assert_eq!(Crate::refused(&answer, 400, "invalid_argument"), "public_key_pem is required");
    }

    async fn what_is_too_large_is_a_bad_request(kluis: Kluis) {
        let mut kluis = kluis;
        kluis.serve(&[("KLUIS_LIMITS_MAX_BODY_BYTES", "65536")]).await;
        let owner = Crate::owner(&kluis);
        let body = vec![b' '; 65_537];
        for (method, path, content_type) in [
            (Method::PUT, owner.path("secrets"), "application/json"),
            (Method::POST, "/crate.v1.SecretsService/StoreSecret".to_owned(), "application/json"),
            (Method::POST, "/crate.v1.SecretsService/StoreSecret".to_owned(), "application/proto"),
        ] {
            let answer = owner.api.raw(method, &path, &[("content-type", content_type)], body.clone()).await;
            Crate::refused(&answer, 400, "invalid_argument");
        }
    }

    async fn malformed_requests_have_this_apis_shape(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for name in ["%ff", "%C3%28"] {
            Crate::refused(&owner.delete(name).await, 400, "invalid_argument");
        }
        let path = owner.path("secrets");
        let json_type = [("content-type", "application/json")];
        for body in [&b"{"[..], b"", b"[]", b"\"a\"", b"{\"name\":\"A\",\"name\":\"B\"}", b"{\"name\":\"\xff\"}"] {
            let answer = owner.api.raw(Method::PUT, &path, &json_type, body.to_vec()).await;
            Crate::refused(&answer, 400, "invalid_argument");
        }
        let answer = owner.api.raw(Method::PUT, &path, &[("content-type", "text/plain")], b"{}".to_vec()).await;
        Crate::refused(&answer, 400, "invalid_argument");
        for (method, path, allowed) in [
            (Method::PATCH, path.clone(), "GET, PUT"), (Method::PUT, owner.path("secrets/A"), "DELETE"),
            (Method::GET, owner.path("secrets/retrieve"), "POST, DELETE"), (Method::POST, owner.path("tags"), "GET"),
            (Method::POST, owner.path("secrets/public-key"), "GET, DELETE"),
        ] {
            let answer = owner.api.raw(method, &path, &[], Vec::new()).await;
            Crate::refused(&answer, 405, "unimplemented");
            assert_eq!(answer.header("allow"), Some(allowed), "{path}");
        }
        for path in ["/organization", "/organization/x", "/organization/x/config", "/organization/x/secrets/"] {
            Crate::refused(&owner.api.get(path).await, 404, "not_found");
            Crate::refused(&kluis.anonymous().get(path).await, 401, "unauthenticated");
        }
    }
}

/// A public RSA key of 1024 bits.
const SMALL_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCrvIS8NWHnQZDBYFnzcGaEyAbf
8oSCiZKBoihuKtuJjORZJs9UuDfP9YXIxf8pCy+aTf2IX0fUvbhthYH1J2e8Fn6a
yjwWRHKWa9mACvWkMbPBqgRIa4nkMJAPm4K/Uy+hesWPPck9yZ0+pX9c9M9OQUab
B2UMW2p6C8rCnYBAkQIDAQAB
-----END PUBLIC KEY-----
";
/// A public key on the curve P-256.
const EC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEtmg3aA62u/uePhZhLEC89Pz0LFBJ
FSMWS9VgvfHGMI4lCkZZX/wAiQYim7bfRP9R1upGefiWtRbTTkGhVIJZog==
-----END PUBLIC KEY-----
";
