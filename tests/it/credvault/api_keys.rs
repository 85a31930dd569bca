//! `/v1/api-keys`.

use serde_json::{Value, json};

use crate::harness::{Api, Kluis};

#[tokio::test]
async fn a_key_is_shown_once_in_the_style_asked_for() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    for (style, prefix) in [
        ("cloudkeep", "ck_live_"),
        ("crate", "crt_"),
        ("credvault", "cvk_"),
        ("oneclaw", "1ck_"),
        ("inkbox", "ibk_"),
    ] {
        let body = json!({"name": "ci", "style": style, "expires_in": "30d"});
        let made = admin.post("/v1/api-keys", body).await.expect(201);
        let key = made.text("/data/key");
        assert!(
            key.starts_with(prefix) && key.len() == prefix.len() + 43,
            "{key}"
        );
        assert_eq!(made.text("/data/prefix"), key[..12]);
        assert_eq!(made.text("/data/status"), "active");
        assert_ne!(made.at("/data/expires_at"), Value::Null);
        Api::bearer(kluis.base(), &key)
            .get("/api/v1/me")
            .await
            .expect(200);
        let read = admin
            .get(&format!("/v1/api-keys/{}", made.text("/data/id")))
            .await
            .expect(200);
        assert!(!read.string().contains(&key));
        assert_eq!(
            read.members("/data"),
            [
                "created_at",
                "expires_at",
                "id",
                "last_rotated_at",
                "last_used_at",
                "name",
                "prefix",
                "scopes",
                "status",
                "updated_at"
            ]
        );
    }
    let default = admin
        .post("/v1/api-keys", json!({"name": "plain"}))
        .await
        .expect(201);
    assert!(default.text("/data/key").starts_with("cvk_"));
    assert_eq!(default.at("/data/expires_at"), Value::Null);
}

#[tokio::test]
async fn what_is_wrong_with_a_new_key_is_named() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let missing = admin.post("/v1/api-keys", json!({})).await.expect(400);
    assert_eq!(missing.text("/code"), "MISSING_PARAMETER");
    assert_eq!(
        missing.text("/message"),
        "Required parameter 'name' is missing from request"
    );
    for body in [
        json!({"name": "x", "scopes": ["database:everything"]}),
        json!({"name": "x", "scopes": "database:read"}),
        json!({"name": "x", "style": "vault"}),
        json!({"name": "x", "expires_in": "forever"}),
        json!({"name": "x", "expires_at": "tomorrow"}),
        json!({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}),
        json!({"name": ""}),
    ] {
        let refused = admin.post("/v1/api-keys", body.clone()).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.string());
        assert_eq!(refused.text("/code"), "INVALID_PARAMETER", "{body}");
    }
}

/// NT-09
#[tokio::test]
async fn scopes_are_a_ceiling_in_every_api_and_over_what_a_key_makes() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let vault = kluis
        .owner()
        .post("/api/v1/vaults", json!({"name": "v"}))
        .await
        .expect(201)
        .text("/data/id");
    let secrets = format!("/api/v1/vaults/{vault}/secrets");
    kluis
        .owner()
        .post(&secrets, json!({"key": "A", "value": "1"}))
        .await
        .expect(201);
    let with = async |scopes: Value| {
        let made = admin
            .post("/v1/api-keys", json!({"name": "s", "scopes": scopes}))
            .await
            .expect(201);
        Api::bearer(kluis.base(), made.text("/data/key"))
    };
    let nothing = with(json!([])).await;
    nothing.get("/api/v1/me").await.expect(200);
    nothing.get("/api/v1/vaults").await.expect(403);
    nothing.get(&secrets).await.expect(403);
    nothing.get("/v1/api-keys").await.expect(403);

    let metadata = with(json!(["metadata:read"])).await;
    metadata.get("/api/v1/vaults").await.expect(200);
    metadata.get(&secrets).await.expect(403);

    let read = with(json!(["database:read"])).await;
    read.get(&secrets).await.expect(200);
    read.post(&secrets, json!({"key": "B", "value": "1"}))
        .await
        .expect(403);
    read.get("/v1/users").await.expect(403);
    read.post("/v1/api-keys", json!({"name": "x"}))
        .await
        .expect(403);
    read.get("/v1/audit/events").await.expect(403);

    let write = with(json!(["database:write"])).await;
    let made = write
        .post(&secrets, json!({"key": "B", "value": "1"}))
        .await
        .expect(201);
    let one = format!("{secrets}/{}", made.text("/data/id"));
    write.get(&one).await.expect(403);
    // Writing back is not reading (RULES §4).
    assert_eq!(
        write
            .patch(&one, json!({"notes": "n"}))
            .await
            .expect(200)
            .at("/data/value"),
        Value::Null
    );

    let team = with(json!(["team:manage", "logs:read"])).await;
    team.get("/v1/audit/events").await.expect(200);
    let inner = json!({"name": "inner", "scopes": ["logs:read"]});
    team.post("/v1/api-keys", inner).await.expect(201);
    for wider in [
        json!({"name": "w", "scopes": ["database:read"]}),
        json!({"name": "w"}),
        json!({"name": "w", "scopes": ["team:manage", "logs:read", "settings:modify"]}),
    ] {
        team.post("/v1/api-keys", wider).await.expect(403);
    }
}

#[tokio::test]
async fn a_rotated_key_replaces_the_old_one_at_once() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let made = admin
        .post("/v1/api-keys", json!({"name": "r"}))
        .await
        .expect(201);
    let path = format!("/v1/api-keys/{}", made.text("/data/id"));
    let old = Api::api_key(kluis.base(), made.text("/data/key"));
    old.get("/v1/me").await.expect(200);
    let rotated = admin
        .post(&format!("{path}/rotate"), json!({}))
        .await
        .expect(200);
    old.get("/v1/me").await.expect(401);
    let new = Api::api_key(kluis.base(), rotated.text("/data/key"));
    new.get("/v1/me").await.expect(200);
    let renamed = admin
        .patch(&path, json!({"name": "renamed"}))
        .await
        .expect(200);
    assert_eq!(renamed.text("/data/name"), "renamed");
    let deleted = admin.delete(&path).await.expect(200);
    assert_eq!(deleted.at("/data/deleted"), true);
    new.get("/v1/me").await.expect(401);
}

#[tokio::test]
async fn a_members_keys_are_its_own() {
    let kluis = Kluis::start().await;
    let (one, other) = (kluis.user("member").await, kluis.user("member").await);
    let api = one.admin_api();
    let list = api.get("/v1/api-keys").await.expect(200);
    assert_eq!(list.at("/pagination/total"), 1);
    let theirs = format!("/v1/api-keys/{}", other.key_id);
    api.get(&theirs).await.expect(404);
    api.delete(&theirs).await.expect(404);
    api.post(&format!("{theirs}/rotate"), json!({}))
        .await
        .expect(404);
    other.api().get("/api/v1/me").await.expect(200);
    let for_other = json!({"name": "x", "user_id": other.id});
    let refused = api.post("/v1/api-keys", for_other).await;
    assert!([403, 404].contains(&refused.status), "{}", refused.string());
    api.post("/v1/api-keys", json!({"name": "own"}))
        .await
        .expect(201);
}

/// NT-09: a ceiling is in time too.
#[tokio::test]
async fn a_scoped_key_outlives_its_end_neither_itself_nor_in_another() {
    let kluis = Kluis::start().await;
    let body = json!({"name": "t", "scopes": ["team:manage"], "expires_in": "30d"});
    let made = kluis
        .admin_api()
        .post("/v1/api-keys", body)
        .await
        .expect(201);
    let own = format!("/v1/api-keys/{}", made.text("/data/id"));
    let end = made.text("/data/expires_at");
    let api = Api::api_key(kluis.base(), made.text("/data/key"));
    for change in [
        json!({"expires_at": null}),
        json!({"expires_at": "2098-01-01T00:00:00Z"}),
    ] {
        api.patch(&own, change).await.expect(403);
    }
    for longer in [
        json!({"expires_in": "never"}),
        json!({"expires_at": "2098-01-01T00:00:00Z"}),
    ] {
        let mut body = json!({"name": "n", "scopes": ["team:manage"]});
        body.as_object_mut()
            .unwrap()
            .extend(longer.as_object().unwrap().clone());
        api.post("/v1/api-keys", body).await.expect(403);
    }
    let body = json!({"name": "n", "scopes": ["team:manage"], "expires_at": end});
    api.post("/v1/api-keys", body).await.expect(201);
}
