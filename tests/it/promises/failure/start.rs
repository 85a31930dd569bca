//! What a server cannot start with.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use super::assert_told;
use crate::cloudkeep::vaults::vault;
use crate::harness::trace::Trace;
use crate::harness::{Kluis, Start};

#[tokio::test]
async fn a_second_process_on_the_same_directory_is_told_so_and_the_first_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let kluis = Kluis::in_directory(directory.path(), &[]).await;
    let dev = std::fs::read(kluis.data_dir().join("dev.json")).unwrap();
    let ended = Start::new(&[]).directory(directory.path()).fails().await;
    assert_told(
        &ended,
        &["in use by another kluis process", "data directory"],
    );
    vault(&kluis.owner(), "still here").await;
    assert_eq!(
        std::fs::read(kluis.data_dir().join("dev.json")).unwrap(),
        dev
    );
}

/// NT-61
#[tokio::test]
async fn a_damaged_database_is_refused_and_left_as_it_is() {
    let (directory, mut kluis) = with_secret().await;
    kluis.stop();
    let file = kluis.data_dir().join("kluis.db");
    let sound = std::fs::read(&file).unwrap();
    let mut middle = sound.clone();
    for page in middle.chunks_mut(4096).skip(1) {
        page[..64].fill(0xa5);
    }
    let head = [&[0xa5; 100][..], &sound[100..]].concat();
    let half = sound[..sound.len() / 2].to_vec();
    for damaged in [middle, head, half] {
        std::fs::write(&file, &damaged).unwrap();
        let ended = Start::new(&[]).directory(directory.path()).fails().await;
        assert_told(&ended, &["kluis.db", "estore"]);
        assert_eq!(
            std::fs::read(&file).unwrap(),
            damaged,
            "the damaged file was changed"
        );
    }
    std::fs::write(&file, &sound).unwrap();
    kluis.begin().await;
    assert_kept(&kluis).await;
}

/// NT-61: a database that is gone is not begun anew beside keys and tokens of the old one.
#[tokio::test]
async fn an_empty_database_beside_an_old_servers_files_is_refused() {
    let (directory, mut kluis) = with_secret().await;
    kluis.stop();
    let file = kluis.data_dir().join("kluis.db");
    let sound = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"").unwrap();
    let dev = std::fs::read(kluis.data_dir().join("dev.json")).unwrap();
    let ended = Start::new(&[]).directory(directory.path()).fails().await;
    assert_told(&ended, &["dev.json"]);
    assert_eq!(
        std::fs::read(kluis.data_dir().join("dev.json")).unwrap(),
        dev
    );
    std::fs::write(&file, &sound).unwrap();
    kluis.begin().await;
    assert_kept(&kluis).await;
}

/// NT-62: a release does not touch what a newer one has made.
#[tokio::test]
async fn a_database_of_a_newer_release_is_refused_and_left_as_it_is() {
    let (directory, mut kluis) = with_secret().await;
    kluis.stop();
    let file = kluis.data_dir().join("kluis.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute("INSERT INTO schema_version (version) VALUES (9999)", [])
        .unwrap();
    drop(database);
    let before = std::fs::read(&file).unwrap();
    let ended = Start::new(&[]).directory(directory.path()).fails().await;
    assert_told(&ended, &["9999", "newer release"]);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute("DELETE FROM schema_version WHERE version = 9999", [])
        .unwrap();
    drop(database);
    kluis.begin().await;
    assert_kept(&kluis).await;
}

#[tokio::test]
async fn a_wrong_lost_or_open_key_file_is_refused() {
    let (directory, mut kluis) = with_secret().await;
    kluis.stop();
    let file = key_file(&kluis.data_dir());
    let right = std::fs::read(&file).unwrap();
    let start = || Start::new(&[]).directory(directory.path());

    std::fs::write(&file, "0".repeat(64)).unwrap();
    assert_told(&start().fails().await, &["another server"]);
    std::fs::write(&file, "not a key").unwrap();
    assert_told(&start().fails().await, &["64 hexadecimal digits"]);
    std::fs::remove_file(&file).unwrap();
    assert_told(&start().fails().await, &["key file"]);
    assert!(!file.exists(), "a new key was made for an old database");
    std::fs::write(&file, &right).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_told(&start().fails().await, &["chmod 600"]);

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    kluis.begin().await;
    assert_kept(&kluis).await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let kluis = Kluis::start().await;
    let address = kluis.base().replace("http://", "");
    let directory = tempfile::tempdir().unwrap();
    let ended = Start::new(&[])
        .listen(&address)
        .directory(directory.path())
        .fails()
        .await;
    assert_told(&ended, &[&address]);
}

/// NT-65: a start asks nobody on the network, and has no need of a home, a user or a language.
#[tokio::test]
async fn a_start_reaches_for_nothing_outside() {
    let temporary = tempfile::tempdir().unwrap();
    let log = temporary.path().join("calls");
    let mut kluis = Start::new(&[])
        .through(&[
            "env",
            "-i",
            "PATH=/usr/bin:/bin",
            "strace",
            "-D",
            "-f",
            "-e",
            "trace=connect,sendto,sendmsg,write,writev",
            "-o",
            log.to_str().unwrap(),
        ])
        .start()
        .await;
    vault(&kluis.owner(), "alone").await;
    kluis.stop();
    let calls = Trace::read(&log).await;
    let outside: Vec<_> = calls
        .iter()
        .filter(|call| call.name == "connect" && call.arguments.contains("AF_INET"))
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
    assert!(
        calls
            .iter()
            .any(|call| call.arguments.contains("HTTP/1.1 201")),
        "the trace saw nothing"
    );
}

/// A server with one secret.
async fn with_secret() -> (tempfile::TempDir, Kluis) {
    let directory = tempfile::tempdir().unwrap();
    let kluis = Kluis::in_directory(directory.path(), &[]).await;
    let owner = kluis.owner();
    let default = owner
        .get("/api/v1/vaults")
        .await
        .expect(200)
        .text("/data/0/id");
    let path = format!("/api/v1/vaults/{default}/secrets");
    owner
        .post(&path, json!({"key": "KEPT", "value": "whole"}))
        .await
        .expect(201);
    (directory, kluis)
}

async fn assert_kept(kluis: &Kluis) {
    let owner = kluis.owner();
    let default = owner
        .get("/api/v1/vaults")
        .await
        .expect(200)
        .text("/data/0/id");
    let list = owner
        .get(&format!("/api/v1/vaults/{default}/secrets"))
        .await
        .expect(200);
    assert_eq!(list.text("/data/0/value"), "whole");
}

/// The file of the root key's seal in a data directory.
fn key_file(data_dir: &Path) -> std::path::PathBuf {
    std::fs::read_dir(data_dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().ends_with("key"))
        })
        .expect("a key file")
}
