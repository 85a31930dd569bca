//! `kluis integration`

use serde_json::json;

use super::{caller, json_of, run, run_with};
use crate::harness::{Kluis, Receiver};

/// Contract B5
#[tokio::test(flavor = "multi_thread")]
async fn an_integration_is_made_tried_run_watched_and_removed() {
    let kluis = Kluis::start_with(&["--allow-loopback-webhooks"]).await;
    let receiver = Receiver::start().await;
    run_with(&kluis, &["set", "DATABASE_URL"], "canary-value", &[]).well();
    let url = format!("url={}", receiver.url());
    let create = [
        "integration",
        "create",
        "deploy",
        "--type",
        "http_push",
        "--set",
        &url,
        "--vault",
        "default",
        "-o",
        "value",
    ];
    let made = run(&kluis, &create)
        .well()
        .told(&["integration 'deploy' made", "shown this once"]);
    assert!(made.stdout.starts_with("whsec_"), "{}", made.stdout);
    let shown = json_of(&kluis, &["integration", "show", "deploy"]);
    assert_eq!(shown["type"], "http_push");
    assert_eq!(shown["status"], "pending");
    assert_eq!(shown["sync"]["mode"], "manual");
    assert!(!shown.to_string().contains("whsec_"));
    let id = shown["id"].as_str().unwrap();

    assert_eq!(
        json_of(&kluis, &["integration", "test", "deploy"])["ok"],
        true
    );
    let job = json_of(&kluis, &["integration", "sync", id]);
    assert_eq!(job["status"], "succeeded", "{job}");
    let pushed = receiver.received();
    assert!(pushed.iter().any(|push| push.body.contains("canary-value")));
    let runs = json_of(&kluis, &["integration", "runs", "deploy"]);
    assert_eq!(runs[0]["status"], "succeeded");
    assert_eq!(runs[0]["record_count"], 1);
    assert!(!runs.to_string().contains("canary-value"));

    let update = [
        "integration",
        "update",
        "deploy",
        "--filter",
        r#"{"tags": "prod"}"#,
        "--vault",
        "default",
        "--every",
        "15m",
        "--disable",
    ];
    run(&kluis, &update).well().told(&["changed"]);
    let shown = json_of(&kluis, &["integration", "show", "deploy"]);
    assert_eq!(
        shown["sync"],
        json!({"mode": "scheduled", "interval_minutes": 15})
    );
    assert_eq!(shown["selector"]["filter"], json!({"tags": "prod"}));
    assert_eq!(shown["enabled"], false);
    run(&kluis, &["integration", "delete", "deploy"])
        .failed(2)
        .told(&["nobody confirmed it"]);
    run(&kluis, &["integration", "delete", "deploy", "--yes"]).well();
    run(&kluis, &["integration", "show", "deploy"])
        .failed(5)
        .told(&["kluis integration list"]);
}

#[tokio::test]
async fn the_types_are_told_with_their_settings() {
    let kluis = Kluis::start().await;
    let types = json_of(&kluis, &["integration", "types"]);
    let types = types.as_array().unwrap();
    let names: Vec<_> = types
        .iter()
        .map(|one| one["type"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 4);
    for name in ["chat_webhook", "env_file", "http_push", "kv_v2"] {
        assert!(names.contains(&name), "{name}");
    }
    for one in types {
        let settings = one["settings"].as_array().unwrap();
        match one["type"].as_str().unwrap() {
            "http_push" => assert_eq!(one["settings"], json!(["format", "url*"])),
            "env_file" => assert_eq!(one["available"], false),
            _ => assert!(!settings.is_empty(), "{one}"),
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_integration_is_said() {
    let kluis = Kluis::start().await;
    let create = |more: &[&str]| {
        let begin = ["integration", "create", "x", "--type"];
        run(&kluis, &[&begin, more].concat())
    };
    for (arguments, word) in [
        (&["http_push", "--set", "url"][..], "has no ="),
        (&["http_push", "--config", "/nowhere"], "/nowhere"),
        (
            &["http_push", "--set", "url=http://169.254.169.254/"],
            "url",
        ),
        (&["http_push"], "url"),
        (
            &[
                "http_push",
                "--set",
                "url=https://a.example/",
                "--set",
                "colour=red",
            ],
            "a member that this type does not know",
        ),
        (&["http_push", "--filter", "{}"], "--vault"),
        (
            &["http_push", "--vault", "default", "--filter", "tags"],
            "no JSON object",
        ),
        (&["ftp"], "type"),
        (&["env_file", "--set", "name=../x"], "name"),
    ] {
        create(arguments).failed(2).told(&[word]);
    }
    create(&["kv_v2", "--credential", "default/none"])
        .failed(5)
        .told(&["no secret 'none'"]);
    let (url, member) = (kluis.base(), kluis.user("member").await);
    let arguments = [
        "integration",
        "create",
        "x",
        "--type",
        "http_push",
        "--set",
        "url=https://a.example/",
    ];
    run_with(&kluis, &arguments, "", &caller(&url, member.token()))
        .failed(4)
        .told(&["owner or admin"]);
}
