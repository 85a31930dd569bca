//! `/v1/vaults/{vault}/policies`.

use serde_json::{Value, json};

use super::{problem, vault};
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::Kluis;

#[tokio::test]
async fn a_policy_has_exactly_the_documented_members() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/v1/vaults/{}/policies", vault(&owner, "v").await);
    let member = uuid_of(&kluis.user("member").await.id);
    let body = json!({
        "secret_path_pattern": "db/**", "principal_type": "user", "principal_id": member,
        "permissions": ["read"], "conditions": {"ip_allowlist": ["10.0.0.0/8"]},
        "policy_schema_version": 1, "approval_id": null, "tx_conditions": null, "consensus_trigger": {},
        "something_new": true,
    });
    let made = owner.post(&path, body).await.expect(201);
    let members = [
        "conditions",
        "created_at",
        "created_by",
        "created_by_type",
        "id",
        "permissions",
        "principal_id",
        "principal_type",
        "secret_path_pattern",
        "vault_id",
    ];
    assert_eq!(made.members(""), members);
    assert_eq!(
        made.at("/conditions"),
        json!({"ip_allowlist": ["10.0.0.0/8"]})
    );
    assert_eq!(made.text("/created_by_type"), "user");
    assert_eq!(made.text("/created_by"), kluis.dev("/owner/id"));
    let list = owner.get(&path).await.expect(200);
    assert_eq!(list.at("/policies/0"), made.json());

    let one = format!("{path}/{}", made.text("/id"));
    let change = json!({"permissions": ["write"], "effect": "deny", "priority": 3, "expires_at": "2099-01-01T00:00:00Z"});
    let changed = owner.put(&one, change).await.expect(200);
    assert_eq!(changed.at("/permissions"), json!(["write"]));
    assert_eq!(changed.text("/effect"), "deny");
    assert_eq!(changed.at("/priority"), 3);
    assert_eq!(changed.text("/expires_at"), "2099-01-01T00:00:00Z");
    assert_eq!(changed.text("/secret_path_pattern"), "db/**");
    assert!(owner.delete(&one).await.expect(204).body.is_empty());
    problem(&owner.delete(&one).await, 404);
    assert_eq!(
        owner.get(&path).await.expect(200).json(),
        json!({"policies": []})
    );
}

/// NT-50, NT-70
#[tokio::test]
async fn what_cannot_be_evaluated_is_refused_when_it_is_written() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/v1/vaults/{}/policies", vault(&owner, "v").await);
    let member = uuid_of(&kluis.user("member").await.id);
    let good = json!({
        "secret_path_pattern": "**", "principal_type": "user", "principal_id": member,
        "permissions": ["read"],
    });
    let changed = |member: &str, value: Value| {
        let mut body = good.clone();
        body[member] = value;
        body
    };
    for body in [
        json!({}),
        changed("secret_path_pattern", Value::Null),
        changed("secret_path_pattern", json!("")),
        changed("secret_path_pattern", json!("/a")),
        changed("secret_path_pattern", json!("a//b")),
        changed("secret_path_pattern", json!("a**")),
        changed("principal_type", json!("group")),
        changed("principal_id", json!("nobody")),
        changed(
            "principal_id",
            json!("01900000-0000-7000-8000-000000000000"),
        ),
        changed("permissions", json!([])),
        changed("permissions", json!(["read", "admin"])),
        changed("permissions", json!("read")),
        changed("effect", json!("maybe")),
        changed("priority", json!(-1)),
        changed("priority", json!(1.5)),
        changed("expires_at", json!("soon")),
        changed("conditions", json!({"device": "known"})),
        changed("conditions", json!({"ip_allowlist": ["10.0.0.0/33"]})),
        changed("conditions", json!({"ip_allowlist": "10.0.0.1"})),
        changed(
            "conditions",
            json!({"time_window": {"after": "25:00", "before": "20:00"}}),
        ),
        changed(
            "conditions",
            json!({"time_window": {"after": "08:00", "before": "20:00", "timezone": "Mars/Base"}}),
        ),
        changed("attribute_conditions", json!({"risk_verdict_max": "low"})),
        changed("attribute_conditions", json!({"device_known": true})),
        changed("tx_conditions", json!({"amount": 1})),
        changed("consensus_trigger", json!({"n": 2})),
    ] {
        let refused = owner.post(&path, body.clone()).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.string());
        problem(&refused, 400);
    }
    assert_eq!(
        owner.get(&path).await.expect(200).json(),
        json!({"policies": []})
    );
}

#[tokio::test]
async fn policies_are_for_whoever_administers_the_vault() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let theirs = format!("/v1/vaults/{}/policies", vault(&owner, "theirs").await);
    let member = kluis.user("member").await;
    let api = member.api();
    problem(&api.get(&theirs).await, 403);
    problem(
        &api.get("/v1/vaults/01900000-0000-7000-8000-000000000000/policies")
            .await,
        404,
    );
    problem(&api.get("/v1/vaults/not-an-id/policies").await, 404);
    problem(&kluis.stranger().await.api().get(&theirs).await, 404);
    problem(&kluis.user("viewer").await.api().get(&theirs).await, 403);
    let own = format!("/v1/vaults/{}/policies", vault(&api, "own").await);
    let other = uuid_of(&kluis.user("member").await.id);
    let body = json!({
        "secret_path_pattern": "**", "principal_type": "user", "principal_id": other,
        "permissions": ["read"],
    });
    api.post(&own, body).await.expect(201);
}

#[tokio::test]
async fn conditions_hold_on_every_read() {
    let kluis = Kluis::start_with(&["--test-clock"]).await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    let policies = format!("/v1/vaults/{id}/policies");
    let secrets = format!("/api/v1/vaults/{id}/secrets");
    let secret = owner
        .post(&secrets, json!({"key": "A", "value": "1"}))
        .await
        .expect(201);
    let one = format!("{secrets}/{}", secret.text("/data/id"));
    for (conditions, status) in [
        (json!({"ip_allowlist": ["127.0.0.1"]}), 200),
        (json!({"ip_allowlist": ["127.0.0.0/8", "10.0.0.1"]}), 200),
        (json!({"ip_allowlist": ["::ffff:127.0.0.1"]}), 200),
        (json!({"ip_allowlist": ["10.0.0.0/8"]}), 404),
        (json!({"environment_in": ["production"]}), 404),
        (
            json!({"time_window": {"after": "00:00", "before": "23:59", "timezone": "UTC"}}),
            200,
        ),
    ] {
        let member = kluis.user("member").await;
        let body = json!({
            "secret_path_pattern": "**", "principal_type": "user", "principal_id": uuid_of(&member.id),
            "permissions": ["read"], "conditions": conditions,
        });
        owner.post(&policies, body).await.expect(201);
        let answer = member.api().get(&one).await;
        assert_eq!(answer.status, status, "{conditions}: {}", answer.string());
        // NT-52: a header of the client's own changes nothing.
        let spoofed = member
            .api()
            .with("x-forwarded-for", "10.0.0.1")
            .get(&one)
            .await;
        assert_eq!(spoofed.status, status, "{conditions}");
    }
}
