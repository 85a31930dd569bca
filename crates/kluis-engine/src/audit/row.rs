//! Rows of the event table.

use kluis_crypto::record::Entry;

use super::Event;
use crate::store::sql::events as sql;
use crate::store::{Conn, Failure, Param, Row, params};

/// An event as it is stored. It is taken as it is found: whether it is as it was recorded, the chain tells.
pub(super) struct EventRow {
    pub(super) id: [u8; 16],
    pub(super) organization: [u8; 16],
    pub(super) at: i64,
    pub(super) actor_type: String,
    pub(super) actor: Option<[u8; 16]>,
    pub(super) credential: Option<[u8; 16]>,
    pub(super) action: String,
    pub(super) resource_type: String,
    pub(super) resource: Option<[u8; 16]>,
    pub(super) outcome: String,
    pub(super) details: String,
    pub(super) address: String,
    pub(super) count: i64,
}

impl EventRow {
    /// An event from the columns of `sql::events`, leaving further ones to the caller. Details that the statement
    /// left out because they are large are empty: [`EventRow::complete`] brings them.
    pub(super) fn from_columns(row: &mut Row) -> Result<Self, Failure> {
        Ok(Self {
            id: row.array()?,
            organization: row.array()?,
            at: row.int()?,
            actor_type: row.text()?,
            actor: row.optional_array()?,
            credential: row.optional_array()?,
            action: row.text()?,
            resource_type: row.text()?,
            resource: row.optional_array()?,
            outcome: row.text()?,
            details: row.optional_text()?.unwrap_or_default(),
            address: row.text()?,
            count: row.int()?,
        })
    }

    /// Read the details of an event that lists many secrets: one such row at a time, since it can be large.
    pub(super) async fn complete(&mut self, conn: &mut Conn) -> Result<(), Failure> {
        if self.details.is_empty() {
            let of = params![&self.organization, &self.id];
            if let Some(mut row) = conn.query_one(sql::DETAILS, of).await? {
                self.details = row.text()?;
            }
        }
        Ok(())
    }

    /// The event as the chain covers it.
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry {
            id: &self.id,
            organization: &self.organization,
            at_millis: self.at,
            actor_type: &self.actor_type,
            actor: self.actor.as_ref(),
            credential: self.credential.as_ref(),
            action: &self.action,
            resource_type: &self.resource_type,
            resource: self.resource.as_ref(),
            outcome: &self.outcome,
            details: &self.details,
            address: &self.address,
            count: self.count,
        }
    }
}

/// Store an entry with its place in the chain. `false` when it is there already.
pub(super) async fn insert_chained(
    conn: &mut Conn,
    entry: &Entry<'_>,
    seq: i64,
    hash: &[u8; 32],
) -> Result<bool, Failure> {
    let mut placed = Vec::with_capacity(15);
    placed.extend(columns(entry));
    placed.extend([Param::from(seq), Param::from(hash)]);
    Ok(conn.execute(sql::INSERT_CHAINED, &placed).await? > 0)
}

/// Store events that get their places in the chain later.
pub(crate) async fn insert_open<'e>(
    conn: &mut Conn,
    events: impl Iterator<Item = &'e Event>,
) -> Result<(), Failure> {
    let rows: Vec<_> = events
        .map(|event| columns(&event.entry()).to_vec())
        .collect();
    conn.execute_each(sql::INSERT_OPEN, &rows).await
}

fn columns<'e>(entry: &Entry<'e>) -> [Param<'e>; 13] {
    [
        entry.id.into(),
        entry.organization.into(),
        entry.at_millis.into(),
        entry.actor_type.into(),
        entry.actor.into(),
        entry.credential.into(),
        entry.action.into(),
        entry.resource_type.into(),
        entry.resource.into(),
        entry.outcome.into(),
        entry.details.into(),
        entry.address.into(),
        entry.count.into(),
    ]
}
