//! Closing, restoring, purging, deleting (RULES §5).

use std::time::Duration;

use kluis_engine::{Conflict, Error, Which};

use super::ground::{Ground, at, path_of, text};
use crate::harness::on_both;

const DAY: Duration = Duration::from_secs(24 * 3600);

on_both! {
    async fn a_closed_secret_is_gone_and_absent_from_lists_until_it_is_restored(ground: Ground) {
        let (owner, vault, path) = (&ground.owner, ground.vault, path_of("p"));
        ground.write("p", "one").await;
        ground.write("p", "two").await;
        ground.engine.secret_close(owner, vault, &path).await.unwrap();
        assert!(matches!(ground.read("p").await, Err(Error::Gone)));
        assert!(matches!(ground.read_version("p", Which::Number(1)).await, Err(Error::Gone)));
        assert!(matches!(
            ground.engine.secret_version_list(owner, vault, &at("p")).await,
            Err(Error::Gone)
        ));
        assert!(ground.engine.secret_list(owner, vault).await.unwrap().is_empty());
        assert_eq!(ground.engine.vault_read(owner, vault).await.unwrap().secret_count, 0);
        assert!(matches!(
            ground.engine.secret_close(owner, vault, &path).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            ground.engine.secret_delete(owner, vault, at("p"), None).await,
            Err(Error::NotFound)
        ));
        ground.engine.secret_restore(owner, vault, &path).await.unwrap();
        assert_eq!(ground.text("p").await, "two");
        assert_eq!(text(&ground.read_version("p", Which::Number(1)).await.unwrap()), "one");
        assert!(matches!(
            ground.engine.secret_restore(owner, vault, &path).await,
            Err(Error::Conflict(Conflict::State))
        ));
    }

    async fn a_closed_path_is_written_again_with_the_same_id_and_the_next_version(ground: Ground) {
        let (owner, vault, path) = (&ground.owner, ground.vault, path_of("p"));
        let first = ground.write("p", "one").await;
        ground.engine.secret_close(owner, vault, &path).await.unwrap();
        let again = ground.write("p", "two").await;
        assert!(again.created);
        assert_eq!(again.info.id, first.info.id);
        assert_eq!(again.info.newest_version, 2);
        assert_eq!(ground.text("p").await, "two");
        assert!(matches!(ground.read_version("p", Which::Number(1)).await, Err(Error::Gone)));
        ground.engine.secret_restore(owner, vault, &path).await.unwrap();
        assert_eq!(text(&ground.read_version("p", Which::Number(1)).await.unwrap()), "one");
        assert_eq!(ground.text("p").await, "two");
    }

    async fn a_purge_destroys_what_is_closed_and_nothing_else(ground: Ground) {
        let (owner, vault, path) = (&ground.owner, ground.vault, path_of("p"));
        let first = ground.write("p", "one").await;
        assert!(matches!(
            ground.engine.secret_purge(owner, vault, &path).await,
            Err(Error::Conflict(Conflict::State))
        ));
        ground.engine.secret_close(owner, vault, &path).await.unwrap();
        ground.write("p", "two").await;
        ground.engine.secret_purge(owner, vault, &path).await.unwrap();
        assert_eq!(ground.text("p").await, "two");
        assert!(matches!(ground.read_version("p", Which::Number(1)).await, Err(Error::NotFound)));

        ground.engine.secret_close(owner, vault, &path).await.unwrap();
        ground.engine.secret_purge(owner, vault, &path).await.unwrap();
        assert!(matches!(ground.read("p").await, Err(Error::NotFound)));
        assert!(matches!(
            ground.engine.secret_restore(owner, vault, &path).await,
            Err(Error::NotFound)
        ));
        let new = ground.write("p", "three").await;
        assert_ne!(new.info.id, first.info.id);
        assert_eq!(new.info.newest_version, 1);
    }

    async fn a_deleted_secret_frees_its_path_at_once(ground: Ground) {
        let first = ground.write("p", "one").await;
        ground.write("p", "two").await;
        ground.engine.secret_delete(&ground.owner, ground.vault, at("p"), None).await.unwrap();
        assert!(matches!(ground.read("p").await, Err(Error::NotFound)));
        assert!(matches!(
            ground.engine.secret_restore(&ground.owner, ground.vault, &path_of("p")).await,
            Err(Error::NotFound)
        ));
        let new = ground.write("p", "three").await;
        assert_ne!(new.info.id, first.info.id);
        assert_eq!(new.info.newest_version, 1);
    }

    /// NT-34
    async fn what_is_closed_is_kept_for_30_days_and_destroyed_then(ground: Ground) {
        let (owner, vault, path) = (&ground.owner, ground.vault, path_of("p"));
        ground.write("p", "one").await;
        ground.engine.secret_close(owner, vault, &path).await.unwrap();
        ground.clock.advance((DAY * 30).saturating_sub(Duration::from_secs(60)));
        ground.engine.upkeep().await.unwrap();
        assert!(matches!(ground.read("p").await, Err(Error::Gone)));
        ground.clock.advance(Duration::from_secs(120));
        ground.engine.upkeep().await.unwrap();
        assert!(matches!(ground.read("p").await, Err(Error::NotFound)));
        assert_eq!(ground.write("p", "two").await.info.newest_version, 1);
    }
}
