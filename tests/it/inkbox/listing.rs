//! `GET /vault/secrets`: Inkbox contract §4.7.

use serde_json::{Value, json};

use super::{
    SECRET, TYPES, VAULT, agent, at, grant, initialize, invalid_at, item, names, owner, secret,
    store, with_key,
};
use crate::harness::{Api, Kluis, on_both};

async fn list(api: &Api, query: &str) -> Value {
    let answer = api.get(&format!("{VAULT}/secrets{query}")).await;
    answer.expect(200).json()
}

/// The names in the order of the list.
fn in_order(list: &Value) -> Vec<&str> {
    let secrets = list.as_array().unwrap().iter();
    secrets
        .map(|secret| secret["name"].as_str().unwrap())
        .collect()
}

on_both! {
    async fn secrets_are_a_bare_array_newest_first(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        assert_eq!(list(&api, "").await, json!([]));
        let mut expected: Vec<String> = Vec::new();
        // Ids that do not sort as they were made.
        for number in 0..12_u32 {
            let mut body = item(&format!("number {number}"));
            body["id"] = format!("{:08x}-5eed-4000-8000-000000000000", (number * 7) % 12).into();
            store(&api, body).await.expect(201);
            expected.insert(0, format!("number {number}"));
        }
        let all = list(&api, "").await;
        assert_eq!(in_order(&all), expected);
        for secret in all.as_array().unwrap() {
            let members: Vec<_> = secret.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, SECRET, "no payloads");
            assert_eq!(secret["access"], json!([]));
        }
        // A change does not move it.
        let oldest = all[11]["id"].as_str().unwrap();
        api.patch(&at(oldest), json!({"description": "changed"})).await.expect(200);
        assert_eq!(in_order(&list(&api, "").await), expected);
        let deleted = all[3]["id"].as_str().unwrap();
        api.delete(&at(deleted)).await.expect(204);
        expected.remove(3);
        assert_eq!(in_order(&list(&api, "").await), expected);
    }

    async fn many_secrets_come_in_one_answer(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        for number in 0..300 {
            secret(&api, &format!("number {number:03}")).await;
        }
        assert_eq!(list(&api, "").await.as_array().unwrap().len(), 300);
        assert_eq!(super::opened(&api, &vault.hash()).await.len(), 300);
    }

    async fn a_type_chooses_among_them(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        for secret_type in TYPES {
            for number in 0..2 {
                let mut body = item(&format!("{secret_type} {number}"));
                body["secret_type"] = secret_type.into();
                store(&api, body).await.expect(201);
            }
        }
        for secret_type in TYPES {
            let found = list(&api, &format!("?secret_type={secret_type}")).await;
            assert_eq!(in_order(&found), [format!("{secret_type} 1"), format!("{secret_type} 0")]);
        }
        assert_eq!(list(&api, "?page=2").await.as_array().unwrap().len(), 10);
        for wrong in ["password", "", "Login", "login%20", "login,other"] {
            let answer = api.get(&format!("{VAULT}/secrets?secret_type={wrong}")).await;
            invalid_at(&answer, "query.secret_type");
        }
    }

    async fn an_agent_sees_what_it_has_a_rule_for(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let (one, two) = (secret(&api, "one").await, secret(&api, "two").await);
        let (mine, others) = (agent(&kluis, &api, "mine").await, agent(&kluis, &api, "others").await);
        assert_eq!(list(&mine.api, "").await, json!([]));
        grant(&api, &one, &mine.id).await.expect(201);
        grant(&api, &two, &others.id).await.expect(201);
        assert_eq!(in_order(&list(&mine.api, "").await), ["one"]);
        assert_eq!(in_order(&list(&mine.api, "?secret_type=api_key").await), ["one"]);
        assert_eq!(list(&mine.api, "?secret_type=login").await, json!([]));
        assert_eq!(in_order(&list(&others.api, "").await), ["two"]);
        let all = list(&api, "").await;
        assert_eq!(all[1]["access"][0]["identity_id"], mine.id.as_str());
        assert_eq!(all[0]["access"][0]["identity_id"], others.id.as_str());
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        initialize(&stranger).await;
        assert!(names(&list(&stranger, "").await).is_empty());
    }
}
