//! `/v1/auth/api-keys` (1claw contract §12).

use serde_json::json;

use super::problem;
use crate::harness::{Api, Kluis};

#[tokio::test]
async fn keys_of_ones_own_are_made_listed_and_revoked() {
    let kluis = Kluis::start().await;
    let member = kluis.user("member").await;
    let api = member.api();
    let body =
        json!({"name": "ci", "scopes": ["metadata:read"], "expires_at": "2098-01-01T00:00:00Z"});
    let made = api.post("/v1/auth/api-keys", body).await.expect(201);
    assert_eq!(made.members(""), ["api_key", "key"]);
    let members = [
        "created_at",
        "expires_at",
        "id",
        "is_active",
        "key_prefix",
        "name",
        "scopes",
    ];
    assert_eq!(made.members("/key"), members);
    let token = made.text("/api_key");
    assert!(token.starts_with(&made.text("/key/key_prefix")));
    assert_eq!(token.len(), "1ck_".len() + 43);
    assert_eq!(made.text("/key/key_prefix").len(), 12);
    let key = Api::bearer(kluis.base(), &token);
    key.get("/v1/vaults").await.expect(200);
    problem(&key.get("/v1/auth/api-keys").await, 403);
    let unlimited = api
        .post("/v1/auth/api-keys", json!({"name": "all", "scopes": null}))
        .await;
    let members = unlimited.expect(201).members("/key");
    assert_eq!(
        members,
        ["created_at", "id", "is_active", "key_prefix", "name"]
    );
    let list = api.get("/v1/auth/api-keys").await.expect(200);
    assert!(!list.string().contains(&token));
    let names = |list: &crate::harness::Answer| -> Vec<(String, bool)> {
        let list = list.json();
        let keys = list["keys"].as_array().unwrap().iter();
        keys.map(|key| {
            (
                key["name"].as_str().unwrap().to_owned(),
                key["is_active"] == true,
            )
        })
        .collect()
    };
    let all = |ci| {
        vec![
            ("test".to_owned(), true),
            ("ci".to_owned(), ci),
            ("all".to_owned(), true),
        ]
    };
    assert_eq!(names(&list), all(true));
    let exchanged = kluis
        .anonymous()
        .post("/v1/auth/api-key-token", json!({"api_key": token}))
        .await
        .expect(200);
    let exchanged = Api::bearer(kluis.base(), exchanged.text("/access_token"));
    let one = format!("/v1/auth/api-keys/{}", made.text("/key/id"));
    problem(&kluis.user("member").await.api().delete(&one).await, 404);
    assert!(api.delete(&one).await.expect(204).body.is_empty());
    for dead in [key, exchanged] {
        problem(&dead.get("/v1/vaults").await, 401);
    }
    problem(&api.delete(&one).await, 404);
    assert_eq!(
        names(&api.get("/v1/auth/api-keys").await.expect(200)),
        all(false)
    );
    for wrong in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "n", "scopes": ["*"]}),
        json!({"name": "n", "scopes": "database:read"}),
        json!({"name": "n", "expires_at": "soon"}),
        json!({"name": "n", "expires_at": "2001-01-01T00:00:00Z"}),
    ] {
        problem(&api.post("/v1/auth/api-keys", wrong).await, 400);
    }
}
