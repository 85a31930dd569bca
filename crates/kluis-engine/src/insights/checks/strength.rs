//! How many guesses a text withstands, in bits.
//!
//! What a person may have chosen is estimated by zxcvbn, which knows common passwords, words, names, keyboards and dates. What a program
//! has drawn is estimated by what it is made of, unless zxcvbn finds a pattern in it. Both look at a beginning only, which is more than
//! enough to be strong. zxcvbn weighs years by their distance from the present one: that moves the estimate of a date by a bit at
//! most, and estimates are told in steps of several.

use zxcvbn::zxcvbn;

/// A password's bits; `beside` is what an attacker tries first: the user's name, and what the secret is called.
pub(super) fn of_password(text: &str, beside: &[&str]) -> f64 {
    let beginning: String = text.chars().take(LOOKED_AT).collect();
    (zxcvbn(&beginning, beside).guesses_log10() * std::f64::consts::LOG2_10).max(0.0)
}

/// A token's bits.
pub(super) fn of_token(text: &str) -> f64 {
    let drawn = drawn_part(text.trim());
    let characters: Vec<char> = drawn.chars().take(LONGEST_TOKEN).collect();
    let length = characters.len() as f64;
    let found = of_password(drawn, &[]) * OF_ALPHANUMERIC / OF_ANY;
    let beginning = characters.len().clamp(1, LOOKED_AT) as f64;
    let by_pattern = found * length / beginning;
    by_pattern
        .min(length * alphabet(&characters).log2())
        .min(length * entropy(&characters))
}

/// A token without what its provider begins all of them with.
fn drawn_part(text: &str) -> &str {
    text.rsplit_once('_')
        .map(|(_, drawn)| drawn)
        .filter(|drawn| drawn.len() >= SHORTEST_DRAWN)
        .unwrap_or(text)
}

/// How many characters there are to draw from, by those that there are.
fn alphabet(characters: &[char]) -> f64 {
    let any = |is: fn(&char) -> bool| characters.iter().any(is);
    let is_hexadecimal = characters.iter().all(char::is_ascii_hexdigit);
    let one_case = !(any(char::is_ascii_lowercase) && any(char::is_ascii_uppercase));
    if is_hexadecimal && one_case && any(char::is_ascii_digit) {
        return if any(char::is_ascii_alphabetic) {
            16.0
        } else {
            10.0
        };
    }
    let sizes = [
        (any(char::is_ascii_digit), 10.0),
        (any(char::is_ascii_lowercase), 26.0),
        (any(char::is_ascii_uppercase), 26.0),
        (any(|character| !character.is_ascii_alphanumeric()), 10.0),
    ];
    let sizes = sizes
        .into_iter()
        .filter(|(there, _)| *there)
        .map(|(_, size)| size);
    sizes.sum::<f64>().max(1.0)
}

/// Shannon entropy in bits per character, with what so short a text hides of it (Miller and Madow).
fn entropy(characters: &[char]) -> f64 {
    let mut sorted = characters.to_vec();
    sorted.sort_unstable();
    let total = characters.len().max(1) as f64;
    let mut distinct = 0_usize;
    let entropy: f64 = sorted
        .chunk_by(|one, other| one == other)
        .map(|same| {
            distinct += 1;
            let probability = same.len() as f64 / total;
            -probability * probability.log2()
        })
        .sum();
    let hidden = distinct.saturating_sub(1) as f64 / (2.0 * total * std::f64::consts::LN_2);
    entropy + hidden
}

/// How much of a text zxcvbn is given, in characters: what it costs grows faster than the text.
const LOOKED_AT: usize = 64;
const LONGEST_TOKEN: usize = 1_024;
const SHORTEST_DRAWN: usize = 20;
/// Bits of a character out of letters and digits.
const OF_ALPHANUMERIC: f64 = 5.954;
/// Bits that zxcvbn gives a character in which it finds no pattern.
const OF_ANY: f64 = std::f64::consts::LOG2_10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_choose_is_weaker_than_what_is_drawn() {
        for weak in [
            "hunter2",
            "Summer2026!",
            "password1",
            "qwertyuiop",
            "aaaaaaaaaaaaaaaa",
            "",
        ] {
            assert!(of_password(weak, &[]) < 36.0, "{weak}");
        }
        for strong in [
            "x9#Tq2!vLm8Zr4",
            "kV7pWn3cXt9QbH2m",
            "correct horse battery staple",
        ] {
            assert!(of_password(strong, &[]) > 36.0, "{strong}");
        }
        assert!(of_password("svc_billing_7", &["svc_billing"]) < of_password("svc_billing_7", &[]));
    }

    #[test]
    fn a_token_has_the_bits_that_were_drawn_unless_there_is_a_pattern() {
        for strong in [
            "kV7pWn3cXt9QbH2mLz5R",
            "9f86d081884c7d659a2feaa0c55ad015",
            "sk_live_51H8sKj2Lq9XvTz3WmNb7RcYd",
        ] {
            assert!(of_token(strong) > 64.0, "{strong}: {}", of_token(strong));
        }
        for weak in [
            "changeme-changeme-changeme",
            "12345678901234567890",
            "abcdefghijklmnopqrstuvwxyz",
            "0000000000000000000000000000000000000000",
            "a1b2c3",
            "",
        ] {
            assert!(of_token(weak) < 64.0, "{weak}: {}", of_token(weak));
        }
    }

    proptest! {
        #[test]
        fn bits_are_numbers_and_the_same_every_time(text in "\\PC{0,90}") {
            for bits in [of_token(&text), of_password(&text, &[])] {
                prop_assert!(bits.is_finite() && bits >= 0.0);
            }
            prop_assert!((of_token(&text) - of_token(&text)).abs() < 1e-12);
        }
    }
}
