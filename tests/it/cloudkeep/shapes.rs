//! Which header an API reads, and which API's shape a refusal has (RULES §1, §3).

use serde_json::json;

use crate::harness::{Answer, Api, Kluis};

/// The shape of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    CloudKeep,
    Crate,
    CredVault,
    Inkbox,
    OneClaw,
}

/// Whose refusal this is, by its members.
#[track_caller]
fn shape(answer: &Answer) -> Shape {
    let members = answer.members("");
    match members.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["error"] => Shape::CloudKeep,
        ["code", "message"] => Shape::Crate,
        ["code", "message", "status"] => Shape::CredVault,
        ["detail"] => Shape::Inkbox,
        ["detail", "status", "title", "type"] => Shape::OneClaw,
        _ => panic!("no API's shape: {answer}"),
    }
}

/// RULES §3: by the template that matches, else by longest whole-segment prefix.
#[tokio::test]
async fn a_refusal_has_the_shape_that_its_path_says() {
    use Shape::{CloudKeep, Crate, CredVault, Inkbox, OneClaw};
    let kluis = Kluis::start().await;
    let key = kluis.dev("/tokens/cloudkeep");
    let bearer = kluis.owner();
    let api_key = kluis.admin_api();
    let inkbox = kluis.anonymous().with("x-api-key", &key);
    for (path, expected) in [
        ("/api/v1", CloudKeep),
        ("/api/v1/vaults", CloudKeep),
        ("/api/v1/nothing", CloudKeep),
        ("/api/v1/vaultx", CloudKeep),
        ("/api/v1/identitiesx/a", CloudKeep),
        ("/api/v1/vault", Inkbox),
        ("/api/v1/vault/a/b", Inkbox),
        ("/api/v1/identities/a", Inkbox),
        ("/api/v1/api-keys", Inkbox),
        ("/api/whoami", Inkbox),
        ("/vault/info", Inkbox),
        ("/organization/a/project", Crate),
        ("/crate.v1.SecretsService/Store", Crate),
        ("/v1/vaults", OneClaw),
        ("/v1/agents/a", OneClaw),
        ("/v1/agents/enroll", OneClaw),
        ("/v1/secrets", OneClaw),
        ("/v1/share/a", OneClaw),
        ("/v1/shares/a", OneClaw),
        ("/v1/audit/a", OneClaw),
        ("/v1/policies", OneClaw),
        ("/v1/org/a", OneClaw),
        ("/v1/security/a", OneClaw),
        ("/v1/risk/a", OneClaw),
        ("/v1/health", OneClaw),
        ("/v1/honeytokens", OneClaw),
        ("/v1/auth/token/a", OneClaw),
        ("/v1/auth/mfa/verify", OneClaw),
        ("/v1/auth/signup", OneClaw),
        ("/v1/auth/device/code", OneClaw),
        ("/v1/auth/me", OneClaw),
        ("/v1/auth/login/a", CredVault),
        ("/v1/auth/totp/a", CredVault),
        ("/v1/me", CredVault),
        ("/v1/users/a/b", CredVault),
        ("/v1/vaultsx", CredVault),
        ("/v1", CredVault),
        ("/v2/vaults", CredVault),
    ] {
        let anonymous = kluis.anonymous().delete(path).await.expect(401);
        assert_eq!(shape(&anonymous), expected, "{anonymous}");
        let caller = match expected {
            CloudKeep | Crate | OneClaw => &bearer,
            CredVault => &api_key,
            Inkbox => &inkbox,
        };
        let answer = caller.delete(path).await;
        assert!([404, 405].contains(&answer.status), "{answer}");
        assert_eq!(
            answer.header("allow").is_some(),
            answer.status == 405,
            "{answer}"
        );
        assert_eq!(shape(&answer), expected, "{answer}");
    }
    // Where both are at home, the credential tells; where a route is, nothing but the route.
    let login =
        json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
    let session = kluis
        .anonymous()
        .post("/v1/auth/login", login)
        .await
        .expect(200);
    for (token, expected) in [
        (session.text("/data/access_token"), CredVault),
        (kluis.dev("/tokens/credvault"), CredVault),
        (kluis.dev("/tokens/cloudkeep"), OneClaw),
        (kluis.dev("/tokens/oneclaw"), OneClaw),
        (kluis.dev("/tokens/crate"), OneClaw),
    ] {
        let api = Api::bearer(kluis.base(), token);
        for path in ["/v1/nothing", "/v2/vaults", "/v1/resourcesx"] {
            assert_eq!(shape(&api.get(path).await.expect(404)), expected, "{path}");
        }
        for (path, method, expected) in [
            ("/v1/users", reqwest::Method::PUT, CredVault),
            ("/v1/auth/login", reqwest::Method::GET, CredVault),
            ("/v1/auth/me", reqwest::Method::POST, OneClaw),
            ("/v1/auth/change-password", reqwest::Method::GET, OneClaw),
            ("/api/v1/me", reqwest::Method::POST, CloudKeep),
        ] {
            let answer = api.send(method, path, None).await.expect(405);
            assert_eq!(shape(&answer), expected, "{path}");
        }
    }
}

/// RULES §3: trailing slashes are tolerated by Inkbox alone, and doors that are off by default are not there.
#[tokio::test]
async fn neither_a_trailing_slash_nor_a_door_that_is_off_leads_anywhere() {
    let kluis = Kluis::start().await;
    for path in ["/v1/users/", "/v1/me/", "/v1/api-keys/", "/v1/auth/login/"] {
        kluis.admin_api().get(path).await.expect(404);
    }
    for path in ["/v1/audit/events/", "/v1/auth/me/", "/api/v1/me/"] {
        kluis.owner().get(path).await.expect(404);
    }
    let body = json!({"email": "new@example.test", "password": "Correct-Horse-7", "name": "n"});
    for path in ["/v1/auth/signup", "/v1/agents/enroll"] {
        kluis.anonymous().post(path, body.clone()).await.expect(401);
        kluis.owner().post(path, body.clone()).await.expect(404);
    }
}

/// RULES §1: the table of headers.
#[tokio::test]
async fn an_api_reads_its_own_header_and_ignores_the_others() {
    let kluis = Kluis::start().await;
    let login =
        json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
    let session = kluis
        .anonymous()
        .post("/v1/auth/login", login)
        .await
        .expect(200);
    let session = session.text("/data/access_token");
    let with = |value: String| kluis.anonymous().with("authorization", &value);
    const ALL: [&str; 3] = ["/api/v1/me", "/v1/auth/me", "/v1/me"];
    for style in ["cloudkeep", "crate", "credvault", "oneclaw", "inkbox"] {
        let key = kluis.dev(&format!("/tokens/{style}"));
        for path in ALL {
            for scheme in ["Bearer", "bearer", "BEARER"] {
                with(format!("{scheme} {key}")).get(path).await.expect(200);
            }
            let status = if path == "/v1/me" { 200 } else { 401 };
            for scheme in ["ApiKey", "apikey", "APIKEY"] {
                with(format!("{scheme} {key}"))
                    .get(path)
                    .await
                    .expect(status);
            }
        }
    }
    let key = kluis.dev("/tokens/credvault");
    for path in ALL {
        with(format!("Bearer {session}"))
            .get(path)
            .await
            .expect(200);
        with(format!("ApiKey {session}"))
            .get(path)
            .await
            .expect(401);
        // Another API's header neither helps nor harms.
        for header in ["x-api-key", "x-service-token"] {
            kluis
                .anonymous()
                .with(header, &key)
                .get(path)
                .await
                .expect(401);
            for other in ["unknown", &key] {
                with(format!("Bearer {key}"))
                    .with(header, other)
                    .get(path)
                    .await
                    .expect(200);
            }
        }
        // Its own header twice, or more than scheme and one word.
        let value = format!("Bearer {key}");
        with(value.clone())
            .with("authorization", &value)
            .get(path)
            .await
            .expect(401);
        with(value.clone())
            .with("authorization", "Bearer x")
            .get(path)
            .await
            .expect(401);
        with(format!("{value} x")).get(path).await.expect(401);
        with(format!("{value}, {value}"))
            .get(path)
            .await
            .expect(401);
        with(key.clone()).get(path).await.expect(401);
        with(format!("Basic {key}")).get(path).await.expect(401);
    }
    for value in [
        format!("ApiKey {key} x"),
        format!("ApiKey  x {key}"),
        "ApiKey".to_owned(),
    ] {
        with(value).get("/v1/me").await.expect(401);
    }
}
