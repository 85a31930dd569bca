//! What the process keeps from others on the machine (DESIGN §4, NT-42, NT-45).

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use serde_json::json;

use crate::cloudkeep::vaults::vault;
use crate::harness::{Kluis, Start, binary};

/// NT-45: no core, whatever the limit was before.
#[tokio::test]
async fn the_server_leaves_no_core() {
    let kluis = Kluis::start().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", kluis.pid())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let soft = core.split_whitespace().nth(4).unwrap();
    assert_eq!(soft, "0", "{core}");
}

/// NT-45: the system gives the files of a process that cannot be dumped to root, so that no other process of the same
/// user reads its memory or environment.
#[tokio::test]
async fn the_server_is_not_dumpable() {
    const NOBODY: u32 = 65_534;
    let directory = tempfile::tempdir().unwrap();
    let mut start = Start::new(&[]).directory(directory.path());
    let own = std::fs::metadata("/proc/self").unwrap().uid();
    if own == 0 {
        // Root's processes belong to root either way, so the server is run as somebody else, from where they can read.
        let copy = directory.path().join("kluis");
        std::fs::copy(binary(), &copy).unwrap();
        chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        let user = NOBODY.to_string();
        start = start.program(&copy).through(&[
            "setpriv",
            "--reuid",
            &user,
            "--regid",
            &user,
            "--clear-groups",
        ]);
    }
    let kluis = start.start().await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", kluis.pid())).unwrap();
    let uid = status
        .lines()
        .find(|line| line.starts_with("Uid:"))
        .unwrap();
    assert!(!uid.contains("\t0\t"), "the server runs as root: {uid}");
    for file in ["environ", "mem", "maps"] {
        let owner = std::fs::metadata(format!("/proc/{}/{file}", kluis.pid()))
            .unwrap()
            .uid();
        assert_eq!(owner, 0, "{file}");
    }
}

/// NT-42: whatever the umask.
#[tokio::test]
async fn only_the_servers_user_can_reach_what_it_keeps() {
    let kluis = Start::new(&[])
        .through(&["sh", "-c", "umask 000; exec \"$0\" \"$@\""])
        .start()
        .await;
    let vault = vault(&kluis.owner(), "v").await;
    let secrets = format!("/api/v1/vaults/{vault}/secrets");
    let body = json!({"key": "A", "value": "1"});
    let id = kluis
        .owner()
        .post(&secrets, body)
        .await
        .expect(201)
        .text("/data/id");
    kluis
        .owner()
        .get(&format!("{secrets}/{id}"))
        .await
        .expect(200);
    let mut seen = 0;
    assert_private(&kluis.data_dir(), &mut seen);
    assert!(seen > 4, "{seen} files");
}

fn assert_private(path: &Path, seen: &mut usize) {
    let data = std::fs::symlink_metadata(path).unwrap();
    let mode = data.permissions().mode() & 0o777;
    assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    *seen += 1;
    if data.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            assert_private(&entry.unwrap().path(), seen);
        }
    }
}
