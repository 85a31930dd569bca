//! `/api/v1/vaults/{vault}/secrets`.

use serde_json::{Value, json};

use super::vaults::vault;
use crate::harness::{Api, Kluis};

/// Makes a secret and gives its path in the API.
async fn secret(api: &Api, vault: &str, key: &str, value: &str) -> String {
    let path = format!("/api/v1/vaults/{vault}/secrets");
    let id = api
        .post(&path, json!({"key": key, "value": value}))
        .await
        .expect(201)
        .text("/data/id");
    format!("{path}/{id}")
}

#[tokio::test]
async fn a_secret_has_exactly_the_members_that_each_answer_shows() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
    let body = json!({"key": "STRIPE_SECRET_KEY", "value": "sk_live_1", "type": "api_key", "notes": "production"});
    let made = owner.post(&path, body).await.expect(201);
    let without_notes = ["createdAt", "id", "key", "type", "updatedAt", "value"];
    let with_notes = [
        "createdAt",
        "id",
        "key",
        "notes",
        "type",
        "updatedAt",
        "value",
    ];
    assert_eq!(made.members("/data"), without_notes);
    let id = made.text("/data/id");
    assert!(id.starts_with("sec_") && id.len() == 26, "{id}");
    assert_eq!(made.text("/data/value"), "sk_live_1");
    assert_eq!(made.text("/data/type"), "api_key");

    let list = owner.get(&path).await.expect(200);
    assert_eq!(list.members("/data/0"), without_notes);
    assert_eq!(list.at("/data/0"), made.at("/data"));

    let one = format!("{path}/{id}");
    let read = owner.get(&one).await.expect(200);
    assert_eq!(read.members("/data"), with_notes);
    assert_eq!(read.text("/data/notes"), "production");
    assert_eq!(read.text("/data/value"), "sk_live_1");

    let patched = owner
        .patch(&one, json!({"value": "sk_live_2"}))
        .await
        .expect(200);
    assert_eq!(patched.members("/data"), with_notes);
    assert_eq!(patched.text("/data/value"), "sk_live_2");
    assert_eq!(patched.text("/data/notes"), "production");
    assert_eq!(patched.text("/data/type"), "api_key");
    assert_eq!(owner.get(&one).await.expect(200).json(), patched.json());
}

#[tokio::test]
async fn absent_notes_read_as_empty_text_and_the_default_type_is_text() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let one = secret(&owner, &vault(&owner, "v").await, "A", "1").await;
    let read = owner.get(&one).await.expect(200);
    assert_eq!(read.text("/data/notes"), "");
    assert_eq!(read.text("/data/type"), "text");
}

#[tokio::test]
async fn a_value_is_kept_byte_for_byte() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let vault = vault(&owner, "v").await;
    let pem = "-----BEGIN KEY-----\nAAAA\r\n\tBBBB \n-----END KEY-----\n\n";
    let longest = "x".repeat(65_536);
    for (key, value) in [
        ("empty", ""),
        ("spaces", "  two  "),
        ("lines", pem),
        ("unicode", "pässwörd ✓ \u{1f511} \u{0}"),
        ("json", r#"{"a": [1, 2]}"#),
        ("longest", longest.as_str()),
    ] {
        let one = secret(&owner, &vault, key, value).await;
        assert_eq!(
            owner.get(&one).await.expect(200).text("/data/value"),
            value,
            "{key}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_new_secret_is_a_bad_request_and_nothing_is_stored() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
    for body in [
        json!({}),
        json!({"key": "A"}),
        json!({"value": "1"}),
        json!({"key": null, "value": "1"}),
        json!({"key": "A", "value": null}),
        json!({"key": "A", "value": 1}),
        json!({"key": "A", "value": {"a": "b"}}),
        json!({"key": ["A"], "value": "1"}),
        json!({"key": "", "value": "1"}),
        json!({"key": "k".repeat(256), "value": "1"}),
        json!({"key": "\u{1f511}".repeat(255) + "ab", "value": "1"}),
        json!({"key": "a\nb", "value": "1"}),
        json!({"key": "a\u{0}b", "value": "1"}),
        json!({"key": "A", "value": "v".repeat(65_537)}),
        json!({"key": "A", "value": "1", "type": "Api_Key"}),
        json!({"key": "A", "value": "1", "type": ""}),
        json!({"key": "A", "value": "1", "type": "x".repeat(33)}),
        json!({"key": "A", "value": "1", "type": 3}),
        json!({"key": "A", "value": "1", "notes": "n".repeat(10_001)}),
        json!({"key": "A", "value": "1", "notes": []}),
    ] {
        let refused = owner.post(&path, body.clone()).await;
        assert_eq!(
            refused.status,
            400,
            "{:.80}: {}",
            body.to_string(),
            refused.string()
        );
        assert_eq!(refused.text("/error/code"), "BAD_REQUEST");
    }
    assert_eq!(
        owner.get(&path).await.expect(200).json(),
        json!({"data": []})
    );
}

#[tokio::test]
async fn a_key_is_at_most_255_characters_and_1024_bytes() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let vault = vault(&owner, "v").await;
    let four_bytes_each = "\u{1f511}".repeat(255);
    assert_eq!(four_bytes_each.len(), 1020);
    for key in [
        four_bytes_each.as_str(),
        &"é".repeat(255),
        "A key with spaces/and:signs",
        ".",
    ] {
        let one = secret(&owner, &vault, key, "1").await;
        assert_eq!(owner.get(&one).await.expect(200).text("/data/key"), key);
    }
}

#[tokio::test]
async fn unknown_members_are_ignored() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
    let body = json!({"key": "A", "value": "1", "tags": ["x"], "id": "sec_1", "createdAt": 7});
    let made = owner.post(&path, body).await.expect(201);
    assert_ne!(made.text("/data/id"), "sec_1");
}

#[tokio::test]
async fn a_key_is_unique_in_its_vault_and_free_when_its_secret_is_deleted() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let (here, there) = (vault(&owner, "here").await, vault(&owner, "there").await);
    let one = secret(&owner, &here, "TOKEN", "1").await;
    secret(&owner, &there, "TOKEN", "2").await;
    secret(&owner, &here, "token", "3").await;
    let again = owner
        .post(
            &format!("/api/v1/vaults/{here}/secrets"),
            json!({"key": "TOKEN", "value": "4"}),
        )
        .await
        .expect(409);
    assert_eq!(again.text("/error/code"), "CONFLICT");
    assert_eq!(owner.get(&one).await.expect(200).text("/data/value"), "1");
    assert!(owner.delete(&one).await.expect(204).body.is_empty());
    owner.get(&one).await.expect(404);
    owner.delete(&one).await.expect(404);
    let anew = secret(&owner, &here, "TOKEN", "5").await;
    assert_ne!(anew, one);
}

/// NT-66
#[tokio::test]
async fn a_patch_may_not_rename_and_needs_something_to_change() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let one = secret(&owner, &vault(&owner, "v").await, "A", "1").await;
    for body in [
        json!({}),
        json!({"key": "B", "value": "2"}),
        json!({"key": "A"}),
        json!({"value": 2}),
        json!({"value": null}),
        json!({"type": "NOT A TYPE"}),
        json!({"other": true}),
    ] {
        let refused = owner.patch(&one, body.clone()).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.string());
    }
    assert_eq!(owner.get(&one).await.text("/data/value"), "1");
    let same = owner
        .patch(&one, json!({"key": "A", "value": "2"}))
        .await
        .expect(200);
    assert_eq!(same.text("/data/value"), "2");
    let typed = owner
        .patch(&one, json!({"type": "credential"}))
        .await
        .expect(200);
    assert_eq!(
        (typed.text("/data/type"), typed.text("/data/value")),
        ("credential".into(), "2".into())
    );
    let noted = owner.patch(&one, json!({"notes": "why"})).await.expect(200);
    assert_eq!(
        (noted.text("/data/notes"), noted.text("/data/value")),
        ("why".into(), "2".into())
    );
    let cleared = owner.patch(&one, json!({"notes": ""})).await.expect(200);
    assert_eq!(cleared.text("/data/notes"), "");
}

#[tokio::test]
async fn a_secret_is_only_found_in_its_own_vault() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let (here, there) = (vault(&owner, "here").await, vault(&owner, "there").await);
    let one = secret(&owner, &here, "A", "1").await;
    let elsewhere = one.replace(&here, &there);
    owner.get(&elsewhere).await.expect(404);
    owner
        .patch(&elsewhere, json!({"value": "2"}))
        .await
        .expect(404);
    owner.delete(&elsewhere).await.expect(404);
    assert_eq!(owner.get(&one).await.expect(200).text("/data/value"), "1");
}

#[tokio::test]
async fn secrets_are_listed_in_the_order_they_were_made() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let vault = vault(&owner, "v").await;
    for key in ["C", "A", "B"] {
        secret(&owner, &vault, key, key).await;
    }
    let list = owner
        .get(&format!("/api/v1/vaults/{vault}/secrets"))
        .await
        .expect(200)
        .json();
    let keys: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["key"])
        .collect();
    assert_eq!(
        keys,
        [&Value::from("C"), &Value::from("A"), &Value::from("B")]
    );
}

#[tokio::test]
async fn what_is_not_a_json_object_is_a_bad_request() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
    let json_type = ("content-type", "application/json");
    let good = br#"{"key":"A","value":"1"}"#.to_vec();
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    type Headers = Vec<(&'static str, &'static str)>;
    let cases: Vec<(&str, Headers, Vec<u8>)> = vec![
        ("no type", vec![], good.clone()),
        (
            "wrong type",
            vec![("content-type", "text/plain")],
            good.clone(),
        ),
        (
            "form",
            vec![("content-type", "application/x-www-form-urlencoded")],
            good.clone(),
        ),
        ("cut off", vec![json_type], good[..10].to_vec()),
        ("empty", vec![json_type], vec![]),
        ("array", vec![json_type], b"[]".to_vec()),
        (
            "trailing",
            vec![json_type],
            [good.clone(), b"x".to_vec()].concat(),
        ),
        (
            "not UTF-8",
            vec![json_type],
            b"{\"key\":\"A\",\"value\":\"\xff\xfe\"}".to_vec(),
        ),
        ("deep", vec![json_type], deep),
        (
            "twice",
            vec![json_type],
            br#"{"key":"A","key":"B","value":"1"}"#.to_vec(),
        ),
        (
            "huge number",
            vec![json_type],
            br#"{"key":"A","value":1e999999}"#.to_vec(),
        ),
        ("too large", vec![json_type], vec![b' '; (1 << 20) + 1]),
    ];
    for (name, headers, body) in cases {
        let refused = owner
            .raw(reqwest::Method::POST, &path, &headers, body)
            .await;
        assert_eq!(refused.status, 400, "{name}: {}", refused.string());
        assert_eq!(refused.text("/error/code"), "BAD_REQUEST", "{name}");
        assert_eq!(
            refused.header("content-type"),
            Some("application/json"),
            "{name}"
        );
    }
    assert_eq!(
        owner.get(&path).await.expect(200).json(),
        json!({"data": []})
    );
    let charset = [("content-type", "application/json; charset=utf-8")];
    owner
        .raw(reqwest::Method::POST, &path, &charset, good)
        .await
        .expect(201);
}
