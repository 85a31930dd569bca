//! `kluis user` and `kluis token`

use super::{json_of, run};
use crate::harness::{Api, Kluis};

#[tokio::test]
async fn a_user_is_made_changed_locked_out_and_deleted() {
    let kluis = Kluis::start().await;
    let made = json_of(
        &kluis,
        &["user", "create", "ada@example.test", "--name", "Ada"],
    );
    assert_eq!(made["role"], "member");
    let first = made["password"].as_str().unwrap().to_owned();
    let login = |password: String| {
        let base = kluis.base();
        async move {
            let body = serde_json::json!({"email": "ada@example.test", "password": password});
            Api::anonymous(base).post("/v1/auth/login", body).await
        }
    };
    login(first.clone()).await.expect(200);
    let changed = json_of(
        &kluis,
        &["user", "update", "Ada@example.test", "--role", "viewer"],
    );
    assert_eq!(changed["role"], "viewer");
    assert_eq!(changed["name"], "Ada");
    let id = changed["id"].as_str().unwrap();
    assert_eq!(
        json_of(&kluis, &["user", "show", id])["email"],
        "ada@example.test"
    );

    let reset = json_of(&kluis, &["user", "reset-password", "ada@example.test"]);
    let second = reset["password"].as_str().unwrap().to_owned();
    login(first).await.expect(401);
    login(second.clone()).await.expect(200);
    run(
        &kluis,
        &["user", "update", "ada@example.test", "--status", "disabled"],
    )
    .well();
    login(second).await.expect(401);

    run(&kluis, &["user", "update", "ada@example.test"]).failed(2);
    run(
        &kluis,
        &["user", "update", "ada@example.test", "--role", "king"],
    )
    .failed(2)
    .told(&["role"]);
    run(&kluis, &["user", "delete", "ada@example.test"])
        .failed(2)
        .told(&["nobody confirmed it"]);
    run(&kluis, &["user", "delete", "ada@example.test", "--yes"]).well();
    run(&kluis, &["user", "show", "ada@example.test"])
        .failed(5)
        .told(&["kluis user list"]);
}

#[tokio::test]
async fn a_key_is_replaced_and_the_old_one_is_dead() {
    let kluis = Kluis::start().await;
    let made = json_of(
        &kluis,
        &["token", "create", "ci", "--scope", "database:read"],
    );
    let (id, old) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let rotated = run(&kluis, &["token", "rotate", id])
        .well()
        .told(&["shown this once"]);
    let base = kluis.base();
    Api::bearer(base.clone(), old)
        .get("/v1/me")
        .await
        .expect(401);
    let me = Api::bearer(base, &rotated.stdout)
        .get("/v1/me")
        .await
        .expect(200);
    assert_eq!(me.at("/data/scopes"), serde_json::json!(["database:read"]));
    let shown = json_of(&kluis, &["token", "show", id]);
    assert_eq!(shown["name"], "ci");
    assert!(!shown.to_string().contains(&rotated.stdout));
    run(&kluis, &["token", "rotate", "key_0000000000000000000000"])
        .failed(5)
        .told(&["kluis token list"]);
}
