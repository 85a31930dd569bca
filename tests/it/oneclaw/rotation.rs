//! Numbered versions, and new values that the server makes (1claw contract §7).

use serde_json::{Value, json};

use super::secrets::{get, put};
use super::{problem, vault};
use crate::harness::{Answer, Api, Kluis, on_both};

on_both! {
    /// §7: the newest that is not disabled is the current one, in every API.
    async fn a_disabled_version_is_passed_over_and_cannot_be_read(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        let mut made = Value::Null;
        for value in ["1", "2", "3"] {
            made = put(&owner, &id, "a/b", json!({"value": value})).await.expect(201).at("/id");
        }
        let disable = |number: &str| format!("/v1/vaults/{id}/secret-version-disable/a/b/{number}");
        bare(&owner, &disable("3")).await.expect(204);
        bare(&owner, &disable("3")).await.expect(204);
        assert_eq!(get(&owner, &id, "a/b").await.expect(200).at("/version"), 2);
        let numbered = |number: u32| format!("/v1/vaults/{id}/secret-version/a%2Fb/{number}");
        problem(&owner.get(&numbered(3)).await, 410);
        assert_eq!(owner.get(&numbered(1)).await.expect(200).text("/value"), "1");
        problem(&owner.get(&numbered(9)).await, 404);
        let one = format!("/api/v1/vaults/{id}/secrets/{}", made.as_str().unwrap());
        assert_eq!(owner.get(&one).await.expect(200).text("/data/value"), "2");
        let versions = owner.get(&format!("/v1/vaults/{id}/secret-versions/a/b")).await.expect(200).json();
        let disabled: Vec<&Value> = versions["versions"].as_array().unwrap().iter().map(|v| &v["is_disabled"]).collect();
        assert_eq!(disabled, [true, false, false]);
        // The older spelling; then nothing is left, and the next write is readable again.
        bare(&owner, &format!("/v1/vaults/{id}/secret-version/a/b/2/disable")).await.expect(204);
        bare(&owner, &disable("1")).await.expect(204);
        problem(&get(&owner, &id, "a/b").await, 410);
        let list = owner.get(&format!("/v1/vaults/{id}/secrets")).await.expect(200).json();
        assert_eq!(list["secrets"][0]["is_disabled"], true);
        assert_eq!(put(&owner, &id, "a/b", json!({"value": "4"})).await.expect(201).at("/version"), 4);
        assert_eq!(get(&owner, &id, "a/b").await.expect(200).text("/value"), "4");
        for wrong in ["a/b/x", "a/b/-1", "a", "a/b/"] {
            problem(&owner.get(&format!("/v1/vaults/{id}/secret-version/{wrong}")).await, 400);
            problem(&bare(&owner, &format!("/v1/vaults/{id}/secret-version-disable/{wrong}")).await, 400);
        }
        problem(&bare(&owner, &format!("/v1/vaults/{id}/secret-version-disable/absent/1")).await, 404);
        problem(&bare(&owner, &disable("9")).await, 404);
    }

    /// §7: a value of the asked charset and length that nobody is shown; metadata stay.
    async fn a_rotation_makes_a_new_value_and_keeps_the_rest(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        problem(&bare(&owner, &format!("/v1/vaults/{id}/secret-rotate/absent")).await, 404);
        let body = json!({"value": "old", "type": "password", "metadata": {"a": 1}, "expires_at": "2098-01-01T00:00:00Z"});
        put(&owner, &id, "a/b", body).await.expect(201);
        let rotate = format!("/v1/vaults/{id}/secret-rotate/a/b");
        let rotated = bare(&owner, &rotate).await.expect(201);
        assert_eq!(rotated.members(""), ["created_at", "expires_at", "id", "metadata", "path", "type", "version"]);
        assert_eq!((rotated.at("/version"), rotated.text("/type")), (json!(2), "password".to_owned()));
        assert_eq!(rotated.at("/metadata"), json!({"a": 1}));
        let hex = get(&owner, &id, "a/b").await.expect(200).text("/value");
        assert_eq!(hex.len(), 32);
        assert!(hex.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{hex}");
        for (charset, length, kind) in [("base64", 8, "api_key"), ("alphanumeric", 1024, "note"), ("ascii", 99, "note")] {
            let body = json!({"length": length, "charset": charset, "type": kind});
            let rotated = owner.post(&format!("/v1/vaults/{id}/secrets/a/b/rotate"), body).await.expect(201);
            assert_eq!(rotated.text("/type"), kind);
            let value = get(&owner, &id, "a/b").await.expect(200).text("/value");
            assert_eq!(value.chars().count(), length);
            assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{value}");
        }
        for wrong in [
            json!({"length": 7}), json!({"length": 1025}), json!({"length": "32"}), json!({"charset": "base32"}),
            json!({"type": "text"}), json!({"length": -8}),
        ] {
            problem(&owner.post(&rotate, wrong).await, 400);
        }
        owner.delete(&format!("/v1/vaults/{id}/secrets/a/b")).await.expect(204);
        problem(&bare(&owner, &rotate).await, 404);
    }
}

/// §7, §8: `rotate` or `write` is enough to rotate; disabling needs `write`; neither shows the value.
#[tokio::test]
async fn who_may_rotate_may_not_therefore_read() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    put(&owner, &id, "a", json!({"value": "old"}))
        .await
        .expect(201);
    let rotate = format!("/v1/vaults/{id}/secret-rotate/a");
    let disable = format!("/v1/vaults/{id}/secret-version-disable/a/1");
    for (permission, rotates, disables) in [
        ("rotate", 201, 403),
        ("write", 201, 204),
        ("read", 403, 403),
        ("delete", 403, 403),
    ] {
        let member = kluis.user("member").await;
        let policy = json!({
            "secret_path_pattern": "**", "principal_type": "user",
            "principal_id": crate::cloudkeep::vaults::uuid_of(&member.id), "permissions": [permission],
        });
        owner
            .post(&format!("/v1/vaults/{id}/policies"), policy)
            .await
            .expect(201);
        let answer = bare(&member.api(), &rotate).await;
        assert_eq!(answer.status, rotates, "{permission}: {answer}");
        assert!(!answer.string().contains("value"), "{answer}");
        let answer = bare(&member.api(), &disable).await;
        assert_eq!(answer.status, disables, "{permission}: {answer}");
        let reads = if permission == "read" { 200 } else { 403 };
        assert_eq!(
            get(&member.api(), &id, "a").await.status,
            reads,
            "{permission}"
        );
    }
}

/// C3: no body, whatever its type is said to be.
async fn bare(api: &Api, path: &str) -> Answer {
    let json = [("content-type", "application/json")];
    api.raw(reqwest::Method::POST, path, &json, Vec::new())
        .await
}
