//! Clients and tools that others have published, through every method of the Crate API and every form of its cryptography.

use serde_json::json;

use crate::harness::{Kluis, on_both, passes, script};
use crate::oneclaw::agents::register;

/// Drive one of the scripts of `tests/clients` with keys of everybody who may and who may not.
async fn drive(kluis: Kluis, name: &str, least: usize) {
    let agent = register(&kluis, &kluis.owner(), json!({})).await;
    let mut script = script(name, &kluis);
    script
        .env("KLUIS_ORGANIZATION", kluis.dev("/organization_id"))
        .env("KLUIS_OWNER_EMAIL", kluis.dev("/owner/email"))
        .env("KLUIS_OWNER_KEY", kluis.dev("/tokens/crate"))
        .env("KLUIS_ADMIN_KEY", kluis.user("admin").await.token())
        .env("KLUIS_MEMBER_KEY", kluis.user("member").await.token())
        .env("KLUIS_VIEWER_KEY", kluis.user("viewer").await.token())
        .env("KLUIS_AGENT_KEY", agent.key)
        .env("KLUIS_STRANGER_KEY", kluis.stranger().await.token());
    passes(script, least).await;
}

on_both! {
    async fn the_python_library_of_grpc_speaks_to_the_services(kluis: Kluis) {
        drive(kluis, "crate_grpc.py", 50).await;
    }

    async fn reflection_and_health_are_open_to_their_clients(kluis: Kluis) {
        drive(kluis, "crate_reflection.py", 12).await;
    }

    async fn connects_client_speaks_each_of_its_protocols(kluis: Kluis) {
        drive(kluis, "crate_connect.mjs", 81).await;
    }

    async fn openssl_seals_and_opens(kluis: Kluis) {
        drive(kluis, "crate_rest.py", 5).await;
    }

    async fn webcrypto_seals_and_opens(kluis: Kluis) {
        drive(kluis, "crate_webcrypto.mjs", 16).await;
    }
}
