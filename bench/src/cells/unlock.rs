//! Unlocking a zero-knowledge vault through Inkbox's API: one answer with every secret in it.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::reference::{LIST, LIST_TEN};
use super::{Cell, Target, read_key};
use crate::client::Exchange;
use crate::kluis::{Kluis, ask_all};
use crate::load::Work;

/// Makes a vault of each size, in an organization of its own, and returns the cells that unlock them.
pub(super) async fn unlocks(kluis: &Kluis) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for (name, secrets, base, target) in SIZES {
        let owner = kluis
            .organization_create(&format!("unlock-{secrets}"))
            .await?;
        let send = |path: &str, body: &Value, marker: &str| {
            let exchange = Exchange::send("POST", path, &owner, &body.to_string(), 201, marker);
            exchange.with_key_header()
        };
        let keys = json!({ "vault_key": key(), "recovery_keys": [] });
        let initialize = send("/api/v1/vault/initialize", &keys, "vault_id");
        ask_all(kluis.address, vec![initialize]).await?;
        let puts = (0..secrets).map(|number| {
            let name = read_key(number);
            let body = json!({
                "name": name, "secret_type": "api_key",
                "encrypted_payload": STANDARD.encode([b'p'; PAYLOAD_LENGTH]),
            });
            send("/api/v1/vault/secrets", &body, &name)
        });
        ask_all(kluis.address, puts.collect()).await?;
        let path = format!("/api/v1/vault/unlock?auth_hash={}", auth_hash());
        let unlock = Exchange::get(&path, &owner, &read_key(secrets - 1)).with_key_header();
        cells.push(Cell::kluis(
            name,
            base,
            Some(target),
            Work::Pick(vec![unlock]),
        ));
    }
    Ok(cells)
}

/// The one key of each vault; what it opens is the client's business.
fn key() -> Value {
    json!({
        "id": "0f0e0d0c-0b0a-4908-8706-050403020100", "key_type": "primary", "auth_hash": auth_hash(),
        "wrapped_org_encryption_key": STANDARD.encode([b'w'; WRAPPED_LENGTH]),
    })
}

fn auth_hash() -> String {
    "5e".repeat(32)
}

/// How many secrets a vault has, and what unlocking it is compared with.
const SIZES: [(&str, u64, &str, Target); 3] = [
    ("unlock, 10 secrets", 10, LIST_TEN, Target::OfReference(3.0)),
    (UNLOCK_HUNDRED, 100, LIST, Target::OfReference(3.0)),
    (
        "unlock, 1,000 secrets",
        1_000,
        LIST,
        Target::Further {
            than: UNLOCK_HUNDRED,
            secrets: 900,
            limit: FURTHER_LIMIT,
        },
    ),
];
const UNLOCK_HUNDRED: &str = "unlock, 100 secrets";

/// Microseconds of CPU for each further secret.
const FURTHER_LIMIT: f64 = 2.0;

/// Bytes of a payload, as a client encrypts an API key with its endpoint.
const PAYLOAD_LENGTH: usize = 128;

/// Bytes of a wrapped key.
const WRAPPED_LENGTH: usize = 60;
