//! Which of many patterns can match a path, by the fixed text that a pattern begins or ends with.
//!
//! Names in one house are alike: thousands of patterns begin with `services/` or end with `/password`. A pattern is kept
//! under that end of it which it shares with fewer others, and found by asking for each beginning and end that the path
//! has, of the lengths that there are. So what a decision costs grows with the patterns that come close to the path.

use std::collections::{BTreeSet, HashMap};

use super::glob::Glob;

/// Patterns by their numbers, which rise in the order in which they are to be tried.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// Those with wildcards at both ends; all, where there are few.
    anywhere: Box<[usize]>,
    by_head: Table,
    by_tail: Table,
}

/// Patterns by a text, read from its one end.
#[derive(Clone, Debug, Default)]
struct Table {
    /// How long the texts are, in bytes; each length once, in rising order, none 0.
    lengths: Box<[usize]>,
    /// By the hash of a text. Texts with the same one are found together: the pattern itself decides.
    numbers: HashMap<u64, Vec<usize>>,
}

/// So many are tried one after the other in no time.
const FEW: usize = 16;

impl Index {
    pub(super) fn of<'p>(patterns: impl ExactSizeIterator<Item = &'p Glob> + Clone) -> Self {
        if patterns.len() <= FEW {
            return Self {
                anywhere: (0..patterns.len()).collect(),
                ..Self::default()
            };
        }
        let (mut heads, mut tails) = (HashMap::<&str, usize>::new(), HashMap::new());
        for pattern in patterns.clone() {
            let (head, tail) = pattern.ends();
            *heads.entry(head).or_default() += 1;
            *tails.entry(tail).or_default() += 1;
        }
        let shared = |ends: &HashMap<&str, usize>, end: &str| match end {
            "" => usize::MAX,
            end => ends.get(end).copied().unwrap_or_default(),
        };
        let mut anywhere = Vec::new();
        let (mut by_head, mut by_tail) = (Making::default(), Making::default());
        for (number, pattern) in patterns.enumerate() {
            let (head, tail) = pattern.ends();
            if head.is_empty() && tail.is_empty() {
                anywhere.push(number);
            } else if shared(&heads, head) <= shared(&tails, tail) {
                by_head.put(head.len(), head.bytes(), number);
            } else {
                by_tail.put(tail.len(), tail.bytes().rev(), number);
            }
        }
        Self {
            anywhere: anywhere.into(),
            by_head: by_head.made(),
            by_tail: by_tail.made(),
        }
    }

    /// Show every pattern that can match `path`, in portions; in each of them the numbers rise.
    pub(super) fn each_near(&self, path: &str, mut show: impl FnMut(&[usize])) {
        show(&self.anywhere);
        self.by_head.each_in(path.bytes(), &mut show);
        self.by_tail.each_in(path.bytes().rev(), &mut show);
    }
}

impl Table {
    /// Show what is kept under each text that `bytes` begin with.
    fn each_in(&self, bytes: impl Iterator<Item = u8>, show: &mut impl FnMut(&[usize])) {
        let mut lengths = self.lengths.iter();
        let Some(mut next) = lengths.next() else {
            return;
        };
        let mut hash = NOTHING;
        for (length, byte) in (1..).zip(bytes) {
            hash = behind(hash, byte);
            if length != *next {
                continue;
            }
            if let Some(numbers) = self.numbers.get(&hash) {
                show(numbers);
            }
            match lengths.next() {
                Some(length) => next = length,
                None => return,
            }
        }
    }
}

/// A table that is being made.
#[derive(Default)]
struct Making {
    lengths: BTreeSet<usize>,
    numbers: HashMap<u64, Vec<usize>>,
}

impl Making {
    fn put(&mut self, length: usize, bytes: impl Iterator<Item = u8>, number: usize) {
        self.lengths.insert(length);
        let hash = bytes.fold(NOTHING, behind);
        self.numbers.entry(hash).or_default().push(number);
    }

    fn made(self) -> Table {
        Table {
            lengths: self.lengths.into_iter().collect(),
            numbers: self.numbers,
        }
    }
}

/// The hash of a text and one byte more (FNV-1a): all beginnings of a path are hashed in one go.
fn behind(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// The hash of no bytes.
const NOTHING: u64 = 0xcbf2_9ce4_8422_2325;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(index: &Index, path: &str) -> Vec<usize> {
        let mut near = Vec::new();
        index.each_near(path, |numbers| {
            assert!(numbers.is_sorted());
            near.extend_from_slice(numbers);
        });
        near
    }

    #[test]
    fn few_of_many_come_near() {
        let mut patterns = Vec::new();
        for number in 0..1_000 {
            patterns.push(format!("services/svc-{number}/**"));
            patterns.push(format!("services/*/password-{number}"));
            patterns.push(format!("services/svc-{number}-*/password"));
            patterns.push(format!("**/key-{number}"));
            patterns.push(format!("services/svc-{number}/production/password"));
        }
        let globs: Vec<Glob> = patterns
            .iter()
            .map(|text| Glob::parse(text).unwrap())
            .collect();
        let index = Index::of(globs.iter());
        let path = "services/svc-417/production/password";
        let found = near(&index, path);
        // `svc-4` and `svc-41` begin like it.
        assert!(found.len() < 10, "{found:?}");
        let matching = |number: &usize| globs[*number].matches(path);
        let matching: Vec<&str> = found
            .iter()
            .filter(|number| matching(number))
            .map(|number| patterns[*number].as_str())
            .collect();
        assert_eq!(
            matching,
            [
                "services/svc-417/**",
                "services/svc-417/production/password"
            ]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_024))]

        #[test]
        fn every_pattern_that_matches_comes_near(
            patterns in prop::collection::vec(
                prop::collection::vec(
                    prop_oneof![Just("**".to_owned()), Just("*".to_owned()), "[ab]{1,2}", r"[ab]?\*[ab]?"],
                    1..4,
                ),
                0..80,
            ),
            path in prop::collection::vec("[ab]{1,2}", 1..4),
        ) {
            let patterns: Vec<Glob> = patterns.iter().filter_map(|segments| Glob::parse(&segments.join("/")).ok()).collect();
            let path = path.join("/");
            let found = near(&Index::of(patterns.iter()), &path);
            for (number, pattern) in patterns.iter().enumerate() {
                prop_assert!(!pattern.matches(&path) || found.contains(&number), "{} on {path}", pattern.as_str());
            }
        }
    }
}
