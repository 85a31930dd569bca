//! Migrations: a numbered list of steps, each written once for both databases and run in one transaction.

use rusqlite::Connection;

use super::{Failure, postgres};
use crate::error::Error;

/// Every step since the first release, in order; a released step never changes.
const STEPS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
];

/// Bring an SQLite database up to date; a crash half-way leaves it as it was.
pub(super) fn sqlite(connection: &mut Connection) -> Result<(), Error> {
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(Failure::from)?;
    transaction
        .execute_batch(VERSION_TABLE)
        .map_err(Failure::from)?;
    let done: Option<i64> = transaction
        .query_row(VERSION, [], |row| row.get(0))
        .map_err(Failure::from)?;
    for (number, step) in missing(done)? {
        transaction.execute_batch(step).map_err(Failure::from)?;
        transaction
            .execute(ADVANCE, [number])
            .map_err(Failure::from)?;
    }
    transaction.commit().map_err(Failure::from)?;
    Ok(())
}

/// Bring a PostgreSQL database up to date; nodes that start together wait for each other.
pub(super) async fn postgres(client: &mut postgres::Client) -> Result<(), Error> {
    let transaction = client.transaction().await.map_err(Failure::from)?;
    transaction
        .batch_execute(LOCK)
        .await
        .map_err(Failure::from)?;
    transaction
        .batch_execute(&postgres::ddl(VERSION_TABLE))
        .await
        .map_err(Failure::from)?;
    let done: Option<i64> = transaction
        .query_one(VERSION, &[])
        .await
        .map_err(Failure::from)?
        .get(0);
    for (number, step) in missing(done)? {
        transaction
            .batch_execute(&postgres::ddl(step))
            .await
            .map_err(Failure::from)?;
        transaction
            .execute(&*postgres::dialect(ADVANCE), &[&number])
            .await
            .map_err(Failure::from)?;
    }
    transaction.commit().await.map_err(Failure::from)?;
    Ok(())
}

/// The steps that a database at version `done` still needs.
fn missing(done: Option<i64>) -> Result<impl Iterator<Item = (i64, &'static str)>, Error> {
    let done = done.unwrap_or(0);
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if done > known {
        return Err(Error::storage(format!(
            "the database has schema version {done}, this release knows {known}. Use a newer release."
        )));
    }
    Ok((1..)
        .zip(STEPS.iter().copied())
        .skip_while(move |&(number, _)| number <= done))
}

const VERSION_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY) STRICT";
const VERSION: &str = "SELECT MAX(version) FROM schema_version";
const ADVANCE: &str = "INSERT INTO schema_version (version) VALUES (?1)";
/// Any number that no other program takes: the first eight letters of "kluis-schema".
const LOCK: &str = "SELECT pg_advisory_xact_lock(7740101855893713764)";
