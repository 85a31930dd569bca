//! `kluis webhook`

use super::{caller, json_of, run, run_with};
use crate::harness::{Kluis, Receiver, Reply};

/// Contract B7
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_made_tried_watched_and_removed() {
    let kluis = Kluis::start_with(&["--allow-loopback-webhooks"]).await;
    let receiver = Receiver::start().await;
    let url = receiver.url();
    let made = run(
        &kluis,
        &[
            "webhook",
            "create",
            &url,
            "--event",
            "record.*",
            "--event",
            "lease.issued",
        ],
    )
    .well()
    .told(&["shown this once"]);
    assert!(made.stdout.starts_with("whsec_"), "{}", made.stdout);
    let listed = json_of(&kluis, &["webhook", "list"]);
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed[0]["url"], url);
    assert_eq!(
        listed[0]["events"],
        serde_json::json!(["record.*", "lease.issued"])
    );
    assert!(!listed.to_string().contains("whsec_"));

    let tested = json_of(&kluis, &["webhook", "test", &id]);
    assert_eq!(tested["event"], "webhook.test");
    run_with(&kluis, &["set", "KEY"], "value", &[]).well();
    receiver.wait_for(2).await;
    let sent = json_of(&kluis, &["webhook", "deliveries", &id]);
    let events: Vec<_> = sent
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["event"])
        .collect();
    assert_eq!(events, ["webhook.test", "record.created"]);
    let delivery = sent[1]["id"].as_str().unwrap();
    run(&kluis, &["webhook", "redeliver", &id, delivery])
        .well()
        .told(&["is sent again"]);
    receiver.wait_for(3).await;

    let rotated = run(&kluis, &["webhook", "rotate-secret", &id]).well();
    assert!(rotated.stdout.starts_with("whsec_") && rotated.stdout != made.stdout);
    let other = format!("{url}/other");
    let update = [
        "webhook",
        "update",
        &id,
        "--event",
        "*",
        "--disable",
        "--description",
        "off",
        "--to",
        &other,
    ];
    run(&kluis, &update).well().told(&["changed"]);
    let shown = json_of(&kluis, &["webhook", "show", &id]);
    assert_eq!(shown["enabled"], false);
    assert_eq!(shown["description"], "off");
    assert_eq!(shown["url"], other);
    let events = json_of(&kluis, &["webhook", "events"]);
    assert!(
        events
            .as_array()
            .unwrap()
            .iter()
            .any(|event| event["name"] == "record.revealed")
    );

    run(&kluis, &["webhook", "delete", &id])
        .failed(2)
        .told(&["nobody confirmed it"]);
    run(&kluis, &["webhook", "delete", &id, "--yes"]).well();
    run(&kluis, &["webhook", "show", &id])
        .failed(5)
        .told(&["kluis webhook list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_does_not_arrive_fails_and_says_why() {
    let kluis = Kluis::start_with(&["--allow-loopback-webhooks"]).await;
    let receiver = Receiver::start().await;
    receiver.always(Reply::Answer(503, String::new(), "busy".to_owned()));
    run(
        &kluis,
        &["webhook", "create", &receiver.url(), "--event", "*"],
    )
    .well();
    let id = json_of(&kluis, &["webhook", "list"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    run(&kluis, &["webhook", "test", &id])
        .failed(1)
        .told(&["did not arrive", "503"]);
}

#[tokio::test]
async fn what_cannot_be_a_webhook_is_refused_with_its_reason() {
    let kluis = Kluis::start().await;
    run(
        &kluis,
        &[
            "webhook",
            "create",
            "http://169.254.169.254/",
            "--event",
            "*",
        ],
    )
    .failed(2)
    .told(&["must not lead to such an address"]);
    run(
        &kluis,
        &[
            "webhook",
            "create",
            "https://a.example/",
            "--event",
            "records",
        ],
    )
    .failed(2)
    .told(&["events"]);
    run(&kluis, &["webhook", "create", "https://a.example/"])
        .failed(2)
        .told(&["--event"]);
    run(
        &kluis,
        &["webhook", "update", "webhook_0000000000000000000000"],
    )
    .failed(2);
    let (url, member) = (kluis.base(), kluis.user("member").await);
    run_with(
        &kluis,
        &["webhook", "create", "https://a.example/", "--event", "*"],
        "",
        &caller(&url, member.token()),
    )
    .failed(4)
    .told(&["owner or admin"]);
}
