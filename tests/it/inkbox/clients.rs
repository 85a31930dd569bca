//! The vendor's published clients, unmodified: Inkbox contract, all of it as they use it.

use std::process::Command;

use super::{key_for, owner};
use crate::harness::{Kluis, on_both, passes, program, script};

/// A vault key as clients want one (Inkbox contract §6.4).
const VAULT_KEY: &str = "Fixture-Vault-Key-42!";

/// What every client is told: an admin's key, one of another organization, and one of nobody.
async fn told<'a>(kluis: &Kluis, client: &'a mut Command) -> &'a mut Command {
    client
        .env("KLUIS_OWNER_KEY", kluis.dev("/tokens/inkbox"))
        .env("KLUIS_MEMBER_KEY", kluis.user("member").await.token())
        .env("KLUIS_STRANGER_KEY", kluis.stranger().await.token())
        .env("KLUIS_VAULT_KEY", VAULT_KEY)
}

on_both! {
    async fn the_python_client_works_unmodified(kluis: Kluis) {
        let mut client = script("inkbox_sdk.py", &kluis);
        told(&kluis, &mut client).await;
        passes(client, 20).await;
    }

    async fn the_rust_client_works_unmodified(kluis: Kluis) {
        let mut client = program("inkbox_rust", &kluis);
        told(&kluis, &mut client).await;
        passes(client, 15).await;
    }

    /// What one of them writes the other reads, in either direction, as an agent too.
    async fn each_client_reads_what_the_other_wrote(kluis: Kluis) {
        for (writer, reader) in [("python", "rust"), ("rust", "python")] {
            let api = owner(&kluis);
            let client = |name: &str| match name {
                "python" => script("inkbox_exchange.py", &kluis),
                _ => program("inkbox_rust", &kluis),
            };
            let mut write = client(writer);
            told(&kluis, &mut write).await.args(["write", writer]);
            passes(write, 2).await;
            let mut read = client(reader);
            told(&kluis, &mut read).await.args(["read", writer]);
            passes(read, 2).await;
            let bot = api.get(&format!("{}/{writer}-reader", super::IDENTITIES)).await.expect(200);
            let key = key_for(&api, &bot.text("/id")).await;
            let mut read = client(reader);
            told(&kluis, &mut read).await.env("KLUIS_OWNER_KEY", key).args(["read", writer]);
            passes(read, 2).await;
            api.delete(super::VAULT).await.expect(204);
        }
    }
}
