//! What the command asks for, remembers, and refuses before it calls anybody.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::hostile::Lie;
use super::server::Server;
use super::{VAULT_KEY, zk, zk_with};
use crate::cli::{Ended, bare, wait};

/// Nothing listens there.
const NOBODY: &str = "http://127.0.0.1:9";
const TOKEN: &str = "ibk_test";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn memory(&self) -> PathBuf {
        self.path().join("kluis/zero-knowledge.json")
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, server: &Server, arguments: &[&str], stdin: &str) -> Ended {
        zk(&server.base, TOKEN, self.path(), arguments, stdin)
    }
}

fn initialized() -> (Server, Place) {
    let (server, place) = (Server::start("org_fixture_0001"), Place::new());
    place.run(&server, &["init"], "").well();
    (server, place)
}

/// Inkbox contract §6.2: the key is what the file holds, but for the end of its line.
#[test]
fn the_vault_key_comes_from_a_file_or_the_environment() {
    let (server, place) = initialized();
    let files = [
        format!("{VAULT_KEY}\n"),
        format!("{VAULT_KEY}\r\n"),
        VAULT_KEY.to_owned(),
    ];
    let wrong = "Wrong-Horse-Battery-9";
    let at = |arguments: &[&str], environment: &[(&str, &str)]| {
        let arguments = [&["unlock"], arguments].concat();
        zk_with(
            &server.base,
            TOKEN,
            place.path(),
            &arguments,
            "",
            environment,
        )
    };
    for (number, content) in files.iter().enumerate() {
        let file = place.file(&format!("key{number}"), content.as_bytes());
        at(&["--vault-key-file", &file], &[]).well();
        at(&["--vault-key-file", &file], &[("KLUIS_VAULT_KEY", wrong)]).well();
        at(&[], &[("KLUIS_VAULT_KEY_FILE", &file)]).well();
        at(
            &[],
            &[("KLUIS_VAULT_KEY_FILE", &file), ("KLUIS_VAULT_KEY", wrong)],
        )
        .failed(4);
    }
    at(&[], &[("KLUIS_VAULT_KEY", VAULT_KEY)]).well();
    // Nothing else is trimmed.
    let padded = place.file("padded", format!("{VAULT_KEY} \n").as_bytes());
    at(&["--vault-key-file", &padded], &[]).failed(4);
    for (arguments, environment) in [
        (&[][..], &[][..]),
        (&["--ask-recovery-code"], &[]),
        (&[], &[("KLUIS_VAULT_KEY", "")]),
    ] {
        at(arguments, environment)
            .failed(2)
            .told(&["no terminal to ask on", "--vault-key-file"]);
    }
    at(&["--vault-key-file", "/nonexistent"], &[]).failed(2);
    for empty in ["/dev/null", "-"] {
        at(&["--vault-key-file", empty], &[])
            .failed(2)
            .told(&["is empty, or was read already"]);
    }
}

/// NT-42
#[test]
fn no_secret_is_taken_from_an_argument_or_repeated() {
    let place = Place::new();
    for arguments in [
        &["add", "github", "canary"][..],
        &["add", "github", "--field", "password=canary"],
        &["add", "github", "--field", "canary"],
        &["add", "github", "--password", "canary"],
        &["add", "github", "--password=canary"],
        &["edit", "github", "canary"],
        &["edit", "github", "--field", "notes=canary"],
        &["unlock", "--vault-key", "canary"],
        &["unlock", "--vault-key=canary"],
        &["unlock", "--recovery-code=canary"],
    ] {
        zk(NOBODY, TOKEN, place.path(), arguments, "")
            .failed(2)
            .silent("canary");
    }
    // A session is refused before the vault key is asked for.
    for token in ["cvs_canary", "eyJcanary"] {
        zk_with(NOBODY, token, place.path(), &["unlock"], "", &[])
            .failed(3)
            .told(&["API keys alone", "kluis token create"])
            .silent("canary");
    }
}

#[test]
fn a_weak_vault_key_is_refused_before_anything_is_sent() {
    let place = Place::new();
    for (weak, words) in [
        ("Short-1", "fewer than 16"),
        ("no-upper-case-letter-1", "upper-case"),
    ] {
        let environment = [("KLUIS_VAULT_KEY", weak)];
        zk_with(NOBODY, TOKEN, place.path(), &["init"], "", &environment)
            .failed(2)
            .told(&[words])
            .silent(weak);
    }
    zk(NOBODY, TOKEN, place.path(), &["init"], "").failed(8);
}

#[test]
fn recovery_codes_are_not_made_where_they_would_be_lost_or_read() {
    let server = Server::start("org_fixture_0001");
    let place = Place::new();
    let init = |stdout: Stdio| {
        let mut command = bare();
        command
            .args(["zk", "init"])
            .current_dir("/")
            .env("KLUIS_URL", &server.base)
            .env("KLUIS_TOKEN", TOKEN)
            .env("KLUIS_VAULT_KEY", VAULT_KEY)
            .env("XDG_STATE_HOME", place.path())
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, told) = init(Stdio::null());
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("leads nowhere"), "{told}");
    let codes = place.path().join("codes");
    let open = || {
        let file = fs::File::create(&codes).unwrap();
        Stdio::from(file)
    };
    fs::write(&codes, "").unwrap();
    fs::set_permissions(&codes, Permissions::from_mode(0o644)).unwrap();
    let (code, told) = init(open());
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("umask 077"), "{told}");
    assert_eq!(server.requests(), Vec::<String>::new());
    fs::set_permissions(&codes, Permissions::from_mode(0o600)).unwrap();
    let (code, told) = init(open());
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(fs::read_to_string(&codes).unwrap().lines().count(), 4);
}

#[test]
fn what_is_remembered_is_the_users_own_and_nobody_elses() {
    let (server, place) = initialized();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&place.memory()), 0o600);
    assert_eq!(mode(place.memory().parent().unwrap()), 0o700);
    let remembered: Value = serde_json::from_slice(&fs::read(place.memory()).unwrap()).unwrap();
    assert_eq!(remembered["servers"].as_object().unwrap().len(), 1);

    fs::set_permissions(place.memory(), Permissions::from_mode(0o644)).unwrap();
    place
        .run(&server, &["list"], "")
        .failed(2)
        .told(&["others may read", "chmod 600"]);
    fs::set_permissions(place.memory(), Permissions::from_mode(0o600)).unwrap();
    place.run(&server, &["list"], "").well();
    let elsewhere = place.path().join("elsewhere");
    fs::rename(place.memory(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.memory()).unwrap();
    place
        .run(&server, &["list"], "")
        .failed(2)
        .told(&["symbolic link"]);
    fs::remove_file(place.memory()).unwrap();
    for (content, words) in [
        (&b"{\"format\": 2}"[..], "a newer release"),
        (b"canary", "line 1 is not"),
        (b"", "is not as kluis writes it"),
    ] {
        fs::write(place.memory(), content).unwrap();
        fs::set_permissions(place.memory(), Permissions::from_mode(0o600)).unwrap();
        place
            .run(&server, &["list"], "")
            .failed(2)
            .told(&[words])
            .silent("canary");
        // What cannot be read is not replaced.
        assert_eq!(fs::read(place.memory()).unwrap(), content);
    }
    let mut homeless = bare();
    homeless
        .args(["zk", "list"])
        .current_dir("/")
        .env("KLUIS_URL", &server.base)
        .env("KLUIS_TOKEN", TOKEN)
        .env_remove("HOME")
        .env_remove("XDG_STATE_HOME");
    wait(homeless, "").failed(2).told(&["no place to remember"]);
}

#[test]
fn a_name_that_is_used_twice_is_asked_for_by_id() {
    let (server, place) = initialized();
    let add = |name: &str, value: &str| {
        let ended = place.run(&server, &["add", name], value).well();
        (ended.stdout.clone(), ended)
    };
    let (first, _) = add("same", "1");
    let (second, ended) = add("same", "2");
    ended.told(&["warning: another secret is called 'same', too"]);
    for arguments in [
        &["get", "same"][..],
        &["delete", "same", "--yes"],
        &["edit", "same", "--name", "x"],
    ] {
        place.run(&server, arguments, "").failed(2).told(&[
            "2 secrets are called 'same'",
            &first,
            &second,
        ]);
    }
    assert_eq!(
        place
            .run(&server, &["get", &first.to_uppercase()], "")
            .well()
            .stdout,
        "1"
    );
    place.run(&server, &["delete", &second, "--yes"], "").well();
    assert_eq!(place.run(&server, &["get", "same"], "").well().stdout, "1");
    place.run(&server, &["get", &second], "").failed(5);
}

#[test]
fn stdin_is_read_once() {
    let (server, place) = initialized();
    for arguments in [
        &["add", "n", "--type", "login", "--totp"][..],
        &["add", "n", "--type", "login", "--field-stdin", "notes"],
        &[
            "add",
            "n",
            "--type",
            "login",
            "--json",
            "-",
            "--totp-file",
            "-",
        ],
        &[
            "add",
            "n",
            "--type",
            "login",
            "--field",
            "password=@-",
            "--field",
            "notes=@-",
        ],
    ] {
        place
            .run(&server, arguments, "canary")
            .failed(2)
            .told(&["stdin can be read once"])
            .silent("canary");
    }
    for (arguments, stdin, words) in [
        (&["add", "n"][..], "", "data is empty"),
        (
            &["add", "n", "--type", "key_pair"],
            "x",
            "needs the field 'access_key'",
        ),
        (
            &["add", "n", "--type", "other", "--username", "x"],
            "x",
            "has no field 'username'",
        ),
        (
            &["add", "n", "--json", "-"],
            "{\"data\": 7}",
            "is not the JSON of type 'other'",
        ),
        (
            &[
                "add",
                "n",
                "--type",
                "login",
                "--totp",
                "--field",
                "password=@/dev/null",
            ],
            "otpauth://hotp/x?secret=MZXW6YTB",
            "by a counter",
        ),
    ] {
        place
            .run(&server, arguments, stdin)
            .failed(2)
            .told(&[words]);
    }
    assert_eq!(
        place
            .run(&server, &["list", "-o", "value"], "")
            .well()
            .stdout,
        ""
    );
}

/// Two at once on one machine: neither takes the other's change for a lie, and nothing that one learned is lost.
#[test]
fn commands_of_one_machine_wait_for_each_other() {
    let (server, place) = initialized();
    for name in ["n", "other"] {
        place.run(&server, &["add", name], "0").well();
    }
    std::thread::scope(|scope| {
        for number in 1..=4 {
            let (place, server) = (&place, &server);
            let thread = std::thread::Builder::new().name("command".to_owned());
            let work = move || {
                let edit = ["edit", "n", "--ask", "data"];
                place.run(server, &edit, &number.to_string()).well();
                place.run(server, &["unlock"], "").well();
            };
            thread.spawn_scoped(scope, work).unwrap();
        }
    });
    // All that was replaced is known.
    server.tell(Lie::OldPayload);
    place
        .run(&server, &["get", "other"], "")
        .failed(10)
        .told(&["an old one that had been replaced"]);
    let remembered: Value = serde_json::from_slice(&fs::read(place.memory()).unwrap()).unwrap();
    let known = &remembered["servers"][&server.base][0]["secrets"];
    let mut known = known.as_object().unwrap().values();
    let edited = known.find(|secret| secret["name"] == "n").unwrap();
    assert_eq!(edited["superseded"].as_array().unwrap().len(), 4);
}
