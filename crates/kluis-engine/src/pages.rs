//! Pages of what is too long to be read at once: lists in the order of their ids, which is that of the times of making.

use crate::clock::Timestamp;

/// Which page of a list.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery {
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// Whether the newest come first.
    pub descending: bool,
    /// How many at most.
    pub limit: usize,
    /// Where it begins or ends.
    pub start: PageStart,
}

/// Where a page begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// Behind the thing with this id, in the order of the list.
    After([u8; 16]),
    /// Before it.
    Before([u8; 16]),
    /// Behind as many.
    Offset(usize),
}

/// A page, and where it stands.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// How many there are, on all pages.
    pub total: usize,
    /// How many stand before this page.
    pub offset: usize,
}

/// Ids from the first on and below the second.
pub(crate) type Span = ([u8; 16], [u8; 16]);

/// What to ask a store for, to make a page of it.
pub(crate) struct Plan {
    /// All that is on any page, to be counted.
    pub(crate) all: Span,
    /// What stands before the place that the page begins or ends at, to be counted too.
    pub(crate) before: Option<Span>,
    /// What is on the page, to be fetched in this order.
    pub(crate) span: Span,
    pub(crate) descending: bool,
    pub(crate) limit: i64,
    pub(crate) offset: i64,
    start: PageStart,
}

impl PageQuery {
    /// What to ask for.
    pub(crate) fn plan(&self) -> Plan {
        let (low, high) = self.span();
        // Behind a place and before it, in the order of the list.
        let parts = |place: [u8; 16]| {
            let below = (low, place.min(high));
            let above = (next(place).max(low), high);
            if self.descending {
                (above, below)
            } else {
                (below, above)
            }
        };
        let plan = Plan {
            all: (low, high),
            before: None,
            span: (low, high),
            descending: self.descending,
            limit: i64::try_from(self.limit).unwrap_or(i64::MAX),
            offset: 0,
            start: self.start,
        };
        match self.start {
            PageStart::Offset(offset) => Plan {
                offset: i64::try_from(offset).unwrap_or(i64::MAX),
                ..plan
            },
            PageStart::After(place) => {
                let (_, behind) = parts(place);
                // The thing at the place itself may be gone since.
                let before = if self.descending {
                    (place.max(low), high)
                } else {
                    (low, next(place).min(high))
                };
                Plan {
                    before: Some(before),
                    span: behind,
                    ..plan
                }
            }
            PageStart::Before(place) => {
                let (before, _) = parts(place);
                Plan {
                    before: Some(before),
                    span: before,
                    // From the place backward.
                    descending: !self.descending,
                    ..plan
                }
            }
        }
    }

    /// The ids that are meant.
    pub(crate) fn span(&self) -> Span {
        let low = self.from.map_or([0; 16], first_id_of);
        let high = self.until.map_or([0xff; 16], first_id_of);
        (low, high)
    }
}

impl Plan {
    /// The page, from what was counted and fetched.
    pub(crate) fn page<T>(&self, total: i64, before: i64, mut items: Vec<T>) -> Page<T> {
        let offset = match self.start {
            PageStart::Offset(offset) => offset,
            PageStart::After(_) => size(before),
            PageStart::Before(_) => {
                items.reverse();
                size(before.saturating_sub(self.limit))
            }
        };
        Page {
            items,
            total: size(total),
            offset,
        }
    }
}

/// The lowest id of what was made at `time`.
pub(crate) fn first_id_of(time: Timestamp) -> [u8; 16] {
    let [_, _, millis @ ..] = u64::try_from(time.millis()).unwrap_or(0).to_be_bytes();
    let mut id = [0; 16];
    for (byte, of) in id.iter_mut().zip(millis) {
        *byte = of;
    }
    id
}

/// The id behind this one.
pub(crate) fn next(id: [u8; 16]) -> [u8; 16] {
    u128::from_be_bytes(id).saturating_add(1).to_be_bytes()
}

/// Words as a statement takes them that compares a column with each: commas around each, and nothing for any word at all.
pub(crate) fn listed(words: &[String]) -> String {
    if words.is_empty() {
        return String::new();
    }
    format!(",{},", words.join(","))
}

fn size(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: u8) -> [u8; 16] {
        let mut id = [0; 16];
        id[15] = number;
        id
    }

    /// A page of a list that is in memory.
    fn page(list: &[u8], query: &PageQuery) -> Page<u8> {
        let within = |(low, high): Span| {
            let list = list.iter().copied();
            list.filter(move |number| (low..high).contains(&id(*number)))
        };
        let count = |span| i64::try_from(within(span).count()).unwrap();
        let plan = query.plan();
        let mut found: Vec<u8> = within(plan.span).collect();
        if plan.descending {
            found.reverse();
        }
        let skip = usize::try_from(plan.offset).unwrap();
        let limit = usize::try_from(plan.limit).unwrap();
        let found = found.into_iter().skip(skip).take(limit).collect();
        plan.page(count(plan.all), plan.before.map_or(0, count), found)
    }

    proptest! {
        #[test]
        fn a_walk_in_either_direction_sees_all_once(
            list in proptest::collection::btree_set(any::<u8>(), 0..40),
            descending in any::<bool>(),
            limit in 1_usize..9,
        ) {
            let list: Vec<u8> = list.into_iter().collect();
            let mut ordered = list.clone();
            if descending {
                ordered.reverse();
            }
            let query = |start| PageQuery { from: None, until: None, descending, limit, start };
            let mut seen = Vec::new();
            let mut start = PageStart::Offset(0);
            loop {
                let page = page(&list, &query(start));
                prop_assert_eq!(page.total, list.len());
                prop_assert_eq!(page.offset, seen.len());
                let Some(last) = page.items.last() else { break };
                start = PageStart::After(id(*last));
                seen.extend(page.items);
            }
            prop_assert_eq!(&seen, &ordered);
            // And back, from wherever one is.
            for (place, first) in ordered.iter().enumerate() {
                let page = page(&list, &query(PageStart::Before(id(*first))));
                prop_assert_eq!(page.offset, place.saturating_sub(limit));
                prop_assert_eq!(&page.items[..], &ordered[page.offset..place]);
            }
        }

        #[test]
        fn an_offset_leaves_out_as_many(list in proptest::collection::btree_set(any::<u8>(), 0..40), offset in 0_usize..50) {
            let list: Vec<u8> = list.into_iter().collect();
            let query = PageQuery { from: None, until: None, descending: false, limit: 7, start: PageStart::Offset(offset) };
            let page = page(&list, &query);
            let expected: Vec<u8> = list.iter().copied().skip(offset).take(7).collect();
            prop_assert_eq!((page.items, page.total, page.offset), (expected, list.len(), offset));
        }
    }
}
