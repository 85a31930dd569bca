//! `kluis export`: what is written, what reads it back, what is left out or refused.

use std::process::Command;

use serde_json::{Value, json};

use super::{caller, run, run_with};
use crate::harness::Kluis;

const ODD: &str = "it's $HOME `id` $(id) \\ \"!\n\ttwo lines\r\n\u{e9}\u{2028}'";

#[tokio::test]
async fn each_format_gives_every_value_back_exactly() {
    let kluis = Kluis::start().await;
    let nothing = |format: &str| run(&kluis, &["export", "-o", format]).well().stdout;
    assert_eq!(nothing("env"), "");
    assert_eq!(nothing("json"), "{}\n");
    assert_eq!(nothing("yaml"), "{}\n");
    run_with(&kluis, &["set", "ODD", "--value-file", "-"], ODD, &[]).well();
    run_with(&kluis, &["set", "EMPTY", "--allow-empty"], "", &[]).well();
    run_with(&kluis, &["set", "B"], "plain", &[]).well();

    let env = run(&kluis, &["export"]).well();
    assert_eq!(env.stderr, "");
    assert!(
        env.stdout
            .starts_with("B='plain'\nEMPTY=''\nODD='it'\\''s "),
        "{}",
        env.stdout
    );
    let script = format!("{}printf '%s|%s|%s' \"$B\" \"$EMPTY\" \"$ODD\"", env.stdout);
    let shell = Command::new("sh").args(["-c", &script]).output().unwrap();
    let read = String::from_utf8(shell.stdout).unwrap();
    assert_eq!(read, format!("plain||{ODD}"));

    let written = run(&kluis, &["export", "-o", "json"]).well().stdout;
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written, json!({"B": "plain", "EMPTY": "", "ODD": ODD}));
    // Each line is a name and a text as JSON has them, which YAML reads alike.
    let written = run(&kluis, &["export", "-o", "yaml"]).well().stdout;
    let flow = format!("{{{}}}", written.trim_end().replace('\n', ","));
    let written: Value = serde_json::from_str(&flow).unwrap();
    assert_eq!(written, json!({"B": "plain", "EMPTY": "", "ODD": ODD}));

    let only = run(&kluis, &["export", "--only", "B,EMPTY"]).well().stdout;
    assert_eq!(only, "B='plain'\nEMPTY=''\n");
}

/// RULES §4: a list uses up no read.
#[tokio::test]
async fn what_has_no_value_or_no_name_is_left_out_with_a_word() {
    let kluis = Kluis::start().await;
    let list = run(&kluis, &["vault", "list", "-o", "json"]).well().stdout;
    let list: Value = serde_json::from_str(&list).unwrap();
    let vault = list[0]["id"].as_str().unwrap();
    let once = json!({"value": "once", "max_access_count": 1});
    let path = format!("/v1/vaults/{vault}/secrets/ONCE");
    kluis.owner().put(&path, once).await.expect(201);
    for key in ["A", "db/pw"] {
        run_with(&kluis, &["set", key], key, &[]).well();
    }
    let once = "left out: 'ONCE' has no value that may be read now";
    let env = run(&kluis, &["export"]).well();
    assert_eq!(env.stdout, "A='A'\n");
    env.told(&[once, "left out: 'db/pw' cannot be the name of a variable"]);
    let json = run(&kluis, &["export", "-o", "json"]).well();
    assert_eq!(
        json.stdout,
        "{\n  \"A\": \"A\",\n  \"db/pw\": \"db/pw\"\n}\n"
    );
    json.told(&[once]).silent("db/pw' cannot");
    // Read by name, it is read; then it is used up.
    let only = ["export", "--only", "ONCE"];
    assert_eq!(run(&kluis, &only).well().stdout, "ONCE='once'\n");
    run(&kluis, &only).failed(5);
}

/// NT-84, NT-69
#[tokio::test]
async fn what_a_shell_must_not_read_is_refused_with_nothing_written() {
    let kluis = Kluis::start().await;
    run_with(&kluis, &["set", "A"], "canary", &[]).well();
    run_with(&kluis, &["set", "LD_PRELOAD"], "/x.so", &[]).well();
    run(&kluis, &["export"])
        .failed(2)
        .told(&["nothing was exported", "--allow-name LD_PRELOAD"]);
    run(&kluis, &["export", "--only", "LD_PRELOAD"]).failed(2);
    let allowed = [
        "export",
        "--only",
        "LD_PRELOAD",
        "--allow-name",
        "LD_PRELOAD",
    ];
    assert_eq!(run(&kluis, &allowed).well().stdout, "LD_PRELOAD='/x.so'\n");
    let data = run(&kluis, &["export", "-o", "json"]).well().stdout;
    assert!(data.contains("LD_PRELOAD"), "{data}");
    run(&kluis, &["secret", "delete", "LD_PRELOAD", "--yes"]).well();
    run_with(&kluis, &["set", "NUL"], "canary\0rest", &[]).well();
    run(&kluis, &["export"])
        .failed(2)
        .told(&["'NUL'", "NUL byte"])
        .silent("canary");
    let data = run(&kluis, &["export", "-o", "json"]).well().stdout;
    assert!(data.contains("canary\\u0000rest"), "{data}");
}

#[tokio::test]
async fn a_failure_to_export_writes_nothing() {
    let kluis = Kluis::start().await;
    let (url, viewer) = (kluis.base(), kluis.user("viewer").await);
    for key in ["ONE", "TWO"] {
        run_with(&kluis, &["set", key], "value", &[]).well();
    }
    run_with(&kluis, &["export"], "", &caller(&url, viewer.token()))
        .failed(4)
        .told(&["nothing was exported", "2 secrets"]);
    for format in ["table", "value"] {
        run(&kluis, &["export", "-o", format])
            .failed(2)
            .told(&["env, json, yaml"]);
    }
    run(&kluis, &["export", "--vault", "absent"]).failed(5);
    run(&kluis, &["export", "--only", "ONE,ABSENT"]).failed(5);
    run(&kluis, &["export", "--only", "a b"]).failed(2);
    run_with(&kluis, &["export"], "", &caller(&url, "ck_live_unknown"))
        .failed(3)
        .told(&["nothing was exported"]);
    run_with(&kluis, &["export"], "", &caller("http://127.0.0.1:9", "x")).failed(8);
}
