//! A resource beside the other APIs (RULES §4): the same secret everywhere, and what becomes of one that cannot be had.

use serde_json::{Value, json};

use super::resources::refused;
use crate::harness::Kluis;

/// A record is the same secret in the other APIs (DESIGN §1, RULES §4).
#[tokio::test]
async fn a_resource_is_the_same_secret_in_the_other_apis() {
    let kluis = Kluis::start().await;
    let (api, bearer) = (kluis.admin_api(), kluis.owner());
    let vaults = bearer.get("/api/v1/vaults").await.expect(200);
    let vault = vaults.text("/data/0/id");
    let secrets = format!("/api/v1/vaults/{vault}/secrets");
    // Sent as text, since what tests make their JSON with puts members in an order of its own.
    let body = br#"{"name":"db","type":"ssh_key","fields":{"host":"h"},"secret":{"user":"u","password":"p\"w"}}"#;
    let json_body = [("content-type", "application/json")];
    let post = "POST".parse().unwrap();
    let made = api.raw(post, "/v1/resources", &json_body, body.to_vec());
    let made = made.await.expect(201);
    let one = format!("/v1/resources/{}", made.text("/data/id"));
    // Named fields are compact JSON with their members in order.
    let text = r#"{"user":"u","password":"p\"w"}"#;
    let listed = bearer.get(&secrets).await.expect(200);
    assert_eq!(listed.text("/data/0/value"), text);
    assert_eq!(listed.text("/data/0/type"), "ssh_key");
    let id = listed.text("/data/0/id");
    assert_eq!(
        id.strip_prefix("sec_"),
        made.text("/data/id").strip_prefix("resource_")
    );
    let uuid = crate::cloudkeep::vaults::uuid_of(&vault);
    let read = bearer
        .get(&format!("/v1/vaults/{uuid}/secrets/db"))
        .await
        .expect(200);
    assert_eq!(read.text("/value"), text);

    // A text through CredVault is one field, and a text that looks like JSON stays a text.
    bearer
        .patch(&format!("{secrets}/{id}"), json!({"value": "{\"a\":1}"}))
        .await
        .expect(200);
    let shown = api.get(&format!("{one}?reveal=true")).await.expect(200);
    assert_eq!(shown.at("/data/secret"), json!({"value": "{\"a\":1}"}));
    assert_eq!(shown.at("/data/fields"), json!({"host": "h"}));
    assert_eq!(shown.at("/data/version"), 2);

    // A type that is not this API's reads as generic.
    bearer
        .patch(&format!("{secrets}/{id}"), json!({"type": "note"}))
        .await
        .expect(200);
    assert_eq!(
        api.get(&one).await.expect(200).text("/data/type"),
        "generic"
    );
    let found = api.get("/v1/resources?type=generic").await.expect(200);
    assert_eq!(found.at("/pagination/total"), 1);

    // Without a secret there is a name, and no value anywhere.
    let empty = api
        .post("/v1/resources", json!({"name": "later"}))
        .await
        .expect(201);
    assert_eq!(empty.at("/data/has_secret"), false);
    assert_eq!(empty.at("/data/version"), 0);
    assert_eq!(empty.text("/data/status"), "active");
    let later = format!("/v1/resources/{}", empty.text("/data/id"));
    refused(
        &api.get(&format!("{later}?reveal=true")).await,
        404,
        "NOT_FOUND",
    );
    let listed = bearer.get(&secrets).await.expect(200);
    assert_eq!(listed.at("/data/1/value"), Value::Null);
    bearer
        .get(&format!("{secrets}/{}", listed.text("/data/1/id")))
        .await
        .expect(404);
    bearer
        .get(&format!("/v1/vaults/{uuid}/secrets/later"))
        .await
        .expect(404);
    bearer
        .get(&format!("/v1/vaults/{uuid}/secrets"))
        .await
        .expect(200);
    let organization = kluis.dev("/organization_id");
    let crate_list = format!("/organization/{organization}/secrets?env=default");
    bearer.get(&crate_list).await.expect(200);
    let put = json!({"value": "now"});
    bearer
        .put(&format!("/v1/vaults/{uuid}/secrets/later"), put)
        .await
        .expect(201);
    let shown = api.get(&format!("{later}?reveal=true")).await.expect(200);
    assert_eq!(shown.at("/data/secret"), json!({"value": "now"}));

    // What 1claw closes is gone here, and its path can be written again.
    bearer
        .delete(&format!("/v1/vaults/{uuid}/secrets/db"))
        .await
        .expect(204);
    refused(&api.get(&one).await, 404, "NOT_FOUND");
    let again = api
        .post("/v1/resources", json!({"name": "db", "secret": {"p": "q"}}))
        .await
        .expect(201);
    assert_eq!(again.text("/data/id"), made.text("/data/id"));
    assert_eq!(again.at("/data/version"), 3);
    assert_eq!(again.at("/data/fields"), json!({}));
}

#[tokio::test]
async fn an_unavailable_secret_shows_its_status_and_is_not_revealed() {
    let kluis = Kluis::start().await;
    let (api, bearer) = (kluis.admin_api(), kluis.owner());
    let vault = crate::cloudkeep::vaults::uuid_of(
        &bearer
            .get("/api/v1/vaults")
            .await
            .expect(200)
            .text("/data/0/id"),
    );
    let put = json!({"value": "v", "max_access_count": 2});
    bearer
        .put(&format!("/v1/vaults/{vault}/secrets/few"), put)
        .await
        .expect(201);
    let id = api
        .get("/v1/resources")
        .await
        .expect(200)
        .text("/data/0/id");
    let one = format!("/v1/resources/{id}");
    let reveal = async || api.get(&format!("{one}?reveal=true")).await;
    // Neither a list nor a change uses a read up.
    api.get("/v1/resources").await.expect(200);
    api.patch(&one, json!({"tags": ["x"]})).await.expect(200);
    reveal().await.expect(200);
    // What lives on in a new version has no more reads left than it had.
    let merged = api
        .patch(&one, json!({"secret": {"more": "m"}}))
        .await
        .expect(200);
    assert_eq!(merged.at("/data/version"), 2);
    assert_eq!(
        reveal().await.expect(200).at("/data/secret"),
        json!({"value": "v", "more": "m"})
    );
    refused(&reveal().await, 404, "NOT_FOUND");
    assert_eq!(
        api.get(&one).await.expect(200).text("/data/status"),
        "expired"
    );
    refused(
        &api.patch(&one, json!({"secret": {"again": "m"}})).await,
        409,
        "CONFLICT",
    );
    // A secret that is wholly another is a new one, with the limit counted afresh.
    api.patch(&one, json!({"secret": {"value": "w", "more": null}}))
        .await
        .expect(200);
    assert_eq!(
        reveal().await.expect(200).at("/data/secret"),
        json!({"value": "w"})
    );
    api.patch(&one, json!({"status": "disabled"}))
        .await
        .expect(200);
    refused(&reveal().await, 404, "NOT_FOUND");
    assert_eq!(
        api.get(&one).await.expect(200).text("/data/status"),
        "disabled"
    );
    api.patch(&one, json!({"status": "active"}))
        .await
        .expect(200);
    assert_eq!(
        api.get(&one).await.expect(200).text("/data/status"),
        "expired"
    );
}
