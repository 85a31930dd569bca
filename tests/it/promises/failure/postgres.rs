//! A PostgreSQL that ends, is silent, or was never there.

use serde_json::json;

use super::{assert_told, recovered};
use crate::cloudkeep::vaults::vault;
use crate::harness::proxy::Proxy;
use crate::harness::{Kluis, Start, database};

/// DESIGN §8, promise 3; NT-67
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_ends_gives_clear_errors_until_it_is_back() {
    let (proxy, url) = broken_way().await;
    let kluis = Kluis::start_with(&["--storage", &url]).await;
    let owner = kluis.owner();
    let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
    let kept = owner
        .post(&path, json!({"key": "kept", "value": "1"}))
        .await
        .expect(201);
    for turn in 0..2 {
        proxy.cut();
        for _ in 0..3 {
            let refused = owner
                .post(&path, json!({"key": format!("lost{turn}"), "value": "1"}))
                .await
                .expect(503);
            assert!(
                !refused.text("/error/message").contains("127.0.0.1"),
                "{refused}"
            );
            owner
                .get(&format!("{path}/{}", kept.text("/data/id")))
                .await
                .expect(503);
            kluis.anonymous().get("/readyz").await.expect(503);
            kluis.anonymous().get("/healthz").await.expect(200);
        }
        proxy.mend().await;
        let list = recovered(&owner, &path).await.json();
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
        recovered(&kluis.anonymous(), "/readyz").await;
    }
    owner
        .post(&path, json!({"key": "more", "value": "1"}))
        .await
        .expect(201);
    assert_eq!(
        owner
            .get("/v1/audit/verify")
            .await
            .expect(200)
            .at("/chain_valid"),
        true
    );
}

/// A request that the database does not answer is not answered late or never, but refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_silent_holds_nobody_for_long() {
    let (proxy, url) = broken_way().await;
    let mut kluis = Kluis::start_with(&["--storage", &url]).await;
    let second = [
        ("KLUIS_LIMITS_REQUEST_TIMEOUT_SECONDS", "1"),
        ("KLUIS_STORAGE", url.as_str()),
    ];
    kluis.serve(&second).await;
    let owner = kluis.owner();
    let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
    proxy.silence().await;
    let started = std::time::Instant::now();
    owner
        .post(&path, json!({"key": "lost", "value": "1"}))
        .await
        .expect(503);
    owner.get(&path).await.expect(503);
    kluis.anonymous().get("/healthz").await.expect(200);
    assert!(
        started.elapsed() < std::time::Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    proxy.mend().await;
    recovered(&owner, &path).await;
    owner
        .post(&path, json!({"key": "kept", "value": "1"}))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_start_without_its_database_names_it_and_not_the_password() {
    let directory = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://kluis:c4nary-p4ssword@{free}/kluis");
    let ended = Start::new(&["--storage", &url])
        .directory(directory.path())
        .fails()
        .await;
    assert_told(&ended, &[&free.to_string()]);
    assert!(!ended.stderr.contains("c4nary"), "{}", ended.stderr);
    for wrong in ["mysql://localhost/kluis", "postgres://[", "nonsense"] {
        let ended = Start::new(&["--storage", wrong])
            .directory(directory.path())
            .fails()
            .await;
        assert_told(&ended, &["storage"]);
    }
}

/// NT-62
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_does_not_touch_a_database_that_a_newer_one_has_made() {
    let url = database();
    let mut kluis = Kluis::start_with(&["--storage", &url]).await;
    vault(&kluis.owner(), "v").await;
    kluis.stop();
    sql(&url, "INSERT INTO schema_version (version) VALUES (9999)");
    let directory = tempfile::tempdir().unwrap();
    let ended = Start::new(&["--storage", &url])
        .directory(directory.path())
        .fails()
        .await;
    assert_told(&ended, &["9999", "newer release"]);
    sql(&url, "DELETE FROM schema_version WHERE version = 9999");
    kluis.begin().await;
    kluis.owner().get("/api/v1/vaults").await.expect(200);
}

/// A new database behind a proxy.
async fn broken_way() -> (Proxy, String) {
    let url = database();
    let (start, rest) = url.split_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let proxy = Proxy::to(address).await;
    let url = format!("{start}@127.0.0.1:{}/{name}", proxy.port());
    (proxy, url)
}

fn sql(url: &str, statement: &str) {
    let done = std::process::Command::new("psql")
        .args([url, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement])
        .status()
        .unwrap();
    assert!(done.success());
}
