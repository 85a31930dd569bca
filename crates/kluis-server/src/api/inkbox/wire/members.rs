//! Bodies taken member by member, so that everything that is wrong with one is told at once (contract §2.2).
//!
//! A member that is of another kind than it has to be does not end the reading of its body: what it holds is skipped, and
//! that it is wrong is told with the rest.

use std::borrow::Cow;
use std::fmt;

use kluis_engine::{Error, Invalid};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::error::Failure;

/// A member as it came.
#[derive(Default)]
pub(super) enum Member<T> {
    /// It is not there.
    #[default]
    Absent,
    /// It is `null`.
    Null,
    /// It is there.
    Given(T),
    /// It is something else.
    Other,
}

/// Ways to read a member; what does not fit is [`Member::Other`].
pub(super) trait Readable: Sized {
    /// From a text.
    fn of_text(_: &str) -> Member<Self> {
        Member::Other
    }

    /// From an object. Fails only where the JSON does.
    fn of_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Member<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    /// From an array. Fails only where the JSON does.
    fn of_array<'de, A: SeqAccess<'de>>(array: A) -> Result<Member<Self>, A::Error> {
        skipped(array)?;
        Ok(Member::Other)
    }
}

/// All that is wrong with a body.
#[derive(Default)]
pub(super) struct Wrong(Vec<Invalid>);

impl Wrong {
    /// A member that has to be there.
    pub(super) fn required<T>(&mut self, field: &str, member: Member<T>) -> Option<T> {
        match member {
            Member::Given(given) => Some(given),
            Member::Absent => self.tell(Error::missing(field.to_owned())),
            Member::Null | Member::Other => self.tell(misfit(field)),
        }
    }

    /// A member that need not be there; `null` says the same.
    pub(super) fn optional<T>(&mut self, field: &str, member: Member<T>) -> Option<Option<T>> {
        match member {
            Member::Given(given) => Some(Some(given)),
            Member::Absent | Member::Null => Some(None),
            Member::Other => self.tell(misfit(field)),
        }
    }

    /// A member that need not be there, and must not be `null`.
    pub(super) fn stated<T>(&mut self, field: &str, member: Member<T>) -> Option<Option<T>> {
        match member {
            Member::Absent => Some(None),
            member => self.required(field, member).map(Some),
        }
    }

    /// A member that need not be there, and means something else when it is `null`.
    #[expect(
        clippy::option_option,
        reason = "a member that is absent and one that is null differ in a PATCH"
    )]
    pub(super) fn clearable<T>(
        &mut self,
        field: &str,
        member: Member<T>,
    ) -> Option<Option<Option<T>>> {
        match member {
            Member::Absent => Some(None),
            member => self.optional(field, member).map(Some),
        }
    }

    /// What was made of a member, unless that is wrong.
    pub(super) fn fit<T>(&mut self, made: Result<T, Error>) -> Option<T> {
        match made {
            Ok(made) => Some(made),
            Err(error) => self.tell(error),
        }
    }

    /// What was made of a member that need not be there.
    pub(super) fn fit_some<T>(
        &mut self,
        made: Option<Option<Result<T, Error>>>,
    ) -> Option<Option<T>> {
        match made {
            Some(Some(made)) => self.fit(made).map(Some),
            Some(None) => Some(None),
            None => None,
        }
    }

    /// What was made of the body, if nothing is wrong with it.
    pub(super) fn end<T>(self, made: Option<T>) -> Result<T, Failure> {
        match made {
            Some(made) if self.0.is_empty() => Ok(made),
            _ => Err(Failure::Wrong(self.0)),
        }
    }

    fn tell<T>(&mut self, error: Error) -> Option<T> {
        let invalid = match error {
            Error::Invalid(invalid) => invalid,
            error => Invalid {
                field: Cow::Borrowed(crate::api::body::BODY),
                why: kluis_engine::Why::Wrong(Cow::Owned(error.to_string())),
            },
        };
        self.0.push(invalid);
        None
    }
}

fn misfit(field: &str) -> Error {
    Error::invalid(field.to_owned(), "is of a wrong kind")
}

/// Read an array to its end.
fn skipped<'de, A: SeqAccess<'de>>(mut array: A) -> Result<(), A::Error> {
    while array.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl Readable for String {
    fn of_text(text: &str) -> Member<Self> {
        Member::Given(text.to_owned())
    }
}

/// A list with a bound: further elements are counted as one, so that a long one costs no memory.
impl<T: Readable> Readable for Vec<Member<T>> {
    fn of_array<'de, A: SeqAccess<'de>>(mut array: A) -> Result<Member<Self>, A::Error> {
        let mut elements = Self::new();
        while elements.len() < MOST_ELEMENTS
            && let Some(element) = array.next_element()?
        {
            elements.push(element);
        }
        if elements.len() == MOST_ELEMENTS {
            skipped(array)?;
        }
        Ok(Member::Given(elements))
    }
}

/// An object whose members are read one by one.
pub(super) struct Object<T>(pub(super) T);

impl<T: for<'de> Deserialize<'de>> Readable for Object<T> {
    fn of_object<'de, A: MapAccess<'de>>(object: A) -> Result<Member<Self>, A::Error> {
        let object = T::deserialize(MapAccessDeserializer::new(object))?;
        Ok(Member::Given(Self(object)))
    }
}

impl<'de, T: Readable> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading<T>(std::marker::PhantomData<T>);

        impl<'de, T: Readable> Visitor<'de> for Reading<T> {
            type Value = Member<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_bool<E>(self, _: bool) -> Result<Member<T>, E> {
                Ok(Member::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Member<T>, E> {
                Ok(Member::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Member<T>, E> {
                Ok(Member::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Member<T>, E> {
                Ok(Member::Other)
            }

            fn visit_str<E>(self, text: &str) -> Result<Member<T>, E> {
                Ok(T::of_text(text))
            }

            fn visit_unit<E>(self) -> Result<Member<T>, E> {
                Ok(Member::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<Member<T>, A::Error> {
                T::of_array(array)
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Member<T>, A::Error> {
                T::of_object(object)
            }
        }

        deserializer.deserialize_any(Reading(std::marker::PhantomData))
    }
}

/// Elements of a list that are looked at: one more than any list may have.
const MOST_ELEMENTS: usize = 10_001;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Sample {
        a: Member<String>,
        b: Member<Vec<Member<String>>>,
        c: Member<Object<Inner>>,
    }

    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Inner {
        d: Member<String>,
    }

    fn read(json: &str) -> Sample {
        serde_json::from_str(json).unwrap()
    }

    fn kind<T>(member: &Member<T>) -> &'static str {
        match member {
            Member::Absent => "absent",
            Member::Null => "null",
            Member::Given(_) => "given",
            Member::Other => "other",
        }
    }

    #[test]
    fn a_member_of_a_wrong_kind_does_not_end_the_reading() {
        for (json, a, b, c) in [
            ("{}", "absent", "absent", "absent"),
            (r#"{"a":null,"b":null,"c":null}"#, "null", "null", "null"),
            (
                r#"{"a":"x","b":["x"],"c":{"d":"x"}}"#,
                "given",
                "given",
                "given",
            ),
            (
                r#"{"a":["x"],"b":"x","c":["x"]}"#,
                "other",
                "other",
                "other",
            ),
            (
                r#"{"a":{"x":[1]},"b":{"x":1},"c":"x"}"#,
                "other",
                "other",
                "other",
            ),
            (
                r#"{"a":1,"b":-1.5e300,"c":true,"e":[{}]}"#,
                "other",
                "other",
                "other",
            ),
        ] {
            let sample = read(json);
            let kinds = (kind(&sample.a), kind(&sample.b), kind(&sample.c));
            assert_eq!(kinds, (a, b, c), "{json}");
        }
        let Member::Given(Object(inner)) = read(r#"{"c":{"d":7}}"#).c else {
            panic!("the object is not read");
        };
        assert_eq!(kind(&inner.d), "other");
    }

    #[test]
    fn a_member_that_is_given_twice_is_refused() {
        for json in [r#"{"a":"x","a":"y"}"#, r#"{"c":{"d":"x","d":"y"}}"#] {
            assert!(serde_json::from_str::<Sample>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_long_list_costs_no_memory_beyond_its_bound() {
        let json = format!(r#"{{"b":[{}1]}}"#, "1,".repeat(3 * MOST_ELEMENTS));
        let Member::Given(elements) = read(&json).b else {
            panic!("the list is not read");
        };
        assert_eq!(elements.len(), MOST_ELEMENTS);
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let sample = read(r#"{"b":7}"#);
        let mut wrong = Wrong::default();
        let a = wrong.required("a", sample.a);
        let b = wrong.optional("b", sample.b);
        let Err(Failure::Wrong(told)) = wrong.end(a.zip(b)) else {
            panic!("nothing is told");
        };
        let fields: Vec<_> = told.iter().map(|invalid| &*invalid.field).collect();
        assert_eq!(fields, ["a", "b"]);
    }
}
