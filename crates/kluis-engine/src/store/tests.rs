//! The two databases take the same statements, and events outlive the process that recorded them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::audit::Outcome;
use crate::clock::Timestamp;
use crate::ids::{EventId, OrganizationId};
use crate::testing::postgres_database;

/// Every statement of `store/sql`.
const ALL: &[(&str, &[&str])] = &[
    ("agents", sql::agents::ALL),
    ("api_keys", sql::api_keys::ALL),
    ("authentication", sql::authentication::ALL),
    ("clusters", sql::clusters::ALL),
    ("device_logins", sql::device_logins::ALL),
    ("enrollments", sql::enrollments::ALL),
    ("env_vars", sql::env_vars::ALL),
    ("events", sql::events::ALL),
    ("honeytokens", sql::honeytokens::ALL),
    ("integrations", sql::integrations::ALL),
    ("insights", sql::insights::ALL),
    ("ip_rules", sql::ip_rules::ALL),
    ("jobs", sql::jobs::ALL),
    ("journal", sql::journal::ALL),
    ("keys", sql::keys::ALL),
    ("leases", sql::leases::ALL),
    ("limits", sql::limits::ALL),
    ("organizations", sql::organizations::ALL),
    ("password_changes", sql::password_changes::ALL),
    ("policies", sql::policies::ALL),
    ("secrets", sql::secrets::ALL),
    ("sessions", sql::sessions::ALL),
    ("shares", sql::shares::ALL),
    ("transport_keys", sql::transport_keys::ALL),
    ("users", sql::users::ALL),
    ("vaults", sql::vaults::ALL),
    ("webhooks", sql::webhooks::ALL),
    ("zk", sql::zk::ALL),
];

#[test]
fn every_concept_is_listed() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sql")).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| {
            let path = file.unwrap().path();
            path.file_stem().unwrap().to_string_lossy().into_owned()
        })
        .filter(|name| name != "mod")
        .collect();
    let listed = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, listed);
}

#[test]
fn sqlite_takes_every_statement() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("kluis.db");
    let mut connection = sqlite::connect(&path, sqlite::Use::Write).unwrap();
    migrate::sqlite(&mut connection).unwrap();
    migrate::sqlite(&mut connection).unwrap();
    for (name, statements) in ALL {
        for statement in *statements {
            let prepared = connection.prepare(statement);
            assert!(prepared.is_ok(), "{name}: {statement}: {prepared:?}");
        }
    }
}

/// A statement that is planned anew whenever a parameter changes costs several times what it does.
#[test]
fn sqlite_plans_no_statement_twice() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("kluis.db");
    let mut connection = sqlite::connect(&path, sqlite::Use::Write).unwrap();
    migrate::sqlite(&mut connection).unwrap();
    for (name, statements) in ALL {
        for statement in *statements {
            let mut prepared = connection.prepare(statement).unwrap();
            for round in 0..3 {
                for index in 1..=prepared.parameter_count() {
                    prepared.raw_bind_parameter(index, round).unwrap();
                }
                // A change that no table takes was planned all the same.
                let _ = prepared.raw_query().next().map(drop);
            }
            let again = prepared.get_status(rusqlite::StatementStatus::RePrepare);
            assert_eq!(again, 0, "{name}: {statement}");
        }
    }
}

#[tokio::test]
async fn postgres_takes_every_statement() {
    let Some(url) = postgres_database().await else {
        return;
    };
    let (clock, signer) = (Clock::system(), ChainSigner::default());
    let postgres = postgres::Postgres::open(&url, &clock, signer.clone())
        .await
        .unwrap();
    // A second node finds the schema up to date.
    postgres::Postgres::open(&url, &clock, signer)
        .await
        .unwrap();
    let client = postgres.client().await.unwrap();
    for (name, statements) in ALL {
        for statement in *statements {
            let prepared = client.prepare(&postgres::dialect(statement)).await;
            let cause = prepared
                .as_ref()
                .err()
                .and_then(|error| error.as_db_error());
            assert!(prepared.is_ok(), "{name}: {statement}: {cause:?}");
        }
    }
}

/// A store as the server opens it, without keys.
async fn open(directory: &Path, clock: &Clock) -> Store {
    let signer = ChainSigner::default();
    Store::open(&Storage::Sqlite, directory, clock, signer)
        .await
        .unwrap()
}

fn event(clock: &Clock) -> Event {
    let at = clock.now();
    Event {
        id: EventId::generate(at).unwrap(),
        organization: OrganizationId::from_bytes([7; 16]),
        at,
        actor_type: "user".to_owned(),
        actor: Some([1; 16]),
        credential: None,
        action: "secret.read".to_owned(),
        resource_type: "secret".to_owned(),
        resource: Some([2; 16]),
        outcome: Outcome::Success,
        details: "{}".to_owned(),
        address: String::new(),
        count: 1,
    }
}

async fn stored(store: &Store) -> Vec<EventId> {
    let mut reader = store.reader().await.unwrap();
    let rows = reader
        .conn()
        .unwrap()
        .query("SELECT id FROM event ORDER BY seq", &[])
        .await
        .unwrap();
    rows.into_iter()
        .map(|mut row| EventId::from_bytes(row.array().unwrap()))
        .collect()
}

/// Nobody says goodbye: the store is only dropped, and opened again at once.
#[tokio::test(flavor = "multi_thread")]
async fn events_outlive_a_process_that_does_not_close() {
    let directory = TempDir::new().unwrap();
    let clock = Clock::system();
    let mut recorded = Vec::new();
    for _ in 0..20 {
        let store = open(directory.path(), &clock).await;
        for _ in 0..7 {
            let event = event(&clock);
            recorded.push(event.id);
            store.record(event).await.unwrap();
        }
    }
    let store = open(directory.path(), &clock).await;
    assert_eq!(stored(&store).await, recorded);
}

/// Writers, readers and the mover at once, and a new process in between (promise 3).
#[tokio::test(flavor = "multi_thread")]
async fn nothing_recorded_is_lost_or_doubled_under_load() {
    let directory = TempDir::new().unwrap();
    let clock = Clock::system();
    let mut recorded = BTreeSet::new();
    for _ in 0..4 {
        let store = std::sync::Arc::new(open(directory.path(), &clock).await);
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..4 {
            let (store, clock) = (std::sync::Arc::clone(&store), clock.clone());
            tasks.spawn(async move {
                let mut mine = Vec::new();
                for turn in 0..300 {
                    let event = event(&clock);
                    mine.push(event.id);
                    if turn % 10 == task {
                        store
                            .write(move |tx| {
                                tx.record(event);
                                Box::pin(async { Ok(()) })
                            })
                            .await
                            .unwrap();
                    } else {
                        store.record(event).await.unwrap();
                    }
                    if turn == 150 {
                        store.settle().await.unwrap();
                    }
                }
                mine
            });
        }
        for mine in tasks.join_all().await {
            recorded.extend(mine);
        }
    }
    let store = open(directory.path(), &clock).await;
    let stored = stored(&store).await;
    assert_eq!(stored.len(), recorded.len(), "each once");
    assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), recorded);
}

/// A refusal is kept although what the change did is undone, and although the caller has gone away.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_leaves_its_event_and_nothing_else() {
    let directory = TempDir::new().unwrap();
    let clock = Clock::system();
    let store = open(directory.path(), &clock).await;
    let (done, refusal) = (event(&clock), event(&clock));
    let expected = refusal.id;
    let refused = store
        .write::<(), _>(move |tx| {
            Box::pin(async move {
                tx.conn()
                    .execute(sql::journal::KEEP_POSITION, params![77_i64, 7_i64])
                    .await?;
                tx.record(done);
                tx.record_refusal(refusal);
                Err(Error::Forbidden)
            })
        })
        .await;
    assert!(matches!(refused, Err(Error::Forbidden)), "{refused:?}");
    assert_eq!(stored(&store).await, [expected]);
    let mut reader = store.reader().await.unwrap();
    let position = reader
        .conn()
        .unwrap()
        .query_one(
            "SELECT segment FROM journal_position WHERE segment = 77",
            &[],
        )
        .await
        .unwrap();
    assert!(position.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_panics_takes_no_other_with_it() {
    let directory = TempDir::new().unwrap();
    let clock = Clock::system();
    let store = open(directory.path(), &clock).await;
    let panicked = store
        .write::<(), _>(|_| Box::pin(async { panic!("on purpose") }))
        .await;
    assert!(matches!(panicked, Err(Error::Internal(_))), "{panicked:?}");
    let event = event(&clock);
    let id = event.id;
    store
        .write(move |tx| {
            tx.record(event);
            Box::pin(async { Ok(()) })
        })
        .await
        .unwrap();
    assert_eq!(stored(&store).await, [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_cannot_write() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path(), &Clock::system()).await;
    let mut reader = store.reader().await.unwrap();
    let kept = params![1_i64, 1_i64];
    let written = reader
        .conn()
        .unwrap()
        .execute(sql::journal::KEEP_POSITION, kept)
        .await;
    assert!(written.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_store_on_the_directory_is_refused() {
    let directory = TempDir::new().unwrap();
    let clock = Clock::system();
    let store = open(directory.path(), &clock).await;
    let signer = ChainSigner::default();
    let second = Store::open(&Storage::Sqlite, directory.path(), &clock, signer).await;
    let refused = second.err().unwrap();
    assert!(refused.cause().unwrap().contains("in use by another"));
    drop(store);
    open(directory.path(), &clock).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_told_and_nothing_is_changed() {
    let clock = Clock::system();
    for damage in ["not a database", "damaged pages"] {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("kluis.db");
        if damage == "damaged pages" {
            let store = open(directory.path(), &clock).await;
            store.close().await.unwrap();
            drop(store);
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.iter_mut().skip(4_096).for_each(|byte| *byte ^= 0x5a);
            std::fs::write(&path, bytes).unwrap();
        } else {
            std::fs::write(&path, "x".repeat(8_192)).unwrap();
        }
        let before = std::fs::read(&path).unwrap();
        let signer = ChainSigner::default();
        let opened = Store::open(&Storage::Sqlite, directory.path(), &clock, signer).await;
        let error = opened.err().unwrap();
        let cause = error.cause().unwrap();
        assert!(
            cause.contains("kluis.db") && cause.contains("Restore it from a backup"),
            "{damage}: {cause}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), before, "{damage}");
    }
}

/// A server that nobody uses still signs what was left unsigned, once it can.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_chain_is_signed_after_a_restart() {
    let directory = TempDir::new().unwrap();
    let clock = Clock::system();
    let store = open(directory.path(), &clock).await;
    store.record(event(&clock)).await.unwrap();
    store.close().await.unwrap();
    drop(store);

    clock.advance(Duration::from_secs(61));
    let signer = ChainSigner::default();
    let opened = Store::open(&Storage::Sqlite, directory.path(), &clock, signer.clone());
    let store = opened.await.unwrap();
    store.settle().await.unwrap();
    assert_eq!(checkpoints(&store).await, [] as [i64; 0], "sealed");

    let seed = kluis_crypto::signing::SigningKey::generate_seed().unwrap();
    let key = kluis_crypto::signing::SigningKey::from_seed(&seed).unwrap();
    signer.set(Some((1, key)));
    store.settle().await.unwrap();
    assert_eq!(checkpoints(&store).await, [1]);
}

async fn checkpoints(store: &Store) -> Vec<i64> {
    let mut reader = store.reader().await.unwrap();
    let rows = reader
        .conn()
        .unwrap()
        .query("SELECT seq FROM checkpoint ORDER BY seq", &[])
        .await
        .unwrap();
    rows.into_iter().map(|mut row| row.int().unwrap()).collect()
}

/// NT-67: a failed commit is told to everyone in it; the store goes on when it can, without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_refuses_and_recovers() {
    let directory = TempDir::new().unwrap();
    let clock = Clock::system();
    let at = Timestamp::from_millis(clock.now().millis());
    let store = open(directory.path(), &clock).await;
    store.record(event(&clock)).await.unwrap();
    let db = directory.path().join("kluis.db");
    let other = rusqlite::Connection::open(db).unwrap();
    // Somebody else holds the database: neither changes nor the carry can commit.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let id = EventId::generate(at).unwrap();
    let blocked = Event {
        id,
        ..event(&clock)
    };
    let refused = store
        .write(move |tx| {
            tx.record(blocked);
            Box::pin(async { Ok(()) })
        })
        .await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    store.settle().await.unwrap();
    assert_eq!(stored(&store).await.len(), 1);
}
