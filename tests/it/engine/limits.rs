//! Read limits and expiry of versions (RULES §4).

use std::sync::Arc;
use std::time::Duration;

use kluis_engine::{Availability, Error, Limit, Which};

use super::ground::{Ground, at, text};
use crate::harness::{Backend, On, on_both};

on_both! {
    /// DESIGN §8, promise 5; NT-74
    async fn a_secret_with_n_reads_is_read_n_times_by_a_thousand_concurrent_readers(ground: Ground) {
        read_by_a_thousand(&ground, std::slice::from_ref(&ground.engine)).await;
    }

    async fn each_version_has_its_own_reads_and_a_numbered_read_uses_one_up(ground: Ground) {
        ground.write_limited("p", "one", 2).await;
        ground.write_limited("p", "two", 1).await;
        for _ in 0..2 {
            assert_eq!(text(&ground.read_version("p", Which::Number(1)).await.unwrap()), "one");
        }
        assert!(matches!(ground.read_version("p", Which::Number(1)).await, Err(Error::Gone)));
        assert_eq!(ground.text("p").await, "two");
        assert!(matches!(ground.read("p").await, Err(Error::Gone)));
        assert!(matches!(ground.read_version("p", Which::Number(3)).await, Err(Error::NotFound)));
    }

    async fn listing_uses_up_no_read_and_shows_no_limited_value(ground: Ground) {
        ground.write_limited("limited", "rare", 1).await;
        ground.write("open", "common").await;
        for _ in 0..3 {
            let listed = ground.engine.secret_list_values(&ground.owner, ground.vault).await.unwrap();
            let values: Vec<_> = listed
                .iter()
                .map(|(info, value)| {
                    let value = value.as_ref().and_then(|value| value.text.expose_text());
                    (info.path.as_str(), value)
                })
                .collect();
            assert_eq!(values, [("limited", None), ("open", Some("common"))]);
        }
        assert_eq!(ground.text("limited").await, "rare");
    }

    async fn a_new_value_carries_the_limit_over_counted_afresh_unless_it_states_one(ground: Ground) {
        ground.write_limited("p", "one", 2).await;
        ground.read("p").await.unwrap();
        let carried = ground.write("p", "two").await.info.version.unwrap();
        assert_eq!((carried.max_access_count, carried.access_count), (Some(2), 0));
        ground.read("p").await.unwrap();
        ground.read("p").await.unwrap();
        assert!(matches!(ground.read("p").await, Err(Error::Gone)));
        let none = ground
            .write_with("p", "three", |write| write.max_access_count = Limit::Stated(None))
            .await
            .unwrap();
        assert_eq!(none.info.version.unwrap().max_access_count, None);
        for _ in 0..5 {
            assert_eq!(ground.text("p").await, "three");
        }
    }

    /// A write that cannot be made uses nothing up, and its answer holds no limited value (RULES §4).
    async fn writing_back_is_not_reading(ground: Ground) {
        ground.write_limited("p", "rare", 1).await;
        let notes = ground
            .engine
            .secret_write(&ground.owner, ground.vault, at("p"), {
                let mut write = kluis_engine::SecretWrite::new("text", kluis_engine::Expect::Present);
                write.notes = Some(kluis_engine::Secret::from_text("note".to_owned()));
                write
            })
            .await
            .unwrap();
        assert!(notes.value.is_none());
        assert_eq!(ground.text("p").await, "rare");
    }

    /// NT-34
    async fn a_version_is_readable_until_it_expires_and_not_after(ground: Ground) {
        let hour = Duration::from_secs(3600);
        let expires_at = ground.clock.now().after(hour);
        ground
            .write_with("p", "brief", |write| write.expires_at = Limit::Stated(Some(expires_at)))
            .await
            .unwrap();
        // Real time passes too, so the last second is left out.
        ground.clock.advance(hour.saturating_sub(Duration::from_secs(30)));
        assert_eq!(ground.text("p").await, "brief");
        ground.clock.advance(Duration::from_secs(31));
        assert!(matches!(ground.read("p").await, Err(Error::Gone)));
        let listed = ground.engine.secret_list(&ground.owner, ground.vault).await.unwrap();
        assert_eq!(listed[0].availability, Availability::Expired);
    }

    async fn a_new_value_carries_an_expiry_over_only_while_it_is_ahead(ground: Ground) {
        let hour = Duration::from_secs(3600);
        let expires_at = ground.clock.now().after(hour);
        ground
            .write_with("p", "one", |write| write.expires_at = Limit::Stated(Some(expires_at)))
            .await
            .unwrap();
        let carried = ground.write("p", "two").await.info.version.unwrap();
        assert_eq!(carried.expires_at, Some(expires_at));
        ground.clock.advance(hour + hour);
        assert!(matches!(ground.read("p").await, Err(Error::Gone)));
        let fresh = ground.write("p", "three").await.info.version.unwrap();
        assert_eq!(fresh.expires_at, None);
        assert_eq!(ground.text("p").await, "three");
    }
}

/// DESIGN §8, promise 5: on any number of nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_with_n_reads_is_read_n_times_on_four_nodes() {
    let ground = Ground::on(Backend::Postgres).await;
    let mut nodes = vec![ground.engine.clone()];
    for _ in 1..4 {
        nodes.push(ground.node().await);
    }
    read_by_a_thousand(&ground, &nodes).await;
}

async fn read_by_a_thousand(ground: &Ground, nodes: &[kluis_engine::Engine]) {
    const READS: u32 = 7;
    ground.write_limited("p", "rare", READS).await;
    let nodes = Arc::new(nodes.to_vec());
    let readers: Vec<_> = (0..1000)
        .map(|reader| {
            let (nodes, owner, vault) = (Arc::clone(&nodes), ground.owner.clone(), ground.vault);
            tokio::spawn(async move {
                let node = &nodes[reader % nodes.len()];
                match node
                    .secret_read(&owner, vault, &at("p"), Which::Current)
                    .await
                {
                    Ok(read) => {
                        assert_eq!(text(&read), "rare");
                        true
                    }
                    Err(Error::Gone) => false,
                    Err(error) => panic!("{error}: {:?}", error.cause()),
                }
            })
        })
        .collect();
    let mut passed = 0;
    for reader in readers {
        passed += u32::from(reader.await.unwrap());
    }
    assert_eq!(passed, READS);
    let listed = ground
        .engine
        .secret_list(&ground.owner, ground.vault)
        .await
        .unwrap();
    let version = listed[0].version.as_ref().unwrap();
    assert_eq!(version.access_count, READS);
    assert_eq!(listed[0].availability, Availability::UsedUp);
}
