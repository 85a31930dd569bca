//! Sealed transport through Crate's API: values come sealed for the organization's key, and go out sealed for the client's.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::reference::{INSERT, LIST, LIST_TEN, READ_ONE};
use super::{Cell, Schedule, Target, read_key, write_key};
use crate::client::Exchange;
use crate::kluis::{Kluis, ask_all, text_at};
use crate::load::Work;
use crate::report::{Fact, Results};

/// Fills the environments that are retrieved, and returns the cells of sealed transport.
pub(super) async fn sealed_cells(kluis: &Kluis) -> Result<Vec<Cell>> {
    let owner = Owner {
        authorization: kluis.administrator(),
        path: format!("/organization/{}/secrets", kluis.organization),
        values: sealed_values(kluis).await?,
    };
    let mut cells = stores(kluis, &owner).await?;
    cells.extend(retrievals(kluis, &owner).await?);
    Ok(cells)
}

/// What the threads for RSA cost, which the CPU column leaves out.
pub(crate) fn rsa_facts(results: &Results) -> Vec<Fact> {
    let stores = STORES.map(|(name, connections, _)| (name, connections));
    let retrievals = RETRIEVALS.map(|(name, ..)| (name, RETRIEVING));
    let fact = |(name, connections): (&'static str, &[usize])| {
        let figures = results.get(&(name, *connections.last()?))?;
        Some(Fact {
            name: format!("{name}: CPU of the threads for RSA, each request"),
            value: figures.rsa,
            unit: "µs",
            limit: None,
        })
    };
    stores
        .into_iter()
        .chain(retrievals)
        .filter_map(fact)
        .collect()
}

/// Stores of as many secrets at once as there are connections: a request stores one.
async fn stores(kluis: &Kluis, owner: &Owner) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for (name, connections, target) in STORES {
        let environment = format!("store-{}", cells.len());
        // The environment is made before any round.
        let first = owner.put(&environment, &read_key(0), 0);
        ask_all(kluis.address, vec![first]).await?;
        let storing = owner.clone();
        let put = move |number| storing.put(&environment, &write_key(number), number);
        cells.push(Cell {
            own: Some(Schedule {
                connections,
                duration: STORE_ROUND,
                opening: health(kluis),
            }),
            ..Cell::kluis(name, INSERT, target, Work::Make(Box::new(put)))
        });
    }
    Ok(cells)
}

/// Retrievals of whole environments of one size each.
async fn retrievals(kluis: &Kluis, owner: &Owner) -> Result<Vec<Cell>> {
    let client = Client::generate()?;
    let mut cells = Vec::new();
    for (name, secrets, base, target) in RETRIEVALS {
        let environment = format!("retrieve-{secrets}");
        let mut puts =
            (0..secrets).map(|number| owner.put(&environment, &read_key(number), number));
        // The first alone: it makes the environment.
        ask_all(kluis.address, puts.by_ref().take(1).collect()).await?;
        ask_all(kluis.address, puts.collect()).await?;
        let retrieve = owner.retrieve(&environment, &client.public_key_pem);
        let answer = ask_all(kluis.address, vec![retrieve.clone()]).await?;
        let values = client.open(answer.first().context("no answer")?)?;
        let expected: Map<String, Value> = (0..secrets)
            .map(|number| (read_key(number), value_of(number).into()))
            .collect();
        ensure!(values == expected, "{name}: other values than were stored");
        cells.push(Cell {
            own: Some(Schedule {
                connections: RETRIEVING,
                duration: RETRIEVE_ROUND,
                opening: health(kluis),
            }),
            ..Cell::kluis(name, base, Some(target), Work::Pick(vec![retrieve]))
        });
    }
    Ok(cells)
}

/// What a connection begins with.
fn health(kluis: &Kluis) -> Exchange {
    Exchange::get("/healthz", &kluis.administrator(), "")
}

/// Who stores and retrieves.
#[derive(Clone)]
struct Owner {
    authorization: String,
    /// The path of the organization's secrets.
    path: String,
    /// Sealed values, as Base64.
    values: Vec<String>,
}

impl Owner {
    /// Stores the value of this number under `name`.
    fn put(&self, environment: &str, name: &str, number: u64) -> Exchange {
        let place = usize::try_from(number % VALUES).ok();
        let value = place.and_then(|place| self.values.get(place));
        let body = json!({ "name": name, "environment": environment, "encrypted_value": value, "sealed": true });
        let marker = format!("\"name\":\"{name}\"");
        let (path, body) = (&self.path, body.to_string());
        Exchange::send("PUT", path, &self.authorization, &body, 200, &marker)
    }

    /// Retrieves a whole environment, sealed for this key.
    fn retrieve(&self, environment: &str, public_key_pem: &str) -> Exchange {
        let body = json!({ "environment": environment, "public_key_pem": public_key_pem });
        let path = format!("{}/retrieve", self.path);
        let marker = "\"encrypted_key\":\"";
        Exchange::send(
            "POST",
            &path,
            &self.authorization,
            &body.to_string(),
            200,
            marker,
        )
    }
}

/// The values that are stored, by turns, sealed for the organization's public key.
async fn sealed_values(kluis: &Kluis) -> Result<Vec<String>> {
    let path = format!("/organization/{}/secrets/public-key", kluis.organization);
    let get = Exchange::get(&path, &kluis.administrator(), "PUBLIC KEY");
    let answer = ask_all(kluis.address, vec![get]).await?;
    let pem = text_at(answer.first().context("no answer")?, "/public_key_pem")?;
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let key = PublicEncryptingKey::from_der(&STANDARD.decode(text)?).map_err(rejected)?;
    let key = OaepPublicEncryptingKey::new(key).map_err(failed)?;
    let mut sealed = vec![0; key.ciphertext_size()];
    let seal = |number| {
        let value = value_of(number);
        key.encrypt(&OAEP_SHA256_MGF1SHA256, value.as_bytes(), &mut sealed, None)
            .map(|ciphertext| STANDARD.encode(ciphertext))
            .map_err(failed)
    };
    (0..VALUES).map(seal).collect()
}

/// The value of a secret, told apart by its beginning.
fn value_of(number: u64) -> String {
    format!(
        "{:02}:{:x<width$}",
        number % VALUES,
        "",
        width = VALUE_LENGTH - 3
    )
}

/// Who reads what was retrieved.
struct Client {
    key: OaepPrivateDecryptingKey,
    public_key_pem: String,
}

impl Client {
    /// With a pair as long as the organization's own.
    fn generate() -> Result<Self> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa3072).map_err(failed)?;
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(failed)?;
        let text = STANDARD.encode(public.as_ref());
        Ok(Self {
            key: OaepPrivateDecryptingKey::new(key).map_err(failed)?,
            public_key_pem: format!(
                "-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"
            ),
        })
    }

    /// The values by name.
    fn open(&self, answer: &Value) -> Result<Map<String, Value>> {
        let bytes = |member| anyhow::Ok(STANDARD.decode(text_at(answer, member)?)?);
        let (wrapped, mut body) = (bytes("/encrypted_key")?, bytes("/encrypted_secrets")?);
        let mut buffer = vec![0; self.key.min_output_size()];
        let key = self
            .key
            .decrypt(&OAEP_SHA256_MGF1SHA256, &wrapped, &mut buffer, None);
        let key = UnboundKey::new(&AES_256_GCM, key.map_err(failed)?).map_err(failed)?;
        let (nonce, sealed) = body.split_first_chunk_mut().context("no nonce")?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = LessSafeKey::new(key).open_in_place(nonce, Aad::empty(), sealed);
        Ok(serde_json::from_slice(opened.map_err(failed)?)?)
    }
}

fn failed(_: Unspecified) -> anyhow::Error {
    anyhow!("the cryptographic library refused")
}

fn rejected(cause: KeyRejected) -> anyhow::Error {
    anyhow!("the organization's public key: {cause}")
}

/// How many secrets are stored at once. As elsewhere, the target holds where many share a commit: alone, one costs the reference
/// more than that.
const STORES: [(&str, &[usize], Option<Target>); 3] = [
    ("sealed store, 1 secret", &[1], None),
    ("sealed store, 10 secrets at once", &[10], None),
    (
        "sealed store, 100 secrets at once",
        &[100],
        Some(Target::Micros(ONE_LIMIT)),
    ),
];

/// How many secrets an environment has, and what that is compared with.
const RETRIEVALS: [(&str, u64, &str, Target); 3] = [
    (RETRIEVE_ONE, 1, READ_ONE, Target::Micros(ONE_LIMIT)),
    ("sealed retrieve, 10 secrets", 10, LIST_TEN, further(9)),
    ("sealed retrieve, 100 secrets", 100, LIST, further(99)),
];
const RETRIEVE_ONE: &str = "sealed retrieve, 1 secret";

const fn further(secrets: u32) -> Target {
    Target::Further {
        than: RETRIEVE_ONE,
        secrets,
        limit: FURTHER_LIMIT,
    }
}

/// Microseconds of CPU beside RSA for one secret.
const ONE_LIMIT: f64 = 100.0;

/// Microseconds of CPU beside RSA for each further one that is retrieved.
const FURTHER_LIMIT: f64 = 15.0;

/// Connections that retrieve, as many as those at which the other targets hold.
const RETRIEVING: &[usize] = &[64];

/// RSA opens some hundred values a second; a shorter round would show what the server does unasked.
const STORE_ROUND: Duration = Duration::from_secs(1);

const RETRIEVE_ROUND: Duration = Duration::from_millis(400);

/// Different values.
const VALUES: u64 = 64;

/// Bytes of a value.
const VALUE_LENGTH: usize = 64;
