//! From a credential to a caller, held to its rules.

use std::time::Duration;

use super::*;
use crate::api_keys::{ApiKeyChange, KeyStyle, KeysOf, NewApiKey};
use crate::testing::{Home, PASSWORD, origin};
use crate::users::UserChange;

fn refused(outcome: &Result<Caller, Error>) -> bool {
    matches!(outcome, Err(Error::Unauthenticated))
}

#[tokio::test]
async fn a_key_of_any_style_is_its_user() {
    let home = Home::new().await;
    let (user, member) = home.user("m@kluis.local", Role::Member).await;
    for style in KeyStyle::ALL {
        let new = NewApiKey {
            name: "Key".to_owned(),
            style,
            scopes: None,
            user: None,
            expires_at: None,
        };
        let (key, token) = home.engine.api_key_create(&member, new).await.unwrap();
        let token = token.expose();
        assert!(token.starts_with(style.prefix()) && token.starts_with(&key.prefix));
        assert_eq!(key.prefix.len(), 12);
        for accepts in [Accepts::ApiKeysOnly, Accepts::ApiKeysAndSessions] {
            let origin = origin(&home.clock);
            let caller = home
                .engine
                .authenticate(token, accepts, origin)
                .await
                .unwrap();
            let found = caller.user().unwrap();
            assert_eq!((found.id, found.role), (user.id, Role::Member));
            assert!(!found.server_owner);
            assert_eq!(caller.credential, Credential::ApiKey(key.id));
            assert_eq!(caller.organization, home.owner.organization);
            assert_eq!(caller.scopes, None);
        }
    }
}

#[tokio::test]
async fn a_session_is_none_where_only_keys_are_taken() {
    let home = Home::new().await;
    home.user("m@kluis.local", Role::Member).await;
    let tokens = home.login("m@kluis.local", PASSWORD, None).await.unwrap();
    let access = tokens.access.expose();
    assert!(home.caller(access).await.is_ok());
    let origin = origin(&home.clock);
    let only_keys = home
        .engine
        .authenticate(access, Accepts::ApiKeysOnly, origin);
    assert!(refused(&only_keys.await));
    assert!(refused(&home.caller(tokens.refresh.expose()).await));
}

/// NT-34: a key works until the last millisecond of its time.
#[tokio::test]
async fn a_key_ends_with_its_time() {
    let home = Home::new().await;
    let (key, token) = home.key(&home.owner, None).await;
    let end = home.clock.now().after(Duration::from_hours(1));
    let change = ApiKeyChange {
        expires_at: Some(Some(end)),
        ..ApiKeyChange::default()
    };
    home.engine
        .api_key_update(&home.owner, key.id, change)
        .await
        .unwrap();
    home.clock.advance(Duration::from_secs(3_590));
    assert!(home.caller(&token).await.is_ok());
    home.clock.advance(Duration::from_secs(10));
    assert!(refused(&home.caller(&token).await));
}

/// NT-32, NT-35: what is revoked, disabled or deleted is refused on the very next request.
#[tokio::test]
async fn nothing_outlives_its_end() {
    let home = Home::new().await;
    let (user, member) = home.user("m@kluis.local", Role::Member).await;
    let (key, revoked) = home.key(&member, None).await;
    home.engine.api_key_delete(&member, key.id).await.unwrap();
    assert!(refused(&home.caller(&revoked).await));

    let (_, token) = home.key(&member, None).await;
    let set = async |active| {
        let change = UserChange {
            active: Some(active),
            ..UserChange::default()
        };
        home.engine
            .user_update(&home.owner, user.id, change)
            .await
            .unwrap();
    };
    set(false).await;
    assert!(refused(&home.caller(&token).await));
    set(true).await;
    assert!(home.caller(&token).await.is_ok());
    assert!(refused(&home.caller(&revoked).await));

    home.engine.user_delete(&home.owner, user.id).await.unwrap();
    assert!(refused(&home.caller(&token).await));
    home.user("m@kluis.local", Role::Member).await;
    assert!(refused(&home.caller(&token).await));
}

#[tokio::test]
async fn only_the_token_itself_is_the_credential() {
    let home = Home::new().await;
    let (_, token) = home.key(&home.owner, None).await;
    for other in [
        String::new(),
        format!("{token} "),
        token.to_uppercase(),
        token.replace("cvk_", "ck_live_"),
        token.chars().rev().collect(),
        "cvs_".to_owned(),
    ] {
        assert!(refused(&home.caller(&other).await), "{other}");
    }
}

#[tokio::test]
async fn a_sealed_server_knows_nobody() {
    let home = Home::new().await;
    let (_, token) = home.key(&home.owner, None).await;
    home.engine.seal();
    assert!(matches!(
        home.caller(&token).await,
        Err(Error::Unavailable(_))
    ));
}

#[tokio::test]
async fn a_new_server_has_an_owner_with_a_key_per_api() {
    let home = Home::new().await;
    let keys = home
        .engine
        .api_key_list(&home.owner, KeysOf::Caller)
        .await
        .unwrap();
    for style in KeyStyle::ALL {
        assert_eq!(keys.iter().filter(|key| key.style == style).count(), 1);
    }
    let user = home.owner.user().unwrap();
    assert_eq!((user.role, user.server_owner), (Role::Owner, true));
}
