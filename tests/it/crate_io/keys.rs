//! The organization's key pair: made once, kept, replaced (contract §3, §4.1; RULES §8).

use std::collections::BTreeSet;

use serde_json::json;

use super::sealing::{Crate, der, seal};
use crate::harness::{Backend, Kluis, on_both};

const DAY: u64 = 24 * 3600;

on_both! {
    async fn one_key_of_3072_bits_is_made_and_stays(kluis: Kluis) {
        let mut kluis = kluis;
        let owner = Crate::owner(&kluis);
        let asked = (0..8).map(|_| {
            let owner = owner.clone();
            tokio::spawn(async move { owner.public_key().await })
        });
        let mut keys = BTreeSet::new();
        for key in asked.collect::<Vec<_>>() {
            keys.insert(key.await.unwrap());
        }
        assert_eq!(keys.len(), 1, "many first readers get one key");
        let key = keys.pop_first().unwrap();
        assert!(key.starts_with("-----BEGIN PUBLIC KEY-----\nMIIB") && key.ends_with("\n-----END PUBLIC KEY-----\n"));
        assert_eq!(der(&key).len(), 422, "a SubjectPublicKeyInfo of 3072 bits");
        let sealed = seal(&key, b"sealed before");
        kluis.stop();
        kluis.begin().await;
        let owner = Crate::owner(&kluis);
        assert_eq!(owner.public_key().await, key);
        owner.put_sealed("A", &sealed, json!({})).await.expect(200);
        assert_eq!(owner.retrieve(json!({})).await["A"], "sealed before");
        // Another organization has another.
        let stranger = kluis.stranger().await;
        let organization = stranger.api().get("/v1/auth/me").await.expect(200).text("/org_id");
        let stranger = Crate { api: stranger.api(), organization };
        assert_ne!(stranger.public_key().await, key);
        Crate::refused(&stranger.put_sealed("A", &sealed, json!({})).await, 400, "invalid_argument");
    }

    async fn a_replaced_key_opens_what_comes_for_its_time(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let owner = Crate::owner(&kluis);
        assert_eq!(kluis.operate(json!({"command": "rotate-keys", "keys": "sealing"})).await["rotated"], 0);
        let first = owner.public_key().await;
        let sealed = seal(&first, b"for the first");
        let rotated = kluis.operate(json!({"command": "rotate-keys", "keys": "sealing"})).await;
        assert_eq!(rotated["rotated"], 1);
        let second = owner.public_key().await;
        assert_ne!(second, first);
        owner.put_sealed("OLD", &sealed, json!({})).await.expect(200);
        owner.put("NEW", "for the second", json!({})).await.expect(200);
        let values = owner.retrieve(json!({})).await;
        assert_eq!((&*values["OLD"], &*values["NEW"]), ("for the first", "for the second"));
        // 30 days, less and more than a minute.
        kluis.advance_clock(30 * DAY - 60).await;
        owner.put_sealed("OLD", &sealed, json!({})).await.expect(200);
        kluis.advance_clock(120).await;
        Crate::refused(&owner.put_sealed("OLD", &sealed, json!({})).await, 400, "invalid_argument");
        assert_eq!(owner.public_key().await, second);
        assert_eq!(owner.retrieve(json!({})).await.len(), 2, "what is stored needs no sealing key");
    }

    /// NT-39
    async fn other_keys_are_replaced_beside_it(kluis: Kluis) {
        let mut kluis = kluis;
        let owner = Crate::owner(&kluis);
        owner.put("A", "v", json!({})).await.expect(200);
        let key = owner.public_key().await;
        for keys in ["organizations", "root", "sealing", "organizations"] {
            kluis.operate(json!({"command": "rotate-keys", "keys": keys})).await;
        }
        kluis.stop();
        kluis.begin().await;
        let owner = Crate::owner(&kluis);
        owner.put_sealed("B", &seal(&key, b"w"), json!({})).await.expect(200);
        owner.put("C", "x", json!({})).await.expect(200);
        let values = owner.retrieve(json!({})).await;
        assert_eq!((&*values["A"], &*values["B"], &*values["C"]), ("v", "w", "x"));
    }

    async fn length_and_time_are_settings(kluis: Kluis) {
        let mut kluis = kluis;
        kluis
            .serve(&[("KLUIS_TRANSPORT_KEY_BITS", "2048"), ("KLUIS_TRANSPORT_RETIRED_KEY_DAYS", "0")])
            .await;
        let owner = Crate::owner(&kluis);
        let key = owner.public_key().await;
        assert_eq!(der(&key).len(), 294, "a SubjectPublicKeyInfo of 2048 bits");
        let sealed = seal(&key, b"v");
        owner.put_sealed("A", &sealed, json!({})).await.expect(200);
        kluis.operate(json!({"command": "rotate-keys", "keys": "sealing"})).await;
        Crate::refused(&owner.put_sealed("A", &sealed, json!({})).await, 400, "invalid_argument");
        kluis.serve(&[("KLUIS_TRANSPORT_KEY_BITS", "4096")]).await;
        let owner = Crate::owner(&kluis);
        assert_eq!(der(&owner.public_key().await).len(), 294, "a key that is there stays");
        kluis.operate(json!({"command": "rotate-keys", "keys": "sealing"})).await;
        let key = owner.public_key().await;
        assert!(key.starts_with("-----BEGIN PUBLIC KEY-----\nMIIC"));
        owner.put("A", &"x".repeat(446), json!({})).await.expect(200);
    }
}
