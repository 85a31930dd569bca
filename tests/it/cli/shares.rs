//! `kluis share`

use serde_json::{Value, json};

use super::standin::Standin;
use super::{Ended, bare, caller, run, run_with, wait};
use crate::harness::Kluis;

async fn shared(value: &str) -> Kluis {
    let kluis = Kluis::start().await;
    run_with(&kluis, &["set", "db/pw"], value, &[]).well();
    kluis
}

fn share(kluis: &Kluis, more: &[&str]) -> String {
    let made = run(kluis, &[&["share", "create", "db/pw"], more].concat()).well();
    made.stdout
}

/// Without any server or credential but what the arguments name.
fn stranger(arguments: &[&str], stdin: &str) -> Ended {
    let mut command = bare();
    command.args(arguments).current_dir("/");
    wait(command, stdin)
}

/// 1claw contract §10
#[tokio::test]
async fn a_link_opens_without_a_credential_so_often_and_no_more() {
    let kluis = shared("s3 cret\n").await;
    let link = share(&kluis, &["--times", "2"]);
    assert!(
        link.starts_with(&format!("{}/v1/share/", kluis.base())),
        "{link}"
    );
    let opened = stranger(&["share", "open", &link], "")
        .well()
        .told(&["opened 1 of 2 times"]);
    assert_eq!(opened.stdout, "s3 cret");
    let opened = stranger(&["share", "open", &link, "-o", "json"], "").well();
    let opened: Value = serde_json::from_str(&opened.stdout).unwrap();
    assert_eq!(opened["key"], "db/pw");
    assert_eq!(opened["access_count"], 2);
    stranger(&["share", "open", &link], "")
        .failed(5)
        .told(&["used up"]);

    let id = share(&kluis, &[]);
    let id = id.rsplit('/').next().unwrap();
    let base = kluis.base();
    stranger(&["share", "open", id, "--url", &base], "").well();
    let listed = run(&kluis, &["share", "list", "-o", "json"]).well();
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed[1]["id"], id);
    assert_eq!(listed[1]["access_count"], 1);
    assert_eq!(listed[1]["max_access_count"], Value::Null);
    run(&kluis, &["share", "revoke", id]).well();
    run(&kluis, &["share", "open", id]).failed(5);
    stranger(&["share", "open", "canary"], "")
        .failed(2)
        .silent("canary");
    stranger(
        &[
            "share",
            "open",
            "http://127.0.0.1:9/v1/share/6f9f8a52-9a3c-4d6e-8f5b-0d9d3f0f3c11",
        ],
        "",
    )
    .failed(8);
    run(&kluis, &["share", "create", "absent"]).failed(5);
    run(&kluis, &["share", "create", "db/pw", "--expires", "soon"]).failed(2);
    run(
        &kluis,
        &[
            "share",
            "create",
            "db/pw",
            "--expires",
            "2020-01-01T00:00:00Z",
        ],
    )
    .failed(2);
}

#[tokio::test]
async fn a_passphrase_comes_from_stdin_and_never_from_an_argument() {
    let kluis = shared("s3").await;
    let made = run_with(
        &kluis,
        &["share", "create", "db/pw", "--passphrase-stdin"],
        "tulip\n",
        &[],
    )
    .well()
    .told(&["the link and the passphrase"])
    .silent("tulip");
    let link = made.stdout;
    stranger(&["share", "open", &link], "")
        .failed(4)
        .told(&["--passphrase-stdin"]);
    stranger(&["share", "open", &link, "--passphrase-stdin"], "rose\n")
        .failed(4)
        .silent("rose");
    let opened = stranger(&["share", "open", &link, "--passphrase-stdin"], "tulip\n").well();
    assert_eq!(opened.stdout, "s3");
    for arguments in [
        &["share", "create", "db/pw", "--passphrase", "canary"][..],
        &["share", "create", "db/pw", "--passphrase=canary"],
        &["share", "open", &link, "--passphrase=canary"],
    ] {
        run(&kluis, arguments).failed(2).silent("canary");
    }
    run(&kluis, &["share", "create", "db/pw", "--ask-passphrase"])
        .failed(2)
        .told(&["no terminal"]);
    run(&kluis, &["share", "create", "db/pw", "--passphrase-stdin"])
        .failed(2)
        .told(&["is empty"]);
}

#[tokio::test]
async fn a_share_for_one_user_or_agent_opens_for_that_one_once_accepted() {
    let kluis = shared("s3").await;
    let (url, member, other) = (
        kluis.base(),
        kluis.user("member").await,
        kluis.user("viewer").await,
    );
    let as_member =
        |arguments: &[&str]| run_with(&kluis, arguments, "", &caller(&url, member.token()));
    let made = run(
        &kluis,
        &["share", "create", "db/pw", "--to-user", &member.email],
    )
    .well()
    .told(&["has to accept it"]);
    let link = made.stdout;
    as_member(&["share", "open", &link]).failed(4);
    let received = as_member(&["share", "list", "--received", "-o", "value"])
        .well()
        .stdout;
    assert!(link.ends_with(received.trim_end()), "{received}");
    as_member(&["share", "accept", &link]).well();
    assert_eq!(as_member(&["share", "open", &link]).well().stdout, "s3");
    run_with(
        &kluis,
        &["share", "open", &link],
        "",
        &caller(&url, other.token()),
    )
    .failed(5);
    stranger(&["share", "open", &link], "")
        .failed(3)
        .told(&["for one user or agent"]);
    as_member(&["share", "decline", &link]).well();
    as_member(&["share", "open", &link]).failed(5);

    let key = run(&kluis, &["agent", "create", "bot"]).well().stdout;
    let link = share(&kluis, &["--to-agent", "bot"]);
    let as_bot = |arguments: &[&str]| run_with(&kluis, arguments, "", &caller(&url, &key));
    as_bot(&["share", "accept", &link]).well();
    assert_eq!(as_bot(&["share", "open", &link]).well().stdout, "s3");
    share(
        &kluis,
        &["--email", "someone@example.com", "--from", "10.0.0.0/8"],
    );
    run(&kluis, &["share", "create", "db/pw", "--to-creator"]).failed(4);
    run(
        &kluis,
        &["share", "create", "db/pw", "--to-user", "no@example.test"],
    )
    .failed(5);
    run(
        &kluis,
        &["share", "create", "db/pw", "--to-user", "a", "--email", "b"],
    )
    .failed(2);
}

/// Anybody can send a link: a credential goes to no server but its own.
#[test]
fn a_link_to_another_server_is_opened_without_the_callers_token() {
    let answer = json!({"id": "x", "path": "p", "type": "t", "value": "v\u{1b}", "access_count": 1, "max_access_count": 0});
    let (standin, own) = (
        Standin::answering(vec![(200, answer)]),
        "http://127.0.0.1:9",
    );
    let link = format!(
        "{}/v1/share/6f9f8a52-9a3c-4d6e-8f5b-0d9d3f0f3c11",
        standin.base
    );
    let mut command = bare();
    command
        .args(["share", "open", &link])
        .envs(caller(own, "ck_live_canary"));
    assert_eq!(wait(command, "").well().stdout, "v\u{1b}");
    let requests = standin.requests();
    assert!(requests[0].starts_with("GET /v1/share/"), "{requests:?}");
    assert!(
        !requests[0].contains("canary") && !requests[0].to_lowercase().contains("authorization"),
        "{requests:?}"
    );
}
