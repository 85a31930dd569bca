//! What is noticed beside requests.

use std::net::Ipv4Addr;

use super::*;
use crate::api_keys::ApiKeyStatus;
use crate::testing::{Home, Recorded};

/// A key's last use is kept to the hour: stored at once when it is older, left alone when it is not.
#[tokio::test]
async fn the_last_use_is_kept_to_the_hour() {
    let home = Home::new().await;
    let (key, token) = home.key(&home.owner, None).await;
    let last_used = async || {
        home.engine.sightings_store(Minutes::Over).await.unwrap();
        let key = home.engine.api_key_read(&home.owner, key.id).await.unwrap();
        assert_eq!(key.status, ApiKeyStatus::Active);
        key.last_used_at
    };
    assert_eq!(last_used().await, None);
    home.caller(&token).await.unwrap();
    let first = last_used().await.unwrap();
    home.clock.advance(Duration::from_secs(3_500));
    home.caller(&token).await.unwrap();
    assert_eq!(last_used().await, Some(first));
    home.clock.advance(Duration::from_secs(110));
    home.caller(&token).await.unwrap();
    assert!(last_used().await.unwrap() > first);
}

/// NT-43: refusals at the door are in the record, counted, and those of a known key in its organization's.
#[tokio::test]
async fn refused_credentials_are_counted() {
    let home = Home::new().await;
    let (key, token) = home.key(&home.owner, None).await;
    home.engine
        .api_key_delete(&home.owner, key.id)
        .await
        .unwrap();
    for _ in 0..3 {
        assert!(home.caller("cvk_nobody").await.is_err());
        assert!(home.caller(&token).await.is_err());
    }
    home.engine.sightings_store(Minutes::All).await.unwrap();
    let events = home.events(AUTH_FAILURE).await;
    let counted = |organization, actor: &str, reason: &str| -> i64 {
        events
            .iter()
            .filter(|event| event.organization == organization && event.actor_type == actor)
            .filter(|event| event.details.contains(reason) && event.address == "192.0.2.7")
            .map(Recorded::count)
            .sum()
    };
    assert_eq!(counted(SERVER_LOG, "anonymous", "unknown_credential"), 3);
    assert_eq!(counted(home.owner.organization, "user", "revoked"), 3);
    assert!(events.len() <= 4, "two kinds, over two minutes at most");
    assert!(events.iter().all(|event| !event.details.contains("nobody")));
}

#[tokio::test]
async fn a_minute_is_stored_when_it_is_over() {
    let home = Home::new().await;
    home.caller("cvk_nobody").await.unwrap_err();
    home.clock.advance(Duration::from_mins(1));
    home.engine.sightings_store(Minutes::Over).await.unwrap();
    assert_eq!(home.events(AUTH_FAILURE).await.len(), 1);
}

/// Whoever comes from many addresses takes no more memory than this.
#[test]
fn what_is_remembered_is_bounded() {
    let sightings = Sightings::default();
    let now = Timestamp::from_millis(0);
    for address in 0..3 * u32::try_from(MOST_REFUSED).unwrap() {
        let address = IpAddr::V4(Ipv4Addr::from_bits(address));
        sightings.refused(Some(address), Reason::UnknownCredential, None, now);
    }
    let taken = sightings.take(Minutes::All, now);
    assert_eq!(taken.refused.len(), MOST_REFUSED + 1);
    let total: i64 = taken.refused.values().sum();
    assert_eq!(total, 3 * i64::try_from(MOST_REFUSED).unwrap());
}

#[test]
fn what_could_not_be_stored_is_kept() {
    let sightings = Sightings::default();
    let now = Timestamp::from_millis(0);
    sightings.refused(None, Reason::UnknownEmail, None, now);
    sightings.used(ApiKeyId::from_bytes([1; 16]), None, now);
    let taken = sightings.take(Minutes::All, now);
    sightings.refused(None, Reason::UnknownEmail, None, now);
    sightings.put_back(taken);
    let again = sightings.take(Minutes::All, now);
    assert_eq!(again.used.len(), 1);
    assert_eq!(again.refused.into_values().collect::<Vec<_>>(), [2]);
    assert!(sightings.take(Minutes::All, now).is_empty());
}

#[test]
fn uses_are_taken_in_portions() {
    let sightings = Sightings::default();
    let now = Timestamp::from_millis(0);
    for number in 0..=USED_BATCH {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        sightings.used(ApiKeyId::from_bytes(id), None, now);
    }
    assert_eq!(sightings.take(Minutes::Over, now).used.len(), USED_BATCH);
    assert_eq!(sightings.take(Minutes::Over, now).used.len(), 1);
}
