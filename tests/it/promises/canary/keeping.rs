//! What proves and opens a zero-knowledge vault, and what its clients encrypt.

use serde_json::{Value, json};

use super::Canaries;
use crate::harness::{Kluis, Random};

/// A vault is used as it should be; then proofs and payloads come in requests that are refused.
pub(super) async fn stored(kluis: &Kluis, random: &mut Random, canaries: &mut Canaries) {
    let owner = kluis.owner().inkbox();
    let mut key = |canaries: &mut Canaries, kind: &str| {
        let (hash, wrapped) = (random.hex(64), random.word(80));
        canaries.needles.add(&format!("auth hash, {kind}"), &hash);
        canaries
            .needles
            .add(&format!("wrapped key, {kind}"), &wrapped);
        json!({
            "id": format!("{}-0000-4000-8000-000000000000", random.hex(8)), "key_type": kind,
            "auth_hash": hash, "wrapped_org_encryption_key": wrapped,
        })
    };
    let hash_of = |key: &Value| key["auth_hash"].as_str().unwrap().to_owned();
    let primary = key(canaries, "primary");
    let recovery: Vec<_> = (0..3).map(|_| key(canaries, "recovery")).collect();
    let body = json!({"vault_key": primary, "recovery_keys": recovery});
    owner.post("/vault/initialize", body).await.expect(201);
    let body = json!({"name": "n", "secret_type": "login", "encrypted_payload": "AAAA"});
    owner.post("/vault/secrets", body).await.expect(201);
    for known in [&primary, &recovery[0]] {
        let path = format!("/vault/unlock?auth_hash={}", hash_of(known));
        let unlocked = owner.get(&path).await.expect(200);
        assert_eq!(
            unlocked.json()["wrapped_org_encryption_key"],
            known["wrapped_org_encryption_key"]
        );
    }
    owner.get("/vault/unlock").await.expect(200);
    let mut next = key(canaries, "primary");
    next["current_auth_hash"] = json!(hash_of(&primary));
    owner.put("/vault/keys/primary", next).await.expect(200);
    let mut next = key(canaries, "primary");
    next["recovery_auth_hash"] = json!(hash_of(&recovery[0]));
    let wrong = key(canaries, "primary");
    owner.put("/vault/keys/primary", next).await.expect(200);
    let path = format!("/vault/keys/{}", hash_of(&recovery[1]));
    owner.delete(&path).await.expect(204);
    // What is refused: no proof, both, one that is wrong, one that is malformed, in body, path and query.
    let hash = hash_of(&wrong);
    for (member, status) in [("current_auth_hash", 403), ("recovery_auth_hash", 404)] {
        let mut body = wrong.clone();
        body[member] = json!(hash);
        owner
            .put("/vault/keys/primary", body.clone())
            .await
            .expect(status);
        body[member] = json!(format!("{hash}0"));
        owner.put("/vault/keys/primary", body).await.expect(422);
    }
    owner.put("/vault/keys/primary", wrong).await.expect(400);
    for (path, status) in [
        (format!("/vault/unlock?auth_hash={hash}"), 200),
        (format!("/vault/unlock?auth_hash={hash}0"), 422),
        (format!("/vault/unlock/{hash}"), 404),
        (format!("/vault/secrets/{hash}"), 422),
        (format!("/vault/keys?type={hash}"), 422),
    ] {
        owner.get(&path).await.expect(status);
    }
    let path = format!("/vault/keys/{hash}");
    owner.delete(&path).await.expect(404);
    let member = kluis.user("member").await.api().inkbox();
    member.delete(&path).await.expect(403);
    let payload = canaries.new_value(random, "payload that is refused");
    let body = json!({"name": "", "secret_type": "login", "encrypted_payload": payload});
    owner.post("/vault/secrets", body).await.expect(422);
}
