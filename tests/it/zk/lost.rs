//! An answer that is lost says nothing of what was done.

use std::path::Path;

use super::hostile::Lie;
use super::server::Server;
use super::{zk, zk_with};
use crate::cli::Ended;

const ORGANIZATION: &str = "org_fixture_0001";
const NEW_KEY: &str = "Another-Horse-Battery-9";
const BROKEN: &str = "HTTP/1.1 500 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const NO_JSON: &str = "HTTP/1.1 201 X\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>";

fn run(server: &Server, state: &Path, arguments: &[&str]) -> Ended {
    zk(&server.base, "ibk_test", state, arguments, "value")
}

fn initialized() -> (Server, tempfile::TempDir) {
    let (server, state) = (Server::start(ORGANIZATION), tempfile::tempdir().unwrap());
    run(&server, state.path(), &["init"]).well();
    (server, state)
}

fn remembered(state: &Path) -> String {
    std::fs::read_to_string(state.join("kluis/zero-knowledge.json")).unwrap_or_default()
}

#[test]
fn codes_of_a_vault_that_was_made_are_printed_although_the_answer_was_lost() {
    for instead in ["", BROKEN, NO_JSON] {
        let (server, state) = (Server::start(ORGANIZATION), tempfile::tempdir().unwrap());
        server.tell(Lie::Lost(&["/initialize"], instead));
        let made = run(&server, state.path(), &["init"]).well();
        let code = made.stdout.lines().next().unwrap().to_owned();
        assert_eq!(made.stdout.lines().count(), 4);
        server.tell(Lie::None);
        run(&server, state.path(), &["unlock"]).well();
        let code = format!("{code}\n");
        std::fs::write(state.path().join("code"), code).unwrap();
        let file = state.path().join("code").to_str().unwrap().to_owned();
        let arguments = ["unlock", "--recovery-code-file", &file];
        run(&server, state.path(), &arguments).well();
    }
}

#[test]
fn who_does_not_know_whether_a_vault_was_made_says_so() {
    for instead in ["", BROKEN] {
        let (server, state) = (Server::start(ORGANIZATION), tempfile::tempdir().unwrap());
        server.tell(Lie::Lost(&["/initialize", "/keys"], instead));
        run(&server, state.path(), &["init"])
            .failed(8)
            .told(&[
                "it is not known whether the vault was made",
                "kluis zk unlock",
            ])
            .silent("was not made");
    }
    let (server, state) = (Server::start(ORGANIZATION), tempfile::tempdir().unwrap());
    server.tell(Lie::Unheard("/initialize"));
    run(&server, state.path(), &["init"])
        .failed(8)
        .told(&["the vault was not made"]);
    server.tell(Lie::None);
    run(&server, state.path(), &["init"]).well();
}

#[test]
fn codes_are_printed_whatever_is_odd_about_the_vault_afterwards() {
    for (lie, words) in [
        (Lie::OtherVaultKey, "was asked about"),
        (Lie::Vault, "was asked about"),
        (
            Lie::RecoveryKeys(3),
            "4 recovery keys were sent, and the server says that it has 3",
        ),
        (Lie::NoVault, "could not be checked"),
    ] {
        let (server, state) = (Server::start(ORGANIZATION), tempfile::tempdir().unwrap());
        server.tell(lie.clone());
        let made = run(&server, state.path(), &["init"]).well();
        assert_eq!(made.stdout.lines().count(), 4, "{lie:?}");
        made.told(&["warning: ", words]);
    }
    let (server, state) = (Server::start(ORGANIZATION), tempfile::tempdir().unwrap());
    server.tell(Lie::OtherInfo("org_fixture_0002"));
    run(&server, state.path(), &["init"]).failed(10).told(&[
        "the vault was made",
        "org_fixture_0001",
        "org_fixture_0002",
    ]);
    let memory = remembered(state.path());
    assert!(!memory.contains("org_fixture"), "{memory}");
}

#[test]
fn a_new_vault_key_is_known_to_hold_or_not_or_nobody_says_which() {
    let rekey = |lie: Lie| {
        let (server, state) = initialized();
        let file = state.path().join("new");
        std::fs::write(&file, NEW_KEY).unwrap();
        server.tell(lie);
        let arguments = ["rekey", "--new-vault-key-file", file.to_str().unwrap()];
        let ended = run(&server, state.path(), &arguments);
        server.tell(Lie::None);
        (server, state, ended)
    };
    for instead in ["", BROKEN, NO_JSON] {
        let (server, state, ended) = rekey(Lie::Lost(&["/keys/primary"], instead));
        ended.well().told(&["has a new vault key"]);
        let environment = [("KLUIS_VAULT_KEY", NEW_KEY)];
        let unlock = ["unlock"];
        zk_with(
            &server.base,
            "ibk_test",
            state.path(),
            &unlock,
            "",
            &environment,
        )
        .well();
    }
    let (server, state, ended) = rekey(Lie::LostFrom("/keys/primary"));
    ended.failed(8).told(&[
        "it is not known whether the vault key was replaced",
        "keep both vault keys",
    ]);
    run(&server, state.path(), &["unlock"]).failed(4);
    let (server, state, ended) = rekey(Lie::Unheard("/keys/primary"));
    ended.failed(8).told(&["the vault key was not replaced"]);
    run(&server, state.path(), &["unlock"]).well();
}

#[test]
fn who_does_not_know_whether_a_secret_changed_says_so() {
    let (server, state) = initialized();
    let run = |arguments: &[&str]| run(&server, state.path(), arguments);
    run(&["add", "n", "--type", "login"]).well();
    for (arguments, method, words) in [
        (&["add", "m"][..], "POST", "'m' was kept"),
        (
            &["edit", "n", "--ask", "password"],
            "PATCH",
            "'n' was changed",
        ),
        (
            &["edit", "n", "--description", "x"],
            "PATCH",
            "'n' was changed",
        ),
        (
            &["grant", "n", "build-agent"],
            "POST",
            "'n' was granted to 'build-agent'",
        ),
        (
            &["revoke", "n", "build-agent"],
            "DELETE",
            "'n' was taken from 'build-agent'",
        ),
        (&["delete", "n", "--yes"], "DELETE", "'n' was deleted"),
    ] {
        server.tell(Lie::Unheard(method));
        run(arguments)
            .failed(8)
            .told(&[
                &format!("not known whether {words}"),
                "look with kluis zk list",
            ])
            .silent("was not");
    }
    // What a server refuses did not happen.
    server.tell(Lie::None);
    run(&["revoke", "n", "build-agent"])
        .failed(5)
        .told(&["'n' was not taken"]);
}
