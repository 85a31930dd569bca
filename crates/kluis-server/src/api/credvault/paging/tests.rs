//! Pages, filters and sorts, as rules and against a plain model.

use proptest::prelude::*;

use super::query::{List, Start};
use super::{Cell, Field, ListItem, Place, Position, Window, compare};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Thing {
    id: u8,
    name: String,
    kind: &'static str,
    created_at: i64,
    expires_at: Option<i64>,
}

impl ListItem for Thing {
    const NAME: &'static str = "things";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |thing| Cell::Time(thing.created_at)),
        Field::text("name", |thing| thing.name.as_str().into()),
        Field::word("kind", |thing| thing.kind.into()),
        Field::time("expires_at", |thing| {
            thing.expires_at.map_or(Cell::Absent, Cell::Time)
        }),
    ];
    const SELECTORS: &'static [(&'static str, &'static str)] = &[("of", "Whose things.")];

    fn id(&self) -> [u8; 16] {
        [self.id; 16]
    }
}

fn list(query: &str) -> List<Thing> {
    List::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn refused(query: &str) -> String {
    match List::<Thing>::parse(query) {
        Ok(_) => panic!("{query} passed"),
        Err(error) => error.to_string(),
    }
}

fn thing(id: u8) -> Thing {
    Thing {
        id,
        name: format!("Thing {id}"),
        kind: if id.is_multiple_of(2) { "even" } else { "odd" },
        created_at: i64::from(id) * 1000,
        expires_at: (id > 2).then(|| i64::from(id) * 1000),
    }
}

fn ids(query: &str, count: u8) -> Vec<u8> {
    let things = (0..count).map(thing).collect();
    window(&list(query), things)
        .items
        .into_iter()
        .map(|(_, thing)| thing.id)
        .collect()
}

fn window(list: &List<Thing>, things: Vec<Thing>) -> Window<Thing> {
    let Start::Offset(offset) = list.start else {
        panic!("a cursor")
    };
    list.window(things, &Position::Offset(offset))
}

/// NT-08
#[test]
fn a_limit_is_a_whole_number_from_one_and_cut_at_two_hundred() {
    for (query, limit) in [
        ("", 50),
        ("limit=1", 1),
        ("limit=007", 7),
        ("limit=200", 200),
        ("limit=201", 200),
        ("limit=9223372036854775807", 200),
        ("limit=99999999999999999999999999", 200),
    ] {
        assert_eq!(list(query).limit, limit, "{query}");
    }
    for query in [
        "limit=0",
        "limit=00",
        "limit=-1",
        "limit=-0",
        "limit=+1",
        "limit=%2B1",
        "limit=1.0",
        "limit=1e9",
        "limit=NaN",
        "limit=",
        "limit",
        "limit=0x10",
        "limit=1,2",
        "limit=-9223372036854775808",
        "limit=%20",
        "limit=%EF%BC%91",
    ] {
        assert!(refused(query).starts_with("limit "), "{query}");
    }
}

#[test]
fn offset_and_skip_mean_the_same_and_exclude_a_cursor() {
    for (query, offset) in [
        ("", 0),
        ("offset=0", 0),
        ("skip=3", 3),
        ("offset=3&skip=3", 3),
        ("skip=03&offset=3", 3),
    ] {
        assert_eq!(list(query).start, Start::Offset(offset), "{query}");
    }
    assert_eq!(
        list("offset=99999999999999999999").start,
        Start::Offset((1 << 53) - 1)
    );
    assert_eq!(list("cursor=x").start, Start::Cursor("x".to_owned()));
    for query in [
        "offset=1&skip=2",
        "offset=-1",
        "skip=-1",
        "offset=x",
        "offset=",
        "cursor=x&offset=0",
        "cursor=x&skip=1",
    ] {
        refused(query);
    }
}

#[test]
fn what_is_unknown_or_given_twice_is_named() {
    for (query, message) in [
        ("colour=red", "colour is no filter of this list."),
        (
            "created_at=2026-01-01",
            "created_at is no filter of this list.",
        ),
        (
            "kind_contains=e",
            "kind_contains is no filter of this list.",
        ),
        (
            "name_after=2026-01-01",
            "name_after is no filter of this list.",
        ),
        ("=x", " is no filter of this list."),
        (
            "sort=colour",
            "sort names 'colour', which is no field of this list.",
        ),
        (
            "sort=-of",
            "sort names 'of', which is no field of this list.",
        ),
        ("sort=", "sort names '', which is no field of this list."),
        (
            "sort=--name",
            "sort names '-name', which is no field of this list.",
        ),
        ("sort=name,-name", "sort names a field twice."),
        (
            "sort=name,kind,created_at,expires_at",
            "sort must name at most three fields.",
        ),
        ("limit=1&limit=1", "limit is given twice."),
        ("kind=odd&kind=even", "kind is given twice."),
        ("order=up", "order must be asc or desc."),
        (
            "sort=-name&order=asc",
            "order goes with one field without a sign in sort.",
        ),
        (
            "sort=name,kind&order=desc",
            "order goes with one field without a sign in sort.",
        ),
        (
            "created_after=yesterday",
            "created_after must be RFC 3339 or YYYY-MM-DD.",
        ),
        (
            "created_before=2026-02-30",
            "created_before must be RFC 3339 or YYYY-MM-DD.",
        ),
        (
            "expires_before=0123456789",
            "expires_before must be RFC 3339 or YYYY-MM-DD.",
        ),
        (
            "created_after=",
            "created_after must be RFC 3339 or YYYY-MM-DD.",
        ),
    ] {
        assert_eq!(refused(query), message, "{query}");
    }
    assert!(refused(&"x".repeat(1 << 16)).len() < 100);
}

#[test]
fn filters_narrow_and_join() {
    for (query, expected) in [
        ("kind=odd", &[1, 3, 5][..]),
        ("kind=odd,even", &[0, 1, 2, 3, 4, 5]),
        ("kind=Odd", &[]),
        ("kind=", &[]),
        ("name=Thing+3", &[3]),
        ("name_contains=NG+3", &[3]),
        ("name_contains=", &[0, 1, 2, 3, 4, 5]),
        ("created_after=1970-01-01T00:00:03Z", &[3, 4, 5]),
        ("created_before=1970-01-01T00:00:03Z", &[0, 1, 2]),
        (
            "created_after=1970-01-01T01:00:03%2B01:00&created_before=1970-01-01T00:00:04Z",
            &[3],
        ),
        ("created_after=1970-01-01", &[0, 1, 2, 3, 4, 5]),
        ("created_before=1970-01-01", &[]),
        // What has no end is in no range of ends.
        ("expires_before=2999-01-01", &[3, 4, 5]),
        ("expires_after=1970-01-01", &[3, 4, 5]),
        ("kind=odd&created_after=1970-01-01T00:00:02Z", &[3, 5]),
        ("of=anyone", &[0, 1, 2, 3, 4, 5]),
    ] {
        assert_eq!(ids(query, 6), expected, "{query}");
    }
}

#[test]
fn an_order_is_by_up_to_three_fields_and_ties_break_by_id() {
    for (query, expected) in [
        ("", [0, 1, 2, 3]),
        ("order=desc", [3, 2, 1, 0]),
        ("sort=name&order=desc", [3, 2, 1, 0]),
        ("sort=-created_at", [3, 2, 1, 0]),
        ("sort=kind", [0, 2, 1, 3]),
        ("sort=-kind", [1, 3, 0, 2]),
        ("sort=-kind,-name", [3, 1, 2, 0]),
        // What has no end stands before what has one.
        ("sort=expires_at,-created_at", [2, 1, 0, 3]),
        ("sort=-expires_at", [3, 0, 1, 2]),
    ] {
        assert_eq!(ids(query, 4), expected, "{query}");
    }
}

#[test]
fn the_identity_of_a_list_is_its_filters_and_order_and_nothing_else() {
    let same = list("kind=odd&name=x&of=me").identity();
    for query in [
        "of=me&name=x&kind=odd",
        "kind=odd&name=x&of=me&limit=3&offset=2",
        "kind=odd&name=x&of=me&sort=created_at",
        "kind=odd&name=x&of=me&order=asc&cursor=x",
    ] {
        assert_eq!(
            list(query.trim_end_matches("&cursor=x")).identity(),
            same,
            "{query}"
        );
    }
    for query in [
        "",
        "kind=odd",
        "kind=odd&name=x",
        "kind=odd&name=x&of=you",
        "kind=even&name=x&of=me",
        "kind=odd&name=x&of=me&order=desc",
        "kind=odd&name=x&of=me&sort=name",
        "kind=odd&name=x,of&of=me",
    ] {
        assert_ne!(list(query).identity(), same, "{query}");
    }
}

fn things() -> impl Strategy<Value = Vec<Thing>> {
    let ids = prop::collection::btree_set(any::<u8>(), 0..40);
    (ids, any::<u64>()).prop_map(|(ids, seed)| {
        let few = |id: u8, of: i64| (seed.rotate_left(u32::from(id)) % 97).cast_signed() % of;
        ids.into_iter()
            .map(|id| Thing {
                id,
                name: format!("n{}", few(id, 3)),
                kind: if few(id, 2) == 0 { "even" } else { "odd" },
                created_at: few(id, 5) * 1000,
                expires_at: (few(id, 3) > 0).then(|| few(id, 7)),
            })
            .collect()
    })
}

fn sorted_by() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "sort=-name",
        "sort=kind,-expires_at,name",
        "sort=expires_at",
        "order=desc",
    ])
}

/// What stands where, walking from page to page with cursors; `change` may alter the things between two pages.
fn walk(
    list: &List<Thing>,
    things: &mut Vec<Thing>,
    from: Position,
    mut change: impl FnMut(&mut Vec<Thing>),
) -> Vec<Vec<u8>> {
    let mut pages = Vec::new();
    let mut position = from;
    // A walk that does not end is a failure, not a hang (NT-58).
    for _ in 0..=things.len() + 300 {
        let window = list.window(things.clone(), &position);
        let (first, last) = (window.items.first(), window.items.last());
        let (Some((first, _)), Some((last, _))) = (first, last) else {
            return pages;
        };
        let back = matches!(position, Position::Before(_));
        position = if back {
            Position::Before(first.clone())
        } else {
            Position::After(last.clone())
        };
        pages.push(window.items.iter().map(|(_, thing)| thing.id).collect());
        change(things);
    }
    panic!("the walk does not end: {pages:?}");
}

proptest! {
    /// NT-58
    #[test]
    fn cursors_offsets_and_the_way_back_give_the_same_list(
        things in things(), sort in sorted_by(), limit in 1..12_usize,
    ) {
        let list = list(format!("{sort}&limit={limit}").replace("&&", "&").trim_start_matches('&'));
        let whole: Vec<_> = list
            .window(things.clone(), &Position::Offset(0)).items.iter().map(|(place, _)| place.clone()).collect();
        let all = List::<Thing>::parse(sort).unwrap();
        let full = all.window(things.clone(), &Position::Offset(0));
        let expected: Vec<u8> = full.items.iter().map(|(_, thing)| thing.id).collect();
        prop_assert_eq!(whole.len(), limit.min(things.len()));
        prop_assert!(full.items.is_sorted_by(|(one, _), (other, _)| compare(&all.sort, one, other).is_lt()));

        let forward = walk(&list, &mut things.clone(), Position::Offset(0), |_| ());
        prop_assert_eq!(forward.concat(), expected.clone());
        prop_assert!(forward.iter().rev().skip(1).all(|page| page.len() == limit));

        let mut by_offset = Vec::new();
        for offset in (0..things.len()).step_by(limit) {
            let window = list.window(things.clone(), &Position::Offset(offset));
            prop_assert_eq!(window.total, things.len());
            by_offset.extend(window.items.into_iter().map(|(_, thing)| thing.id));
        }
        prop_assert_eq!(by_offset, expected.clone());

        if let Some((end, _)) = full.items.last() {
            let mut back = walk(&list, &mut things.clone(), Position::Before(end.clone()), |_| ());
            back.reverse();
            prop_assert_eq!(back.concat(), &expected[..expected.len() - 1]);
        }
        for beyond in [things.len(), things.len() + 1, usize::MAX] {
            let window = list.window(things.clone(), &Position::Offset(beyond));
            prop_assert_eq!((window.items.len(), window.total), (0, things.len()));
        }
    }

    #[test]
    fn what_stays_is_seen_once_whatever_comes_and_goes_meanwhile(
        things in things(), sort in sorted_by(), limit in 1..6_usize, goes in any::<prop::sample::Index>(), comes in any::<u8>(),
    ) {
        let list = list(format!("{sort}&limit={limit}").trim_start_matches('&'));
        let mut turn = 0_u8;
        let mut now = things.clone();
        let mut touched = Vec::new();
        let pages = walk(&list, &mut now, Position::Offset(0), |things| {
            turn = turn.wrapping_add(1);
            if turn > 20 {
                return;
            }
            if !things.is_empty() {
                touched.push(things.swap_remove(goes.index(things.len())).id);
            }
            let id = comes.wrapping_add(turn);
            if things.iter().all(|thing| thing.id != id) {
                things.push(super::tests::thing(id));
                touched.push(id);
            }
        });
        let seen = pages.concat();
        for thing in &things {
            if !touched.contains(&thing.id) {
                let times = seen.iter().filter(|&&id| id == thing.id).take(2).count();
                prop_assert_eq!(times, 1, "{}", thing.id);
            }
        }
    }

    #[test]
    fn any_query_is_read_or_refused(query in ".{0,80}") {
        let _ = List::<Thing>::parse(&query);
    }

    #[test]
    fn a_place_reads_back_as_it_was_written(time in any::<i64>(), text in ".*") {
        let place = Place(vec![Cell::Absent, Cell::Time(time), Cell::Text(text)], "x".to_owned());
        let written = serde_json::to_vec(&place).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Place>(&written).unwrap(), place);
    }
}
