//! Choices of a test that differ from run to run and can be repeated.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A stream of numbers from a seed (SplitMix64): good enough to choose what a test does next, and nothing else.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    /// From the seed in `KLUIS_TEST_SEED`, or a new one; it is printed, so that a failure can be repeated.
    pub fn new() -> Self {
        let seed = match std::env::var("KLUIS_TEST_SEED") {
            Ok(seed) => seed.parse().expect("KLUIS_TEST_SEED is a number"),
            Err(_) => RandomState::new().build_hasher().finish(),
        };
        eprintln!("KLUIS_TEST_SEED={seed}");
        Self(seed)
    }

    /// A stream of its own for another task, fixed by this one's seed.
    pub fn fork(&mut self) -> Self {
        Self(self.number())
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).unwrap()
    }

    /// One of these.
    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// `length` hexadecimal digits.
    pub fn hex(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(*self.choose(b"0123456789abcdef")))
            .collect()
    }

    /// `length` letters and digits.
    pub fn word(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        (0..length)
            .map(|_| char::from(*self.choose(LETTERS)))
            .collect()
    }
}
