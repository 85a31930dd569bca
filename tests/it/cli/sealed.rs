//! `--sealed`: what a proxy sees, what arrives, and what is not believed.

use serde_json::{Value, json};

use super::recorder::Recorder;
use super::standin::Standin;
use super::{Ended, caller, run, run_with};
use crate::harness::{Kluis, Random};
use crate::promises::search::{Needles, canary};

/// Crate contract §4. The same search finds the values when they are not sealed, or it would prove nothing.
#[tokio::test]
async fn a_proxy_that_keeps_all_that_passes_sees_no_sealed_value() {
    let kluis = Kluis::start().await;
    let proxy = Recorder::before(&kluis.base());
    let (mut random, mut needles) = (Random::new(), Needles::default());
    let short = canary(&mut random);
    // Longer than RSA carries, with the canary at its end.
    let long = format!("{}{}", "filler ".repeat(60), canary(&mut random));
    needles.add("short", &short);
    needles.add("long", long.split("filler ").last().unwrap());
    let token = kluis.dev("/tokens/crate");
    let through = |arguments: &[&str], stdin: &str| {
        let environment = caller(&proxy.base, &token);
        let ended = run_with(&kluis, arguments, stdin, &environment).well();
        needles.assert_absent("messages", ended.stderr.as_bytes());
        let passed = proxy.taken();
        assert!(passed.iter().any(|stream| !stream.is_empty()));
        let seen: usize = passed.iter().map(|stream| needles.find(stream).len()).sum();
        (ended.stdout, seen)
    };
    let print = ["--", "sh", "-c", r#"printf '%s|%s' "$SHORT" "$LONG""#];
    let both = format!("{short}|{long}");
    for (sealed, expected) in [(&["--sealed"][..], false), (&[], true)] {
        for (key, value) in [("SHORT", &short), ("LONG", &long)] {
            let (_, seen) = through(&[&["set", key], sealed].concat(), value);
            assert_eq!(seen != 0, expected, "set {sealed:?}");
        }
        let (ran, seen) = through(&[&["run"], sealed, &print].concat(), "");
        assert_eq!((ran.as_str(), seen != 0), (both.as_str(), expected));
        let only = ["run", "--only", "SHORT,LONG"];
        let (ran, seen) = through(&[&only, sealed, &print].concat(), "");
        assert_eq!((ran.as_str(), seen != 0), (both.as_str(), expected));
        let (exported, seen) = through(&[&["export"], sealed, &["-o", "json"]].concat(), "");
        let exported: Value = serde_json::from_str(&exported).unwrap();
        assert_eq!(exported, json!({"LONG": long, "SHORT": short}));
        assert_eq!(seen != 0, expected, "export {sealed:?}");
    }
}

/// DESIGN §8, promise 1.
#[tokio::test]
async fn a_value_that_was_sealed_is_in_no_log_no_file_and_no_argument_list() {
    let mut kluis = Kluis::start_with(&["--log-level", "trace"]).await;
    let (value, mut needles) = (canary(&mut Random::new()), Needles::default());
    needles.add("value", &value);
    for value in [&value, &value.repeat(20)] {
        run_with(&kluis, &["set", "KEY", "--sealed"], value, &[]).well();
        let told = "cat /proc/$$/cmdline /proc/$PPID/cmdline";
        for arguments in [
            &["run", "--sealed", "--", "sh", "-c", told][..],
            &["secret", "list"],
        ] {
            let ended = run(&kluis, arguments).well();
            needles.assert_absent("output", ended.stdout.as_bytes());
            needles.assert_absent("messages", ended.stderr.as_bytes());
        }
        let exported = run(&kluis, &["export", "--sealed"]).well();
        assert!(!needles.find(exported.stdout.as_bytes()).is_empty());
        needles.assert_absent("messages", exported.stderr.as_bytes());
    }
    assert!(kluis.log().contains("DEBUG"), "the log proves nothing");
    kluis.stop();
    needles.assert_absent("the log", kluis.log().as_bytes());
    needles.assert_absent_below(&kluis.data_dir(), &[]);
}

#[tokio::test]
async fn a_value_of_any_length_arrives_as_it_is() {
    let kluis = Kluis::start().await;
    run(&kluis, &["vault", "create", "prod"]).well();
    let (limit, mut version) = (1 << 20, 0);
    for length in [1, 317, 318, 319, 5000, limit] {
        version += 1;
        let value = "v".repeat(length);
        let done = if version == 1 { "made" } else { "changed" };
        run_with(
            &kluis,
            &["set", "K", "--sealed", "--vault", "prod"],
            &value,
            &[],
        )
        .well()
        .told(&[&format!("'K' {done} in vault 'prod', version {version}\n")]);
        let got = run(&kluis, &["get", "K", "--vault", "prod"]).well().stdout;
        assert!(got == value, "{length}");
    }
    let too_long = "v".repeat(limit + 1);
    run_with(&kluis, &["set", "K", "--sealed"], &too_long, &[])
        .failed(2)
        .told(&["1048577 bytes", "at most 1048576 (1 MiB)"]);
    run_with(&kluis, &["set", "EMPTY", "--sealed"], "", &[]).failed(2);
    run_with(
        &kluis,
        &["set", "EMPTY", "--sealed", "--allow-empty"],
        "",
        &[],
    )
    .well();
    let odd = "-----BEGIN\n\u{e9}'\"$HOME\\\n-----END\n";
    run_with(&kluis, &["set", "a.b-c", "--sealed"], odd, &[]).well();
    for (key, value) in [("EMPTY", ""), ("a.b-c", odd)] {
        assert_eq!(run(&kluis, &["get", key]).well().stdout, value);
    }
}

/// NT-69: what the environment held before does not pass for a secret that is withheld.
#[tokio::test]
async fn run_treats_sealed_secrets_as_it_treats_others() {
    let kluis = Kluis::start().await;
    let vault = vault_id(&kluis);
    for key in ["A", "a.b", "db/pw"] {
        run_with(&kluis, &["set", key], key, &[]).well();
    }
    for (path, version) in [
        (
            "ENDED",
            json!({"value": "x", "expires_at": "2099-01-01T00:00:00Z"}),
        ),
        ("ONCE", json!({"value": "once", "max_access_count": 1})),
    ] {
        let path = format!("/v1/vaults/{vault}/secrets/{path}");
        kluis.owner().put(&path, version).await.expect(201);
    }
    run(&kluis, &["secret", "disable", "ENDED", "1"]).well();
    let print = ["--", "sh", "-c", "echo $A $ENDED $ONCE"];
    let inherited = [("A", "stale"), ("ENDED", "stale"), ("ONCE", "stale")];
    let sealed = |more: &[&str]| {
        let arguments = [&["run", "--sealed"], more, &print].concat();
        run_with(&kluis, &arguments, "", &inherited)
    };
    let left_out = ["left out: 'a.b'", "left out: 'db/pw'", "left out: 'ENDED'"];
    // The one read of it is used up by this.
    let ran = sealed(&[]).well().told(&left_out);
    assert_eq!(ran.stdout, "A once\n");
    let ran = sealed(&["--vault", &vault]).well().told(&left_out);
    assert_eq!(ran.stdout, "A\n");
    ran.told(&["left out: 'ONCE'"]);
    sealed(&["--only", "A,ENDED"])
        .failed(5)
        .told(&["cannot read 'ENDED'", "may not be read now"]);
    sealed(&["--only", "ABSENT"]).failed(5).told(&["'ABSENT'"]);
    sealed(&["--only", "a.b"]).failed(2);
    assert_eq!(sealed(&["--only", "A"]).well().stdout, "A stale stale\n");
    sealed(&["--vault", "absent"])
        .failed(5)
        .told(&["no vault 'absent'"]);
    run(&kluis, &["vault", "create", "other"]).well();
    let ran = sealed(&["--vault", "other"]).well();
    assert_eq!(ran.stdout, "stale stale stale\n");
    // NT-84
    let preload = ["set", "LD_PRELOAD", "--sealed", "--vault", "other"];
    run_with(&kluis, &preload, "/tmp/evil", &[]).well();
    sealed(&["--vault", "other"])
        .failed(2)
        .told(&["--allow-name LD_PRELOAD"]);
}

#[tokio::test]
async fn sealed_transport_is_for_owners_and_admins_and_says_so() {
    let kluis = Kluis::start().await;
    run_with(&kluis, &["set", "KEY"], "value", &[]).well();
    let url = kluis.base();
    let agent = run(&kluis, &["agent", "create", "bot", "--scope", "**"]).well();
    let policy = [
        "policy",
        "add",
        "KEY",
        "--agent",
        "bot",
        "--allow",
        "read,write",
    ];
    run(&kluis, &policy).well();
    let (viewer, member) = (kluis.user("viewer").await, kluis.user("member").await);
    let admin = kluis.user("admin").await;
    let commands = [
        &["set", "KEY", "--sealed"][..],
        &["run", "--sealed", "--", "echo", "started"],
        &["export", "--sealed"],
        &["export", "--sealed", "--only", "KEY"],
    ];
    for arguments in commands {
        for token in [viewer.token(), member.token(), &agent.stdout] {
            run_with(&kluis, arguments, "value", &caller(&url, token))
                .failed(4)
                .told(&["leave --sealed out", "owner or admin"]);
        }
        run_with(&kluis, arguments, "value", &caller(&url, admin.token())).well();
        run_with(&kluis, arguments, "value", &caller(&url, "crt_unknown")).failed(3);
    }
    // RULES §2: whoever makes `prod` first must not own what administrators put there.
    let make = ["vault", "create", "prod"];
    run_with(&kluis, &make, "", &caller(&url, member.token())).well();
    let set = ["set", "KEY", "--sealed", "--vault", "prod"];
    run_with(&kluis, &set, "value", &[])
        .failed(6)
        .told(&["take it over", "leave --sealed out"]);
}

#[tokio::test]
async fn what_sealed_transport_cannot_name_is_refused_before_anything_is_sent() {
    let kluis = Kluis::start().await;
    for key in ["db/pw", "9A", "two words", "cl\u{e9}", "-"] {
        run_with(&kluis, &["set", "--sealed", "--", key], "canary", &[])
            .failed(2)
            .told(&["letters, digits, _, . and -", "leave --sealed out"])
            .silent("canary");
    }
    for vault in ["two words", "_x", "a.b"] {
        run(&kluis, &["vault", "create", vault]).well();
        for arguments in [&["set", "K"][..], &["run"], &["export"]] {
            let sealed = [arguments, &["--sealed", "--vault", vault]].concat();
            let command: &[&str] = if arguments == ["run"] {
                &["--", "true"]
            } else {
                &[]
            };
            run_with(&kluis, &[&sealed, command].concat(), "canary", &[])
                .failed(2)
                .told(&[&format!("cannot name vault '{vault}'"), "up to 64 letters"])
                .silent("canary");
        }
    }
    run_with(
        &kluis,
        &["set", "K", "--sealed", "--type", "text"],
        "canary",
        &[],
    )
    .failed(2)
    .told(&["--sealed", "--type"])
    .silent("canary");
}

#[test]
fn a_key_that_is_too_weak_is_not_sealed_for() {
    for pem in [WEAK, "canary"] {
        let key = json!({"public_key_pem": pem});
        let (ended, requests) = from_standin(&["set", "K", "--sealed"], vec![(200, key)]);
        ended
            .failed(10)
            .told(&["cannot set 'K'", "2048 to 8192 bits", "KLUIS-INTEGRITY"])
            .silent("canary");
        assert_eq!(requests.len(), 3, "{requests:?}");
    }
}

#[test]
fn an_answer_that_was_altered_starts_and_prints_nothing() {
    let list = || (200, json!({"secrets": []}));
    let body = "AAAA".repeat(20);
    let altered = [
        json!({"encrypted_secrets": body, "encrypted_key": "AAAA".repeat(128)}),
        json!({"encrypted_secrets": body, "encrypted_key": ""}),
        json!({"encrypted_secrets": "canary!", "encrypted_key": body}),
    ];
    for answer in altered {
        for command in [
            &["export", "--sealed"][..],
            &["run", "--sealed", "--", "echo", "started"],
        ] {
            let (ended, _) = from_standin(command, vec![list(), (200, answer.clone())]);
            ended
                .failed(10)
                .told(&["was altered", "KLUIS-INTEGRITY"])
                .silent("canary");
        }
    }
    // Something that is no answer of this API at all is another program's.
    let (ended, _) = from_standin(&["export", "--sealed"], vec![list(), (200, json!({}))]);
    ended.failed(8);
}

/// How a command ends against a server that gives these answers once it has said who asks; and what it was asked.
fn from_standin(arguments: &[&str], answers: Vec<(u16, Value)>) -> (Ended, Vec<String>) {
    let at = "2026-01-02T03:04:05Z";
    let vault = json!({"id": "vlt_1", "name": "default", "secretCount": 1, "createdAt": at, "updatedAt": at});
    let me = json!({"id": "u", "email": "a@example.test", "role": "owner", "org_id": "o"});
    let first = vec![(200, json!({"data": [vault]})), (200, me)];
    let standin = Standin::answering([first, answers].concat());
    let mut command = super::bare();
    command.args(arguments).envs(caller(&standin.base, "token"));
    let ended = super::wait(command, "value");
    (ended, standin.requests())
}

fn vault_id(kluis: &Kluis) -> String {
    let list = run(kluis, &["vault", "list", "-o", "json"]).well().stdout;
    let list: Value = serde_json::from_str(&list).unwrap();
    list[0]["id"].as_str().unwrap().to_owned()
}

/// A public key of 1024 bits.
const WEAK: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDZXSDGGKiP0PwmpZTwTSx+8KYM
/PYcATQ0rpDSwIVfrtE1N6fam9MKodvLfgPqU4tDvv12JKnc1oITME1kX+EqRqwO
erOLabKjcVw8/nzG9ElDDJudx81BSUfSQsqUmRJ90k95RzJyM22wgHIiqmWxtC3G
x1J/70qWaCEdEcX22wIDAQAB
-----END PUBLIC KEY-----
";
