//! A disk that is full, read-only or broken.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::{assert_told, recovered};
use crate::cloudkeep::vaults::vault;
use crate::harness::trace::Trace;
use crate::harness::{Api, Backend, Kluis, Start, on_both};

/// NT-67: what does not fit is refused, what was acknowledged is kept, and room is used as soon as there is some.
#[tokio::test]
async fn a_full_disk_refuses_what_it_cannot_keep_and_recovers_without_a_restart() {
    let disk = Disk::new(24);
    let kluis = disk.start().start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "v").await;
    let path = format!("/api/v1/vaults/{here}/secrets");
    let first = owner
        .post(&path, json!({"key": "first", "value": "1"}))
        .await
        .expect(201)
        .text("/data/id");
    disk.fill(&kluis);
    let (mut kept, mut refused) = (Vec::new(), 0);
    for count in 0..2_000 {
        let key = format!("k{count}");
        let body = json!({"key": key, "value": "v".repeat(2_000)});
        let answer = owner.post(&path, body).await;
        match answer.status {
            201 => kept.push(key),
            503 => {
                refused += 1;
                answer.text("/error/message");
            }
            _ => panic!("{answer}"),
        }
        if refused == 5 {
            break;
        }
    }
    assert_eq!(refused, 5, "the disk was never full");
    // A value leaves only with its event; without room for that it stays.
    for _ in 0..50 {
        let answer = owner.get(&format!("{path}/{first}")).await;
        assert!([200, 503].contains(&answer.status), "{answer}");
    }
    // A full disk never stops a refusal (RULES §7).
    kluis.anonymous().get(&path).await.expect(401);
    Api::bearer(kluis.base(), "unknown")
        .get(&path)
        .await
        .expect(401);
    kluis.anonymous().get("/healthz").await.expect(200);
    disk.empty(&kluis);

    recovered(&owner, &path).await;
    let list = recovered(&owner, &path).await.json();
    let listed: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| secret["key"].as_str().unwrap())
        .collect();
    for key in &kept {
        assert!(
            listed.contains(&key.as_str()),
            "{key} was acknowledged and is lost"
        );
    }
    assert_eq!(listed.len(), kept.len() + 1, "what was refused is there");
    owner
        .post(&path, json!({"key": "last", "value": "1"}))
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

on_both! {
    /// NT-61: whatever file is cut short, nothing of a start that failed stands in the way of the next.
    async fn a_start_without_room_says_so_and_one_with_room_succeeds(backend: Backend) {
        let directory = tempfile::tempdir().unwrap();
        let flags = backend.flags();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        for bytes in [0, 10, 64, 5_000, 100_000] {
            let limit = format!("--fsize={bytes}");
            let cramped = ["env", "--ignore-signal=XFSZ", "prlimit", &limit];
            let start = Start::new(&flags).directory(directory.path());
            if backend == Backend::Postgres && bytes >= 5_000 {
                continue;
            }
            let ended = start.through(&cramped).fails().await;
            assert_told(&ended, &[directory.path().to_str().unwrap()]);
        }
        let kluis = Kluis::in_directory(directory.path(), &flags).await;
        vault(&kluis.owner(), "room").await;
    }
}

/// NT-62
#[tokio::test]
async fn a_read_only_directory_is_refused_and_left_as_it_is() {
    let disk = Disk::new(24);
    let mut kluis = disk.start().start().await;
    vault(&kluis.owner(), "before").await;
    kluis.stop();
    disk.read_only(true);
    let ended = disk.start().fails().await;
    assert_told(&ended, &[disk.data().to_str().unwrap()]);
    disk.read_only(false);
    kluis.begin().await;
    let vaults = kluis.owner().get("/api/v1/vaults").await.expect(200).json();
    assert_eq!(vaults["data"].as_array().unwrap().len(), 2);
}

/// NT-67: a disk that does not synchronize what was written has kept nothing.
#[tokio::test]
async fn a_change_that_cannot_be_synchronized_is_not_acknowledged() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let here = vault(&owner, "v").await;
    let path = format!("/api/v1/vaults/{here}/secrets");
    let calls = [
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        "inject=fsync,fdatasync:error=EIO",
    ];
    let mut broken = Trace::attach(kluis.pid(), &calls).await;
    for count in 0..5 {
        let body = json!({"key": format!("lost{count}"), "value": "1"});
        let answer = owner.post(&path, body).await;
        assert!([500, 503].contains(&answer.status), "{answer}");
    }
    kluis.anonymous().get("/healthz").await.expect(200);
    broken.detach();
    recovered(&owner, &path).await;
    owner
        .post(&path, json!({"key": "kept", "value": "1"}))
        .await
        .expect(201);
    let list = owner.get(&path).await.expect(200).json();
    let keys: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| secret["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["kept"]);
}

/// A place for one server that can be full or read-only: a small file system, which takes root to mount; for other users
/// a directory whose server may not let its files grow, or whose permissions forbid to write.
struct Disk {
    directory: TempDir,
    is_mounted: bool,
}

impl Disk {
    fn new(megabytes: u32) -> Self {
        let disk = Self {
            directory: tempfile::tempdir().unwrap(),
            is_mounted: std::fs::metadata("/proc/self").unwrap().uid() == 0,
        };
        std::fs::create_dir(disk.data()).unwrap();
        std::fs::set_permissions(disk.data(), Permissions::from_mode(0o700)).unwrap();
        if disk.is_mounted {
            let options = format!("size={megabytes}m,mode=700");
            disk.mount(&["-t", "tmpfs", "-o", &options, "tmpfs"]);
        }
        disk
    }

    /// How a server starts there: a file that may not grow is an error to it, not its end.
    fn start(&self) -> Start {
        Start::new(&[])
            .directory(self.directory.path())
            .through(&["env", "--ignore-signal=XFSZ"])
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Leave no room for the server.
    fn fill(&self, kluis: &Kluis) {
        if self.is_mounted {
            let mut file = File::create(self.data().join("ballast")).unwrap();
            for size in [1 << 20, 4096, 1] {
                while file.write_all(&vec![0; size]).is_ok() {}
            }
        } else {
            let log = std::fs::metadata(self.data().join("kluis.db-wal")).unwrap();
            limit_files(kluis, &log.len().to_string());
        }
    }

    fn empty(&self, kluis: &Kluis) {
        if self.is_mounted {
            std::fs::remove_file(self.data().join("ballast")).unwrap();
        } else {
            limit_files(kluis, "unlimited");
        }
    }

    fn read_only(&self, yes: bool) {
        if self.is_mounted {
            self.mount(&["-o", if yes { "remount,ro" } else { "remount,rw" }]);
        } else {
            let mode = if yes { 0o500 } else { 0o700 };
            std::fs::set_permissions(self.data(), Permissions::from_mode(mode)).unwrap();
        }
    }

    fn mount(&self, arguments: &[&str]) {
        let mut mount = Command::new("mount");
        assert!(
            mount
                .args(arguments)
                .arg(self.data())
                .status()
                .unwrap()
                .success()
        );
    }
}

/// The most bytes that a file of the server may grow to.
fn limit_files(kluis: &Kluis, bytes: &str) {
    let pid = kluis.pid().to_string();
    let status = Command::new("prlimit")
        .args(["--pid", &pid, &format!("--fsize={bytes}:")])
        .status();
    assert!(status.unwrap().success());
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount")
                .arg("--lazy")
                .arg(self.data())
                .status();
        }
    }
}
