//! Upkeep, held to its rules.

use super::*;
use crate::caller::Role;
use crate::secrets::{Expect, Path, SecretAt, SecretWrite, Value};
use crate::testing::{Home, PASSWORD};

async fn count(home: &Home, table: &'static str) -> i64 {
    let mut reader = home.engine.store().reader().await.unwrap();
    let conn = reader.conn().unwrap();
    conn.query_one(table, &[])
        .await
        .unwrap()
        .unwrap()
        .int()
        .unwrap()
}

const SESSIONS: &str = "SELECT COUNT(*) FROM session";
const REFRESH_TOKENS: &str = "SELECT COUNT(*) FROM refresh_token";
const WINDOWS: &str = "SELECT COUNT(*) FROM rate_window";

#[tokio::test]
async fn what_has_ended_is_cleared_away_and_nothing_else() {
    let home = Home::new().await;
    home.user("m@kluis.local", Role::Member).await;
    let tokens = home.login("m@kluis.local", PASSWORD, None).await.unwrap();
    let origin = || crate::testing::origin(&home.clock);
    home.clock.advance(Duration::from_hours(24));
    let engine = &home.engine;
    let tokens = engine
        .session_refresh(tokens.refresh.expose(), origin())
        .await
        .unwrap();
    assert!(home.login("m@kluis.local", "wrong", None).await.is_err());
    engine.upkeep().await.unwrap();
    let left = (
        count(&home, SESSIONS).await,
        count(&home, REFRESH_TOKENS).await,
        count(&home, WINDOWS).await,
    );
    assert_eq!(left, (2, 3, 1));

    // The session that was not refreshed has ended, and the spent token with it.
    home.clock
        .advance(REFRESH_LIFE.saturating_sub(Duration::from_secs(10)));
    engine.upkeep().await.unwrap();
    let left = (
        count(&home, SESSIONS).await,
        count(&home, REFRESH_TOKENS).await,
        count(&home, WINDOWS).await,
    );
    assert_eq!(left, (1, 2, 0));
    engine
        .session_refresh(tokens.refresh.expose(), origin())
        .await
        .unwrap();
    home.clock.advance(Duration::from_secs(20));
    engine.upkeep().await.unwrap();
    assert_eq!(
        count(&home, REFRESH_TOKENS).await,
        2,
        "one spent long ago is forgotten"
    );
}

/// NT-34: what was closed can be restored for 30 days; then it goes, and the record says so.
#[tokio::test]
async fn closed_secrets_go_after_thirty_days() {
    let home = Home::new().await;
    let engine = &home.engine;
    let vault = engine.vault_list(&home.owner).await.unwrap()[0].id;
    let path = |text| Path::parse(text, "path").unwrap();
    for text in ["kept", "restored", "closed"] {
        let write = SecretWrite {
            value: Some(Value::from_text("value".to_owned())),
            ..SecretWrite::new("generic", Expect::Either)
        };
        let at = SecretAt::Path(path(text));
        engine
            .secret_write(&home.owner, vault, at, write)
            .await
            .unwrap();
    }
    for text in ["restored", "closed"] {
        engine
            .secret_close(&home.owner, vault, &path(text))
            .await
            .unwrap();
    }
    home.clock
        .advance(CLOSED_LIFE.saturating_sub(Duration::from_secs(10)));
    engine.upkeep().await.unwrap();
    engine
        .secret_restore(&home.owner, vault, &path("restored"))
        .await
        .unwrap();
    assert!(home.events("secret.purge").await.is_empty());

    home.clock.advance(Duration::from_secs(10));
    for _ in 0..2 {
        engine.upkeep().await.unwrap();
    }
    let listed = engine.secret_list(&home.owner, vault).await.unwrap();
    assert_eq!(listed.len(), 2);
    let restored = engine
        .secret_restore(&home.owner, vault, &path("closed"))
        .await;
    assert!(matches!(restored, Err(Error::NotFound)));
    let purges = home.events("secret.purge").await;
    assert_eq!(purges.len(), 1);
    assert_eq!(
        (purges[0].actor_type.as_str(), purges[0].count()),
        ("server", 1)
    );
    assert_eq!(purges[0].organization, home.owner.organization);
}

/// The work in the background neither outlives the engine nor keeps it.
#[tokio::test]
async fn the_background_ends_with_the_engine() {
    let home = Home::new().await;
    let engine = home.engine.downgrade();
    assert!(engine.upgrade().is_some());
    home.engine.close().await.unwrap();
    drop(home);
    for _ in 0..1_000 {
        if engine.upgrade().is_none() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("something still holds the engine");
}
