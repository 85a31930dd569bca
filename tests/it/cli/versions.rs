//! The life of a secret's versions from the command line.

use super::{Ended, run, run_with};
use crate::harness::Kluis;

/// What a command of `secret` says on stderr, when it ends well with nothing on stdout.
fn said(kluis: &Kluis, arguments: &[&str]) -> String {
    let Ended { stdout, stderr, .. } = run(kluis, &[&["secret"], arguments].concat()).well();
    assert_eq!(stdout, "", "{arguments:?}");
    stderr.trim_end().to_owned()
}

fn value(kluis: &Kluis, key: &str) -> String {
    run(kluis, &["get", key]).well().stdout
}

/// 1claw contract §7, RULES §5.
#[tokio::test]
async fn versions_are_rotated_rolled_back_disabled_closed_and_purged() {
    let kluis = Kluis::start().await;
    let key = "db/password";
    for value in ["one", "two"] {
        run_with(&kluis, &["set", key], value, &[]).well();
    }
    let in_vault = "'db/password' in vault 'default'";
    let rotated = said(
        &kluis,
        &["rotate", key, "--length", "12", "--charset", "alphanumeric"],
    );
    assert_eq!(rotated, format!("{in_vault} rotated to version 3"));
    let made = value(&kluis, key);
    assert_eq!(made.len(), 12);
    assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(
        said(&kluis, &["rollback", key, "1"]),
        format!("{in_vault} has the value of version 1 again")
    );
    assert_eq!(value(&kluis, key), "one");
    assert_eq!(
        said(&kluis, &["disable", key, "4"]),
        format!("{in_vault} has version 4 disabled")
    );
    assert_eq!(value(&kluis, key), made);
    let versions = run(&kluis, &["secret", "versions", key, "-o", "value"]).well();
    assert_eq!(versions.stdout, "4\n3\n2\n1\n");
    said(&kluis, &["close", key]);
    run(&kluis, &["get", key]).failed(5);
    assert_eq!(
        said(&kluis, &["restore", key]),
        format!("{in_vault} restored; version 3 is current")
    );
    assert_eq!(value(&kluis, key), made);
    run(&kluis, &["secret", "purge", key, "--yes"]).failed(6);
    said(&kluis, &["close", key]);
    run(&kluis, &["secret", "purge", key])
        .failed(2)
        .told(&["--yes"]);
    assert_eq!(
        said(&kluis, &["purge", key, "--yes"]),
        format!("{in_vault} purged")
    );
    run(&kluis, &["secret", "restore", key]).failed(5);
    for command in ["rotate", "close", "restore"] {
        run(&kluis, &["secret", command, "absent"]).failed(5);
        run(&kluis, &["secret", command, "no.path"]).failed(2);
    }
    run(&kluis, &["secret", "disable", "absent", "1"]).failed(5);
    run(&kluis, &["secret", "rollback", "absent", "1"]).failed(5);
    run(&kluis, &["secret", "rotate", "a", "--length", "7"]).failed(2);
}

/// Names are had without values, so a list of them is recorded as one.
#[tokio::test]
async fn a_list_of_names_reads_no_value() {
    let kluis = Kluis::start().await;
    for key in ["A", "odd key", "b/c"] {
        run_with(&kluis, &["set", key], "canary", &[]).well();
    }
    let list = run(&kluis, &["secret", "list"]).well().silent("canary");
    for key in ["A", "odd key", "b/c"] {
        assert!(list.stdout.contains(key), "{}", list.stdout);
    }
    assert_eq!(value(&kluis, "odd key"), "canary");
    let read = kluis
        .owner()
        .get("/v1/audit/events?action=secret.read")
        .await
        .expect(200)
        .json();
    let paths: Vec<_> = read["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["details"]["path"])
        .collect();
    assert_eq!(paths, ["odd key"]);
}

/// Issue 4, part 7: the question that users of such systems ask most.
#[tokio::test]
async fn a_decision_is_explained_with_every_policy_that_took_part() {
    let kluis = Kluis::start().await;
    let member = kluis.user("member").await;
    run(&kluis, &["vault", "create", "prod"]).well();
    let ask = |action| {
        let arguments = [
            "policy",
            "explain",
            "db/pw",
            "--vault",
            "prod",
            "--user",
            &member.email,
            "--action",
            action,
        ];
        run(&kluis, &arguments).well()
    };
    let told = ask("read");
    assert_eq!(
        told.stderr,
        "denied: nothing allows it; the name is hidden\n"
    );
    for (pattern, effect, actions) in [
        ("db/**", "--allow", "read,write"),
        ("**", "--deny", "write"),
    ] {
        let add = [
            "policy",
            "add",
            pattern,
            "--vault",
            "prod",
            "--user",
            &member.email,
            effect,
            actions,
        ];
        run(&kluis, &add).well();
    }
    assert_eq!(ask("read").stderr, "allowed: a policy allows it\n");
    let told = ask("write");
    assert_eq!(told.stderr, "denied: a policy denies it\n");
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert!(lines[0].starts_with("FIT"), "{}", told.stdout);
    assert!(
        lines[1].starts_with("applies") && lines[1].contains("deny"),
        "{}",
        told.stdout
    );
    assert!(
        lines[2].starts_with("applies") && lines[2].contains("db/**"),
        "{}",
        told.stdout
    );
    run(
        &kluis,
        &[
            "policy", "explain", "db/pw", "--vault", "prod", "--action", "sing",
        ],
    )
    .failed(2);
    run(&kluis, &["policy", "explain", "db/pw", "--vault", "none"]).failed(5);
}
