//! What is looked at first: RULES §3, with Inkbox's own places for `unlock` and the replacement of keys.

use serde_json::json;

use super::{
    API_KEYS, IDENTITIES, VAULT, agent, at, grant, initialization, initialize, invalid, item,
    owner, refused, replace, replacement_by, secret, store, unlock, uuid, with_key,
};
use crate::harness::{Kluis, on_both};

on_both! {
    async fn who_asks_comes_before_what_is_asked(kluis: Kluis) {
        let wrong = with_key(&kluis, "ibk_unknown");
        for path in ["/vault/nothing", "/api/v1/vault/secrets/no-uuid", "/api/v1/identities/x/y", "/api/v1/vault/unlock?auth_hash=x"] {
            refused(&wrong.get(path).await, 401);
        }
        refused(&wrong.post(&format!("{VAULT}/secrets"), json!([])).await, 401);
        refused(&wrong.put(&format!("{VAULT}/keys/primary"), json!({})).await, 401);
    }

    async fn what_is_wrong_by_itself_comes_before_rights_and_things(kluis: Kluis) {
        let api = owner(&kluis);
        let early = agent(&kluis, &api, "early").await;
        let member = with_key(&kluis, kluis.user("member").await.token());
        let mut nameless = item("n");
        nameless["name"] = json!("");
        for caller in [&api, &early.api, &member] {
            invalid(&store(caller, nameless.clone()).await);
            invalid(&caller.post(&format!("{VAULT}/initialize"), json!({})).await);
            invalid(&caller.get(&at("no-uuid")).await);
            invalid(&caller.get(&format!("{VAULT}/secrets?secret_type=x")).await);
            invalid(&caller.get(&format!("{VAULT}/keys?type=x")).await);
            invalid(&caller.patch(&at(&uuid()), json!({"name": null})).await);
            invalid(&caller.post(&format!("{}/access", at(&uuid())), json!({})).await);
            invalid(&caller.post(&format!("{IDENTITIES}/"), json!({})).await);
            invalid(&caller.post(API_KEYS, json!({})).await);
        }
    }

    async fn rights_come_before_things(kluis: Kluis) {
        let api = owner(&kluis);
        let bot = agent(&kluis, &api, "bot").await;
        let member = with_key(&kluis, kluis.user("member").await.token());
        for round in 0..2 {
            for caller in [&bot.api, &member] {
                refused(&store(caller, item("n")).await, 403);
                refused(&caller.post(&format!("{VAULT}/initialize"), initialization(4)).await, 403);
                refused(&caller.delete(VAULT).await, 403);
                refused(&caller.patch(&at(&uuid()), json!({"name": "n"})).await, 403);
                refused(&caller.delete(&at(&uuid())).await, 403);
                refused(&grant(caller, &uuid(), &uuid()).await, 403);
                refused(&caller.post(&format!("{IDENTITIES}/"), json!({"agent_handle": "bot"})).await, 403);
            }
            if round == 0 {
                initialize(&api).await;
            }
        }
        refused(&member.get(&at(&uuid())).await, 403);
        refused(&unlock(&member, &super::hash()).await, 403);
    }

    async fn things_come_before_what_does_not_fit_them(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = secret(&api, "s").await;
        let bot = agent(&kluis, &api, "bot").await;
        grant(&api, &id, &bot.id).await.expect(201);
        refused(&grant(&api, &id, &uuid()).await, 404);
        let taken = json!({"agent_handle": "bot", "vault_secret_ids": [uuid()]});
        let answer = api.post(&format!("{IDENTITIES}/"), taken).await;
        assert_eq!(answer.status, 404, "{answer}");
        // A body that is wrong beside a vault that is there already.
        let mut body = initialization(4);
        body["vault_key"]["id"] = json!("no-uuid");
        invalid(&api.post(&format!("{VAULT}/initialize"), body).await);
    }

    async fn a_replacement_is_judged_by_its_proofs_first(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let mut both = replacement_by("current_auth_hash", &vault.hash());
        both["recovery_auth_hash"] = vault.recovery_hash(0).into();
        both["id"] = json!("no-uuid");
        refused(&replace(&api, both).await, 400);
        let mut wrong = replacement_by("current_auth_hash", &super::hash());
        wrong["id"] = json!("no-uuid");
        invalid(&replace(&api, wrong).await);
        // A proof that does not hold tells nothing about ids that are taken.
        let mut taken = replacement_by("current_auth_hash", &super::hash());
        taken["id"] = vault.recovery[0]["id"].clone();
        refused(&replace(&api, taken).await, 403);
        let mut taken = replacement_by("recovery_auth_hash", &super::hash());
        taken["auth_hash"] = vault.recovery[0]["auth_hash"].clone();
        refused(&replace(&api, taken).await, 404);
    }
}
