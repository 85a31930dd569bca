//! Reading the JSON objects of conditions: every member is known, and none is taken for what it is not.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::error::Error;

/// The members of an object, taken one by one; what is left at the [`end`](Members::end) is unknown.
pub(super) struct Members<'a> {
    field: &'a str,
    object: &'a Map<String, Value>,
    taken: usize,
}

impl<'a> Members<'a> {
    /// Of the object named `field`.
    pub(super) fn of(field: &'a str, value: &'a Value) -> Result<Self, Error> {
        let object = value
            .as_object()
            .ok_or_else(|| Error::invalid(field.to_owned(), "must be an object"))?;
        Ok(Self {
            field,
            object,
            taken: 0,
        })
    }

    /// The member `name` as `read` reads it. `null` is as good as absent.
    pub(super) fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Error> {
        self.value(name)
            .map(|value| read(value).map_err(|why| Error::invalid(self.path(name), why)))
            .transpose()
    }

    /// The member `name`, to be read with the name that it has within the policy.
    pub(super) fn take_nested<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str, &Value) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.value(name)
            .map(|value| read(&self.path(name), value))
            .transpose()
    }

    /// The member `name` is known, and refused unless it is `null`.
    pub(super) fn refuse(&mut self, name: &str, why: &'static str) -> Result<(), Error> {
        self.take(name, |_| Err(why)).map(|_: Option<()>| ())
    }

    /// Refuse every member that was not asked for.
    pub(super) fn end(self) -> Result<(), Error> {
        if self.taken == self.object.len() {
            Ok(())
        } else {
            Err(Error::invalid(
                self.field.to_owned(),
                "has a member that is not evaluated",
            ))
        }
    }

    fn value(&mut self, name: &str) -> Option<&'a Value> {
        let value = self.object.get(name)?;
        self.taken += 1;
        (!value.is_null()).then_some(value)
    }

    fn path(&self, name: &str) -> Cow<'static, str> {
        format!("{}.{name}", self.field).into()
    }
}

/// A list of at least one text, none of them empty: a list of none must not come to mean everyone (NT-50).
pub(super) fn texts(value: &Value) -> Result<Box<[Box<str>]>, &'static str> {
    const WHY: &str = "must be a list of texts that are not empty";
    let list = value.as_array().ok_or(WHY)?;
    if list.is_empty() {
        return Err("must not be empty");
    }
    list.iter()
        .map(|text| {
            text.as_str()
                .filter(|text| !text.is_empty())
                .map(Into::into)
                .ok_or(WHY)
        })
        .collect()
}

/// The same, or one text alone.
pub(super) fn text_or_texts(value: &Value) -> Result<Box<[Box<str>]>, &'static str> {
    match value {
        Value::String(text) if !text.is_empty() => Ok([text.as_str().into()].into()),
        _ => texts(value),
    }
}
