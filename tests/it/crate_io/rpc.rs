//! The same through RPC: Connect in JSON, and what stands before the procedures for every protocol (contract §6).
//! `clients.rs` speaks the other protocols, with clients that others have written.

use reqwest::Method;
use serde_json::{Value, json};

use super::sealing::{Crate, READER, seal};
use crate::harness::{Answer, Kluis, on_both};

impl Crate {
    /// Call a procedure with the organization's id in its message.
    async fn call(&self, procedure: &str, mut message: Value) -> Answer {
        let members = message.as_object_mut().unwrap();
        members.insert("organizationId".to_owned(), json!(self.organization));
        self.api
            .post(&format!("/crate.v1.{procedure}"), message)
            .await
    }
}

on_both! {
    async fn both_doors_lead_to_the_same(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let key = owner.call("SecretsService/GetPublicKey", json!({})).await.expect(200);
        assert_eq!(key.json(), json!({"publicKeyPem": owner.public_key().await}));
        let sealed = seal(&key.text("/publicKeyPem"), b"value");
        let message = json!({
            "name": "A", "environment": "prod", "encryptedValue": sealed, "sealed": true, "tagList": {"tags": ["t", "u"]},
        });
        let stored = owner.call("SecretsService/StoreSecret", message).await.expect(200);
        assert_eq!(stored.members("/secret"), ["environment", "name", "tags", "updatedAt", "version"]);
        let listed = owner.list("?env=prod").await;
        let mut there = listed[0].clone();
        let at = there.as_object_mut().unwrap().remove("updated_at").unwrap();
        // Protobuf's JSON has milliseconds.
        let updated = stored.text("/secret/updatedAt");
        assert_eq!(updated[..19], at.as_str().unwrap()[..19]);
        there["updatedAt"] = json!(updated);
        assert_eq!(stored.at("/secret"), there);
        let message = json!({"environment": "prod", "tags": ["t", "x"], "tagMatch": "any"});
        let found = owner.call("SecretsService/ListSecrets", message).await.expect(200);
        assert_eq!(found.at("/secrets"), json!([there]));
        // Empty is absent: `dev`, and no tags.
        let none = owner.call("SecretsService/ListSecrets", json!({"environment": "", "tags": []})).await;
        assert_eq!(none.expect(200).json(), json!({}));
        let message = json!({"environment": "prod", "names": ["A"], "publicKeyPem": READER.pem});
        let found = owner.call("SecretsService/RetrieveSecrets", message).await.expect(200);
        let text = |pointer| found.text(pointer);
        let plaintext = READER.unsealed(&text("/encryptedSecrets"), &text("/encryptedKey"));
        assert_eq!(plaintext, br#"{"A":"value"}"#);
        let tags = owner.call("TagService/ListTags", json!({})).await.expect(200).json();
        assert_eq!(tags["tags"][0]["name"], "t");
        let deleted = owner.call("SecretsService/DeleteSecret", json!({"name": "A", "environment": "prod"})).await;
        assert_eq!(deleted.expect(200).json(), json!({}));
        let again = owner.call("SecretsService/DeleteSecret", json!({"name": "A", "environment": "prod"})).await;
        Crate::refused(&again, 404, "not_found");
    }

    async fn tags_stay_when_unset_and_go_when_set_to_none(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let sealed = seal(&owner.public_key().await, b"v");
        for (list, tags) in [
            (json!({"tags": ["t"]}), json!(["t"])), (Value::Null, json!(["t"])), (json!({}), Value::Null),
        ] {
            let message = json!({"name": "A", "encrypted_value": sealed, "sealed": true, "tag_list": list});
            let stored = owner.call("SecretsService/StoreSecret", message).await.expect(200);
            assert_eq!(stored.at("/secret/tags"), tags);
        }
    }

    async fn the_profile_is_the_callers(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let profile = owner.api.post("/crate.v1.ProfileService/GetProfile", json!({})).await.expect(200);
        assert_eq!(profile.text("/email"), kluis.dev("/owner/email"));
        assert_eq!(profile.text("/id"), kluis.dev("/owner/id"));
        let expected = json!([{"id": owner.organization, "name": "Kluis", "role": "owner"}]);
        assert_eq!(profile.at("/organizations"), expected);
    }

    async fn refusals_of_both_doors_are_the_same(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let sealed = seal(&owner.public_key().await, b"v");
        for (rest, message) in [
            (json!({"name": "A", "encrypted_value": sealed, "sealed": false}), "sealed must be true"),
            (json!({"name": "1", "encrypted_value": sealed, "sealed": true}), "name "),
            (json!({"name": "A", "encrypted_value": "?", "sealed": true}), "encrypted_value must be base64"),
            (json!({"name": "A", "encrypted_value": "AAAA", "sealed": true}), "encrypted_value does not open"),
            (json!({"name": "A", "encrypted_value": sealed, "sealed": true, "environment": "_"}), "environment "),
        ] {
            let here = owner.api.put(&owner.path("secrets"), rest.clone()).await;
            let there = owner.call("SecretsService/StoreSecret", rest).await;
            let said = Crate::refused(&here, 400, "invalid_argument");
            assert!(said.starts_with(message), "{said}");
            assert_eq!(said, Crate::refused(&there, 400, "invalid_argument"));
        }
        let message = json!({"publicKeyPem": ""});
        let answer = owner.call("SecretsService/RetrieveSecrets", message).await;
        assert_eq!(Crate::refused(&answer, 400, "invalid_argument"), "public_key_pem is required");
    }

    /// NT-40
    async fn a_message_that_cannot_be_read_is_not_repeated(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let procedure = "/crate.v1.SecretsService/StoreSecret";
        for (content_type, body) in [
            ("application/json", &br#"{"name": {"canary": 1}}"#[..]),
            ("application/json", br#"{"sealed": "canary"}"#),
            ("application/json", br#"{"name": "canary"#),
            ("application/proto", b"\x0a\xffcanary"),
        ] {
            let answer = owner.api.raw(Method::POST, procedure, &[("content-type", content_type)], body.to_vec()).await;
            Crate::refused(&answer, 400, "invalid_argument");
            assert!(!answer.string().contains("canary"), "{}", answer.string());
        }
    }

    async fn a_list_is_no_message(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        owner.put("A", "v", json!({})).await.expect(200);
        let positional = json!([owner.organization, "A", "dev"]);
        let answer = owner.api.post("/crate.v1.SecretsService/DeleteSecret", positional).await;
        assert_eq!(Crate::refused(&answer, 400, "invalid_argument"), "body must be a JSON object");
        assert_eq!(owner.names("").await, ["A"]);
    }

    async fn what_nobody_waits_for_is_not_begun(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        owner.put("A", "v", json!({})).await.expect(200);
        let late = Crate { api: owner.api.with("connect-timeout-ms", "0"), ..owner.clone() };
        let answer = late.call("SecretsService/DeleteSecret", json!({"name": "A"})).await;
        Crate::refused(&answer, 504, "deadline_exceeded");
        assert_eq!(owner.names("").await, ["A"]);
        for (name, value) in [
            ("connect-timeout-ms", "soon"), ("connect-timeout-ms", "-1"), ("connect-timeout-ms", "12345678901"),
            ("grpc-timeout", "5"), ("grpc-timeout", "x"), ("grpc-timeout", "123456789m"),
        ] {
            let odd = Crate { api: owner.api.with(name, value), ..owner.clone() };
            let answer = odd.call("SecretsService/DeleteSecret", json!({"name": "A"})).await;
            Crate::refused(&answer, 400, "invalid_argument");
        }
        let timely = Crate { api: owner.api.with("connect-timeout-ms", "60000"), ..owner.clone() };
        timely.call("SecretsService/DeleteSecret", json!({"name": "A"})).await.expect(200);
    }

    async fn unknown_procedures_and_methods_are_unimplemented(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for path in ["/crate.v1.SecretsService/Unknown", "/crate.v1.Unknown/ListTags", "/crate.v1.TagService"] {
            Crate::refused(&owner.api.post(path, json!({})).await, 404, "unimplemented");
            Crate::refused(&kluis.anonymous().post(path, json!({})).await, 401, "unauthenticated");
        }
        let answer = owner.api.get("/crate.v1.TagService/ListTags").await;
        Crate::refused(&answer, 405, "unimplemented");
        assert_eq!(answer.header("allow"), Some("POST"));
    }

    async fn whatever_refuses_a_client_of_grpc_tells_it_in_headers(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for content_type in ["application/grpc", "application/grpc+proto", "application/grpc-web+proto"] {
            let headers = [("content-type", content_type)];
            for (api, path, status) in [
                (&kluis.anonymous(), "/crate.v1.TagService/ListTags", "16"),
                (&kluis.user("member").await.api(), "/crate.v1.TagService/ListTags", "7"),
                (&owner.api, "/crate.v1.TagService/Unknown", "12"),
                (&owner.api, "/unknown.Service/Unknown", "12"),
            ] {
                let frame = b"\0\0\0\0\0".to_vec();
                let answer = api.raw(Method::POST, path, &headers, frame).await.expect(200);
                assert_eq!(answer.header("grpc-status"), Some(status), "{path}");
                assert_eq!(answer.header("content-type"), Some(content_type));
                assert!(answer.body.is_empty());
            }
        }
    }

    async fn health_answers_while_the_server_is_sealed(kluis: Kluis) {
        let check = async || {
            let answer = kluis.anonymous().post("/grpc.health.v1.Health/Check", json!({})).await;
            answer.expect(200).text("/status")
        };
        let tags = Crate::owner(&kluis);
        assert_eq!(check().await, "SERVING");
        kluis.operate(json!({"command": "seal"})).await;
        assert_eq!(check().await, "NOT_SERVING");
        Crate::refused(&tags.call("TagService/ListTags", json!({})).await, 503, "unavailable");
        let headers = [("content-type", "application/grpc")];
        let answer = tags.api.raw(Method::POST, "/crate.v1.TagService/ListTags", &headers, b"\0\0\0\0\0".to_vec()).await;
        assert_eq!(answer.header("grpc-status"), Some("14"));
        kluis.operate(json!({"command": "unseal"})).await;
        assert_eq!(check().await, "SERVING");
        let service = json!({"service": "crate.v1.Unknown"});
        kluis.anonymous().post("/grpc.health.v1.Health/Check", service).await.expect(404);
    }
}
