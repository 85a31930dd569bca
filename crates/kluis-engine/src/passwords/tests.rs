//! Passwords, held to their rules.

use super::*;
use crate::caller::Role;
use crate::testing::{Home, PASSWORD};
use crate::users::UserChange;

const MEMBER: &str = "member@kluis.local";
const NEW: &str = "Battery-Staple-9";

fn secret(text: &str) -> Secret {
    Secret::from_text(text.to_owned())
}

/// NT-31: each of these ends every session at once.
#[tokio::test]
async fn new_passwords_and_disabling_end_sessions() {
    let home = Home::new().await;
    let engine = &home.engine;
    let (user, _) = home.user(MEMBER, Role::Member).await;
    let mut password = PASSWORD.to_owned();
    for number in 0..3 {
        let first = home.login(MEMBER, &password, None).await.unwrap();
        let second = home.login(MEMBER, &password, None).await.unwrap();
        let caller = home.caller(first.access.expose()).await.unwrap();
        match number {
            0 => {
                engine
                    .password_change(&caller, secret(&password), secret(NEW))
                    .await
                    .unwrap();
                assert!(home.login(MEMBER, &password, None).await.is_err());
                NEW.clone_into(&mut password);
            }
            1 => {
                let reset = engine
                    .user_reset_password(&home.owner, user.id)
                    .await
                    .unwrap();
                assert!(home.login(MEMBER, &password, None).await.is_err());
                reset.expose_text().unwrap().clone_into(&mut password);
            }
            _ => {
                for active in [false, true] {
                    let change = UserChange {
                        active: Some(active),
                        ..UserChange::default()
                    };
                    engine
                        .user_update(&home.owner, user.id, change)
                        .await
                        .unwrap();
                }
            }
        }
        for tokens in [first, second] {
            let access = home.caller(tokens.access.expose()).await;
            assert!(matches!(access, Err(Error::Unauthenticated)), "{number}");
            let origin = crate::testing::origin(&home.clock);
            let refreshed = engine
                .session_refresh(tokens.refresh.expose(), origin)
                .await;
            assert!(matches!(refreshed, Err(Error::Unauthenticated)), "{number}");
        }
        assert!(
            home.login(MEMBER, &password, None).await.is_ok(),
            "{number}"
        );
    }
}

#[tokio::test]
async fn the_current_password_is_asked_for() {
    let home = Home::new().await;
    let (_, member) = home.user(MEMBER, Role::Member).await;
    let engine = &home.engine;
    let wrong = engine
        .password_change(&member, secret("Wrong-Horse-7!"), secret(NEW))
        .await;
    assert!(matches!(wrong, Err(Error::Unauthenticated)));
    let weak = engine
        .password_change(&member, secret(PASSWORD), secret("password"))
        .await;
    assert!(matches!(weak, Err(Error::Invalid(_))));
    assert!(home.login(MEMBER, PASSWORD, None).await.is_ok());
    let events = home.events("auth.password_change").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].outcome, crate::Outcome::Denied);
}

#[tokio::test]
async fn passwords_of_others_are_an_owners() {
    let home = Home::new().await;
    let (_, admin) = home.user("admin@kluis.local", Role::Admin).await;
    let (user, member) = home.user(MEMBER, Role::Member).await;
    for caller in [&admin, &member] {
        let reset = home.engine.user_reset_password(caller, user.id).await;
        assert!(matches!(reset, Err(Error::Forbidden)));
    }
    let absent = UserId::from_bytes([9; 16]);
    let reset = home.engine.user_reset_password(&home.owner, absent).await;
    assert!(matches!(reset, Err(Error::NotFound)));
    assert!(home.login(MEMBER, PASSWORD, None).await.is_ok());
}

#[test]
fn the_policy_has_a_longest_password() {
    assert!(require_policy("password", &secret(PASSWORD)).is_ok());
    assert!(require_policy("password", &secret(&format!("Aa1-{}", "x".repeat(1_020)))).is_ok());
    assert!(require_policy("password", &secret(&format!("Aa1-{}", "x".repeat(1_021)))).is_err());
    assert!(require_policy("password", &Secret::new(vec![0xff; 20])).is_err());
}
