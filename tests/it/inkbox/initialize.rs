//! `POST /vault/initialize` and `GET /vault/info`: Inkbox contract §3.5, §4.2, §4.3.

use serde_json::{Value, json};

use super::{
    VAULT, at_once, count, hash, initialization, initialize, invalid, is_time, is_uuid, names,
    owner, refused, secret, text, uuid, with_key,
};
use crate::harness::{Answer, Api, Kluis, on_both};

async fn post(api: &Api, body: Value) -> Answer {
    api.post(&format!("{VAULT}/initialize"), body).await
}

async fn info(api: &Api) -> Answer {
    api.get(&format!("{VAULT}/info")).await
}

/// The body with another value at this place, or without the member.
fn altered(pointer: &str, value: Option<Value>) -> Value {
    let mut body = initialization(4);
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(member.to_owned(), value),
        None => parent.remove(member),
    };
    body
}

on_both! {
    async fn a_vault_is_made_once_and_described(kluis: Kluis) {
        let api = owner(&kluis);
        refused(&info(&api).await, 404);
        let body = initialization(4);
        let made = post(&api, body.clone()).await.expect(201);
        assert_eq!(made.members(""), ["recovery_key_count", "vault_id", "vault_key_id"]);
        is_uuid(&made.at("/vault_id"));
        assert_eq!(made.at("/vault_key_id"), body["vault_key"]["id"]);
        assert_eq!(made.at("/recovery_key_count"), 4);
        let told = info(&api).await.expect(200);
        assert_eq!(told.members(""), [
            "created_at", "id", "key_count", "organization_id", "recovery_key_count", "secret_count", "status", "updated_at",
        ]);
        assert_eq!(told.at("/id"), made.at("/vault_id"));
        assert_eq!(told.text("/status"), "active");
        is_time(&told.at("/created_at"));
        is_time(&told.at("/updated_at"));
        let counts = |told: &Answer| ["key_count", "secret_count", "recovery_key_count"].map(|count| told.at(&format!("/{count}")));
        assert_eq!(counts(&told), [1, 0, 4]);
        let id = secret(&api, "first").await;
        secret(&api, "second").await;
        assert_eq!(counts(&info(&api).await.expect(200)), [1, 2, 4]);
        api.delete(&super::at(&id)).await.expect(204);
        let spent = text(&body["recovery_keys"][0], "auth_hash");
        api.delete(&format!("{VAULT}/keys/{spent}")).await.expect(204);
        assert_eq!(counts(&info(&api).await.expect(200)), [1, 1, 3]);

        refused(&post(&api, initialization(4)).await, 409);
        refused(&post(&api, body).await, 409);
        assert_eq!(info(&api).await.expect(200).at("/id"), made.at("/vault_id"), "what is there stays");
        // Another organization has its own.
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        refused(&info(&stranger).await, 404);
        initialize(&stranger).await;
        assert_ne!(info(&stranger).await.expect(200).at("/id"), made.at("/vault_id"));
    }

    async fn there_may_be_none_and_sixteen_recovery_keys(kluis: Kluis) {
        let api = owner(&kluis);
        let places = invalid(&post(&api, initialization(17)).await);
        assert!(places[0].starts_with("body.recovery_keys"), "{places:?}");
        for number in [0, 16] {
            let made = post(&api, initialization(number)).await.expect(201);
            assert_eq!(made.at("/recovery_key_count"), number);
            assert_eq!(info(&api).await.expect(200).at("/recovery_key_count"), number);
            let keys = api.get(&format!("{VAULT}/keys")).await.expect(200).json();
            assert_eq!(keys.as_array().unwrap().len(), 1 + number);
            api.delete(VAULT).await.expect(204);
        }
    }

    async fn key_material_has_a_form(kluis: Kluis) {
        let api = owner(&kluis);
        let long = hash() + "0";
        let cases = [
            ("id", vec![json!("no-uuid"), json!(""), json!(7), json!(null)]),
            ("auth_hash", vec![
                json!(&long[..63]), json!(long), json!(hash().replace(['0', '1', '2', '3', '4'], "g")), json!(""), json!(null), json!([hash()]),
                json!("A".repeat(64)),
            ]),
            ("wrapped_org_encryption_key", vec![
                // 57, 59 and 63 bytes, no alphabet of ours, and bits behind the end.
                json!("A".repeat(76)), json!("A".repeat(79) + "="), json!("A".repeat(84)), json!("?".repeat(80)), json!("-_".repeat(40)), json!(""), json!(null),
                json!(80),
            ]),
        ];
        for key in ["/vault_key", "/recovery_keys/3"] {
            for (member, values) in &cases {
                let values = values.iter().cloned().map(Some).chain([None]);
                for value in values {
                    let body = altered(&format!("{key}/{member}"), value);
                    let places = invalid(&post(&api, body).await);
                    let from = key.split('/').nth(1).unwrap();
                    let is_told = |place: &String| place.starts_with(&format!("body.{from}")) && place.ends_with(member);
                    assert!(places.len() == 1 && is_told(&places[0]), "{key} {member}: {places:?}");
                }
            }
        }
        for (key, wrong) in [("/vault_key", "recovery"), ("/recovery_keys/0", "primary"), ("/vault_key", "Primary"), ("/recovery_keys/0", "")] {
            invalid(&post(&api, altered(&format!("{key}/key_type"), Some(json!(wrong)))).await);
            invalid(&post(&api, altered(&format!("{key}/key_type"), None)).await);
        }
        for member in ["vault_key", "recovery_keys"] {
            for value in [None, Some(json!(null)), Some(json!("text")), Some(json!(7))] {
                let places = invalid(&post(&api, altered(&format!("/{member}"), value)).await);
                assert!(places[0].starts_with(&format!("body.{member}")), "{places:?}");
            }
        }
        invalid(&post(&api, altered("/recovery_keys", Some(json!([1])))).await);
        refused(&info(&api).await, 404);
    }

    /// Inkbox contract §2.2: one entry for each field.
    async fn every_field_of_key_material_that_is_wrong_is_told(kluis: Kluis) {
        let api = owner(&kluis);
        let mut body = altered("/vault_key/id", Some(json!("no-uuid")));
        body["vault_key"]["auth_hash"] = json!("short");
        let mut places = invalid(&post(&api, body).await);
        places.sort();
        assert_eq!(places, ["body.vault_key.auth_hash", "body.vault_key.id"]);
    }

    async fn no_two_keys_are_alike(kluis: Kluis) {
        let api = owner(&kluis);
        for (member, from) in [("id", "/vault_key"), ("id", "/recovery_keys/1"), ("auth_hash", "/vault_key"), ("auth_hash", "/recovery_keys/1")] {
            let mut body = initialization(4);
            let twice = body.pointer(from).unwrap()[member].clone();
            body["recovery_keys"][3][member] = twice;
            invalid(&post(&api, body).await);
        }
        // In another spelling too.
        let mut body = initialization(4);
        body["recovery_keys"][0]["id"] = text(&body["vault_key"], "id").to_uppercase().into();
        invalid(&post(&api, body).await);
        refused(&info(&api).await, 404);
    }

    async fn ids_are_told_in_lower_case_and_other_members_are_ignored(kluis: Kluis) {
        let api = owner(&kluis);
        let (primary, recovery) = (uuid(), uuid());
        let mut body = initialization(1);
        body["vault_key"]["id"] = primary.to_uppercase().into();
        body["vault_key"]["color"] = json!({"any": ["thing"]});
        body["recovery_keys"][0]["id"] = recovery.replace('-', "").into();
        body["recovery_keys"][0]["created_at"] = json!(null);
        body["vault_id"] = json!(7);
        let made = post(&api, body).await.expect(201);
        assert_eq!(made.text("/vault_key_id"), primary);
        let keys = api.get(&format!("{VAULT}/keys")).await.expect(200);
        assert_eq!((keys.text("/0/id"), keys.text("/1/id")), (primary, recovery));
    }

    /// NT-74
    async fn of_many_at_once_one_makes_the_vault(kluis: Kluis) {
        let api = owner(&kluis);
        let bodies: Vec<_> = (0..20).map(|_| initialization(4)).collect();
        let calls = bodies.iter().cloned().map(|body| {
            let api = api.clone();
            async move { post(&api, body).await }
        });
        let statuses = at_once(calls.collect()).await;
        assert_eq!((count(&statuses, 201), count(&statuses, 409)), (1, 19), "{statuses:?}");
        // And nothing is left of the others.
        let kept = api.get(&format!("{VAULT}/unlock")).await.expect(200).at("/wrapped_org_encryption_keys");
        let mut kept: Vec<_> = kept.as_array().unwrap().iter().map(|key| text(key, "id")).collect();
        kept.sort();
        let ids = |body: &Value| {
            let recovery = body["recovery_keys"].as_array().unwrap().iter();
            let mut ids: Vec<_> = recovery.chain([&body["vault_key"]]).map(|key| text(key, "id")).collect();
            ids.sort();
            ids
        };
        assert_eq!(bodies.iter().filter(|body| ids(body) == kept).count(), 1, "{kept:?}");
    }

    async fn without_a_vault_everything_in_it_is_404(kluis: Kluis) {
        let api = owner(&kluis);
        let agent = super::agent(&kluis, &api, "bot").await;
        for path in ["info", "unlock", "keys", "secrets", &format!("unlock?auth_hash={}", hash()), &format!("secrets/{}", uuid())] {
            refused(&api.get(&format!("{VAULT}/{path}")).await, 404);
        }
        refused(&agent.api.get(&format!("{VAULT}/info")).await, 404);
        refused(&super::store(&api, super::item("early")).await, 404);
        refused(&super::replace(&api, super::replacement_by("current_auth_hash", &hash())).await, 404);
        refused(&super::grant(&api, &uuid(), &agent.id).await, 404);
        refused(&api.delete(&format!("{VAULT}/keys/{}", hash())).await, 404);
        refused(&api.delete(VAULT).await, 404);
        initialize(&api).await;
        assert!(names(&api.get(&format!("{VAULT}/secrets")).await.expect(200).json()).is_empty());
    }
}
