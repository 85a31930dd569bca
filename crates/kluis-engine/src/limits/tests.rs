//! Plans and guesses, held to their rules.

use std::net::Ipv6Addr;
use std::time::Duration;

use super::*;
use crate::caller::Role;
use crate::testing::{Home, PASSWORD, origin};
use crate::users::UserChange;

async fn standard(home: &Home) -> Caller {
    let (user, _) = home.user("m@kluis.local", Role::Member).await;
    let change = UserChange {
        plan: Some(Plan::Standard),
        ..UserChange::default()
    };
    home.engine
        .user_update(&home.owner, user.id, change)
        .await
        .unwrap();
    let tokens = home.login("m@kluis.local", PASSWORD, None).await.unwrap();
    home.caller(tokens.access.expose()).await.unwrap()
}

/// Run all at once, each in a task of its own.
async fn together<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut set = tokio::task::JoinSet::new();
    for task in tasks {
        set.spawn(task);
    }
    set.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_plan_is_exact_under_concurrency() {
    let home = Home::new().await;
    let caller = standard(&home).await;
    let tasks = (0..200).map(|_| {
        let (engine, caller) = (home.engine.clone(), caller.clone());
        async move { engine.admit(&caller).await }
    });
    let mut remaining = Vec::new();
    for outcome in together(tasks).await {
        match outcome {
            Ok(Admission::Limited {
                limit,
                remaining: left,
                ..
            }) => {
                assert_eq!(limit, 60);
                remaining.push(left);
            }
            Err(Refusal::TooFast {
                limit, retry_after, ..
            }) => {
                assert_eq!(limit, 60);
                assert!((1..=60).contains(&retry_after));
            }
            other => panic!("{other:?}"),
        }
    }
    remaining.sort_unstable();
    assert_eq!(remaining, (0..60).collect::<Vec<_>>());
}

/// A sliding window, not one that is filled up anew: no 60 seconds hold more than the plan (NT-34).
#[tokio::test]
async fn the_window_slides_and_refusals_do_not_count() {
    let home = Home::with(|settings| settings.standard_plan = 3).await;
    let caller = standard(&home).await;
    let admit = async || home.engine.admit(&caller).await;
    assert!(admit().await.is_ok());
    home.clock.advance(Duration::from_secs(40));
    assert!(admit().await.is_ok());
    assert!(admit().await.is_ok());
    for _ in 0..10 {
        let Err(Refusal::TooFast {
            retry_after, reset, ..
        }) = admit().await
        else {
            panic!("a fourth request in 60 seconds");
        };
        assert!((19..=20).contains(&retry_after), "{retry_after}");
        assert!(reset > home.clock.now());
    }
    home.clock.advance(Duration::from_secs(20));
    assert!(admit().await.is_ok());
    assert!(matches!(admit().await, Err(Refusal::TooFast { .. })));
}

/// NT-56
#[tokio::test]
async fn all_keys_of_a_user_count_together_and_others_do_not() {
    let home = Home::with(|settings| settings.standard_plan = 2).await;
    let session = standard(&home).await;
    let (_, token) = home.key(&session, None).await;
    let key = home.caller(&token).await.unwrap();
    assert!(home.engine.admit(&session).await.is_ok());
    assert!(home.engine.admit(&key).await.is_ok());
    assert!(home.engine.admit(&key).await.is_err());
    assert!(home.engine.admit(&session).await.is_err());
    let unlimited = home.engine.admit(&home.owner).await.unwrap();
    assert_eq!(unlimited, Admission::Unlimited);
}

/// NT-28: after 60 failing guesses the next is refused unseen, until the first leaves the window.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn failing_guesses_are_counted_exactly() {
    let home = Home::new().await;
    home.user("m@kluis.local", Role::Member).await;
    let tasks = (0..100).map(|_| {
        let engine = home.engine.clone();
        let origin = origin(&home.clock);
        async move {
            let login = crate::sessions::Login {
                email: "m@kluis.local".to_owned(),
                password: kluis_crypto::Secret::from_text("wrong".to_owned()),
                otp: None,
            };
            engine.session_create(login, origin).await.err().unwrap()
        }
    });
    let outcomes = together(tasks).await;
    let wrong = outcomes
        .iter()
        .filter(|error| matches!(error, Error::Unauthenticated));
    assert_eq!(wrong.count(), 60);
    let limited = outcomes
        .iter()
        .filter(|error| matches!(error, Error::RateLimited { .. }));
    assert_eq!(limited.count(), 40);

    let right = home.login("m@kluis.local", PASSWORD, None).await;
    assert!(matches!(
        right,
        Err(Error::RateLimited {
            retry_after: 1..=60
        })
    ));
    home.clock.advance(Duration::from_mins(1));
    assert!(home.login("m@kluis.local", PASSWORD, None).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn right_guesses_are_never_slowed() {
    let home = Home::new().await;
    home.user("m@kluis.local", Role::Member).await;
    let tasks = (0..150).map(|_| {
        let engine = home.engine.clone();
        let origin = origin(&home.clock);
        async move {
            let login = crate::sessions::Login {
                email: "m@kluis.local".to_owned(),
                password: kluis_crypto::Secret::from_text(PASSWORD.to_owned()),
                otp: None,
            };
            engine.session_create(login, origin).await.map(drop)
        }
    });
    for outcome in together(tasks).await {
        outcome.unwrap();
    }
}

#[test]
fn guessers_are_told_apart_by_what_one_client_has() {
    let of = |text: &str| guesser(Some(text.parse().unwrap()));
    assert_eq!(of("192.0.2.7"), of("::ffff:192.0.2.7"));
    assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:0:1"));
    assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    assert_ne!(
        guesser(None),
        guesser(Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)))
    );
}

#[test]
fn a_hit_counts_for_sixty_seconds() {
    let at = Timestamp::from_millis;
    let mut window = Window(Vec::new());
    window.add(at(1_000));
    let stored = window.write();
    assert_eq!(Window::read(&stored, at(60_999)).count(), 1);
    assert_eq!(Window::read(&stored, at(61_000)).count(), 0);
    assert_eq!(window.reset(at(5_000)), at(61_000));
    // Another node's clock is behind: the order stays, and the hit counts no shorter.
    assert_eq!(window.add(at(900)), 1_000);
    // A clock that was far ahead must not shut a user out when it is set right.
    assert_eq!(Window::read(&stored, at(-60_000)).count(), 0);
    assert_eq!(Window::read(&[1, 2, 3], at(0)).count(), 0);
}

#[test]
fn waiting_is_told_in_whole_seconds() {
    let at = Timestamp::from_millis;
    assert_eq!(seconds_until(at(1_001), at(0)), 2);
    assert_eq!(seconds_until(at(1_000), at(0)), 1);
    assert_eq!(seconds_until(at(0), at(0)), 1);
    assert_eq!(seconds_until(at(0), at(9_000)), 1);
}
