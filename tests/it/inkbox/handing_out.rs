//! How much a vault holds, and how much of it is handed out at once: one organization's unlocking costs no other one its
//! answers, nor the server its memory (DESIGN §8; Inkbox contract §4.6, §7).

use std::time::Duration;

use serde_json::json;

use super::{
    IDENTITIES, VAULT, Vault, agent, at, initialize, item, opened, owner, refused, store, unlock,
    with_key,
};
use crate::harness::raw::Raw;
use crate::harness::{Api, Kluis, on_both};

const MIB: usize = 1 << 20;

/// A vault with so many secrets of a mebibyte.
async fn filled(api: &Api, count: usize) -> (Vault, Vec<String>) {
    let vault = initialize(api).await;
    let mut ids = Vec::new();
    for number in 0..count {
        let mut body = item(&format!("large {number}"));
        body["encrypted_payload"] = json!("A".repeat(MIB));
        ids.push(store(api, body).await.expect(201).text("/id"));
    }
    (vault, ids)
}

on_both! {
    async fn a_vault_holds_64_mebibytes(kluis: Kluis) {
        let api = owner(&kluis);
        let (vault, ids) = filled(&api, 63).await;
        let mut large = item("one more");
        large["encrypted_payload"] = json!("A".repeat(MIB));
        refused(&store(&api, large.clone()).await, 409);
        // What takes no more room is always taken.
        api.patch(&at(&ids[0]), json!({"name": "renamed"})).await.expect(200);
        let same = json!({"encrypted_payload": "B".repeat(MIB)});
        api.patch(&at(&ids[0]), same).await.expect(200);
        api.patch(&at(&ids[0]), json!({"encrypted_payload": "small"})).await.expect(200);
        store(&api, large.clone()).await.expect(201);
        let again = json!({"encrypted_payload": "B".repeat(MIB)});
        refused(&api.patch(&at(&ids[0]), again).await, 409);
        super::nothing(&api.delete(&at(&ids[1])).await);
        store(&api, item("another")).await.expect(201);
        assert_eq!(opened(&api, &vault.hash()).await.len(), 64);
    }

    async fn an_unlocking_that_nobody_reads_holds_up_only_its_own_key(kluis: Kluis) {
        let api = owner(&kluis);
        let (vault, _) = filled(&api, 24).await;
        let token = kluis.dev("/tokens/inkbox");
        let request = format!(
            "GET {VAULT}/unlock?auth_hash={} HTTP/1.1\r\nhost: kluis\r\nx-api-key: {token}\r\n\r\n",
            vault.hash()
        );
        let mut unread = Raw::connect(&kluis.base()).await;
        unread.send(request.as_bytes()).await;
        assert_eq!(unread.first(12).await, b"HTTP/1.1 200");
        let answer = unlock(&api, &vault.hash()).await;
        refused(&answer, 429);
        assert_eq!(answer.header("retry-after"), Some("1"));
        let admin = with_key(&kluis, kluis.user("admin").await.token());
        assert_eq!(opened(&admin, &vault.hash()).await.len(), 24);
        let bot = agent(&kluis, &api, "bot").await;
        assert!(opened(&bot.api, &vault.hash()).await.is_empty());
        api.get(&format!("{VAULT}/secrets")).await.expect(200);
        api.get(IDENTITIES).await.expect(200);
        drop(unread);
        for turn in 0.. {
            if unlock(&api, &vault.hash()).await.status == 200 {
                break;
            }
            assert!(turn < 500, "its key is held up for good");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
