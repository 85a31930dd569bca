//! `/v1/organizations`.

use serde_json::json;

use crate::harness::{Api, Kluis};

#[tokio::test]
async fn only_the_server_owner_makes_organizations_and_reads_none_of_their_secrets() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let made = admin
        .post("/v1/organizations", json!({"name": "Second"}))
        .await
        .expect(201);
    assert_eq!(made.members("/data/owner"), ["email", "id", "password"]);
    assert_eq!(made.text("/data/name"), "Second");
    let login = json!({"email": made.text("/data/owner/email"), "password": made.text("/data/owner/password")});
    let session = kluis
        .anonymous()
        .post("/v1/auth/login", login)
        .await
        .expect(200);
    let second = Api::bearer(kluis.base(), session.text("/data/access_token"));
    second
        .post("/v1/organizations", json!({"name": "Third"}))
        .await
        .expect(403);
    kluis
        .user("admin")
        .await
        .admin_api()
        .post("/v1/organizations", json!({"name": "Third"}))
        .await
        .expect(403);
    let vault = second
        .post("/api/v1/vaults", json!({"name": "theirs"}))
        .await
        .expect(201)
        .text("/data/id");
    kluis
        .owner()
        .get(&format!("/api/v1/vaults/{vault}"))
        .await
        .expect(404);
    kluis
        .owner()
        .post("/api/v1/vaults", json!({"name": "theirs"}))
        .await
        .expect(201);
    let list = second.get("/api/v1/vaults").await.expect(200).json();
    let names: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vault| vault["name"].clone())
        .collect();
    assert_eq!(names, ["default", "theirs"]);
}
