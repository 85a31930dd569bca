//! What the database said, for as long as nothing has changed since.
//!
//! Only a store whose every change goes through this process can tell that nothing has ([`Store::generations`]): a change
//! moves the generation before it is acknowledged, so that nothing here outlives a revocation. Elsewhere every look asks the
//! database. What is sealed stays sealed: rows are kept as they are stored, and each look decides, opens and records anew.
//!
//! [`Store::generations`]: crate::store::Store::generations

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

/// Answers of the database by what was asked for.
pub(crate) struct Remembered<K, V> {
    /// Bytes that they may take together, about; a bound on memory, not a rule.
    most: usize,
    kept: RwLock<Kept<K, V>>,
}

struct Kept<K, V> {
    bytes: usize,
    answers: HashMap<K, Answer<V>>,
}

struct Answer<V> {
    generation: u64,
    bytes: usize,
    said: Arc<V>,
}

/// What an answer takes beside its own bytes, about.
const EACH: usize = 512;

impl<K: Eq + Hash, V> Remembered<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            kept: RwLock::new(Kept {
                bytes: 0,
                answers: HashMap::new(),
            }),
        }
    }

    /// The answer in this very generation.
    pub(crate) fn answer(&self, asked: &K, generation: u64) -> Option<Arc<V>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.answers
            .get(asked)
            .filter(|known| known.generation == generation)
            .map(|known| Arc::clone(&known.said))
    }

    /// Keep an answer of `bytes` bytes. `generation` is from before the database was asked: a change that came in between
    /// makes the answer outdated, never wrong.
    pub(crate) fn keep(&self, asked: K, generation: u64, answer: Arc<V>, bytes: usize) {
        let bytes = EACH + bytes;
        if bytes > self.most {
            return;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + bytes > self.most {
            kept.bytes = 0;
            kept.answers.clear();
        }
        let known = Answer {
            generation,
            bytes,
            said: answer,
        };
        kept.bytes += bytes;
        if let Some(former) = kept.answers.insert(asked, known) {
            kept.bytes -= former.bytes;
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
        known.keep("a", 2, Arc::new(20), 0);
        assert_eq!(known.answer(&"a", 2).as_deref(), Some(&20));
        assert!(known.answer(&"a", 1).is_none());
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let known = Remembered::new(10 * EACH);
        for number in 0..1_000 {
            known.keep(number % 300, number, Arc::new(()), 0);
            let kept = known.kept.read().unwrap();
            assert!(kept.answers.len() <= 10);
            assert_eq!(kept.bytes, kept.answers.len() * EACH);
        }
        known.keep(1, 2, Arc::new(()), 10 * EACH);
        assert!(known.answer(&1, 2).is_none());
    }
}
