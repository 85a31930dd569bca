//! Values that can be guessed: the weakest part of a value against what is enough for its nature.

use super::Found;
use super::key_material;
use super::parts::Part;
use super::strength;
use crate::insights::insight::{Evidence, Nature};
use crate::insights::kind::Score;

/// What is enough, and in which steps estimates are told; in bits.
struct Measure {
    enough: f64,
    step: f64,
}

const fn measure(nature: Nature) -> Measure {
    match nature {
        // What a slow hash or a limit on guesses protects.
        Nature::Password => Measure {
            enough: 36.0,
            step: 6.0,
        },
        // What is looked up at full speed.
        Nature::Token => Measure {
            enough: 64.0,
            step: 8.0,
        },
        // What a key of RSA with 2,048 bits has.
        Nature::Key => Measure {
            enough: 112.0,
            step: 16.0,
        },
    }
}

/// Version `version` of a value, by its parts; `beside` is what an attacker tries first.
pub(in super::super) fn judge(
    version: u32,
    parts: &[Part],
    beside: &[&str],
    factor: f64,
) -> Option<Found> {
    let mut worst: Option<Found> = None;
    for part in parts {
        let found = judge_part(version, part, beside, factor);
        if found.as_ref().map(|found| found.score) > worst.as_ref().map(|worst| worst.score) {
            worst = found;
        }
    }
    worst
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bits of a text that was cut are few, and never below zero"
)]
fn judge_part(version: u32, part: &Part, beside: &[&str], factor: f64) -> Option<Found> {
    let text = part.text.expose_text().unwrap_or_default();
    let bits = match part.nature {
        Nature::Password => strength::of_password(text, beside),
        Nature::Token => strength::of_token(text),
        Nature::Key => key_material::strength(text)?,
    };
    let Measure { enough, step } = measure(part.nature);
    let bound = (enough / factor).round();
    if bits >= bound {
        return None;
    }
    // The score is of what is told, so it tells no more.
    let from = (bits / step).floor() * step;
    let below = (from + step).min(bound);
    Some(Found {
        score: Score::of(1.0 - from / bound),
        basis: version.to_string(),
        evidence: Evidence::Weak {
            member: part.member.clone(),
            judged_as: part.nature,
            bits_from: from as u16,
            bits_below: below as u16,
            bound_bits: bound as u16,
        },
    })
}

#[cfg(test)]
mod tests {
    use kluis_crypto::Secret;
    use proptest::prelude::*;

    use super::*;

    fn part(nature: Nature, text: &str) -> Part {
        Part {
            member: None,
            nature,
            text: Secret::from_text(text.to_owned()),
        }
    }

    fn weak(nature: Nature, text: &str, factor: f64) -> Option<Found> {
        judge(1, &[part(nature, text)], &[], factor)
    }

    #[test]
    fn the_weakest_part_is_told() {
        let parts = ["kV7pWn3cXt9QbH2m", "hunter2", "Tr0ub4dor&3"];
        let parts = parts.map(|text| Part {
            member: Some(text.len().to_string()),
            ..part(Nature::Password, text)
        });
        let found = judge(3, &parts, &[], 1.0).unwrap();
        assert!(
            matches!(found.evidence, Evidence::Weak { member: Some(member), .. } if member == "7")
        );
        assert_eq!(found.basis, "3");
    }

    #[test]
    fn what_people_think_moves_the_bound_within_bounds() {
        // About 40 bits: enough, unless the account wants more.
        let text = "x9#Tq2!vLm8Z";
        assert_eq!(weak(Nature::Password, text, 1.0), None);
        assert!(weak(Nature::Password, text, 0.6).is_some());
        assert!(weak(Nature::Password, "hunter2", 1.4).is_some());
    }

    /// Precision and recall on a generated set: what people make of words, names, years and keyboards, and tokens with a pattern, against
    /// drawn characters and passphrases.
    #[test]
    fn what_can_be_guessed_is_found_among_many() {
        const WORDS: &[&str] = &[
            "summer", "winter", "dragon", "monkey", "berlin", "michael", "qwerty", "football",
            "password", "welcome",
        ];
        const RARE: &[&str] = &[
            "abacus", "quarry", "lantern", "thistle", "gravel", "mitten", "orchid", "plinth",
            "saddle", "walrus",
        ];
        const DRAWN: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut random = crate::intelligence::Random(3);
        let (mut right, mut wrong, mut missed) = (0_u32, 0_u32, 0_u32);
        for number in 0..600 {
            let (year, word) = (1_960 + random.below(70), random.pick(WORDS).to_owned());
            let mut capital = word.clone();
            capital.get_mut(..1).unwrap().make_ascii_uppercase();
            let (nature, text, is_weak) = match number % 8 {
                0 => (Nature::Password, format!("{capital}{year}!"), true),
                1 => (
                    Nature::Password,
                    word.replace('a', "@").replace('o', "0") + "1",
                    true,
                ),
                2 => (
                    Nature::Password,
                    format!("{word}{}", random.below(100)),
                    true,
                ),
                3 => (Nature::Token, format!("{word}-").repeat(4), true),
                4 => (Nature::Password, random.text(DRAWN, 14), false),
                5 => (
                    Nature::Password,
                    (0..5)
                        .map(|_| random.pick(RARE))
                        .collect::<Vec<_>>()
                        .join("-"),
                    false,
                ),
                6 => (Nature::Token, random.text(DRAWN, 24), false),
                _ => (Nature::Token, random.text("0123456789abcdef", 32), false),
            };
            match (is_weak, weak(nature, &text, 1.0).is_some()) {
                (true, true) => right += 1,
                (true, false) => missed += 1,
                (false, true) => wrong += 1,
                (false, false) => {}
            }
        }
        let precision = f64::from(right) / f64::from(right + wrong);
        let recall = f64::from(right) / f64::from(right + missed);
        println!("weak_secret precision {precision:.3} recall {recall:.3}");
        assert!(precision > 0.95 && recall > 0.95, "{precision} {recall}");
    }

    proptest! {
        #[test]
        fn a_weaker_bound_finds_no_more(text in "[ -~]{0,24}", one in 0.6..1.4_f64, other in 0.6..1.4_f64) {
            let (strict, lax) = if one < other { (one, other) } else { (other, one) };
            for nature in [Nature::Password, Nature::Token] {
                let found = |factor| weak(nature, &text, factor).map(|found| found.score);
                prop_assert!(found(lax) <= found(strict));
                prop_assert_eq!(weak(nature, &text, one), weak(nature, &text, one));
            }
        }

        #[test]
        fn a_score_is_of_what_is_told(text in "[a-z]{0,14}") {
            if let Some(Found { score, evidence: Evidence::Weak { bits_from, bound_bits, .. }, .. }) = weak(Nature::Password, &text, 1.0) {
                prop_assert_eq!(score, Score::of(1.0 - f64::from(bits_from) / f64::from(bound_bits)));
            }
        }
    }
}
