//! `/v1/vaults`.

use reqwest::Method;
use serde_json::json;

use super::{problem, vault};
use crate::harness::Kluis;

#[tokio::test]
async fn a_vault_taken_over_has_no_maker() {
    let kluis = Kluis::start().await;
    let member = kluis.user("member").await;
    let api = member.api();
    let id = vault(&api, "prod").await;
    let path = format!("/v1/vaults/{id}/take-over");
    // Not by its maker, nor by one who cannot see it.
    problem(&api.post(&path, json!({})).await, 403);
    problem(
        &kluis
            .user("member")
            .await
            .api()
            .post(&path, json!({}))
            .await,
        403,
    );
    problem(
        &kluis.stranger().await.api().post(&path, json!({})).await,
        404,
    );
    let admin = kluis.user("admin").await.api();
    let taken = admin.post(&path, json!({})).await.expect(200);
    assert_eq!(
        taken.members(""),
        [
            "created_at",
            "created_by",
            "created_by_type",
            "description",
            "id",
            "name"
        ]
    );
    assert_eq!(taken.text("/id"), id);
    assert_eq!(taken.text("/name"), "prod");
    assert_eq!(taken.text("/created_by_type"), "user");
    // Who made it is told, and counts no more.
    assert_eq!(
        taken.text("/created_by"),
        crate::cloudkeep::vaults::uuid_of(&member.id)
    );
    api.get(&format!("/api/v1/vaults/{id}")).await.expect(404);
    problem(&api.get(&format!("/v1/vaults/{id}/policies")).await, 403);
    admin
        .get(&format!("/v1/vaults/{id}/policies"))
        .await
        .expect(200);
}

/// C3: a request that needs no body may announce one and send none.
#[tokio::test]
async fn an_empty_body_is_no_body_and_a_broken_one_is_refused() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/v1/vaults/{}/take-over", vault(&owner, "v").await);
    let send = async |content_type: &str, body: &str| {
        let headers = [("content-type", content_type)];
        owner
            .raw(Method::POST, &path, &headers, body.as_bytes().to_vec())
            .await
    };
    send("application/json", "").await.expect(200);
    send("text/plain", "").await.expect(200);
    send("application/json", r#"{"unknown":[1,{"a":null}]}"#)
        .await
        .expect(200);
    owner.send(Method::POST, &path, None).await.expect(200);
    for (content_type, body) in [
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", "nothing"),
        ("text/plain", "{}"),
    ] {
        problem(&send(content_type, body).await, 400);
    }
}

/// §5
#[tokio::test]
async fn a_vault_is_made_seen_and_deleted() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let body = json!({"name": " staging ", "mpc_custody": null});
    let made = owner.post("/v1/vaults", body).await.expect(201);
    let members = [
        "created_at",
        "created_by",
        "created_by_type",
        "description",
        "id",
        "name",
    ];
    assert_eq!(made.members(""), members);
    assert_eq!(made.text("/name"), "staging");
    assert_eq!(made.text("/description"), "");
    assert_eq!(made.text("/created_by"), kluis.dev("/owner/id"));
    assert_eq!(made.text("/created_by_type"), "user");
    let one = format!("/v1/vaults/{}", made.text("/id"));
    assert_eq!(owner.get(&one).await.expect(200).json(), made.json());
    let list = owner.get("/v1/vaults").await.expect(200);
    assert_eq!(list.members(""), ["vaults"]);
    assert_eq!(list.text("/vaults/0/name"), "default");
    assert_eq!(list.at("/vaults/1"), made.json());
    problem(
        &owner.post("/v1/vaults", json!({"name": "staging"})).await,
        409,
    );
    for wrong in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "  "}),
        json!({"name": "x".repeat(256)}),
        json!({"name": 1}),
        json!({"name": "__mine"}),
        json!({"name": "n", "description": 1}),
    ] {
        problem(&owner.post("/v1/vaults", wrong).await, 400);
    }
    let member = kluis.user("member").await.api();
    problem(&member.get(&one).await, 403);
    problem(&member.delete(&one).await, 403);
    problem(&kluis.stranger().await.api().get(&one).await, 404);
    problem(&kluis.anonymous().get(&one).await, 401);
    assert!(owner.delete(&one).await.expect(204).body.is_empty());
    problem(&owner.get(&one).await, 404);
    problem(&owner.get("/v1/vaults/no-uuid").await, 404);
    problem(
        &owner
            .delete(&format!("/v1/vaults/{}", list.text("/vaults/0/id")))
            .await,
        409,
    );
}
