//! What the record tells of acts in this API (Inkbox contract §7; RULES §7).

use serde_json::{Value, json};

use super::{
    API_KEYS, IDENTITIES, VAULT, agent, at, grant, hash, initialization, initialize, item, owner,
    replace, replacement_by, secret, store, text, unlock, with_key,
};
use crate::harness::{Answer, Kluis, on_both};

/// The events of a request.
async fn events_of(kluis: &Kluis, answer: &Answer) -> Vec<Value> {
    let request = answer.header("x-request-id").unwrap();
    let mut events = all(kluis).await;
    events.retain(|event| event["details"]["request_id"] == request);
    events
}

async fn all(kluis: &Kluis) -> Vec<Value> {
    let listed = kluis
        .owner()
        .get("/v1/audit/events?limit=1000")
        .await
        .expect(200);
    listed.at("/events").as_array().unwrap().clone()
}

fn outcome(event: &Value) -> String {
    text(&event["details"], "outcome")
}

/// The secrets that events name, sorted.
fn read(events: &[Value]) -> Vec<String> {
    let mut ids: Vec<_> = events
        .iter()
        .map(|event| {
            assert_eq!(event["details"]["api"], "inkbox", "{event}");
            assert_eq!(outcome(event), "success", "{event}");
            event.to_string()
        })
        .collect();
    ids.sort();
    ids
}

on_both! {
    async fn unlocking_reads_every_secret_that_it_hands_out(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let bot = agent(&kluis, &api, "bot").await;
        let mut ids = Vec::new();
        for number in 0..3 {
            ids.push(secret(&api, &format!("number {number}")).await);
        }
        grant(&api, &ids[1], &bot.id).await.expect(201);
        for (caller, query, given) in [
            (&api, format!("?auth_hash={}", vault.hash()), &ids[..]), (&api, format!("?auth_hash={}", vault.recovery_hash(0)), &ids),
            (&api, String::new(), &ids), (&bot.api, format!("?auth_hash={}", vault.hash()), &ids[1..2]),
        ] {
            let answer = caller.get(&format!("{VAULT}/unlock{query}")).await.expect(200);
            let mut events = events_of(&kluis, &answer).await;
            events.retain(|event| ids.iter().any(|id| event.to_string().contains(id)));
            let told = read(&events);
            assert_eq!(told.len(), given.len(), "{told:?}");
            for id in given {
                assert_eq!(told.iter().filter(|event| event.contains(id)).count(), 1, "{id}: {told:?}");
            }
            let actor = if caller.get("/api/whoami").await.text("/auth_subtype").ends_with("admin_scoped") { "user" } else { "agent" };
            assert!(events.iter().all(|event| event["actor_type"] == actor), "{events:?}");
        }
        let answer = api.get(&at(&ids[0])).await.expect(200);
        let events = events_of(&kluis, &answer).await;
        assert_eq!(events.len(), 1);
        assert!(text(&events[0], "action").ends_with("read"), "{events:?}");
        assert!(events[0].to_string().contains(&ids[0]));
    }

    async fn every_act_leaves_an_event_with_its_outcome(kluis: Kluis) {
        let api = owner(&kluis);
        let body = initialization(4);
        let hash_of = |key: &Value| text(key, "auth_hash");
        let (current, recovery) = (hash_of(&body["vault_key"]), hash_of(&body["recovery_keys"][0]));
        let mut acts = Vec::new();
        let mut act = |outcomes: &'static [&'static str], answer: Answer| -> Answer {
            acts.push((outcomes, answer.clone()));
            answer
        };
        let done = &["success"];
        let not = &["denied", "failed"];
        let path = format!("{VAULT}/initialize");
        act(done, api.post(&path, body).await.expect(201));
        act(not, api.post(&path, initialization(4)).await.expect(409));
        act(done, api.get(&format!("{VAULT}/info")).await.expect(200));
        act(done, api.get(&format!("{VAULT}/keys")).await.expect(200));
        act(done, api.get("/api/whoami").await.expect(200));
        act(not, unlock(&api, &hash()).await.expect(200));
        let id = act(done, store(&api, item("s")).await.expect(201)).text("/id");
        let mut again = item("again");
        again["id"] = id.clone().into();
        act(not, store(&api, again).await.expect(409));
        act(done, api.get(&format!("{VAULT}/secrets")).await.expect(200));
        act(done, api.get(&at(&id)).await.expect(200));
        act(done, api.patch(&at(&id), json!({"name": "n"})).await.expect(200));
        act(not, api.get(&at(&super::uuid())).await.expect(404));
        let made = act(done, api.post(&format!("{IDENTITIES}/"), json!({"agent_handle": "bot"})).await.expect(201));
        let identity = made.text("/id");
        act(not, api.post(&format!("{IDENTITIES}/"), json!({"agent_handle": "bot"})).await.expect(409));
        act(done, api.get(&format!("{IDENTITIES}/")).await.expect(200));
        act(done, api.get(&format!("{IDENTITIES}/bot")).await.expect(200));
        act(done, api.patch(&format!("{IDENTITIES}/bot"), json!({"description": "d"})).await.expect(200));
        let body = json!({"label": "l", "scoped_identity_id": identity});
        let minted = act(done, api.post(API_KEYS, body).await.expect(201));
        act(not, api.post(API_KEYS, json!({"label": "l"})).await.expect(403));
        let bot = with_key(&kluis, &minted.text("/api_key"));
        act(not, bot.get(&at(&id)).await.expect(403));
        act(not, store(&bot, item("theirs")).await.expect(403));
        act(done, grant(&api, &id, &identity).await.expect(201));
        act(not, grant(&api, &id, &identity).await.expect(409));
        act(done, bot.get(&at(&id)).await.expect(200));
        act(done, api.get(&format!("{}/access", at(&id))).await.expect(200));
        act(done, api.delete(&format!("{}/access/{identity}", at(&id))).await.expect(204));
        act(not, replace(&api, replacement_by("current_auth_hash", &hash())).await.expect(403));
        act(not, replace(&api, replacement_by("recovery_auth_hash", &hash())).await.expect(404));
        let body = replacement_by("current_auth_hash", &current);
        act(done, replace(&api, body.clone()).await.expect(200));
        act(done, api.delete(&format!("{VAULT}/keys/{recovery}")).await.expect(204));
        act(not, api.delete(&format!("{VAULT}/keys/{}", hash_of(&body))).await.expect(409));
        act(done, api.delete(&at(&id)).await.expect(204));
        act(done, api.delete(&format!("{IDENTITIES}/bot")).await.expect(204));
        act(done, api.delete(VAULT).await.expect(204));
        let events = all(&kluis).await;
        for (outcomes, answer) in acts {
            let request = answer.header("x-request-id").unwrap();
            let own: Vec<_> = events.iter().filter(|event| event["details"]["request_id"] == request).collect();
            assert_eq!(own.len(), 1, "{answer}: {own:?}");
            assert!(outcomes.contains(&outcome(own[0]).as_str()), "{answer}: {own:?}");
            assert_eq!(own[0]["details"]["api"], "inkbox", "{own:?}");
        }
        let verified = kluis.owner().get("/v1/audit/verify").await.expect(200).string();
        assert!(verified.contains("true"), "{verified}");
    }

    async fn nothing_that_opens_anything_is_recorded(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let missed = hash();
        let mut body = item("a name is recorded");
        body["description"] = "c4nary-description".into();
        let payload = text(&body, "encrypted_payload");
        let id = store(&api, body).await.expect(201).text("/id");
        unlock(&api, &vault.hash()).await.expect(200);
        unlock(&api, &missed).await.expect(200);
        api.get(&format!("{VAULT}/unlock")).await.expect(200);
        api.delete(&format!("{VAULT}/keys/{missed}")).await.expect(404);
        api.delete(&format!("{VAULT}/keys/{}", vault.recovery_hash(0))).await.expect(204);
        let body = replacement_by("recovery_auth_hash", &vault.recovery_hash(1));
        replace(&api, body.clone()).await.expect(200);
        replace(&api, replacement_by("current_auth_hash", &missed)).await.expect(403);
        api.patch(&at(&id), json!({"encrypted_payload": "cGF5bG9hZC1jNG5hcnk="})).await.expect(200);
        let bot = agent(&kluis, &api, "bot").await;
        let minted = super::key_for(&api, &bot.id).await;
        let told = Value::from(all(&kluis).await).to_string();
        assert!(told.contains(&id), "the id of the secret is told");
        let mut canaries = vec![payload, "cGF5bG9hZC1jNG5hcnk".to_owned(), missed, minted, "c4nary-description".to_owned()];
        for key in vault.recovery.iter().chain([&vault.primary, &body]) {
            canaries.extend([text(key, "auth_hash"), text(key, "wrapped_org_encryption_key")]);
        }
        for canary in canaries {
            assert!(!told.contains(&canary), "{canary}");
        }
    }
}
