//! What the command line says: help, complaints, advice, tables.

use super::{bare, caller, run, run_with, wait};
use crate::harness::{Api, Kluis};

/// `kluis` with these arguments and no server.
fn alone(arguments: &[&str]) -> super::Ended {
    let mut command = bare();
    command.args(arguments);
    wait(command, "")
}

#[test]
fn a_complaint_is_a_sentence_that_helps() {
    alone(&["get"])
        .failed(2)
        .told(&["were not provided: <KEY>\n"]);
    alone(&["dev", "--listen", "localhost:0"])
        .failed(2)
        .told(&["localhost:0", "127.0.0.1:8200"]);
}

#[test]
fn help_calls_a_password_what_it_is() {
    for arguments in [&["user", "--help"][..], &["user", "create", "--help"]] {
        let help = alone(arguments).well().silent("one-time");
        assert!(
            help.stdout.contains("a password that is shown once"),
            "{}",
            help.stdout
        );
    }
}

#[tokio::test]
async fn a_key_is_made_for_a_user_by_its_address() {
    let kluis = Kluis::start().await;
    let member = kluis.user("member").await;
    let address = member.email.to_uppercase();
    let token = run(&kluis, &["token", "create", "ci", "--user", &address])
        .well()
        .stdout;
    let me = Api::bearer(kluis.base(), token.trim())
        .get("/api/v1/me")
        .await;
    assert_eq!(me.expect(200).text("/data/email"), member.email);
    run(
        &kluis,
        &["token", "create", "ci", "--user", "no@example.test"],
    )
    .failed(5);
}

#[tokio::test]
async fn a_refusal_says_who_can_help() {
    let kluis = Kluis::start().await;
    run_with(&kluis, &["set", "KEY"], "value", &[]).well();
    let (url, viewer) = (kluis.base(), kluis.user("viewer").await);
    let refused = |arguments: &[&str]| {
        run_with(&kluis, arguments, "value", &caller(&url, viewer.token())).failed(4)
    };
    for arguments in [
        &["get", "KEY"][..],
        &["set", "KEY"],
        &["secret", "delete", "KEY", "--yes"],
    ] {
        refused(arguments).told(&["kluis policy add"]);
    }
    for arguments in [
        &["vault", "create", "two"][..],
        &["user", "create", "a@example.test"],
        &["policy", "list"],
        &["audit", "verify"],
    ] {
        refused(arguments)
            .told(&["owner or admin of the organization"])
            .silent("kluis policy add");
    }
}

#[tokio::test]
async fn the_scheme_of_the_record_is_words_in_a_table_and_whole_in_json() {
    let kluis = Kluis::start().await;
    let table = run(&kluis, &["audit", "verify"]).well().stdout;
    assert!(
        table.contains("SHA-256, Ed25519") && !table.contains('{'),
        "{table}"
    );
    let json = run(&kluis, &["audit", "verify", "-o", "json"])
        .well()
        .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json["scheme"],
        serde_json::json!({"algorithm": "SHA-256", "signature": "Ed25519"})
    );
}
