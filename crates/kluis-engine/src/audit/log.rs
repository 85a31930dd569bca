//! The record as a list of any length: filtered, in the order of time, a page at a time (CredVault contract B8).
//!
//! A row that stands for many secrets is one entry for each (RULES §7), so pages end within rows. What a statement can say is left
//! to the database, counting above all; the rest goes through the rows in portions, so neither holds more than a page.

use super::entries::{AuditEntry, Shown, entries};
use super::query::Sight;
use super::row::EventRow;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::pages::{Page, PageQuery, PageStart, Span, listed, next};
use crate::policy::PolicyPrincipal;
use crate::store::sql::events as sql;
use crate::store::{Conn, params, unexpected};

/// Which entries to show: those that are among each of these; an empty list restricts nothing.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Names of actions.
    pub actions: Vec<String>,
    /// Ids of users and agents.
    pub actors: Vec<[u8; 16]>,
    /// `user`, `agent`, `server`, `operator`, `anonymous`.
    pub actor_types: Vec<String>,
    /// Addresses of clients.
    pub addresses: Vec<String>,
    /// `success`, `denied`, `failed`.
    pub outcomes: Vec<String>,
    /// Ids of things.
    pub resources: Vec<[u8; 16]>,
}

/// A look into the record.
struct Look<'f> {
    organization: [u8; 16],
    filter: &'f LogFilter,
    sight: Sight,
    /// The only actor whose entries can be shown.
    actor: Option<[u8; 16]>,
    /// Whose looks at the record are left out, unless they are asked for: a walk would never come to its end (NT-58).
    without_looks_of: [u8; 16],
    /// What is asked of columns, as the statements take it.
    words: [String; 4],
}

/// Where an entry stands: its row, and which of the row's entries it is.
#[derive(Clone, Copy)]
struct Place {
    row: [u8; 16],
    index: usize,
}

/// Rows read at once.
const PORTION: i64 = 200;

impl Engine {
    /// A page of what the caller sees of its organization's record: an owner or admin all of it, a member its own acts and those on
    /// vaults it made, anyone else their own acts.
    pub async fn audit_page(
        &self,
        caller: &Caller,
        filter: &LogFilter,
        query: &PageQuery,
    ) -> Result<Page<AuditEntry>, Error> {
        self.store().settle().await?;
        self.look(caller, Action::AuditList, async |conn, act| {
            let sight = Sight::of(conn, &act.caller).await?;
            match Look::new(&act.caller, filter, sight) {
                Some(look) => look.page(conn, query).await,
                None => Ok(Page {
                    items: Vec::new(),
                    total: 0,
                    offset: 0,
                }),
            }
        })
        .await
    }
}

impl<'f> Look<'f> {
    /// `None` when the caller sees nothing of what is asked for.
    fn new(caller: &Caller, filter: &'f LogFilter, sight: Sight) -> Option<Self> {
        let me = *PolicyPrincipal::of(caller).id_bytes();
        let actor = match (&sight, filter.actors.as_slice()) {
            (Sight::Own(me), actors) if !actors.is_empty() && !actors.contains(me) => return None,
            (Sight::Own(me), _) => Some(*me),
            (_, [one]) => Some(*one),
            _ => None,
        };
        let looks = Action::AuditList.rule().name;
        let asks_for_looks = filter.actions.iter().any(|action| action == looks);
        Some(Self {
            organization: *caller.organization.bytes(),
            filter,
            sight,
            actor,
            without_looks_of: if asks_for_looks { [0; 16] } else { me },
            words: [
                &filter.actions,
                &filter.outcomes,
                &filter.actor_types,
                &filter.addresses,
            ]
            .map(|words| listed(words)),
        })
    }

    /// Whether the statements say all that there is to say.
    fn is_said(&self) -> bool {
        !matches!(self.sight, Sight::OwnAnd(..))
            && self.filter.resources.is_empty()
            && (self.filter.actors.is_empty() || self.actor.is_some())
    }

    async fn page(&self, conn: &mut Conn, query: &PageQuery) -> Result<Page<AuditEntry>, Error> {
        let all = query.span();
        let total = self.count(conn, all).await?;
        let (down, most) = (query.descending, query.limit);
        let (items, offset) = match query.start {
            PageStart::Offset(offset) => {
                let walk = Walk::new(down, None, offset, most);
                (walk.run(self, conn, all).await?, offset)
            }
            PageStart::After(id) => {
                let place = self.place(conn, id).await?;
                let walk = Walk::new(down, Some(place), 0, most);
                let items = walk.run(self, conn, all).await?;
                let behind = self.behind(conn, all, place, down).await?;
                (items, total.saturating_sub(behind))
            }
            PageStart::Before(id) => {
                let place = self.place(conn, id).await?;
                let walk = Walk::new(!down, Some(place), 0, most);
                let mut items = walk.run(self, conn, all).await?;
                items.reverse();
                let before = self.behind(conn, all, place, !down).await?;
                (items, before.saturating_sub(most))
            }
        };
        Ok(Page {
            items,
            total,
            offset,
        })
    }

    /// Where the entry with this id stands: entries of one row have ids of one millisecond.
    async fn place(&self, conn: &mut Conn, id: [u8; 16]) -> Result<Place, Error> {
        let mut first = id;
        for byte in first.iter_mut().skip(6) {
            *byte = 0;
        }
        let mut last = id;
        for byte in last.iter_mut().skip(6) {
            *byte = 0xff;
        }
        let mut low = first;
        loop {
            let rows = self.rows(conn, (low, next(last)), false).await?;
            let is_all = rows.len() < PORTION_ROWS;
            for row in rows {
                low = next(row.id);
                let row_id = row.id;
                for (index, shown) in self.shown(conn, row).await? {
                    if *shown.entry.id.bytes() == id {
                        return Ok(Place { row: row_id, index });
                    }
                }
            }
            if is_all {
                // Nobody takes entries out of the record, but what is asked for may have changed: it stood where its id does.
                return Ok(Place { row: id, index: 0 });
            }
        }
    }

    /// How many entries stand behind a place, in the order that is gone through.
    async fn behind(
        &self,
        conn: &mut Conn,
        (low, high): Span,
        place: Place,
        down: bool,
    ) -> Result<usize, Error> {
        let rest = if down {
            (low, place.row.min(high))
        } else {
            (next(place.row).max(low), high)
        };
        let mut count = self.count(conn, rest).await?;
        for row in self.rows(conn, (place.row, next(place.row)), false).await? {
            for (index, _) in self.shown(conn, row).await? {
                count += usize::from(place.is_before(index, down));
            }
        }
        Ok(count)
    }

    /// How many entries there are between two ids of rows.
    async fn count(&self, conn: &mut Conn, (low, high): Span) -> Result<usize, Error> {
        if self.is_said() {
            let [actions, outcomes, actor_types, addresses] = &self.words;
            let of = params![
                &self.organization,
                &low,
                &high,
                actions,
                outcomes,
                actor_types,
                addresses,
                self.actor.as_ref(),
                &self.without_looks_of
            ];
            let row = conn.query_one(sql::LOG_COUNT, of).await?;
            let count = row.ok_or_else(unexpected)?.int()?;
            return Ok(usize::try_from(count).unwrap_or(0));
        }
        let (mut low, mut count) = (low, 0);
        loop {
            let rows = self.rows(conn, (low, high), false).await?;
            let is_all = rows.len() < PORTION_ROWS;
            for row in rows {
                low = next(row.id);
                count += self.shown(conn, row).await?.len();
            }
            if is_all {
                return Ok(count);
            }
            tokio::task::yield_now().await;
        }
    }

    /// A portion of the rows between two ids.
    async fn rows(
        &self,
        conn: &mut Conn,
        (low, high): Span,
        down: bool,
    ) -> Result<Vec<EventRow>, Error> {
        let statement = if down { sql::LOG_DOWN } else { sql::LOG_UP };
        let [actions, outcomes, actor_types, addresses] = &self.words;
        let of = params![
            &self.organization,
            &low,
            &high,
            actions,
            outcomes,
            actor_types,
            addresses,
            self.actor.as_ref(),
            &self.without_looks_of,
            PORTION
        ];
        let rows = conn.query(statement, of).await?;
        let rows = rows.into_iter();
        let rows = rows.map(|mut row| EventRow::from_columns(&mut row));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The entries of a row that are shown, each with its number among all of them.
    async fn shown(
        &self,
        conn: &mut Conn,
        mut row: EventRow,
    ) -> Result<Vec<(usize, Shown)>, Error> {
        row.complete(conn).await?;
        let entries = entries(row, None, None).enumerate();
        Ok(entries.filter(|(_, shown)| self.shows(shown)).collect())
    }

    /// What no statement decides.
    fn shows(&self, shown: &Shown) -> bool {
        let entry = &shown.entry;
        let sees = match &self.sight {
            Sight::All | Sight::Own(_) => true,
            Sight::OwnAnd(me, made) => {
                entry.actor == Some(*me) || shown.vault.is_some_and(|vault| made.contains(&vault))
            }
        };
        let among = |ids: &[[u8; 16]], id: Option<[u8; 16]>| {
            ids.is_empty() || id.is_some_and(|id| ids.contains(&id))
        };
        sees && among(&self.filter.actors, entry.actor)
            && among(&self.filter.resources, entry.resource)
    }
}

impl Place {
    /// Whether the entry with this number in the place's own row comes behind it.
    fn is_before(self, index: usize, down: bool) -> bool {
        if down {
            index < self.index
        } else {
            index > self.index
        }
    }
}

/// A walk through the record, up or down.
struct Walk {
    down: bool,
    /// Behind this place.
    from: Option<Place>,
    skip: usize,
    most: usize,
    found: Vec<AuditEntry>,
}

impl Walk {
    fn new(down: bool, from: Option<Place>, skip: usize, most: usize) -> Self {
        Self {
            down,
            from,
            skip,
            most,
            found: Vec::new(),
        }
    }

    async fn run(
        mut self,
        look: &Look<'_>,
        conn: &mut Conn,
        (mut low, mut high): Span,
    ) -> Result<Vec<AuditEntry>, Error> {
        if let Some(place) = self.from {
            if self.down {
                high = high.min(next(place.row));
            } else {
                low = low.max(place.row);
            }
        }
        loop {
            let rows = look.rows(conn, (low, high), self.down).await?;
            let is_all = rows.len() < PORTION_ROWS;
            for row in rows {
                if self.down {
                    high = row.id;
                } else {
                    low = next(row.id);
                }
                self.take(look, conn, row).await?;
                if self.found.len() >= self.most {
                    return Ok(self.found);
                }
            }
            if is_all {
                return Ok(self.found);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Take the entries of one row, but for those that are left out.
    async fn take(&mut self, look: &Look<'_>, conn: &mut Conn, row: EventRow) -> Result<(), Error> {
        let whole = usize::try_from(row.count).unwrap_or(1);
        if look.is_said() && self.skip >= whole {
            self.skip -= whole;
            return Ok(());
        }
        let from = self.from.filter(|place| place.row == row.id);
        let mut shown = look.shown(conn, row).await?;
        if let Some(place) = from {
            shown.retain(|(index, _)| place.is_before(*index, self.down));
        }
        if self.down {
            shown.reverse();
        }
        let skipped = self.skip.min(shown.len());
        self.skip -= skipped;
        let free = self.most.saturating_sub(self.found.len());
        let taken = shown.into_iter().skip(skipped).take(free);
        self.found.extend(taken.map(|(_, shown)| shown.entry));
        Ok(())
    }
}

/// [`PORTION`], as rows are counted.
const PORTION_ROWS: usize = 200;
