//! Lengths, words and bytes at their limits and beyond (CloudKeep contract §1, §5, §6).

use reqwest::Method;
use serde_json::{Value, json};

use super::permissions::secret;
use super::vaults::vault;
use crate::harness::raw::{Raw, status};
use crate::harness::{Answer, Kluis};

#[track_caller]
fn bad_request(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 400, "{what}: {answer}");
    assert_eq!(answer.text("/error/code"), "BAD_REQUEST", "{what}");
}

/// CloudKeep contract §1, §5
#[tokio::test]
async fn a_vaults_limits_hold_when_it_is_changed_as_when_it_is_made() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let body = json!({
        "name": "n".repeat(100), "description": "é".repeat(1000),
        "id": "vlt_1", "secretCount": 5, "createdAt": "2001-01-01T00:00:00Z", "colour": {"r": [1]},
    });
    let made = owner.post("/api/v1/vaults", body).await.expect(201);
    assert_eq!(made.text("/data/description"), "é".repeat(1000));
    assert_eq!(made.at("/data/secretCount"), 0);
    assert_ne!(made.text("/data/id"), "vlt_1");
    assert_ne!(made.text("/data/createdAt"), "2001-01-01T00:00:00Z");
    let path = format!("/api/v1/vaults/{}", made.text("/data/id"));
    for body in [
        json!({"name": "x".repeat(101)}),
        json!({"name": " \t "}),
        json!({"name": 7}),
        json!({"name": ["x"]}),
        json!({"name": "a\u{0}b"}),
        json!({"name": "__mine"}),
        json!({"name": " __mine"}),
        json!({"description": "x".repeat(1001)}),
        json!({"description": 1}),
        json!({"name": "fine", "description": {}}),
        json!({"name": null, "description": "fine"}),
    ] {
        let refused = owner.patch(&path, body.clone()).await;
        bad_request(&refused, &body.to_string());
    }
    assert_eq!(owner.get(&path).await.expect(200).json(), made.json());
    let body = json!({"name": "  Other ", "description": "", "id": "vlt_1", "secretCount": 9});
    let changed = owner.patch(&path, body).await.expect(200);
    assert_eq!(changed.text("/data/name"), "Other");
    assert_eq!(changed.text("/data/description"), "");
    assert_eq!(changed.at("/data/secretCount"), 0);
    assert_eq!(changed.at("/data/id"), made.at("/data/id"));
    assert_eq!(changed.members("/data"), made.members("/data"));
    let plain = json!({"name": "plain"});
    let plain = owner.post("/api/v1/vaults", plain).await.expect(201);
    assert_eq!(plain.text("/data/description"), "");
}

/// CloudKeep contract §5
#[tokio::test]
async fn a_secrets_limits_hold_when_it_is_changed_as_when_it_is_made() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let vault = vault(&owner, "v").await;
    let secrets = format!("/api/v1/vaults/{vault}/secrets");
    // 64 KiB are bytes, 10 000 are characters.
    let (value, notes) = ("é".repeat(32_768), "é".repeat(10_000));
    let too_long = format!("{value}a");
    let body = json!({"key": "A", "value": too_long});
    bad_request(&owner.post(&secrets, body).await, "a value too long");
    let body = json!({"key": "A", "value": value, "notes": notes, "type": "x".repeat(32)});
    let made = owner.post(&secrets, body).await.expect(201);
    assert_eq!(made.text("/data/value"), value);
    let one = format!("{secrets}/{}", made.text("/data/id"));
    let before = owner.get(&one).await.expect(200);
    assert_eq!(before.text("/data/notes"), notes);
    for body in [
        json!({"value": too_long}),
        json!({"value": ["x"]}),
        json!({"value": null, "notes": "fine"}),
        json!({"notes": "n".repeat(10_001)}),
        json!({"notes": 1}),
        json!({"type": "x".repeat(33)}),
        json!({"type": ""}),
        json!({"type": "0a"}),
        json!({"type": "_a"}),
        json!({"type": "a-b"}),
        json!({"type": "a "}),
        json!({"type": "é"}),
        json!({"type": "Text"}),
        json!({"type": 1, "value": "fine"}),
        json!({"key": 1, "value": "fine"}),
        json!({"key": "a", "value": "fine"}),
    ] {
        let refused = owner.patch(&one, body.clone()).await;
        bad_request(&refused, &format!("{:.60}", body.to_string()));
    }
    assert_eq!(owner.get(&one).await.expect(200).json(), before.json());
    for value in [
        "",
        "  two  ",
        "a\r\n\tb\n\n",
        "pässwörd ✓ \u{1f511}\u{0}",
        &value,
    ] {
        let changed = owner.patch(&one, json!({"value": value})).await.expect(200);
        assert_eq!(changed.text("/data/value"), value);
        assert_eq!(owner.get(&one).await.expect(200).text("/data/value"), value);
        let list = owner.get(&secrets).await.expect(200);
        assert_eq!(list.text("/data/0/value"), value);
    }
    for word in [
        "credential",
        "api_key",
        "text",
        "password",
        "database",
        "ssh_key",
        "note",
        "env",
        "a",
        "a0_",
    ] {
        let changed = owner.patch(&one, json!({"type": word})).await.expect(200);
        assert_eq!(changed.text("/data/type"), word);
        let body = json!({"key": word, "value": "1", "type": word});
        let made = owner.post(&secrets, body).await.expect(201);
        assert_eq!(made.text("/data/type"), word);
    }
}

/// CloudKeep contract §5
#[tokio::test]
async fn a_key_holds_no_control_character_and_differs_by_case_and_spaces() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let vault = vault(&owner, "v").await;
    let secrets = format!("/api/v1/vaults/{vault}/secrets");
    for control in ('\u{0}'..='\u{1f}').chain('\u{7f}'..='\u{9f}') {
        for key in [
            format!("a{control}b"),
            format!("{control}a"),
            format!("a{control}"),
        ] {
            let refused = owner
                .post(&secrets, json!({"key": key, "value": "1"}))
                .await;
            bad_request(&refused, &format!("{key:?}"));
        }
    }
    let keys = ["Key", "key", "KEY", " key", "key ", "ké", "ke\u{301}"];
    for key in keys {
        secret(&owner, &vault, key, key).await;
    }
    let list = owner.get(&secrets).await.expect(200).json();
    let kept: Vec<&Value> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["key"])
        .collect();
    assert_eq!(kept, keys);
}

/// CloudKeep contract §1: no paging; by `createdAt`, then by id.
#[tokio::test]
async fn a_list_is_whole_and_in_the_order_in_which_things_were_made() {
    const MANY: usize = 205;
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let mut vaults = vec!["default".to_owned()];
    for number in (0..MANY).rev() {
        vaults.push(format!("v{number:03}"));
        vault(&owner, vaults.last().unwrap()).await;
    }
    let last = owner.get("/api/v1/vaults").await.expect(200);
    let last = last.text(&format!("/data/{MANY}/id"));
    let path = format!("/api/v1/vaults/{last}/secrets");
    let mut keys = Vec::new();
    for number in (0..MANY).rev() {
        keys.push(format!("K{number:03}"));
        secret(&owner, &last, keys.last().unwrap(), "1").await;
    }
    // A change moves nothing, and no word in the query makes it less.
    let first = owner.get(&path).await.expect(200).text("/data/0/id");
    owner
        .patch(&format!("{path}/{first}"), json!({"value": "2"}))
        .await
        .expect(200);
    let first = owner
        .get("/api/v1/vaults")
        .await
        .expect(200)
        .text("/data/1/id");
    let body = json!({"description": "changed"});
    owner
        .patch(&format!("/api/v1/vaults/{first}"), body)
        .await
        .expect(200);
    for query in ["", "?limit=1", "?page=2&per_page=10&offset=5&sort=name"] {
        for (path, member, expected) in [
            ("/api/v1/vaults", "name", &vaults),
            (path.as_str(), "key", &keys),
        ] {
            let list = owner.get(&format!("{path}{query}")).await.expect(200);
            assert_eq!(list.members(""), ["data"]);
            let list = list.json();
            let found: Vec<&str> = list["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one[member].as_str().unwrap())
                .collect();
            assert_eq!(found, *expected, "{path}{query}");
        }
    }
}

/// CloudKeep contract §6: over 1 MiB is a bad request, to a client that reads only when it has sent everything, too.
#[tokio::test]
async fn a_body_has_a_mebibyte_and_not_a_byte_more() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
    let sized = |key: &str, length: usize| {
        let mut body = json!({"key": key, "value": "1"}).to_string().into_bytes();
        body.resize(length, b' ');
        body
    };
    let json = [("content-type", "application/json")];
    let most = sized("most", 1 << 20);
    owner
        .raw(Method::POST, &path, &json, most)
        .await
        .expect(201);
    let token = kluis.dev("/tokens/cloudkeep");
    for length in [(1 << 20) + 1, 3 << 20] {
        let over = sized("over", length);
        let mut connection = Raw::connect(&kluis.base()).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        connection.send(&[head.into_bytes(), over].concat()).await;
        let answer = connection.rest(std::time::Duration::from_secs(2)).await;
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(status(&answer), 400, "{length}: {text}");
        assert!(text.contains("\"BAD_REQUEST\""), "{length}: {text}");
    }
    let list = owner.get(&path).await.expect(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}
