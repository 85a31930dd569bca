//! `DELETE /vault/secrets/{secret_id}` and `DELETE /vault`: Inkbox contract §4.5, §4.10.

use serde_json::json;

use super::{
    IDENTITIES, VAULT, agent, at, grant, initialize, invalid_at, nothing, opened, opens, owner,
    refused, secret, unlock, uuid, with_key,
};
use crate::harness::{Kluis, on_both};

on_both! {
    async fn a_deleted_secret_is_absent_everywhere(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let agent = agent(&kluis, &api, "bot").await;
        let (gone, kept) = (secret(&api, "gone").await, secret(&api, "kept").await);
        for id in [&gone, &kept] {
            grant(&api, id, &agent.id).await.expect(201);
        }
        nothing(&api.delete(&at(&gone)).await);
        for caller in [&api, &agent.api] {
            refused(&caller.get(&at(&gone)).await, 404);
            refused(&caller.get(&format!("{}/access", at(&gone))).await, 404);
            assert_eq!(caller.get(&format!("{VAULT}/secrets")).await.expect(200).json().as_array().unwrap().len(), 1);
            assert_eq!(opened(caller, &vault.hash()).await, ["kept"]);
        }
        refused(&api.delete(&at(&gone)).await, 404);
        refused(&api.patch(&at(&gone), json!({"name": "n"})).await, 404);
        refused(&grant(&api, &gone, &agent.id).await, 404);
        refused(&api.delete(&format!("{}/access/{}", at(&gone), agent.id)).await, 404);
        assert_eq!(api.get(&format!("{VAULT}/info")).await.expect(200).at("/secret_count"), 1);
        refused(&api.delete(&at(&uuid())).await, 404);
        invalid_at(&api.delete(&at("no-uuid")).await, "path.secret_id");
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        refused(&stranger.delete(&at(&kept)).await, 404);
        refused(&agent.api.delete(&at(&kept)).await, 403);
        api.get(&at(&kept)).await.expect(200);
    }

    /// NT-35
    async fn a_deleted_vault_takes_everything_along(kluis: Kluis) {
        let api = owner(&kluis);
        let old = initialize(&api).await;
        let agent = agent(&kluis, &api, "bot").await;
        let id = secret(&api, "old").await;
        grant(&api, &id, &agent.id).await.expect(201);
        let before = api.get(&format!("{VAULT}/info")).await.expect(200);
        for role in ["member", "viewer"] {
            refused(&with_key(&kluis, kluis.user(role).await.token()).delete(VAULT).await, 403);
        }
        refused(&agent.api.delete(VAULT).await, 403);
        refused(&with_key(&kluis, kluis.stranger().await.token()).delete(VAULT).await, 404);
        nothing(&api.delete(VAULT).await);
        refused(&api.delete(VAULT).await, 404);
        for path in ["info", "secrets", "keys", "unlock", &format!("secrets/{id}"), &format!("unlock?auth_hash={}", old.hash())] {
            refused(&api.get(&format!("{VAULT}/{path}")).await, 404);
        }
        // The identity is no part of it.
        api.get(&format!("{IDENTITIES}/{}", agent.handle)).await.expect(200);

        let new = initialize(&api).await;
        let after = api.get(&format!("{VAULT}/info")).await.expect(200);
        assert_ne!(after.at("/id"), before.at("/id"));
        assert_eq!(after.at("/organization_id"), before.at("/organization_id"), "the salt stays");
        assert_eq!((after.at("/secret_count"), after.at("/key_count"), after.at("/recovery_key_count")), (json!(0), json!(1), json!(4)));
        assert!(opens(&api, &new.hash()).await && !opens(&api, &old.hash()).await && !opens(&api, &old.recovery_hash(0)).await);
        assert_eq!(unlock(&agent.api, &new.hash()).await.expect(200).at("/encrypted_secrets"), json!([]));
        refused(&api.get(&at(&id)).await, 404);
        refused(&super::replace(&api, super::replacement_by("current_auth_hash", &old.hash())).await, 403);
        nothing(&api.delete(&format!("{VAULT}/")).await);
    }

    async fn a_vault_may_be_made_anew_from_the_same_passphrases(kluis: Kluis) {
        let api = owner(&kluis);
        let body = super::initialization(4);
        for _ in 0..3 {
            let mut body = body.clone();
            // Hashes hang on passphrase and organization alone; ids are drawn anew each time.
            body["vault_key"]["id"] = uuid().into();
            for key in body["recovery_keys"].as_array_mut().unwrap() {
                key["id"] = uuid().into();
            }
            api.post(&format!("{VAULT}/initialize"), body.clone()).await.expect(201);
            assert!(opens(&api, body["vault_key"]["auth_hash"].as_str().unwrap()).await);
            api.delete(VAULT).await.expect(204);
        }
    }
}
