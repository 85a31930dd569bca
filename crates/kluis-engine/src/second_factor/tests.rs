//! The second factor, held to its rules.

use std::time::Duration;

use super::*;
use crate::caller::Role;
use crate::testing::{Home, PASSWORD};

const MEMBER: &str = "member@kluis.local";

/// A user's authenticator.
struct Authenticator(Secret);

impl Authenticator {
    /// From the text that enrolment shows.
    fn new(enrollment: &TotpEnrollment) -> Self {
        let text = enrollment.secret.expose_text().unwrap();
        assert!(enrollment.uri.expose_text().unwrap().contains(text));
        let digits = text.bytes().map(|letter| match letter {
            b'A'..=b'Z' => letter - b'A',
            digit => digit - b'2' + 26,
        });
        let bits: Vec<bool> = digits
            .flat_map(|digit| (0..5).rev().map(move |bit| digit >> bit & 1 == 1))
            .collect();
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
        Self(Secret::new(bits.chunks_exact(8).map(byte).collect()))
    }

    fn code(&self, home: &Home) -> String {
        totp::code(&self.0, home.clock.now().seconds())
    }

    /// The next code that was not used yet.
    fn next(&self, home: &Home) -> String {
        home.clock.advance(Duration::from_secs(30));
        self.code(home)
    }
}

/// A member with a confirmed second factor: the caller, the authenticator, the recovery codes.
async fn member(home: &Home) -> (Caller, Authenticator, Vec<Secret>) {
    let (_, caller) = home.user(MEMBER, Role::Member).await;
    let enrollment = home.engine.totp_enroll(&caller).await.unwrap();
    let authenticator = Authenticator::new(&enrollment);
    let code = authenticator.code(home);
    let recovery = home.engine.totp_confirm(&caller, &code).await.unwrap();
    (caller, authenticator, recovery)
}

fn refused<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Unauthenticated))
}

fn conflicts<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Conflict(Conflict::State)))
}

/// NT-17: a code works once, in any spelling.
#[tokio::test]
async fn a_login_wants_a_code_and_takes_it_once() {
    let home = Home::new().await;
    let (_, authenticator, _) = member(&home).await;
    assert!(refused(&home.login(MEMBER, PASSWORD, None).await));
    assert!(refused(&home.login(MEMBER, PASSWORD, Some("")).await));
    // The code that confirmed the second factor is used up.
    let confirmed = authenticator.code(&home);
    assert!(refused(
        &home.login(MEMBER, PASSWORD, Some(&confirmed)).await
    ));
    let code = authenticator.next(&home);
    // NT-20: a wrong password does not use the code up.
    assert!(refused(
        &home.login(MEMBER, "Wrong-Horse-7!", Some(&code)).await
    ));
    let tokens = home.login(MEMBER, PASSWORD, Some(&code)).await.unwrap();
    assert!(tokens.user.totp);
    for spelling in [code.clone(), format!(" {code}"), format!("{code} ")] {
        assert!(refused(
            &home.login(MEMBER, PASSWORD, Some(&spelling)).await
        ));
    }
    assert!(
        home.login(MEMBER, PASSWORD, Some(&authenticator.next(&home)))
            .await
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_works_once_under_concurrency() {
    let home = std::sync::Arc::new(Home::new().await);
    let (_, authenticator, recovery) = member(&home).await;
    let codes = [
        authenticator.next(&home),
        recovery[0].expose_text().unwrap().to_owned(),
    ];
    for code in codes {
        let mut set = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (home, code) = (home.clone(), code.clone());
            set.spawn(async move { home.login(MEMBER, PASSWORD, Some(&code)).await.is_ok() });
        }
        let passed = set.join_all().await;
        assert_eq!(passed.into_iter().filter(|passed| *passed).count(), 1);
    }
}

#[tokio::test]
async fn each_recovery_code_works_once() {
    let home = Home::new().await;
    let (_, _, recovery) = member(&home).await;
    assert_eq!(recovery.len(), 10);
    for (number, code) in recovery.iter().enumerate() {
        let code = code.expose_text().unwrap();
        let spelled = match number % 3 {
            0 => code.to_owned(),
            1 => code.to_uppercase(),
            _ => code.replace('-', " "),
        };
        assert!(home.login(MEMBER, PASSWORD, Some(&spelled)).await.is_ok());
        assert!(refused(&home.login(MEMBER, PASSWORD, Some(code)).await));
    }
}

#[tokio::test]
async fn it_is_confirmed_by_a_code_and_ended_by_one() {
    let home = Home::new().await;
    let (_, caller) = home.user(MEMBER, Role::Member).await;
    let engine = &home.engine;
    assert!(conflicts(&engine.totp_confirm(&caller, "000000").await));
    assert!(conflicts(&engine.totp_disable(&caller, "000000").await));
    let forgotten = Authenticator::new(&engine.totp_enroll(&caller).await.unwrap());
    let authenticator = Authenticator::new(&engine.totp_enroll(&caller).await.unwrap());
    let old = forgotten.code(&home);
    assert!(refused(&engine.totp_confirm(&caller, &old).await));
    // Not wanted before it is confirmed.
    assert!(home.login(MEMBER, PASSWORD, None).await.is_ok());
    let code = authenticator.code(&home);
    let recovery = engine.totp_confirm(&caller, &code).await.unwrap();
    assert!(conflicts(&engine.totp_enroll(&caller).await));
    assert!(conflicts(
        &engine
            .totp_confirm(&caller, &authenticator.next(&home))
            .await
    ));
    assert!(refused(&engine.totp_disable(&caller, "not a code").await));
    let code = authenticator.next(&home);
    engine.totp_disable(&caller, &code).await.unwrap();
    assert!(home.login(MEMBER, PASSWORD, None).await.is_ok());

    // Old recovery codes do not come back with a new one.
    let again = Authenticator::new(&engine.totp_enroll(&caller).await.unwrap());
    engine
        .totp_confirm(&caller, &again.code(&home))
        .await
        .unwrap();
    let code = recovery[0].expose_text().unwrap();
    assert!(refused(&home.login(MEMBER, PASSWORD, Some(code)).await));
}

#[tokio::test]
async fn a_recovery_code_is_its_users_alone() {
    let home = Home::new().await;
    let (_, _, recovery) = member(&home).await;
    let (_, other) = home.user("other@kluis.local", Role::Member).await;
    let enrollment = home.engine.totp_enroll(&other).await.unwrap();
    let authenticator = Authenticator::new(&enrollment);
    home.engine
        .totp_confirm(&other, &authenticator.code(&home))
        .await
        .unwrap();
    let code = recovery[0].expose_text().unwrap();
    assert!(refused(
        &home.login("other@kluis.local", PASSWORD, Some(code)).await
    ));
    assert!(refused(&home.caller(code).await));
}

/// The sealed secret survives a rotation of the organization's key.
#[tokio::test]
async fn it_outlives_a_rotation() {
    let home = Home::new().await;
    let (_, authenticator, _) = member(&home).await;
    home.engine.organization_keys_rotate().await.unwrap();
    let code = authenticator.next(&home);
    assert!(home.login(MEMBER, PASSWORD, Some(&code)).await.is_ok());
    home.engine.rewrap_all().await.unwrap();
    let code = authenticator.next(&home);
    assert!(home.login(MEMBER, PASSWORD, Some(&code)).await.is_ok());
}

#[test]
fn recovery_codes_are_four_groups_of_four() {
    let code = recovery_code().unwrap();
    let groups: Vec<&str> = code.split('-').collect();
    assert_eq!(groups.len(), 4);
    let digit = |byte: u8| RECOVERY_ALPHABET.contains(&byte);
    assert!(
        groups
            .iter()
            .all(|group| group.len() == 4 && group.bytes().all(digit))
    );
    assert_ne!(*code, *recovery_code().unwrap());
}
