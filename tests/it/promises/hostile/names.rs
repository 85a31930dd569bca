//! Paths, ids and numbers in queries.

use std::time::Duration;

use serde_json::{Value, json};

use super::is_well;
use crate::cloudkeep::vaults::{uuid_of, vault};
use crate::harness::Kluis;
use crate::harness::raw::{Raw, status};

/// NT-18, NT-55: paths of every sort, to every method, are absent or wrong and nothing worse.
#[tokio::test]
async fn a_hostile_path_is_not_found_in_the_shape_of_its_api() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "v").await;
    let token = kluis.dev("/tokens/cloudkeep");
    for tail in [
        "/",
        "//",
        "/.",
        "/..",
        "/../..",
        "/%2e%2e",
        "/%252e%252e",
        "/..%2f..",
        "/%00",
        "/a%00b",
        "/%ff%fe",
        "/%c0%af",
        "/%",
        "/%zz",
        "/\\..\\..",
        "/*",
        "/{vault_id}",
        "/:id",
        "/?a=%00",
        "/secrets/",
        "/secrets//",
        "/secrets/..",
        "/secrets/%2e%2e/secrets",
        "/secrets/;/",
        "/secrets/%0d%0aX-Injected:1",
    ] {
        for path in [
            format!("/api/v1/vaults{tail}"),
            format!("/api/v1/vaults/{here}{tail}"),
        ] {
            // Not through a client, which would resolve dots before it asks.
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
            );
            let mut connection = Raw::connect(&kluis.base()).await;
            connection.send(request.as_bytes()).await;
            let answer = connection.rest(Duration::from_secs(10)).await;
            let text = String::from_utf8_lossy(&answer);
            let expected: &[u16] = if tail.starts_with("/?") && path.contains(&here) {
                &[200, 404]
            } else {
                &[400, 404]
            };
            assert!(expected.contains(&status(&answer)), "{path}: {text}");
            assert!(
                !text.to_lowercase().contains("\nx-injected"),
                "{path}: {text}"
            );
        }
    }
    for length in [8 << 10, 60 << 10] {
        let path = format!("/api/v1/vaults/{}", "v".repeat(length));
        let answer = owner.get(&path).await;
        assert!(
            [404, 414, 431].contains(&answer.status),
            "{}",
            answer.status
        );
        let path = format!(
            "/v1/vaults/{}/secret-versions/{}",
            uuid_of(&here),
            "p".repeat(length)
        );
        let answer = owner.get(&path).await;
        assert!(
            [400, 404, 414, 431].contains(&answer.status),
            "{}",
            answer.status
        );
    }
    is_well(&kluis).await;
}

/// NT-12: an id of one kind is no other kind's, on any route.
#[tokio::test]
async fn an_id_of_another_kind_is_not_found() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "v").await;
    let secrets = format!("/api/v1/vaults/{here}/secrets");
    let secret = owner
        .post(&secrets, json!({"key": "A", "value": "1"}))
        .await
        .expect(201)
        .text("/data/id");
    let member = kluis.user("member").await;
    let ids = [
        here.clone(),
        secret.clone(),
        member.id.clone(),
        member.key_id.clone(),
    ];
    let organization = kluis.dev("/organization_id");
    for (template, own) in [
        ("/api/v1/vaults/{}", 0),
        (&format!("{secrets}/{{}}"), 1),
        ("/v1/users/{}", 2),
        ("/v1/api-keys/{}", 3),
    ] {
        for (kind, id) in ids.iter().enumerate() {
            let expected = if kind == own { 200 } else { 404 };
            for spelling in [id.clone(), uuid_of(id)] {
                owner
                    .get(&template.replace("{}", &spelling))
                    .await
                    .expect(expected);
            }
        }
        for strange in [
            organization.as_str(),
            "0",
            "-1",
            "null",
            "vlt_",
            "vlt_!",
            "sec_zzzzzzzzzzzzzzzzzzzzzz",
            &"z".repeat(300),
        ] {
            owner
                .get(&template.replace("{}", strange))
                .await
                .expect(404);
        }
    }
}

/// NT-08: a number of a page or a limit that is none, or out of range, is refused or clamped; never obeyed.
#[tokio::test]
async fn a_hostile_number_in_a_query_is_refused_or_clamped() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    for path in [
        "/v1/users",
        "/v1/api-keys",
        "/v1/audit/events",
        "/v1/audit/verify",
    ] {
        for number in [
            "0",
            "-1",
            "-9223372036854775808",
            "NaN",
            "1e9",
            "",
            "+1",
            "0x10",
            "1.5",
            "٣",
            "99999999999999999999999",
        ] {
            let answer = owner.get(&format!("{path}?limit={number}")).await;
            assert!(
                [200, 400].contains(&answer.status),
                "{path} {number}: {answer}"
            );
            if answer.status == 200 {
                let text = answer.json();
                let items = ["/data", "/events"]
                    .iter()
                    .find_map(|at| text.pointer(at))
                    .and_then(Value::as_array);
                assert!(
                    items.is_none_or(|items| items.len() <= 10_000),
                    "{path} {number}"
                );
            }
        }
        for limit in ["9223372036854775807", "18446744073709551615", "1000000"] {
            let status = owner.get(&format!("{path}?limit={limit}")).await.status;
            assert!([200, 400].contains(&status), "{path} {limit}: {status}");
        }
        for offset in ["-1", "9223372036854775807", "x"] {
            let status = owner.get(&format!("{path}?offset={offset}")).await.status;
            assert!([200, 400].contains(&status), "{path} {offset}: {status}");
        }
    }
    is_well(&kluis).await;
}
