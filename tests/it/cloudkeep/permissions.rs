//! Who may what, seen through this API (RULES §2, §3): what is out of reach cannot be told from what is absent.

use serde_json::{Value, json};

use super::vaults::{uuid_of, vault};
use crate::harness::{Api, Kluis, Member};

/// A vault id that nothing has.
pub(super) const ABSENT: &str = "vlt_0000000000000000000001";

pub(super) async fn grant(
    owner: &Api,
    vault: &str,
    member: &Member,
    pattern: &str,
    permissions: &[&str],
) -> String {
    let body = json!({
        "secret_path_pattern": pattern,
        "principal_type": "user",
        "principal_id": uuid_of(&member.id),
        "permissions": permissions,
    });
    let path = format!("/v1/vaults/{}/policies", uuid_of(vault));
    owner.post(&path, body).await.expect(201).text("/id")
}

pub(super) async fn secret(api: &Api, vault: &str, key: &str, value: &str) -> String {
    let path = format!("/api/v1/vaults/{vault}/secrets");
    api.post(&path, json!({"key": key, "value": value}))
        .await
        .expect(201)
        .text("/data/id")
}

/// NT-01
#[tokio::test]
async fn a_vault_out_of_reach_is_as_absent_for_every_method() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let hidden = vault(&owner, "hidden").await;
    let id = secret(&owner, &hidden, "A", "canary").await;
    let member = kluis.user("member").await.api();
    let stranger = kluis.stranger().await.api();
    for caller in [member, stranger] {
        for (method, suffix, body) in [
            ("GET", String::new(), None),
            ("PATCH", String::new(), Some(json!({"name": "mine"}))),
            ("DELETE", String::new(), None),
            ("GET", "/secrets".to_owned(), None),
            (
                "POST",
                "/secrets".to_owned(),
                Some(json!({"key": "A", "value": "x"})),
            ),
            ("GET", format!("/secrets/{id}"), None),
            (
                "PATCH",
                format!("/secrets/{id}"),
                Some(json!({"value": "x"})),
            ),
            ("DELETE", format!("/secrets/{id}"), None),
        ] {
            let method: reqwest::Method = method.parse().unwrap();
            let there = format!("/api/v1/vaults/{hidden}{suffix}");
            let absent = format!("/api/v1/vaults/{ABSENT}{suffix}");
            let refused = caller
                .send(method.clone(), &there, body.clone())
                .await
                .expect(404);
            let nothing = caller.send(method.clone(), &absent, body).await.expect(404);
            assert_eq!(refused.body, nothing.body, "{method} {suffix}");
            let names = |answer: &crate::harness::Answer| {
                answer
                    .headers
                    .keys()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(&refused), names(&nothing), "{method} {suffix}");
        }
        let list = caller.get("/api/v1/vaults").await.expect(200).json();
        assert!(
            list["data"]
                .as_array()
                .unwrap()
                .iter()
                .all(|vault| vault["name"] != "hidden")
        );
    }
    assert_eq!(
        owner
            .get(&format!("/api/v1/vaults/{hidden}/secrets/{id}"))
            .await
            .text("/data/value"),
        "canary"
    );
}

#[tokio::test]
async fn a_viewer_sees_names_everywhere_values_nowhere_and_writes_nothing() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "here").await;
    let id = secret(&owner, &here, "A", "canary").await;
    let viewer = kluis.user("viewer").await;
    let api = viewer.api();
    let path = format!("/api/v1/vaults/{here}");
    let list = api.get(&format!("{path}/secrets")).await.expect(200);
    assert_eq!(list.at("/data/0/key"), "A");
    assert_eq!(list.at("/data/0/value"), Value::Null);
    api.get(&format!("{path}/secrets/{id}")).await.expect(403);
    api.post(
        &format!("{path}/secrets"),
        json!({"key": "B", "value": "1"}),
    )
    .await
    .expect(403);
    api.patch(&format!("{path}/secrets/{id}"), json!({"value": "1"}))
        .await
        .expect(403);
    api.delete(&format!("{path}/secrets/{id}"))
        .await
        .expect(403);
    api.patch(&path, json!({"name": "mine"})).await.expect(403);
    api.delete(&path).await.expect(403);
    api.post("/api/v1/vaults", json!({"name": "mine"}))
        .await
        .expect(403);
    grant(&owner, &here, &viewer, "**", &["read", "write", "delete"]).await;
    assert_eq!(
        api.get(&format!("{path}/secrets/{id}"))
            .await
            .expect(200)
            .text("/data/value"),
        "canary"
    );
    api.patch(&format!("{path}/secrets/{id}"), json!({"value": "1"}))
        .await
        .expect(403);
}

#[tokio::test]
async fn a_member_works_in_default_in_its_own_vaults_and_where_a_policy_lets_it() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let member = kluis.user("member").await;
    let api = member.api();
    let default = api
        .get("/api/v1/vaults")
        .await
        .expect(200)
        .text("/data/0/id");
    let shared = secret(&api, &default, "SHARED", "1").await;
    let path = format!("/api/v1/vaults/{default}/secrets/{shared}");
    kluis
        .user("member")
        .await
        .api()
        .patch(&path, json!({"value": "2"}))
        .await
        .expect(200);

    let own = vault(&api, "own").await;
    secret(&api, &own, "A", "1").await;
    api.patch(
        &format!("/api/v1/vaults/{own}"),
        json!({"description": "mine"}),
    )
    .await
    .expect(200);
    // Another member does not see it; owners and admins do.
    kluis
        .user("member")
        .await
        .api()
        .get(&format!("/api/v1/vaults/{own}"))
        .await
        .expect(404);
    kluis
        .user("admin")
        .await
        .api()
        .get(&format!("/api/v1/vaults/{own}/secrets"))
        .await
        .expect(200);
    api.delete(&format!("/api/v1/vaults/{own}"))
        .await
        .expect(204);

    let granted = vault(&owner, "granted").await;
    let (open, closed) = (
        secret(&owner, &granted, "open/A", "1").await,
        secret(&owner, &granted, "closed/B", "canary").await,
    );
    grant(&owner, &granted, &member, "open/**", &["read"]).await;
    let seen = api
        .get(&format!("/api/v1/vaults/{granted}"))
        .await
        .expect(200);
    assert_eq!(seen.at("/data/secretCount"), 1);
    let list = api
        .get(&format!("/api/v1/vaults/{granted}/secrets"))
        .await
        .expect(200);
    assert_eq!(list.at("/data/0/key"), "open/A");
    assert_eq!(list.at("/data/1"), Value::Null);
    let secrets = format!("/api/v1/vaults/{granted}/secrets");
    api.get(&format!("{secrets}/{open}")).await.expect(200);
    api.patch(&format!("{secrets}/{open}"), json!({"value": "2"}))
        .await
        .expect(403);
    api.get(&format!("{secrets}/{closed}")).await.expect(404);
    api.patch(&format!("{secrets}/{closed}"), json!({"value": "2"}))
        .await
        .expect(404);
    api.post(&secrets, json!({"key": "closed/B", "value": "2"}))
        .await
        .expect(404);
    api.post(&secrets, json!({"key": "closed/C", "value": "2"}))
        .await
        .expect(404);
    api.post(&secrets, json!({"key": "open/A", "value": "2"}))
        .await
        .expect(403);
    api.delete(&format!("/api/v1/vaults/{granted}"))
        .await
        .expect(403);
}

/// NT-02
#[tokio::test]
async fn who_may_write_and_not_read_never_sees_the_stored_value() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "here").await;
    let id = secret(&owner, &here, "A", "canary-value").await;
    let member = kluis.user("member").await;
    grant(&owner, &here, &member, "**", &["write"]).await;
    let api = member.api();
    let path = format!("/api/v1/vaults/{here}/secrets");
    let list = api.get(&path).await.expect(200);
    assert_eq!(list.at("/data/0/value"), Value::Null);
    api.get(&format!("{path}/{id}")).await.expect(403);
    let patched = api
        .patch(&format!("{path}/{id}"), json!({"notes": "n"}))
        .await
        .expect(200);
    assert_eq!(patched.at("/data/value"), Value::Null);
    let patched = api
        .patch(&format!("{path}/{id}"), json!({"type": "credential"}))
        .await
        .expect(200);
    assert_eq!(patched.at("/data/value"), Value::Null);
    let conflict = api
        .post(&path, json!({"key": "A", "value": "mine"}))
        .await
        .expect(409);
    let wrong = api
        .patch(
            &format!("{path}/{id}"),
            json!({"key": "B", "value": "mine"}),
        )
        .await
        .expect(400);
    for answer in [list, patched, conflict, wrong] {
        assert!(!answer.string().contains("canary"), "{}", answer.string());
    }
    let own = api
        .patch(&format!("{path}/{id}"), json!({"value": "mine"}))
        .await
        .expect(200);
    assert_eq!(own.at("/data/value"), "mine");
}

#[tokio::test]
async fn a_revoked_policy_and_a_changed_role_bite_on_the_next_request() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "here").await;
    let id = secret(&owner, &here, "A", "1").await;
    let member = kluis.user("member").await;
    let api = member.api();
    let path = format!("/api/v1/vaults/{here}/secrets/{id}");
    for _ in 0..5 {
        let policy = grant(&owner, &here, &member, "**", &["read"]).await;
        api.get(&path).await.expect(200);
        let policies = format!("/v1/vaults/{}/policies", uuid_of(&here));
        owner
            .delete(&format!("{policies}/{policy}"))
            .await
            .expect(204);
        api.get(&path).await.expect(404);
    }
    let user = format!("/v1/users/{}", member.id);
    kluis
        .admin_api()
        .patch(&user, json!({"role": "admin"}))
        .await
        .expect(200);
    api.get(&path).await.expect(200);
    kluis
        .admin_api()
        .patch(&user, json!({"role": "viewer"}))
        .await
        .expect(200);
    api.get(&path).await.expect(403);
}

/// NT-07
#[tokio::test]
async fn a_deny_of_equal_or_higher_priority_beats_every_allow_and_an_admins_role() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "here").await;
    let id = secret(&owner, &here, "db/password", "1").await;
    let admin = kluis.user("admin").await;
    let api = admin.api();
    let path = format!("/api/v1/vaults/{here}/secrets/{id}");
    api.get(&path).await.expect(200);
    let deny = json!({
        "secret_path_pattern": "db/*", "principal_type": "user", "principal_id": uuid_of(&admin.id),
        "permissions": ["read"], "effect": "deny", "priority": 5,
    });
    let policies = format!("/v1/vaults/{}/policies", uuid_of(&here));
    owner.post(&policies, deny).await.expect(201);
    api.get(&path).await.expect(403);
    let allow = |priority: u32| {
        json!({
            "secret_path_pattern": "db/password", "principal_type": "user", "principal_id": uuid_of(&admin.id),
            "permissions": ["read"], "priority": priority,
        })
    };
    owner.post(&policies, allow(4)).await.expect(201);
    api.get(&path).await.expect(403);
    owner.post(&policies, allow(5)).await.expect(201);
    api.get(&path).await.expect(403);
    owner.post(&policies, allow(6)).await.expect(201);
    api.get(&path).await.expect(200);
    // Nobody but the vault's maker or an owner writes a policy that names themselves.
    api.post(&policies, allow(9)).await.expect(403);
}

/// NT-02: whoever writes and may not read is shown what it wrote, and nothing else, in whatever member.
#[tokio::test]
async fn a_writer_that_may_not_read_is_shown_neither_value_nor_notes_of_others() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "here").await;
    let path = format!("/api/v1/vaults/{here}/secrets");
    let body = json!({"key": "A", "value": "value canary", "notes": "notes canary"});
    let id = owner.post(&path, body).await.expect(201).text("/data/id");
    let one = format!("{path}/{id}");
    let writer = kluis.user("member").await;
    grant(&owner, &here, &writer, "**", &["write"]).await;
    let body = json!({"name": "w", "scopes": ["database:write"]});
    let scoped = kluis.admin_api().post("/v1/api-keys", body).await;
    let scoped = Api::bearer(kluis.base(), scoped.expect(201).text("/data/key"));
    for api in [&writer.api(), &scoped] {
        api.get(&one).await.expect(403);
        let answer = api.patch(&one, json!({"type": "text"})).await.expect(200);
        assert!(!answer.string().contains("canary"), "{answer}");
        let answer = api.patch(&one, json!({"value": "mine"})).await.expect(200);
        assert_eq!(answer.at("/data/value"), "mine");
        assert_eq!(answer.at("/data/notes"), Value::Null);
        let answer = api.patch(&one, json!({"notes": "mine"})).await.expect(200);
        assert_eq!(answer.at("/data/value"), Value::Null);
        assert_eq!(answer.at("/data/notes"), "mine");
        let body = json!({"value": "value canary", "notes": "notes canary"});
        owner.patch(&one, body).await.expect(200);
    }
    let shown = owner
        .patch(&one, json!({"type": "api_key"}))
        .await
        .expect(200);
    assert_eq!(shown.at("/data/notes"), "notes canary");
}
