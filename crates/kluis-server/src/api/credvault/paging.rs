//! Lists: paged, filtered and sorted alike, whatever they are of (contract A7, A8).
//!
//! A resource says once what its fields are ([`ListItem`]); the query's grammar, the cursors, the answer's `pagination` and
//! the documented parameters follow from that. An engine operation gives all that its caller may see, so `total` is
//! exact, and nothing is counted that the caller does not see.

mod parameters;
mod query;
mod stored;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use kluis_engine::{Caller, Engine, Error, Timestamp, from_base62, to_base62};
use serde::{Deserialize, Serialize};

pub(super) use self::query::List;
use self::query::{Sorting, Start};
use super::wire::{ListAnswer, Pagination, listed};

/// A thing that stands in lists.
pub(super) trait ListItem: Sized + 'static {
    /// What the list is called; a cursor of one list opens no other.
    const NAME: &'static str;
    /// What it can be filtered and sorted by. The first is sorted by unless another is asked for.
    const FIELDS: &'static [Field<Self>];
    /// Parameters that choose which list is meant, rather than filter it; each with its description.
    const SELECTORS: &'static [(&'static str, &'static str)] = &[];

    /// Whether the store cuts pages ([`stored`]): then it is in the order of the first field, and of no other.
    const STORED: bool = false;

    /// Breaks ties, so that the order is total.
    fn id(&self) -> [u8; 16];
}

/// A field to filter and sort by.
pub(super) struct Field<T> {
    name: &'static str,
    kind: Kind,
    of: fn(&T) -> Cell,
}

/// How a field is filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A whole number, to sort by.
    Number,
    /// As `Word`, and `…_contains` for a part of it, in any case.
    Text,
    /// `…_after` and `…_before`, for a field whose name ends in `_at`.
    Time,
    /// Equal to one of the values given.
    Word,
    /// Several words, one of which is equal to one of the values given. Nothing is sorted by them.
    Words,
}

/// The value of a field. What is absent sorts first, and is in no range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Cell {
    /// It has none.
    Absent,
    /// Milliseconds since the epoch, or another whole number.
    Time(i64),
    /// A word or text.
    Text(String),
    /// Several words.
    Words(Vec<String>),
}

/// What stands at one place of a list: the values that it is sorted by, and the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place(Vec<Cell>, String);

/// What a cursor says: a place, and whether the page ends before it rather than begins after it.
#[derive(Serialize, Deserialize)]
struct Cursor {
    back: bool,
    place: Place,
}

impl<T> Field<T> {
    /// A whole number, to sort by; nothing is filtered by it.
    pub(super) const fn number(name: &'static str, of: fn(&T) -> Cell) -> Self {
        Self {
            name,
            kind: Kind::Number,
            of,
        }
    }

    /// A text, which `…_contains` searches.
    pub(super) const fn text(name: &'static str, of: fn(&T) -> Cell) -> Self {
        Self {
            name,
            kind: Kind::Text,
            of,
        }
    }

    /// A time; `name` ends in `_at`.
    pub(super) const fn time(name: &'static str, of: fn(&T) -> Cell) -> Self {
        Self {
            name,
            kind: Kind::Time,
            of,
        }
    }

    /// A word.
    pub(super) const fn word(name: &'static str, of: fn(&T) -> Cell) -> Self {
        Self {
            name,
            kind: Kind::Word,
            of,
        }
    }

    /// Several words.
    pub(super) const fn words(name: &'static str, of: fn(&T) -> Cell) -> Self {
        Self {
            name,
            kind: Kind::Words,
            of,
        }
    }

    /// What the names of a time's range begin with: `created` of `created_at`.
    fn stem(&self) -> &'static str {
        self.name.strip_suffix("_at").unwrap_or(self.name)
    }
}

impl Cell {
    /// A whole number.
    pub(super) const fn number(number: i64) -> Self {
        Self::Time(number)
    }
}

impl From<Timestamp> for Cell {
    fn from(at: Timestamp) -> Self {
        Self::Time(at.millis())
    }
}

impl From<Option<Timestamp>> for Cell {
    fn from(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Absent, Self::from)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A list whose query is found to be in order, cursor included: what is left is to fetch it.
pub(super) struct Opened<'a, T: ListItem> {
    query: List<T>,
    /// What cursors of this list are bound to.
    identity: Vec<u8>,
    start: Position,
    engine: &'a Engine,
    caller: &'a Caller,
}

/// Where a page begins or ends.
#[derive(Debug)]
enum Position {
    After(Place),
    Before(Place),
    Offset(usize),
}

impl<T: ListItem> List<T> {
    /// Check the cursor, if there is one. `Invalid` when it was not made for this list, filtered and sorted like this.
    pub(super) fn open<'a>(
        self,
        engine: &'a Engine,
        caller: &'a Caller,
    ) -> Result<Opened<'a, T>, Error> {
        let identity = self.identity();
        let start = match &self.start {
            Start::Offset(offset) => Position::Offset(*offset),
            Start::Cursor(text) => cursor_open(engine, caller, &identity, text)?,
        };
        Ok(Opened {
            query: self,
            identity,
            start,
            engine,
            caller,
        })
    }
}

impl<T: ListItem> Opened<'_, T> {
    /// The value of a parameter that chooses which list is meant.
    pub(super) fn selector(&self, name: &str) -> Option<&str> {
        self.query.selector(name)
    }

    /// The page that was asked for, out of everything that the caller may see.
    pub(super) fn page<W: From<T>>(self, items: Vec<T>) -> ListAnswer<W> {
        self.page_of(items, |item| Ok(W::from(item)))
    }

    /// The same with items that are shaped by `shape`.
    pub(super) fn page_of<W>(
        self,
        items: Vec<T>,
        shape: impl Fn(T) -> Result<W, Error>,
    ) -> ListAnswer<W> {
        let window = self.query.window(items, &self.start);
        self.answer(window, shape)
    }

    fn answer<W>(self, window: Window<T>, shape: impl Fn(T) -> Result<W, Error>) -> ListAnswer<W> {
        let Window {
            items,
            total,
            offset,
        } = window;
        let end = offset.saturating_add(items.len());
        let seal = |back, (place, _): &(Place, T)| {
            let cursor = Cursor {
                back,
                place: place.clone(),
            };
            cursor_seal(self.engine, self.caller, &self.identity, &cursor)
        };
        let next = items
            .last()
            .filter(|_| end < total)
            .map(|last| seal(false, last));
        let previous = items
            .first()
            .filter(|_| offset > 0)
            .map(|first| seal(true, first));
        let pagination = Pagination {
            total,
            limit: self.query.limit,
            offset,
            has_more: end < total,
            next_cursor: next.transpose()?,
            prev_cursor: previous.transpose()?,
        };
        let items = items.into_iter().map(|(_, item)| shape(item));
        listed(items.collect::<Result<_, _>>()?, pagination)
    }
}

/// A page's items with their places, and where they stand among all that match.
struct Window<T> {
    items: Vec<(Place, T)>,
    total: usize,
    offset: usize,
}

impl<T: ListItem> List<T> {
    /// Filter, sort and cut.
    fn window(&self, items: Vec<T>, start: &Position) -> Window<T> {
        let mut items: Vec<_> = items
            .into_iter()
            .filter(|item| self.filters.iter().all(|filter| filter.admits(item)))
            .map(|item| (self.place(&item), item))
            .collect();
        items.sort_by(|(one, _), (other, _)| compare(&self.sort, one, other));
        let total = items.len();
        let before = |mark: &Place, at: Ordering| {
            items.partition_point(|(place, _)| compare(&self.sort, place, mark) <= at)
        };
        let (offset, end) = match start {
            Position::Offset(offset) => (*offset, offset.saturating_add(self.limit)),
            Position::After(mark) => {
                let offset = before(mark, Ordering::Equal);
                (offset, offset.saturating_add(self.limit))
            }
            Position::Before(mark) => {
                let end = before(mark, Ordering::Less);
                (end.saturating_sub(self.limit), end)
            }
        };
        let items = items.into_iter().take(end).skip(offset).collect();
        Window {
            items,
            total,
            offset,
        }
    }

    fn place(&self, item: &T) -> Place {
        let cells = self
            .sort
            .iter()
            .map(|sorting| (sorting.field.of)(item))
            .collect();
        Place(cells, to_base62(&item.id()))
    }
}

/// The order of two places. An id's text sorts as its bytes do, and those as the times of making.
fn compare<T>(sort: &[Sorting<T>], one: &Place, other: &Place) -> Ordering {
    let by_fields = sort
        .iter()
        .zip(one.0.iter().zip(&other.0))
        .map(|(sorting, (a, b))| {
            if sorting.descending {
                b.cmp(a)
            } else {
                a.cmp(b)
            }
        })
        .find(|order| order.is_ne());
    by_fields.unwrap_or_else(|| one.1.cmp(&other.1))
}

fn cursor_seal(
    engine: &Engine,
    caller: &Caller,
    identity: &[u8],
    cursor: &Cursor,
) -> Result<String, Error> {
    let place = serde_json::to_vec(cursor).map_err(|cause| Error::internal(cause.to_string()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(engine.cursor_seal(caller, identity, &place)?))
}

fn cursor_open(
    engine: &Engine,
    caller: &Caller,
    identity: &[u8],
    text: &str,
) -> Result<Position, Error> {
    let forged = || {
        Error::invalid(
            "cursor",
            "was not given by this list, filtered and sorted like this",
        )
    };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| forged())?;
    let place = engine
        .cursor_open(caller, identity, &bytes)?
        .ok_or_else(forged)?;
    let Cursor { back, place } = serde_json::from_slice(place).map_err(|_| forged())?;
    from_base62(&place.1).ok_or_else(forged)?;
    Ok(if back {
        Position::Before(place)
    } else {
        Position::After(place)
    })
}
