//! `PATCH /vault/secrets/{secret_id}`: Inkbox contract §4.9.

use serde_json::{Value, json};

use super::{
    SECRET, VAULT, agent, at, grant, initialize, invalid, invalid_at, item, owner, refused, secret,
    store, uuid, with_key, wrapped,
};
use crate::harness::{Api, Backend, Kluis, on_both};

async fn read(api: &Api, id: &str) -> Value {
    api.get(&at(id)).await.expect(200).json()
}

on_both! {
    /// NT-66
    async fn only_the_members_that_are_there_change(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let api = owner(&kluis);
        initialize(&api).await;
        let mut body = item("name");
        body["description"] = "description".into();
        let id = store(&api, body).await.expect(201).text("/id");
        let mut expected = read(&api, &id).await;
        for change in [
            json!({"name": "renamed"}), json!({"description": "other"}), json!({"encrypted_payload": wrapped()}), json!({"description": null}),
            json!({"description": "anew"}), json!({"description": ""}), json!({"name": "n", "encrypted_payload": wrapped(), "description": "d"}),
        ] {
            kluis.advance_clock(1).await;
            let answer = api.patch(&at(&id), change.clone()).await.expect(200);
            assert_eq!(answer.members(""), SECRET, "without the payload");
            assert_ne!(answer.at("/updated_at"), expected["updated_at"], "{change}");
            for (member, value) in change.as_object().unwrap() {
                expected[member] = value.clone();
            }
            expected["updated_at"] = answer.at("/updated_at");
            assert_eq!(read(&api, &id).await, expected);
            let mut shown = expected.clone();
            shown.as_object_mut().unwrap().remove("encrypted_payload");
            assert_eq!(answer.json(), shown);
        }
    }

    async fn an_empty_body_changes_nothing(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = secret(&api, "s").await;
        let before = read(&api, &id).await;
        let answer = api.patch(&at(&id), json!({})).await.expect(200);
        assert_eq!(answer.at("/updated_at"), before["updated_at"]);
        assert_eq!(read(&api, &id).await, before);
    }

    async fn the_type_and_the_id_never_change(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = secret(&api, "s").await;
        let before = read(&api, &id).await;
        let change = json!({"name": "n", "secret_type": "login", "id": uuid(), "status": "deleted", "created_at": "2001-01-01T00:00:00Z", "access": null});
        let answer = api.patch(&at(&id), change).await.expect(200);
        for member in ["id", "secret_type", "status", "created_at", "access"] {
            assert_eq!(answer.at(&format!("/{member}")), before[member]);
        }
        // What is ignored may be anything.
        api.patch(&at(&id), json!({"secret_type": "no such type"})).await.expect(200);
        api.patch(&at(&id), json!({"secret_type": 7})).await.expect(200);
        assert_eq!(read(&api, &id).await["secret_type"], "api_key");
    }

    async fn what_a_secret_cannot_be_without_is_not_null(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = secret(&api, "s").await;
        let before = read(&api, &id).await;
        for (member, values) in [
            ("name", vec![json!(null), json!(""), json!("n".repeat(256)), json!(7)]),
            ("encrypted_payload", vec![json!(null), json!(""), json!(7)]),
            ("description", vec![json!(7), json!([])]),
        ] {
            for value in values {
                let mut change = json!({"name": "renamed", "description": "changed", "encrypted_payload": wrapped()});
                change[member] = value;
                invalid_at(&api.patch(&at(&id), change).await, &format!("body.{member}"));
            }
        }
        for body in [json!([]), json!("text"), json!(null), json!(7)] {
            invalid(&api.patch(&at(&id), body).await);
        }
        assert_eq!(read(&api, &id).await, before, "nothing of it is done");
        api.patch(&at(&id), json!({"name": "漢".repeat(255)})).await.expect(200);
    }

    async fn what_cannot_be_read_cannot_be_changed(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = secret(&api, "s").await;
        let agent = agent(&kluis, &api, "bot").await;
        grant(&api, &id, &agent.id).await.expect(201);
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        let change = json!({"name": "n"});
        refused(&agent.api.patch(&at(&id), change.clone()).await, 403);
        refused(&stranger.patch(&at(&id), change.clone()).await, 404);
        refused(&api.patch(&at(&uuid()), change.clone()).await, 404);
        invalid_at(&api.patch(&at("no-uuid"), change.clone()).await, "path.secret_id");
        api.delete(&at(&id)).await.expect(204);
        refused(&api.patch(&at(&id), change).await, 404);
        refused(&api.patch(&at(&id), json!({})).await, 404);
        assert_eq!(api.get(&format!("{VAULT}/secrets")).await.expect(200).json(), json!([]));
    }

    async fn changes_at_once_are_all_kept_whole(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = secret(&api, "s").await;
        let calls = (0..20).map(|number| {
            let (api, path) = (api.clone(), at(&id));
            let both = format!("number {number}");
            async move { api.patch(&path, json!({"name": both, "encrypted_payload": both})).await }
        });
        let statuses = super::at_once(calls.collect()).await;
        assert_eq!(super::count(&statuses, 200), 20, "{statuses:?}");
        let read = read(&api, &id).await;
        assert_eq!(read["name"], read["encrypted_payload"]);
    }
}
