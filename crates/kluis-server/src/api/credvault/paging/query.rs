//! The query of a list: its grammar (contract A7, A8).

use axum::extract::FromRequestParts;
use http::request::Parts;
use kluis_engine::Error;
use serde::Serialize;

use super::super::error::Failure;
use super::super::wire::instant;
use super::{Cell, Field, Kind, ListItem};
use crate::app::App;

/// A query for a list, as the extractor of a handler. A cursor in it is not checked before [`open`](List::open).
pub(in super::super) struct List<T: ListItem> {
    pub(super) filters: Vec<Filter<T>>,
    pub(super) sort: Vec<Sorting<T>>,
    pub(super) limit: usize,
    pub(super) start: Start,
    selectors: Vec<(&'static str, String)>,
    /// Filters as they were given, for the cursors.
    given: Vec<(String, String)>,
}

/// Where the page begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    Cursor(String),
    Offset(usize),
}

/// One field of the order.
pub(super) struct Sorting<T: 'static> {
    pub(super) field: &'static Field<T>,
    pub(super) descending: bool,
}

/// One condition on a field.
pub(super) struct Filter<T: 'static> {
    field: &'static Field<T>,
    test: Test,
}

#[derive(Debug)]
pub(super) enum Test {
    /// Equal to one of these.
    Among(Vec<String>),
    /// Before this instant.
    Before(i64),
    /// Has this in it; in lower case.
    Contains(String),
    /// At this instant or after it.
    NotBefore(i64),
}

impl<T> Filter<T> {
    /// Whether `item` passes.
    pub(super) fn admits(&self, item: &T) -> bool {
        match ((self.field.of)(item), &self.test) {
            (Cell::Text(text), Test::Among(values)) => values.contains(&text),
            (Cell::Words(words), Test::Among(values)) => {
                words.iter().any(|word| values.contains(word))
            }
            (Cell::Text(text), Test::Contains(part)) => text.to_lowercase().contains(part),
            (Cell::Time(at), Test::Before(end)) => at < *end,
            (Cell::Time(at), Test::NotBefore(begin)) => at >= *begin,
            (Cell::Absent | Cell::Text(_) | Cell::Time(_) | Cell::Words(_), _) => false,
        }
    }

    /// The condition that `name` puts on one of the fields; none when it is no filter.
    fn parse(fields: &'static [Field<T>], name: &str, value: &str) -> Option<Result<Self, Error>> {
        fields.iter().find_map(|field| {
            let test = field.test(name, value)?;
            Some(test.map(|test| Self { field, test }))
        })
    }
}

impl<T> Field<T> {
    fn test(&self, name: &str, value: &str) -> Option<Result<Test, Error>> {
        match self.kind {
            Kind::Text | Kind::Word | Kind::Words if name == self.name => Some(Ok(Test::Among(
                value.split(',').map(str::to_owned).collect(),
            ))),
            Kind::Text if name.strip_suffix(CONTAINS) == Some(self.name) => {
                Some(Ok(Test::Contains(value.to_lowercase())))
            }
            Kind::Time if name.strip_suffix(AFTER) == Some(self.stem()) => {
                Some(instant(name, value).map(Test::NotBefore))
            }
            Kind::Time if name.strip_suffix(BEFORE) == Some(self.stem()) => {
                Some(instant(name, value).map(Test::Before))
            }
            Kind::Number | Kind::Text | Kind::Time | Kind::Word | Kind::Words => None,
        }
    }
}

impl<T: ListItem> List<T> {
    /// Read a query. `Invalid` names the first parameter that is unknown, wrong, or given twice.
    pub(super) fn parse(query: &str) -> Result<Self, Error> {
        let mut list = Self {
            filters: Vec::new(),
            sort: Vec::new(),
            limit: DEFAULT_LIMIT,
            start: Start::Offset(0),
            selectors: Vec::new(),
            given: Vec::new(),
        };
        let (mut sort, mut order, mut cursor) = (None, None, None);
        let (mut offset, mut skip) = (None, None);
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if seen.contains(&name) {
                return Err(Error::invalid(shown(&name), "is given twice"));
            }
            match &*name {
                "limit" => list.limit = limit(&value)?,
                "offset" => offset = Some(count("offset", &value)?),
                "skip" => skip = Some(count("skip", &value)?),
                "cursor" => cursor = Some(value.into_owned()),
                "sort" => sort = Some(value.into_owned()),
                "order" => order = Some(is_descending(&value)?),
                _ => list.add(&name, value.into_owned())?,
            }
            seen.push(name);
        }
        list.sort = sorting(sort.as_deref(), order)?;
        list.start = start(cursor, offset, skip)?;
        Ok(list)
    }

    /// A list that is asked for in a body: what it is of, how it is sorted (as in the parameter), where it begins.
    pub(in super::super) fn asked(
        given: Vec<(String, String)>,
        sort: Option<&str>,
        most: Option<i64>,
        cursor: Option<String>,
    ) -> Result<Self, Error> {
        Ok(Self {
            filters: Vec::new(),
            sort: sorting(sort, None)?,
            limit: most.map_or(Ok(DEFAULT_LIMIT), |most| limit(&most.to_string()))?,
            start: start(cursor, None, None)?,
            selectors: Vec::new(),
            given,
        })
    }

    /// The same list of what is in `place`: a cursor of one place opens no other's.
    pub(in super::super) fn within(mut self, place: &str) -> Self {
        self.given.push((PLACE.to_owned(), place.to_owned()));
        self
    }

    fn add(&mut self, name: &str, value: String) -> Result<(), Error> {
        if let Some((selector, _)) = T::SELECTORS.iter().find(|(known, _)| *known == name) {
            self.selectors.push((selector, value.clone()));
        } else {
            let filter = Filter::parse(T::FIELDS, name, &value)
                .ok_or_else(|| Error::invalid(shown(name), "is no filter of this list"))?;
            self.filters.push(filter?);
        }
        self.given.push((name.to_owned(), value));
        Ok(())
    }

    /// What is asked of a field.
    pub(super) fn tests<'a>(
        &'a self,
        field: Option<&'static Field<T>>,
    ) -> impl Iterator<Item = &'a Test> {
        let of =
            move |filter: &&Filter<T>| field.is_some_and(|field| filter.field.name == field.name);
        self.filters.iter().filter(of).map(|filter| &filter.test)
    }

    pub(super) fn selector(&self, name: &str) -> Option<&str> {
        self.selectors
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Which list this is, filtered and sorted how: in whatever order that was said.
    pub(super) fn identity(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Identity<'a> {
            name: &'static str,
            given: Vec<&'a (String, String)>,
            sort: Vec<(&'static str, bool)>,
        }
        let mut given: Vec<_> = self.given.iter().collect();
        given.sort();
        let sort = self
            .sort
            .iter()
            .map(|sorting| (sorting.field.name, sorting.descending));
        let identity = Identity {
            name: T::NAME,
            given,
            sort: sort.collect(),
        };
        serde_json::to_vec(&identity).unwrap_or_default()
    }
}

impl<T: ListItem> FromRequestParts<App> for List<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default())?)
    }
}

fn limit(text: &str) -> Result<usize, Error> {
    match count("limit", text)? {
        0 => Err(Error::invalid("limit", "must be at least 1")),
        limit => Ok(limit.min(MOST)),
    }
}

/// A whole number of whatever size: what no list is long enough for is as good as the largest.
fn count(name: &'static str, text: &str) -> Result<usize, Error> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid(name, "must be a whole number, 0 or more"));
    }
    Ok(text.parse().unwrap_or(FARTHEST).min(FARTHEST))
}

fn is_descending(text: &str) -> Result<bool, Error> {
    match text {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(Error::invalid("order", "must be asc or desc")),
    }
}

fn sorting<T: ListItem>(sort: Option<&str>, order: Option<bool>) -> Result<Vec<Sorting<T>>, Error> {
    let mut sorting: Vec<Sorting<T>> = Vec::new();
    match sort {
        None => sorting.extend(T::FIELDS.first().map(|field| Sorting {
            field,
            descending: false,
        })),
        Some(text) => {
            for word in text.split(',') {
                let one = sorting_of(word)?;
                if sorting
                    .iter()
                    .any(|other| other.field.name == one.field.name)
                {
                    return Err(Error::invalid("sort", "names a field twice"));
                }
                sorting.push(one);
                if sorting.len() > MOST_SORTED {
                    return Err(Error::invalid("sort", "must name at most three fields"));
                }
            }
        }
    }
    if let Some(descending) = order {
        match sorting.as_mut_slice() {
            [one] if !sort.is_some_and(|text| text.starts_with('-')) => one.descending = descending,
            _ => {
                return Err(Error::invalid(
                    "order",
                    "goes with one field without a sign in sort",
                ));
            }
        }
    }
    Ok(sorting)
}

/// The fields that a list can be sorted by.
pub(super) fn sortable<T: ListItem>() -> impl Iterator<Item = &'static Field<T>> {
    let most = if T::STORED { 1 } else { T::FIELDS.len() };
    let fields = T::FIELDS.iter().take(most);
    fields.filter(|field| field.kind != Kind::Words)
}

fn sorting_of<T: ListItem>(word: &str) -> Result<Sorting<T>, Error> {
    let (name, descending) = word
        .strip_prefix('-')
        .map_or((word, false), |name| (name, true));
    let mut sortable = sortable::<T>();
    let field = sortable.find(|field| field.name == name).ok_or_else(|| {
        Error::invalid(
            "sort",
            format!("names '{}', which is no field of this list", shown(name)),
        )
    })?;
    Ok(Sorting { field, descending })
}

fn start(
    cursor: Option<String>,
    offset: Option<usize>,
    skip: Option<usize>,
) -> Result<Start, Error> {
    match (cursor, offset, skip) {
        (None, Some(offset), Some(skip)) if offset != skip => Err(Error::invalid(
            "skip",
            "means the same as offset and must not differ from it",
        )),
        (None, offset, skip) => Ok(Start::Offset(offset.or(skip).unwrap_or(0))),
        (Some(cursor), None, None) => Ok(Start::Cursor(cursor)),
        (Some(_), _, _) => Err(Error::invalid(
            "cursor",
            "cannot be combined with offset or skip",
        )),
    }
}

/// A name out of a request, fit to be told back.
fn shown(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_SHOWN)
        .collect()
}

/// Stands among what was given for the place of a list; no parameter is called so.
const PLACE: &str = "/";
pub(super) const DEFAULT_LIMIT: usize = 50;
/// The most that a page holds; more is cut to this.
pub(super) const MOST: usize = 200;
const MOST_SORTED: usize = 3;
/// The largest offset that is told back: beyond every list, and exact in any client's numbers.
const FARTHEST: usize = (1 << 53) - 1;
const LONGEST_SHOWN: usize = 60;
pub(super) const CONTAINS: &str = "_contains";
pub(super) const AFTER: &str = "_after";
pub(super) const BEFORE: &str = "_before";
