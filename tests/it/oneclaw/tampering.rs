//! The record after somebody has been at the database (RULES §7).

use rusqlite::Connection;
use serde_json::{Value, json};

use super::export::{self, recorded};
use super::vault;
use crate::harness::{Backend, Kluis};

/// A changed row is found always, whichever of its columns was changed, and by everyone who may ask.
#[tokio::test]
async fn a_changed_event_breaks_the_chain_at_its_place() {
    let mut kluis = Kluis::start().await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    let secrets = format!("/api/v1/vaults/{id}/secrets");
    for key in ["A", "B", "C"] {
        let body = json!({"key": key, "value": "1"});
        owner.post(&secrets, body).await.expect(201);
    }
    let answer = owner
        .get("/v1/audit/events?action=secret.write&resource_id=B")
        .await
        .expect(200);
    let event = answer.text("/events/0/id");
    let sealed = async |kluis: &Kluis| {
        // The sealer is at work within a second.
        for _ in 0..200 {
            let verified = kluis.owner().get("/v1/audit/verify").await.expect(200);
            if verified.at("/sealed_through").as_u64().unwrap() >= 6 {
                return verified;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("nothing is sealed");
    };
    let verified = sealed(&kluis).await;
    assert_eq!(verified.at("/chain_valid"), true);
    assert_eq!(verified.at("/broken_at_event_id"), Value::Null);
    let blob = format!("x'{}'", event.replace('-', ""));
    let database = Connection::open(kluis.data_dir().join("kluis.db")).unwrap();
    database
        .busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    for (column, changed) in [
        ("action", "'secret.view'"),
        ("outcome", "'denied'"),
        ("details", "replace(details, '\"B\"', '\"A\"')"),
        ("actor_id", "zeroblob(16)"),
        ("credential_id", "NULL"),
        ("resource_id", "zeroblob(16)"),
        ("address", "'10.0.0.1'"),
        ("at", "at + 1"),
        ("count", "count + 1"),
        ("hash", "zeroblob(32)"),
    ] {
        database
            .execute_batch(&format!(
                "CREATE TABLE kept AS SELECT {column} AS value FROM event WHERE id = {blob};
                 UPDATE event SET {column} = {changed} WHERE id = {blob};"
            ))
            .unwrap();
        assert_eq!(database.changes(), 1);
        let verified = owner.get("/v1/audit/verify").await.expect(200);
        assert_eq!(verified.at("/chain_valid"), false, "{column}: {verified}");
        assert_eq!(
            verified.at("/broken_at_event_id"),
            event.as_str(),
            "{column}: {verified}"
        );
        database
            .execute_batch(&format!(
                "UPDATE event SET {column} = (SELECT value FROM kept) WHERE id = {blob}; DROP TABLE kept;"
            ))
            .unwrap();
        let verified = owner.get("/v1/audit/verify").await.expect(200);
        assert_eq!(verified.at("/chain_valid"), true, "{column}: {verified}");
    }
    drop(database);
    // Nor does a restart forget it.
    kluis.stop();
    let database = Connection::open(kluis.data_dir().join("kluis.db")).unwrap();
    let change = format!("UPDATE event SET action = 'secret.view' WHERE id = {blob}");
    assert_eq!(database.execute(&change, []).unwrap(), 1);
    drop(database);
    kluis.begin().await;
    let verified = kluis.owner().get("/v1/audit/verify").await.expect(200);
    assert_eq!(verified.at("/chain_valid"), false);
    assert_eq!(verified.at("/broken_at_event_id"), event.as_str());
}

/// A removed row is found up to the last checkpoint, which is signed when a minute has passed.
#[tokio::test]
async fn a_removed_event_breaks_the_chain_before_the_last_checkpoint() {
    let kluis = Kluis::start_with(&["--test-clock"]).await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    let body = json!({"key": "A", "value": "1"});
    owner
        .post(&format!("/api/v1/vaults/{id}/secrets"), body)
        .await
        .expect(201);
    kluis.advance_clock(61).await;
    let mut signed = 0;
    for _ in 0..200 {
        let verified = owner.get("/v1/audit/verify").await.expect(200);
        assert_eq!(verified.at("/chain_valid"), true, "{verified}");
        signed = verified.at("/checkpoint/seq").as_i64().unwrap_or(0);
        if signed > 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(signed > 2, "no checkpoint");
    let database = Connection::open(kluis.data_dir().join("kluis.db")).unwrap();
    database
        .busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    for seq in [1, 2, signed] {
        let place = format!("organization_id IN (SELECT id FROM organization) AND seq = {seq}");
        database
            .execute_batch(&format!(
                "CREATE TABLE kept AS SELECT * FROM event WHERE {place}; DELETE FROM event WHERE {place};"
            ))
            .unwrap();
        let verified = owner.get("/v1/audit/verify").await.expect(200);
        assert_eq!(verified.at("/chain_valid"), false, "{seq}: {verified}");
        database
            .execute_batch("INSERT INTO event SELECT * FROM kept; DROP TABLE kept;")
            .unwrap();
        let verified = owner.get("/v1/audit/verify").await.expect(200);
        assert_eq!(verified.at("/chain_valid"), true, "{seq}: {verified}");
    }
}

/// What was altered in the database is in an export as it was altered, and found there.
#[tokio::test]
async fn an_export_of_an_altered_database_does_not_hold() {
    let mut kluis = recorded(Backend::Sqlite).await;
    let whole = export::lines(&kluis.owner().get("/v1/audit/export").await.expect(200));
    let report = export::verify(&whole, export::key(&whole)).unwrap();
    let signed = report.checkpoint.unwrap().seq;
    kluis.stop();
    let file = kluis.data_dir().join("kluis.db");
    let tables = ["event", "chain_head", "checkpoint"];
    let database = Connection::open(&file).unwrap();
    for table in tables {
        let copy = format!("CREATE TABLE {table}_kept AS SELECT * FROM {table}");
        database.execute_batch(&copy).unwrap();
    }
    drop(database);
    let ours = "organization_id IN (SELECT id FROM organization)";
    for (statement, expected) in [
        (
            format!("UPDATE event SET outcome = 'denied' WHERE {ours} AND seq = 4"),
            "event 4 is not what was recorded",
        ),
        (
            format!("DELETE FROM event WHERE {ours} AND seq = 4"),
            "event 5 is missing or out of place",
        ),
        (
            format!("UPDATE event SET seq = -5 WHERE {ours} AND seq = 4"),
            "event -5 is missing or out of place",
        ),
        (
            // Taken off the end, and the head set back as if they had never been; at its start a server records nothing.
            format!(
                "DELETE FROM event WHERE {ours} AND seq >= {signed};
                 UPDATE chain_head SET seq = {signed} - 1, hash =
                    (SELECT hash FROM event e WHERE e.organization_id = chain_head.organization_id
                     AND e.seq = {signed} - 1) WHERE {ours};"
            ),
            "is missing or out of place",
        ),
        (
            format!("UPDATE checkpoint SET signature = zeroblob(64) WHERE {ours}"),
            "has a checkpoint with a wrong signature",
        ),
    ] {
        let database = Connection::open(&file).unwrap();
        database.execute_batch(&statement).unwrap();
        drop(database);
        kluis.begin().await;
        let answer = kluis.owner().get("/v1/audit/export").await.expect(200);
        let lines = export::lines(&answer);
        let refused = export::verify(&lines, export::key(&whole)).unwrap_err();
        assert!(
            refused.to_string().contains(expected),
            "{statement}: {refused}"
        );
        kluis.stop();
        let database = Connection::open(&file).unwrap();
        for table in tables {
            let back =
                format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM {table}_kept;");
            database.execute_batch(&back).unwrap();
        }
    }
    kluis.begin().await;
    let lines = export::lines(&kluis.owner().get("/v1/audit/export").await.expect(200));
    export::verify(&lines, export::key(&whole)).unwrap();
}
