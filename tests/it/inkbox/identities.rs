//! `/identities`: Inkbox contract §5.1.

use serde_json::{Value, json};

use super::{
    API_KEYS, IDENTITIES, VAULT, agent, at, initialize, invalid, invalid_at, is_time, is_uuid,
    nothing, opened, owner, refused, secret, text, uuid, with_key,
};
use crate::harness::{Answer, Api, Kluis, on_both};

async fn create(api: &Api, body: Value) -> Answer {
    api.post(&format!("{IDENTITIES}/"), body).await
}

async fn get(api: &Api, handle: &str) -> Answer {
    api.get(&format!("{IDENTITIES}/{handle}")).await
}

/// The handles in the order of the list.
async fn handles(api: &Api) -> Vec<String> {
    let listed = api.get(&format!("{IDENTITIES}/")).await.expect(200).json();
    let listed = listed.as_array().unwrap().iter();
    listed
        .map(|identity| text(identity, "agent_handle"))
        .collect()
}

/// The refusal of a handle that is taken, as clients recognise it.
#[track_caller]
fn taken(answer: &Answer) {
    assert_eq!(answer.status, 409, "{answer}");
    assert_eq!(
        answer.json(),
        json!({"detail": {"error": "agent_handle_unavailable", "blocking_namespace": "identities"}})
    );
}

on_both! {
    async fn an_identity_is_made_and_found_by_its_handle(kluis: Kluis) {
        let api = owner(&kluis);
        let made = create(&api, json!({"agent_handle": "build-agent"})).await.expect(201);
        let mut members = made.members("");
        members.retain(|member| !made.at(&format!("/{member}")).is_null() || ["description", "email_address"].contains(&member.as_str()));
        assert_eq!(members, [
            "agent_handle", "created_at", "description", "display_name", "email_address", "id", "organization_id", "updated_at",
        ]);
        is_uuid(&made.at("/id"));
        is_time(&made.at("/created_at"));
        is_time(&made.at("/updated_at"));
        assert_eq!((made.text("/agent_handle"), made.text("/display_name")), ("build-agent".to_owned(), "build-agent".to_owned()));
        assert_eq!((made.at("/description"), made.at("/email_address")), (Value::Null, Value::Null));
        let organization = api.get("/api/whoami").await.expect(200).at("/organization_id");
        assert_eq!(made.at("/organization_id"), organization);
        assert_eq!(get(&api, "build-agent").await.expect(200).json(), made.json());
        let listed = api.get(&format!("{IDENTITIES}/")).await.expect(200).json();
        assert_eq!(listed, json!([made.json()]));
        let body = json!({"agent_handle": "second", "display_name": "The Second", "description": "of two", "mailbox": {"email_local_part": "x"}, "imessage_enabled": true});
        let second = create(&api, body).await.expect(201);
        assert_eq!((second.text("/display_name"), second.text("/description")), ("The Second".to_owned(), "of two".to_owned()));
        assert_eq!(second.at("/email_address"), Value::Null);
        create(&api, json!({"agent_handle": "third"})).await.expect(201);
        assert_eq!(handles(&api).await, ["third", "second", "build-agent"], "newest first");
        refused(&get(&api, "fourth").await, 404);
        // The same thing is an agent in the other APIs.
        let agents = kluis.owner().get("/v1/agents").await.expect(200).string();
        assert!(agents.contains(&made.text("/id")), "{agents}");
        let registered = kluis.owner().post("/v1/agents", json!({"name": "Nightly Report"})).await.expect(201);
        assert_eq!(get(&api, "nightly-report").await.expect(200).at("/id"), registered.at("/agent/id"));
    }

    async fn handles_and_names_have_lengths(kluis: Kluis) {
        let api = owner(&kluis);
        for (given, handle) in [("@build", "build"), ("@@twice", "@twice"), ("a.b_c-d", "a.b_c-d")] {
            assert_eq!(create(&api, json!({"agent_handle": given})).await.expect(201).text("/agent_handle"), handle);
        }
        assert_eq!(get(&api, "build").await.expect(200).text("/agent_handle"), "build");
        let long = "h".repeat(255);
        assert_eq!(create(&api, json!({"agent_handle": format!("@{long}")})).await.expect(201).text("/agent_handle"), long);
        get(&api, &long).await.expect(200);
        for wrong in [json!(""), json!("@"), json!("h".repeat(256)), json!(null), json!(7), json!(["h"])] {
            invalid_at(&create(&api, json!({"agent_handle": wrong})).await, "body.agent_handle");
        }
        invalid_at(&create(&api, json!({"display_name": "n"})).await, "body.agent_handle");
        for (member, values) in [("display_name", vec![json!("n".repeat(256)), json!(7)]), ("description", vec![json!(7)])] {
            for value in values {
                let mut body = json!({"agent_handle": "not-made"});
                body[member] = value.clone();
                invalid_at(&create(&api, body).await, &format!("body.{member}"));
                let change = api.patch(&format!("{IDENTITIES}/build"), json!({member: value})).await;
                invalid_at(&change, &format!("body.{member}"));
            }
        }
        refused(&get(&api, "not-made").await, 404);
        let body = json!({"agent_handle": "longest", "display_name": "漢".repeat(255), "description": null});
        assert_eq!(create(&api, body).await.expect(201).text("/display_name"), "漢".repeat(255));
    }

    async fn a_handle_is_free_once_in_an_organization(kluis: Kluis) {
        let api = owner(&kluis);
        create(&api, json!({"agent_handle": "bot"})).await.expect(201);
        taken(&create(&api, json!({"agent_handle": "bot"})).await);
        taken(&create(&api, json!({"agent_handle": "@bot", "display_name": "other"})).await);
        let registered = kluis.owner().post("/v1/agents", json!({"name": "Bot"})).await.expect(201);
        let id = registered.at("/agent/id");
        assert_eq!(get(&api, "bot-2").await.expect(200).at("/id"), id, "an agent's handle makes way");
        taken(&create(&api, json!({"agent_handle": "bot-2"})).await);
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        refused(&get(&stranger, "bot").await, 404);
        assert!(handles(&stranger).await.is_empty());
        create(&stranger, json!({"agent_handle": "bot"})).await.expect(201);
        refused(&get(&stranger, "bot-2").await, 404);
        let calls = (0..20).map(|_| {
            let api = api.clone();
            async move { create(&api, json!({"agent_handle": "one-of-many"})).await }
        });
        let statuses = super::at_once(calls.collect()).await;
        assert_eq!((super::count(&statuses, 201), super::count(&statuses, 409)), (1, 19), "{statuses:?}");
    }

    async fn access_is_granted_while_an_identity_is_made(kluis: Kluis) {
        let api = owner(&kluis);
        let vault = initialize(&api).await;
        let (one, two) = (secret(&api, "one").await, secret(&api, "two").await);
        let deleted = secret(&api, "deleted").await;
        api.delete(&at(&deleted)).await.expect(204);
        for (number, (ids, names)) in [
            (json!(one), vec!["one"]), (json!([two]), vec!["two"]), (json!([one, two.to_uppercase()]), vec!["one", "two"]), (json!("all"), vec!["one", "two"]),
            (json!("*"), vec!["one", "two"]), (json!([]), vec![]), (json!(null), vec![]), (json!([one, one]), vec!["one"]),
        ].into_iter().enumerate() {
            let handle = format!("agent-{number}");
            let body = json!({"agent_handle": handle, "vault_secret_ids": ids});
            let made = create(&api, body).await.expect(201);
            let key = super::key_for(&api, &made.text("/id")).await;
            assert_eq!(opened(&with_key(&kluis, &key), &vault.hash()).await, names, "{ids}");
        }
        // "all" is what there is at that moment.
        secret(&api, "later").await;
        let key = api.get(&format!("{IDENTITIES}/agent-3")).await.expect(200).text("/id");
        let key = super::key_for(&api, &key).await;
        assert_eq!(opened(&with_key(&kluis, &key), &vault.hash()).await, ["one", "two"]);
    }

    async fn all_of_the_access_is_granted_or_nothing_is_made(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let one = secret(&api, "one").await;
        let deleted = secret(&api, "deleted").await;
        api.delete(&at(&deleted)).await.expect(204);
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        initialize(&stranger).await;
        let theirs = secret(&stranger, "theirs").await;
        for ids in [json!(uuid()), json!([one, uuid()]), json!([one, theirs]), json!(deleted), json!([one, deleted])] {
            refused(&create(&api, json!({"agent_handle": "half", "vault_secret_ids": ids})).await, 404);
        }
        for ids in [json!("some"), json!(7), json!(["no-uuid"]), json!([7]), json!({"id": one}), json!("ALL"), json!("")] {
            let places = invalid(&create(&api, json!({"agent_handle": "half", "vault_secret_ids": ids})).await);
            assert!(places[0].starts_with("body.vault_secret_ids"), "{places:?}");
        }
        refused(&get(&api, "half").await, 404);
        assert_eq!(api.get(&format!("{}/access", at(&one))).await.expect(200).json(), json!([]));
    }

    async fn an_identity_is_changed_by_members(kluis: Kluis) {
        let api = owner(&kluis);
        let body = json!({"agent_handle": "bot", "display_name": "Bot", "description": "d"});
        let mut expected = create(&api, body).await.expect(201).json();
        for change in [
            json!({"display_name": "Robot"}), json!({"description": "other"}), json!({"description": null}), json!({"display_name": "B", "description": "b"}),
            json!({"agent_handle": "renamed", "mail_filter_mode": "whitelist", "description": "kept"}),
        ] {
            let answer = api.patch(&format!("{IDENTITIES}/bot"), change.clone()).await.expect(200);
            for member in ["display_name", "description"] {
                if let Some(value) = change.get(member) {
                    expected[member] = value.clone();
                }
            }
            expected["updated_at"] = answer.at("/updated_at");
            assert_eq!(answer.json(), expected, "{change}");
            assert_eq!(get(&api, "bot").await.expect(200).json(), expected);
        }
        let same = api.patch(&format!("{IDENTITIES}/bot"), json!({})).await.expect(200);
        assert_eq!(same.at("/display_name"), "B");
        refused(&api.patch(&format!("{IDENTITIES}/absent"), json!({})).await, 404);
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        refused(&stranger.patch(&format!("{IDENTITIES}/bot"), json!({"description": "x"})).await, 404);
    }

    /// NT-35
    async fn a_deleted_identity_takes_its_keys_along(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let bot = agent(&kluis, &api, "bot").await;
        let second = with_key(&kluis, &super::key_for(&api, &bot.id).await);
        second.get("/api/whoami").await.expect(200);
        let stranger = with_key(&kluis, kluis.stranger().await.token());
        refused(&stranger.delete(&format!("{IDENTITIES}/bot")).await, 404);
        nothing(&api.delete(&format!("{IDENTITIES}/bot")).await);
        for key in [&bot.api, &second] {
            refused(&key.get("/api/whoami").await, 401);
            refused(&key.get(&format!("{VAULT}/info")).await, 401);
        }
        refused(&get(&api, "bot").await, 404);
        refused(&api.delete(&format!("{IDENTITIES}/bot")).await, 404);
        refused(&api.post(API_KEYS, json!({"label": "l", "scoped_identity_id": bot.id})).await, 404);
        assert!(handles(&api).await.is_empty());
        agent(&kluis, &api, "bot").await;
        refused(&bot.api.get("/api/whoami").await, 401);
    }

    async fn an_agent_sees_itself_alone_and_makes_nothing(kluis: Kluis) {
        let api = owner(&kluis);
        let (one, two) = (agent(&kluis, &api, "one").await, agent(&kluis, &api, "two").await);
        assert_eq!(handles(&one.api).await, ["one"]);
        assert_eq!(handles(&two.api).await, ["two"]);
        assert_eq!(get(&one.api, "one").await.expect(200).text("/id"), one.id);
        let hidden = get(&one.api, "two").await.status;
        assert!(hidden == 403 || hidden == 404, "{hidden}");
        let absent = get(&one.api, "absent").await.status;
        assert_eq!(hidden, absent, "who else there is shows by no status");
        let mut callers = vec![one.api.clone()];
        for role in ["member", "viewer"] {
            let caller = with_key(&kluis, kluis.user(role).await.token());
            refused(&caller.get(&format!("{IDENTITIES}/")).await, 403);
            refused(&get(&caller, "one").await, 403);
            callers.push(caller);
        }
        for caller in &callers {
            refused(&create(caller, json!({"agent_handle": "made"})).await, 403);
            for handle in ["one", "two"] {
                let path = format!("{IDENTITIES}/{handle}");
                let changed = caller.patch(&path, json!({"description": "x"})).await.status;
                let deleted = caller.delete(&path).await.status;
                assert!([403, 404].contains(&changed) && [403, 404].contains(&deleted), "{changed}, {deleted}");
            }
        }
        assert_eq!(handles(&api).await, ["two", "one"]);
        assert_eq!(get(&api, "one").await.expect(200).at("/description"), Value::Null);
    }
}
