//! Sessions, held to their rules.

use super::*;
use crate::caller::Role;
use crate::error::Invalid;
use crate::sightings::Minutes;
use crate::testing::{Home, PASSWORD, origin};
use crate::users::UserChange;

const MEMBER: &str = "member@kluis.local";

async fn refresh(home: &Home, token: &str) -> Result<SessionTokens, Error> {
    let origin = origin(&home.clock);
    home.engine.session_refresh(token, origin).await
}

fn refused<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Unauthenticated))
}

#[tokio::test]
async fn a_login_gives_an_hour() {
    let home = Home::new().await;
    let (user, _) = home.user(MEMBER, Role::Member).await;
    let tokens = home
        .login("MEMBER@Kluis.Local", PASSWORD, None)
        .await
        .unwrap();
    assert_eq!(tokens.user.id, user.id);
    assert_eq!(tokens.expires_in, 3_600);
    assert!(tokens.access.expose().starts_with("cvs_"));
    assert!(tokens.refresh.expose().starts_with("cvr_"));
    home.clock.advance(Duration::from_secs(3_590));
    assert!(home.caller(tokens.access.expose()).await.is_ok());
    home.clock.advance(Duration::from_secs(10));
    assert!(refused(&home.caller(tokens.access.expose()).await));
}

/// NT-28: none of these tells which it was; the record does.
#[tokio::test]
async fn unknown_wrong_and_disabled_are_alike() {
    let home = Home::new().await;
    let (user, _) = home.user(MEMBER, Role::Member).await;
    assert!(refused(
        &home.login("nobody@kluis.local", PASSWORD, None).await
    ));
    assert!(refused(&home.login(MEMBER, "Wrong-Horse-7!", None).await));
    assert!(refused(&home.login(MEMBER, "", None).await));
    assert!(refused(
        &home.login(" member@kluis.local", PASSWORD, None).await
    ));
    let change = UserChange {
        active: Some(false),
        ..UserChange::default()
    };
    home.engine
        .user_update(&home.owner, user.id, change)
        .await
        .unwrap();
    assert!(refused(&home.login(MEMBER, PASSWORD, None).await));

    home.engine.sightings_store(Minutes::All).await.unwrap();
    let failures = home.events(AUTH_FAILURE).await;
    let (known, unknown): (Vec<_>, Vec<_>) = failures
        .iter()
        .partition(|event| event.actor == Some(*user.id.bytes()));
    assert_eq!(known.len(), 3);
    assert!(
        known
            .iter()
            .all(|event| event.organization == user.organization)
    );
    assert_eq!(unknown.iter().map(|event| event.count()).sum::<i64>(), 2);
    assert!(
        failures
            .iter()
            .all(|event| event.outcome == Outcome::Denied)
    );
    assert!(
        failures
            .iter()
            .all(|event| !event.details.contains("nobody"))
    );
    assert_eq!(home.events("auth.success").await.len(), 1);
}

#[tokio::test]
async fn a_refresh_replaces_both_tokens() {
    let home = Home::new().await;
    home.user(MEMBER, Role::Member).await;
    let first = home.login(MEMBER, PASSWORD, None).await.unwrap();
    home.clock.advance(Duration::from_hours(1));
    let second = refresh(&home, first.refresh.expose()).await.unwrap();
    assert!(refused(&home.caller(first.access.expose()).await));
    assert!(home.caller(second.access.expose()).await.is_ok());
    let third = refresh(&home, second.refresh.expose()).await.unwrap();
    assert!(refused(&home.caller(second.access.expose()).await));
    assert!(home.caller(third.access.expose()).await.is_ok());
    for other in ["", "cvr_", third.access.expose()] {
        assert!(refused(&refresh(&home, other).await));
    }
}

/// Whoever uses a copy of a spent token ends the session for everyone (RULES §1).
#[tokio::test]
async fn a_spent_refresh_token_ends_the_family() {
    let home = Home::new().await;
    home.user(MEMBER, Role::Member).await;
    let other = home.login(MEMBER, PASSWORD, None).await.unwrap();
    let first = home.login(MEMBER, PASSWORD, None).await.unwrap();
    let second = refresh(&home, first.refresh.expose()).await.unwrap();
    let third = refresh(&home, second.refresh.expose()).await.unwrap();
    assert!(refused(&refresh(&home, first.refresh.expose()).await));
    assert!(refused(&home.caller(third.access.expose()).await));
    assert!(refused(&refresh(&home, third.refresh.expose()).await));
    assert!(home.caller(other.access.expose()).await.is_ok());
    let failures = home.events(AUTH_FAILURE).await;
    assert_eq!(failures.len(), 1);
    assert!(failures[0].details.contains("refresh_reused"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_refreshes_one_passes_at_most_and_none_goes_on() {
    let home = Home::new().await;
    home.user(MEMBER, Role::Member).await;
    let first = home.login(MEMBER, PASSWORD, None).await.unwrap();
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let engine = home.engine.clone();
        let (token, origin) = (first.refresh.expose().to_owned(), origin(&home.clock));
        set.spawn(async move { engine.session_refresh(&token, origin).await });
    }
    let mut passed = Vec::new();
    for outcome in set.join_all().await {
        match outcome {
            Ok(tokens) => passed.push(tokens),
            Err(error) => assert!(matches!(error, Error::Unauthenticated), "{error:?}"),
        }
    }
    assert_eq!(passed.len(), 1);
    assert!(refused(&home.caller(passed[0].access.expose()).await));
    assert!(refused(&refresh(&home, passed[0].refresh.expose()).await));
}

/// NT-34
#[tokio::test]
async fn a_refresh_token_lives_for_fourteen_days() {
    let home = Home::new().await;
    home.user(MEMBER, Role::Member).await;
    let first = home.login(MEMBER, PASSWORD, None).await.unwrap();
    home.clock
        .advance(REFRESH_LIFE.saturating_sub(Duration::from_secs(10)));
    let second = refresh(&home, first.refresh.expose()).await.unwrap();
    home.clock.advance(REFRESH_LIFE);
    assert!(refused(&refresh(&home, second.refresh.expose()).await));
}

/// NT-32
#[tokio::test]
async fn a_logout_ends_the_session_and_no_other() {
    let home = Home::new().await;
    home.user(MEMBER, Role::Member).await;
    let first = home.login(MEMBER, PASSWORD, None).await.unwrap();
    let second = home.login(MEMBER, PASSWORD, None).await.unwrap();
    let caller = home.caller(first.access.expose()).await.unwrap();
    home.engine.session_delete(&caller).await.unwrap();
    assert!(refused(&home.caller(first.access.expose()).await));
    assert!(refused(&refresh(&home, first.refresh.expose()).await));
    assert!(home.caller(second.access.expose()).await.is_ok());
    assert!(refused(&home.engine.session_delete(&caller).await));
    let key = home.engine.session_delete(&home.owner).await;
    assert!(matches!(key, Err(Error::Invalid(Invalid { .. }))));
}
