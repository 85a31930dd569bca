//! What is kept where, and what is not: Inkbox contract §1, §7.

use std::path::Path;

use rusqlite::types::ValueRef;
use serde_json::json;

use super::{
    VAULT, agent, at, grant, hash, initialize, item, opens, owner, replace, replacement_by, secret,
    store, text, unlock, with_key,
};
use crate::harness::{Answer, Kluis, on_both};

/// The bytes of a hash.
fn bytes_of(hash: &str) -> Vec<u8> {
    let digits = hash.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// What the lists of the other APIs hold.
async fn elsewhere(kluis: &Kluis) -> Vec<(&'static str, Answer)> {
    let owner = kluis.owner();
    let organization = kluis.dev("/organization_id");
    let listed = owner.get("/api/v1/vaults").await.expect(200);
    let mut answers = vec![
        ("vaults of CloudKeep", listed.clone()),
        ("vaults of 1claw", owner.get("/v1/vaults").await),
        (
            "secrets of Crate",
            owner
                .get(&format!("/organization/{organization}/secrets"))
                .await,
        ),
        ("shares of 1claw", owner.get("/v1/shares/outbound").await),
    ];
    for vault in listed.at("/data").as_array().unwrap() {
        let id = text(vault, "id");
        answers.push((
            "secrets of CloudKeep",
            owner.get(&format!("/api/v1/vaults/{id}/secrets")).await,
        ));
    }
    answers
}

on_both! {
    /// NT-40
    async fn nothing_of_it_stands_in_the_log(kluis: Kluis) {
        let mut kluis = kluis;
        kluis.serve(&[("KLUIS_LOG_LEVEL", "trace")]).await;
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let mut body = item("a name");
        body["encrypted_payload"] = "cGF5bG9hZC1jNG5hcnk=".into();
        let id = store(&api, body).await.expect(201).text("/id");
        let missed = hash();
        opens(&api, &vault.hash()).await;
        opens(&api, &missed).await;
        let cut = &missed[..60];
        api.get(&format!("{VAULT}/unlock?auth_hash={cut}")).await.expect(422);
        with_key(&kluis, "ibk_unknown").get(&format!("{VAULT}/unlock?auth_hash={missed}")).await.expect(401);
        let body = replacement_by("current_auth_hash", &vault.hash());
        replace(&api, body.clone()).await.expect(200);
        replace(&api, replacement_by("recovery_auth_hash", &missed)).await.expect(404);
        for key in [&missed, &vault.recovery_hash(0)] {
            api.delete(&format!("{VAULT}/keys/{key}")).await;
            api.delete(&format!("/vault/keys/{key}/")).await;
        }
        api.patch(&at(&id), json!({"encrypted_payload": "cGF5bG9hZC1jNG5hcnk="})).await.expect(200);
        let log = kluis.log();
        let wrapped = text(&vault.primary, "wrapped_org_encryption_key");
        let new = text(&body, "auth_hash");
        for canary in [cut, &vault.hash(), &vault.recovery_hash(0), &vault.recovery_hash(1), &new, &wrapped, "cGF5bG9hZC1jNG5hcnk", &kluis.dev("/tokens/inkbox")] {
            assert!(!log.contains(canary), "{canary} is in the log");
            assert!(!log.to_lowercase().contains(&canary.to_lowercase()), "{canary} is in the log");
        }
    }

    async fn a_refusal_echoes_no_hash(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let wrong = hash();
        let cut = &wrong[..63];
        for answer in [
            api.get(&format!("{VAULT}/unlock?auth_hash={cut}")).await, api.delete(&format!("{VAULT}/keys/{wrong}")).await,
            api.delete(&format!("{VAULT}/keys/{}", vault.hash())).await, api.get(&format!("{VAULT}/keys/{wrong}")).await,
            api.get(&format!("{VAULT}/keys/{wrong}/more")).await, replace(&api, replacement_by("current_auth_hash", &wrong)).await,
            replace(&api, replacement_by("current_auth_hash", cut)).await, unlock(&api, &wrong).await,
        ] {
            let headers = format!("{:?}", answer.headers);
            for hash in [cut, &vault.hash()] {
                assert!(!answer.string().contains(hash) && !headers.contains(hash), "{answer}");
            }
        }
    }

    /// Inkbox contract §7: no other API shows anything of it.
    async fn zero_knowledge_items_appear_in_no_other_api(kluis: Kluis) {
        let api = owner(&kluis);
        let told = |answers: Vec<(&'static str, Answer)>| -> Vec<_> {
            answers.into_iter().map(|(name, answer)| (name, answer.status, answer.string())).collect()
        };
        let before = told(elsewhere(&kluis).await);
        assert!(before.iter().all(|(_, status, _)| *status == 200), "{before:?}");
        let vault = initialize(&api).await;
        let id = secret(&api, "c4nary-name").await;
        let info = api.get(&format!("{VAULT}/info")).await.expect(200);
        assert_eq!(told(elsewhere(&kluis).await), before);
        let bot = agent(&kluis, &api, "bot").await;
        grant(&api, &id, &bot.id).await.expect(201);
        // Its ids are those of nothing else.
        for id in [&id, &info.text("/id"), &text(&vault.primary, "id")] {
            for path in [format!("/v1/vaults/{id}"), format!("/api/v1/vaults/{id}"), format!("/v1/vaults/{id}/secrets"), format!("/v1/share/{id}")] {
                let status = kluis.owner().get(&path).await.status;
                assert!([404, 410].contains(&status), "{path}: {status}");
            }
            let share = json!({"recipient_type": "anyone_with_link", "expires_at": "2099-01-01T00:00:00Z"});
            kluis.owner().post(&format!("/v1/secrets/{id}/share"), share).await.expect(404);
        }
    }

    /// Inkbox contract §3.4: an answer never holds a wrapped key or a hash, but for `unlock`.
    async fn only_unlock_hands_out_keys(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let id = secret(&api, "s").await;
        let body = replacement_by("current_auth_hash", &vault.hash());
        let replaced = replace(&api, body.clone()).await.expect(200);
        for answer in [
            replaced, api.get(&format!("{VAULT}/keys")).await, api.get(&format!("{VAULT}/info")).await, api.get(&at(&id)).await,
            api.get(&format!("{VAULT}/secrets")).await, api.get("/api/whoami").await, kluis.owner().get("/v1/audit/events?limit=1000").await,
        ] {
            for key in vault.recovery.iter().chain([&vault.primary, &body]) {
                for member in ["auth_hash", "wrapped_org_encryption_key"] {
                    assert!(!answer.string().contains(&text(key, member)), "{member}: {answer}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_database_holds_no_auth_hash() {
    let mut kluis = Kluis::start().await;
    let api = owner(&kluis);
    let vault = initialize(&api).await;
    secret(&api, "c4nary-name").await;
    let missed = hash();
    opens(&api, &missed).await;
    opens(&api, &vault.hash()).await;
    let body = replacement_by("recovery_auth_hash", &vault.recovery_hash(0));
    replace(&api, body.clone()).await.expect(200);
    replace(&api, replacement_by("current_auth_hash", &missed))
        .await
        .expect(403);
    let mut hashes: Vec<_> = (0..4).map(|place| vault.recovery_hash(place)).collect();
    hashes.extend([vault.hash(), missed, text(&body, "auth_hash")]);
    // While it runs, and when all has been written to its place.
    for round in 0..2 {
        let files = files(&kluis.data_dir());
        assert!(
            files.iter().any(|(_, bytes)| holds(bytes, b"c4nary-name")),
            "names are kept as they are"
        );
        for hash in &hashes {
            for (name, bytes) in &files {
                let forms = [
                    hash.clone().into_bytes(),
                    hash.to_uppercase().into_bytes(),
                    bytes_of(hash),
                ];
                assert!(
                    !forms.iter().any(|form| holds(bytes, form)),
                    "{name} holds a hash"
                );
            }
        }
        if round == 0 {
            kluis.stop();
        }
    }
}

/// Inkbox contract §7: deleting removes the ciphertext, not the listing alone.
#[tokio::test]
async fn a_deleted_payload_is_gone_from_the_database() {
    let mut kluis = Kluis::start().await;
    let api = owner(&kluis);
    initialize(&api).await;
    // Long enough to lie on pages of its own, and it cannot be pressed together.
    let payload: String = (0..2_000).map(|_| hash()).collect();
    let mut body = item("s");
    body["encrypted_payload"] = payload.into();
    let full = size_of_rows(&kluis);
    let id = store(&api, body).await.expect(201).text("/id");
    assert!(
        size_of_rows(&kluis) > full + 60_000,
        "the payload is in some row"
    );
    api.delete(&at(&id)).await.expect(204);
    let left = size_of_rows(&kluis);
    assert!(left < full + 20_000, "{full} bytes became {left}");
    kluis.stop();
}

/// The bytes in all rows of the databases, less what events add.
fn size_of_rows(kluis: &Kluis) -> usize {
    let databases = files(&kluis.data_dir());
    let databases = databases
        .iter()
        .filter(|(_, bytes)| bytes.starts_with(b"SQLite format 3\0"));
    databases.map(|(path, _)| size_of_texts(path)).sum()
}

fn size_of_texts(path: &str) -> usize {
    let database = rusqlite::Connection::open(path).unwrap();
    let mut tables = database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
        .unwrap();
    let tables: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut size = 0;
    for table in tables {
        let mut rows = database
            .prepare(&format!("SELECT * FROM \"{table}\""))
            .unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                size += match row.get_ref(column).unwrap() {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
                    ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Null => 0,
                };
            }
        }
    }
    size
}
