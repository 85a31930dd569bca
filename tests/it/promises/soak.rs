//! A server under load for long keeps nothing of the requests that have passed (NT-59).
//!
//! `KLUIS_SOAK_SECONDS` says how long; the first quarter is warm-up: caches fill, pools grow, the allocator finds its size.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use super::process::{GROWTH, memory, open_files};
use crate::cloudkeep::vaults::vault;
use crate::harness::{Api, Backend, Kluis, Random, on_both};

const CLIENTS: usize = 8;
/// Secrets that a client has at once.
const KEPT: usize = 8;
/// Connections to clients and to the database that may be open at one moment and not at another.
const CONNECTIONS: usize = 24;

on_both! {
    /// NT-59. Reads, changes, log-ins and refusals of every kind, and then memory and files as after the warm-up.
    async fn a_soak_leaves_nothing_behind(backend: Backend) {
        let seconds = std::env::var("KLUIS_SOAK_SECONDS")
            .map_or(12, |seconds| seconds.parse().expect("KLUIS_SOAK_SECONDS is a number"));
        let mut kluis = backend.start_with(&[]).await;
        let viewer = kluis.user("viewer").await;
        let path = format!("/api/v1/vaults/{}/secrets", vault(&kluis.owner(), "soak").await);
        let done = Arc::new(AtomicBool::new(false));
        let passed = Arc::new(AtomicU64::new(0));
        let mut random = Random::new();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = Client {
                    owner: kluis.owner(),
                    viewer: viewer.api(),
                    email: viewer.email.clone(),
                    nobody: kluis.anonymous(),
                    path: path.clone(),
                    name: format!("c{number}"),
                    random: random.fork(),
                };
                tokio::spawn(client.run(Arc::clone(&done), Arc::clone(&passed)))
            })
            .collect();
        let length = Duration::from_secs(seconds);
        tokio::time::sleep(length / 4).await;
        let warm = Sample::of(&kluis, &passed);
        tokio::time::sleep(length * 3 / 4).await;
        let end = Sample::of(&kluis, &passed);
        done.store(true, Ordering::Relaxed);
        for client in clients {
            client.await.unwrap();
        }
        eprintln!("{backend:?}, after the warm-up: {warm:?}; at the end: {end:?}");
        assert!(end.requests > warm.requests + seconds, "the server stood still");
        assert!(end.memory < warm.memory + GROWTH, "memory grew");
        assert!(end.files < warm.files + CONNECTIONS, "files stay open");

        // What the load made is whole, the clients took away what they kept, and the server ends as asked.
        let list = kluis.owner().get(&path).await.expect(200).json();
        assert_eq!(list, json!({"data": []}));
        let verdict = kluis.owner().get("/v1/audit/verify?limit=10000").await.expect(200);
        assert_eq!(verdict.at("/chain_valid"), true, "{}", verdict.string());
        assert_eq!(kluis.stop(), Some(0), "{}", kluis.log());
    }
}

/// What the server has in use.
#[derive(Debug)]
struct Sample {
    /// Answered so far.
    requests: u64,
    /// In KiB.
    memory: u64,
    files: usize,
}

impl Sample {
    fn of(kluis: &Kluis, passed: &AtomicU64) -> Self {
        Self {
            requests: passed.load(Ordering::Relaxed),
            memory: memory(kluis),
            files: open_files(kluis),
        }
    }
}

/// One client that makes, reads, changes and deletes secrets of its own, and asks for what it is refused.
struct Client {
    owner: Api,
    viewer: Api,
    /// The viewer's.
    email: String,
    nobody: Api,
    path: String,
    name: String,
    random: Random,
}

impl Client {
    async fn run(mut self, done: Arc<AtomicBool>, passed: Arc<AtomicU64>) {
        let mut kept = Vec::new();
        let mut turn = 0_u64;
        while !done.load(Ordering::Relaxed) {
            turn += 1;
            let body = json!({"key": format!("{}-{turn}", self.name), "value": self.random.word(200), "notes": "n"});
            let id = self
                .owner
                .post(&self.path, body)
                .await
                .expect(201)
                .text("/data/id");
            let one = format!("{}/{id}", self.path);
            for _ in 0..4 {
                self.owner.get(&one).await.expect(200);
            }
            let body = json!({"value": self.random.word(50)});
            self.owner.patch(&one, body).await.expect(200);
            self.owner.get(&self.path).await.expect(200);
            kept.push(one);
            if kept.len() > KEPT {
                self.owner.delete(&kept.remove(0)).await.expect(204);
            }
            passed.fetch_add(self.refusals(turn).await + 7, Ordering::Relaxed);
        }
        for one in kept {
            self.owner.delete(&one).await.expect(204);
        }
    }

    /// Requests that are refused, each at another check; gives how many.
    async fn refusals(&self, turn: u64) -> u64 {
        let unknown = format!("Bearer ck_live_{}{turn}", self.name);
        let unknown = self.nobody.with("authorization", &unknown);
        unknown.get(&self.path).await.expect(401);
        self.nobody
            .get(&format!("/v1/nothing/{turn}"))
            .await
            .expect(401);
        self.owner
            .get(&format!("{}/sec_{turn}", self.path))
            .await
            .expect(404);
        self.owner
            .post(&self.path, json!({"value": [turn]}))
            .await
            .expect(400);
        self.viewer
            .post(&self.path, json!({"key": "K", "value": "v"}))
            .await
            .expect(403);
        if turn.is_multiple_of(50) {
            // Guesses are hashed on a pool of their own; more of them would be refused as guesses.
            let guess = json!({"email": self.email, "password": "Wrong-Password-1"});
            self.nobody.post("/v1/auth/login", guess).await;
        }
        5
    }
}
