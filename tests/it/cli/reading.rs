//! What `get` and `run` read, what they leave in the record, and what a program sees of it.

use super::{caller, run, run_with};
use crate::harness::Kluis;

/// NT-69: a program is not started as if it had secrets of which it got none.
#[tokio::test]
async fn run_starts_nothing_when_no_value_may_be_read() {
    let kluis = Kluis::start().await;
    let (url, viewer) = (kluis.base(), kluis.user("viewer").await);
    let as_viewer = caller(&url, viewer.token());
    let start = ["run", "--", "echo", "started"];
    let started = run_with(&kluis, &start, "", &as_viewer).well();
    assert_eq!(
        started.stdout, "started\n",
        "an empty vault withholds nothing"
    );
    for key in ["ONE", "TWO"] {
        run_with(&kluis, &["set", key], "value", &[]).well();
    }
    run_with(&kluis, &start, "", &as_viewer).failed(4).told(&[
        "was not started",
        "2 secrets",
        "kluis policy add",
    ]);
    let only = ["run", "--only", "ONE", "--", "echo", "started"];
    run_with(&kluis, &only, "", &as_viewer)
        .failed(4)
        .told(&["cannot read 'ONE'", "kluis policy add"]);
}

/// NT-69: what the environment held before does not pass for a secret that is withheld.
#[tokio::test]
async fn run_takes_inherited_values_of_withheld_secrets_away() {
    let kluis = Kluis::start().await;
    for key in ["SHOWN", "WITHHELD", "db.withheld"] {
        run_with(&kluis, &["set", key], "value", &[]).well();
    }
    let viewer = kluis.user("viewer").await;
    let add = [
        "policy", "add", "SHOWN", "--user", &viewer.id, "--allow", "read",
    ];
    run(&kluis, &add).well();
    let url = kluis.base();
    let [address, token] = caller(&url, viewer.token());
    let environment = [
        address,
        token,
        ("SHOWN", "stale"),
        ("WITHHELD", "stale"),
        ("db.withheld", "stale"),
        ("UNRELATED", "kept"),
    ];
    let ran = run_with(&kluis, &["run", "--", "env"], "", &environment)
        .well()
        .told(&["left out: 'WITHHELD'", "left out: 'db.withheld'"])
        .silent("stale");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines.contains(&"SHOWN=value"), "{lines:?}");
    assert!(lines.contains(&"UNRELATED=kept"), "{lines:?}");
}

#[tokio::test]
async fn run_with_only_reads_and_records_nothing_else() {
    let kluis = Kluis::start().await;
    for key in ["A", "B", "C"] {
        run_with(&kluis, &["set", key], key, &[]).well();
    }
    let arguments = ["run", "--only", "B,A", "--only", "A", "--", "sh", "-c"];
    let script = [&arguments[..], &["echo $A$B$C"]].concat();
    assert_eq!(run(&kluis, &script).well().stdout, "AB\n");
    assert_eq!(read_paths(&kluis), ["A", "B"]);
    // What cannot be injected is not read at all.
    let refused = ["run", "--only", "C,a-b", "--", "true"];
    run(&kluis, &refused).failed(2).told(&["a-b", "kluis get"]);
    // Nor is another secret when the wanted one is absent, or withheld from the caller.
    run(&kluis, &["run", "--only", "ABSENT", "--", "true"]).failed(5);
    run(&kluis, &["vault", "create", "prod"]).well();
    for key in ["OPEN", "SHUT"] {
        run_with(&kluis, &["set", key, "--vault", "prod"], "value", &[]).well();
    }
    let member = kluis.user("member").await;
    let open = [
        "policy", "add", "OPEN", "--vault", "prod", "--allow", "read",
    ];
    run(&kluis, &[&open[..], &["--user", &member.email]].concat()).well();
    let url = kluis.base();
    let shut = ["run", "--vault", "prod", "--only", "SHUT", "--", "true"];
    run_with(&kluis, &shut, "", &caller(&url, member.token())).failed(4);
    assert_eq!(read_paths(&kluis), ["A", "B"]);
}

/// CloudKeep contract §5: a key is any text without control characters.
#[tokio::test]
async fn a_key_that_is_no_path_is_read_and_its_versions_are_refused_with_a_reason() {
    let kluis = Kluis::start().await;
    for key in ["a.b", "two words", "cl\u{e9}", "..", "a//b", "50%"] {
        run_with(&kluis, &["set", key], key, &[]).well();
        run_with(&kluis, &["set", key], &format!("new {key}"), &[]).well();
        let got = run(&kluis, &["get", key]).well().stdout;
        assert_eq!(got, format!("new {key}"));
        run(&kluis, &["run", "--only", key, "--", "true"])
            .failed(2)
            .told(&["cannot be the name of a variable"]);
        run(&kluis, &["secret", "versions", key])
            .failed(2)
            .told(&[key, "letters, digits, - and _"]);
        run(&kluis, &["secret", "delete", key, "--yes"]).well();
        run(&kluis, &["get", key]).failed(5);
    }
}

/// NT-69: half a value is not printed for a whole one.
#[tokio::test]
async fn a_value_that_no_environment_can_hold_is_not_written_as_a_variable() {
    let kluis = Kluis::start().await;
    run_with(&kluis, &["set", "HALF"], "canary\0rest", &[]).well();
    run(&kluis, &["get", "HALF", "-o", "env"])
        .failed(2)
        .told(&["'HALF'", "NUL"])
        .silent("canary");
    let got = run(&kluis, &["get", "HALF"]).well().stdout;
    assert_eq!(got, "canary\0rest");
}

#[tokio::test]
async fn a_failure_names_what_was_asked_for_and_advice_that_helps() {
    let kluis = Kluis::start().await;
    let url = kluis.base();
    let wrong = caller(&url, "ck_live_unknown");
    let dead = caller("http://127.0.0.1:9", "x");
    for (arguments, what) in [
        (&["get", "KEY"][..], "cannot read 'KEY'"),
        (&["run", "--", "true"], "the command was not started"),
        (&["secret", "delete", "KEY", "--yes"], "cannot delete 'KEY'"),
        (&["policy", "list"], "cannot list the policies"),
        (&["vault", "list"], "cannot list the vaults"),
    ] {
        let what = format!("error: {what}\n");
        run_with(&kluis, arguments, "", &wrong)
            .failed(3)
            .told(&[&what]);
        run_with(&kluis, arguments, "", &dead)
            .failed(8)
            .told(&[&what, "kluis dev"]);
    }
    run(&kluis, &["operator", "seal"]).well();
    run(&kluis, &["get", "KEY"])
        .failed(8)
        .told(&["cannot read 'KEY'", "kluis operator unseal"])
        .silent("start the server");
}

/// Paths of the secrets that the record says were read, in order of their names.
fn read_paths(kluis: &Kluis) -> Vec<String> {
    let tail = ["audit", "tail", "-n", "100", "--action", "secret.read"];
    let tail = run(kluis, &[&tail[..], &["-o", "json"]].concat())
        .well()
        .stdout;
    let events: serde_json::Value = serde_json::from_str(&tail).unwrap();
    let events = events.as_array().unwrap().iter();
    let mut paths: Vec<String> = events
        .filter(|event| event["outcome"] == "success")
        .map(|event| event["path"].as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    paths
}
