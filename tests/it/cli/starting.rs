//! Starting servers from the command line, and finding them.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use super::{bare, caller, in_directory, run, run_with, wait};
use crate::harness::{Kluis, Start, binary, without_settings};

/// NT-41: what is no URL has its password anywhere.
#[tokio::test]
async fn a_storage_value_that_is_not_understood_is_never_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("storage");
    std::fs::write(&file, "host=h password=c4nary\n").unwrap();
    for arguments in [
        &["config", "explain"][..],
        &["server"],
        &["operator", "status"],
        &["dev", "--listen", "127.0.0.1:0"],
    ] {
        for (variable, value) in [
            ("KLUIS_STORAGE", "host=h password=c4nary"),
            ("KLUIS_STORAGE", "mysql://u:c4nary@h/db"),
            ("KLUIS_STORAGE", "u:c4nary@h"),
            ("KLUIS_STORAGE_FILE", file.to_str().unwrap()),
        ] {
            let mut command = in_directory(&directory.path().join("data"));
            command.args(arguments).env(variable, value);
            wait(command, "")
                .failed(2)
                .told(&["storage", variable, "postgres"])
                .silent("c4nary");
        }
        let mut command = in_directory(&directory.path().join("data"));
        if arguments[0] == "dev" || arguments[0] == "server" {
            command
                .args(arguments)
                .args(["--storage", "host=h password=c4nary"]);
            wait(command, "")
                .failed(2)
                .told(&["--storage"])
                .silent("c4nary");
        }
    }
    let set = [
        "config",
        "explain",
        "--set",
        "storage:postgres://u:c4nary@h",
    ];
    let mut command = bare();
    command.args(set);
    wait(command, "").failed(2).silent("c4nary");
    assert!(!directory.path().join("data").exists());
}

/// NT-42: development is told, production is refused.
#[tokio::test]
async fn a_password_in_an_argument_is_warned_of_and_taken_from_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://kluis:c4nary@{free}/kluis");
    let mut command = in_directory(&data);
    command.args(["dev", "--listen", "127.0.0.1:0", "--storage", &url]);
    wait(command, "")
        .failed(1)
        .told(&["--storage", "KLUIS_STORAGE", &free.to_string()])
        .silent("c4nary");
    let mut command = in_directory(&data);
    command.args(["server", "--set", &format!("storage={url}")]);
    wait(command, "").failed(2).silent("c4nary");
    let file = directory.path().join("storage");
    std::fs::write(&file, &url).unwrap();
    for (variable, value) in [
        ("KLUIS_STORAGE", url.as_str()),
        ("KLUIS_STORAGE_FILE", file.to_str().unwrap()),
    ] {
        let mut command = in_directory(&data);
        command
            .args(["dev", "--listen", "127.0.0.1:0"])
            .env(variable, value);
        wait(command, "")
            .failed(1)
            .told(&[&free.to_string()])
            .silent("c4nary");
    }
}

#[tokio::test]
async fn a_first_start_on_a_taken_address_makes_nothing() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let start = || Start::new(&[]).directory(directory.path());
    let ended = start().listen(&address).fails().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
    assert!(!directory.path().join("data").exists());
    let mut kluis = start().start().await;
    let token = kluis.dev("/tokens/cloudkeep");
    assert!(kluis.log().contains(&token), "{}", kluis.log());

    // Later starts say where the keys are, and do not show them.
    kluis.stop();
    kluis.begin().await;
    let kept = kluis.data_dir().join("dev.json");
    let line = format!("keys: {}\n", kept.display());
    let log = kluis.log();
    assert!(log.contains(&line) && !log.contains(&token), "{log}");

    // A first start that ended before it listened has shown nothing, so the next one does.
    kluis.stop();
    let mut dev: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
    dev["base_url"] = "".into();
    std::fs::write(&kept, dev.to_string()).unwrap();
    kluis.begin().await;
    assert!(kluis.log().contains(&token), "{}", kluis.log());
}

#[tokio::test]
async fn the_certificate_of_a_dev_server_is_trusted_by_its_directory() {
    let kluis = Kluis::start_with(&["--tls-self-signed"]).await;
    let (url, token) = (kluis.base(), kluis.dev("/tokens/cloudkeep"));
    assert!(url.starts_with("https://"), "{url}");
    assert!(!kluis.log().contains("--ca-file"), "{}", kluis.log());
    run_with(&kluis, &["set", "KEY"], "value", &[]).well();
    assert_eq!(run(&kluis, &["get", "KEY"]).well().stdout, "value");
    let owner = caller(&url, &token);
    assert_eq!(
        run_with(&kluis, &["get", "KEY"], "", &owner).well().stdout,
        "value"
    );

    let elsewhere = tempfile::tempdir().unwrap();
    let here = |environment: &[(&str, &str)]| {
        let mut command = bare();
        command
            .args(["get", "KEY"])
            .envs(environment.iter().copied());
        wait(
            {
                command.current_dir(elsewhere.path());
                command
            },
            "",
        )
    };
    here(&owner).failed(8).told(&["--ca-file"]);
    symlink(kluis.data_dir(), elsewhere.path().join(".kluis")).unwrap();
    assert_eq!(here(&[]).well().stdout, "value");
    // A file that was named is the one that counts.
    let other = elsewhere.path().join("other.pem");
    std::fs::write(&other, "no certificate").unwrap();
    here(&[("KLUIS_CA_FILE", other.to_str().unwrap())]).failed(2);
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_read_is_not_called_empty() {
    let directory = tempfile::tempdir().unwrap();
    let locked = directory.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, Permissions::from_mode(0o000)).unwrap();
    let get = |data_dir: &std::path::Path| {
        let mut command = unprivileged();
        command.arg("--data-dir").arg(data_dir).args(["get", "KEY"]);
        wait(command, "").failed(2)
    };
    get(&locked)
        .told(&["locked", "Permission denied"])
        .silent("no running");
    let absent = directory.path().join("absent");
    get(&absent).told(&["absent holds no dev.json", "kluis dev"]);
}

/// `kluis` without the right of root to pass over permissions.
fn unprivileged() -> Command {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return bare();
    }
    let mut command = Command::new("setpriv");
    without_settings(&mut command);
    let without = "-dac_override,-dac_read_search";
    command
        .arg(format!("--inh-caps={without}"))
        .arg(format!("--bounding-set={without}"))
        .arg(binary());
    command
}
