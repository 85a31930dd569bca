//! A value that is a set of named fields, text to text (RULES §4).

use std::fmt;

use kluis_crypto::Secret;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use zeroize::Zeroizing;

use super::{Form, LARGEST_VALUE, Value};
use crate::error::Error;

/// The named fields of a value, in the order in which they were given.
pub struct NamedFields(Vec<(String, Secret)>);

/// What to do with a value's fields; others stay as they are.
pub struct FieldsChange(pub Vec<(String, Option<Secret>)>);

impl NamedFields {
    /// At least one; each name once. Errors name `field`, the dialect's word for the value.
    pub fn new(members: Vec<(String, Secret)>, field: &'static str) -> Result<Self, Error> {
        if members.is_empty() {
            return Err(Error::invalid(field, "must have at least one member"));
        }
        let mut names: Vec<_> = members.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        if names.is_sorted_by(|one, other| one < other) {
            Ok(Self(members))
        } else {
            Err(Error::invalid(field, "has a member twice"))
        }
    }

    /// The fields of a stored value; a text is the one field `value`.
    pub fn of(value: &Value) -> Result<Self, Error> {
        let text = value
            .text
            .expose_text()
            .ok_or_else(|| Error::internal("a stored value is not UTF-8"))?;
        match value.form {
            Form::Text => Ok(Self(vec![(LONE.to_owned(), value.text.duplicate())])),
            Form::Fields => serde_json::from_str(text)
                .map_err(|_| Error::internal("stored fields are not an object of texts")),
        }
    }

    /// The names and texts.
    pub fn into_members(self) -> Vec<(String, Secret)> {
        self.0
    }

    /// The value that they are: compact JSON, members in order. `TooLarge` over [`LARGEST_VALUE`].
    pub fn into_value(self) -> Result<Value, Error> {
        // Its size is known beforehand, so that no half-written copy of it is left behind.
        let most: usize = self
            .0
            .iter()
            .map(|(name, text)| 6 * (name.len() + text.len()) + 6)
            .sum();
        let mut json = Zeroizing::new(Vec::with_capacity(most + 2));
        json.push(b'{');
        for (place, (name, text)) in self.0.iter().enumerate() {
            if place > 0 {
                json.push(b',');
            }
            let text = text.expose_text().unwrap_or_default();
            let written = serde_json::to_writer(&mut *json, name).and_then(|()| {
                json.push(b':');
                serde_json::to_writer(&mut *json, text)
            });
            written.map_err(|cause| Error::internal(cause.to_string()))?;
        }
        json.push(b'}');
        if json.len() > LARGEST_VALUE {
            return Err(Error::TooLarge);
        }
        Ok(Value {
            text: Secret::from(json),
            form: Form::Fields,
        })
    }

    /// The same with `change` made, and whether any of the old fields is still there. Errors as [`NamedFields::new`].
    pub(super) fn merged(
        mut self,
        change: FieldsChange,
        field: &'static str,
    ) -> Result<(Self, bool), Error> {
        let mut kept = self.0.len();
        for (name, text) in change.0 {
            let known = self.0.iter().position(|(known, _)| *known == name);
            match (known, text) {
                (None, None) => {}
                (None, Some(text)) => self.0.push((name, text)),
                (Some(place), None) => {
                    self.0.remove(place);
                    kept = kept.saturating_sub(1);
                }
                (Some(place), Some(text)) => {
                    if let Some((_, known)) = self.0.get_mut(place) {
                        *known = text;
                    }
                    kept = kept.saturating_sub(1);
                }
            }
        }
        Ok((Self::new(self.0, field)?, kept > 0))
    }
}

impl FieldsChange {
    /// The same change once more.
    pub fn duplicate(&self) -> Self {
        let members = self.0.iter();
        let members =
            members.map(|(name, text)| (name.clone(), text.as_ref().map(Secret::duplicate)));
        Self(members.collect())
    }
}

impl<'de> Deserialize<'de> for NamedFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = NamedFields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamedFields, A::Error> {
                let mut members = Vec::new();
                while let Some((name, text)) = map.next_entry::<String, String>()? {
                    members.push((name, Secret::from_text(text)));
                }
                NamedFields::new(members, LONE).map_err(|_| A::Error::custom("not named fields"))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// What a text is called where everything is named fields.
const LONE: &str = "value";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(members: &[(&str, &str)]) -> NamedFields {
        let members = members
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Secret::from_text((*text).to_owned())));
        NamedFields::new(members.collect(), "secret").unwrap()
    }

    fn json(fields: NamedFields) -> String {
        let value = fields.into_value().unwrap();
        value.text.expose_text().unwrap().to_owned()
    }

    #[test]
    fn fields_are_compact_json_with_their_members_in_order() {
        let made = json(fields(&[("password", "a\"b\n\u{7f}é"), ("a", "")]));
        assert_eq!(made, "{\"password\":\"a\\\"b\\n\u{7f}é\",\"a\":\"\"}");
    }

    #[test]
    fn a_text_is_the_one_field_that_is_called_value() {
        let text = Value::from_text(r#"{"a":"b"}"#.to_owned());
        assert_eq!(
            json(NamedFields::of(&text).unwrap()),
            r#"{"value":"{\"a\":\"b\"}"}"#
        );
    }

    #[test]
    fn a_change_sets_and_removes_members_and_leaves_the_rest() {
        let stored = || fields(&[("password", "old"), ("user", "u")]);
        let change = |members: &[(&str, Option<&str>)]| {
            let members = members.iter().map(|(name, text)| {
                let text = text.map(|text| Secret::from_text(text.to_owned()));
                ((*name).to_owned(), text)
            });
            FieldsChange(members.collect())
        };
        let (merged, kept) = stored()
            .merged(
                change(&[("password", Some("new")), ("b", Some("c")), ("x", None)]),
                "secret",
            )
            .unwrap();
        assert!(kept);
        assert_eq!(json(merged), r#"{"password":"new","user":"u","b":"c"}"#);
        let all = change(&[("password", Some("new")), ("user", None)]);
        let (merged, kept) = stored().merged(all, "secret").unwrap();
        assert!(!kept);
        assert_eq!(json(merged), r#"{"password":"new"}"#);
        let none = change(&[("password", None), ("user", None)]);
        assert!(stored().merged(none, "secret").is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_named_comes_back(members in prop::collection::btree_map(".*", ".*", 1..8)) {
            let given: Vec<_> = members.into_iter().collect();
            let named = given
                .iter()
                .map(|(name, text)| (name.clone(), Secret::from_text(text.clone())));
            let value = NamedFields::new(named.collect(), "secret").unwrap().into_value().unwrap();
            let back = NamedFields::of(&value).unwrap().into_members();
            let back: Vec<_> = back
                .into_iter()
                .map(|(name, text)| (name, text.expose_text().unwrap().to_owned()))
                .collect();
            prop_assert_eq!(back, given);
        }
    }
}
