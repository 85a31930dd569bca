//! What a schema admits, with what it refers to and is made of put together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Way, list, text};

/// A schema without references.
#[derive(Default)]
pub(super) struct Shape {
    /// The types; none for anything.
    types: BTreeSet<String>,
    /// The words, where there are only some.
    words: Option<BTreeSet<String>>,
    format: String,
    /// Bounds by keyword.
    bounds: BTreeMap<&'static str, f64>,
    pattern: String,
    required: BTreeSet<String>,
    /// Members with their schemas.
    pub(super) properties: BTreeMap<String, Value>,
    /// What a list holds.
    pub(super) items: Option<Value>,
    /// What members hold whose names are not known.
    pub(super) additional: Option<Value>,
    /// Schemas of which one is to fit.
    pub(super) choices: Vec<Value>,
}

impl Shape {
    pub(super) fn of(document: &Value, schema: &Value) -> Self {
        let mut shape = Self::default();
        shape.add(document, schema, 0);
        shape
    }

    fn add(&mut self, document: &Value, schema: &Value, depth: usize) {
        if depth > super::DEEPEST {
            return;
        }
        if schema.get("$ref").is_some() {
            self.add(document, resolved(document, schema), depth + 1);
        }
        match schema.get("type") {
            Some(Value::String(one)) => self.types.extend([one.clone()]),
            Some(Value::Array(several)) => {
                let several = several.iter().filter_map(Value::as_str);
                self.types.extend(several.map(str::to_owned));
            }
            _ => {}
        }
        let only = schema.get("const").into_iter();
        let words: BTreeSet<_> = list(schema, "enum")
            .iter()
            .chain(only)
            .map(ToString::to_string)
            .collect();
        if !words.is_empty() {
            self.words = Some(words);
        }
        for (keyword, _) in BOUNDS {
            if let Some(bound) = schema.get(keyword).and_then(Value::as_f64) {
                self.bounds.insert(keyword, bound);
            }
        }
        for (place, keyword) in [(&mut self.format, "format"), (&mut self.pattern, "pattern")] {
            if schema.get(keyword).is_some() {
                text(schema, keyword).clone_into(place);
            }
        }
        let required = list(schema, "required").iter().filter_map(Value::as_str);
        self.required.extend(required.map(str::to_owned));
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            self.properties.insert(name.clone(), property.clone());
        }
        if let Some(items) = schema.get("items") {
            self.items = Some(items.clone());
        }
        if let Some(more @ Value::Object(_)) = schema.get("additionalProperties") {
            self.additional = Some(more.clone());
        }
        for part in list(schema, "allOf") {
            self.add(document, part, depth + 1);
        }
        self.choose(document, schema, depth);
    }

    /// One choice beside null is that schema, and may be null.
    fn choose(&mut self, document: &Value, schema: &Value, depth: usize) {
        let choices = list(schema, "oneOf").iter().chain(list(schema, "anyOf"));
        let (nulls, others): (Vec<_>, Vec<_>) =
            choices.partition(|choice| text(choice, "type") == "null");
        match others.as_slice() {
            [only] => self.add(document, only, depth + 1),
            several => self
                .choices
                .extend(several.iter().map(|&choice| choice.clone())),
        }
        if !nulls.is_empty() {
            self.types.insert("null".to_owned());
        }
    }

    /// What a client of `self` notices of `new`, members apart.
    pub(super) fn differences(&self, new: &Self, way: Way) -> Vec<String> {
        let mut differences = Vec::new();
        // What was sent must still be taken, and what comes must be what was expected.
        let (sent, taken) = match way {
            Way::Answer => (new, self),
            Way::Request => (self, new),
        };
        let all = |shape: &Self| shape.types.iter().cloned().collect::<Vec<_>>().join(" or ");
        let fits = |kind: &String| {
            taken.types.contains(kind) || kind == "integer" && taken.types.contains("number")
        };
        let is_wider = sent.types.is_empty() || !sent.types.iter().all(fits);
        if !taken.types.is_empty() && is_wider {
            let (was, is) = (all(self), all(new));
            differences.push(format!("is {is} instead of {was}"));
        }
        if self.format != new.format && !(way == Way::Request && new.format.is_empty()) {
            differences.push(format!(
                "has the format {} instead of {}",
                new.format, self.format
            ));
        }
        if self.pattern != new.pattern && !(way == Way::Request && new.pattern.is_empty()) {
            differences.push("has another pattern".to_owned());
        }
        match (&self.words, &new.words) {
            (Some(words), Some(now)) => {
                let gone = words.difference(now);
                differences.extend(gone.map(|word| format!("does not know {word} any more")));
            }
            (None, Some(_)) if way == Way::Request => {
                differences.push("takes only some words".to_owned());
            }
            (Some(_), None) if way == Way::Answer => {
                differences.push("can be any word".to_owned());
            }
            _ => {}
        }
        self.compare_bounds(new, way, &mut differences);
        let (olds, news) = (&self.required, &new.required);
        match way {
            Way::Answer => differences.extend(
                olds.difference(news)
                    .filter(|name| new.properties.contains_key(*name))
                    .map(|name| format!("can be without {name}")),
            ),
            Way::Request => differences.extend(
                news.difference(olds)
                    .map(|name| format!("cannot be without {name}")),
            ),
        }
        differences
    }

    /// In an answer a bound is a description; in a request it is a refusal.
    fn compare_bounds(&self, new: &Self, way: Way, differences: &mut Vec<String>) {
        if way == Way::Answer {
            return;
        }
        for (keyword, is_upper) in BOUNDS {
            let (was, is) = (self.bounds.get(keyword), new.bounds.get(keyword));
            let is_tighter = match (was, is) {
                (Some(was), Some(is)) if is_upper => is < was,
                (Some(was), Some(is)) => is > was,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if is_tighter {
                differences.push(format!("has a tighter {keyword}"));
            }
        }
    }
}

/// What a reference leads to; a value that is none is itself.
pub(super) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = text(value, "$ref").strip_prefix('#');
    pointer
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(value)
}

/// Keywords that bound a value, and whether from above.
const BOUNDS: [(&str, bool); 8] = [
    ("maxItems", true),
    ("maxLength", true),
    ("maxProperties", true),
    ("maximum", true),
    ("minItems", false),
    ("minLength", false),
    ("minProperties", false),
    ("minimum", false),
];
