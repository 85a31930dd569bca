//! Owners and admins alone, in their own organization alone (contract §1; RULES §2, §3).

use serde_json::{Value, json};

use super::sealing::{Crate, READER, seal};
use crate::harness::{Answer, Api, Kluis, on_both};

/// Every call of the API by `api` about `organization`, in both doors.
async fn every_call(api: &Api, organization: &str, sealed: &str) -> Vec<(String, Answer)> {
    let path = |rest: &str| format!("/organization/{organization}/{rest}");
    let put = json!({"name": "A", "encrypted_value": sealed, "sealed": true});
    let retrieval = json!({"public_key_pem": READER.pem});
    let mut answers = vec![
        ("PUT".to_owned(), api.put(&path("secrets"), put).await),
        ("GET".to_owned(), api.get(&path("secrets")).await),
        ("key".to_owned(), api.get(&path("secrets/public-key")).await),
        (
            "retrieve".to_owned(),
            api.post(&path("secrets/retrieve"), retrieval).await,
        ),
        ("DELETE".to_owned(), api.delete(&path("secrets/A")).await),
        ("tags".to_owned(), api.get(&path("tags")).await),
    ];
    for (procedure, more) in [
        (
            "SecretsService/StoreSecret",
            json!({"name": "A", "encryptedValue": sealed, "sealed": true}),
        ),
        ("SecretsService/ListSecrets", json!({})),
        ("SecretsService/GetPublicKey", json!({})),
        (
            "SecretsService/RetrieveSecrets",
            json!({"publicKeyPem": READER.pem}),
        ),
        ("SecretsService/DeleteSecret", json!({"name": "A"})),
        ("TagService/ListTags", json!({})),
    ] {
        let Value::Object(mut body) = more else {
            unreachable!()
        };
        body.insert("organizationId".to_owned(), json!(organization));
        let answer = api
            .post(&format!("/crate.v1.{procedure}"), Value::Object(body))
            .await;
        answers.push((procedure.to_owned(), answer));
    }
    answers
}

on_both! {
    async fn owners_and_admins_pass_and_nobody_else(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let sealed = seal(&owner.public_key().await, b"v");
        let agent = kluis.owner().post("/v1/agents", json!({"name": "bot"})).await.expect(201).text("/api_key");
        let agent = Api::bearer(kluis.base(), agent);
        for (api, may) in [
            (kluis.owner(), true), (kluis.user("admin").await.api(), true), (kluis.user("member").await.api(), false),
            (kluis.user("viewer").await.api(), false), (agent, false), (kluis.stranger().await.api(), false),
        ] {
            for (call, answer) in every_call(&api, &owner.organization, &sealed).await {
                if may {
                    assert!([200, 204].contains(&answer.status), "{call}: {}", answer.string());
                } else {
                    let message = Crate::refused(&answer, 403, "permission_denied");
                    assert_eq!(message, "You do not have permission for this", "{call}");
                }
            }
            let profile = api.post("/crate.v1.ProfileService/GetProfile", json!({})).await;
            // Strangers are owners, of another organization.
            assert!(profile.status == if may { 200 } else { profile.status });
        }
        let member = kluis.user("member").await.api();
        let profile = member.post("/crate.v1.ProfileService/GetProfile", json!({})).await;
        Crate::refused(&profile, 403, "permission_denied");
    }

    /// NT-10
    async fn unknown_organizations_cannot_be_told_from_others(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let sealed = seal(&owner.public_key().await, b"v");
        let stranger = kluis.stranger().await;
        let made = stranger.api().get("/v1/auth/me").await.expect(200).text("/org_id");
        for organization in [&*made, "01a1fffe-cea2-7000-ab6a-e69e0dc73c36", "no-id", "%00", "00000000-0000-0000-0000-000000000000"] {
            for (call, answer) in every_call(&owner.api, organization, &sealed).await {
                let message = Crate::refused(&answer, 403, "permission_denied");
                assert_eq!(message, "You do not have permission for this", "{call} {organization}");
            }
        }
    }

    async fn credentials_of_every_style_are_taken_and_others_are_401(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        for style in ["cloudkeep", "crate", "credvault", "oneclaw", "inkbox"] {
            let api = Api::bearer(kluis.base(), kluis.dev(&format!("/tokens/{style}")));
            Crate::of(&kluis, api).public_key().await;
        }
        let login = json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
        let session = kluis.anonymous().post("/v1/auth/login", login.clone()).await.expect(200).text("/data/access_token");
        let token = kluis.anonymous().post("/v1/auth/token", login).await.expect(200).text("/access_token");
        for token in [session, token] {
            Crate::of(&kluis, Api::bearer(kluis.base(), token)).public_key().await;
        }
        let key = kluis.dev("/tokens/crate");
        for wrong in [
            kluis.anonymous(), Api::bearer(kluis.base(), "crt_unknown"), Api::api_key(kluis.base(), &key),
            Api::bearer(kluis.base(), &key).with("authorization", "Bearer x"), Api::bearer(kluis.base(), format!("{key} x")),
        ] {
            for (call, answer) in every_call(&wrong, &owner.organization, "AAAA").await {
                let message = Crate::refused(&answer, 401, "unauthenticated");
                assert_eq!(message, "The credentials are missing or invalid", "{call}");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            }
        }
    }

    async fn scopes_are_a_ceiling(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        owner.put("A", "v", json!({})).await.expect(200);
        let sealed = seal(&owner.public_key().await, b"v");
        // Which calls, in the order of `every_call`, a key with these scopes passes; the last deletes what the first stores.
        for (scopes, passes) in [
            (json!([]), [false, false, true, false, false, false]),
            (json!(["metadata:read"]), [false, true, true, false, false, true]),
            (json!(["database:read"]), [false, true, true, true, false, true]),
            (json!(["database:write"]), [true, false, true, false, true, false]),
            (json!(["database:read", "database:write"]), [true; 6]),
        ] {
            let body = json!({"name": "scoped", "scopes": scopes});
            let key = kluis.admin_api().post("/v1/api-keys", body).await.expect(201).text("/data/key");
            let api = Api::bearer(kluis.base(), key);
            let answers = every_call(&api, &owner.organization, &sealed).await;
            for (place, (call, answer)) in answers.into_iter().enumerate() {
                let is_denied = answer.status == 403;
                assert_eq!(is_denied, !passes[place % 6], "{scopes} {call}: {}", answer.string());
            }
        }
    }
}
