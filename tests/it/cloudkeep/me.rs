//! `/api/v1/me`.

use serde_json::json;

use crate::harness::Kluis;

#[tokio::test]
async fn me_is_the_user_behind_the_token() {
    let kluis = Kluis::start().await;
    let me = kluis.owner().get("/api/v1/me").await.expect(200);
    assert_eq!(
        me.members("/data"),
        ["createdAt", "email", "id", "name", "plan"]
    );
    assert_eq!(me.text("/data/email"), "owner@kluis.local");
    assert_eq!(me.text("/data/plan"), "enterprise");
    assert!(me.text("/data/id").starts_with("usr_"));

    let viewer = kluis.user("viewer").await;
    let me = viewer.api().get("/api/v1/me").await.expect(200);
    assert_eq!(me.text("/data/email"), viewer.email);
}

/// CloudKeep contract §3, §4, §5
#[tokio::test]
async fn me_shows_name_plan_and_time_as_they_are() {
    let kluis = Kluis::start().await;
    let admin = kluis.admin_api();
    let member = kluis.user("member").await;
    let api = member.api();
    let me = api.get("/api/v1/me").await.expect(200);
    assert_eq!(me.members(""), ["data"]);
    assert_eq!(me.text("/data/name"), "Some One");
    let id = me.text("/data/id");
    let digits = id.strip_prefix("usr_").unwrap();
    assert!(
        digits.len() == 22 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{id}"
    );
    let at = me.text("/data/createdAt");
    assert!(
        at.ends_with('Z') && at.len() == "2025-01-15T08:30:00Z".len(),
        "{at}"
    );
    let path = format!("/v1/users/{}", member.id);
    for (name, plan) in [("One", "standard"), ("Two", "pro"), ("Three", "enterprise")] {
        let body = json!({"name": name, "plan": plan});
        admin.patch(&path, body).await.expect(200);
        let me = api.get("/api/v1/me").await.expect(200);
        assert_eq!(me.text("/data/name"), name);
        assert_eq!(me.text("/data/plan"), plan);
        assert_eq!(me.text("/data/id"), id);
    }
}
