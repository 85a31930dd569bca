//! What many callers at once must not break: a thing that goes takes along what is made of it in the same moment
//! (Inkbox contract §4, §5, §7).

use serde_json::{Value, json};

use super::{
    API_KEYS, IDENTITIES, VAULT, active, agent, at, grant, initialization, initialize, item,
    opened, owner, refused, replace, replacement_by, secret, store, text, with_key,
};
use crate::harness::{Answer, Api, Kluis, on_both};

/// How often each race is run.
const ROUNDS: usize = 5;

/// One call at a moment that nobody can tell beforehand.
#[derive(Clone)]
enum Call {
    Delete(String),
    Patch(String, Value),
    Post(String, Value),
    Put(String, Value),
}

/// All of them at once; the answers come in the order of the calls.
async fn race(api: &Api, calls: Vec<Call>) -> Vec<Answer> {
    let running: Vec<_> = calls
        .into_iter()
        .map(|call| {
            let api = api.clone();
            tokio::spawn(async move {
                match call {
                    Call::Delete(path) => api.delete(&path).await,
                    Call::Patch(path, body) => api.patch(&path, body).await,
                    Call::Post(path, body) => api.post(&path, body).await,
                    Call::Put(path, body) => api.put(&path, body).await,
                }
            })
        })
        .collect();
    let mut answers = Vec::new();
    for call in running {
        answers.push(call.await.unwrap());
    }
    answers
}

/// Each answer has one of these statuses.
#[track_caller]
fn among(answers: &[Answer], statuses: &[u16]) {
    for answer in answers {
        assert!(statuses.contains(&answer.status), "{answer}");
    }
}

on_both! {
    async fn a_vault_that_goes_leaves_nothing_to_the_next(kluis: Kluis) {
        let api = owner(&kluis);
        for _ in 0..ROUNDS {
            initialize(&api).await;
            let id = secret(&api, "before").await;
            let mut calls: Vec<_> = (0..10).map(|number| Call::Post(format!("{VAULT}/secrets"), item(&format!("number {number}")))).collect();
            calls.push(Call::Patch(at(&id), json!({"name": "changed"})));
            calls.insert(5, Call::Delete(VAULT.to_owned()));
            let answers = race(&api, calls).await;
            among(&answers, &[200, 201, 204, 404]);
            assert_eq!(answers[5].status, 204);
            refused(&api.get(&format!("{VAULT}/info")).await, 404);
            let vault = initialize(&api).await;
            assert!(opened(&api, &vault.hash()).await.is_empty());
            let info = api.get(&format!("{VAULT}/info")).await.expect(200);
            assert_eq!((info.at("/secret_count"), info.at("/key_count"), info.at("/recovery_key_count")), (json!(0), json!(1), json!(4)));
            api.delete(VAULT).await.expect(204);
        }
    }

    async fn vaults_made_and_deleted_at_once_are_never_mixed(kluis: Kluis) {
        let api = owner(&kluis);
        let bodies: Vec<_> = (0..8).map(|_| initialization(4)).collect();
        let mut calls = Vec::new();
        for body in &bodies {
            calls.push(Call::Post(format!("{VAULT}/initialize"), body.clone()));
            calls.push(Call::Delete(VAULT.to_owned()));
        }
        among(&race(&api, calls).await, &[201, 204, 404, 409]);
        let answer = api.get(&format!("{VAULT}/info")).await;
        if answer.status == 404 {
            initialize(&api).await;
        }
        let active = active(&api).await;
        assert_eq!(active.len(), 5, "the keys of one vault");
        let made = bodies.iter().filter(|body| active.contains(&text(&body["vault_key"], "auth_hash"))).count();
        assert!(made <= 1);
    }

    /// NT-35
    async fn a_key_minted_while_its_identity_goes_is_dead(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        for round in 0..ROUNDS {
            let bot = agent(&kluis, &api, &format!("bot-{round}")).await;
            let body = json!({"label": "l", "scoped_identity_id": bot.id});
            let mut calls = vec![Call::Post(API_KEYS.to_owned(), body); 8];
            calls.insert(4, Call::Delete(format!("{IDENTITIES}/bot-{round}")));
            let answers = race(&api, calls).await;
            among(&answers, &[201, 204, 404]);
            for minted in answers.iter().filter(|answer| answer.status == 201) {
                refused(&with_key(&kluis, &minted.text("/api_key")).get("/api/whoami").await, 401);
            }
            refused(&bot.api.get("/api/whoami").await, 401);
        }
    }

    async fn a_rule_granted_while_its_end_goes_is_gone(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        for round in 0..ROUNDS {
            let bots = [agent(&kluis, &api, &format!("a-{round}")).await, agent(&kluis, &api, &format!("b-{round}")).await];
            let (goes, stays) = (secret(&api, "goes").await, secret(&api, "stays").await);
            let mut calls = Vec::new();
            for secret in [&goes, &stays] {
                for bot in &bots {
                    calls.push(Call::Post(format!("{}/access", at(secret)), json!({"identity_id": bot.id})));
                }
            }
            calls.push(Call::Delete(at(&goes)));
            calls.push(Call::Delete(format!("{IDENTITIES}/a-{round}")));
            let body = json!({"agent_handle": format!("c-{round}"), "vault_secret_ids": [goes, stays]});
            calls.push(Call::Post(format!("{IDENTITIES}/"), body));
            let answers = race(&api, calls).await;
            among(&answers, &[201, 204, 404]);
            refused(&api.get(&at(&goes)).await, 404);
            let rules = api.get(&format!("{}/access", at(&stays))).await.expect(200).json();
            let identities: Vec<_> = rules.as_array().unwrap().iter().map(|rule| text(rule, "identity_id")).collect();
            assert!(!identities.contains(&bots[0].id), "a rule of an identity that is gone");
            assert_eq!(identities.contains(&bots[1].id), answers[3].status == 201);
            let made = &answers[6];
            let third = api.get(&format!("{IDENTITIES}/c-{round}")).await;
            assert_eq!(third.status, if made.status == 201 { 200 } else { 404 }, "all or nothing");
            assert_eq!(identities.iter().any(|id| third.status == 200 && *id == third.text("/id")), made.status == 201);
            assert_eq!(identities.len(), usize::from(answers[3].status == 201) + usize::from(made.status == 201));
            api.delete(&at(&stays)).await.expect(204);
        }
    }

    async fn a_secret_that_goes_is_not_changed_back(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        for _ in 0..ROUNDS {
            let body = item("goes");
            let id = store(&api, body.clone()).await.expect(201).text("/id");
            let mut calls: Vec<_> = (0..6).map(|number| Call::Patch(at(&id), json!({"name": format!("number {number}")}))).collect();
            calls.extend((0..2).map(|_| Call::Post(format!("{VAULT}/secrets"), body.clone())));
            calls.extend((0..3).map(|_| Call::Delete(at(&id))));
            let answers = race(&api, calls).await;
            among(&answers[..6], &[200, 404]);
            among(&answers[6..8], &[409]);
            among(&answers[8..], &[204, 404]);
            assert_eq!(answers[8..].iter().filter(|answer| answer.status == 204).count(), 1);
            refused(&api.get(&at(&id)).await, 404);
            assert!(opened(&api, &vault.hash()).await.is_empty());
        }
    }

    /// NT-74
    async fn a_recovery_key_is_spent_or_revoked_but_not_both(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let mut current = vault.hash();
        for place in 0..4 {
            let proof = vault.recovery_hash(place);
            let body = replacement_by("recovery_auth_hash", &proof);
            let calls = vec![Call::Put(format!("{VAULT}/keys/primary"), body.clone()), Call::Delete(format!("{VAULT}/keys/{proof}"))];
            let answers = race(&api, calls).await;
            let statuses = (answers[0].status, answers[1].status);
            assert!([(200, 404), (404, 204)].contains(&statuses), "{statuses:?}");
            if statuses.0 == 200 {
                current = text(&body, "auth_hash");
            }
            let active = active(&api).await;
            assert_eq!(active.len(), 4 - place);
            assert!(active.contains(&current) && !active.contains(&proof));
        }
        replace(&api, replacement_by("current_auth_hash", &current)).await.expect(200);
    }

    async fn an_access_rule_that_goes_is_revoked_once(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let bot = agent(&kluis, &api, "bot").await;
        let id = secret(&api, "s").await;
        for _ in 0..ROUNDS {
            grant(&api, &id, &bot.id).await.expect(201);
            let path = format!("{}/access/{}", at(&id), bot.id);
            let answers = race(&api, vec![Call::Delete(path); 8]).await;
            among(&answers, &[204, 404]);
            assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
        }
    }
}
