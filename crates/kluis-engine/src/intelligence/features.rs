//! What the model sees of a text: which patterns it has, what it is made of, and which groups of characters stand in it.

use super::patterns;

/// How much of a text is looked at, in characters: what a secret is shows early.
const LOOKED_AT: usize = 600;
/// Places for groups of three letters as they are, in lower case.
const WORDS: usize = 1_024;
/// Places for groups of two and three kinds of characters.
const SHAPES: usize = 512;
/// Places for what the whole is made of.
const WHOLE: usize = 36;

/// How many features there are.
pub(super) const COUNT: usize = patterns::COUNT + WHOLE + WORDS + SHAPES;

/// A text as the model sees it.
pub(super) struct Features {
    /// Numbers of features with their values; those that are zero are left out.
    pub(super) values: Vec<(usize, f32)>,
    /// The patterns that were found.
    pub(super) patterns: Vec<usize>,
    /// Shannon entropy in bits per character.
    pub(super) entropy: f32,
    /// Length in characters, as far as it was looked at.
    pub(super) length: usize,
}

impl Features {
    /// Look at a text.
    pub(super) fn of(text: &str) -> Self {
        let characters: Vec<char> = text.trim().chars().take(LOOKED_AT).collect();
        let looked_at: String = characters.iter().collect();
        let patterns = patterns::found(&looked_at);
        let mut values: Vec<(usize, f32)> = patterns.iter().map(|&number| (number, 1.0)).collect();
        let entropy = entropy(&characters);
        let whole = whole(&characters, entropy);
        let begin = patterns::COUNT;
        values.extend((begin..).zip(whole).filter(|(_, value)| *value != 0.0));
        let lower: Vec<char> = looked_at.to_lowercase().chars().collect();
        groups(&mut values, begin + WHOLE, WORDS, &lower, &[3]);
        let shapes: Vec<char> = characters.iter().copied().map(kind).collect();
        groups(&mut values, begin + WHOLE + WORDS, SHAPES, &shapes, &[2, 3]);
        Self {
            values,
            patterns,
            entropy,
            length: characters.len(),
        }
    }
}

/// One letter for each kind of character.
fn kind(character: char) -> char {
    match character {
        'A'..='Z' => 'A',
        'a'..='z' => 'a',
        '0'..='9' => '0',
        ' ' | '\t' => ' ',
        '\n' | '\r' => '\n',
        other if other.is_ascii_punctuation() => other,
        other if other.is_alphabetic() => 'e',
        _ => '?',
    }
}

/// Features for groups of neighbours: each place of `places` counts those whose hash leads there. Together they are of length one, so
/// that a long text does not weigh more than a short one.
fn groups(
    values: &mut Vec<(usize, f32)>,
    begin: usize,
    places: usize,
    characters: &[char],
    sizes: &[usize],
) {
    let mut counts = vec![0_u16; places];
    for &size in sizes {
        for group in characters.windows(size) {
            if let Some(count) = counts.get_mut(hash(group) % places) {
                *count = count.saturating_add(1);
            }
        }
    }
    let length = counts
        .iter()
        .map(|&count| f32::from(count).powi(2))
        .sum::<f32>()
        .sqrt();
    let counted = (begin..).zip(counts).filter(|(_, count)| *count > 0);
    values.extend(counted.map(|(number, count)| (number, f32::from(count) / length)));
}

/// FNV-1a, which is the same everywhere and always.
fn hash(group: &[char]) -> usize {
    let hash = group.iter().fold(0x811c_9dc5_u32, |hash, character| {
        (hash ^ u32::from(*character)).wrapping_mul(0x0100_0193)
    });
    usize::try_from(hash).unwrap_or(0)
}

/// Shannon entropy in bits per character.
pub(super) fn entropy(characters: &[char]) -> f32 {
    let mut sorted = characters.to_vec();
    sorted.sort_unstable();
    let total = share(characters.len());
    sorted
        .chunk_by(|one, other| one == other)
        .map(|same| {
            let probability = share(same.len()) / total;
            -probability * probability.log2()
        })
        .sum()
}

/// A small count as a number; texts are cut long before it is inexact.
fn share(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}

/// What a text is made of as a whole.
fn whole(characters: &[char], entropy: f32) -> [f32; WHOLE] {
    let length = characters.len();
    let total = share(length.max(1));
    let part = |is: fn(&char) -> bool| {
        share(characters.iter().filter(|character| is(character)).count()) / total
    };
    let digits = part(char::is_ascii_digit);
    let upper = part(char::is_ascii_uppercase);
    let lower = part(char::is_ascii_lowercase);
    let punctuation = part(char::is_ascii_punctuation);
    let blank = part(|character| character.is_whitespace());
    let vowels = part(|character| "aeiouAEIOU".contains(*character));
    let hexadecimal = part(char::is_ascii_hexdigit);
    let kinds: Vec<char> = characters.iter().copied().map(kind).collect();
    let changes = kinds.windows(2).filter(|pair| {
        let [one, other] = pair else { return false };
        one != other
    });
    let mut distinct = characters.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let words = characters.split(|character| character.is_whitespace());
    let longest = words.map(<[char]>::len).max().unwrap_or(0);
    let lines = characters.iter().filter(|&&one| one == '\n').count();
    let is = |holds: bool| if holds { 1.0 } else { 0.0 };
    let within = |value: usize, from: usize, to: usize| is((from..to).contains(&value));
    let between = |value: f32, from: f32, to: f32| is(from <= value && value < to);
    let four = [digits, upper, lower, punctuation];
    let used = four.iter().filter(|share| **share > 0.0).count();
    [
        1.0,
        digits,
        upper,
        lower,
        punctuation,
        blank,
        vowels,
        hexadecimal,
        share(changes.count()) / total,
        share(distinct.len()) / total,
        entropy / 6.0,
        between(entropy, 0.0, 2.0),
        between(entropy, 2.0, 2.8),
        between(entropy, 2.8, 3.3),
        between(entropy, 3.3, 3.8),
        between(entropy, 3.8, 4.4),
        between(entropy, 4.4, 5.0),
        between(entropy, 5.0, 9.0),
        within(length, 0, 6),
        within(length, 6, 9),
        within(length, 9, 13),
        within(length, 13, 17),
        within(length, 17, 25),
        within(length, 25, 41),
        within(length, 41, 100),
        within(length, 100, 300),
        within(length, 300, usize::MAX),
        within(longest, 0, 13),
        within(longest, 13, 25),
        within(longest, 25, 65),
        within(longest, 65, usize::MAX),
        is(lines > 0),
        is(lines > 4),
        is(used >= 3),
        is(used == 4),
        is(characters
            .iter()
            .all(|one| one.is_ascii_digit() || *one == '.')),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entropy_is_in_bits_per_character() {
        let of = |text: &str| entropy(&text.chars().collect::<Vec<_>>());
        assert!(of("").abs() < 1e-6);
        assert!(of("aaaa").abs() < 1e-6);
        assert!((of("abab") - 1.0).abs() < 1e-6);
        assert!((of("abcdefgh") - 3.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn features_of_any_text_are_numbers_within_their_places(text in "\\PC{0,900}") {
            let features = Features::of(&text);
            for (number, value) in features.values {
                prop_assert!(number < COUNT);
                prop_assert!(value.is_finite());
            }
            prop_assert!(features.length <= LOOKED_AT);
        }
    }
}
