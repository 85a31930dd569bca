//! A server that is killed at any moment loses nothing that it has acknowledged (DESIGN §8, promise 3).
//!
//! Writers and readers work until the server is killed under them; what they were told is compared with what the next
//! start still knows. `KLUIS_CRASH_ROUNDS` says how often; the directory stays the same, so damage would add up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::record;
use crate::cloudkeep::vaults::{uuid_of, vault};
use crate::harness::{Answer, Api, Backend, Kluis, Random, on_both};

const WRITERS: usize = 6;
const READERS: usize = 3;
const KEYS_PER_WRITER: usize = 4;
/// A round lasts at most this long after the first answer.
const LONGEST_ROUND: u64 = 150;

on_both! {
    /// Issue 3, "Done when": acknowledged writes, events of values handed out, chain, database.
    async fn a_crash_loses_no_acknowledged_write_and_no_event_of_a_read(backend: Backend) {
        let rounds = std::env::var("KLUIS_CRASH_ROUNDS")
            .map_or(3, |rounds| rounds.parse().expect("KLUIS_CRASH_ROUNDS is a number"));
        let mut random = Random::new();
        let mut kluis = backend.start_with(&[]).await;
        let vault = vault(&kluis.owner(), "crash").await;
        let mut kept = Kept::default();
        for round in 1..=rounds {
            eprintln!("round {round} of {rounds}");
            // What earlier rounds left was checked by them; reading it again would take ever longer.
            let from = record::newest(&kluis.owner()).await;
            let told = work(&mut kluis, &vault, &mut random, kept).await;
            kluis.begin().await;
            kept = check(&kluis.owner(), &vault, told, &from).await;
            if backend == Backend::Sqlite {
                kluis.kill();
                assert_sound(&kluis);
                kluis.begin().await;
            }
        }
    }

    /// Issue 3, part 2: a rotation that a crash cuts off goes on at the next start, and everything opens throughout.
    async fn a_crash_in_a_rotation_of_keys_leaves_everything_readable(backend: Backend) {
        let mut random = Random::new();
        let mut kluis = backend.start_with(&[]).await;
        let owner = kluis.owner();
        let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "rotated").await);
        for number in 0..300 {
            let body = json!({"key": format!("k{number:03}"), "value": format!("v{number}"), "notes": "n"});
            owner.post(&path, body).await.expect(201);
        }
        for _ in 0..3 {
            for keys in ["organizations", "root"] {
                let rotated = kluis.operate(json!({"command": "rotate-keys", "keys": keys})).await;
                assert_eq!(rotated["ok"], true, "{rotated}");
            }
            tokio::time::sleep(Duration::from_micros(random.number() % 50_000)).await;
            kluis.kill();
            kluis.begin().await;
            let list = kluis.owner().get(&path).await.expect(200).json();
            let list = list["data"].as_array().unwrap();
            assert_eq!(list.len(), 300);
            for (number, secret) in list.iter().enumerate() {
                assert_eq!(secret["value"], format!("v{number}"));
            }
        }
    }
}

/// What is stored at each key; a key that is not in it is free.
type Kept = BTreeMap<String, Stored>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    id: String,
    value: String,
    version: u64,
}

/// What clients know when the server is killed.
struct Told {
    kept: Kept,
    /// Changes that were sent and not answered: they happened, or they did not.
    unanswered: BTreeMap<String, Change>,
    /// Request ids of acknowledged changes and of values handed out.
    acknowledged: BTreeSet<String>,
    read: BTreeSet<String>,
}

#[derive(Clone, Debug)]
enum Change {
    Create(String),
    Update(String),
    Delete,
}

/// Let writers and readers work, and kill the server under them.
async fn work(kluis: &mut Kluis, vault: &str, random: &mut Random, kept: Kept) -> Told {
    let path = format!("/api/v1/vaults/{vault}/secrets");
    let known: Arc<Mutex<Vec<String>>> = Arc::new(Mutex::new(
        kept.values().map(|stored| stored.id.clone()).collect(),
    ));
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let mine = |key: &String| key.starts_with(&format!("w{writer}-"));
        let kept = kept.iter().filter(|(key, _)| mine(key));
        let state = Writer {
            api: kluis.owner(),
            path: path.clone(),
            name: format!("w{writer}"),
            kept: kept
                .map(|(key, stored)| (key.clone(), stored.clone()))
                .collect(),
            acknowledged: BTreeSet::new(),
            known: Arc::clone(&known),
            random: random.fork(),
        };
        writers.push(tokio::spawn(state.run()));
    }
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (api, path) = (kluis.owner(), path.clone());
            tokio::spawn(read(api, path, Arc::clone(&known), random.fork()))
        })
        .collect();
    let moment = random.number() % (LONGEST_ROUND * 1000);
    tokio::time::sleep(Duration::from_micros(moment)).await;
    kluis.kill();
    let mut told = Told {
        kept: Kept::new(),
        unanswered: BTreeMap::new(),
        acknowledged: BTreeSet::new(),
        read: BTreeSet::new(),
    };
    for writer in writers {
        let (writer, (key, change)) = writer.await.unwrap();
        told.kept.extend(writer.kept);
        told.acknowledged.extend(writer.acknowledged);
        told.unanswered.insert(key, change);
    }
    for reader in readers {
        told.read.extend(reader.await.unwrap());
    }
    told
}

/// One client that changes keys of its own.
struct Writer {
    api: Api,
    path: String,
    name: String,
    kept: Kept,
    acknowledged: BTreeSet<String>,
    known: Arc<Mutex<Vec<String>>>,
    random: Random,
}

impl Writer {
    /// Change keys until nobody answers; gives the change that was not answered.
    async fn run(mut self) -> (Self, (String, Change)) {
        loop {
            let key = format!("{}-{}", self.name, self.random.below(KEYS_PER_WRITER));
            let value = self.random.word(20);
            let change = match self.kept.get(&key) {
                None => Change::Create(value),
                Some(_) if self.random.below(5) == 0 => Change::Delete,
                Some(_) => Change::Update(value),
            };
            let Some(answer) = self.send(&key, &change).await else {
                return (self, (key, change));
            };
            self.acknowledged.insert(request_id(&answer));
            let id = self.kept.get(&key).map(|stored| stored.id.clone());
            match (applied(self.kept.get(&key), &change), id) {
                (None, _) => self.kept.remove(&key),
                (Some(mut stored), id) => {
                    stored.id = id.unwrap_or_else(|| answer.text("/data/id"));
                    self.known.lock().unwrap().push(stored.id.clone());
                    self.kept.insert(key, stored)
                }
            };
        }
    }

    async fn send(&self, key: &str, change: &Change) -> Option<Answer> {
        let one = || format!("{}/{}", self.path, self.kept[key].id);
        let (answer, expected) = match change {
            Change::Create(value) => {
                let body = json!({"key": key, "value": value});
                (self.api.attempt("POST", &self.path, Some(body)).await, 201)
            }
            Change::Update(value) => {
                let body = json!({"value": value});
                (self.api.attempt("PATCH", &one(), Some(body)).await, 200)
            }
            Change::Delete => (self.api.attempt("DELETE", &one(), None).await, 204),
        };
        answer.map(|answer| answer.expect(expected))
    }
}

/// What a change makes of what is stored; the id of a new secret is not known before.
fn applied(stored: Option<&Stored>, change: &Change) -> Option<Stored> {
    match (stored, change) {
        (_, Change::Delete) => None,
        (stored, Change::Create(value) | Change::Update(value)) => Some(Stored {
            id: stored.map(|stored| stored.id.clone()).unwrap_or_default(),
            value: value.clone(),
            version: stored.map_or(1, |stored| stored.version + 1),
        }),
    }
}

/// Read until nobody answers; gives the ids of the requests that got a value.
async fn read(
    api: Api,
    path: String,
    known: Arc<Mutex<Vec<String>>>,
    mut random: Random,
) -> BTreeSet<String> {
    let mut read = BTreeSet::new();
    loop {
        let id = {
            let known = known.lock().unwrap();
            (!known.is_empty()).then(|| random.choose(&known).clone())
        };
        let Some(id) = id else {
            tokio::task::yield_now().await;
            if api.try_get("/healthz").await.is_none() {
                return read;
            }
            continue;
        };
        let Some(answer) = api.attempt("GET", &format!("{path}/{id}"), None).await else {
            return read;
        };
        match answer.status {
            200 => {
                read.insert(request_id(&answer));
            }
            // Deleted meanwhile.
            404 => {}
            status => panic!("{status}: {}", answer.string()),
        }
    }
}

/// Compare what clients were told with what is there; gives what is there.
async fn check(owner: &Api, vault: &str, told: Told, from: &str) -> Kept {
    let there = stored(owner, vault).await;
    let keys: BTreeSet<&String> = there
        .keys()
        .chain(told.kept.keys())
        .chain(told.unanswered.keys())
        .collect();
    for key in keys {
        let acknowledged = told.kept.get(key);
        let found = there.get(key);
        let mut possible = vec![acknowledged.cloned()];
        if let Some(change) = told.unanswered.get(key) {
            possible.push(applied(acknowledged, change));
        }
        let fits = possible.iter().any(|possible| match (possible, found) {
            (None, None) => true,
            (Some(possible), Some(found)) => {
                possible.value == found.value
                    && possible.version == found.version
                    && (possible.id.is_empty() || possible.id == found.id)
            }
            _ => false,
        });
        assert!(fits, "{key} is {found:?}, and could be {possible:?}");
    }
    let events = record::since(owner, from).await;
    let recorded = |action: &str| -> BTreeSet<String> {
        let of_action = events.iter().filter(|event| event["action"] == action);
        of_action
            .filter_map(|event| event["details"]["request_id"].as_str())
            .map(str::to_owned)
            .collect()
    };
    let reads = recorded("secret.read");
    let lost: Vec<_> = told.read.difference(&reads).collect();
    assert!(lost.is_empty(), "values left without an event: {lost:?}");
    let changes: BTreeSet<_> = recorded("secret.write")
        .union(&recorded("secret.delete"))
        .cloned()
        .collect();
    let lost: Vec<_> = told.acknowledged.difference(&changes).collect();
    assert!(lost.is_empty(), "changes without an event: {lost:?}");
    let path = format!("/v1/audit/verify?from={from}&limit=10000");
    let verdict = owner.get(&path).await.expect(200);
    assert_eq!(verdict.at("/chain_valid"), true, "{}", verdict.string());
    there
}

/// Everything in the vault, with version numbers.
async fn stored(owner: &Api, vault: &str) -> Kept {
    let list = owner
        .get(&format!("/api/v1/vaults/{vault}/secrets"))
        .await
        .expect(200)
        .json();
    let mut there = Kept::new();
    for secret in list["data"].as_array().unwrap() {
        let text = |name: &str| secret[name].as_str().unwrap().to_owned();
        let key = text("key");
        let path = format!("/v1/vaults/{}/secret-versions/{key}", uuid_of(vault));
        let versions = owner.get(&path).await.expect(200).json();
        let numbers: Vec<u64> = versions["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| version["version"].as_u64().unwrap())
            .collect();
        let newest = numbers[0];
        let all: Vec<u64> = (1..=newest).rev().collect();
        assert_eq!(numbers, all, "{key}");
        there.insert(
            key,
            Stored {
                id: text("id"),
                value: text("value"),
                version: newest,
            },
        );
    }
    there
}

/// The id by which the record names a request.
fn request_id(answer: &Answer) -> String {
    answer.header("x-request-id").unwrap().to_owned()
}

/// The database file is whole by SQLite's own check.
fn assert_sound(kluis: &Kluis) {
    let database = rusqlite::Connection::open(kluis.data_dir().join("kluis.db")).unwrap();
    let verdict: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}
