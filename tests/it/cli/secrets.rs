//! `set`, `get`, `run`, `secret`, `vault`, `policy`, `audit`, `operator`.

use super::{run, run_with};
use crate::harness::Kluis;

#[tokio::test]
async fn a_value_that_is_set_is_got_and_injected() {
    let kluis = Kluis::start().await;
    run_with(&kluis, &["set", "GREETING"], "hello from Kluis", &[]).well();
    let got = run(&kluis, &["get", "GREETING", "-o", "value"])
        .well()
        .stdout;
    assert_eq!(got.trim_end(), "hello from Kluis");
    let printed = run(
        &kluis,
        &["run", "--only", "GREETING", "--", "printenv", "GREETING"],
    )
    .well();
    assert_eq!(printed.stdout, "hello from Kluis\n");
}

#[tokio::test]
async fn the_three_commands_that_dev_prints_work_as_printed() {
    let kluis = Kluis::start().await;
    // It is ready to be asked a moment before its words are read.
    let mut log = kluis.log();
    for _ in 0..500 {
        let tries = log.lines().skip_while(|line| !line.starts_with("Try"));
        if tries.count() > 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        log = kluis.log();
    }
    let commands: Vec<&str> = log
        .lines()
        .skip_while(|line| !line.starts_with("Try"))
        .skip(1)
        .take(3)
        .collect();
    assert_eq!(commands.len(), 3, "{log}");
    for (command, expected) in commands
        .iter()
        .zip(["", "Hello from Kluis", "Hello from Kluis"])
    {
        let output = std::process::Command::new("sh")
            .args(["-c", command.trim()])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(stdout.trim_end(), expected, "{command}");
    }
}

/// NT-84
#[tokio::test]
async fn run_passes_arguments_exit_codes_and_a_clean_environment() {
    let kluis = Kluis::start().await;
    run_with(&kluis, &["set", "A_KEY"], "value", &[]).well();
    for code in [0, 1, 42, 255] {
        let script = format!("exit {code}");
        assert_eq!(run(&kluis, &["run", "--", "sh", "-c", &script]).code, code);
    }
    assert_eq!(
        run(&kluis, &["run", "--", "sh", "-c", "kill -9 $$"]).code,
        128 + 9
    );
    let odd = ["two words", "$(id)", "'\"", "", "new\nline", "*"];
    let mut arguments = vec!["run", "--", "printf", "<%s>"];
    arguments.extend(odd);
    let printed = run(&kluis, &arguments).well().stdout;
    assert_eq!(printed, odd.map(|word| format!("<{word}>")).concat());
    let token = kluis.dev("/tokens/cloudkeep");
    let environment = [
        ("KLUIS_TOKEN", token.as_str()),
        ("KLUIS_URL", &kluis.base()),
    ];
    let seen = run_with(&kluis, &["run", "--", "env"], "", &environment)
        .well()
        .stdout;
    assert!(seen.contains("A_KEY=value"), "{seen}");
    assert!(!seen.contains(&token) && !seen.contains("KLUIS_"), "{seen}");
}

/// NT-84
#[tokio::test]
async fn run_refuses_names_that_would_run_code() {
    let kluis = Kluis::start().await;
    for name in ["LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV", "PATH"] {
        run_with(&kluis, &["set", name], "/tmp/evil", &[]).well();
        run(&kluis, &["run", "--only", name, "--", "true"]).failed(2);
        run(&kluis, &["secret", "delete", name, "--yes"]).well();
    }
}

#[tokio::test]
async fn every_failure_has_its_exit_code_and_an_empty_stdout() {
    let kluis = Kluis::start().await;
    run(&kluis, &["get", "ABSENT"]).failed(5);
    run(&kluis, &["get", "X", "--vault", "absent"]).failed(5);
    run(&kluis, &["get"]).failed(2);
    run(&kluis, &["vault", "create", "one"]).well();
    run(&kluis, &["vault", "create", "one"]).failed(6);
    let (url, viewer) = (kluis.base(), kluis.user("viewer").await);
    let with = |token| [("KLUIS_URL", url.as_str()), ("KLUIS_TOKEN", token)];
    run_with(&kluis, &["get", "X"], "", &with("ck_live_unknown")).failed(3);
    run_with(
        &kluis,
        &["vault", "create", "two"],
        "",
        &with(viewer.token()),
    )
    .failed(4);
    let dead = [("KLUIS_URL", "http://127.0.0.1:9"), ("KLUIS_TOKEN", "x")];
    run_with(&kluis, &["get", "X"], "", &dead).failed(8);
    // NT-69: an empty value is not an absent one.
    run_with(&kluis, &["set", "EMPTY", "--allow-empty"], "", &[]).well();
    run(&kluis, &["get", "EMPTY"]).well();
}

#[tokio::test]
async fn vaults_secrets_policies_and_the_record_are_at_hand() {
    let kluis = Kluis::start().await;
    run(&kluis, &["vault", "create", "prod"]).well();
    assert!(
        run(&kluis, &["vault", "list"])
            .well()
            .stdout
            .contains("prod")
    );
    run_with(
        &kluis,
        &["set", "db/password", "--vault", "prod"],
        "one",
        &[],
    )
    .well();
    run_with(
        &kluis,
        &["set", "db/password", "--vault", "prod"],
        "two",
        &[],
    )
    .well();
    let listing = [
        "secret",
        "versions",
        "db/password",
        "--vault",
        "prod",
        "-o",
        "json",
    ];
    let versions: serde_json::Value =
        serde_json::from_str(&run(&kluis, &listing).well().stdout).unwrap();
    assert_eq!(versions.as_array().map(Vec::len), Some(2));
    let list = run(&kluis, &["secret", "list", "--vault", "prod"])
        .well()
        .stdout;
    assert!(
        list.contains("db/password") && !list.contains("two"),
        "{list}"
    );
    let member = kluis.user("member").await;
    let add = [
        "policy",
        "add",
        "db/**",
        "--vault",
        "prod",
        "--user",
        &member.email,
        "--allow",
        "read",
    ];
    run(&kluis, &add).well();
    let list = run(&kluis, &["policy", "list", "--vault", "prod"])
        .well()
        .stdout;
    assert!(list.contains("db/**"), "{list}");
    let tail = run(&kluis, &["audit", "tail"]).well().stdout;
    assert!(
        tail.contains("secret.write") && !tail.contains("two"),
        "{tail}"
    );
    run(&kluis, &["audit", "verify"]).well();
    run(
        &kluis,
        &[
            "secret",
            "delete",
            "db/password",
            "--vault",
            "prod",
            "--yes",
        ],
    )
    .well();
    run(&kluis, &["get", "db/password", "--vault", "prod"]).failed(5);
    run(&kluis, &["vault", "delete", "prod", "--yes"]).well();
}

#[tokio::test]
async fn an_operator_seals_rotates_and_asks_over_the_socket() {
    let kluis = Kluis::start().await;
    run_with(&kluis, &["set", "KEPT"], "value", &[]).well();
    run(&kluis, &["operator", "rotate-keys", "root"]).well();
    run(&kluis, &["operator", "rotate-keys", "organizations"]).well();
    run(&kluis, &["operator", "clear-ip-rules"]).well();
    let got = run(&kluis, &["get", "KEPT", "-o", "value"]).well().stdout;
    assert_eq!(got.trim_end(), "value");
    let status = run(&kluis, &["operator", "status", "-o", "json"])
        .well()
        .stdout;
    assert!(status.contains("key_file"), "{status}");
    run(&kluis, &["operator", "seal"]).well();
    let sealed = kluis.owner().get("/api/v1/me").await;
    assert_eq!(sealed.status, 503, "{}", sealed.string());
    kluis.anonymous().get("/healthz").await.expect(200);
    assert_eq!(kluis.anonymous().get("/readyz").await.status, 503);
    run(&kluis, &["get", "KEPT"]).failed(8);
}
