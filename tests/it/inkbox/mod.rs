//! The Inkbox API: a vault whose server sees ciphertext only.
//!
//! Nothing here encrypts: to the server a wrapped key is any 60 bytes, a payload any text and an auth hash any 64 digits.

mod access;
mod api_keys;
mod clients;
mod deleting;
mod ending;
mod exchange;
mod guessing;
mod handing_out;
mod identities;
mod initialize;
mod keeping;
mod keys;
mod listing;
mod order;
mod patching;
mod racing;
mod record;
mod refusals;
mod replacing;
mod secrets;
mod spelling;
mod unlock;
mod whoami;

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, Kluis};

/// Where all clients look for the vault (Inkbox contract §2).
pub const VAULT: &str = "/api/v1/vault";
pub const IDENTITIES: &str = "/api/v1/identities";
pub const API_KEYS: &str = "/api/v1/api-keys";

/// The five types of secrets (Inkbox contract §3.1).
pub const TYPES: [&str; 5] = ["login", "api_key", "key_pair", "ssh_key", "other"];

/// The members of a secret without its payload (Inkbox contract §3.1).
pub const SECRET: [&str; 8] = [
    "access",
    "created_at",
    "description",
    "id",
    "name",
    "secret_type",
    "status",
    "updated_at",
];

/// An agent identity, and a caller with a key that is scoped to it.
pub struct Agent {
    pub id: String,
    pub handle: String,
    pub api: Api,
}

/// What a vault was initialized with.
#[derive(Clone)]
pub struct Vault {
    pub primary: Value,
    pub recovery: Vec<Value>,
}

/// The owner, with its key in this API's header.
pub fn owner(kluis: &Kluis) -> Api {
    with_key(kluis, &kluis.dev("/tokens/inkbox"))
}

/// Whoever holds this key.
pub fn with_key(kluis: &Kluis, key: &str) -> Api {
    kluis.anonymous().with("x-api-key", key)
}

/// A number that no other call gives.
fn number() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A UUID as a client would choose it, and no other call gives.
pub fn uuid() -> String {
    format!(
        "{:08x}-5eed-4000-8000-{:012x}",
        std::process::id(),
        number()
    )
}

/// Digits of the form of an auth hash, which no other call gives.
pub fn hash() -> String {
    // Spread over all digits, as those of a real hash are.
    let mut mixed = number().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(std::process::id());
    (0..4)
        .map(|_| {
            mixed = mixed.rotate_left(23).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ 0x5eed;
            format!("{mixed:016x}")
        })
        .collect()
}

/// 60 bytes in base64, which no other call gives.
pub fn wrapped() -> String {
    STANDARD.encode(&hash().as_bytes()[..60])
}

/// Key material (Inkbox contract §4.2).
pub fn material(key_type: &str) -> Value {
    json!({"id": uuid(), "wrapped_org_encryption_key": wrapped(), "auth_hash": hash(), "key_type": key_type})
}

/// The body that initializes a vault with this many recovery keys.
pub fn initialization(recovery_keys: usize) -> Value {
    let recovery: Vec<_> = (0..recovery_keys).map(|_| material("recovery")).collect();
    json!({"vault_key": material("primary"), "recovery_keys": recovery})
}

/// A vault with four recovery keys, as clients make it.
pub async fn initialize(api: &Api) -> Vault {
    let body = initialization(4);
    let path = format!("{VAULT}/initialize");
    api.post(&path, body.clone()).await.expect(201);
    Vault {
        primary: body["vault_key"].clone(),
        recovery: body["recovery_keys"].as_array().unwrap().clone(),
    }
}

/// The member of that name, which is a text.
pub fn text(of: &Value, member: &str) -> String {
    of[member].as_str().unwrap().to_owned()
}

impl Vault {
    pub fn hash(&self) -> String {
        text(&self.primary, "auth_hash")
    }

    pub fn recovery_hash(&self, place: usize) -> String {
        text(&self.recovery[place], "auth_hash")
    }
}

/// The body of a key replacement without its proof (Inkbox contract §4.12).
pub fn replacement() -> Value {
    json!({"id": uuid(), "wrapped_org_encryption_key": wrapped(), "auth_hash": hash()})
}

/// The same with a proof.
pub fn replacement_by(proof: &str, hash: &str) -> Value {
    let mut body = replacement();
    body[proof] = hash.into();
    body
}

/// Puts a new primary key in the place of the old one.
pub async fn replace(api: &Api, body: Value) -> Answer {
    api.put(&format!("{VAULT}/keys/primary"), body).await
}

/// Asks for everything that a hash opens.
pub async fn unlock(api: &Api, hash: &str) -> Answer {
    api.get(&format!("{VAULT}/unlock?auth_hash={hash}")).await
}

/// The hashes of all active keys, as they are handed out to admins: to ask for them is no guess.
pub async fn active(api: &Api) -> Vec<String> {
    let answer = api.get(&format!("{VAULT}/unlock")).await.expect(200);
    let keys = answer.at("/wrapped_org_encryption_keys");
    let keys = keys.as_array().unwrap().iter();
    keys.map(|key| text(key, "auth_hash")).collect()
}

/// Whether a hash opens the vault. One that does not is a guess, of which there may be few.
pub async fn opens(api: &Api, hash: &str) -> bool {
    let answer = unlock(api, hash).await.expect(200);
    !answer.at("/wrapped_org_encryption_key").is_null()
}

/// The names of the secrets that a hash opens, sorted.
pub async fn opened(api: &Api, hash: &str) -> Vec<String> {
    names(&unlock(api, hash).await.expect(200).at("/encrypted_secrets"))
}

/// The names of the secrets in a list, sorted.
pub fn names(secrets: &Value) -> Vec<String> {
    let secrets = secrets.as_array().unwrap().iter();
    let mut names: Vec<_> = secrets.map(|secret| text(secret, "name")).collect();
    names.sort();
    names
}

/// The body that stores an API key under a name.
pub fn item(name: &str) -> Value {
    json!({"id": uuid(), "name": name, "secret_type": "api_key", "encrypted_payload": wrapped()})
}

/// Stores a secret, and gives its id.
pub async fn secret(api: &Api, name: &str) -> String {
    store(api, item(name)).await.expect(201).text("/id")
}

pub async fn store(api: &Api, body: Value) -> Answer {
    api.post(&format!("{VAULT}/secrets"), body).await
}

/// The path of a secret.
pub fn at(secret: &str) -> String {
    format!("{VAULT}/secrets/{secret}")
}

/// Makes an agent identity, with a key that is scoped to it.
pub async fn agent(kluis: &Kluis, by: &Api, handle: &str) -> Agent {
    let body = json!({"agent_handle": handle});
    let made = by.post(&format!("{IDENTITIES}/"), body).await.expect(201);
    let id = made.text("/id");
    Agent {
        api: with_key(kluis, &key_for(by, &id).await),
        handle: made.text("/agent_handle"),
        id,
    }
}

/// Mints a key that is scoped to an identity.
pub async fn key_for(by: &Api, identity: &str) -> String {
    let body = json!({"label": "for a test", "scoped_identity_id": identity});
    by.post(API_KEYS, body).await.expect(201).text("/api_key")
}

/// Lets an identity have a secret.
pub async fn grant(by: &Api, secret: &str, identity: &str) -> Answer {
    let body = json!({"identity_id": identity});
    by.post(&format!("{}/access", at(secret)), body).await
}

/// A refusal whose `detail` is a sentence and which has no other member (Inkbox contract §2.2).
#[track_caller]
pub fn refused(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.members(""), ["detail"], "{answer}");
    let detail = answer.text("/detail");
    assert!(!detail.is_empty(), "{answer}");
    detail
}

/// A refusal of what is wrong with the request by itself: one entry for each field, whose places are given.
#[track_caller]
pub fn invalid(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 422, "{answer}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.members(""), ["detail"], "{answer}");
    let entries = answer.at("/detail");
    let entries = entries.as_array().unwrap_or_else(|| panic!("{answer}"));
    assert!(!entries.is_empty(), "{answer}");
    let place = |entry: &Value| {
        for member in ["type", "msg"] {
            assert!(
                entry[member].as_str().is_some_and(|text| !text.is_empty()),
                "{answer}"
            );
        }
        let parts = entry["loc"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"));
        let parts: Vec<_> = parts
            .iter()
            .map(|part| {
                part.as_str()
                    .map_or_else(|| part.to_string(), str::to_owned)
            })
            .collect();
        assert!(["body", "query", "path"].contains(&&*parts[0]), "{answer}");
        parts.join(".")
    };
    entries.iter().map(place).collect()
}

/// The same for one field.
#[track_caller]
pub fn invalid_at(answer: &Answer, place: &str) {
    assert_eq!(invalid(answer), [place], "{answer}");
}

/// An answer without a body (Inkbox contract §1).
#[track_caller]
pub fn nothing(answer: &Answer) {
    assert_eq!(answer.status, 204, "{answer}");
    assert!(answer.body.is_empty(), "{answer}");
    assert_eq!(answer.header("content-type"), None, "{answer}");
}

/// A time as this API writes it: ISO 8601, in UTC (Inkbox contract §2).
#[track_caller]
pub fn is_time(value: &Value) {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no time"));
    let (date, time) = text.split_once('T').unwrap_or_else(|| panic!("{text}"));
    assert!(date.len() == 10 && date.starts_with("20"), "{text}");
    let time = time.strip_suffix('Z').unwrap_or_else(|| panic!("{text}"));
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, "0"));
    assert!(
        seconds.len() == 8 && seconds.matches(':').count() == 2,
        "{text}"
    );
    assert!(
        !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit()),
        "{text}"
    );
}

/// A UUID in its lower-case, hyphenated spelling (Inkbox contract §2).
#[track_caller]
pub fn is_uuid(value: &Value) {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no UUID"));
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{text}");
    let is_lower = |byte: u8| byte == b'-' || matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    assert!(text.bytes().all(is_lower), "{text}");
}

/// All of these at once, and how many answers had each of the statuses.
pub async fn at_once(calls: Vec<impl Future<Output = Answer> + Send + 'static>) -> Vec<u16> {
    let running: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut statuses = Vec::new();
    for call in running {
        statuses.push(call.await.unwrap().status);
    }
    statuses.sort_unstable();
    statuses
}

/// How many there are of one status.
pub fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|&&found| found == status).count()
}
