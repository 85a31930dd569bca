//! What is remembered of pairs and vaults is true no longer than the database says it.

use std::time::Duration;

use kluis_crypto::{ModulusBits, TransportPublicKey};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::secrets::{InVault, Path, Sealed, SealedPut, SecretInfo};
use crate::store::params;
use crate::store::sql::transport_keys as sql;
use crate::testing::Home;
use crate::vaults::VaultChange;

async fn home() -> Home {
    Home::with(|settings| {
        settings.transport_key_bits = ModulusBits::B2048;
        settings.retired_transport_keys = Duration::from_hours(1);
    })
    .await
}

async fn public_key(home: &Home) -> TransportPublicKey {
    let read = home
        .engine
        .public_key_read(&home.owner, home.owner.organization);
    TransportPublicKey::from_pem(&read.await.unwrap()).unwrap()
}

async fn put(home: &Home, key: &TransportPublicKey) -> Result<SecretInfo, Error> {
    let put = SealedPut {
        at: InVault {
            organization: home.owner.organization,
            vault: "prod".to_owned(),
        },
        path: Path::parse("KEY", "name").unwrap(),
        value: Sealed {
            body: key.seal(b"value").unwrap(),
            key: None,
            field: "value",
        },
        tags: None,
    };
    home.engine.sealed_secret_put(&home.owner, put).await
}

#[tokio::test]
async fn a_retired_pair_opens_until_its_time_is_over_though_nothing_changes_then() {
    let home = home().await;
    let old = public_key(&home).await;
    put(&home, &old).await.unwrap();
    assert_eq!(home.engine.transport_keys_rotate().await.unwrap(), 1);
    let new = public_key(&home).await;
    put(&home, &old).await.unwrap();
    put(&home, &new).await.unwrap();
    home.clock.advance(Duration::from_mins(59));
    put(&home, &old).await.unwrap();
    home.clock.advance(Duration::from_mins(2));
    assert!(matches!(put(&home, &old).await, Err(Error::Invalid(_))));
    put(&home, &new).await.unwrap();
}

#[tokio::test]
async fn a_value_goes_into_the_vault_that_has_the_name_now() {
    let home = home().await;
    let key = public_key(&home).await;
    let first = put(&home, &key).await.unwrap().vault;
    assert_eq!(put(&home, &key).await.unwrap().vault, first);
    let change = VaultChange {
        name: Some("former".to_owned()),
        description: None,
    };
    let renamed = home.engine.vault_update(&home.owner, first, change);
    renamed.await.unwrap();
    let second = put(&home, &key).await.unwrap();
    assert_ne!(second.vault, first);
    assert_eq!(second.newest_version, 1);
}

#[tokio::test]
async fn upkeep_destroys_a_pair_whose_time_is_over() {
    let home = home().await;
    let stored = async || {
        let mut reader = home.engine.store().reader().await.unwrap();
        let every = Timestamp::from_millis(0);
        let of = params![home.owner.organization.bytes(), every];
        let rows = reader.conn().unwrap().query(sql::IN_USE, of).await;
        rows.unwrap().len()
    };
    public_key(&home).await;
    home.engine.transport_keys_rotate().await.unwrap();
    home.engine.upkeep().await.unwrap();
    assert_eq!(stored().await, 2);
    home.clock.advance(Duration::from_mins(61));
    home.engine.upkeep().await.unwrap();
    assert_eq!(stored().await, 1);
    put(&home, &public_key(&home).await).await.unwrap();
}
