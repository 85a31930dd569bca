//! `kluis insight`

use super::{json_of, run, run_with};
use crate::harness::Kluis;

/// Contract B6
#[tokio::test]
async fn a_weak_value_is_found_judged_and_gone_when_it_is_replaced() {
    let kluis = Kluis::start().await;
    run_with(&kluis, &["set", "WEAK"], "password1", &[]).well();
    let job = json_of(
        &kluis,
        &[
            "insight",
            "analyze",
            "--vault",
            "default",
            "--check",
            "weak_secret",
        ],
    );
    assert_eq!(job["status"], "succeeded", "{job}");
    let listed = json_of(&kluis, &["insight", "list", "--kind", "weak_secret"]);
    assert_eq!(listed[0]["resource_name"], "WEAK");
    assert_eq!(listed[0]["vault"], "default");
    assert!(!listed.to_string().contains("password1"));
    let id = listed[0]["id"].as_str().unwrap();
    let shown = json_of(&kluis, &["insight", "show", id]);
    assert!(shown["evidence"].is_object(), "{shown}");
    let next = json_of(&kluis, &["insight", "recommendations"]);
    assert_eq!(next[0]["resource_name"], "WEAK");
    assert_eq!(next[0]["insight_ids"][0], id);

    run(&kluis, &["insight", "acknowledge", id])
        .well()
        .told(&["is acknowledged now"]);
    run(&kluis, &["insight", "dismiss", id]).well();
    let open = json_of(&kluis, &["insight", "list"]);
    assert_eq!(open.as_array().map(Vec::len), Some(0));
    run(&kluis, &["insight", "reopen", id]).well();
    run(&kluis, &["insight", "feedback", id]).failed(2);
    run(&kluis, &["insight", "feedback", id, "--useful"]).well();
    run_with(&kluis, &["set", "WEAK"], "xK9#mQ2$vL7!pR4@tZ8&", &[]).well();
    run(&kluis, &["insight", "analyze"]).well();
    let resolved = json_of(&kluis, &["insight", "list", "--status", "resolved"]);
    assert_eq!(resolved[0]["id"], id);
}

#[tokio::test]
async fn what_cannot_be_analyzed_is_said() {
    let kluis = Kluis::start().await;
    run(&kluis, &["insight", "analyze", "--check", "colours"])
        .failed(2)
        .told(&["checks"]);
    run(&kluis, &["insight", "analyze", "--vault", "none"]).failed(5);
    run(&kluis, &["insight", "analyze", "--cluster", "none"])
        .failed(5)
        .told(&["kluis cluster list"]);
    run(
        &kluis,
        &["insight", "show", "insight_0000000000000000000000"],
    )
    .failed(5)
    .told(&["kluis insight list"]);
}
