//! Which part of a chain is meant.

use super::query::first_id_after;
use crate::clock::Timestamp;
use crate::pages::first_id_of;
use crate::store::sql::events as sql;
use crate::store::{Conn, Failure, Row, params};

/// Which part of the chain is meant; left out, all of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditRange {
    /// From the first event of this time on.
    pub from: Option<Timestamp>,
    /// Up to the last event of this time.
    pub to: Option<Timestamp>,
    /// From behind this place in the chain on.
    pub after: Option<i64>,
    /// At most so many events: the first of them where the range has a beginning, else the newest.
    pub limit: Option<u32>,
}

/// A part of a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Before its first event.
    pub(super) after: i64,
    pub(super) last: i64,
}

impl AuditRange {
    /// The part of a chain with `last` at its end.
    pub(super) async fn of_chain(
        &self,
        conn: &mut Conn,
        organization: &[u8; 16],
        last: i64,
    ) -> Result<Span, Failure> {
        let mut span = Span { after: 0, last };
        if let Some(from) = self.from {
            let from = first_id_of(from);
            let of = params![organization, &from];
            let first = only(conn.query_one(sql::FIRST_SEQ_FROM, of).await?)?;
            span.after = first.map_or(span.last, |first| first - 1).max(0);
        }
        if let Some(to) = self.to {
            let to = first_id_after(to);
            let of = params![organization, &to];
            let last = only(conn.query_one(sql::LAST_SEQ_BEFORE, of).await?)?;
            span.last = span.last.min(last.unwrap_or(0));
        }
        if let Some(after) = self.after {
            span.after = span.after.max(after);
        }
        span.after = span.after.min(span.last);
        if let Some(limit) = self.limit.map(i64::from) {
            if self.from.is_some() || self.after.is_some() {
                span.last = span.last.min(span.after.saturating_add(limit));
            } else {
                span.after = span.after.max(span.last - limit);
            }
        }
        Ok(span)
    }
}

impl Span {
    /// What to read rows behind: from the very first on also what stands before it, where nothing belongs.
    pub(super) fn floor(self) -> i64 {
        if self.after == 0 {
            i64::MIN
        } else {
            self.after
        }
    }
}

/// The hash that is stored at a place.
pub(super) async fn hash_at(
    conn: &mut Conn,
    organization: &[u8; 16],
    seq: i64,
) -> Result<Option<[u8; 32]>, Failure> {
    match conn
        .query_one(sql::HASH_AT, params![organization, seq])
        .await?
    {
        Some(mut row) => row.optional_array(),
        None => Ok(None),
    }
}

/// The number in the only column of the only row.
pub(super) fn only(row: Option<Row>) -> Result<Option<i64>, Failure> {
    match row {
        Some(mut row) => row.optional_int(),
        None => Ok(None),
    }
}
