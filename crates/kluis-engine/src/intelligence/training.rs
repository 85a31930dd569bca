//! Making the model again, and measuring it.
//!
//! `UPDATE=model cargo test -p kluis-engine intelligence::training -- --ignored` writes `model.bin` anew.

use super::classify::classify;
use super::corpus::{Random, text};
use super::features::{COUNT, Features};
use super::model::{LABELS, Label, softmax};

/// The texts that the model is trained on begin here, those that it is measured with there.
const TRAINING_SEED: u64 = 1;
const TEST_SEED: u64 = 2;
/// Texts of each label.
const TRAINING_TEXTS: usize = 900;
const TEST_TEXTS: usize = 300;
const ROUNDS: usize = 14;

/// Gradient descent, one text at a time.
fn trained() -> Vec<[f32; LABELS]> {
    let mut random = Random(TRAINING_SEED);
    let mut texts = Vec::new();
    for _ in 0..TRAINING_TEXTS {
        for (number, label) in Label::ALL.into_iter().enumerate() {
            texts.push((number, Features::of(&text(&mut random, label))));
        }
    }
    let mut weights = vec![[0.0_f32; LABELS]; COUNT];
    for round in 0..ROUNDS {
        let rate = 0.5 / (1.0 + f32::from(u16::try_from(round).unwrap()));
        for _ in 0..texts.len() {
            let (label, features) = &texts[random.below(texts.len())];
            let mut sums = [0.0; LABELS];
            for (feature, value) in &features.values {
                for (sum, weight) in sums.iter_mut().zip(weights[*feature]) {
                    *sum += weight * value;
                }
            }
            let probabilities = softmax(sums);
            for (feature, value) in &features.values {
                for (number, weight) in weights[*feature].iter_mut().enumerate() {
                    let wanted = if number == *label { 1.0 } else { 0.0 };
                    *weight += rate * ((wanted - probabilities[number]) * value - 1e-5 * *weight);
                }
            }
        }
    }
    weights
}

/// The weights in signed bytes, each row with a scale of its own.
fn stored(weights: &[[f32; LABELS]]) -> Vec<u8> {
    let scales: [f32; LABELS] = std::array::from_fn(|label| {
        let sizes = weights.iter().map(|row| row[label].abs());
        sizes.fold(f32::MIN_POSITIVE, f32::max) / 127.0
    });
    let mut file: Vec<u8> = scales
        .iter()
        .flat_map(|scale| scale.to_le_bytes())
        .collect();
    for (label, scale) in scales.iter().enumerate() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the scale makes the largest of them 127"
        )]
        let rows = weights
            .iter()
            .map(|row| ((row[label] / scale).round() as i8).cast_unsigned());
        file.extend(rows);
    }
    file
}

#[test]
#[ignore = "makes the model: minutes without optimisation, and only when the features or the texts have changed"]
fn the_model_is_made_from_its_seed() {
    let file = stored(&trained());
    if std::env::var("UPDATE").is_ok_and(|what| what == "model") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/intelligence/model.bin");
        std::fs::write(path, file).unwrap();
    } else {
        assert!(
            file == include_bytes!("model.bin"),
            "the file is not what its seed makes"
        );
    }
}

/// Precision and recall of each label, on texts that it was not trained on.
#[test]
fn the_model_finds_what_it_is_for() {
    let mut random = Random(TEST_SEED);
    let mut confusion = [[0_u32; LABELS]; LABELS];
    for _ in 0..TEST_TEXTS {
        for (number, label) in Label::ALL.into_iter().enumerate() {
            let found = classify(&text(&mut random, label)).label;
            let found = Label::ALL.iter().position(|known| *known == found).unwrap();
            confusion[number][found] += 1;
        }
    }
    for (number, label) in Label::ALL.into_iter().enumerate() {
        let right = f64::from(confusion[number][number]);
        let said: u32 = confusion.iter().map(|row| row[number]).sum();
        let there: u32 = confusion[number].iter().sum();
        let (precision, recall) = (right / f64::from(said), right / f64::from(there));
        println!(
            "{:12} precision {precision:.3} recall {recall:.3} {:?}",
            label.as_str(),
            confusion[number]
        );
        assert!(
            precision > 0.93 && recall > 0.93,
            "{label:?}: {precision} {recall} {confusion:?}"
        );
    }
}

/// The same text always has the same score.
#[test]
fn a_text_is_judged_alike_every_time() {
    for sample in [
        "hunter2!",
        "AKIAIOSFODNN7EXAMPLE",
        "The quick brown fox.",
        "",
    ] {
        assert_eq!(classify(sample), classify(sample));
    }
}

/// Greetings are no passphrases, and armour says what it is of without a body.
#[test]
fn short_texts_and_lone_armour_are_what_they_are() {
    for (sample, expected) in [
        ("hello world", Label::NotSecret),
        ("Good morning!", Label::NotSecret),
        ("thank you", Label::NotSecret),
        ("-----BEGIN CERTIFICATE-----", Label::Certificate),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", Label::SshKey),
        ("-----BEGIN RSA PRIVATE KEY-----", Label::SshKey),
        ("-----BEGIN PRIVATE KEY-----", Label::Generic),
        ("hunter2", Label::Password),
        ("correct-horse-battery-staple", Label::Password),
    ] {
        assert_eq!(classify(sample).label, expected, "{sample}");
    }
}

/// NT-40
#[test]
fn reasons_hold_nothing_of_the_text() {
    let mut random = Random(7);
    for label in Label::ALL {
        for _ in 0..50 {
            let secret = text(&mut random, label);
            for reason in classify(&secret).reasons {
                let parts = secret.split_whitespace().filter(|part| part.len() > 9);
                for part in parts {
                    assert!(!reason.contains(part), "{reason}");
                }
            }
        }
    }
}
