//! Values that several secrets have. They are compared by keyed digests, whose key is drawn for one run and forgotten with it: no digest
//! of a value is ever stored, and none is of use to anybody.

use std::collections::{BTreeMap, BTreeSet};

use kluis_crypto::{MacKey, Secret};
use uuid::Uuid;

use super::Found;
use crate::error::Error;
use crate::ids::SecretId;
use crate::insights::insight::Evidence;
use crate::insights::kind::Score;

/// Digests of the values of a run, and who has each.
pub(in super::super) struct Digests {
    key: MacKey,
    holders: BTreeMap<[u8; 16], Vec<SecretId>>,
    /// What each secret has, and of which version that is.
    values: BTreeMap<SecretId, (u32, Vec<[u8; 16]>)>,
    /// Secrets that were looked at, whatever they have.
    met: BTreeSet<SecretId>,
}

/// Texts with less are equal by chance.
const SHORTEST: usize = 4;
/// How many others are named.
const MOST_NAMED: usize = 20;

impl Digests {
    /// None yet, under a key of their own.
    pub(in super::super) fn new() -> Result<Self, Error> {
        Ok(Self {
            key: MacKey::new(&kluis_crypto::random::array::<32>()?),
            holders: BTreeMap::new(),
            values: BTreeMap::new(),
            met: BTreeSet::new(),
        })
    }

    /// This secret is one of the run's.
    pub(in super::super) fn meets(&mut self, secret: SecretId) {
        self.met.insert(secret);
    }

    /// Whether it is.
    pub(in super::super) fn has_met(&self, secret: SecretId) -> bool {
        self.met.contains(&secret)
    }

    /// This version of a secret has these texts in it.
    pub(in super::super) fn add<'a>(
        &mut self,
        secret: SecretId,
        version: u32,
        texts: impl Iterator<Item = &'a Secret>,
    ) {
        let digests: BTreeSet<[u8; 16]> = texts
            .filter(|text| text.len() >= SHORTEST)
            .filter_map(|text| self.key.tag(&[text.expose()]).first_chunk().copied())
            .collect();
        if digests.is_empty() {
            return;
        }
        for digest in &digests {
            self.holders.entry(*digest).or_default().push(secret);
        }
        self.values
            .insert(secret, (version, digests.into_iter().collect()));
    }

    /// Whether another secret has one of its texts.
    pub(in super::super) fn judge(&self, secret: SecretId) -> Option<Found> {
        let (_, digests) = self.values.get(&secret)?;
        let others: BTreeSet<SecretId> = digests
            .iter()
            .filter_map(|digest| self.holders.get(digest))
            .flatten()
            .copied()
            .filter(|other| *other != secret)
            .collect();
        if others.is_empty() {
            return None;
        }
        let count = others.len() + 1;
        let named = others.iter().take(MOST_NAMED);
        // A new value makes another insight, as does another secret that has it.
        let basis = named.clone().chain([&secret]).map(|id| {
            let version = self.values.get(id).map_or(0, |(version, _)| *version);
            format!("{id}:{version}")
        });
        let basis = basis.chain([count.to_string()]).collect::<Vec<_>>();
        Some(Found {
            score: score(count),
            basis: basis.join(" "),
            evidence: Evidence::Reused {
                others: named.map(SecretId::uuid).collect::<Vec<Uuid>>(),
                count,
            },
        })
    }
}

/// What it weighs that so many have the same value.
pub(in super::super) fn score(count: usize) -> Score {
    Score::of(1.0 - 1.0 / count.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(number: u8) -> SecretId {
        SecretId::from_bytes([number; 16])
    }

    fn digests(values: &[(u8, &str)]) -> Digests {
        let mut digests = Digests::new().unwrap();
        for (number, text) in values {
            let text = Secret::from_text((*text).to_owned());
            digests.add(secret(*number), 1, [&text].into_iter());
        }
        digests
    }

    #[test]
    fn equal_texts_are_found_and_no_others() {
        let digests = digests(&[
            (1, "same-value"),
            (2, "same-value"),
            (3, "Same-value"),
            (4, "abc"),
            (5, "abc"),
        ]);
        let found = digests.judge(secret(1)).unwrap();
        assert_eq!(
            found.evidence,
            Evidence::Reused {
                others: vec![secret(2).uuid()],
                count: 2
            }
        );
        assert!((found.score.share() - 0.5).abs() < 1e-9);
        assert_eq!(digests.judge(secret(3)), None);
        assert_eq!(digests.judge(secret(4)), None);
        assert_eq!(digests.judge(secret(9)), None);
    }

    #[test]
    fn a_secret_is_not_its_own_double() {
        let mut digests = Digests::new().unwrap();
        let texts = ["twice-in-it", "twice-in-it"].map(|text| Secret::from_text(text.to_owned()));
        digests.add(secret(1), 1, texts.iter());
        assert_eq!(digests.judge(secret(1)), None);
    }

    #[test]
    fn no_two_runs_have_the_same_digests() {
        let one = digests(&[(1, "same-value")]);
        let other = digests(&[(1, "same-value")]);
        assert!(one.holders.keys().ne(other.holders.keys()));
    }

    proptest! {
        #[test]
        fn the_order_of_secrets_and_the_key_of_a_run_make_no_difference(
            values in proptest::collection::vec(0_u32..6, 1..30)
        ) {
            let texts: Vec<(u8, String)> = (0..).zip(&values).map(|(number, value)| (number, format!("value {value}"))).collect();
            let forward: Vec<(u8, &str)> = texts.iter().map(|(number, text)| (*number, text.as_str())).collect();
            let backward: Vec<(u8, &str)> = forward.iter().rev().copied().collect();
            let (forward, backward) = (digests(&forward), digests(&backward));
            for (number, value) in (0..).zip(&values) {
                let found = forward.judge(secret(number));
                prop_assert_eq!(&found, &backward.judge(secret(number)));
                let same = values.iter().filter(|other| *other == value).count();
                prop_assert_eq!(found.is_some(), same > 1);
            }
        }
    }
}
