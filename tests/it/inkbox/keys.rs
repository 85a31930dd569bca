//! `GET /vault/keys` and `DELETE /vault/keys/{auth_hash}`: Inkbox contract §3.4, §4.11, §4.13.

use serde_json::Value;

use super::{
    VAULT, Vault, agent, at_once, count, hash, initialize, invalid_at, is_time, nothing, opens,
    owner, refused, replace, replacement_by, text, with_key,
};
use crate::harness::{Answer, Api, Kluis, on_both};

async fn keys(api: &Api, query: &str) -> Answer {
    api.get(&format!("{VAULT}/keys{query}")).await
}

async fn revoke(api: &Api, hash: &str) -> Answer {
    api.delete(&format!("{VAULT}/keys/{hash}")).await
}

fn ids(keys: &Value) -> Vec<String> {
    let keys = keys.as_array().unwrap().iter();
    keys.map(|key| text(key, "id")).collect()
}

/// The ids that the recovery keys were made with, sorted.
fn recovery_ids(vault: &Vault) -> Vec<String> {
    let mut ids: Vec<_> = vault.recovery.iter().map(|key| text(key, "id")).collect();
    ids.sort();
    ids
}

on_both! {
    async fn every_active_key_is_listed_without_its_secrets(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let bot = agent(&kluis, &api, "bot").await;
        for caller in [&api, &bot.api] {
            let listed = keys(caller, "").await.expect(200);
            let all = listed.json();
            let mut found = ids(&all);
            assert_eq!(found.remove(0), text(&vault.primary, "id"), "the primary key comes first");
            found.sort();
            assert_eq!(found, recovery_ids(&vault));
            for key in all.as_array().unwrap() {
                let members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(members, ["created_at", "created_by", "id", "key_type", "status", "updated_at"]);
                assert_eq!(key["status"], "active");
                is_time(&key["created_at"]);
                is_time(&key["updated_at"]);
                assert!(key["created_by"].is_null() || key["created_by"].is_string());
            }
            assert_eq!(all[0]["key_type"], "primary");
            assert_eq!(all[4]["key_type"], "recovery");
        }
        for role in ["member", "viewer"] {
            refused(&keys(&with_key(&kluis, kluis.user(role).await.token()), "").await, 403);
        }
    }

    async fn a_type_in_any_case_chooses_among_them(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        for word in ["primary", "PRIMARY", "Primary"] {
            assert_eq!(ids(&keys(&api, &format!("?type={word}")).await.expect(200).json()), [text(&vault.primary, "id")]);
        }
        for word in ["recovery", "RECOVERY", "rEcovery"] {
            let mut found = ids(&keys(&api, &format!("?type={word}")).await.expect(200).json());
            found.sort();
            assert_eq!(found, recovery_ids(&vault));
        }
        for wrong in ["other", "", "primary%20", "prima"] {
            invalid_at(&keys(&api, &format!("?type={wrong}")).await, "query.type");
        }
    }

    async fn a_recovery_key_can_be_revoked(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let revoked = vault.recovery_hash(1);
        nothing(&revoke(&api, &revoked).await);
        assert!(!opens(&api, &revoked).await);
        assert!(opens(&api, &vault.recovery_hash(0)).await && opens(&api, &vault.hash()).await);
        refused(&revoke(&api, &revoked).await, 404);
        refused(&replace(&api, replacement_by("recovery_auth_hash", &revoked)).await, 404);
        let listed = ids(&keys(&api, "").await.expect(200).json());
        assert!(listed.len() == 4 && !listed.contains(&text(&vault.recovery[1], "id")));
        let info = api.get(&format!("{VAULT}/info")).await.expect(200);
        assert_eq!((info.at("/key_count"), info.at("/recovery_key_count")), (1.into(), 3.into()));
        for place in [0, 2, 3] {
            nothing(&revoke(&api, &vault.recovery_hash(place)).await);
        }
        assert!(opens(&api, &vault.hash()).await);
    }

    async fn the_last_primary_key_stays(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        refused(&revoke(&api, &vault.hash()).await, 409);
        assert!(opens(&api, &vault.hash()).await);
    }

    async fn what_names_no_active_key_is_404(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        let theirs = initialize(&stranger).await;
        refused(&revoke(&api, &hash()).await, 404);
        refused(&revoke(&api, &theirs.recovery_hash(0)).await, 404);
        refused(&revoke(&stranger, &vault.recovery_hash(0)).await, 404);
        let bot = agent(&kluis, &api, "bot").await;
        refused(&revoke(&bot.api, &vault.recovery_hash(0)).await, 403);
        for role in ["member", "viewer"] {
            refused(&revoke(&with_key(&kluis, kluis.user(role).await.token()), &vault.recovery_hash(0)).await, 403);
        }
        assert!(opens(&stranger, &theirs.recovery_hash(0)).await && opens(&api, &vault.recovery_hash(0)).await);
    }

    /// NT-74
    async fn of_many_at_once_one_revokes_it(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let calls = (0..20).map(|_| {
            let (api, hash) = (api.clone(), vault.recovery_hash(2));
            async move { revoke(&api, &hash).await }
        });
        let statuses = at_once(calls.collect()).await;
        // A hash that names no key may count as a guess.
        let lost = count(&statuses, 404) + count(&statuses, 429);
        assert_eq!((count(&statuses, 204), lost), (1, 19), "{statuses:?}");
    }
}
