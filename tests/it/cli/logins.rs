//! `kluis login`, `logout`, `whoami`.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::standin::Standin;
use super::{Ended, bare, ended, run, run_with, wait};
use crate::harness::{Kluis, totp_code};

/// A machine of its own: a configuration directory, and no server near.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = bare();
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("XDG_CONFIG_HOME", self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    fn run_with(&self, arguments: &[&str], stdin: &str) -> Ended {
        wait(self.command(arguments), stdin)
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("kluis/credentials.json")
    }

    /// Starts a log-in; gives it back with the code that it shows.
    fn login(&self, arguments: &[&str]) -> (Child, String) {
        let mut command = self.command(&[&["login"], arguments].concat());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let code = line
            .strip_prefix("code: ")
            .unwrap_or_else(|| panic!("{line}"));
        (child, code.to_owned())
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
        & 0o7777
}

/// Issue: the device flow; 1claw contract §4.5.
#[tokio::test]
async fn a_machine_without_a_key_is_let_in_by_somebody_who_has_one() {
    let kluis = Kluis::start().await;
    let (machine, base) = (Machine::new(), kluis.base());
    let (child, code) = machine.login(&["--url", &base, "-o", "json"]);
    let shown = run(&kluis, &["login", "show", &code, "-o", "json"]).well();
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["code"], code.as_str());
    assert_eq!(shown["ip_address"], "127.0.0.1");
    assert!(
        shown["client"].as_str().unwrap().starts_with("kluis on "),
        "{shown}"
    );
    // Nobody is asked, so nobody has agreed.
    let unasked = run(&kluis, &["login", "approve", &code]);
    assert_eq!((unasked.code, unasked.stdout.as_str()), (2, ""));
    unasked.told(&["--yes", "kluis on ", "127.0.0.1", &code]);
    run(&kluis, &["login", "approve", &code, "--yes"])
        .well()
        .told(&["the log-in is approved"]);
    let done = ended(&child.wait_with_output().unwrap()).well();
    let done: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(done["email"], "owner@kluis.local");
    assert_eq!(done["server"], base.as_str());
    assert_eq!(mode(&machine.file()), 0o600);
    assert_eq!(mode(machine.file().parent().unwrap()), 0o700);

    let whoami = machine.run(&["whoami", "-o", "value"]).well();
    assert_eq!(whoami.stdout, "owner@kluis.local");
    machine.run_with(&["set", "KEY"], "value").well();
    assert_eq!(machine.run(&["get", "KEY"]).well().stdout, "value");
    machine.run(&["token", "list"]).well();
    machine.run(&["agent", "list"]).well();
    // The environment wins.
    let mut other = machine.command(&["whoami"]);
    other.env("KLUIS_TOKEN", "ck_live_unknown");
    wait(other, "").failed(3).told(&["KLUIS_TOKEN"]);

    let kept: Value = serde_json::from_slice(&std::fs::read(machine.file()).unwrap()).unwrap();
    let token = kept["servers"][&base]["token"].as_str().unwrap().to_owned();
    machine
        .run(&["logout"])
        .well()
        .told(&["its token is revoked"]);
    assert!(
        !std::fs::read_to_string(machine.file())
            .unwrap()
            .contains(&token)
    );
    let stale = run_with(&kluis, &["whoami"], "", &super::caller(&base, &token));
    stale.failed(3).silent(&token);
    machine
        .run(&["whoami", "--url", &base])
        .failed(3)
        .told(&["kluis login --url"]);
    machine.run(&["logout"]).failed(5);
}

#[tokio::test]
async fn a_login_that_is_denied_or_for_another_leaves_nothing() {
    let kluis = Kluis::start().await;
    let (machine, base, member) = (Machine::new(), kluis.base(), kluis.user("member").await);
    let (child, code) = machine.login(&["--server", &base, "--for", &member.email]);
    run(&kluis, &["login", "approve", &code, "--yes"]).told(&["KLUIS-"]);
    let as_member = super::caller(&base, member.token());
    run_with(&kluis, &["login", "deny", &code], "", &as_member).well();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("somebody denied it"));
    assert!(!machine.file().exists());
    let before = ["login", "--url", &base, "show", "BBBB-BBBB"];
    run_with(&kluis, &before, "", &as_member).failed(5);
    let mixed = ["login", "--email", "a@example.test", "show", "BBBB-BBBB"];
    run(&kluis, &mixed).failed(2).told(&["--email"]);
    run(&kluis, &["login", "show", "BBBB-BBBB"])
        .failed(5)
        .told(&["look at the code"]);
}

#[tokio::test]
async fn a_password_and_a_code_of_the_second_factor_log_in_too() {
    let kluis = Kluis::start().await;
    let (machine, base, member) = (Machine::new(), kluis.base(), kluis.user("member").await);
    let other = Kluis::start().await;
    let path = format!("/v1/users/{}/reset-password", member.id);
    let password = kluis
        .admin_api()
        .post(&path, json!({}))
        .await
        .expect(200)
        .text("/data/password");
    let login = ["login", "--email", &member.email, "--url", &base];
    machine.run_with(&login, &password).well().silent(&password);
    assert_eq!(
        machine.run(&["whoami", "-o", "value"]).well().stdout,
        member.email
    );
    machine
        .run_with(&login, "wrong")
        .failed(3)
        .silent("wrong")
        .told(&["password"]);

    let enrolled = member
        .admin_api()
        .post("/v1/auth/totp/enroll", json!({}))
        .await
        .expect(200);
    let secret = enrolled.text("/data/secret");
    let confirm = json!({"code": totp_code(&secret, 0)});
    let confirmed = member
        .admin_api()
        .post("/v1/auth/totp/confirm", confirm)
        .await
        .expect(200);
    let recovery = confirmed.text("/data/recovery_codes/0");
    machine
        .run_with(&login, &password)
        .failed(2)
        .told(&["second line of stdin"]);
    machine
        .run_with(&login, &format!("{password}\n{recovery}\n"))
        .well();
    // What is near comes before the latest log-in, and that is said.
    let mut near = machine.command(&login);
    near.env("KLUIS_DATA_DIR", Kluis::data_dir(&other));
    wait(
        near,
        &format!("{password}\n{}", confirmed.text("/data/recovery_codes/1")),
    )
    .well()
    .told(&["commands here go to"]);
    machine.run(&["whoami"]).well();
}

#[test]
fn a_login_that_has_ended_or_is_not_the_users_own_is_said_to_be_so() {
    let machine = Machine::new();
    let file = machine.file();
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    let write = |mode, expires_at: &str| {
        let logins = json!({"current": "http://127.0.0.1:9", "servers": {
            "http://127.0.0.1:9": {"token": "canary", "expires_at": expires_at}}});
        std::fs::write(&file, logins.to_string()).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write(0o600, "2020-01-01T00:00:00Z");
    machine
        .run(&["get", "KEY"])
        .failed(3)
        .told(&[
            "has ended",
            "2020-01-01T00:00:00Z",
            "kluis login --url http://127.0.0.1:9",
        ])
        .silent("canary");
    write(0o644, "2099-01-01T00:00:00Z");
    machine
        .run(&["get", "KEY"])
        .failed(2)
        .told(&["others may read"])
        .silent("canary");
    write(0o600, "2099-01-01T00:00:00Z");
    machine.run(&["get", "KEY"]).failed(8);
    machine
        .run(&["logout"])
        .failed(8)
        .told(&["the log-in is kept", "--forget"]);
    machine
        .run(&["logout", "--forget"])
        .well()
        .told(&["its token holds until 2099"]);
    machine
        .run(&["get", "KEY"])
        .failed(2)
        .told(&["no server to talk to"]);
}

/// Texts of a server are looked at on a terminal, and its pace is not obeyed beyond reason.
#[test]
fn what_a_server_says_of_a_login_steers_no_terminal() {
    let machine = Machine::new();
    let code = json!({"device_code": "canary", "user_code": "AB\u{1b}[2J", "verification_uri": "http://x/\u{202e}y",
        "expires_in": 900, "interval": 0});
    let standin = Standin::answering(vec![
        (200, code),
        (200, json!({"error": "authorization_pending"})),
        (429, json!({"detail": "slow"})),
        (200, json!({"error": "bad\u{1b}thing"})),
    ]);
    let mut command = machine.command(&["login", "--url", &standin.base]);
    command.env("KLUIS_TOKEN", "ck_live_own");
    let ended = wait(command, "");
    assert_eq!((ended.code, ended.stdout.as_str()), (3, ""));
    ended
        .told(&["AB\\u{1b}[2J", "http://x/\\u{202e}y", "bad\\u{1b}thing"])
        .silent("\u{1b}[")
        .silent("canary");
    let requests = standin.requests();
    assert!(
        requests[0].contains(r#"{"client_id":"kluis on "#),
        "{requests:?}"
    );
    assert!(
        requests
            .iter()
            .all(|request| !request.contains("ck_live_own")),
        "{requests:?}"
    );
    assert!(
        requests[1].contains("urn:ietf:params:oauth:grant-type:device_code"),
        "{requests:?}"
    );
}
