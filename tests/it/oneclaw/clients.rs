//! The vendor's published clients, unmodified, through every call that they document and this server has.

use serde_json::json;

use crate::harness::{Kluis, on_both, passes, script};

const PASSWORD: &str = "Second-Password-1!";

/// Drive one of the scripts of `tests/clients` against a server.
async fn drive(mut kluis: Kluis, name: &str) {
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
    let mut script = script(name, &kluis);
    script
        .env("KLUIS_USER_KEY", kluis.dev("/tokens/oneclaw"))
        .env("KLUIS_EMAIL", kluis.dev("/owner/email"))
        .env("KLUIS_PASSWORD", kluis.dev("/owner/password"))
        .env("KLUIS_SECOND_EMAIL", second)
        .env("KLUIS_SECOND_PASSWORD", PASSWORD);
    passes(script, 10).await;
}

on_both! {
    async fn the_python_client_works_unmodified(kluis: Kluis) {
        drive(kluis, "oneclaw_sdk.py").await;
    }

    async fn the_langchain_tools_work_unmodified(kluis: Kluis) {
        drive(kluis, "langchain_tools.py").await;
    }
}
