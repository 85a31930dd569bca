//! The classifier: multinomial logistic regression over the features of a text.
//!
//! Its weights are a file of the program, trained by `training.rs` on texts that a seeded generator makes, so that anybody can
//! make the same file again. Nothing is learned from what is kept here, and no text leaves the process.

use super::features::{self, Features};

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A key or token of a service.
    ApiKey,
    /// A certificate.
    Certificate,
    /// A way into a database: an address or the parts of one.
    Database,
    /// A secret of no kind that has a name.
    Generic,
    /// Nothing secret.
    NotSecret,
    /// A password or passphrase.
    Password,
    /// A key of SSH.
    SshKey,
}

impl Label {
    /// All of them, in the order of the weights.
    pub const ALL: [Self; 7] = [
        Self::ApiKey,
        Self::Certificate,
        Self::Database,
        Self::Generic,
        Self::NotSecret,
        Self::Password,
        Self::SshKey,
    ];

    /// The word for it: a type of secrets, or `not_secret`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Certificate => "certificate",
            Self::Database => "database",
            Self::Generic => "generic",
            Self::NotSecret => "not_secret",
            Self::Password => "password",
            Self::SshKey => "ssh_key",
        }
    }
}

/// How many labels there are.
pub(super) const LABELS: usize = Label::ALL.len();

/// The weights as a file: for each label the scale of its row (`f32`, little-endian), then the rows, one signed byte for a weight.
static FILE: &[u8] = include_bytes!("model.bin");
/// Bytes of the scales.
const SCALES: usize = 4 * LABELS;

/// How much each label is spoken for.
pub(super) struct Scores {
    /// Probabilities, in the order of [`Label::ALL`]; their sum is 1.
    probabilities: [f32; LABELS],
}

impl Scores {
    /// Score a text.
    pub(super) fn of(features: &Features) -> Self {
        let sums: [f32; LABELS] = std::array::from_fn(|label| {
            let weighted = features
                .values
                .iter()
                .map(|(feature, value)| weight(label, *feature) * value);
            weighted.sum()
        });
        Self {
            probabilities: softmax(sums),
        }
    }

    /// The label that is spoken for most, and how much.
    pub(super) fn best(&self) -> (Label, f32) {
        let scored = Label::ALL.into_iter().zip(self.probabilities);
        scored
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
            .unwrap_or((Label::NotSecret, 0.0))
    }
}

/// The weight of a feature for the label of this number.
pub(super) fn weight(label: usize, feature: usize) -> f32 {
    let scale = FILE
        .get(4 * label..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0.0, |bytes| f32::from_le_bytes(*bytes));
    let row = SCALES + label * features::COUNT;
    let stored = FILE.get(row + feature).map_or(0, |byte| byte.cast_signed());
    scale * f32::from(stored)
}

/// Probabilities in proportion to the exponentials of `sums`.
pub(super) fn softmax(sums: [f32; LABELS]) -> [f32; LABELS] {
    let largest = sums.iter().copied().fold(f32::MIN, f32::max);
    let exponentials = sums.map(|sum| (sum - largest).exp());
    let total: f32 = exponentials.iter().sum();
    exponentials.map(|exponential| exponential / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_a_weight_for_every_feature_of_every_label() {
        assert_eq!(FILE.len(), SCALES + LABELS * features::COUNT);
    }

    #[test]
    fn probabilities_add_up_to_one_however_large_the_sums_are() {
        for sums in [
            [0.0; LABELS],
            [1e30, 0.0, -1e30, 5.0, 5.0, 5.0, 5.0],
            [-1e30; LABELS],
        ] {
            let total: f32 = softmax(sums).iter().sum();
            assert!((total - 1.0).abs() < 1e-5, "{sums:?}");
        }
    }
}
