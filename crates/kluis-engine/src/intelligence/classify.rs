//! What a text is, and why (contract B6). The text is looked at and forgotten.

use kluis_crypto::Secret;

use super::features::Features;
use super::model::{Label, Scores, weight};
use super::patterns;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;

/// What a text is taken for.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// What it is.
    pub label: Label,
    /// How likely that is, from 0 to 1, in ten-thousandths.
    pub confidence: f64,
    /// What speaks for it, the weightiest first; no part of the text is in them.
    pub reasons: Vec<String>,
}

impl Engine {
    /// Say of each text what it is, by the model that comes with the program. Nothing of a text is kept or recorded.
    pub async fn text_classify(
        &self,
        caller: &Caller,
        texts: Vec<Secret>,
    ) -> Result<Vec<Classification>, Error> {
        self.look(caller, Action::TextClassify, async |_, _| Ok(()))
            .await?;
        let mut classified = Vec::with_capacity(texts.len());
        for text in texts {
            classified.push(classify(text.expose_text().unwrap_or_default()));
            // A hundred of them take a while; others are served in between.
            tokio::task::yield_now().await;
        }
        Ok(classified)
    }
}

/// What `text` is.
pub(crate) fn classify(text: &str) -> Classification {
    let features = Features::of(text);
    let (label, probability) = Scores::of(&features).best();
    Classification {
        label,
        confidence: (f64::from(probability) * 10_000.0).round() / 10_000.0,
        reasons: reasons(&features, label),
    }
}

/// The patterns that speak for `label`, the weightiest first, and what the text is made of.
fn reasons(features: &Features, label: Label) -> Vec<String> {
    let row = Label::ALL.iter().position(|known| *known == label);
    let weighed = features.patterns.iter().map(|&pattern| {
        let weight = row.map_or(0.0, |row| weight(row, pattern));
        (weight, patterns::reason(pattern))
    });
    let mut speaking: Vec<_> = weighed.filter(|(weight, _)| *weight > 0.0).collect();
    speaking.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let made_of = format!(
        "has a length of {} and {:.1} bits of entropy per character",
        features.length,
        features.entropy.abs()
    );
    let speaking = speaking.into_iter().take(MOST_REASONS);
    let mut reasons: Vec<_> = speaking.map(|(_, reason)| reason.to_owned()).collect();
    reasons.push(made_of);
    reasons
}

const MOST_REASONS: usize = 3;
