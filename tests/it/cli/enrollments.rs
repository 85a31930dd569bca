//! `kluis agent enroll`, `approve`, `deny`: what goes over the wire, and what is made of it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::standin::Standin;
use super::{Ended, bare, ended, wait};
use crate::harness::Kluis;

fn at(base: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut command = bare();
    command
        .args(arguments)
        .args(["--url", base])
        .current_dir("/")
        .envs(environment.iter().copied());
    wait(command, "")
}

/// 1claw contract §9, against a server with the door open and one with it closed.
#[tokio::test]
async fn an_agent_enrolls_and_a_person_lets_it_in() {
    let mut kluis = Kluis::start().await;
    at(&kluis.base(), &["agent", "enroll", "bot"], &[]).told(&["agents.enrollment", "KLUIS-"]);
    kluis.serve(&[("KLUIS_AGENTS_ENROLLMENT", "true")]).await;
    let base = kluis.base();
    let owner = kluis.dev("/tokens/cloudkeep");
    let owner = [("KLUIS_TOKEN", owner.as_str())];

    let blob = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), &[7; 32]].concat();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        format!("ssh-ed25519 {} bot@host\n", STANDARD.encode(blob)),
    )
    .unwrap();
    let mut command = bare();
    command
        .args([
            "agent",
            "enroll",
            "bot",
            "--description",
            "reads",
            "--url",
            &base,
            "--public-key",
        ])
        .arg(file.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let link = line
        .strip_prefix("to approve it: kluis agent approve ")
        .unwrap();
    at(&base, &["agent", "approve", link], &owner).told(&[
        "bot",
        "reads",
        "SHA256:",
        "127.0.0.1",
        "nobody agreed",
    ]);
    let approved = at(&base, &["agent", "approve", link, "--yes"], &owner).well();
    assert_eq!(approved.stdout, "", "the agent fetches its key itself");
    let enrolled = ended(&child.wait_with_output().unwrap()).well();
    let whoami = at(
        &base,
        &["whoami", "-o", "value"],
        &[("KLUIS_TOKEN", &enrolled.stdout)],
    )
    .well();
    assert_eq!(whoami.stdout, "bot");

    let asked = at(&base, &["agent", "enroll", "other", "-o", "value"], &[])
        .well()
        .stdout;
    at(&base, &["agent", "deny", &asked], &owner).well();
    at(&base, &["agent", "approve", &asked, "--yes"], &owner)
        .failed(5)
        .told(&["enroll again"]);
    let asked = at(&base, &["agent", "enroll", "third", "-o", "value"], &[])
        .well()
        .stdout;
    let key = at(&base, &["agent", "approve", &asked, "--yes"], &owner)
        .well()
        .stdout;
    assert!(key.starts_with("ocv_"), "{key}");
}

const AGENT: &str = "01a1fea9-f7d0-7001-b356-aa5301eff382";

#[test]
fn an_agent_with_a_public_key_waits_for_its_key() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "ssh-ed25519 AAAAC3Nz bot@host\n").unwrap();
    let standin = Standin::answering(vec![
        (
            201,
            json!({"agent_id": AGENT, "message": "ask", "pairing_id": "p1", "fingerprint": "SHA256:abc",
            "poll_token": "poll-canary", "expires_at": "2099-01-01T00:00:00Z", "approval_url": "https://h/approve?token=t1"}),
        ),
        (
            200,
            json!({"status": "approved", "agent_id": AGENT, "agent_name": "bot", "api_key": "ocv_key"}),
        ),
    ]);
    let arguments = [
        "agent",
        "enroll",
        "bot",
        "--human",
        "ann@example.test",
        "--public-key",
    ];
    let enrolled = at(
        &standin.base,
        &[&arguments[..], &[file.path().to_str().unwrap()]].concat(),
        &[],
    )
    .well()
    .told(&[
        "kluis agent approve https://h/approve?token=t1",
        "SHA256:abc",
        "agent 'bot' approved",
    ])
    .silent("poll-canary");
    assert_eq!(enrolled.stdout, "ocv_key");
    let requests = standin.requests();
    assert!(
        requests[0].starts_with("POST /v1/agents/enroll HTTP"),
        "{requests:?}"
    );
    assert!(requests[0].ends_with(r#"{"name":"bot","human_email":"ann@example.test","public_key":"ssh-ed25519 AAAAC3Nz bot@host"}"#), "{requests:?}");
    assert!(
        requests[1].starts_with("GET /v1/agents/enroll/p1/status?poll=poll-canary HTTP"),
        "{requests:?}"
    );
}

#[test]
fn an_agent_that_is_turned_away_has_no_key() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "ssh-ed25519 AAAAC3Nz\n").unwrap();
    let path = file.path().to_str().unwrap();
    let told = json!({"message": "ask", "pairing_id": "p1", "poll_token": "t"});
    for (status, why) in [
        ("denied", "somebody denied it"),
        ("expired", "in time"),
        ("\u{1b}[31m", "\\u{1b}[31m"),
    ] {
        let standin =
            Standin::answering(vec![(201, told.clone()), (200, json!({"status": status}))]);
        let ended = at(
            &standin.base,
            &["agent", "enroll", "bot", "--public-key", path],
            &[],
        );
        assert_ne!(ended.code, 0);
        assert_eq!(ended.stdout, "");
        ended.told(&[why]);
    }
    std::fs::write(file.path(), "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n").unwrap();
    at(
        "http://127.0.0.1:9",
        &["agent", "enroll", "bot", "--public-key", path],
        &[],
    )
    .failed(2)
    .told(&["no public key"])
    .silent("canary");
}

#[test]
fn an_agent_without_a_public_key_says_where_it_is_approved() {
    let standin = Standin::answering(vec![(
        201,
        json!({"agent_id": AGENT, "message": "ask", "approval_url": "https://h/t"}),
    )]);
    let asked = at(
        &standin.base,
        &["agent", "enroll", "bot", "-o", "json"],
        &[],
    )
    .well();
    assert!(asked.stdout.contains("https://h/t"), "{}", asked.stdout);
    let closed = Standin::answering(vec![(404, json!({"detail": "no"}))]);
    at(&closed.base, &["agent", "enroll", "bot"], &[])
        .failed(5)
        .told(&["kluis agent create"]);
}

#[test]
fn whoever_approves_sees_who_asks_and_says_yes() {
    let pending = json!({"name": "bot\u{1b}[2J", "description": "reads", "fingerprint": "SHA256:abc", "ip_address": "192.0.2.1",
        "created_at": "2026-01-01T00:00:00Z"});
    let token = [("KLUIS_TOKEN", "ck_live_x")];
    let asked = Standin::answering(vec![(200, pending.clone())]);
    at(&asked.base, &["agent", "approve", "t1"], &token)
        .told(&[
            "bot\\u{1b}[2J",
            "reads",
            "SHA256:abc",
            "192.0.2.1",
            "--yes",
            "KLUIS-USAGE",
        ])
        .silent("\u{1b}");
    assert_eq!(asked.requests().len(), 1);

    let agent = json!({"id": AGENT, "name": "bot", "is_active": true, "created_at": "2026-01-01T00:00:00Z"});
    let approved = json!({"agent": agent, "api_key": "ocv_key"});
    let standin = Standin::answering(vec![(200, pending), (200, approved), (200, json!({}))]);
    let link = "https://h/approve?token=t1";
    let said = at(&standin.base, &["agent", "approve", link, "--yes"], &token).well();
    assert_eq!(said.stdout, "ocv_key");
    at(&standin.base, &["agent", "deny", link], &token).well();
    let requests = standin.requests();
    assert!(
        requests[0].starts_with("GET /v1/agents/enroll/pending?token=t1 HTTP"),
        "{requests:?}"
    );
    assert!(
        requests[1].starts_with("POST /v1/agents/enroll/approve HTTP")
            && requests[1].ends_with(r#"{"token":"t1"}"#),
        "{requests:?}"
    );
    assert!(
        requests[2].starts_with("POST /v1/agents/enroll/deny HTTP"),
        "{requests:?}"
    );
}
