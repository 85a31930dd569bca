//! `/api/v1/me`.

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
