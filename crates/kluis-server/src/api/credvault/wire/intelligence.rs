//! The intelligence engine (contract B6).

use kluis_engine::{Error, Model, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::BODY;
use crate::api::given::Given;

/// One or several texts to look at; none of them is kept.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct Classify {
    /// Instead of `items`.
    #[schema(value_type = Option<String>, max_length = 65_536, examples("AKIAIOSFODNN7EXAMPLE"))]
    text: Option<Given>,
    /// Instead of `text`; at most 8 KiB each, so that all of them fit into one request.
    #[schema(value_type = Option<Vec<ShortText>>, min_items = 1, max_items = 100)]
    items: Option<Vec<Given>>,
}

/// One of several texts.
#[derive(ToSchema)]
#[schema(value_type = String, max_length = 8_192, examples("AKIAIOSFODNN7EXAMPLE"))]
pub(in super::super) struct ShortText(#[expect(dead_code, reason = "documentation")] String);

/// What a text is taken for.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Classification {
    /// A type of records, or `not_secret`.
    #[schema(examples("api_key"))]
    label: &'static str,
    /// How likely that is.
    #[schema(minimum = 0, maximum = 1, examples(0.9871))]
    confidence: f64,
    /// What speaks for it, the weightiest first. Nothing of the text is in them.
    #[schema(examples(json!(["is shaped like an AWS access key", "has a length of 20 and 3.7 bits of entropy per character"])))]
    reasons: Vec<String>,
}

/// What the text is taken for, or each of the texts, in their order.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(in super::super) enum Classified {
    One(Classification),
    Many(Vec<Classification>),
}

/// Something that judges secrets, and by what.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct IntelligenceModel {
    #[schema(examples("text-classifier"))]
    id: &'static str,
    #[schema(examples("1"))]
    version: &'static str,
    purpose: &'static str,
    /// What it goes by.
    features: &'static [&'static str],
}

/// The texts of a request.
pub(in super::super) enum Texts {
    One(Secret),
    Many(Vec<Secret>),
}

impl TryFrom<Classify> for Texts {
    type Error = Error;

    fn try_from(body: Classify) -> Result<Self, Error> {
        match (body.text, body.items) {
            (Some(text), None) => Ok(Self::One(text_of("text", text, LONGEST_TEXT)?)),
            (None, Some(items)) => {
                if !(1..=MOST_ITEMS).contains(&items.len()) {
                    return Err(Error::invalid("items", "must hold 1 to 100 texts"));
                }
                let items = items
                    .into_iter()
                    .map(|item| text_of("items", item, LONGEST_ITEM));
                Ok(Self::Many(items.collect::<Result<_, _>>()?))
            }
            (None, None) => Err(Error::missing("text")),
            (Some(_), Some(_)) => Err(Error::invalid(BODY, "must have text or items, not both")),
        }
    }
}

impl From<kluis_engine::Classification> for Classification {
    fn from(found: kluis_engine::Classification) -> Self {
        Self {
            label: found.label.as_str(),
            confidence: found.confidence,
            reasons: found.reasons,
        }
    }
}

impl From<&'static Model> for IntelligenceModel {
    fn from(model: &'static Model) -> Self {
        Self {
            id: model.id,
            version: model.version,
            purpose: model.purpose,
            features: model.features,
        }
    }
}

fn text_of(field: &'static str, text: Given, longest: usize) -> Result<Secret, Error> {
    if text.bytes() > longest {
        let why = format!("must have at most {longest} bytes each");
        return Err(Error::invalid(field, why));
    }
    Ok(text.into_secret())
}

const MOST_ITEMS: usize = 100;
const LONGEST_TEXT: usize = 64 << 10;
/// A hundred of them are less than the largest body.
const LONGEST_ITEM: usize = 8 << 10;
