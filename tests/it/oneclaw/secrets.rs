//! `/v1/vaults/{vault}/secrets` and what leads to one secret (1claw contract §6).

use reqwest::Method;
use serde_json::{Value, json};

use super::{problem, vault};
use crate::harness::{Answer, Api, Kluis, on_both};

/// Writes a secret with these members.
pub(super) async fn put(api: &Api, vault: &str, path: &str, body: Value) -> Answer {
    api.put(&format!("/v1/vaults/{vault}/secrets/{path}"), body)
        .await
}

/// Reads a secret.
pub(super) async fn get(api: &Api, vault: &str, path: &str) -> Answer {
    api.get(&format!("/v1/vaults/{vault}/secrets/{path}")).await
}

on_both! {
    /// §6.3, §6.4: always 201 with metadata alone; what is read is what was written.
    async fn what_is_put_is_read_and_each_put_is_a_version(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        let body = json!({
            "type": "password", "value": "correct horse ☃\n", "metadata": {"owner": "billing", "deep": [1, {"a": null}]},
            "expires_at": "2098-01-01T01:00:00+01:00", "rotation_policy": {"every": "30d"}, "max_access_count": 0,
            "description": "an extra that a client sends",
        });
        let first = put(&owner, &id, "db/main/password", body).await.expect(201);
        let members = ["created_at", "expires_at", "id", "metadata", "path", "type", "version"];
        assert_eq!(first.members(""), members);
        assert_eq!(first.at("/version"), 1);
        assert_eq!(first.text("/expires_at"), "2098-01-01T00:00:00Z");
        assert_eq!(first.at("/metadata"), json!({"owner": "billing", "deep": [1, {"a": null}]}));
        let read = get(&owner, &id, "db%2Fmain%2Fpassword").await.expect(200);
        let members = ["created_at", "created_by", "expires_at", "id", "metadata", "path", "type", "value", "version"];
        assert_eq!(read.members(""), members);
        assert_eq!(read.text("/value"), "correct horse ☃\n");
        assert_eq!(read.text("/created_by"), format!("user:{}", kluis.dev("/owner/id")));
        assert_eq!(read.header("cache-control"), Some("no-store"));

        // Nothing of a version is inherited but the type.
        let second = put(&owner, &id, "db/main/password", json!({"value": "", "type": null, "metadata": null})).await;
        let second = second.expect(201);
        assert_eq!(second.members(""), ["created_at", "id", "metadata", "path", "type", "version"]);
        assert_eq!((second.at("/version"), second.at("/metadata")), (json!(2), json!({})));
        assert_eq!((second.text("/type"), second.text("/id")), ("password".to_owned(), first.text("/id")));
        assert_eq!(get(&owner, &id, "db/main/password").await.expect(200).text("/value"), "");
        let made = put(&owner, &id, "new", json!({"value": "v"})).await.expect(201);
        assert_eq!(made.text("/type"), "generic");
    }

    /// §6.5: by path, without values; prefixes; what is deleted is absent, what is expired stays.
    async fn a_list_shows_what_the_caller_sees_and_no_value(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        for path in ["b/two", "a", "b/one", "c"] {
            put(&owner, &id, path, json!({"value": "canary"})).await.expect(201);
        }
        put(&owner, &id, "b/past", json!({"value": "canary", "expires_at": "2001-01-01T00:00:00Z"})).await.expect(201);
        owner.delete(&format!("/v1/vaults/{id}/secrets/c")).await.expect(204);
        let list = owner.get(&format!("/v1/vaults/{id}/secrets")).await.expect(200);
        assert!(!list.string().contains("canary"));
        assert_eq!(paths(&list), ["a", "b/one", "b/past", "b/two"]);
        for (prefix, expected) in [("b/", &["b/one", "b/past", "b/two"][..]), ("b", &["b/one", "b/past", "b/two"]), ("x", &[])] {
            let list = owner.get(&format!("/v1/vaults/{id}/secrets?prefix={prefix}")).await.expect(200);
            assert_eq!(paths(&list), expected);
        }
        let member = kluis.user("member").await;
        problem(&member.api().get(&format!("/v1/vaults/{id}/secrets")).await, 403);
        let policy = json!({
            "secret_path_pattern": "b/*", "principal_type": "user",
            "principal_id": crate::cloudkeep::vaults::uuid_of(&member.id), "permissions": ["read"],
        });
        owner.post(&format!("/v1/vaults/{id}/policies"), policy).await.expect(201);
        let list = member.api().get(&format!("/v1/vaults/{id}/secrets")).await.expect(200);
        assert_eq!(paths(&list), ["b/one", "b/past", "b/two"]);
        problem(&get(&member.api(), &id, "a").await, 403);
        problem(&get(&member.api(), &id, "absent").await, 403);
        problem(&put(&member.api(), &id, "b/one", json!({"value": "v"})).await, 403);
        let absent = "00000000-0000-7000-8000-000000000000";
        problem(&owner.get(&format!("/v1/vaults/{absent}/secrets")).await, 404);
        problem(&get(&owner, "no-uuid", "a").await, 404);
    }

    /// §6.4, §6.6, RULES §5.
    async fn a_deleted_path_is_gone_until_it_is_restored_or_written_again(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        let one = format!("/v1/vaults/{id}/secrets/a/b");
        problem(&owner.delete(&one).await, 404);
        let made = put(&owner, &id, "a/b", json!({"value": "1"})).await.expect(201);
        put(&owner, &id, "a/b", json!({"value": "2"})).await.expect(201);
        assert!(owner.delete(&one).await.expect(204).body.is_empty());
        let gone = owner.get(&one).await;
        problem(&gone, 410);
        assert_eq!(gone.text("/detail"), "Secret is no longer available");
        problem(&owner.delete(&one).await, 404);
        problem(&owner.get(&format!("/v1/vaults/{id}/secret-versions/a/b")).await, 410);
        // Absent in the other APIs.
        let cloudkeep = format!("/api/v1/vaults/{id}/secrets");
        assert_eq!(owner.get(&cloudkeep).await.expect(200).at("/data"), json!([]));
        owner.get(&format!("{cloudkeep}/{}", made.text("/id"))).await.expect(404);
        let restored = owner.post(&format!("/v1/vaults/{id}/secret-restore/a/b"), json!({})).await.expect(200);
        assert_eq!(restored.at("/version"), 2);
        assert_eq!(owner.get(&one).await.expect(200).text("/value"), "2");
        owner.delete(&one).await.expect(204);
        let again = put(&owner, &id, "a/b", json!({"value": "3"})).await.expect(201);
        assert_eq!((again.at("/version"), again.text("/id")), (json!(3), made.text("/id")));
        problem(&owner.get(&format!("/v1/vaults/{id}/secret-version/a/b/2")).await, 410);
        owner.delete(&one).await.expect(204);
        owner.post(&format!("/v1/vaults/{id}/secret-purge/a/b"), json!({})).await.expect(204);
        problem(&owner.get(&one).await, 404);
        let anew = put(&owner, &id, "a/b", json!({"value": "4"})).await.expect(201);
        assert_eq!(anew.at("/version"), 1);
        assert_ne!(anew.text("/id"), made.text("/id"));
    }

    /// §6.4: N reads, exactly, however many ask at once; a new version counts afresh.
    async fn a_read_limit_is_exact_under_a_thousand_readers(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        put(&owner, &id, "once", json!({"value": "v", "max_access_count": 25})).await.expect(201);
        owner.get(&format!("/v1/vaults/{id}/secrets")).await.expect(200);
        owner.get(&format!("/v1/vaults/{id}/secret-versions/once")).await.expect(200);
        let readers: Vec<_> = (0..1_000)
            .map(|number| {
                let (api, id) = (owner.clone(), id.clone());
                tokio::spawn(async move {
                    let path = if number % 2 == 0 { "secrets/once" } else { "secret-version/once/1" };
                    api.get(&format!("/v1/vaults/{id}/{path}")).await.status
                })
            })
            .collect();
        let mut read = 0;
        for reader in readers {
            match reader.await.unwrap() {
                200 => read += 1,
                status => assert_eq!(status, 410),
            }
        }
        assert_eq!(read, 25);
        put(&owner, &id, "once", json!({"value": "v", "max_access_count": 1})).await.expect(201);
        get(&owner, &id, "once").await.expect(200);
        problem(&get(&owner, &id, "once").await, 410);
    }
}

/// §6.1, §6.3: what is wrong by itself is refused before anything is looked up, and stores nothing.
#[tokio::test]
async fn a_malformed_put_is_refused_with_the_member_that_is_wrong() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    for (body, field) in [
        (json!({}), "value"),
        (json!({"value": null}), "value"),
        (json!({"value": 1}), "value"),
        (json!({"value": "v", "type": "text"}), "type"),
        (json!({"value": "v", "type": "Password"}), "type"),
        (json!({"value": "v", "metadata": []}), "metadata"),
        (json!({"value": "v", "metadata": "{}"}), "metadata"),
        (
            json!({"value": "v", "expires_at": "tomorrow"}),
            "expires_at",
        ),
        (json!({"value": "v", "expires_at": 1}), "expires_at"),
        (
            json!({"value": "v", "max_access_count": -1}),
            "max_access_count",
        ),
        (
            json!({"value": "v", "max_access_count": 1.5}),
            "max_access_count",
        ),
        (
            json!({"value": "v", "rotation_policy": "x"}),
            "rotation_policy",
        ),
    ] {
        let answer = put(&owner, &id, "a", body.clone()).await;
        problem(&answer, 400);
        assert!(
            answer.members("/fields").contains(&field.to_owned()),
            "{body}: {answer}"
        );
    }
    for path in [
        "trail/",
        "%2Flead",
        "has%20space",
        "dot.ted",
        "a%2F..%2Fb",
        "a%5Cb",
        "colon:x",
        "%C3%A9t%C3%A9",
        "a%00",
        "",
    ] {
        let path = format!("/v1/vaults/{id}/secrets/{path}");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let body = (method == Method::PUT).then(|| json!({"value": "v"}));
            problem(&owner.send(method, &path, body).await, 400);
        }
    }
    let list = owner
        .get(&format!("/v1/vaults/{id}/secrets"))
        .await
        .expect(200);
    assert_eq!(paths(&list), [""; 0]);
    let large = json!({"value": "v".repeat(5 << 20)});
    problem(&put(&owner, &id, "a", large).await, 413);
}

/// §6.2: every type of the contract is taken and given back; a word of another API reads as the default.
#[tokio::test]
async fn types_are_those_of_the_contract() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    for kind in [
        "password",
        "api_key",
        "private_key",
        "certificate",
        "file",
        "note",
        "ssh_key",
        "env_bundle",
        "generic",
        "env",
    ] {
        let body = json!({"value": "v", "type": kind});
        assert_eq!(
            put(&owner, &id, kind, body).await.expect(201).text("/type"),
            kind
        );
        assert_eq!(get(&owner, &id, kind).await.expect(200).text("/type"), kind);
    }
    let body = json!({"key": "OTHER", "value": "v", "type": "credential"});
    owner
        .post(&format!("/api/v1/vaults/{id}/secrets"), body)
        .await
        .expect(201);
    assert_eq!(
        get(&owner, &id, "OTHER").await.expect(200).text("/type"),
        "generic"
    );
    // A write without a type keeps the stored one.
    put(&owner, &id, "OTHER", json!({"value": "w"}))
        .await
        .expect(201);
    let seen = owner
        .get(&format!("/api/v1/vaults/{id}/secrets"))
        .await
        .expect(200)
        .json();
    let other = seen["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|secret| secret["key"] == "OTHER");
    assert_eq!(other.unwrap()["type"], "credential");
}

/// RULES §4: what one API cannot say, its writes leave alone; both see the same versions.
#[tokio::test]
async fn cloudkeep_and_1claw_see_the_same_secret() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    let body = json!({"value": "1", "metadata": {"a": 1}, "expires_at": "2098-01-01T00:00:00Z", "max_access_count": 9});
    let made = put(&owner, &id, "KEY", body).await.expect(201);
    let one = format!("/api/v1/vaults/{id}/secrets/{}", made.text("/id"));
    owner
        .patch(&one, json!({"value": "2", "notes": "n"}))
        .await
        .expect(200);
    let read = get(&owner, &id, "KEY").await.expect(200);
    assert_eq!(
        (read.at("/version"), read.text("/value")),
        (json!(2), "2".to_owned())
    );
    assert_eq!(read.at("/metadata"), json!({"a": 1}));
    assert_eq!(read.text("/expires_at"), "2098-01-01T00:00:00Z");
    // The limit counts afresh: nine reads of this version, one of which is done.
    for _ in 0..8 {
        owner.get(&one).await.expect(200);
    }
    owner.get(&one).await.expect(404);
    problem(&get(&owner, &id, "KEY").await, 410);
    put(&owner, &id, "KEY", json!({"value": "3"}))
        .await
        .expect(201);
    let seen = owner.get(&one).await.expect(200);
    assert_eq!(
        (seen.text("/data/value"), seen.text("/data/notes")),
        ("3".to_owned(), "n".to_owned())
    );
}

fn paths(list: &Answer) -> Vec<String> {
    let list = list.json();
    let paths = list["secrets"].as_array().unwrap().iter();
    paths
        .map(|secret| secret["path"].as_str().unwrap().to_owned())
        .collect()
}
