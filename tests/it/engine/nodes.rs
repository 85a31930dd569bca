//! Several nodes on one PostgreSQL share nothing else (DESIGN §5).

use kluis_engine::{Clock, Engine, Error};

use super::ground::{Ground, at, settings, text};
use crate::harness::{Backend, On};

/// NT-62
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_make_the_schema_once() {
    let (settings, _directory) = settings(Backend::Postgres);
    let nodes: Vec<_> = (0..6)
        .map(|_| {
            let settings = settings.clone();
            tokio::spawn(async move { Engine::open(settings, Clock::system()).await })
        })
        .collect();
    for node in nodes {
        let node = node.await.unwrap().unwrap();
        assert!(!node.seal_status().await.unwrap().initialized);
    }
}

/// NT-33: what one node has done, the others know with their next request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_on_one_node_is_seen_on_the_others_at_once() {
    let ground = Ground::on(Backend::Postgres).await;
    let other = ground.node().await;
    let (owner, vault) = (&ground.owner, ground.vault);
    for turn in 0..5 {
        let value = format!("turn {turn}");
        ground.write("p", &value).await;
        let current = kluis_engine::Which::Current;
        let read = other
            .secret_read(owner, vault, &at("p"), current)
            .await
            .unwrap();
        assert_eq!(text(&read), value);
        // New keys of one node open what the other writes and reads, before and after everything is re-wrapped.
        other.organization_keys_rotate().await.unwrap();
        other.root_key_rotate().await.unwrap();
        assert_eq!(ground.text("p").await, value);
        other.rewrap_all().await.unwrap();
        assert_eq!(ground.text("p").await, value);
        other
            .secret_delete(owner, vault, at("p"), None)
            .await
            .unwrap();
        assert!(matches!(ground.read("p").await, Err(Error::NotFound)));
    }
}
