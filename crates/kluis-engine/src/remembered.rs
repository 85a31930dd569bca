//! What the database said, for as long as nothing has changed since.
//!
//! Only a store whose every change goes through this process can tell that nothing has ([`Store::generation`]): a change
//! moves the generation before it is acknowledged, so that nothing here outlives a revocation. Elsewhere every look asks the
//! database. What is sealed stays sealed: rows are kept as they are stored, and each look decides, opens and records anew.
//!
//! [`Store::generation`]: crate::store::Store::generation

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

/// Answers of the database by what was asked for, all of one generation.
pub(crate) struct Remembered<K, V> {
    /// Bytes that they may take together, about; a bound on memory, not a rule.
    most: usize,
    kept: RwLock<Kept<K, V>>,
}

struct Kept<K, V> {
    generation: u64,
    bytes: usize,
    answers: HashMap<K, Arc<V>>,
}

/// What an answer takes beside its own bytes, about.
const EACH: usize = 512;

impl<K: Eq + Hash, V> Remembered<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            kept: RwLock::new(Kept {
                generation: 0,
                bytes: 0,
                answers: HashMap::new(),
            }),
        }
    }

    /// The answer in this very generation.
    pub(crate) fn answer(&self, asked: &K, generation: u64) -> Option<Arc<V>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if kept.generation != generation {
            return None;
        }
        kept.answers.get(asked).map(Arc::clone)
    }

    /// Keep an answer of `bytes` bytes. `generation` is from before the database was asked: a change that came in between
    /// makes the answer outdated, never wrong.
    pub(crate) fn keep(&self, asked: K, generation: u64, answer: Arc<V>, bytes: usize) {
        let bytes = EACH + bytes;
        if bytes > self.most {
            return;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.generation > generation {
            return;
        }
        if kept.generation < generation || kept.bytes + bytes > self.most {
            kept.generation = generation;
            kept.bytes = 0;
            kept.answers.clear();
        }
        if kept.answers.insert(asked, answer).is_none() {
            kept.bytes += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_true_in_its_own_generation_only() {
        let known = Remembered::new(1 << 20);
        known.keep("a", 1, Arc::new(10), 0);
        assert_eq!(known.answer(&"a", 1).as_deref(), Some(&10));
        assert!(known.answer(&"a", 2).is_none());
        assert!(known.answer(&"a", 0).is_none());
        known.keep("b", 2, Arc::new(20), 0);
        // Asked before the change that others have seen already.
        known.keep("b", 1, Arc::new(11), 0);
        assert_eq!(known.answer(&"b", 2).as_deref(), Some(&20));
        assert!(known.answer(&"a", 2).is_none());
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let known = Remembered::new(10 * EACH);
        for number in 0..1_000 {
            known.keep(number, 1, Arc::new(()), 0);
            assert!(known.kept.read().unwrap().answers.len() <= 10);
        }
        known.keep(1, 2, Arc::new(()), 10 * EACH);
        assert!(known.answer(&1, 2).is_none());
    }
}
