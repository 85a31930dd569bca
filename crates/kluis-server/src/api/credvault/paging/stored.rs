//! Lists that are too long to be read at once: filtered, counted and cut by the store, in the order of their times.
//!
//! The same grammar and the same answers as of other lists, but for what they can be sorted by: their first field alone.

use kluis_engine::{Page, PageQuery, PageStart, Timestamp, from_base62};

use super::super::wire::ListAnswer;
use super::query::Test;
use super::{ListItem, Opened, Place, Position, Window};

impl<T: ListItem> Opened<'_, T> {
    /// The page that was asked for, for the store.
    pub(in super::super) fn stored(&self) -> PageQuery {
        let id = |place: &Place| from_base62(&place.1).unwrap_or_default();
        let at = |millis: i64| Some(Timestamp::from_millis(millis));
        let (mut from, mut until) = (None, None);
        for test in self.query.tests(T::FIELDS.first()) {
            match test {
                Test::NotBefore(begin) => from = from.max(at(*begin)),
                Test::Before(end) => until = [until, at(*end)].into_iter().flatten().min(),
                Test::Among(_) | Test::Contains(_) => {}
            }
        }
        PageQuery {
            from,
            until,
            descending: self.query.sort.iter().any(|sorting| sorting.descending),
            limit: self.query.limit,
            start: match &self.start {
                Position::After(place) => PageStart::After(id(place)),
                Position::Before(place) => PageStart::Before(id(place)),
                Position::Offset(offset) => PageStart::Offset(*offset),
            },
        }
    }

    /// The words that a field is to be among; none where it can be any.
    pub(in super::super) fn words(&self, field: &str) -> Vec<String> {
        let field = T::FIELDS.iter().find(|known| known.name == field);
        let tests = self.query.tests(field);
        let words = tests.filter_map(|test| match test {
            Test::Among(words) => Some(words.clone()),
            Test::Before(_) | Test::Contains(_) | Test::NotBefore(_) => None,
        });
        words.flatten().collect()
    }

    /// The answer, from what the store has given.
    pub(in super::super) fn paged<W: From<T>>(self, page: Page<T>) -> ListAnswer<W> {
        let Page {
            items,
            total,
            offset,
        } = page;
        let items = items
            .into_iter()
            .map(|item| (self.query.place(&item), item))
            .collect();
        let window = Window {
            items,
            total,
            offset,
        };
        self.answer(window, |item| Ok(W::from(item)))
    }
}
