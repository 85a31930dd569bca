//! API keys, held to their rules.

use super::*;
use crate::action::Scope;
use crate::testing::Home;

fn new_key(scopes: Option<&[Scope]>, user: Option<UserId>) -> NewApiKey {
    NewApiKey {
        name: " Key ".to_owned(),
        style: KeyStyle::Cloudkeep,
        scopes: scopes.map(|scopes| scopes.iter().copied().collect()),
        user,
        expires_at: None,
    }
}

fn scopes(scopes: Option<&[Scope]>) -> ApiKeyChange {
    ApiKeyChange {
        scopes: Some(scopes.map(|scopes| scopes.iter().copied().collect())),
        ..ApiKeyChange::default()
    }
}

fn forbidden<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Forbidden))
}

fn not_found<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::NotFound))
}

#[tokio::test]
async fn a_key_is_made_changed_rotated_and_revoked() {
    let home = Home::new().await;
    let engine = &home.engine;
    let (_, member) = home.user("m@kluis.local", Role::Member).await;
    let (made, token) = engine
        .api_key_create(&member, new_key(None, None))
        .await
        .unwrap();
    assert_eq!(made.name, "Key");
    let read = engine.api_key_read(&member, made.id).await.unwrap();
    assert_eq!(
        (read.status, read.prefix),
        (ApiKeyStatus::Active, made.prefix.clone())
    );
    assert_eq!(
        engine
            .api_key_list(&member, KeysOf::Caller)
            .await
            .unwrap()
            .len(),
        1
    );

    let end = home.clock.now().after(std::time::Duration::from_mins(1));
    let change = ApiKeyChange {
        name: Some("Other".to_owned()),
        scopes: Some(Some([Scope::DatabaseRead].into_iter().collect())),
        expires_at: Some(Some(end)),
    };
    let changed = engine
        .api_key_update(&member, made.id, change)
        .await
        .unwrap();
    let caller = home.caller(token.expose()).await.unwrap();
    assert_eq!(caller.scopes.unwrap().to_string(), "database:read");
    let untouched = engine.api_key_update(&member, made.id, ApiKeyChange::default());
    let untouched = untouched.await.unwrap();
    assert_eq!(
        (untouched.name, untouched.scopes),
        (changed.name, changed.scopes)
    );
    assert_eq!(untouched.expires_at, Some(end));

    let (rotated, next) = engine.api_key_rotate(&member, made.id).await.unwrap();
    assert_ne!(rotated.prefix, made.prefix);
    assert!(rotated.last_rotated_at.is_some());
    assert!(home.caller(token.expose()).await.is_err());
    assert!(home.caller(next.expose()).await.is_ok());

    home.clock.advance(std::time::Duration::from_mins(1));
    let expired = engine.api_key_read(&member, made.id).await.unwrap();
    assert_eq!(expired.status, ApiKeyStatus::Expired);
    assert!(matches!(
        engine.api_key_rotate(&member, made.id).await,
        Err(Error::Conflict(_))
    ));
    let extended = ApiKeyChange {
        expires_at: Some(None),
        ..ApiKeyChange::default()
    };
    engine
        .api_key_update(&member, made.id, extended)
        .await
        .unwrap();
    assert!(home.caller(next.expose()).await.is_ok());

    engine.api_key_delete(&member, made.id).await.unwrap();
    assert!(home.caller(next.expose()).await.is_err());
    let revoked = engine.api_key_read(&member, made.id).await.unwrap();
    assert_eq!(revoked.status, ApiKeyStatus::Revoked);
    assert!(not_found(&engine.api_key_delete(&member, made.id).await));
    let change = engine
        .api_key_update(&member, made.id, ApiKeyChange::default())
        .await;
    assert!(matches!(change, Err(Error::Conflict(Conflict::State))));
}

/// NT-09: a scoped key reaches no further than its scopes, through the keys it makes or changes.
#[tokio::test]
async fn a_scoped_key_makes_and_changes_keys_within_its_scopes() {
    let home = Home::new().await;
    let engine = &home.engine;
    let (sibling, _) = home.key(&home.owner, None).await;
    let (wide, _) = home
        .key(&home.owner, Some(&[Scope::TeamManage, Scope::LogsRead]))
        .await;
    let own = [Scope::TeamManage, Scope::DatabaseRead];
    let (own_key, token) = home.key(&home.owner, Some(&own)).await;
    let scoped = home.caller(&token).await.unwrap();

    for allowed in [&own[..], &[Scope::DatabaseRead], &[]] {
        assert!(
            engine
                .api_key_create(&scoped, new_key(Some(allowed), None))
                .await
                .is_ok()
        );
    }
    for beyond in [
        None,
        Some(&[Scope::DatabaseWrite][..]),
        Some(&Scope::ALL[..]),
    ] {
        assert!(forbidden(
            &engine.api_key_create(&scoped, new_key(beyond, None)).await
        ));
        assert!(forbidden(
            &engine
                .api_key_update(&scoped, own_key.id, scopes(beyond))
                .await
        ));
    }
    for other in [sibling.id, wide.id] {
        assert!(forbidden(&engine.api_key_rotate(&scoped, other).await));
        assert!(forbidden(&engine.api_key_delete(&scoped, other).await));
        let rename = ApiKeyChange {
            name: Some("Mine".to_owned()),
            ..ApiKeyChange::default()
        };
        assert!(forbidden(
            &engine.api_key_update(&scoped, other, rename).await
        ));
        assert!(forbidden(
            &engine
                .api_key_update(&scoped, other, scopes(Some(&own)))
                .await
        ));
    }
    assert!(engine.api_key_rotate(&scoped, own_key.id).await.is_ok());

    // Without the scope for it, it sees and makes none.
    let (_, token) = home.key(&home.owner, Some(&[Scope::DatabaseRead])).await;
    let reader = home.caller(&token).await.unwrap();
    assert!(forbidden(
        &engine.api_key_list(&reader, KeysOf::Caller).await
    ));
    assert!(forbidden(
        &engine
            .api_key_create(&reader, new_key(Some(&[]), None))
            .await
    ));
    let (_, token) = home.key(&home.owner, Some(&[])).await;
    let nothing = home.caller(&token).await.unwrap();
    assert!(forbidden(
        &engine.api_key_list(&nothing, KeysOf::Caller).await
    ));
    assert!(engine.profile(&nothing).await.is_ok());
}

/// Contract A2: only scopes that the maker's role has can be given.
#[tokio::test]
async fn a_role_bounds_what_its_keys_are_given() {
    let home = Home::new().await;
    for (email, role) in [
        ("admin@kluis.local", Role::Admin),
        ("member@kluis.local", Role::Member),
        ("viewer@kluis.local", Role::Viewer),
    ] {
        let (_, caller) = home.user(email, role).await;
        for scope in Scope::ALL {
            let made = home
                .engine
                .api_key_create(&caller, new_key(Some(&[scope]), None))
                .await;
            let allowed = role.scopes().contains(scope);
            assert_eq!(made.is_ok(), allowed, "{role:?} {scope:?}");
            assert!(allowed || forbidden(&made));
        }
    }
}

/// Keys of others are an owner's with an unscoped credential; NT-10, NT-11: an unknown user or key is never one's own.
#[tokio::test]
async fn keys_of_others_are_an_owners() {
    let home = Home::new().await;
    let engine = &home.engine;
    let (member_user, member) = home.user("member@kluis.local", Role::Member).await;
    let (_, admin) = home.user("admin@kluis.local", Role::Admin).await;
    let (key, _) = home.key(&member, None).await;
    let (_, token) = home.key(&home.owner, Some(&Scope::ALL)).await;
    let scoped = home.caller(&token).await.unwrap();
    let made = engine
        .organization_create(&home.owner, "Elsewhere")
        .await
        .unwrap();
    let password = made.password.expose_text().unwrap();
    let tokens = home.login(&made.email, password, None).await.unwrap();
    let stranger = home.caller(tokens.access.expose()).await.unwrap();

    let absent = ApiKeyId::from_bytes([9; 16]);
    for caller in [&admin, &scoped, &stranger] {
        for id in [key.id, absent] {
            assert!(not_found(&engine.api_key_read(caller, id).await));
            assert!(not_found(
                &engine
                    .api_key_update(caller, id, ApiKeyChange::default())
                    .await
            ));
            assert!(not_found(&engine.api_key_rotate(caller, id).await));
            assert!(not_found(&engine.api_key_delete(caller, id).await));
        }
    }
    let nobody = UserId::from_bytes([9; 16]);
    for user in [member_user.id, nobody] {
        for caller in [&admin, &scoped] {
            assert!(forbidden(
                &engine
                    .api_key_create(caller, new_key(Some(&[]), Some(user)))
                    .await
            ));
            assert!(forbidden(
                &engine.api_key_list(caller, KeysOf::User(user)).await
            ));
        }
    }
    assert!(forbidden(
        &engine.api_key_list(&admin, KeysOf::Organization).await
    ));
    for (caller, user) in [(&home.owner, nobody), (&stranger, member_user.id)] {
        assert!(not_found(
            &engine
                .api_key_create(caller, new_key(None, Some(user)))
                .await
        ));
        assert!(not_found(
            &engine.api_key_list(caller, KeysOf::User(user)).await
        ));
    }

    let (theirs, token) = engine
        .api_key_create(&home.owner, new_key(None, Some(member_user.id)))
        .await
        .unwrap();
    assert_eq!(theirs.user, member_user.id);
    assert_eq!(
        home.caller(token.expose()).await.unwrap().role(),
        Some(Role::Member)
    );
    let listed = engine
        .api_key_list(&home.owner, KeysOf::User(member_user.id))
        .await
        .unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|key| key.user == member_user.id));
    let all = engine
        .api_key_list(&home.owner, KeysOf::Organization)
        .await
        .unwrap();
    assert!(all.len() > listed.len());
    engine.api_key_delete(&home.owner, key.id).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_told() {
    let home = Home::new().await;
    let mut nameless = new_key(None, None);
    nameless.name = " ".to_owned();
    let mut ended = new_key(None, None);
    ended.expires_at = Some(home.clock.now());
    for new in [nameless, ended] {
        let made = home.engine.api_key_create(&home.owner, new).await;
        assert!(matches!(made, Err(Error::Invalid(_))));
    }
}

#[test]
fn styles_are_words_and_prefixes() {
    for style in KeyStyle::ALL {
        assert_eq!(KeyStyle::parse(style.as_str()), Some(style));
    }
    assert_eq!(KeyStyle::parse("Crate"), None);
    let prefixes = KeyStyle::ALL.map(KeyStyle::prefix);
    assert_eq!(prefixes, ["ck_live_", "crt_", "cvk_", "1ck_", "ibk_"]);
}
