//! The vendor's published clients, unmodified, through all that they do with vaults, identities and keys.

use std::process::Command;

use crate::harness::{Kluis, on_both, passes, program, script};

/// A vault key as clients want one (Inkbox contract §6.4).
pub const VAULT_KEY: &str = "Fixture-Vault-Key-42!";

/// What every client is told: keys of an admin, of a member, and of another organization's owner, and the vault key.
pub async fn told<'a>(kluis: &Kluis, client: &'a mut Command) -> &'a mut Command {
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
}

/// Inkbox contract §6: from its description alone. What is sealed is the same on both databases.
#[tokio::test]
async fn another_implementation_is_understood() {
    let kluis = Kluis::start().await;
    let mut client = script("inkbox_by_hand.py", &kluis);
    told(&kluis, &mut client).await;
    passes(client, 6).await;
}
