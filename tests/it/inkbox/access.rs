//! `/vault/secrets/{secret_id}/access`: Inkbox contract §3.3, §4.14, §4.15, §4.16.

use serde_json::json;

use super::{
    IDENTITIES, VAULT, agent, at, at_once, count, grant, initialize, invalid_at, is_time, is_uuid,
    nothing, opened, owner, refused, secret, uuid, with_key,
};
use crate::harness::{Answer, Api, Kluis, on_both};

async fn rules(api: &Api, secret: &str) -> Answer {
    api.get(&format!("{}/access", at(secret))).await
}

async fn revoke(api: &Api, secret: &str, identity: &str) -> Answer {
    api.delete(&format!("{}/access/{identity}", at(secret)))
        .await
}

on_both! {
    async fn a_rule_is_granted_listed_and_revoked(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let id = secret(&api, "s").await;
        let (one, two) = (agent(&kluis, &api, "one").await, agent(&kluis, &api, "two").await);
        assert_eq!(rules(&api, &id).await.expect(200).json(), json!([]));
        let made = grant(&api, &id, &one.id).await.expect(201);
        assert_eq!(made.members(""), ["created_at", "id", "identity_id", "vault_secret_id"]);
        assert_eq!((made.text("/vault_secret_id"), made.text("/identity_id")), (id.clone(), one.id.clone()));
        is_uuid(&made.at("/id"));
        is_time(&made.at("/created_at"));
        let rule = made.json();
        let second = grant(&api, &id, &two.id).await.expect(201).json();
        assert_ne!(second["id"], rule["id"]);
        let listed = rules(&api, &id).await.expect(200).json();
        let listed = listed.as_array().unwrap();
        assert!(listed.len() == 2 && listed.contains(&rule) && listed.contains(&second));
        // The same rules stand in whatever shows the secret.
        for shown in [
            api.get(&at(&id)).await.expect(200).at("/access"),
            api.get(&format!("{VAULT}/secrets")).await.expect(200).at("/0/access"),
            super::unlock(&api, &vault.hash()).await.expect(200).at("/encrypted_secrets/0/access"),
            one.api.get(&at(&id)).await.expect(200).at("/access"),
        ] {
            let shown = shown.as_array().unwrap();
            assert!(shown.len() == 2 && shown.contains(&rule) && shown.contains(&second));
        }
        nothing(&revoke(&api, &id, &one.id).await);
        assert_eq!(rules(&api, &id).await.expect(200).json(), json!([second]));
        refused(&one.api.get(&at(&id)).await, 403);
        two.api.get(&at(&id)).await.expect(200);
        refused(&revoke(&api, &id, &one.id).await, 404);
        let again = grant(&api, &id, &one.id).await.expect(201);
        assert_ne!(again.at("/id"), rule["id"]);
        one.api.get(&at(&id)).await.expect(200);
    }

    async fn a_rule_is_granted_once(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = secret(&api, "s").await;
        let bot = agent(&kluis, &api, "bot").await;
        grant(&api, &id, &bot.id).await.expect(201);
        refused(&grant(&api, &id, &bot.id).await, 409);
        refused(&grant(&api, &id, &bot.id.to_uppercase()).await, 409);
        assert_eq!(rules(&api, &id).await.expect(200).json().as_array().unwrap().len(), 1);
        revoke(&api, &id, &bot.id).await.expect(204);
        let calls = (0..20).map(|_| {
            let (api, secret, identity) = (api.clone(), id.clone(), bot.id.clone());
            async move { grant(&api, &secret, &identity).await }
        });
        let statuses = at_once(calls.collect()).await;
        assert_eq!((count(&statuses, 201), count(&statuses, 409)), (1, 19), "{statuses:?}");
    }

    async fn both_ends_of_a_rule_are_there(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = secret(&api, "s").await;
        let bot = agent(&kluis, &api, "bot").await;
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        initialize(&stranger).await;
        let theirs = (secret(&stranger, "theirs").await, agent(&kluis, &stranger, "theirs").await);
        for (secret, identity) in [(&uuid(), &bot.id), (&id, &uuid()), (&theirs.0, &bot.id), (&id, &theirs.1.id), (&id, &id)] {
            refused(&grant(&api, secret, identity).await, 404);
            refused(&revoke(&api, secret, identity).await, 404);
        }
        refused(&rules(&api, &uuid()).await, 404);
        refused(&rules(&api, &theirs.0).await, 404);
        refused(&rules(&stranger, &id).await, 404);
        refused(&grant(&stranger, &id, &theirs.1.id).await, 404);
        for body in [json!({}), json!({"identity_id": null}), json!({"identity_id": "no-uuid"}), json!({"identity_id": 7}), json!({"identity_id": [bot.id]})] {
            invalid_at(&api.post(&format!("{}/access", at(&id)), body).await, "body.identity_id");
        }
        let body = json!({"identity_id": bot.id});
        invalid_at(&api.post(&format!("{}/access", at("no-uuid")), body).await, "path.secret_id");
        invalid_at(&rules(&api, "no-uuid").await, "path.secret_id");
        invalid_at(&revoke(&api, &id, "no-uuid").await, "path.identity_id");
        assert_eq!(rules(&api, &id).await.expect(200).json(), json!([]));
        let more = json!({"identity_id": bot.id, "permissions": ["write"], "id": uuid()});
        api.post(&format!("{}/access", at(&id)), more).await.expect(201);
    }

    async fn an_agent_reads_the_rules_of_its_own_secrets_and_changes_none(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let (mine, others) = (secret(&api, "mine").await, secret(&api, "others").await);
        let (one, two) = (agent(&kluis, &api, "one").await, agent(&kluis, &api, "two").await);
        grant(&api, &mine, &one.id).await.expect(201);
        grant(&api, &others, &two.id).await.expect(201);
        assert_eq!(rules(&one.api, &mine).await.expect(200).text("/0/identity_id"), one.id);
        refused(&rules(&one.api, &others).await, 403);
        refused(&rules(&one.api, &uuid()).await, 404);
        for (secret, identity) in [(&others, &one.id), (&mine, &two.id), (&mine, &one.id)] {
            refused(&grant(&one.api, secret, identity).await, 403);
            refused(&revoke(&one.api, secret, identity).await, 403);
        }
        for role in ["member", "viewer"] {
            let caller = with_key(&kluis, kluis.user(role).await.token());
            refused(&rules(&caller, &mine).await, 403);
            refused(&grant(&caller, &mine, &two.id).await, 403);
            refused(&revoke(&caller, &mine, &one.id).await, 403);
        }
        one.api.get(&at(&mine)).await.expect(200);
    }

    /// NT-35
    async fn rules_go_with_their_identity(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let id = secret(&api, "s").await;
        let (gone, stays) = (agent(&kluis, &api, "gone").await, agent(&kluis, &api, "stays").await);
        for identity in [&gone.id, &stays.id] {
            grant(&api, &id, identity).await.expect(201);
        }
        api.delete(&format!("{IDENTITIES}/gone")).await.expect(204);
        let listed = rules(&api, &id).await.expect(200).json();
        assert_eq!(listed.as_array().unwrap().len(), 1);
        assert_eq!(listed[0]["identity_id"], stays.id.as_str());
        assert_eq!(api.get(&at(&id)).await.expect(200).at("/access"), listed);
        refused(&revoke(&api, &id, &gone.id).await, 404);
        refused(&grant(&api, &id, &gone.id).await, 404);
        let anew = agent(&kluis, &api, "gone").await;
        assert_ne!(anew.id, gone.id);
        assert!(opened(&anew.api, &vault.hash()).await.is_empty());
    }
}
