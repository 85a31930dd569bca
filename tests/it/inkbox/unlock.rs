//! `GET /vault/unlock`: Inkbox contract §4.4.

use serde_json::{Value, json};

use super::{
    SECRET, VAULT, Vault, agent, at, grant, hash, initialize, invalid_at, is_uuid, item, names,
    opened, opens, owner, refused, secret, store, text, unlock, with_key,
};
use crate::harness::{Answer, Kluis, on_both};

const MEMBERS: [&str; 3] = [
    "encrypted_secrets",
    "wrapped_org_encryption_key",
    "wrapped_org_encryption_keys",
];

/// The keys of a vault as the form without a hash hands them out, sorted.
fn handed_out(vault: &Vault) -> Vec<Value> {
    let mut keys: Vec<_> = vault
        .recovery
        .iter()
        .chain([&vault.primary])
        .map(|key| {
            let mut key = key.clone();
            key.as_object_mut().unwrap().remove("key_type");
            key
        })
        .collect();
    keys.sort_by_key(|key| text(key, "id"));
    keys
}

fn secrets(answer: &Answer) -> Vec<Value> {
    answer.at("/encrypted_secrets").as_array().unwrap().clone()
}

on_both! {
    async fn every_active_key_opens_the_vault_with_its_own_blob(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let empty = unlock(&api, &vault.hash()).await.expect(200);
        assert_eq!(empty.members(""), MEMBERS);
        assert_eq!(empty.at("/encrypted_secrets"), json!([]));
        let body = item("Billing API");
        let id = store(&api, body.clone()).await.expect(201).text("/id");
        secret(&api, "other").await;
        for key in vault.recovery.iter().chain([&vault.primary]) {
            // A recovery code is not used up by it.
            for _ in 0..2 {
                let answer = unlock(&api, &text(key, "auth_hash")).await.expect(200);
                assert_eq!(answer.members(""), MEMBERS);
                assert_eq!(answer.at("/wrapped_org_encryption_key"), key["wrapped_org_encryption_key"]);
                assert_eq!(answer.at("/wrapped_org_encryption_keys"), Value::Null);
                assert_eq!(names(&answer.at("/encrypted_secrets")), ["Billing API", "other"]);
            }
        }
        let opened = unlock(&api, &vault.hash()).await.expect(200);
        let found = secrets(&opened).into_iter().find(|secret| secret["id"] == id.as_str()).unwrap();
        let members: Vec<_> = found.as_object().unwrap().keys().cloned().collect();
        let mut expected = SECRET.to_vec();
        expected.push("encrypted_payload");
        expected.sort_unstable();
        assert_eq!(members, expected);
        assert_eq!(found["encrypted_payload"], body["encrypted_payload"]);
        assert_eq!(found, api.get(&at(&id)).await.expect(200).json(), "as it is read alone");
        assert_eq!(found["access"], json!([]));
    }

    async fn a_wrong_hash_is_no_error_and_gets_nothing(kluis: Kluis) {
        let api = owner(&kluis);
        refused(&unlock(&api, &hash()).await, 404);
        let vault = initialize(&api).await;
        secret(&api, "s").await;
        let agent = agent(&kluis, &api, "bot").await;
        let turned: String = vault.hash().chars().rev().collect();
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        let theirs = initialize(&stranger).await.hash();
        for (caller, wrong) in [(&api, hash()), (&api, turned), (&api, theirs.clone()), (&agent.api, hash()), (&stranger, vault.hash())] {
            let answer = unlock(caller, &wrong).await.expect(200);
            let nothing = json!({"wrapped_org_encryption_key": null, "wrapped_org_encryption_keys": null, "encrypted_secrets": []});
            assert_eq!(answer.json(), nothing);
        }
        assert!(opens(&stranger, &theirs).await);
    }

    async fn what_is_no_hash_is_invalid(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let right = vault.hash();
        let cut = &right[..63];
        for wrong in ["", "x", cut, &format!("{cut}g"), &format!("{right}0"), &format!("{cut}%20"), "%00"] {
            invalid_at(&api.get(&format!("{VAULT}/unlock?auth_hash={wrong}")).await, "query.auth_hash");
        }
        // Other parameters are nobody's.
        api.get(&format!("{VAULT}/unlock?auth_hash={right}&page=2")).await.expect(200);
    }

    async fn without_a_hash_admins_are_handed_every_key(kluis: Kluis) {
        let api = owner(&kluis);
        let mut vault = initialize(&api).await;
        let id = secret(&api, "s").await;
        let path = format!("{VAULT}/unlock");
        for caller in [&api, &with_key(&kluis, kluis.user("admin").await.token())] {
            let answer = caller.get(&path).await.expect(200);
            assert_eq!(answer.members(""), MEMBERS);
            assert_eq!(answer.at("/wrapped_org_encryption_key"), Value::Null);
            let mut keys = answer.at("/wrapped_org_encryption_keys").as_array().unwrap().clone();
            keys.sort_by_key(|key| text(key, "id"));
            assert_eq!(keys, handed_out(&vault));
            assert_eq!(answer.at("/encrypted_secrets/0/id"), id.as_str());
        }
        api.delete(&format!("{VAULT}/keys/{}", vault.recovery_hash(3))).await.expect(204);
        vault.recovery.pop();
        let keys = api.get(&path).await.expect(200).at("/wrapped_org_encryption_keys");
        assert_eq!(keys.as_array().unwrap().len(), 4, "active keys alone");
        let agent = agent(&kluis, &api, "bot").await;
        grant(&api, &id, &agent.id).await.expect(201);
        invalid_at(&agent.api.get(&path).await, "query.auth_hash");
        for role in ["member", "viewer"] {
            refused(&with_key(&kluis, kluis.user(role).await.token()).get(&path).await, 403);
        }
    }

    async fn an_agent_is_handed_what_it_has_a_rule_for(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let (mine, shared, others) = (secret(&api, "mine").await, secret(&api, "shared").await, secret(&api, "others").await);
        secret(&api, "nobody's").await;
        let (one, two) = (agent(&kluis, &api, "one").await, agent(&kluis, &api, "two").await);
        assert!(opened(&one.api, &vault.hash()).await.is_empty());
        let answer = unlock(&one.api, &vault.hash()).await.expect(200);
        assert_eq!(answer.at("/wrapped_org_encryption_key"), vault.primary["wrapped_org_encryption_key"]);
        for (secret, agent) in [(&mine, &one), (&shared, &one), (&shared, &two), (&others, &two)] {
            grant(&api, secret, &agent.id).await.expect(201);
        }
        assert_eq!(opened(&one.api, &vault.hash()).await, ["mine", "shared"]);
        assert_eq!(opened(&two.api, &vault.recovery_hash(0)).await, ["others", "shared"]);
        assert_eq!(opened(&api, &vault.hash()).await.len(), 4);
        let all = secrets(&unlock(&api, &vault.hash()).await.expect(200));
        let found = all.into_iter().find(|secret| secret["id"] == shared.as_str()).unwrap();
        assert_eq!(found["access"].as_array().unwrap().len(), 2);
        is_uuid(&found["access"][0]["id"]);
        // It bites on the very next request.
        api.delete(&format!("{}/access/{}", at(&mine), one.id)).await.expect(204);
        assert_eq!(opened(&one.api, &vault.hash()).await, ["shared"]);
        api.delete(&at(&shared)).await.expect(204);
        assert!(opened(&one.api, &vault.hash()).await.is_empty());
    }

    /// RULES §2, step 2.
    async fn an_agent_for_intents_is_not_handed_ssh_keys(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let mut body = item("deploy");
        body["secret_type"] = "ssh_key".into();
        let ssh = store(&api, body).await.expect(201).text("/id");
        let token = secret(&api, "token").await;
        let members = json!({"name": "signer", "intents_api_enabled": true});
        let signer = kluis.owner().post("/v1/agents", members).await.expect(201);
        let plain = kluis.owner().post("/v1/agents", json!({"name": "plain"})).await.expect(201);
        for (made, names) in [(&signer, vec!["token"]), (&plain, vec!["deploy", "token"])] {
            let identity = made.text("/agent/id");
            grant(&api, &ssh, &identity).await.expect(201);
            grant(&api, &token, &identity).await.expect(201);
            for key in [made.text("/api_key"), super::key_for(&api, &identity).await] {
                let caller = with_key(&kluis, &key);
                assert_eq!(opened(&caller, &vault.hash()).await, names);
                let allowed = if names.len() == 2 { 200 } else { 403 };
                assert_eq!(caller.get(&at(&ssh)).await.status, allowed);
                caller.get(&at(&token)).await.expect(200);
            }
        }
    }

    async fn a_restart_changes_nothing(kluis: Kluis) {
        let mut kluis = kluis;
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let bot = agent(&kluis, &api, "bot").await;
        let id = secret(&api, "kept").await;
        grant(&api, &id, &bot.id).await.expect(201);
        let before = unlock(&api, &vault.hash()).await.expect(200).json();
        let info = api.get(&format!("{VAULT}/info")).await.expect(200).json();
        let key = super::key_for(&api, &bot.id).await;
        kluis.stop();
        kluis.begin().await;
        let api = owner(&kluis);
        assert_eq!(unlock(&api, &vault.hash()).await.expect(200).json(), before);
        assert_eq!(api.get(&format!("{VAULT}/info")).await.expect(200).json(), info);
        assert_eq!(opened(&with_key(&kluis, &key), &vault.hash()).await, ["kept"]);
    }
}
