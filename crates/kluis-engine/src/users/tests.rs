//! Users, held to their rules.

use super::*;
use crate::action::Scope;
use crate::policy::{Effect, Glob, Permission, PermissionSet, PolicyPrincipal};
use crate::testing::{Home, OWNER, PASSWORD, origin};
use crate::vaults::NewVault;
use crate::{Accepts, NewPolicy};

fn new_user(email: &str, role: Option<Role>) -> NewUser {
    NewUser {
        email: email.to_owned(),
        name: None,
        password: None,
        role,
        plan: None,
    }
}

fn role(role: Role) -> UserChange {
    UserChange {
        role: Some(role),
        ..UserChange::default()
    }
}

fn disabled() -> UserChange {
    UserChange {
        active: Some(false),
        ..UserChange::default()
    }
}

/// An owner of another organization.
async fn stranger(home: &Home) -> Caller {
    let made = home
        .engine
        .organization_create(&home.owner, "Elsewhere")
        .await
        .unwrap();
    let password = made.password.expose_text().unwrap();
    let tokens = home.login(&made.email, password, None).await.unwrap();
    home.caller(tokens.access.expose()).await.unwrap()
}

#[tokio::test]
async fn a_user_made_without_a_password_gets_one() {
    let home = Home::new().await;
    let new = new_user("New.User@Kluis.Local", None);
    let (user, password) = home.engine.user_create(&home.owner, new).await.unwrap();
    assert_eq!(user.email, "new.user@kluis.local");
    assert_eq!(user.name, "new.user");
    assert_eq!((user.role, user.plan), (Role::Member, Plan::Enterprise));
    let password = password.unwrap();
    let tokens = home
        .login(&user.email, password.expose_text().unwrap(), None)
        .await
        .unwrap();
    assert_eq!(tokens.user.id, user.id);
}

/// NT-15, NT-16: one identity per address, whatever its spelling and organization.
#[tokio::test]
async fn an_address_is_taken_once_on_the_server() {
    let home = Home::new().await;
    let stranger = stranger(&home).await;
    for caller in [&home.owner, &stranger] {
        for email in [OWNER, "OWNER@kluis.LOCAL"] {
            let taken = home.engine.user_create(caller, new_user(email, None)).await;
            assert!(matches!(taken, Err(Error::Conflict(Conflict::Exists))));
        }
    }
}

#[test]
fn addresses_are_plain() {
    for good in ["a@b", "a.b+c@x-1.example.com", "OWNER@Kluis.Local"] {
        assert_eq!(email_address(good).unwrap(), good.to_lowercase());
    }
    let long = format!("{}@b", "a".repeat(65));
    for bad in [
        "",
        "a",
        "@",
        "a@",
        "@b",
        "a@b@c",
        " a@b",
        "a@b ",
        "a b@c",
        "a@b..c",
        "a.@b",
        ".a@b",
        "a@b.",
        "a@b\n",
        "\u{212a}@b",
        "a@\u{0435}.com",
        "a\u{200b}@b",
        "\"a\"@b",
        "<a@b>",
        &long,
    ] {
        assert!(email_address(bad).is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_is_made() {
    let home = Home::new().await;
    let mut weak = new_user("a@kluis.local", None);
    weak.password = Some(Secret::from_text("Short-1".to_owned()));
    let mut nameless = new_user("a@kluis.local", None);
    nameless.name = Some("  ".to_owned());
    for new in [weak, nameless, new_user("a", None)] {
        let outcome = home.engine.user_create(&home.owner, new).await;
        assert!(matches!(outcome, Err(Error::Invalid(_))));
    }
    assert_eq!(home.engine.user_list(&home.owner).await.unwrap().len(), 1);
}

/// RULES §2: admins make and change members and viewers only, see all; members and viewers see themselves.
#[tokio::test]
async fn roles_decide_over_users() {
    let home = Home::new().await;
    let owner = home.owner.user().unwrap().id;
    let (admin_user, admin) = home.user("admin@kluis.local", Role::Admin).await;
    let (member_user, member) = home.user("member@kluis.local", Role::Member).await;
    let (_, viewer) = home.user("viewer@kluis.local", Role::Viewer).await;
    let engine = &home.engine;

    assert_eq!(engine.user_list(&admin).await.unwrap().len(), 4);
    for caller in [&member, &viewer] {
        let own = caller.user().unwrap().id;
        let listed = engine.user_list(caller).await.unwrap();
        assert_eq!(listed.iter().map(|user| user.id).collect::<Vec<_>>(), [own]);
        assert_eq!(engine.user_read(caller, own).await.unwrap().id, own);
        let absent = UserId::from_bytes([9; 16]);
        for other in [owner, absent] {
            let read = engine.user_read(caller, other).await;
            assert!(matches!(read, Err(Error::Hidden)));
            let changed = engine.user_update(caller, other, role(Role::Owner)).await;
            assert!(matches!(changed, Err(Error::Hidden)));
        }
        let promoted = engine.user_update(caller, own, role(Role::Owner)).await;
        assert!(matches!(promoted, Err(Error::Forbidden)));
        let deleted = engine.user_delete(caller, own).await;
        assert!(matches!(deleted, Err(Error::Forbidden)));
        let made = engine
            .user_create(caller, new_user("x@kluis.local", None))
            .await;
        assert!(matches!(made, Err(Error::Forbidden)));
    }

    for given in [Role::Admin, Role::Owner] {
        let made = engine
            .user_create(&admin, new_user("x@kluis.local", Some(given)))
            .await;
        assert!(matches!(made, Err(Error::Forbidden)));
        let promoted = engine
            .user_update(&admin, member_user.id, role(given))
            .await;
        assert!(matches!(promoted, Err(Error::Forbidden)));
    }
    for target in [owner, admin_user.id] {
        let demoted = engine.user_update(&admin, target, role(Role::Viewer)).await;
        assert!(matches!(demoted, Err(Error::Forbidden)));
        assert!(matches!(
            engine.user_delete(&admin, target).await,
            Err(Error::Forbidden)
        ));
        assert!(engine.user_read(&admin, target).await.is_ok());
    }
    let made = engine
        .user_create(&admin, new_user("y@kluis.local", Some(Role::Viewer)))
        .await;
    let (made, _) = made.unwrap();
    engine
        .user_update(&admin, made.id, role(Role::Member))
        .await
        .unwrap();
    engine.user_delete(&admin, made.id).await.unwrap();
    assert!(matches!(
        engine.user_read(&admin, made.id).await,
        Err(Error::NotFound)
    ));
}

/// NT-10
#[tokio::test]
async fn another_organizations_user_is_not_there() {
    let home = Home::new().await;
    let stranger = stranger(&home).await;
    let (user, _) = home.user("member@kluis.local", Role::Member).await;
    let engine = &home.engine;
    assert!(matches!(
        engine.user_read(&stranger, user.id).await,
        Err(Error::NotFound)
    ));
    let changed = engine.user_update(&stranger, user.id, disabled()).await;
    assert!(matches!(changed, Err(Error::NotFound)));
    assert!(matches!(
        engine.user_delete(&stranger, user.id).await,
        Err(Error::NotFound)
    ));
    let reset = engine.user_reset_password(&stranger, user.id).await;
    assert!(matches!(reset, Err(Error::NotFound)));
    assert_eq!(engine.user_list(&stranger).await.unwrap().len(), 1);
    assert!(home.login(&user.email, PASSWORD, None).await.is_ok());
}

/// NT-09: users are an unscoped credential's.
#[tokio::test]
async fn a_scoped_key_sees_no_users() {
    let home = Home::new().await;
    let (_, token) = home.key(&home.owner, Some(&Scope::ALL)).await;
    let scoped = home.caller(&token).await.unwrap();
    assert!(matches!(
        home.engine.user_list(&scoped).await,
        Err(Error::Forbidden)
    ));
    let made = home
        .engine
        .user_create(&scoped, new_user("x@kluis.local", None))
        .await;
    assert!(matches!(made, Err(Error::Forbidden)));
}

#[tokio::test]
async fn the_last_active_owner_stays() {
    let home = Home::new().await;
    let owner = home.owner.user().unwrap().id;
    let engine = &home.engine;
    let last =
        |outcome: Result<(), Error>| matches!(outcome, Err(Error::Conflict(Conflict::LastOwner)));
    let (second, _) = home.user("second@kluis.local", Role::Owner).await;
    engine
        .user_update(&home.owner, second.id, disabled())
        .await
        .unwrap();
    assert!(last(
        engine
            .user_update(&home.owner, owner, role(Role::Admin))
            .await
            .map(drop)
    ));
    assert!(last(
        engine
            .user_update(&home.owner, owner, disabled())
            .await
            .map(drop)
    ));
    assert!(last(engine.user_delete(&home.owner, owner).await));
    let renamed = UserChange {
        name: Some("Boss".to_owned()),
        role: Some(Role::Owner),
        plan: Some(Plan::Pro),
        active: Some(true),
    };
    engine
        .user_update(&home.owner, owner, renamed)
        .await
        .unwrap();
    // The disabled one is no obstacle, and counts again once enabled.
    engine
        .user_update(&home.owner, second.id, role(Role::Member))
        .await
        .unwrap();
    let back = UserChange {
        active: Some(true),
        ..role(Role::Owner)
    };
    engine
        .user_update(&home.owner, second.id, back)
        .await
        .unwrap();
    engine.user_delete(&home.owner, owner).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn owners_who_remove_each_other_leave_one() {
    let home = Home::new().await;
    let mut owners = vec![home.owner.clone()];
    for number in 0..7 {
        let email = format!("owner{number}@kluis.local");
        owners.push(home.user(&email, Role::Owner).await.1);
    }
    let mut set = tokio::task::JoinSet::new();
    for (number, caller) in owners.iter().enumerate() {
        let (engine, caller) = (home.engine.clone(), caller.clone());
        let victim = owners[(number + 1) % owners.len()].user().unwrap().id;
        set.spawn(async move {
            match number % 3 {
                0 => engine.user_delete(&caller, victim).await,
                1 => engine
                    .user_update(&caller, victim, disabled())
                    .await
                    .map(drop),
                _ => engine
                    .user_update(&caller, victim, role(Role::Viewer))
                    .await
                    .map(drop),
            }
        });
    }
    let outcomes = set.join_all().await;
    let kept = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(Error::Conflict(Conflict::LastOwner))));
    assert_eq!(kept.count(), 1);
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        owners.len() - 1
    );
}

/// RULES §5: keys, sessions and policies go; what it made stays, without a maker.
#[tokio::test]
async fn a_deleted_user_leaves_nothing_that_acts() {
    let home = Home::new().await;
    let engine = &home.engine;
    let (user, member) = home.user("member@kluis.local", Role::Member).await;
    let (_, token) = home.key(&member, None).await;
    let made = NewVault {
        name: "mine".to_owned(),
        description: String::new(),
    };
    let vault = engine.vault_create(&member, made).await.unwrap();
    let (other, _) = home.user("other@kluis.local", Role::Member).await;
    let policy = |user| NewPolicy {
        pattern: Glob::parse("**").unwrap(),
        principal: PolicyPrincipal::User(user),
        permissions: [Permission::Read].into_iter().collect::<PermissionSet>(),
        effect: Effect::Allow,
        priority: 0,
        conditions: crate::Conditions::default(),
        attribute_conditions: crate::AttributeConditions::default(),
        expires_at: None,
    };
    for user in [user.id, other.id] {
        engine
            .policy_create(&home.owner, vault.id, policy(user))
            .await
            .unwrap();
    }
    engine.user_delete(&home.owner, user.id).await.unwrap();

    let origin = origin(&home.clock);
    let key = engine
        .authenticate(&token, Accepts::ApiKeysOnly, origin)
        .await;
    assert!(matches!(key, Err(Error::Unauthenticated)));
    let left = engine.policy_list(&home.owner, vault.id).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].principal, PolicyPrincipal::User(other.id));
    let kept = engine.vault_read(&home.owner, vault.id).await.unwrap();
    assert_eq!(kept.created_by, PolicyPrincipal::User(user.id));
    // Its old session's caller, on a request that was already past the door, is not the maker any more.
    let renamed = crate::VaultChange {
        name: Some("still mine".to_owned()),
        description: None,
    };
    let outcome = engine.vault_update(&member, vault.id, renamed).await;
    assert!(matches!(outcome, Err(Error::Hidden | Error::Forbidden)));
    let deleted = home.events("user.delete").await;
    assert!(deleted[0].details.contains("member@kluis.local"));
}

#[tokio::test]
async fn a_profile_tells_the_scopes_in_force() {
    let home = Home::new().await;
    let (user, viewer) = home.user("viewer@kluis.local", Role::Viewer).await;
    let session = home.engine.profile(&viewer).await.unwrap();
    assert_eq!(
        (session.user.id, session.scopes),
        (user.id, Role::Viewer.scopes())
    );
    assert!(session.api_key.is_none());
    let (key, token) = home.key(&viewer, Some(&[Scope::LogsRead])).await;
    let scoped = home
        .engine
        .profile(&home.caller(&token).await.unwrap())
        .await
        .unwrap();
    assert_eq!(scoped.api_key.unwrap().id, key.id);
    assert_eq!(scoped.scopes.to_string(), "logs:read");
}
