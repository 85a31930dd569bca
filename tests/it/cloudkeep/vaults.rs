//! `/api/v1/vaults`.

use serde_json::json;

use crate::harness::{Api, Kluis};

/// Makes a vault and gives its id.
pub async fn vault(api: &Api, name: &str) -> String {
    api.post("/api/v1/vaults", json!({"name": name}))
        .await
        .expect(201)
        .text("/data/id")
}

#[tokio::test]
async fn a_vault_is_made_with_exactly_the_members_of_the_contract() {
    let kluis = Kluis::start().await;
    let made = kluis
        .owner()
        .post(
            "/api/v1/vaults",
            json!({"name": "  Billing ", "description": "Billing services"}),
        )
        .await
        .expect(201);
    assert_eq!(made.header("content-type"), Some("application/json"));
    assert_eq!(made.members(""), ["data"]);
    assert_eq!(
        made.members("/data"),
        [
            "createdAt",
            "description",
            "id",
            "name",
            "secretCount",
            "updatedAt"
        ]
    );
    assert_eq!(made.text("/data/name"), "Billing");
    assert_eq!(made.text("/data/description"), "Billing services");
    assert_eq!(made.at("/data/secretCount"), 0);
    assert_eq!(made.at("/data/createdAt"), made.at("/data/updatedAt"));
    let id = made.text("/data/id");
    assert!(id.starts_with("vlt_") && id.len() == 26, "{id}");
    assert!(
        id[4..].bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{id}"
    );
    let at = made.text("/data/createdAt");
    assert!(
        at.ends_with('Z') && at.len() == "2025-01-15T08:30:00Z".len(),
        "{at}"
    );
    let read = kluis
        .owner()
        .get(&format!("/api/v1/vaults/{id}"))
        .await
        .expect(200);
    assert_eq!(read.json(), made.json());
}

#[tokio::test]
async fn vaults_are_listed_oldest_first_and_counts_are_live() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let first = vault(&owner, "one").await;
    let second = vault(&owner, "two").await;
    owner
        .post(
            &format!("/api/v1/vaults/{second}/secrets"),
            json!({"key": "A", "value": "1"}),
        )
        .await
        .expect(201);
    let list = owner.get("/api/v1/vaults").await.expect(200).json();
    let list = list["data"].as_array().unwrap();
    let names: Vec<_> = list
        .iter()
        .map(|vault| vault["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["default", "one", "two"]);
    assert_eq!(list[1]["id"], first.as_str());
    assert_eq!(list[1]["secretCount"], 0);
    assert_eq!(list[2]["secretCount"], 1);
}

#[tokio::test]
async fn a_name_is_required_trimmed_and_at_most_100_characters() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    for body in [
        json!({}),
        json!({"name": null}),
        json!({"name": ""}),
        json!({"name": " \t "}),
        json!({"name": 7}),
        json!({"name": "x".repeat(101)}),
        json!({"name": "a\u{0}b"}),
        json!({"name": "__hidden"}),
        json!({"name": "ok", "description": "x".repeat(1001)}),
        json!({"name": "ok", "description": 1}),
        json!([]),
        json!("name"),
    ] {
        let refused = owner.post("/api/v1/vaults", body.clone()).await;
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.text("/error/code"), "BAD_REQUEST", "{body}");
        assert_eq!(refused.members(""), ["error"]);
        assert_eq!(refused.members("/error"), ["code", "message"]);
    }
    vault(&owner, &"é".repeat(100)).await;
    let list = owner.get("/api/v1/vaults").await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_taken_name_is_a_conflict_when_made_and_when_renamed() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    vault(&owner, "one").await;
    let two = vault(&owner, "two").await;
    let again = owner
        .post("/api/v1/vaults", json!({"name": " one "}))
        .await
        .expect(409);
    assert_eq!(again.text("/error/code"), "CONFLICT");
    let path = format!("/api/v1/vaults/{two}");
    owner.patch(&path, json!({"name": "one"})).await.expect(409);
    owner.patch(&path, json!({"name": "two"})).await.expect(200);
    vault(&owner, "One").await;
}

/// NT-66
#[tokio::test]
async fn a_patch_changes_what_it_names_and_needs_something_to_change() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let made = owner
        .post("/api/v1/vaults", json!({"name": "a", "description": "b"}))
        .await
        .expect(201);
    let path = format!("/api/v1/vaults/{}", made.text("/data/id"));
    for body in [
        json!({}),
        json!({"name": ""}),
        json!({"name": null}),
        json!({"other": 1}),
    ] {
        let refused = owner.patch(&path, body.clone()).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.string());
    }
    let changed = owner
        .patch(&path, json!({"description": "c"}))
        .await
        .expect(200);
    assert_eq!(
        (
            changed.text("/data/name"),
            changed.text("/data/description")
        ),
        ("a".into(), "c".into())
    );
    let changed = owner.patch(&path, json!({"name": "d"})).await.expect(200);
    assert_eq!(
        (
            changed.text("/data/name"),
            changed.text("/data/description")
        ),
        ("d".into(), "c".into())
    );
}

#[tokio::test]
async fn a_deleted_vault_is_gone_with_its_secrets_and_its_name_is_free() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "short-lived").await;
    let path = format!("/api/v1/vaults/{id}");
    let secret = owner
        .post(
            &format!("{path}/secrets"),
            json!({"key": "A", "value": "1"}),
        )
        .await
        .expect(201)
        .text("/data/id");
    let deleted = owner.delete(&path).await.expect(204);
    assert!(deleted.body.is_empty());
    assert_eq!(deleted.header("content-type"), None);
    for gone in [
        path.clone(),
        format!("{path}/secrets"),
        format!("{path}/secrets/{secret}"),
    ] {
        let answer = owner.get(&gone).await.expect(404);
        assert_eq!(answer.text("/error/code"), "NOT_FOUND");
    }
    owner.delete(&path).await.expect(404);
    vault(&owner, "short-lived").await;
}

#[tokio::test]
async fn the_default_vault_stays() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = owner
        .get("/api/v1/vaults")
        .await
        .expect(200)
        .text("/data/0/id");
    let path = format!("/api/v1/vaults/{id}");
    owner.delete(&path).await.expect(409);
    owner
        .patch(&path, json!({"name": "other"}))
        .await
        .expect(409);
    owner
        .patch(&path, json!({"description": "shared by all"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn an_id_in_any_spelling_finds_the_vault_and_a_malformed_one_finds_nothing() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "spelled").await;
    let uuid = uuid_of(&id);
    for spelling in [
        id.clone(),
        uuid.clone(),
        uuid.to_uppercase(),
        format!("collection_{}", &id[4..]),
    ] {
        let read = owner
            .get(&format!("/api/v1/vaults/{spelling}"))
            .await
            .expect(200);
        assert_eq!(read.text("/data/id"), id);
    }
    for wrong in [
        "vlt_x",
        "nothing",
        "sec_0000000000000000000000",
        "vlt_zzzzzzzzzzzzzzzzzzzzzz",
        "..",
        "%2e%2e",
        "a%00b",
        "%ff",
    ] {
        let answer = owner.get(&format!("/api/v1/vaults/{wrong}")).await;
        assert_eq!(answer.status, 404, "{wrong}: {}", answer.string());
    }
}

/// The UUID that a prefixed id spells in base 62.
pub fn uuid_of(id: &str) -> String {
    let digits = id.split_once('_').unwrap().1;
    let number = digits.bytes().fold(0_u128, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            _ => digit - b'a' + 36,
        };
        number * 62 + u128::from(value)
    });
    let hex = format!("{number:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
