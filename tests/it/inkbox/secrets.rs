//! Storing and reading: `POST /vault/secrets`, `GET /vault/secrets/{secret_id}`: Inkbox contract §3.1, §3.2, §4.6, §4.8.

use serde_json::{Value, json};

use super::{
    SECRET, TYPES, agent, at, at_once, count, grant, initialize, invalid, invalid_at, is_time,
    is_uuid, item, owner, refused, secret, store, text, unlock, uuid, with_key, wrapped,
};
use crate::harness::{Api, Kluis, on_both};

/// Stores a payload, and gives it back as it is read.
async fn payload(api: &Api, payload: &str) -> String {
    let mut body = item("payload");
    body["encrypted_payload"] = payload.into();
    let id = store(api, body).await.expect(201).text("/id");
    api.get(&at(&id))
        .await
        .expect(200)
        .text("/encrypted_payload")
}

/// An item with another value of this member, or without it.
fn altered(member: &str, value: Option<Value>) -> Value {
    let mut body = item("altered");
    match value {
        Some(value) => body[member] = value,
        None => {
            body.as_object_mut().unwrap().remove(member);
        }
    }
    body
}

on_both! {
    async fn a_secret_is_stored_under_the_clients_id(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        for secret_type in TYPES {
            let id = uuid();
            let body = json!({
                "id": id, "name": "Billing API", "description": "of the shop", "secret_type": secret_type, "encrypted_payload": wrapped(),
            });
            let made = store(&api, body.clone()).await.expect(201);
            assert_eq!(made.members(""), SECRET, "without the payload");
            assert_eq!(made.text("/id"), id);
            assert_eq!((made.text("/name"), made.text("/description")), ("Billing API".to_owned(), "of the shop".to_owned()));
            assert_eq!((made.text("/secret_type"), made.text("/status")), (secret_type.to_owned(), "active".to_owned()));
            assert_eq!(made.at("/access"), json!([]));
            is_time(&made.at("/created_at"));
            assert_eq!(made.at("/created_at"), made.at("/updated_at"));
            let read = api.get(&at(&id)).await.expect(200);
            let mut expected = made.json();
            expected["encrypted_payload"] = body["encrypted_payload"].clone();
            assert_eq!(read.json(), expected);
        }
    }

    async fn an_id_is_kept_in_lower_case_however_it_was_spelled(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let spellings: [fn(&str) -> String; 4] =
            [str::to_uppercase, |id| id.replace('-', ""), |id| format!("urn:uuid:{id}"), |id| format!("{{{}}}", id.to_uppercase())];
        for spelled in spellings {
            let id = uuid();
            let mut body = item("spelled");
            body["id"] = spelled(&id).into();
            assert_eq!(store(&api, body).await.expect(201).text("/id"), id);
            assert_eq!(api.get(&at(&id)).await.expect(200).text("/id"), id);
        }
        for wrong in [json!("no-uuid"), json!(""), json!(uuid()[1..]), json!(format!("{}0", uuid())), json!(7)] {
            invalid_at(&store(&api, altered("id", Some(wrong))).await, "body.id");
        }
    }

    async fn without_an_id_the_server_makes_one(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            let made = store(&api, altered("id", None)).await.expect(201);
            is_uuid(&made.at("/id"));
            api.get(&at(&made.text("/id"))).await.expect(200);
            ids.push(made.text("/id"));
        }
        ids.dedup();
        assert_eq!(ids.len(), 3);
    }

    async fn an_id_is_taken_once_and_for_good(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let body = item("first");
        store(&api, body.clone()).await.expect(201);
        let mut again = item("second");
        again["id"] = body["id"].clone();
        refused(&store(&api, again.clone()).await, 409);
        again["id"] = text(&body, "id").to_uppercase().into();
        refused(&store(&api, again.clone()).await, 409);
        let read = api.get(&at(&text(&body, "id"))).await.expect(200);
        assert_eq!((read.at("/name"), read.at("/encrypted_payload")), (body["name"].clone(), body["encrypted_payload"].clone()));
        api.delete(&at(&text(&body, "id"))).await.expect(204);
        refused(&store(&api, body.clone()).await, 409);
        refused(&store(&api, again).await, 409);
        refused(&api.get(&at(&text(&body, "id"))).await, 404);
        assert_eq!(unlock(&api, &vault.hash()).await.expect(200).at("/encrypted_secrets"), json!([]));
    }

    /// NT-74
    async fn of_many_with_one_id_at_once_one_is_stored(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = uuid();
        let calls = (0..50).map(|number| {
            let (api, mut body) = (api.clone(), item(&format!("number {number}")));
            body["id"] = id.clone().into();
            async move { store(&api, body).await }
        });
        let statuses = at_once(calls.collect()).await;
        assert_eq!((count(&statuses, 201), count(&statuses, 409)), (1, 49), "{statuses:?}");
    }

    async fn a_name_has_one_to_255_characters(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        for letter in ["n", "é", "漢", "🔑"] {
            let longest = letter.repeat(255);
            for name in [letter, &longest] {
                let made = store(&api, item(name)).await.expect(201);
                assert_eq!(made.text("/name"), name);
                assert_eq!(api.get(&at(&made.text("/id"))).await.expect(200).text("/name"), name);
            }
            invalid_at(&store(&api, item(&letter.repeat(256))).await, "body.name");
        }
        for name in [" ", " spaced ", "a/b?c#d%20", "\"quoted\"", "'; --", "<b>", "two\nlines"] {
            assert_eq!(store(&api, item(name)).await.expect(201).text("/name"), name);
        }
        for wrong in [Some(json!("")), Some(json!(null)), Some(json!(7)), Some(json!(["n"])), None] {
            invalid_at(&store(&api, altered("name", wrong)).await, "body.name");
        }
        // Names need not be unique.
        let (one, two) = (secret(&api, "same").await, secret(&api, "same").await);
        assert_ne!(one, two);
    }

    async fn a_description_is_optional_and_may_be_null(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        for absent in [None, Some(json!(null))] {
            let made = store(&api, altered("description", absent)).await.expect(201);
            assert_eq!(made.json().get("description"), Some(&Value::Null), "the key is there");
        }
        for description in ["", "d", &"é".repeat(32_768)] {
            let made = store(&api, altered("description", Some(description.into()))).await.expect(201);
            assert_eq!(made.text("/description"), description);
        }
        for wrong in [json!(7), json!(["d"]), json!({})] {
            invalid_at(&store(&api, altered("description", Some(wrong))).await, "body.description");
        }
    }

    async fn a_type_is_one_of_five_words(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        for wrong in [Some(json!("")), Some(json!("Login")), Some(json!("password")), Some(json!("login ")), Some(json!(null)), Some(json!(0)), None] {
            invalid_at(&store(&api, altered("secret_type", wrong)).await, "body.secret_type");
        }
    }

    /// Inkbox contract §2.2: one entry for each field.
    async fn every_field_that_is_wrong_is_told(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let mut body = altered("secret_type", Some(json!("password")));
        body["name"] = json!("");
        body.as_object_mut().unwrap().remove("encrypted_payload");
        let mut places = invalid(&store(&api, body).await);
        places.sort();
        assert_eq!(places, ["body.encrypted_payload", "body.name", "body.secret_type"]);
    }

    async fn a_payload_comes_back_byte_for_byte(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        for given in ["A", "AAAA", "q83v/+==", "not base64 at all, ☃", " spaced\t\r\n ", "-_", "=", "\"\\\u{7f}\u{1}", "ＡＢ e\u{301}"] {
            assert_eq!(payload(&api, given).await, given);
        }
        for wrong in [Some(json!("")), Some(json!(null)), Some(json!(7)), Some(json!({"data": "x"})), None] {
            invalid_at(&store(&api, altered("encrypted_payload", wrong)).await, "body.encrypted_payload");
        }
    }

    async fn a_payload_may_hold_any_character(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let given = "nul \u{0} inside";
        assert_eq!(payload(&api, given).await, given);
        let id = secret(&api, "s").await;
        api.patch(&at(&id), json!({"encrypted_payload": given})).await.expect(200);
        assert_eq!(api.get(&at(&id)).await.expect(200).text("/encrypted_payload"), given);
    }

    /// One of the two databases cannot keep it.
    async fn names_and_descriptions_hold_no_nul(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = secret(&api, "s").await;
        for member in ["name", "description"] {
            let place = format!("body.{member}");
            invalid_at(&store(&api, altered(member, Some("nul \u{0} inside".into()))).await, &place);
            invalid_at(&api.patch(&at(&id), json!({member: "nul \u{0} inside"})).await, &place);
        }
    }

    async fn a_payload_may_have_a_mebibyte(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let large: String = wrapped().chars().cycle().take(1 << 20).collect();
        assert_eq!(payload(&api, &large).await, large);
        let id = secret(&api, "grows").await;
        api.patch(&at(&id), json!({"encrypted_payload": large})).await.expect(200);
        assert_eq!(api.get(&at(&id)).await.expect(200).text("/encrypted_payload"), large);
        let all = unlock(&api, &vault.hash()).await.expect(200);
        assert_eq!((all.text("/encrypted_secrets/0/encrypted_payload"), all.text("/encrypted_secrets/1/encrypted_payload")), (large.clone(), large));
    }

    async fn unknown_members_are_ignored(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let mut body = item("with more");
        for (member, value) in [("status", json!("deleted")), ("created_at", json!(0)), ("access", json!(null)), ("payload", json!([1]))] {
            body[member] = value;
        }
        let made = store(&api, body).await.expect(201);
        assert_eq!(made.text("/status"), "active");
        assert_eq!(made.members(""), SECRET);
    }

    async fn an_absent_secret_is_404_and_one_without_a_rule_403(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let (given, kept) = (secret(&api, "given").await, secret(&api, "kept").await);
        let agent = agent(&kluis, &api, "bot").await;
        grant(&api, &given, &agent.id).await.expect(201);
        let read = agent.api.get(&at(&given)).await.expect(200);
        assert_eq!(read.text("/name"), "given");
        assert_eq!(read.at("/access/0/identity_id"), agent.id.as_str());
        refused(&agent.api.get(&at(&kept)).await, 403);
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        initialize(&stranger).await;
        let theirs = secret(&stranger, "theirs").await;
        for caller in [&api, &agent.api] {
            refused(&caller.get(&at(&uuid())).await, 404);
            refused(&caller.get(&at(&theirs)).await, 404);
        }
        for id in [&given, &kept] {
            refused(&stranger.get(&at(id)).await, 404);
        }
        for wrong in ["no-uuid", "7", &uuid()[1..], &format!("{}0", uuid())] {
            invalid_at(&api.get(&at(wrong)).await, "path.secret_id");
        }
    }
}
