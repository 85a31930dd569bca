//! `kluis audit export`, and `kluis audit verify --file` where there is no server any more.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;
use tempfile::TempDir;

use super::{Ended, bare, caller, run, run_with, wait};
use crate::harness::{Backend, Kluis, on_both};
use crate::oneclaw::export::{key, recorded};

/// An export in a directory of its own, and the server that wrote it.
struct Exported {
    kluis: Kluis,
    directory: TempDir,
    file: PathBuf,
    /// What the server's own check said.
    verified: Value,
}

async fn exported(backend: Backend) -> Exported {
    let kluis = recorded(backend).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("record");
    let verified = run(&kluis, &["audit", "verify", "-o", "json"]).well();
    let export = ["audit", "export", "--file", file.to_str().unwrap()];
    let ended = run(&kluis, &export).well().told(&[file.to_str().unwrap()]);
    assert_eq!(ended.stdout, "");
    Exported {
        kluis,
        directory,
        file,
        verified: serde_json::from_str(&verified.stdout).unwrap(),
    }
}

/// `kluis audit verify --file`, where nothing tells of a server.
fn verify(file: &Path, more: &[&str]) -> Ended {
    let mut command = bare();
    command
        .current_dir(file.parent().unwrap())
        .args(["audit", "verify", "--file"])
        .arg(file)
        .args(more);
    wait(command, "")
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

/// The same file with another text.
fn altered(file: &Path, text: &str) -> PathBuf {
    let other = file.with_extension("altered");
    fs::write(&other, text).unwrap();
    other
}

/// The public key in the file, in hexadecimal.
fn key_in(file: &Path) -> String {
    let lines: Vec<String> = text(file).lines().map(str::to_owned).collect();
    kluis_client::record::hex(&key(&lines))
}

on_both! {
    async fn an_export_is_verified_without_a_server_as_the_server_itself_does(backend: Backend) {
        let Exported { mut kluis, directory, file, verified } = exported(backend).await;
        kluis.stop();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let key = key_in(&file);
        let found = verify(&file, &["--public-key", &key, "-o", "json"]).well();
        let found: Value = serde_json::from_str(&found.stdout).unwrap();
        for member in ["chain_valid", "open_tail", "checkpoint", "scheme"] {
            assert_eq!(found[member], verified[member], "{member}");
        }
        // The check by the server is an event more.
        for member in ["events_verified", "events_checked", "sealed_through"] {
            assert_eq!(found[member], verified[member].as_u64().unwrap() + 1, "{member}");
        }
        assert_eq!(found["export"]["organization_id"], kluis.dev("/organization_id"));
        assert_eq!(found["export"]["after"], 0);
        assert_eq!(found["export"]["key_pinned"], true);
        let table = verify(&file, &[]).well();
        let row = table.stdout.lines().nth(1).unwrap();
        assert!(row.starts_with("yes ") && !row.contains('{') && row.contains("events 1 to "), "{row}");

        // The key in each of its spellings, and from a file.
        let base64 = BASE64_STANDARD.encode(kluis_client::record::public_key(&key).unwrap());
        let keys = directory.path().join("keys");
        fs::write(&keys, format!("# of the server\n\n{base64} # since 2026\n")).unwrap();
        for pin in [["--public-key", &base64], ["--public-key", &key.to_uppercase()], ["--key-file", keys.to_str().unwrap()]] {
            verify(&file, &pin).well().silent("pin the");
        }
        let mut command = bare();
        command.args(["audit", "verify", "--file", "-", "--public-key", &key]);
        wait(command, &text(&file)).well();
    }

    async fn what_was_altered_is_named_and_the_exit_code_is_10(backend: Backend) {
        let Exported { mut kluis, directory: _directory, file, .. } = exported(backend).await;
        kluis.stop();
        let whole = text(&file);
        let key = key_in(&file);
        let lines: Vec<&str> = whole.lines().collect();
        let without = |place: usize| {
            let mut lines = lines.clone();
            lines.remove(place);
            lines.join("\n") + "\n"
        };
        let event: Value = serde_json::from_str(lines[3]).unwrap();
        let id = event["event"]["id"].as_str().unwrap();
        let mut swapped = lines.clone();
        swapped.swap(2, 3);
        let checkpoint = lines.iter().position(|line| line.starts_with("{\"checkpoint\"")).unwrap();
        let removed_tail: Vec<&str> =
            lines.iter().enumerate().filter(|(place, _)| !(5..checkpoint).contains(place)).map(|(_, line)| *line).collect();
        let signed: Value = serde_json::from_str(lines[checkpoint]).unwrap();
        let signature = signed["checkpoint"]["signature"].as_str().unwrap();
        let digit = if signature.starts_with('1') { "2" } else { "1" };
        let resigned = whole.replace(signature, &format!("{digit}{}", &signature[1..]));
        for (text, words) in [
            (whole.replacen("secret.write", "secret.list!", 1), &["event 3 (", "is not what was recorded", "that hold: 2"][..]),
            (whole.replacen(&lines[3][..60], &lines[2][..60], 1), &["event 2 (", "out of place"]),
            (without(3), &["event 3 is missing", "that hold: 2"]),
            (swapped.join("\n") + "\n", &["event 2 is missing", "that hold: 1"]),
            (without(lines.len() - 2), &["is missing"]),
            (removed_tail.join("\n") + "\n", &["events 5 to ", " are missing", "that hold: 4"]),
            (without(checkpoint), &["counts other lines"]),
            (without(lines.len() - 1), &["cut off", "before its closing line"]),
            (whole[..whole.len() - 9].to_owned(), &["cut off"]),
            (whole.replace("\"format\":1", "\"format\":2"), &["format 2", "newer"]),
            (resigned, &["checkpoint with a wrong signature"]),
            ("nothing\n".to_owned(), &["no export"]),
            (String::new(), &["no export"]),
        ] {
            let file = altered(&file, &text);
            verify(&file, &["--public-key", &key]).failed(10).told(&["KLUIS-INTEGRITY"]).told(words);
            verify(&file, &[]).failed(10);
        }
        let changed = altered(&file, &whole.replace(&format!("\"id\":\"{id}\""), &format!("\"id\":\"{id}\" ")));
        verify(&changed, &[]).failed(10).told(&["line 4", "not written as in an export"]);
    }

    async fn a_key_that_is_pinned_is_the_only_one_that_counts(backend: Backend) {
        let Exported { mut kluis, directory, file, .. } = exported(backend).await;
        kluis.stop();
        let key = key_in(&file);
        let other = "11".repeat(32);
        verify(&file, &[]).well().told(&["only against the key that the file itself names", &key]);
        verify(&file, &["--public-key", &other]).failed(10).told(&["signed with", &key]);
        verify(&file, &["--public-key", &other, "--public-key", &key]).well();
        let keys = directory.path().join("keys");
        fs::write(&keys, &other).unwrap();
        let key_file = ["--key-file", keys.to_str().unwrap()];
        verify(&file, &key_file).failed(10);
        // What is signed nowhere holds by itself, and proves nothing to who has a key.
        let whole = text(&file);
        let unsigned: Vec<&str> = whole.lines().filter(|line| !line.starts_with("{\"checkpoint\"")).collect();
        let unsigned = (unsigned.join("\n") + "\n").replace("\"checkpoints\":1", "\"checkpoints\":0");
        let unsigned = altered(&file, &unsigned);
        verify(&unsigned, &[]).well().told(&["no signature covers events 1 to "]);
        verify(&unsigned, &["--public-key", &key]).failed(10).told(&["nothing in the export is signed"]);
        // Events behind the last checkpoint are told.
        verify(&file, &["--public-key", &key]).well().told(&["no signature covers events "]);
        for wrong in ["", "1", &"g".repeat(64), &"11".repeat(31), "AAAA"] {
            verify(&file, &["--public-key", wrong]).failed(2).told(&["hexadecimal or base64"]);
        }
        fs::write(&keys, "# none\n").unwrap();
        verify(&file, &key_file).failed(2).told(&["holds none"]);
        fs::remove_file(&keys).unwrap();
        verify(&file, &key_file).failed(2);
        verify(&directory.path().join("absent"), &[]).failed(2).told(&["absent", "No such file"]);
    }
}

#[tokio::test]
async fn an_export_is_written_whole_or_not_at_all() {
    let Exported {
        kluis,
        directory,
        file,
        ..
    } = exported(Backend::Sqlite).await;
    let named = file.to_str().unwrap();
    let export = ["audit", "export", "--file", named];
    let before = text(&file);
    run(&kluis, &export).failed(6).told(&["--force"]);
    assert_eq!(text(&file), before);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let replace = [&export[..], &["--force"]].concat();
    run(&kluis, &replace).well();
    assert!(text(&file).lines().count() > before.lines().count());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    verify(&file, &[]).well();
    // A part, the rest of it, and more than there is.
    let report = verify(&file, &["-o", "json"]).well().stdout;
    let report: Value = serde_json::from_str(&report).unwrap();
    let through = report["export"]["through"].to_string();
    let rest = directory.path().join("rest");
    let behind = ["audit", "export", "--after", &through, "--file"];
    run(&kluis, &[&behind[..], &[rest.to_str().unwrap()]].concat()).well();
    let told = format!("begins behind event {through}");
    let after = verify(&rest, &["-o", "json"]).well().told(&[&told]);
    let after: Value = serde_json::from_str(&after.stdout).unwrap();
    assert_eq!(after["export"]["after_hash"], report["export"]["hash"]);
    let beyond = ["audit", "export", "--after", "99999"];
    run(&kluis, &beyond).failed(5).told(&["--after"]);
    // To stdout, and not over what is no file.
    let printed = run(&kluis, &["audit", "export", "--to", "2001-01-01T00:00:00Z"]).well();
    assert_eq!(printed.stdout.lines().count(), 2, "{}", printed.stdout);
    let link = directory.path().join("link");
    symlink(&file, &link).unwrap();
    for place in [directory.path(), &link, Path::new("/dev/null")] {
        let place = place.to_str().unwrap();
        run(&kluis, &["audit", "export", "--force", "--file", place]).failed(6);
    }
    // What is refused leaves nothing behind, and what was there as it was.
    let before = text(&file);
    let (url, member) = (kluis.base(), kluis.user("member").await);
    let refused = |arguments: &[&str]| {
        run_with(&kluis, arguments, "", &caller(&url, member.token())).failed(4)
    };
    let new = directory.path().join("new");
    refused(&["audit", "export", "--file", new.to_str().unwrap()]);
    refused(&replace);
    refused(&["audit", "export"]);
    assert_eq!(text(&file), before);
    let mut names: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["link", "record", "rest"]);
    for wrong in [
        &["audit", "export", "--force"][..],
        &["audit", "verify", "--public-key", "x"],
        &["audit", "verify", "--file", named, "--to", "x"],
        &["audit", "export", "--after", "-1"],
    ] {
        run(&kluis, wrong).failed(2);
    }
}
