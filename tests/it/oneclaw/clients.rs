//! The vendor's published clients, unmodified, through every call that they document and this server has.

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::harness::{Kluis, binary, on_both};

const PASSWORD: &str = "Second-Password-1!";

/// Drive one of the scripts of `tests/clients` against a server.
async fn drive(mut kluis: Kluis, script: &str) {
    kluis
        .serve(&[
            ("KLUIS_AGENTS_ENROLLMENT", "true"),
            ("KLUIS_ORGANIZATIONS_SIGNUP", "true"),
        ])
        .await;
    let second = "second@example.test";
    let body = json!({"email": second, "name": "Second", "role": "member", "password": PASSWORD});
    let admin = kluis.admin_api();
    admin.post("/v1/users", body).await.expect(201);
    let mut command = Command::new(python());
    command
        .arg(
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("clients")
                .join(script),
        )
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("KLUIS_URL", kluis.base())
        .env("KLUIS_USER_KEY", kluis.dev("/tokens/oneclaw"))
        .env("KLUIS_EMAIL", kluis.dev("/owner/email"))
        .env("KLUIS_PASSWORD", kluis.dev("/owner/password"))
        .env("KLUIS_SECOND_EMAIL", second)
        .env("KLUIS_SECOND_PASSWORD", PASSWORD);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
    let ended = ended.await.unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    assert!(
        told.lines().filter(|line| line.starts_with("ok ")).count() >= 10,
        "{told}"
    );
}

/// The interpreter that has the clients, which `xtask/need clients` has put beside what cargo builds.
fn python() -> PathBuf {
    let target = binary().ancestors().nth(2).unwrap().to_owned();
    let python = target.join("clients/bin/python");
    assert!(
        python.exists(),
        "{} is missing: run xtask/need clients",
        python.display()
    );
    python
}

on_both! {
    async fn the_python_client_works_unmodified(kluis: Kluis) {
        drive(kluis, "oneclaw_sdk.py").await;
    }

    async fn the_langchain_tools_work_unmodified(kluis: Kluis) {
        drive(kluis, "langchain_tools.py").await;
    }
}
