//! Organizations, held to their rules.

use super::*;
use crate::api_keys::KeysOf;
use crate::testing::Home;
use crate::vaults::DEFAULT_NAME;

#[tokio::test]
async fn a_server_is_bootstrapped_once() {
    let home = Home::new().await;
    let first = home.engine.first_organization().await.unwrap();
    assert_eq!(first, Some(home.owner.organization));
    let again = home.engine.bootstrap("Again", "other@kluis.local").await;
    assert!(matches!(again, Err(Error::Conflict(Conflict::State))));
    let made = home.events("organization.create").await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].actor_type, "server");
    assert_eq!(made[0].organization, home.owner.organization);
}

#[tokio::test]
async fn an_organization_starts_with_its_owner_and_its_vault() {
    let home = Home::new().await;
    let made = home
        .engine
        .organization_create(&home.owner, " Elsewhere ")
        .await
        .unwrap();
    assert_eq!(made.name, "Elsewhere");
    let password = made.password.expose_text().unwrap();
    let tokens = home.login(&made.email, password, None).await.unwrap();
    assert_eq!(
        (tokens.user.id, tokens.user.organization),
        (made.owner, made.id)
    );
    let owner = home.caller(tokens.access.expose()).await.unwrap();
    let user = owner.user().unwrap();
    assert_eq!((user.role, user.server_owner), (Role::Owner, false));
    let vaults = home.engine.vault_list(&owner).await.unwrap();
    let names: Vec<_> = vaults.iter().map(|vault| vault.name.as_str()).collect();
    assert_eq!(names, [DEFAULT_NAME]);
    assert!(
        home.engine
            .api_key_list(&owner, KeysOf::Organization)
            .await
            .unwrap()
            .is_empty()
    );

    // Only the first organization's owner makes more of them.
    let further = home.engine.organization_create(&owner, "Further").await;
    assert!(matches!(further, Err(Error::Forbidden)));
    let (_, admin) = home.user("admin@kluis.local", Role::Admin).await;
    let further = home.engine.organization_create(&admin, "Further").await;
    assert!(matches!(further, Err(Error::Forbidden)));
    let (_, second) = home.user("second@kluis.local", Role::Owner).await;
    assert!(
        home.engine
            .organization_create(&second, "Elsewhere")
            .await
            .is_ok()
    );
    let nameless = home.engine.organization_create(&home.owner, " ").await;
    assert!(matches!(nameless, Err(Error::Invalid(_))));
}
